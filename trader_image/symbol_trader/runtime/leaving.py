"""How a leader leaves: drained, off, or with nothing of its own to drain."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace

from symbol_trader.core.settings import TradingStatus
from symbol_trader.desired import Desired, SwitchOffOutcome
from symbol_trader.errors import Contradiction, Fenced, Unavailable
from symbol_trader.runtime.endings import Ending
from symbol_trader.runtime.parts import Adapters
from symbol_trader.runtime.pauses import Pauses
from symbol_trader.runtime.process import ProcessState
from symbol_trader.runtime.story import Story
from symbol_trader.runtime.term import End
from tradingsymbol_api.pod import Cause


class Leaving:
    """Gives the ledger up and switches the resource off, once there is nothing else to do."""

    def __init__(
        self,
        adapters: Adapters,
        *,
        process: ProcessState,
        pauses: Pauses,
        story: Story,
    ) -> None:
        """Leave over these adapters."""
        self._adapters = adapters
        self._desired = process.desired
        self._stopped = process.stopped
        self._pauses = pauses
        self._story = story

    async def conclude(self, end: End, heard: Desired) -> Ending | None:
        """Do what is left to do after a term; None where another one follows."""
        match end:
            case End.STOPPED:
                return Ending(Cause.TERMINATED, "asked to terminate")
            case End.OFF:
                return await self._rest()
            case End.DRAINED:
                return await self._switch_off(heard, self._leave)

    async def drain_nothing(self, cause: Exception) -> Ending | None:
        """Switch off where this resource has nothing to drain: the ledger is another's.

        Where the API key belongs to another account than the running traders, those stay on
        record and go on once the former key is back.
        """
        heard = self._desired.current
        if self._stopped.is_set() or heard.settings.status is not TradingStatus.SHUTDOWN:
            await self._pauses.wait_out(cause)
            return None
        self._story.warn("nothing of it is open here, so its shutdown is done", why=str(cause))
        return await self._switch_off(heard, self._leave_to_another)

    async def _rest(self) -> Ending:
        """End as off; a ledger in which nothing is left unfinished is given up."""
        with suppress(Unavailable, Fenced, Contradiction):
            await self._adapters.ownership.open()
            await self._adapters.ownership.release()
        return Ending(Cause.STOPPED, "the resource says off")

    async def _switch_off(
        self, heard: Desired, leave: Callable[[], Awaitable[Ending]]
    ) -> Ending | None:
        """Switch the resource off; a user's concurrent change wins.

        `heard` is the shutdown that is done. Since then, another shutdown may have begun under
        another leader: a process that was frozen for long hears of both at once. So anything newer
        than `heard` is left to the next term, which confirms the epoch first.
        """
        self._story.tell("shutdown done: no trader runs", symbol_off=True)
        while not self._stopped.is_set() and self._desired.still_drains(heard):
            self._desired.changed.clear()
            try:
                outcome = await self._adapters.resource.switch_off()
            except Unavailable as exc:
                await self._pauses.wait_out(exc)
                continue
            if outcome is SwitchOffOutcome.WRITTEN:
                return await leave()
            self._story.tell("not switched off: the status has changed")
            await self._desired.other_than(heard)
        if (
            not self._stopped.is_set()
            and self._desired.current.settings.status is TradingStatus.OFF
        ):
            # A person wrote it, or we did and the answer was lost: drained in either case.
            return await leave()
        return None

    async def _leave(self) -> Ending:
        """Give the drained ledger up, and let the record say off."""
        self._story.tell("stopping trading", why="shutdown is done")
        ownership = self._adapters.ownership
        off = replace(self._desired.current.settings, status=TradingStatus.OFF)
        with suppress(Unavailable, Fenced):
            # The end of the term may have cut off a statement, and with it the connection.
            await ownership.open()
            await self._adapters.record.mirror_settings(
                replace(self._desired.current, settings=off)
            )
            await ownership.release()
        return Ending(Cause.DRAINED, "shutdown is done, the resource is off")

    async def _leave_to_another(self) -> Ending:
        """End as drained without touching a ledger that is another's."""
        self._story.tell("stopping trading", why="nothing of it is open here")
        return Ending(Cause.DRAINED, "nothing of it is open here, the resource is off")
