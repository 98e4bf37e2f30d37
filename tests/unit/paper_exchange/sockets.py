"""A plain WebSocket client of a running exchange, and a trade by the administrator's hand."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from paper_exchange.core.market import MarketTrade
from paper_exchange.protocol.signing import payload, sign
from paper_exchange.shell.server import PaperExchange
from unit.paper_exchange.clients import SECRETS, D

KEYS = {**SECRETS, "paper": "paper-secret"}


class Socket:
    """A WebSocket API connection that keeps replies and events apart."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.events: list[Any] = []
        self._count = 0

    async def post(self, method: str, **params: Any) -> None:
        """Send a request and do not wait for its reply."""
        self._count += 1
        request = {"id": self._count, "method": method, "params": params}
        await self.connection.send(json.dumps(request))

    async def call(self, method: str, **params: Any) -> Any:
        await self.post(method, **params)
        while True:
            message = json.loads(await self.connection.recv())
            if message.get("id") == self._count:
                return message
            self.events.append(message)

    async def signed(self, method: str, *, key: str = "key-a", **params: Any) -> Any:
        return await self.call(method, **sealed(key, params))

    async def order(self, side: str, price: str, quantity: str, **more: Any) -> Any:
        return await self.signed("order.place", **limit(side, price, quantity), **more)

    async def event(self) -> Any:
        """Return the next user data event."""
        if not self.events:
            self.events.append(json.loads(await self.connection.recv()))
        return self.events.pop(0)["event"]


def limit(side: str, price: str, quantity: str) -> dict[str, str]:
    terms = {"symbol": "XRPUSDT", "side": side, "type": "LIMIT", "timeInForce": "GTC"}
    return {**terms, "price": price, "quantity": quantity}


def sealed(key: str, params: dict[str, Any]) -> dict[str, Any]:
    """Complete and sign parameters."""
    full = {"apiKey": key, "timestamp": int(time.time() * 1000), **params}
    return {**full, "signature": sign(KEYS[key], payload(strings(full)))}


def strings(params: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in params.items()}


@asynccontextmanager
async def socket(exchange: PaperExchange, query: str = "") -> AsyncIterator[Socket]:
    async with connect(exchange.api_url + query) as connection:
        yield Socket(connection)


def trade(exchange: PaperExchange, price: str, quantity: str, *, seller: bool = True) -> None:
    exchange.venue.trade(MarketTrade("XRPUSDT", D(price), D(quantity), buyer_is_maker=seller))
