"""What brings a term its events while it lasts: the user stream, the timer, looks at everything."""

import asyncio
from collections.abc import Sequence

from symbol_trader.core.events import TimePassed
from symbol_trader.errors import SettledMeanwhile
from symbol_trader.ports import Exchange, Ownership, Record
from symbol_trader.runtime import tasks
from symbol_trader.runtime.mailbox import Mailbox
from symbol_trader.runtime.tasks import Work
from symbol_trader.runtime.views import Views


class Pumps:
    """Tasks that run beside the loop of a term, from its start to its end."""

    def __init__(
        self,
        *,
        ownership: Ownership,
        record: Record,
        exchange: Exchange,
        mailbox: Mailbox,
        views: Views,
        timer_s: float,
        reconcile_s: float,
        beside: Sequence[Work],
    ) -> None:
        """Pump into the mailbox; `beside` is other work that goes on for as long."""
        self._ownership = ownership
        self._record = record
        self._exchange = exchange
        self._mailbox = mailbox
        self._views = views
        self._timer_s = timer_s
        self._reconcile_s = reconcile_s
        self._beside = beside
        self.tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin with all of them."""
        pumps = (self._pump_user_events, self._pump_time, self._pump_views, *self._beside)
        self.tasks = [asyncio.create_task(tasks.guarded(pump, self._mailbox)) for pump in pumps]

    async def _pump_user_events(self) -> None:
        async for event in self._exchange.user_events():
            await self._mailbox.put(event)

    async def _pump_time(self) -> None:
        while True:
            await asyncio.sleep(self._timer_s)
            await self._mailbox.put(TimePassed())

    async def _pump_views(self) -> None:
        """Look at both sides from time to time: where nothing happens, no write would fail.

        The exchange is left out where the leaders behind the address ask all that they may.
        """
        while True:
            await asyncio.sleep(self._reconcile_s)
            await self._ownership.confirm()
            if await self._record.settled_meanwhile():
                raise SettledMeanwhile
            if self._exchange.held_until_ms() is None and await self._exchange.has_room():
                await self._views.look()
