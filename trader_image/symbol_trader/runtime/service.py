"""The leader as a process: one term after another, until drained, stopped, off or fenced.

Every start is a recovery and every recovery a start: links, ownership, record, reconciliation,
then trading. What stands in the way is said in the log and in the report, and tried again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial

from symbol_trader.core.events import PriceSeen
from symbol_trader.core.leader import Leader
from symbol_trader.core.records import Snapshot
from symbol_trader.core.replies import Account
from symbol_trader.core.settings import TradingStatus
from symbol_trader.core.symbols import GONE
from symbol_trader.core.timing import Timing
from symbol_trader.desired import Desired, OffOutcome
from symbol_trader.errors import (
    AccountChanged,
    Contradiction,
    Fenced,
    OwnedByAnother,
    Retryable,
    SettledMeanwhile,
    Unavailable,
)
from symbol_trader.identity import Book, Epoch, Owner
from symbol_trader.ports import Exchange, Market, Ownership, Record, Resource
from symbol_trader.report import AwaitedOrder, Report, Trouble
from symbol_trader.runtime import loading, tasks
from symbol_trader.runtime.events import Asked, Stop
from symbol_trader.runtime.handover import Handover
from symbol_trader.runtime.health import Health
from symbol_trader.runtime.mailbox import Mailbox
from symbol_trader.runtime.market import WATCH, MarketFeed, Watch
from symbol_trader.runtime.metrics import Metrics
from symbol_trader.runtime.noting import RecordRefuses
from symbol_trader.runtime.reporting import report_trading, report_waiting, trouble_of
from symbol_trader.runtime.story import Story
from symbol_trader.runtime.term import Beat, End, Term


class Cause(StrEnum):
    """Why the leader ended; the pod's termination message carries it."""

    DRAINED = "drained"
    FENCED = "fenced"
    STOPPED = "stopped"
    """The resource says off."""
    TERMINATED = "terminated"
    """Asked by a signal."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How the process ended, in a word and in a sentence."""

    cause: Cause
    message: str


@dataclass(frozen=True, slots=True)
class Patience:
    """Pauses in seconds between attempts to begin a term, and between reports."""

    first_s: float = 0.5
    most_s: float = 5.0
    exchange_most_s: float = 60.0
    """The same where an attempt went as far as the exchange: Binance bans an address that tries to
    connect more than 300 times in 5 minutes, and twenty leaders may share one."""
    report_s: float = 1.0
    last_report_s: float = 2.0
    """How long the last report may take: the process is asked to end."""
    end_s: float = 12.0
    """How long after a signal a term may take to end. With the last report, and with what the
    adapters take to close, it stays below the grace period of a leader's pod (20 s)."""

    def pause_s(self, failures: int, *, dialed: bool) -> float:
        """Return the pause after so many failures in a row: it doubles up to its limit."""
        most_s = self.exchange_most_s if dialed else self.most_s
        # Far beyond any limit, and no number that grows for ever.
        return min(self.first_s * 2.0 ** min(failures - 1, 30), most_s)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this leader is: owner of the book, and the pod that it runs in."""

    owner: Owner
    environment: str
    pod: str


@dataclass(slots=True)
class Links:
    """How to reach the world. A market and an exchange session are made per symbol."""

    resource: Resource
    ownership: Ownership
    record: Record
    exchange: Callable[[str], Exchange]
    market: Callable[[str], Market]


@dataclass(slots=True)
class Surface:
    """What the process shows of itself."""

    story: Story
    health: Health
    metrics: Callable[[str], Metrics]


class Service:
    """Runs terms, and keeps what outlives them: the resource's wishes, the market, the epoch."""

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
        self._identity = identity
        self._links = links
        self._story = surface.story
        self._health = surface.health
        self._make_metrics = surface.metrics
        self._timing = timing
        self._beat = beat
        self._patience = patience
        self._new_bits = new_bits
        self._jitter = jitter
        self._watch = watch
        self._mailbox = Mailbox()
        self._asked = asyncio.Event()
        self._report_due = asyncio.Event()
        self._desired: Desired | None = None
        self._metrics: Metrics | None = None
        self._book: Book | None = None
        self._term: Term | None = None
        self._trouble: Trouble | None = None
        self._reported: Report | None = None
        """The last report of a term: what is known of the record while none is in session."""
        self._told: list[AwaitedOrder] = []
        self._handover = Handover()
        self._feed: MarketFeed | None = None
        self._failures = 0
        self._dialed = False
        """The last attempt went as far as the exchange."""
        self._stopped = asyncio.Event()

    @property
    def _stop(self) -> bool:
        return self._stopped.is_set()

    @property
    def metrics_text(self) -> bytes:
        """Return the metrics for Prometheus."""
        return self._metrics.text() if self._metrics else b""

    def stop(self) -> None:
        """Ask the process to end: no new intent, outstanding replies are waited for.

        A resource that is deleted may want its orders canceled first; the pod's grace bounds that.
        """
        if self._desired is not None and self._desired.cancels_first:
            self._story.tell("asked to terminate: its orders are canceled first")
            return
        self._stopped.set()
        self._asked.set()
        self._mailbox.put_nowait(Stop())

    async def run(self) -> Ending:
        """Lead until there is a reason to end. Raises what nobody foresaw."""
        pumps = [asyncio.create_task(self._pump_wishes())]
        try:
            await self._first_wish(pumps[0])
            if self._desired is None:
                return Ending(Cause.TERMINATED, "terminated before it knew what was asked")
            self._feed = self._make_feed(self._desired.symbol)
            pumps.append(asyncio.create_task(self._feed.pump()))
            pumps.append(asyncio.create_task(self._pump_reports()))
            ending = await self._while_healthy(self._lead(), pumps)
            await self._report_last(ending, pumps)
            return ending
        finally:
            await self._close(pumps)

    # Terms.

    async def _lead(self) -> Ending:
        while not self._stop:
            if self._wanted.settings.status is TradingStatus.OFF:
                self._story.tell("already stopped")
                return Ending(Cause.STOPPED, "the resource says off")
            self._asked.clear()
            try:
                if ending := await self._one_term():
                    return ending
            except Fenced as exc:
                self._story.warn("fenced: another leader holds the symbol", why=str(exc))
                return Ending(Cause.FENCED, str(exc))
            except (OwnedByAnother, AccountChanged) as exc:
                if ending := await self._drain_nothing(exc):
                    return ending
            except SettledMeanwhile:
                self._story.tell("an order was settled by a person")
            except Retryable as exc:
                await self._wait_out(exc)
        return Ending(Cause.TERMINATED, "asked to terminate")

    async def _drain_nothing(self, cause: Exception) -> Ending | None:
        """Switch off where nothing is this resource's to drain: the book is another's.

        Where the key is of another account, what is on record of the one before stays there, and
        goes on with its key.
        """
        heard = self._wanted
        if self._stop or heard.settings.status is not TradingStatus.SHUTDOWN:
            await self._wait_out(cause)
            return None
        self._story.warn("nothing of it is open here, so its shutdown is done", why=str(cause))
        return await self._write_off(heard, self._leave_to_another)

    async def _one_term(self) -> Ending | None:
        exchange = self._links.exchange(self._wanted.symbol)
        try:
            term = await self._begin_unless_stopped(exchange)
            if term is None:
                return None
            self._trouble = None
            self._term = term
            end = await self._run(term)
        finally:
            self._report()
            if self._term is not None:
                self._handover.term_ended(self._term.leader)
            self._term = None
            self._health.links_down()
            self._report_due.set()
            await exchange.close()
        return await self._conclude(end, term.desired)

    async def _run(self, term: Term) -> End:
        """Run a term. Only one that lasted ends the growth of pauses.

        Some outages let a term begin and end it at its first write: a full disk, say.
        """
        began_s = self._health.clock()
        try:
            return await term.run()
        except RecordRefuses as exc:
            self._handover.refused[exc.trader_id] = str(exc)
            raise
        finally:
            if self._health.clock() - began_s > self._patience.most_s:
                self._failures = 0

    async def _begin_unless_stopped(self, exchange: Exchange) -> Term | None:
        """Begin a term; reading may take long, and nothing in it has to come to its end."""
        beginning = asyncio.create_task(self._begin(exchange))
        stopped = asyncio.create_task(self._stopped.wait())
        try:
            await asyncio.wait({beginning, stopped}, return_when=asyncio.FIRST_COMPLETED)
            return beginning.result() if beginning.done() else None
        finally:
            await tasks.end([beginning, stopped])

    async def _begin(self, exchange: Exchange) -> Term:
        """Open the links, own the book, load the record and reconcile it."""
        self._mailbox = Mailbox()
        self._dialed = False
        await self._links.ownership.open()
        self._health.database_reachable = True
        self._health.moved()
        self._dialed = True
        await exchange.open()
        self._health.user_stream_live = True
        self._health.moved()
        account = await exchange.account()
        self._health.moved()
        await self._own(account)
        term = await self._load(exchange, account)
        if term.leader.symbol.status != GONE:
            await term.reconcile_now()
        if self._stop:
            self._mailbox.put_nowait(Stop())
        return term

    async def _own(self, account: Account) -> None:
        """Take an epoch of the account's book once; afterwards make sure that it still stands."""
        book = Book(self._identity.environment, account.uid, self._wanted.symbol)
        ownership, record = self._links.ownership, self._links.record
        desired = self._wanted
        if self._book == book:
            await ownership.confirm()
            await record.mirror_settings(desired)
            return
        epoch = await ownership.claim(book, self._identity.owner, pod=self._identity.pod)
        await record.mirror_settings(desired)
        self._book = book
        self._took(epoch)

    def _took(self, epoch: Epoch) -> None:
        self._health.epoch = epoch.number
        self._story.tell("took the symbol", epoch=epoch.number)

    async def _load(self, exchange: Exchange, account: Account) -> Term:
        desired, record = self._wanted, self._links.record
        snapshot = await record.load()
        self._handover.loaded(snapshot)
        symbol, commission = await loading.describe(
            exchange, snapshot, desired.symbol, give_up=partial(self._gives_up, snapshot)
        )
        if symbol.status != GONE:
            self._handover.denials.clear()
        self._health.moved()
        leader = Leader(
            snapshot,
            settings=desired.settings,
            symbol=symbol,
            commission=commission,
            timing=self._timing,
            new_bits=self._new_bits,
            free=account.free,
            refused=self._handover.refused,
            acknowledged=self._handover.acknowledged,
        )
        return Term(
            leader,
            ownership=self._links.ownership,
            record=record,
            exchange=exchange,
            mailbox=self._mailbox,
            desired=desired,
            watermark=await loading.watermark(exchange, record, snapshot, symbol),
            story=self._story,
            health=self._health,
            metrics=self._counted,
            beat=self._beat,
            changed=self._report_due.set,
            beside=(partial(self._feed.watch, exchange),) if self._feed else (),
        )

    def _gives_up(self, snapshot: Snapshot) -> bool:
        """Take in that the exchange denies the symbol; return whether a shutdown ends without it.

        One denial may be the exchange's mistake, and the orders on record may rest on its book.
        """
        denials, now_s = self._handover.denials, self._health.clock()
        denials.add(now_s)
        if self._wanted.settings.status is not TradingStatus.SHUTDOWN:
            return False
        return not snapshot.traders or denials.suffice(now_s, self._timing.gone_after_ms)

    async def _conclude(self, end: End, heard: Desired) -> Ending | None:
        match end:
            case End.STOPPED:
                return Ending(Cause.TERMINATED, "asked to terminate")
            case End.OFF:
                return await self._rest()
            case End.DRAINED:
                return await self._write_off(heard, self._leave)

    async def _rest(self) -> Ending:
        """End as off; a book in which nothing is left unfinished is given up."""
        with suppress(Unavailable, Fenced, Contradiction):
            await self._links.ownership.open()
            await self._links.ownership.release()
        return Ending(Cause.STOPPED, "the resource says off")

    async def _write_off(
        self, heard: Desired, leave: Callable[[], Awaitable[Ending]]
    ) -> Ending | None:
        """Switch the resource off by one's own hand; a user's concurrent change wins.

        `heard` is the shutdown that is done. Another one may have begun since, under another
        leader: a process that was frozen for long is told of both at once. So what came later
        is the next term's business, and that begins with the epoch.
        """
        self._story.tell("shutdown done: no trader runs", symbol_off=True)
        while not self._stop and self._still_drains(heard):
            self._asked.clear()
            try:
                outcome = await self._links.resource.write_off()
            except Unavailable as exc:
                await self._wait_out(exc)
                continue
            if outcome is OffOutcome.WRITTEN:
                return await leave()
            self._story.tell("not switched off: the status was changed meanwhile")
            await self._next_wish(heard)
        if not self._stop and self._wanted.settings.status is TradingStatus.OFF:
            # A person's, or our own whose answer was lost: drained it is in either case.
            return await leave()
        return None

    def _still_drains(self, heard: Desired) -> bool:
        """Tell whether a shutdown is the last that was heard.

        A wish to go on may have come as the last trader ended, and the term did not take it up.
        """
        return self._wanted == heard and heard.settings.status is TradingStatus.SHUTDOWN

    async def _leave(self) -> Ending:
        """Give the drained book up, and let the record say off."""
        self._story.tell("stopping trading", why="shutdown is done")
        ownership = self._links.ownership
        off = replace(self._wanted.settings, status=TradingStatus.OFF)
        with suppress(Unavailable, Fenced):
            # The end of the term may have cut off a statement, and with it the connection.
            await ownership.open()
            await self._links.record.mirror_settings(replace(self._wanted, settings=off))
            await ownership.release()
        return Ending(Cause.DRAINED, "shutdown is done, the resource is off")

    async def _leave_to_another(self) -> Ending:
        """End as drained without touching a book that is another's."""
        self._story.tell("stopping trading", why="nothing of it is open here")
        return Ending(Cause.DRAINED, "nothing of it is open here, the resource is off")

    async def _wait_out(self, cause: Exception) -> None:
        pause_s = self._pause_s(cause)
        trouble = trouble_of(cause)
        if trouble != self._trouble:
            self._story.warn("waiting", reason=trouble.reason, why=trouble.message)
        self._trouble = trouble
        self._health.moved()
        self._report_due.set()
        # What was asked for during the attempt is not slept over.
        with suppress(TimeoutError):
            await asyncio.wait_for(self._asked.wait(), pause_s)

    def _pause_s(self, cause: Exception) -> float:
        """Return how long to wait before the next attempt.

        Where the other side has said how long, that is waited, and it is no failure whose pauses
        grow: work goes on when a ban is over. One that lasts longer than a probe allows the loop
        to stand still is waited out in pieces; an attempt during it sends nothing.
        """
        if isinstance(cause, Unavailable) and cause.retry_in_s is not None:
            return min(cause.retry_in_s, self._patience.exchange_most_s)
        self._failures += 1
        pause_s = self._patience.pause_s(self._failures, dialed=self._dialed)
        return pause_s * (0.5 + self._jitter() / 2)

    # Wishes, prices, reports: pumps that outlive a term.

    @property
    def _wanted(self) -> Desired:
        if self._desired is None:
            raise AssertionError("asked before the first wish came")
        return self._desired

    @property
    def _counted(self) -> Metrics:
        if self._metrics is None:
            raise AssertionError("asked before the symbol was known")
        return self._metrics

    async def _first_wish(self, pump: asyncio.Task[None]) -> None:
        """Wait until it is known what is asked for; the API server may be away for long."""
        waiting = asyncio.create_task(self._asked.wait())
        while not waiting.done() and not pump.done():
            await asyncio.wait(
                {waiting, pump},
                timeout=self._patience.most_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
            self._health.moved()
        waiting.cancel()
        if pump.done():
            pump.result()

    async def _next_wish(self, heard: Desired) -> None:
        while self._wanted == heard and not self._stop:
            self._asked.clear()
            self._health.moved()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._asked.wait(), self._patience.most_s)

    async def _pump_wishes(self) -> None:
        async for asked in self._links.resource.changes():
            desired, before = self._for_this_symbol(asked), self._desired
            self._desired = desired
            self._asked.set()
            if before is not None:
                self._handover.resource_written(self._term.leader if self._term else None)
                self._mailbox.put_nowait(Asked(desired, desired.continues(before)))

    def _for_this_symbol(self, asked: Desired) -> Desired:
        """Let a leader stay with its symbol: of a resource for another one, only its status counts.

        The budget would be in another asset, and the orders in another book.
        """
        before = self._desired
        if before is None or asked.symbol == before.symbol:
            return asked
        self._story.warn(
            "the symbol cannot be changed: only the status is heeded; use another resource",
            symbol_asked_for=asked.symbol,
        )
        settings = replace(before.settings, status=asked.settings.status)
        return replace(asked, symbol=before.symbol, settings=settings)

    def _make_feed(self, symbol: str) -> MarketFeed:
        self._metrics = self._make_metrics(symbol)
        self._metrics.watch_market(lambda: self._health.market_age_s)
        return MarketFeed(
            self._links.market(symbol),
            health=self._health,
            story=self._story,
            deliver=self._deliver,
            changed=self._report_due.set,
            watch=self._watch,
        )

    def _deliver(self, seen: PriceSeen) -> None:
        if self._term is not None:
            self._mailbox.put_nowait(seen)

    async def _pump_reports(self) -> None:
        last: Report | None = None
        while True:
            await self._report_due.wait()
            self._report_due.clear()
            report = self._report()
            if report != last:
                self._tell_what_is_waited_for(report)
                with suppress(Unavailable):
                    await self._links.resource.report(report)
                    last = report
                self._counted.reported(report)
            await asyncio.sleep(self._patience.report_s)

    def _tell_what_is_waited_for(self, report: Report) -> None:
        """Let the log say what a shutdown waits for, for those who see no condition.

        Once for each change of the orders or of what is left of them, wherever the market is.
        """
        awaited = [replace(order, percent=None) for order in report.waits_for]
        if awaited and awaited != self._told:
            orders = "; ".join(map(str, report.waits_for))
            self._story.tell("shutdown waits for the market", orders=orders)
        self._told = awaited

    def _report(self) -> Report:
        before = self._reported
        if self._term is None:
            return report_waiting(self._wanted, self._health, self._trouble, before)
        self._reported = report_trading(self._term.leader, self._wanted, self._health, before)
        return self._reported

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
            self._story.warn("what does not answer is left", after_s=self._patience.end_s)
            return Ending(Cause.TERMINATED, "asked to terminate")
        finally:
            await tasks.end([lead, out_of_time])

    async def _run_out(self) -> None:
        """Wait until the process was asked to end and has had its time for it."""
        await self._stopped.wait()
        await asyncio.sleep(self._patience.end_s)

    async def _report_last(self, ending: Ending, pumps: list[asyncio.Task[None]]) -> None:
        """Report what the last term left: nobody else will. A fenced leader has no say any more."""
        await tasks.end(pumps)
        if ending.cause is Cause.FENCED or self._reported is None:
            return
        with suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(self._patience.last_report_s):
                await self._links.resource.report(self._report())

    async def _close(self, pumps: list[asyncio.Task[None]]) -> None:
        await tasks.end(pumps)
        await self._links.ownership.close()
        await self._links.resource.close()
