"""Plays the market source against the wall clock: pause, resume, step, speed."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from decimal import Decimal

from paper_exchange.core.market import MarketTrade
from paper_exchange.market.source import MarketEvent, Source
from paper_exchange.venue import Venue

MOST_AT_ONCE = 500
"""Events in one batch; requests are served between batches."""

SHORTEST_SLEEP = 0.002
"""Seconds.  What is due within it happens together."""

log = logging.getLogger(__name__)


class Player:
    """Lets market events happen when they are due.

    Market time runs at `speed` times the clock from where it was last (re)started, so that lost
    time is caught up and a pause costs nothing.
    """

    def __init__(
        self, venue: Venue, source: Source, speed: Decimal, monotonic: Callable[[], float]
    ) -> None:
        self._venue = venue
        self._monotonic = monotonic
        self._speed = speed
        self._events: Iterator[MarketEvent] = source.play(
            venue.engine.state.position, lambda name: venue.engine.state.books[name].price
        )
        self._next: MarketEvent | None = next(self._events, None)
        self._has_market = source.has_market
        self._trades = 0
        self._changed = asyncio.Event()
        self._anchor: tuple[float, int] | None = None

    @property
    def paused(self) -> bool:
        """Return whether market time stands still."""
        return self._anchor is None

    @property
    def market_time(self) -> int | None:
        """Market time of the next event in milliseconds; None without one."""
        return self._next.time if self._next else None

    def resume(self) -> None:
        """Resume market time from the next event."""
        if self._anchor is None and self._next:
            self._anchor = (self._monotonic(), self._next.time)
            self._changed.set()

    def pause(self) -> None:
        """Stop market time; nothing more is published by itself."""
        self._anchor = None
        self._changed.set()

    @property
    def speed(self) -> Decimal:
        """Market time per wall time."""
        return self._speed

    def set_speed(self, speed: Decimal) -> None:
        """Play at another speed from now on."""
        running = not self.paused
        self.pause()
        self._speed = speed
        if running:
            self.resume()

    def step(self, count: int) -> int:
        """Publish the next `count` trades of a paused market; return how many there were."""
        before = self._trades
        self._venue.play(self._some(count))
        return self._trades - before

    async def run(self) -> None:
        """Play until cancelled; at the end of the source, close the market and wait."""
        while True:
            self._changed.clear()
            if self._delay() <= 0:
                self._venue.play(self._due())
            self._close_at_end()
            await self._wait()

    def _close_at_end(self) -> None:
        if self._next is None and self._has_market and not self._venue.ended:
            self._venue.end()
            log.warning("the recording has ended: trading stops, requests are still answered")

    # The venue lets each event happen before it asks for the next one, and a source may look at
    # the last price: so the next event is fetched only when the one before it has happened.

    def _due(self) -> Iterator[MarketEvent]:
        for _ in range(MOST_AT_ONCE):
            if self._next is None or self._delay() > 0:
                return
            yield from self._one()

    def _some(self, count: int) -> Iterator[MarketEvent]:
        last = self._trades + count
        while self._next and self._trades < last:
            yield from self._one()

    def _one(self) -> Iterator[MarketEvent]:
        if self._next is not None:
            self._trades += isinstance(self._next.event, MarketTrade)
            yield self._next
            self._next = next(self._events, None)

    def _delay(self) -> float:
        """Seconds until the next event; infinite while there is none or the market is paused."""
        if self._anchor is None or self._next is None:
            return float("inf")
        started, market = self._anchor
        return started + (self._next.time - market) / 1000 / float(self._speed) - self._monotonic()

    async def _wait(self) -> None:
        delay = self._delay()
        if delay <= 0:
            await asyncio.sleep(0)
            return
        timeout = None if delay == float("inf") else max(delay, SHORTEST_SLEEP)
        try:
            await asyncio.wait_for(self._changed.wait(), timeout)
        except TimeoutError:
            return
