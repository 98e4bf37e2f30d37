"""What the client does not send because a limit is used up, and what it shares with others."""

import time
from dataclasses import dataclass, field
from typing import Any

import pytest

from symbol_trader.binance.budgets import Allowed, Budget, StatedLimits
from symbol_trader.binance.client import BinanceExchange
from symbol_trader.binance.clock import Clock
from symbol_trader.binance.errors import RateLimited, RequestRefused
from symbol_trader.core.replies import Accepted, NotSent, Refused
from symbol_trader.errors import DatabaseUnavailable, UnknownSymbol
from unit.binance import payloads
from unit.binance.payloads import CANCEL, INTENT, SYMBOL
from unit.binance.scripted import Answer, Request, ScriptedExchange, refuse, reply, scripted, send
from unit.binance.test_client import KEY, NOW_MS, opened_at, settings_for

DAY = {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 1_000}
WEIGHT = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6_000}


@dataclass
class Slots:
    """Slots that a test hands out."""

    ends_s: float | None = 0.0
    reserved: list[float] = field(default_factory=list)

    async def reserve(self, length_s: float, within_s: float) -> float | None:
        self.reserved.append(length_s)
        return self.ends_s


@dataclass
class Known:
    """What leaders have told each other."""

    replies: dict[tuple[str, str, str], tuple[Any, float]] = field(default_factory=dict)
    forgotten: list[tuple[str, str]] = field(default_factory=list)

    async def find(
        self, method: str, symbol: str, account: str, age_max_s: float
    ) -> tuple[Any, float] | None:
        found = self.replies.get((method, symbol, account))
        return found if found and found[1] <= age_max_s else None

    async def keep(self, method: str, symbol: str, account: str, result: Any) -> None:
        self.replies[method, symbol, account] = (result, 0.0)

    async def forget(self, method: str, symbol: str) -> None:
        self.forgotten.append((method, symbol))


def budget_of(weight: Slots, orders: Slots | None = None) -> Budget:
    return Budget(weight, lambda _: orders or Slots(), clock=lambda: 0.0, random=lambda: 0.5)


def client_of(exchange: ScriptedExchange, **changes: Any) -> BinanceExchange:
    return BinanceExchange(
        settings_for(exchange.url),
        KEY,
        monotonic_ns=changes.pop("monotonic_ns", time.monotonic_ns),
        random=lambda: 0.5,
        **changes,
    )


def using(result: Any, *limits: dict[str, Any]) -> Answer:
    """Answer with a result, and what is used of limits."""

    async def answer(request: Request) -> None:
        await send(
            request.connection, id=request.id, status=200, result=result, rateLimits=list(limits)
        )

    return answer


async def test_orders_wait_once_the_day_is_used_up_and_cancels_do_not() -> None:
    async with scripted() as exchange:
        exchange.on("order.place", using(payloads.placed(), {**DAY, "count": 1_000}))
        exchange.on("order.cancel", reply(payloads.canceled()))
        async with opened_at(exchange) as client:
            assert isinstance(await client.place(INTENT), Accepted)
            kept = await client.place(INTENT)
            assert isinstance(await client.cancel(CANCEL), Accepted)

    assert isinstance(kept, Refused)
    assert kept.code == -1015
    left_ms = 86_400_000 - NOW_MS % 86_400_000
    assert kept.message == (
        f"not sent: the limits of address and account are used up for {left_ms / 1_000:.3f} s"
    )
    assert len(exchange.asked("order.place")) == 1


async def test_refused_orders_are_tried_again_when_the_exchange_says_and_all_else_goes_on() -> None:
    async with scripted() as exchange:
        exchange.on(
            "order.place", refuse(429, -1015, "Too many new orders", retryAfter=NOW_MS + 1_234)
        )
        exchange.on("order.cancel", reply(payloads.canceled()))
        exchange.on("account.status", reply(payloads.account()))
        async with opened_at(exchange) as client:
            first, second = [await client.place(INTENT) for _ in range(2)]
            assert isinstance(await client.cancel(CANCEL), Accepted)
            await client.account()
            assert client.held_until_ms() is None

    assert isinstance(first, Refused)
    assert isinstance(second, Refused)
    assert second.message.endswith("used up for 1.234 s")
    assert len(exchange.asked("order.place")) == 1


async def test_a_cancel_waits_where_it_would_be_refused_for_its_weight() -> None:
    async with scripted() as exchange:
        exchange.on("account.status", using(payloads.account(), {**WEIGHT, "count": 6_000}))
        async with opened_at(exchange) as client:
            await client.account()
            kept = await client.cancel(CANCEL)
            assert not await client.has_room()

    minute_ms = NOW_MS - NOW_MS % 60_000 + 60_000
    assert kept == NotSent(
        minute_ms, "order.cancel was not sent: the exchange limits requests for now"
    )
    assert exchange.asked("order.cancel") == []


async def test_an_order_without_a_slot_is_not_sent() -> None:
    orders = Slots(ends_s=None)
    async with scripted() as exchange:
        exchange.on("account.status", reply(payloads.account()))
        client = client_of(exchange, budget=budget_of(Slots(), orders))
        await client.open()
        await client.account()
        kept = await client.place(INTENT)
        await client.close()

    assert isinstance(kept, Refused)
    assert kept.code == -1015
    assert "all leaders on the account" in kept.message
    assert exchange.asked("order.place") == []
    assert len(orders.reserved) == 1


async def test_all_that_is_asked_is_reserved_by_its_weight() -> None:
    weight = Slots()
    async with scripted() as exchange:
        exchange.on("account.status", reply(payloads.account()))
        client = client_of(exchange, budget=budget_of(weight))
        await client.open()
        assert await client.has_room()
        await client.account()
        await client.close()

    spacing_s = StatedLimits().reads.spacing_s
    units = [round(length_s / spacing_s) for length_s in weight.reserved]
    connection, clock, subscription, room, account = 2, 1, 2, 0, 20
    assert units == [connection, clock, subscription, room, account]


async def test_who_would_wait_long_is_told_when_to_come_back() -> None:
    async with scripted() as exchange:
        client = client_of(exchange, budget=budget_of(Slots(ends_s=200.0)))
        with pytest.raises(RateLimited, match="ask as much as they may") as caught:
            await client.open()

    assert caught.value.retry_in_s == pytest.approx(200 - StatedLimits().reads.burst_s)
    assert exchange.connections == []


class NoSlots(Slots):
    """A record that is away."""

    async def reserve(self, length_s: float, within_s: float) -> float | None:
        raise DatabaseUnavailable("cut")


async def test_no_session_waits_for_its_static_share_while_the_record_is_away() -> None:
    """It would keep the leader from the record for a minute, which may be back at once."""
    async with scripted() as exchange:
        client = client_of(exchange, budget=budget_of(NoSlots()))
        with pytest.raises(DatabaseUnavailable):
            await client.open()
    assert exchange.connections == []


async def test_a_short_wait_is_waited_out() -> None:
    weight = Slots(ends_s=StatedLimits().reads.burst_s + 0.01)
    async with scripted() as exchange:
        client = client_of(exchange, budget=budget_of(weight))
        await client.open()
        await client.close()
    assert len(exchange.connections) == 1


async def test_a_clock_that_was_measured_lately_is_not_measured_by_the_next_session() -> None:
    now_ns = [0]
    clock = Clock(lambda: now_ns[0])
    async with scripted() as exchange:
        for later_s, asked in ((0, 1), (299, 1), (301, 2)):
            now_ns[0] = later_s * 1_000_000_000
            client = client_of(exchange, clock=clock, monotonic_ns=lambda: now_ns[0])
            await client.open()
            await client.close()
            assert len(exchange.asked("time")) == asked


async def test_the_limits_are_those_that_the_exchange_states() -> None:
    limits = [
        {**WEIGHT, "limit": 1_200},
        {**DAY, "interval": "SECOND", "intervalNum": 10, "limit": 100},
        DAY,
        {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 0},
        {"rateLimitType": "ORDERS", "interval": "FORTNIGHT", "intervalNum": 1, "limit": 1},
        {"rateLimitType": "OTHER", "interval": "MINUTE", "intervalNum": 1, "limit": 1},
    ]
    budget = budget_of(Slots())
    async with scripted() as exchange:
        exchange.on("exchangeInfo", reply({**payloads.exchange_info(), "rateLimits": limits}))
        client = client_of(exchange, budget=budget)
        await client.open()
        await client.symbol()
        await client.close()

    assert budget.stated == StatedLimits(weight=Allowed(1_200, 60.0), orders=Allowed(100, 10.0))


async def test_what_another_leader_read_lately_is_not_asked_for() -> None:
    known, account = Known(), str(payloads.account()["uid"])
    async with scripted() as exchange:
        exchange.on("exchangeInfo", reply(payloads.exchange_info()))
        exchange.on("account.status", reply(payloads.account()))
        exchange.on("account.commission", reply(payloads.commission()))
        for asked in (1, 1, 2):
            client = client_of(exchange, known=known)
            await client.open()
            await client.account()
            age_max_s = 600.0 if asked == 1 else 0.0
            info = await client.symbol(age_max_s)
            commission = await client.commission(age_max_s)
            assert len(exchange.asked("exchangeInfo")) == asked
            assert len(exchange.asked("account.commission")) == asked
            known.replies["exchangeInfo", SYMBOL, account] = (payloads.exchange_info(), 60.0)
            await client.close()

    assert info.name == SYMBOL
    assert commission.buy > 0
    assert set(known.replies) == {
        ("exchangeInfo", SYMBOL, account),
        ("account.commission", SYMBOL, account),
    }


async def test_what_is_taken_from_another_leader_is_as_old_as_it_is() -> None:
    known = Known({("exchangeInfo", SYMBOL, ""): (payloads.exchange_info(), 60.0)})
    async with scripted() as exchange:
        exchange.on("time", reply({"serverTime": NOW_MS}))
        client = client_of(exchange, known=known, monotonic_ns=lambda: 0)
        await client.open()
        info = await client.symbol(600.0)
        await client.close()
    assert info.read_ms == NOW_MS - 60_000


async def test_a_symbol_that_the_exchange_denies_is_forgotten_by_all() -> None:
    known = Known()
    async with scripted() as exchange:
        exchange.on("exchangeInfo", refuse(400, -1121, "Invalid symbol."))
        exchange.on(
            "openOrders.status",
            refuse(400, -1121, "Invalid symbol."),
            refuse(400, -1121, "Invalid symbol."),
            refuse(400, -1100, "another"),
        )
        client = client_of(exchange, known=known)
        await client.open()
        with pytest.raises(RequestRefused):
            await client.open_orders()
        assert known.forgotten == [("exchangeInfo", SYMBOL)]
        with pytest.raises(UnknownSymbol):
            await client.symbol(600.0)
        forgotten = len(known.forgotten)
        with pytest.raises(RequestRefused):
            await client.open_orders()
        await client.close()
    assert len(known.forgotten) == forgotten == 3
