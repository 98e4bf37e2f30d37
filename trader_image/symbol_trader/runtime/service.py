"""The leader as a process: it outlives its terms, from the first reading to the last report.

Every start is a recovery and every recovery a start: connect, own, load, reconcile, then trade.
What stands in the way is logged and reported, and tried again.
"""

import asyncio
from collections.abc import Awaitable, Callable

from symbol_trader.core.timing import Timing
from symbol_trader.identity import Identity
from symbol_trader.runtime import tasks
from symbol_trader.runtime.account import AccountWatch, DeclaredLimits
from symbol_trader.runtime.beginning import Beginning, TermSettings
from symbol_trader.runtime.desired import DesiredState
from symbol_trader.runtime.endings import Ending
from symbol_trader.runtime.events import DesiredChanged, Stop
from symbol_trader.runtime.leading import Leading
from symbol_trader.runtime.leaving import Leaving
from symbol_trader.runtime.market import WATCH, MarketFeed, Watch
from symbol_trader.runtime.parts import Adapters, SymbolTelemetry, Telemetry
from symbol_trader.runtime.pauses import Pauses
from symbol_trader.runtime.process import ProcessState
from symbol_trader.runtime.reports import Reports
from symbol_trader.runtime.retry_policy import RetryPolicy
from symbol_trader.runtime.session import Session
from symbol_trader.runtime.term import Intervals
from tradingsymbol_api.pod import Cause


class Service:
    """Puts a leader together, runs what runs beside its terms, and ends in time."""

    def __init__(
        self,
        identity: Identity,
        adapters: Adapters,
        telemetry: Telemetry,
        *,
        timing: Timing,
        intervals: Intervals,
        retry_policy: RetryPolicy,
        new_bits: Callable[[], int],
        jitter: Callable[[], float],
        watch: Watch = WATCH,
    ) -> None:
        """Put the parts together. `new_bits` and `jitter` (0 to 1) are the sources of chance."""
        self.session = Session()
        self._identity = identity
        self._adapters = adapters
        self._telemetry = telemetry
        self._settings = TermSettings(timing, intervals, new_bits)
        self._retry_policy = retry_policy
        self._jitter = jitter
        self._watch = watch
        self._stopped = asyncio.Event()
        self._desired = DesiredState(
            adapters.resource,
            story=telemetry.story,
            health=telemetry.health,
            stopped=self._stopped,
            poll_s=retry_policy.most_s,
            tell=self._heard,
        )
        self._process = ProcessState(self._desired, self.session, self._stopped)
        self._limits = DeclaredLimits(adapters.resource)
        self._symbol_telemetry: SymbolTelemetry | None = None

    @property
    def metrics_text(self) -> bytes:
        """Return the metrics for Prometheus."""
        return self._symbol_telemetry.metrics.text() if self._symbol_telemetry else b""

    def stop(self) -> None:
        """Ask the process to end: no new intent, outstanding replies are waited for.

        A resource that is deleted may want its orders canceled first; the pod's grace bounds that.
        """
        desired = self._desired.last
        if desired is not None and desired.cancels_first:
            self._telemetry.story.tell("asked to terminate: its orders are canceled first")
            return
        self._stopped.set()
        self._desired.changed.set()
        self.session.mailbox.put_nowait(Stop())

    async def run(self) -> Ending:
        """Lead until there is a reason to end. Raises what is not expected to happen."""
        pumps = [asyncio.create_task(self._desired.pump())]
        try:
            await self._desired.first(pumps[0])
            if self._desired.last is None:
                return Ending(Cause.TERMINATED, "terminated before it knew what was asked")
            symbol = self._desired.last.symbol
            self._symbol_telemetry = telemetry = self._telemetry.of_symbol(symbol)
            telemetry.metrics.watch_market(lambda: telemetry.health.market_age_s)
            reports = self._make_reports(telemetry)
            feed = self._make_feed(symbol, reports, telemetry)
            leading = self._make_leading(telemetry, reports, feed)
            pumps.append(asyncio.create_task(feed.pump()))
            pumps.append(asyncio.create_task(self._limits.pump()))
            pumps.append(asyncio.create_task(reports.pump()))
            ending = await self._while_healthy(leading.lead(), pumps)
            await tasks.end(pumps)
            await reports.report_last(ending)
            return ending
        finally:
            await self._close(pumps)

    def _heard(self, asked: DesiredChanged) -> None:
        """Tell whoever trades what is asked for, and keep the acknowledgement for the next term."""
        self.session.handover.resource_written(self.session.leader)
        self.session.mailbox.put_nowait(asked)

    # Parts that need to know the symbol.

    def _make_reports(self, telemetry: SymbolTelemetry) -> Reports:
        return Reports(
            self._adapters.resource,
            environment=self._identity.environment,
            process=self._process,
            intervals=self._settings.intervals,
            telemetry=telemetry,
        )

    def _make_feed(self, symbol: str, reports: Reports, telemetry: SymbolTelemetry) -> MarketFeed:
        return MarketFeed(
            self._adapters.market(symbol),
            health=telemetry.health,
            story=telemetry.story,
            is_quiet=self.session.take_quietly,
            deliver=self.session.bring,
            changed=reports.due.set,
            missed=telemetry.metrics.missed,
            trigger=self.session.rebuy_trigger,
            watch=self._watch,
        )

    def _make_leading(
        self, telemetry: SymbolTelemetry, reports: Reports, feed: MarketFeed
    ) -> Leading:
        pauses = Pauses(
            self._retry_policy,
            jitter=self._jitter,
            changed=self._desired.changed,
            reports=reports,
            story=telemetry.story,
            health=telemetry.health,
        )
        beginning = Beginning(
            self._identity,
            self._adapters,
            process=self._process,
            settings=self._settings,
            telemetry=telemetry,
            feed=feed,
            account=self._make_account_watch(telemetry),
            pauses=pauses,
            reports=reports,
        )
        leaving = Leaving(
            self._adapters, process=self._process, pauses=pauses, story=telemetry.story
        )
        return Leading(
            self._adapters,
            process=self._process,
            beginning=beginning,
            leaving=leaving,
            pauses=pauses,
            reports=reports,
            telemetry=telemetry,
        )

    def _make_account_watch(self, telemetry: SymbolTelemetry) -> AccountWatch:
        intervals = self._settings.intervals
        return AccountWatch(
            self._limits,
            resource=self._adapters.resource,
            limits=self._adapters.limits,
            record=self._adapters.record,
            owner=self._identity.owner,
            story=telemetry.story,
            clock=telemetry.health.clock,
            limits_s=intervals.limits_s,
            bid_s=intervals.bid_s,
        )

    # The end.

    async def _while_healthy(
        self, work: Awaitable[Ending], pumps: list[asyncio.Task[None]]
    ) -> Ending:
        """Run until the work is done, or the time to end after a signal is up.

        A pump that ends first has failed, and that is raised.
        """
        lead, out_of_time = asyncio.ensure_future(work), asyncio.create_task(self._run_out())
        try:
            await asyncio.wait({lead, out_of_time, *pumps}, return_when=asyncio.FIRST_COMPLETED)
            for pump in pumps:
                if pump.done():
                    pump.result()
                    raise AssertionError("a pump ended by itself")
            if lead.done():
                return lead.result()
            self._telemetry.story.warn(
                "out of time: what does not answer is abandoned",
                after_s=self._settings.intervals.end_s,
            )
            return Ending(Cause.TERMINATED, "asked to terminate")
        finally:
            await tasks.end([lead, out_of_time])

    async def _run_out(self) -> None:
        """Wait until the process was asked to end and has had its time for it."""
        await self._stopped.wait()
        await asyncio.sleep(self._settings.intervals.end_s)

    async def _close(self, pumps: list[asyncio.Task[None]]) -> None:
        await tasks.end(pumps)
        await self._adapters.ownership.close()
        await self._adapters.resource.close()
