"""One term after another. What stands in the way is reported and waited out, then retried."""

import asyncio

from symbol_trader.core.settings import TradingStatus
from symbol_trader.errors import AccountChanged, Fenced, OwnedByAnother, Retryable, SettledMeanwhile
from symbol_trader.ports import Exchange
from symbol_trader.runtime import tasks
from symbol_trader.runtime.beginning import Beginning
from symbol_trader.runtime.endings import Ending
from symbol_trader.runtime.leaving import Leaving
from symbol_trader.runtime.noting import RecordRefuses
from symbol_trader.runtime.parts import Adapters, SymbolTelemetry
from symbol_trader.runtime.pauses import Pauses
from symbol_trader.runtime.process import ProcessState
from symbol_trader.runtime.reports import Reports
from symbol_trader.runtime.term import End, Term
from tradingsymbol_api.pod import Cause


class Leading:
    """Runs terms until drained, stopped, off or fenced."""

    def __init__(
        self,
        adapters: Adapters,
        *,
        process: ProcessState,
        beginning: Beginning,
        leaving: Leaving,
        pauses: Pauses,
        reports: Reports,
        telemetry: SymbolTelemetry,
    ) -> None:
        """Lead over these adapters."""
        self._adapters = adapters
        self._desired = process.desired
        self._session = process.session
        self._stopped = process.stopped
        self._beginning = beginning
        self._leaving = leaving
        self._pauses = pauses
        self._reports = reports
        self._story = telemetry.story
        self._health = telemetry.health

    async def lead(self) -> Ending:
        """Lead until there is a reason to end. Raises what is not expected to happen."""
        while not self._stopped.is_set():
            if self._desired.current.settings.status is TradingStatus.OFF:
                self._story.tell("already stopped")
                return Ending(Cause.STOPPED, "the resource says off")
            self._desired.changed.clear()
            try:
                if ending := await self._one_term():
                    return ending
            except Fenced as exc:
                self._story.warn("fenced: another leader holds the symbol", why=str(exc))
                return Ending(Cause.FENCED, str(exc))
            except (OwnedByAnother, AccountChanged) as exc:
                if ending := await self._leaving.drain_nothing(exc):
                    return ending
            except SettledMeanwhile:
                self._story.tell("an order was settled by a person")
            except Retryable as exc:
                await self._pauses.wait_out(exc)
        return Ending(Cause.TERMINATED, "asked to terminate")

    async def _one_term(self) -> Ending | None:
        self._pauses.dialed = False
        exchange = self._adapters.exchange(self._desired.current.symbol)
        try:
            term = await self._begin(exchange)
            if term is None:
                return None
            self._reports.problem = None
            self._session.term = term
            end = await self._run(term)
        finally:
            self._reports.make()
            if leader := self._session.leader:
                self._session.handover.term_ended(leader)
            self._session.term = None
            self._health.disconnected()
            self._reports.due.set()
            await exchange.close()
        return await self._leaving.conclude(end, term.desired)

    async def _run(self, term: Term) -> End:
        """Run a term; what the record refuses of a trader's end is for the next one to know."""
        began_s = self._health.clock()
        try:
            return await term.run()
        except RecordRefuses as exc:
            self._session.handover.refused[exc.trader_id] = str(exc)
            raise
        finally:
            self._pauses.term_ended(lasted_s=self._health.clock() - began_s)

    async def _begin(self, exchange: Exchange) -> Term | None:
        """Begin a term, or None if asked to stop: reading may take long, and can be broken off."""
        beginning = asyncio.create_task(self._beginning.begin(exchange))
        stopped = asyncio.create_task(self._stopped.wait())
        try:
            await asyncio.wait({beginning, stopped}, return_when=asyncio.FIRST_COMPLETED)
            return beginning.result() if beginning.done() else None
        finally:
            await tasks.end([beginning, stopped])
