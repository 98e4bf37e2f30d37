"""A client of the WebSocket API without a socket: requests in, replies and events out."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

from paper_exchange.accounts import AccountConfig, Key
from paper_exchange.core.errors import ExchangeError
from paper_exchange.core.market import MarketTrade
from paper_exchange.core.symbols import Filters, Symbol
from paper_exchange.market.source import Manual
from paper_exchange.protocol.api import Reply
from paper_exchange.protocol.session import ApiSession
from paper_exchange.protocol.signing import payload, sign
from paper_exchange.shell.assembly import make_api, open_venue
from paper_exchange.shell.config import Config

D = Decimal
START = 1_700_000_000_000
XRPUSDT = Symbol("XRPUSDT", "XRP", "USDT", Filters.of(D("0.0001"), D("0.1"), D(5)))
BTCUSDT = Symbol("BTCUSDT", "BTC", "USDT", Filters.of(D("0.01"), D("0.00001"), D(5)))
SECRETS = {"key-a": "secret-a", "key-a2": "secret-a2", "key-b": "secret-b"}
FUNDS = tuple((asset, D(1000)) for asset in ("USDT", "XRP", "BTC"))
ACCOUNTS = (
    AccountConfig("a", (Key("key-a", "secret-a"), Key("key-a2", "secret-a2")), FUNDS),
    AccountConfig("b", (Key("key-b", "secret-b"),), FUNDS),
)
CONFIG = Config(source=Manual((XRPUSDT, BTCUSDT)), accounts=ACCOUNTS)


class Client:
    """A connection to an exchange of its own whose clock stands still unless moved."""

    def __init__(self, **changes: Any) -> None:
        self.now = START
        config = replace(CONFIG, **changes)
        self.venue = open_venue(config, lambda: self.now)
        self.api = make_api(config, self.venue)
        self.session = ApiSession("10.0.0.1", self.now)

    def send(self, text: str) -> Any:
        """Send a request's text and return the reply as JSON would show it."""
        reply = self.reply(text)
        if reply.step:
            self.venue.publish(reply.step)
        return json.loads(json.dumps(reply.body))

    def reply(self, text: str) -> Reply:
        """Answer as a connection does."""
        try:
            request = self.api.parse(text)
        except ExchangeError as error:
            return self.api.refuse(self.session, error)
        return self.api.answer(self.session, request, self.now)

    def call(self, method: str, **params: Any) -> Any:
        """Send an unsigned request."""
        return self.send(json.dumps({"id": 1, "method": method, "params": params}))

    def signed(self, method: str, *, key: str = "key-a", **params: Any) -> Any:
        """Send a signed request; a parameter of None is left out."""
        return self.call(method, **self.sign(key, **params))

    def sign(self, key: str, **params: Any) -> dict[str, Any]:
        """Complete and sign parameters."""
        full = {"apiKey": key, "timestamp": str(self.now), **params}
        full = {name: value for name, value in full.items() if value is not None}
        return {**full, "signature": sign(SECRETS[key], payload(full))}

    def order(
        self, side: str = "BUY", price: Any = "0.5", quantity: Any = "100", **more: Any
    ) -> Any:
        """Place a limit order."""
        return self.signed(
            "order.place",
            **{
                "symbol": "XRPUSDT",
                "side": side,
                "type": "LIMIT",
                "timeInForce": "GTC",
                "price": price,
                "quantity": quantity,
                **more,
            },
        )

    def trade(self, price: str, quantity: str, *, seller_aggressed: bool = True) -> None:
        """Let an outside trade happen."""
        self.venue.trade(MarketTrade("XRPUSDT", D(price), D(quantity), seller_aggressed))


def error(reply: Any) -> tuple[int, str]:
    """Return an error reply's code and message."""
    return reply["error"]["code"], reply["error"]["msg"]
