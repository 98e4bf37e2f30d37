"""The leader as a process: it outlives its terms, from what is asked for to the last report.

Every start is a recovery and every recovery a start: links, ownership, record, reconciliation,
then trading. What stands in the way is said in the log and in the report, and tried again.
"""

import asyncio
from collections.abc import Awaitable, Callable

from symbol_trader.core.timing import Timing
from symbol_trader.identity import Identity
from symbol_trader.runtime import tasks
from symbol_trader.runtime.beginning import Beginning
from symbol_trader.runtime.desired import DesiredState
from symbol_trader.runtime.endings import Ending
from symbol_trader.runtime.events import Asked, Stop
from symbol_trader.runtime.leading import Leading
from symbol_trader.runtime.leaving import Leaving
from symbol_trader.runtime.market import WATCH, MarketFeed, Watch
from symbol_trader.runtime.metrics import Metrics
from symbol_trader.runtime.parts import Links, Surface
from symbol_trader.runtime.patience import Patience
from symbol_trader.runtime.pauses import Pauses
from symbol_trader.runtime.reports import Reports
from symbol_trader.runtime.session import Session
from symbol_trader.runtime.term import Beat
from tradingsymbol_api.pod import Cause


class Service:
    """Puts a leader together, runs what runs beside its terms, and ends in time."""

    def __init__(
        self,
        identity: Identity,
        links: Links,
        surface: Surface,
        *,
        timing: Timing,
        beat: Beat,
        patience: Patience,
        new_bits: Callable[[], int],
        jitter: Callable[[], float],
        watch: Watch = WATCH,
    ) -> None:
        """Put the parts together. `new_bits` and `jitter` (0 to 1) are the sources of chance."""
        self.session = Session()
        self._identity = identity
        self._links = links
        self._surface = surface
        self._timing = timing
        self._beat = beat
        self._patience = patience
        self._new_bits = new_bits
        self._jitter = jitter
        self._watch = watch
        self._stopped = asyncio.Event()
        self._desired = DesiredState(
            links.resource,
            story=surface.story,
            health=surface.health,
            stopped=self._stopped,
            poll_s=patience.most_s,
            tell=self._heard,
        )
        self._metrics: Metrics | None = None

    @property
    def metrics_text(self) -> bytes:
        """Return the metrics for Prometheus."""
        return self._metrics.text() if self._metrics else b""

    def stop(self) -> None:
        """Ask the process to end: no new intent, outstanding replies are waited for.

        A resource that is deleted may want its orders canceled first; the pod's grace bounds that.
        """
        desired = self._desired.last
        if desired is not None and desired.cancels_first:
            self._surface.story.tell("asked to terminate: its orders are canceled first")
            return
        self._stopped.set()
        self._desired.changed.set()
        self.session.mailbox.put_nowait(Stop())

    async def run(self) -> Ending:
        """Lead until there is a reason to end. Raises what nobody foresaw."""
        pumps = [asyncio.create_task(self._desired.pump())]
        try:
            await self._desired.first(pumps[0])
            if self._desired.last is None:
                return Ending(Cause.TERMINATED, "terminated before it knew what was asked")
            self._metrics = metrics = self._surface.metrics(self._desired.last.symbol)
            metrics.watch_market(lambda: self._surface.health.market_age_s)
            reports = self._make_reports(metrics)
            feed = self._make_feed(self._desired.last.symbol, reports, metrics)
            leading = self._make_leading(metrics, reports, feed)
            pumps.append(asyncio.create_task(feed.pump()))
            pumps.append(asyncio.create_task(reports.pump()))
            ending = await self._while_healthy(leading.lead(), pumps)
            await tasks.end(pumps)
            await reports.report_last(ending)
            return ending
        finally:
            await self._close(pumps)

    def _heard(self, asked: Asked) -> None:
        """Bring what is asked for to whoever trades, and keep a person's word for whoever will."""
        self.session.handover.resource_written(self.session.leader)
        self.session.mailbox.put_nowait(asked)

    # Parts that need to know the symbol.

    def _make_reports(self, metrics: Metrics) -> Reports:
        return Reports(
            self._links.resource,
            desired=self._desired,
            session=self.session,
            patience=self._patience,
            metrics=metrics,
            story=self._surface.story,
            health=self._surface.health,
        )

    def _make_feed(self, symbol: str, reports: Reports, metrics: Metrics) -> MarketFeed:
        return MarketFeed(
            self._links.market(symbol),
            health=self._surface.health,
            story=self._surface.story,
            deliver=self.session.bring,
            changed=reports.due.set,
            missed=metrics.missed,
            trigger=self.session.rebuy_trigger,
            watch=self._watch,
        )

    def _make_leading(self, metrics: Metrics, reports: Reports, feed: MarketFeed) -> Leading:
        story, health = self._surface.story, self._surface.health
        pauses = Pauses(
            self._patience,
            jitter=self._jitter,
            changed=self._desired.changed,
            reports=reports,
            story=story,
            health=health,
        )
        beginning = Beginning(
            self._identity,
            self._links,
            desired=self._desired,
            session=self.session,
            stopped=self._stopped,
            timing=self._timing,
            beat=self._beat,
            new_bits=self._new_bits,
            feed=feed,
            pauses=pauses,
            reports=reports,
            metrics=metrics,
            story=story,
            health=health,
        )
        leaving = Leaving(
            self._links, desired=self._desired, stopped=self._stopped, pauses=pauses, story=story
        )
        return Leading(
            self._links,
            desired=self._desired,
            session=self.session,
            stopped=self._stopped,
            beginning=beginning,
            leaving=leaving,
            pauses=pauses,
            reports=reports,
            story=story,
            health=health,
        )

    # The end.

    async def _while_healthy(
        self, work: Awaitable[Ending], pumps: list[asyncio.Task[None]]
    ) -> Ending:
        """Run until the work is done, or the time of who was asked to end is up.

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
            self._surface.story.warn("what does not answer is left", after_s=self._patience.end_s)
            return Ending(Cause.TERMINATED, "asked to terminate")
        finally:
            await tasks.end([lead, out_of_time])

    async def _run_out(self) -> None:
        """Wait until the process was asked to end and has had its time for it."""
        await self._stopped.wait()
        await asyncio.sleep(self._patience.end_s)

    async def _close(self, pumps: list[asyncio.Task[None]]) -> None:
        await tasks.end(pumps)
        await self._links.ownership.close()
        await self._links.resource.close()
