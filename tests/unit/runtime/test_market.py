"""Whether a silent stream is the market's silence, or misses trades."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from symbol_trader.core.events import PriceSeen
from symbol_trader.core.replies import Price
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

    queue: asyncio.Queue[Price | None] = field(default_factory=asyncio.Queue)
    reconnected_ms: list[int] = field(default_factory=list)
    closed: bool = False

    async def prices(self) -> AsyncIterator[Price | None]:
        while True:
            yield await self.queue.get()

    def reconnect(self) -> None:
        self.reconnected_ms.append(now_ms())

    async def close(self) -> None:
        self.closed = True


@dataclass
class Exchange:
    """An exchange that knows the last trade, or cannot be asked."""

    trade: Price | Exception | None = None
    held: bool = False
    asked: int = 0

    def now_ms(self) -> int:
        return now_ms()

    def held_until_ms(self) -> int | None:
        return now_ms() + 1_000 if self.held else None

    async def last_trade(self) -> Price | None:
        self.asked += 1
        if isinstance(self.trade, Exception):
            raise self.trade
        return self.trade


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
    changes: int = 0

    def __post_init__(self) -> None:
        self.health = Health(asyncio.get_running_loop().time)
        self.feed = MarketFeed(
            self.market,
            health=self.health,
            story=self.story,  # type: ignore[arg-type]  # a stand-in has what is used
            deliver=self.delivered.append,
            changed=self._changed,
            watch=WATCH,
        )
        work = (self.feed.pump(), self.feed.watch(self.exchange))  # type: ignore[arg-type]  # a stand-in has what is used
        self.tasks = [asyncio.ensure_future(one) for one in work]

    def _changed(self) -> None:
        self.changes += 1

    async def price(self, value: str = "2") -> Price:
        """Let a trade happen, and bring it."""
        trade = self.trade(value)
        self.market.queue.put_nowait(trade)
        await asyncio.sleep(0)
        return trade

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
