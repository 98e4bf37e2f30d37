"""Reports on their way to the resource, at the pace that it can take."""

import asyncio
from contextlib import suppress
from dataclasses import replace

from symbol_trader.errors import Unavailable
from symbol_trader.ports import Resource
from symbol_trader.report import AwaitedOrder, Problem, Report
from symbol_trader.runtime.endings import Ending
from symbol_trader.runtime.parts import SymbolTelemetry
from symbol_trader.runtime.process import ProcessState
from symbol_trader.runtime.reporting import explained, report_trading, report_waiting
from symbol_trader.runtime.term import Intervals
from tradingsymbol_api.pod import Cause


class Reports:
    """What the leader says of itself, in the status, the metrics and the log."""

    def __init__(
        self,
        resource: Resource,
        *,
        environment: str,
        process: ProcessState,
        intervals: Intervals,
        telemetry: SymbolTelemetry,
    ) -> None:
        """Report to this resource."""
        self.due = asyncio.Event()
        """Set when there may be something new to report."""
        self.problem: Problem | None = None
        """What keeps a term from beginning."""
        self._resource = resource
        self._environment = environment
        self._desired = process.desired
        self._session = process.session
        self._intervals = intervals
        self._metrics = telemetry.metrics
        self._story = telemetry.story
        self._health = telemetry.health
        self._reported: Report | None = None
        """The last report of a term: what is known of the record while none is in session."""
        self._told: list[AwaitedOrder] = []

    async def pump(self) -> None:
        """Report what there is to say, at most once in `report_s` seconds, until it is canceled.

        Whether it is news is for the resource to know: others may have written there meanwhile.
        """
        while True:
            await self.due.wait()
            self.due.clear()
            report = explained(self.make(), self._environment)
            self._tell_what_is_waited_for(report)
            with suppress(Unavailable):
                await self._resource.report(report)
            self._metrics.reported(report)
            await asyncio.sleep(self._intervals.report_s)

    def make(self) -> Report:
        """Return what there is to say now; a term's figures are kept for the time after it."""
        before = self._reported
        leader = self._session.leader
        if leader is None:
            return report_waiting(self._desired.current, self._health, self.problem, before)
        self._reported = report_trading(leader, self._desired.current, self._health, before)
        return self._reported

    async def report_last(self, ending: Ending) -> None:
        """Report what the last term left: nobody else will. A fenced leader has no say any more."""
        if ending.cause is Cause.FENCED or self._reported is None:
            return
        with suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(self._intervals.last_report_s):
                await self._resource.report(explained(self.make(), self._environment))

    def _tell_what_is_waited_for(self, report: Report) -> None:
        """Let the log say what a shutdown waits for, for those who see no condition.

        Once for each change of the orders or of what is left of them, wherever the market is.
        """
        awaited = [replace(order, percent=None) for order in report.waits_for]
        if awaited and awaited != self._told:
            orders = "; ".join(map(str, report.waits_for))
            self._story.tell("shutdown waits for the market", orders=orders)
        self._told = awaited
