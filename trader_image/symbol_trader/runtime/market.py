"""The symbol's prices on their way to the leader, and whether they still come.

A stream may be open and silent. Whether that is the market's silence, the exchange is asked: a
trade that is newer than the last price heard means that the stream has missed it.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from symbol_trader.core.events import PriceSeen
from symbol_trader.core.replies import Price
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


WATCH = Watch()


class MarketFeed:
    """The prices of one symbol, for as long as the process lives."""

    def __init__(
        self,
        market: Market,
        *,
        health: Health,
        story: Story,
        deliver: Callable[[PriceSeen], None],
        changed: Callable[[], None],
        watch: Watch,
    ) -> None:
        """Pass prices to `deliver`; `changed` is called when none come any more."""
        self._market = market
        self._health = health
        self._story = story
        self._deliver = deliver
        self._changed = changed
        self._watch = watch

    async def pump(self) -> None:
        """Deliver each price, until it is canceled."""
        try:
            async for price in self._market.prices():
                self._bring(price)
        finally:
            await self._market.close()

    def _bring(self, price: Price | None) -> None:
        if price is None:
            self._health.market_fresh = False
            self._changed()
            return
        self._health.price_received(price.time_ms)
        received_s = self._health.price_received_s
        self._deliver(PriceSeen(price.price, price.price, price.time_ms, received_s))

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
        self._health.market_fresh = False
        self._changed()
        silent_s = round(self._health.market_age_s)
        self._story.warn("the market stream misses trades: reconnecting", silent_s=silent_s)
        self._market.reconnect()
