"""What waits for the leader: facts in their order, and beside them the newest price."""

import asyncio
from collections import deque
from dataclasses import replace

from symbol_trader.core.events import PriceSeen
from symbol_trader.runtime.events import Event

LIMIT = 256
"""So many events wait here before a stream that brings more of them is read no further."""

EVENTS_PER_TURN = 32
"""So many events are taken before pongs, probes and timers get their turn of the loop."""


class Mailbox:
    """Events for one reader. Facts go before prices: a price is judged by all that is known.

    Prices do not queue: of those that wait, the newest counts, with the lowest among them. However
    long the reader stood still, what it hears next is the market of now.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._events: deque[Event] = deque()
        self._price: PriceSeen | None = None
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._taken = 0
        self.is_awaited = False
        """Its reader waits and has handled all that came: the next event to come is the next."""

    def put_nowait(self, event: Event) -> None:
        """Add what does not wait outside, however much is here already.

        That is a price, a command, or a reply, of which there are no more than requests.
        """
        if isinstance(event, PriceSeen):
            self._price = _newest(self._price, event)
        else:
            self._events.append(event)
        self.is_awaited = False
        self._arrived.set()

    @property
    def is_empty(self) -> bool:
        """Return whether nothing waits."""
        return not self._events and self._price is None

    async def put(self, event: Event) -> None:
        """Add an event of a stream, once there is room."""
        while len(self._events) >= self._limit:
            self._room.clear()
            await self._room.wait()
        self.put_nowait(event)

    async def get(self) -> Event:
        """Take the next event, once there is one; every `EVENTS_PER_TURN` events, yield first."""
        self._taken = (self._taken + 1) % EVENTS_PER_TURN
        if not self._taken:
            await asyncio.sleep(0)
        while True:
            if self._events:
                self._room.set()
                return self._events.popleft()
            if self._price is not None:
                price, self._price = self._price, None
                return price
            await self._wait()

    async def _wait(self) -> None:
        self._arrived.clear()
        self.is_awaited = True
        try:
            await self._arrived.wait()
        finally:
            self.is_awaited = False


def _newest(waiting: PriceSeen | None, price: PriceSeen) -> PriceSeen:
    if waiting is None or waiting.lowest >= price.lowest:
        return price
    return replace(price, lowest=waiting.lowest)
