"""The exchange's side of what `stream` measures, in a process of its own.

It is no model of an exchange. By the path that a client connects to, it floods it at a fixed rate,
answers what a leader asks, or times how long a reaction to an execution report takes.
"""

import asyncio
import itertools
import json
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, Final

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.protocol import State

from unit.binance import payloads

TICK_S = 0.001
"""What is due is written so often, in one piece."""
QUIET_S = 0.002
"""So long a client is left alone before it is timed: it has done all that came before."""
PRICE_S = 0.02
"""Prices come so often while a leader has nothing to sell."""
PRICES = ("0.52310000", "0.52320000", "0.52300000", "0.52310000", "0.52330000")
REPORT = json.dumps({"subscriptionId": 0, "event": payloads.TRADE_REPORT}, separators=(",", ":"))
"""Its trade is number 777."""
READY = "listening on port"


def now_ms() -> int:
    """Return the time."""
    return int(time.time() * 1000)


def trade(number: int) -> str:
    """Make a public trade of now, as Binance writes it: without spaces."""
    at_ms = now_ms()
    return (
        f'{{"e":"trade","E":{at_ms},"s":"{payloads.SYMBOL}","t":{number},'
        f'"p":"{PRICES[number % len(PRICES)]}","q":"100.00000000","T":{at_ms},"m":true,"M":true}}'
    )


def report(number: int) -> str:
    """Make the report of a partial fill of an order that nobody has."""
    return REPORT.replace("777", str(number))


async def flood(connection: ServerConnection, rate: int, make: Callable[[int], str]) -> None:
    """Send so many messages a second until the client goes; a lag here is made up for."""
    began_s, sent = time.monotonic(), 0
    while connection.state is State.OPEN:
        due = int((time.monotonic() - began_s) * rate)
        texts = (make(number).encode() for number in range(sent + 1, due + 1))
        frames = (Frame(Opcode.TEXT, text).serialize(mask=False) for text in texts)
        connection.transport.write(b"".join(frames))
        sent = due
        await asyncio.sleep(TICK_S)


class Peer:
    """What its connections share."""

    def __init__(self) -> None:
        self.reactions: list[float] = []
        self._numbers = itertools.count(1)
        self._may_buy = asyncio.Event()

    async def serve(self, connection: ServerConnection) -> None:
        """Serve one connection, as its path says."""
        assert connection.request
        parts = connection.request.path.strip("/").split("/")
        try:
            match parts:
                case ["trades" | "reports" as kind, rate, *_]:
                    await flood(connection, int(rate), trade if kind == "trades" else report)
                case ["bare"]:
                    await self._time_bare(connection)
                case ["reactions"]:
                    await connection.send(json.dumps(self.reactions))
                    self.reactions.clear()
                case [_, "ws", _]:
                    await self._send_prices(connection)
                case ["rests" | "fills" as mode, "ws-api", _]:
                    await self._answer_all(connection, fills=mode == "fills")
        except ConnectionClosed:
            return

    async def _send_prices(self, connection: ServerConnection) -> None:
        """Send prices until there is a buy, and begin again after each sale."""
        for number in itertools.count(1):
            await self._may_buy.wait()
            await connection.send(trade(number))
            await asyncio.sleep(PRICE_S)

    # A leader.

    async def _answer_all(self, connection: ServerConnection, *, fills: bool) -> None:
        """Answer what is asked; an order that `fills` does so soon after its reply."""
        filled_s = 0.0
        self._may_buy.set()
        async for text in connection:
            heard_s = time.perf_counter()
            request: dict[str, Any] = json.loads(text)
            params = request["params"]
            result = self._result(request["method"], params)
            answer = {"id": request["id"], "status": 200, "result": result, "rateLimits": []}
            await connection.send(json.dumps(answer))
            if request["method"] == "order.place" and fills:
                if params["side"] == "SELL":
                    self.reactions.append(heard_s - filled_s)
                else:
                    self._may_buy.clear()
                filled = self._filled(result)
                await asyncio.sleep(QUIET_S)
                filled_s = time.perf_counter()
                await connection.send(filled)
                if params["side"] == "SELL":
                    self._may_buy.set()

    def _result(self, method: str, params: dict[str, Any]) -> Any:
        match method:
            case "time":
                return {"serverTime": now_ms()}
            case "order.place":
                return self._placed(params)
            case _:
                return {
                    "exchangeInfo": payloads.exchange_info(),
                    "account.status": payloads.account(),
                    "account.commission": payloads.commission(),
                    "userDataStream.subscribe.signature": {"subscriptionId": 0},
                    "myFilters": {"assetFilters": []},
                }.get(method, [])

    def _placed(self, params: dict[str, Any]) -> dict[str, Any]:
        return payloads.placed(
            orderId=next(self._numbers),
            clientOrderId=params["newClientOrderId"],
            price=params["price"],
            origQty=params["quantity"],
            side=params["side"],
            transactTime=params["timestamp"],
        )

    def _filled(self, placed: dict[str, Any]) -> str:
        """Make the report that an order was filled at once, by one trade and free of charge."""
        worth = f"{Decimal(placed['price']) * Decimal(placed['origQty'])}"
        quantity, number = placed["origQty"], next(self._numbers)
        order = {"c": placed["clientOrderId"], "i": placed["orderId"], "S": placed["side"]}
        terms = {"p": placed["price"], "L": placed["price"], "O": placed["transactTime"]}
        done = {"q": quantity, "l": quantity, "z": quantity, "Y": worth, "Z": worth}
        when = {"E": now_ms(), "T": now_ms(), "t": number, "I": number, "m": True}
        event = payloads.report(x="TRADE", X="FILLED", **order, **terms, **done, **when)
        return json.dumps({"subscriptionId": 0, "event": event})

    # A bare loop, which is sent the same and answers with an order of the same size.

    async def _time_bare(self, connection: ServerConnection) -> None:
        reply = self._placed(ORDER["params"])
        while True:
            await asyncio.sleep(QUIET_S)
            filled = self._filled(reply)
            filled_s = time.perf_counter()
            await connection.send(filled)
            order = await connection.recv()
            self.reactions.append(time.perf_counter() - filled_s)
            await connection.send(
                json.dumps({"id": json.loads(order)["id"], "status": 200, "result": reply})
            )


ORDER: Final[dict[str, Any]] = {
    "id": 12,
    "method": "order.place",
    "params": {
        "symbol": payloads.SYMBOL,
        "side": "SELL",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "price": "0.5231",
        "quantity": "40.0",
        "newClientOrderId": payloads.ORDER_ID,
        "newOrderRespType": "FULL",
        "timestamp": 1_700_000_000_000,
        "recvWindow": 3000,
        "apiKey": "paper",
        "signature": 64 * "0",
    },
}
"""What a reaction to a fill looks like on the wire."""


@asynccontextmanager
async def peer() -> AsyncIterator[str]:
    """Run it in a process of its own; yield the beginning of its addresses."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.peer", stdin=pipe, stdout=pipe
    )
    try:
        assert process.stdout
        line = (await process.stdout.readline()).decode()
        yield f"ws://127.0.0.1:{int(line.removeprefix(READY))}"
    finally:
        process.terminate()
        await process.wait()


async def main() -> None:
    """Serve until standard input ends, which it does with whoever has started this."""
    async with serve(Peer().serve, "127.0.0.1", 0, compression=None) as server:
        print(READY, server.sockets[0].getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.buffer.read)


if __name__ == "__main__":
    asyncio.run(main())
