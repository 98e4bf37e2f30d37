"""Whether a silent stream is the market's silence, or misses trades."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from symbol_trader.core.events import PriceSeen
from symbol_trader.core.replies import Price, TradeGap
from symbol_trader.errors import ExchangeUnavailable
from symbol_trader.runtime.health import Health
from symbol_trader.runtime.market import WATCH, MarketFeed
from unit.core.builders import D
from unit.runtime import virtual


def now_ms() -> int:
    return round(asyncio.get_running_loop().time() * 1_000)


@dataclass
class Market:
    """A stream that brings what it is given, and counts how often it reconnects."""

    queue: asyncio.Queue[Price | TradeGap | None] = field(default_factory=asyncio.Queue)
    reconnected_ms: list[int] = field(default_factory=list)
    is_young: bool = False
    closed: bool = False

    async def prices(self) -> AsyncIterator[Price | TradeGap | None]:
        while True:
            yield await self.queue.get()

    def reconnect(self) -> bool:
        if self.is_young:
            return False
        self.reconnected_ms.append(now_ms())
        return True

    async def close(self) -> None:
        self.closed = True


@dataclass
class Exchange:
    """An exchange that knows the last trade, or cannot be asked."""

    trade: Price | Exception | None = None
    held: bool = False
    asked: int = 0
    lowest: Decimal | Exception | None = None
    gaps: list[TradeGap] = field(default_factory=list)

    def now_ms(self) -> int:
        return now_ms()

    def held_until_ms(self) -> int | None:
        return now_ms() + 1_000 if self.held else None

    async def last_trade(self) -> Price | None:
        self.asked += 1
        if isinstance(self.trade, Exception):
            raise self.trade
        return self.trade

    async def lowest_price(self, gap: TradeGap) -> Decimal | None:
        self.gaps.append(gap)
        if isinstance(self.lowest, Exception):
            raise self.lowest
        return self.lowest


@dataclass
class Told:
    lines: list[str] = field(default_factory=list)

    def warn(self, event: str, **_: Any) -> None:
        self.lines.append(event)


@dataclass
class Scene:
    """A feed with all around it."""

    market: Market = field(default_factory=Market)
    exchange: Exchange = field(default_factory=Exchange)
    story: Told = field(default_factory=Told)
    delivered: list[PriceSeen] = field(default_factory=list)
    missed: list[TradeGap] = field(default_factory=list)
    changes: int = 0
    trigger: Decimal = Decimal(1)
    quiet_from: Decimal = Decimal("Infinity")

    def __post_init__(self) -> None:
        self.health = Health(asyncio.get_running_loop().time)
        self.feed = MarketFeed(
            self.market,
            health=self.health,
            story=self.story,  # type: ignore[arg-type]  # a stand-in has what is used
            is_quiet=lambda price: price >= self.quiet_from,
            deliver=self.delivered.append,
            changed=self._changed,
            missed=self.missed.append,
            trigger=lambda: self.trigger,
            watch=WATCH,
        )
        exchange: Any = self.exchange
        work = (self.feed.pump(), self.feed.watch(exchange), self.feed.fill_gaps(exchange))
        self.tasks = [asyncio.ensure_future(one) for one in work]

    def _changed(self) -> None:
        self.changes += 1

    async def price(self, value: str = "2") -> Price:
        """Let a trade happen, and bring it."""
        trade = self.trade(value)
        self.market.queue.put_nowait(trade)
        await asyncio.sleep(0)
        return trade

    async def gap(self, count: int = 3, ms: int = 1_000) -> TradeGap:
        """Let trades be missed that took some time, and bring the one that shows it."""
        gap = TradeGap(2, 1 + count, now_ms() - ms, now_ms())
        self.market.queue.put_nowait(gap)
        await self.price()
        await asyncio.sleep(0.001)
        return gap

    def trade(self, value: str = "2") -> Price:
        """Let a trade happen that nobody hears of."""
        self.exchange.trade = trade = Price(1, D(value), now_ms())
        return trade

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        assert self.market.closed


def test_a_stream_that_misses_trades_is_opened_anew_within_a_minute() -> None:
    async def story() -> None:
        scene = Scene()
        await scene.price()
        assert scene.health.market_fresh
        began_ms = now_ms()
        while not scene.market.reconnected_ms:
            await asyncio.sleep(1)
            scene.trade()
        assert scene.market.reconnected_ms[0] - began_ms <= 60_000
        assert not scene.health.market_fresh
        assert "market data" in scene.health.missing
        assert scene.changes == len(scene.story.lines) == 1

        await scene.price()
        assert scene.health.market_fresh
        assert scene.health.market_age_s == 0
        await scene.close()

    virtual.run(story())


def test_a_stream_that_never_brought_a_price_is_opened_anew_as_well() -> None:
    async def story() -> None:
        scene = Scene()
        await asyncio.sleep(1)
        scene.trade()
        await asyncio.sleep(59)
        assert len(scene.market.reconnected_ms) == 1
        await scene.close()

    virtual.run(story())


def test_a_stream_that_was_opened_just_now_is_not_given_up() -> None:
    async def story() -> None:
        scene = Scene()
        await scene.price()
        scene.market.is_young = True
        scene.trade()
        await asyncio.sleep(60)
        assert scene.health.market_fresh
        assert scene.story.lines == []
        assert scene.changes == 0
        await scene.close()

    virtual.run(story())


def test_a_market_on_which_nothing_is_traded_is_no_fault() -> None:
    async def story() -> None:
        scene = Scene()
        await scene.price()
        await asyncio.sleep(1_800)
        assert scene.exchange.asked > 60
        assert scene.market.reconnected_ms == []
        assert scene.health.market_fresh
        await scene.close()

    virtual.run(story())


def test_a_trade_that_is_on_its_way_is_no_fault() -> None:
    async def story() -> None:
        scene = Scene()
        await scene.price()
        await asyncio.sleep(29.999)
        late = scene.trade()
        await asyncio.sleep(WATCH.underway_s - 1)
        scene.market.queue.put_nowait(late)
        await asyncio.sleep(29)
        assert scene.market.reconnected_ms == []
        await scene.close()

    virtual.run(story())


@pytest.mark.parametrize("held", [True, False])
def test_an_exchange_that_cannot_be_asked_is_asked_later(held: bool) -> None:
    async def story() -> None:
        scene = Scene()
        await scene.price()
        scene.exchange.held = held
        scene.exchange.trade = ExchangeUnavailable("no answer")
        await asyncio.sleep(300)
        assert scene.market.reconnected_ms == []
        assert (scene.exchange.asked == 0) is held

        scene.exchange.held = False
        scene.trade()
        await asyncio.sleep(30)
        assert len(scene.market.reconnected_ms) == 1
        await scene.close()

    virtual.run(story())


def test_a_lost_connection_is_said_at_once() -> None:
    async def story() -> None:
        scene = Scene()
        await scene.price()
        scene.market.queue.put_nowait(None)
        await asyncio.sleep(0)
        assert not scene.health.market_fresh
        assert scene.changes == 1
        await scene.close()

    virtual.run(story())


def test_a_gap_is_counted_and_said_and_its_lowest_price_is_brought() -> None:
    async def story() -> None:
        scene = Scene()
        scene.exchange.lowest = D("0.5")
        gap = await scene.gap()

        assert scene.missed == scene.exchange.gaps == [gap]
        assert scene.story.lines == ["the market stream missed trades"]
        assert [(seen.price, seen.lowest) for seen in scene.delivered] == [
            (D(2), D(2)),
            (D(2), D("0.5")),
        ]
        assert scene.delivered[0].time_ms == scene.delivered[1].time_ms
        await scene.close()

    virtual.run(story())


def test_a_gap_in_which_no_price_was_lower_leads_to_nothing() -> None:
    async def story() -> None:
        scene = Scene()
        for lowest in (D(2), D(3), None):
            scene.exchange.lowest = lowest
            await scene.gap()
        assert len(scene.exchange.gaps) == len(scene.delivered) == 3
        await scene.close()

    virtual.run(story())


def test_a_quiet_price_is_not_delivered_and_is_the_newest_all_the_same() -> None:
    async def story() -> None:
        scene = Scene(quiet_from=D(3))
        await scene.price("3")
        assert scene.delivered == []
        assert scene.health.market_fresh
        scene.exchange.lowest = D("0.5")
        scene.market.queue.put_nowait(TradeGap(2, 4, now_ms(), now_ms()))
        await asyncio.sleep(0.001)
        assert [(seen.price, seen.lowest) for seen in scene.delivered] == [(D(3), D("0.5"))]
        await scene.close()

    virtual.run(story())


def test_of_a_gap_that_no_trigger_waits_for_nothing_is_asked() -> None:
    async def story() -> None:
        scene = Scene(trigger=D(0))
        gap = await scene.gap()
        assert scene.missed == [gap]
        assert scene.exchange.gaps == []
        await scene.close()

    virtual.run(story())


def test_of_a_gap_that_is_long_over_nothing_is_asked() -> None:
    async def story() -> None:
        scene = Scene()
        await asyncio.sleep(100)
        await scene.gap(ms=60_100)
        assert scene.exchange.gaps == []
        await scene.gap(ms=59_000)
        assert len(scene.exchange.gaps) == 1
        await scene.close()

    virtual.run(story())


def test_a_gap_that_cannot_be_asked_for_stays_one() -> None:
    async def story() -> None:
        scene = Scene()
        scene.exchange.lowest = ExchangeUnavailable("no answer")
        await scene.gap()
        scene.exchange.lowest = D("0.5")
        await scene.gap()
        assert len(scene.exchange.gaps) == 2
        assert [seen.lowest for seen in scene.delivered] == [D(2), D(2), D("0.5")]
        await scene.close()

    virtual.run(story())
