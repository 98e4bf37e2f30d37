"""Faults of what a client reads: rows that are missing, overload, bans, streams that are mute."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from paper_exchange.faults import READS, WRITES, Faults, RequestFault, Rule
from paper_exchange.protocol.limits import EVERYONE, Limits, LimitSettings
from paper_exchange.protocol.methods import METHODS
from paper_exchange.shell.admin_client import AdminRefusedError, call
from paper_exchange.shell.server import PaperExchange, serve
from unit.paper_exchange.clients import CONFIG
from unit.paper_exchange.sockets import Socket, socket, trade


@pytest.fixture
async def exchange() -> AsyncIterator[PaperExchange]:
    async with serve(CONFIG) as running:
        yield running


@pytest.fixture
async def client(exchange: PaperExchange) -> AsyncIterator[Socket]:
    async with socket(exchange) as connected:
        yield connected


async def disturb(exchange: PaperExchange, fault: str, target: str = "*", **params: Any) -> Any:
    return await call(exchange.admin_url, "fault", {"fault": fault, "target": target, **params})


class TestRowsMissing:
    @pytest.fixture
    async def client(self, exchange: PaperExchange) -> AsyncIterator[Socket]:
        """Return a client with two filled orders."""
        async with socket(exchange) as connected:
            await connected.order("BUY", "0.5", "100")
            await connected.order("BUY", "0.5", "100")
            trade(exchange, "0.4", "1000")
            yield connected

    async def orders(self, client: Socket, **more: Any) -> list[int]:
        reply = await client.signed("myTrades", symbol="XRPUSDT", **more)
        assert reply["status"] == 200
        return [row["orderId"] for row in reply["result"]]

    async def test_all_of_them(self, exchange: PaperExchange, client: Socket) -> None:
        await disturb(exchange, "rows-missing", "myTrades", times=2)
        assert await self.orders(client) == []
        assert await self.orders(client, orderId=1) == []
        assert await self.orders(client) == [1, 2]

    async def test_those_of_one_order(self, exchange: PaperExchange, client: Socket) -> None:
        await disturb(exchange, "rows-missing", "myTrades", orderId=1, times=0)
        assert await self.orders(client, orderId=1) == []
        assert await self.orders(client, orderId=2) == [2]
        assert await self.orders(client) == [2]

    async def test_for_a_time(self, exchange: PaperExchange, client: Socket) -> None:
        await disturb(exchange, "rows-missing", "myTrades", forMs=60_000)
        assert [await self.orders(client) for _ in range(3)] == [[]] * 3
        await call(exchange.admin_url, "clear-faults")
        await disturb(exchange, "rows-missing", "myTrades", forMs=0)
        assert await self.orders(client) == [1, 2]

    async def test_an_error_stays_one(self, exchange: PaperExchange, client: Socket) -> None:
        await disturb(exchange, "rows-missing", "myTrades")
        refused = await client.signed("myTrades", symbol="NOPE")
        assert refused["error"]["code"] == -1121


def test_a_rule_ends_with_its_time() -> None:
    faults = Faults()
    faults.add(Rule(RequestFault.TIMEOUT, "time", times=0, until_ms=1_000))
    assert faults.of_request("time", 999)
    assert not faults.of_request("time", 1_000)


def test_every_method_that_changes_something_is_no_read() -> None:
    changing = {name for name, method in METHODS.items() if method.free_if_done}
    changing |= {"order.amend.keepPriority"}
    changing |= {name for name in METHODS if name.startswith("userDataStream")}
    assert changing == WRITES


async def test_reads_are_overloaded_as_often_as_told(
    exchange: PaperExchange, client: Socket
) -> None:
    await disturb(exchange, "refused", READS, code=-1008, times=2)
    assert (await client.order("BUY", "0.5", "100"))["status"] == 200
    replies = [
        await client.signed("account.status"),
        await client.call("time"),
        await client.signed("openOrders.status", symbol="XRPUSDT"),
    ]
    assert [reply["status"] for reply in replies] == [400, 400, 200]
    assert replies[0]["error"] == {
        "code": -1008,
        "msg": "Server is currently overloaded with other requests. "
        "Please try again in a few minutes.",
    }


class TestBan:
    async def test_a_banned_address_is_told_until_when(
        self, exchange: PaperExchange, client: Socket
    ) -> None:
        until = (await call(exchange.admin_url, "ban", {"ms": 60_000}))["until"]
        assert 0 < until - time.time() * 1000 <= 60_000
        refused = await client.order("BUY", "0.5", "100")
        assert refused["status"] == 418
        assert refused["error"]["code"] == -1003
        assert refused["error"]["data"]["retryAfter"] == until
        assert f"IP banned until {until}" in refused["error"]["msg"]
        assert not exchange.venue.engine.book("XRPUSDT").orders
        await call(exchange.admin_url, "ban", {"ms": 0})
        assert (await client.order("BUY", "0.5", "100"))["status"] == 200

    async def test_it_may_not_connect_either(self, exchange: PaperExchange) -> None:
        await call(exchange.admin_url, "ban", {"ms": 60_000})
        with pytest.raises(InvalidStatus) as refused:
            async with connect(exchange.api_url):
                pass
        assert refused.value.response.status_code == 418
        async with connect(f"{exchange.stream_url}/ws"):
            pass  # the market streams are another service

    async def test_other_addresses_are_not_banned(
        self, exchange: PaperExchange, client: Socket
    ) -> None:
        await call(exchange.admin_url, "ban", {"ms": 60_000, "address": "10.9.9.9"})
        assert (await client.call("ping"))["status"] == 200

    def test_a_ban_ends(self) -> None:
        limits = Limits(LimitSettings())
        limits.ban(1_000, EVERYONE)
        with pytest.raises(Exception, match="banned until 1000"):
            limits.charge("10.0.0.1", 999, 1)
        limits.charge("10.0.0.1", 1_000, 1)


class TestMute:
    @pytest.fixture
    async def stream(self, exchange: PaperExchange) -> AsyncIterator[Any]:
        names = "xrpusdt@trade/xrpusdt@bookTicker"
        async with connect(f"{exchange.stream_url}/stream?streams={names}") as connection:
            yield connection

    async def kinds(self, exchange: PaperExchange, stream: Any) -> list[str]:
        """Let a trade happen and return what is told before a reply that comes after it."""
        trade(exchange, "0.5", "1")
        await stream.send('{"method": "LIST_SUBSCRIPTIONS", "id": 1}')
        found: list[str] = []
        while True:
            message = json.loads(await stream.recv())
            if "stream" not in message:
                return found
            found.append(message["stream"].partition("@")[2])

    @pytest.mark.parametrize(
        ("kinds", "told"),
        [("all", []), ("trades", ["bookTicker"]), ("quotes", ["trade"])],
    )
    async def test_a_stream_is_silent_and_stays_open(
        self, exchange: PaperExchange, stream: Any, kinds: str, told: list[str]
    ) -> None:
        assert await call(exchange.admin_url, "mute", {"kinds": kinds}) == {"connections": 1}
        assert await self.kinds(exchange, stream) == told
        await asyncio.wait_for(await stream.ping(), 5)
        await call(exchange.admin_url, "mute", {"kinds": "none"})
        assert await self.kinds(exchange, stream) == ["trade", "bookTicker"]

    @pytest.mark.parametrize(("also_new", "told"), [(False, ["trade"]), (True, [])])
    async def test_a_new_connection_hears_unless_told_otherwise(
        self, exchange: PaperExchange, also_new: bool, told: list[str]
    ) -> None:
        await call(exchange.admin_url, "mute", {"alsoNew": also_new})
        url = f"{exchange.stream_url}/stream?streams=xrpusdt@trade"
        async with connect(url) as later:
            assert await self.kinds(exchange, later) == told


@pytest.mark.parametrize(
    ("command", "params", "text"),
    [
        ("mute", {"kinds": "noise"}, "quotes"),
        ("ban", {"ms": -1}, "negative"),
        ("fault", {"fault": "timeout", "forMs": -1}, "negative"),
    ],
)
async def test_what_cannot_be_done_is_refused(
    exchange: PaperExchange, command: str, params: dict[str, Any], text: str
) -> None:
    with pytest.raises(AdminRefusedError, match=text):
        await call(exchange.admin_url, command, params)
