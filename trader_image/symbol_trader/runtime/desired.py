"""What the resource asks for, as last heard: it outlives terms."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from symbol_trader.core.settings import TradingStatus
from symbol_trader.desired import Desired
from symbol_trader.ports import Resource
from symbol_trader.runtime.events import DesiredChanged
from symbol_trader.runtime.health import Health
from symbol_trader.runtime.story import Story


class DesiredState:
    """What is asked for now, and that it has changed."""

    def __init__(
        self,
        resource: Resource,
        *,
        story: Story,
        health: Health,
        stopped: asyncio.Event,
        poll_s: float,
        tell: Callable[[DesiredChanged], None],
    ) -> None:
        """Read this resource; `tell` hears of each change after the first reading.

        Whoever waits here shows at least every `poll_s` seconds that it is alive.
        """
        self.last: Desired | None = None
        """None before anything was heard."""
        self.changed = asyncio.Event()
        """Set at each change, and when the process is asked to end."""
        self._resource = resource
        self._story = story
        self._health = health
        self._stopped = stopped
        self._poll_s = poll_s
        self._tell = tell

    @property
    def current(self) -> Desired:
        """Return what is asked for, once that is known."""
        if self.last is None:
            raise AssertionError("asked before the first reading")
        return self.last

    async def pump(self) -> None:
        """Read what is asked for, until it is canceled."""
        async for asked in self._resource.changes():
            desired, before = self._for_this_symbol(asked), self.last
            self.last = desired
            self.changed.set()
            if before is not None:
                self._tell(DesiredChanged(desired, desired.continues(before)))

    async def first(self, pump: asyncio.Task[None]) -> None:
        """Wait until it is known what is asked for; the API server may be away for long."""
        waiting = asyncio.create_task(self.changed.wait())
        while not waiting.done() and not pump.done():
            await asyncio.wait(
                {waiting, pump},
                timeout=self._poll_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
            self._health.heartbeat()
        waiting.cancel()
        if pump.done():
            pump.result()

    async def other_than(self, heard: Desired) -> None:
        """Wait until something else is asked for than what was heard, or the process is to end."""
        while self.current == heard and not self._stopped.is_set():
            self.changed.clear()
            self._health.heartbeat()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.changed.wait(), self._poll_s)

    def still_drains(self, heard: Desired) -> bool:
        """Return whether a shutdown is the last that was heard.

        A change may have come as the last trader ended, too late for the term to handle it.
        """
        return self.current == heard and heard.settings.status is TradingStatus.SHUTDOWN

    def _for_this_symbol(self, asked: Desired) -> Desired:
        """Keep a leader on its symbol: if the resource names another one, only its status counts.

        The budget would be in another asset, and the orders in another ledger.
        """
        before = self.last
        if before is None or asked.symbol == before.symbol:
            return asked
        self._story.warn(
            "the symbol cannot be changed: only the status is heeded; use another resource",
            symbol_asked_for=asked.symbol,
        )
        settings = replace(before.settings, status=asked.settings.status)
        return replace(asked, symbol=before.symbol, settings=settings)
