"""The symbol's prices on their way to the leader, and whether they still come.

A stream may be open and silent. Whether that is the market's silence, the exchange is asked: a
trade that is newer than the last price heard means that the stream has missed it.

A stream may also miss trades and go on: the ids of trades tell. To a buy that is no matter, for it
follows from the newest price. But a rebuy trigger judges the lowest price, and a fall that was in
the gap alone would not pull it: one trader less would be started, until the price falls again. So
the exchange is asked for the lowest price of the gap, if a trigger is armed and the gap is short:
of a fall that is long over nobody buys, as of any old price.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal

from symbol_trader.core.events import PriceSeen
from symbol_trader.core.replies import Price, TradeGap
from symbol_trader.errors import Unavailable
from symbol_trader.ports import Exchange, Market
from symbol_trader.runtime.health import Health
from symbol_trader.runtime.story import Story


@dataclass(frozen=True, slots=True)
class Watch:
    """When to doubt a silent stream, in seconds: in sum a fault is found within a minute."""

    silent_s: float = 30.0
    """A stream that was silent for so long is doubted."""
    look_s: float = 20.0
    """The exchange is asked for its last trade so often then."""
    underway_s: float = 5.0
    """A trade that it names may be on its way for so long."""
    gap_s: float = 60.0
    """Of a gap that began longer ago than this, nothing is asked any more."""


WATCH = Watch()

_GAPS_MAX = 16
"""Gaps that wait to be asked for; of more, the newest count."""


class MarketFeed:
    """The prices of one symbol, for as long as the process lives."""

    def __init__(
        self,
        market: Market,
        *,
        health: Health,
        story: Story,
        is_quiet: Callable[[Decimal], bool],
        deliver: Callable[[PriceSeen], None],
        changed: Callable[[], None],
        missed: Callable[[TradeGap], None],
        trigger: Callable[[], Decimal],
        watch: Watch,
    ) -> None:
        """Pass prices to `deliver`, but for those that `is_quiet` has taken in.

        `changed` is called when none come any more.
        `missed` counts gaps. `trigger` returns the price below which a rebuy trigger is pulled now,
        zero where none is armed.
        """
        self._market = market
        self._health = health
        self._story = story
        self._is_quiet = is_quiet
        self._deliver = deliver
        self._changed = changed
        self._missed = missed
        self._trigger = trigger
        self._watch = watch
        self._newest: Price | None = None
        self._gaps: deque[TradeGap] = deque(maxlen=_GAPS_MAX)
        self._gap_came = asyncio.Event()

    async def pump(self) -> None:
        """Deliver each price, until it is canceled."""
        try:
            async for price in self._market.prices():
                self._bring(price)
        finally:
            await self._market.close()

    def _bring(self, news: Price | TradeGap | None) -> None:
        if isinstance(news, Price):
            self._health.price_received(news.time_ms)
            self._newest = news
            if not self._is_quiet(news.price):
                self._deliver(self._seen(news, news.price))
        elif news is None:
            self._health.market_fresh = False
            self._changed()
        else:
            self._note_gap(news)

    def _seen(self, newest: Price, lowest: Decimal) -> PriceSeen:
        return PriceSeen(newest.price, lowest, newest.time_ms, self._health.price_received_s)

    def _note_gap(self, gap: TradeGap) -> None:
        self._story.warn(
            "the market stream missed trades", trades=gap.count, ms=gap.before_ms - gap.after_ms
        )
        self._missed(gap)
        self._gaps.append(gap)
        self._gap_came.set()

    async def fill_gaps(self, exchange: Exchange) -> None:
        """Bring the lowest price of each gap, while a session with the exchange stands."""
        while True:
            await self._gap_came.wait()
            self._gap_came.clear()
            while self._gaps:
                with suppress(Unavailable):
                    await self._fill(self._gaps.popleft(), exchange)

    async def _fill(self, gap: TradeGap, exchange: Exchange) -> None:
        began_ms = exchange.now_ms() - round(self._watch.gap_s * 1_000)
        if gap.after_ms < began_ms or not self._trigger():
            return
        lowest = await exchange.lowest_price(gap)
        if lowest is not None and self._newest is not None and lowest < self._newest.price:
            self._deliver(self._seen(self._newest, lowest))

    async def watch(self, exchange: Exchange) -> None:
        """Look, while a session with the exchange stands, whether a silent stream misses trades."""
        began_ms = exchange.now_ms()
        while True:
            silent_s = self._health.market_age_s
            if silent_s < self._watch.silent_s:
                await asyncio.sleep(self._watch.silent_s - silent_s)
                continue
            with suppress(Unavailable):
                if await self._missed_trades(exchange, began_ms):
                    self._reconnect()
            await asyncio.sleep(self._watch.look_s)

    async def _missed_trades(self, exchange: Exchange, began_ms: int) -> bool:
        """Return whether there were trades, and no price came of them."""
        if exchange.held_until_ms() is not None:
            return False
        heard_ms = self._health.price_time_ms
        trade = await exchange.last_trade()
        if trade is None or trade.time_ms <= (began_ms if heard_ms is None else heard_ms):
            return False
        await asyncio.sleep(self._watch.underway_s)
        return self._health.price_time_ms == heard_ms

    def _reconnect(self) -> None:
        if not self._market.reconnect():
            return
        self._health.market_fresh = False
        self._changed()
        silent_s = round(self._health.market_age_s)
        self._story.warn("the market stream misses trades: reconnecting", silent_s=silent_s)
