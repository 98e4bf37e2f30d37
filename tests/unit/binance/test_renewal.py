"""A connection gives way to another: the new one is ready first, and nothing is sent on both."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from symbol_trader.binance.client import BinanceExchange
from symbol_trader.binance.errors import RateLimited
from symbol_trader.binance.pacing import ConnectionPacer
from symbol_trader.binance.reconnects import Cause, Reconnects, Service
from symbol_trader.core.orders import ExecutionReport
from symbol_trader.core.replies import Accepted, BalanceChanged
from symbol_trader.errors import Unavailable
from unit.binance import payloads
from unit.binance.payloads import INTENT, POSITION
from unit.binance.scripted import (
    ScriptedExchange,
    refuse,
    reply,
    scripted,
    send,
    silence,
)
from unit.binance.test_client import KEY, settings_for

SUBSCRIBE = "userDataStream.subscribe.signature"
SHUTDOWN = {"e": "serverShutdown", "E": 1}


@pytest.fixture
async def exchange() -> AsyncIterator[ScriptedExchange]:
    async with scripted() as server:
        yield server


class Client(BinanceExchange):
    """A client that counts its reconnects."""

    def __init__(self, url: str, pacer: ConnectionPacer | None = None, **changes: Any) -> None:
        self.reconnects = Reconnects()
        quick = {"overlap_s": 0.05, "reconnect_first_s": 0.01, **changes}
        super().__init__(
            settings_for(url, **quick),
            KEY,
            monotonic_ns=lambda: round(asyncio.get_running_loop().time() * 1e9),
            random=lambda: 0.5,
            pacer=pacer,
            reconnects=self.reconnects,
        )

    def count(self, cause: Cause) -> int:
        return self.reconnects.counts[Service.API, cause]


@asynccontextmanager
async def opened(exchange: ScriptedExchange, **changes: Any) -> AsyncIterator[Client]:
    client = Client(exchange.url, **changes)
    await client.open()
    await exchange.heard(SUBSCRIBE)
    try:
        yield client
    finally:
        await client.close()


async def announced(exchange: ScriptedExchange) -> tuple[ServerConnection, ServerConnection]:
    """Announce the end of the connection, and wait until another one is made ready."""
    await exchange.push(SHUTDOWN)
    await exchange.heard(SUBSCRIBE)
    old, new = exchange.connections
    return old, new


async def renewed(
    exchange: ScriptedExchange, client: BinanceExchange
) -> tuple[ServerConnection, ServerConnection]:
    """Announce the end of the connection, and wait until another one is used."""
    connections = await announced(exchange)
    while client._line._old is None:  # noqa: ASYNC110 - no event tells of it
        await asyncio.sleep(0)
    return connections


async def tell(connection: ServerConnection, event: dict[str, Any]) -> None:
    await send(connection, subscriptionId=0, event=event)


async def reports_of(client: Client) -> list[int]:
    """Read user data until the report of execution 99; return the executions that came."""
    seen = []
    async for event in client.user_events():
        assert isinstance(event, ExecutionReport)
        seen.append(event.order.order_id)
        if seen[-1] == 99:
            return seen
    raise AssertionError("user data has no end")


async def test_requests_go_over_the_new_connection_once_it_is_ready(
    exchange: ScriptedExchange,
) -> None:
    exchange.on("order.place", reply(payloads.placed()))
    exchange.on("account.status", silence)

    async with opened(exchange) as client:
        due = asyncio.ensure_future(client.account())
        waiting = await exchange.heard("account.status")
        old, new = await renewed(exchange, client)
        assert isinstance(await client.place(INTENT), Accepted)

        assert not due.done()
        await reply(payloads.account())(waiting)
        assert (await due).uid
        await old.wait_closed()
        assert isinstance(await client.place(INTENT), Accepted)

    placed = [request for request in exchange.requests if request.method == "order.place"]
    assert [request.connection for request in placed] == [new, new]
    assert waiting.connection is old
    assert old.close_code == 1000
    assert client.count(Cause.ANNOUNCED) == 1


async def test_until_then_they_go_over_the_old_one(exchange: ScriptedExchange) -> None:
    exchange.on("order.place", reply(payloads.placed()))

    async with opened(exchange) as client:
        exchange.on(SUBSCRIBE, silence, reply({"subscriptionId": 0}))
        await announced(exchange)
        assert isinstance(await client.place(INTENT), Accepted)

    (placed,) = [request for request in exchange.requests if request.method == "order.place"]
    assert placed.connection is exchange.connections[0]


async def test_what_both_connections_bring_is_told_once(exchange: ScriptedExchange) -> None:
    async with opened(exchange, overlap_s=5) as client:
        old, new = await renewed(exchange, client)
        seen = []
        for connection, numbers in ((old, (1,)), (new, (1, 2)), (old, (2, 3)), (new, (3, 99))):
            for number in numbers:
                await tell(connection, payloads.report(i=number))
            event = await anext(client.user_events())
            assert isinstance(event, ExecutionReport)
            seen.append(event.order.order_id)

        assert seen == [1, 2, 3, 99]


async def test_a_connection_that_is_too_old_is_renewed(exchange: ScriptedExchange) -> None:
    async with opened(exchange, session_age_max_s=0.2) as client:
        await exchange.heard(SUBSCRIBE)
        await exchange.connections[0].wait_closed()
        await exchange.heard(SUBSCRIBE)

        assert client.count(Cause.AGE) >= 1
        assert client._line.current.link.ended is None


async def test_a_goodbye_while_both_are_open_ends_nothing(exchange: ScriptedExchange) -> None:
    async with opened(exchange, overlap_s=5) as client:
        old, new = await renewed(exchange, client)
        await tell(old, payloads.report(i=1))
        await old.close(1001)
        await tell(new, payloads.report(i=99))

        assert await reports_of(client) == [1, 99]


async def test_a_cut_while_both_are_open_may_have_cost_news(exchange: ScriptedExchange) -> None:
    async with opened(exchange, overlap_s=5) as client:
        old, _ = await renewed(exchange, client)
        old.transport.abort()

        with pytest.raises(Unavailable, match="was lost"):
            await anext(client.user_events())


async def test_a_renewal_is_tried_until_it_works(exchange: ScriptedExchange) -> None:
    exchange.on("account.status", reply(payloads.account()))
    async with opened(exchange) as client:
        exchange.on(SUBSCRIBE, refuse(400, -1130), reply({"subscriptionId": 0}))
        await exchange.push(SHUTDOWN)
        await exchange.heard(SUBSCRIBE)
        await exchange.heard(SUBSCRIBE)
        await exchange.connections[0].wait_closed()

        assert (await client.account()).uid

    assert len(exchange.connections) == 3


async def test_a_connection_that_ends_before_another_is_ready_ends_the_session(
    exchange: ScriptedExchange,
) -> None:
    async with opened(exchange) as client:
        exchange.on(SUBSCRIBE, silence)
        old, new = await announced(exchange)
        await old.close(1001)

        with pytest.raises(Unavailable, match="code 1001"):
            await anext(client.user_events())
    await new.wait_closed()
    assert client.count(Cause.LOST) == 1


async def test_a_key_that_is_refused_meanwhile_ends_the_session(
    exchange: ScriptedExchange,
) -> None:
    async with opened(exchange) as client:
        exchange.on(SUBSCRIBE, refuse(401, -2015))
        await exchange.push(SHUTDOWN)

        with pytest.raises(Unavailable, match="-2015"):
            await anext(client.user_events())


async def test_a_connection_that_answers_no_ping_is_given_up(exchange: ScriptedExchange) -> None:
    async with opened(exchange, ping_interval_s=0.05, ping_timeout_s=0.05) as client:
        exchange.connections[0].transport.pause_reading()

        with pytest.raises(Unavailable, match="keepalive ping timeout"):
            await anext(client.user_events())

    assert client.count(Cause.STALLED) == 1


class Slots:
    """Slots that end when they are told to."""

    def __init__(self, *ends_s: float) -> None:
        self._ends_s = list(ends_s)

    async def reserve(self, _: float) -> float | None:
        return self._ends_s.pop(0)


async def test_a_connection_waits_for_its_slot(exchange: ScriptedExchange) -> None:
    slots = Slots(1_000.0, 0.0)
    pacer = ConnectionPacer(slots, clock=asyncio.get_running_loop().time, random=lambda: 0.5)
    client = Client(exchange.url, pacer)

    with pytest.raises(RateLimited, match="too many connections") as caught:
        await client.open()

    assert caught.value.retry_in_s == pytest.approx(1_000 - 37.5, abs=1)
    assert not exchange.connections
    await client.close()


async def test_balances_of_the_slower_connection_are_not_taken_back(
    exchange: ScriptedExchange,
) -> None:
    async with opened(exchange, overlap_s=5) as client:
        old, new = await renewed(exchange, client)
        balances = [{"a": asset, "f": "7", "l": "0"} for asset in ("XRP", "USDT")]
        await tell(new, {**POSITION, "u": 1_700_000_002_001, "B": balances})
        first = await anext(client.user_events())
        await tell(old, POSITION)
        await tell(old, payloads.report(i=99))

        assert isinstance(first, BalanceChanged)
        assert set(first.free.values()) == {Decimal(7)}
        assert await reports_of(client) == [99]
