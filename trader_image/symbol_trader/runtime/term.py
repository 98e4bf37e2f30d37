"""One term of trading: from the moment all connections stand until the first of them is lost.

A term is a trading session. It is not the term of a consensus protocol: that is the epoch here.

The loop takes one event at a time and lets the leader decide. Once nothing waits any more, all that
was decided is carried out in the order that safety asks for: record it, in one commit, and only
then ask anything of the exchange. An order's intent is committed before the request is written, and
with it or before it every fact that the decision knew of; requests then run beside the loop and
come back as events. A lost connection ends the term; the next one starts from the record, as the
first one did.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, auto

from symbol_trader.core.decisions import Cancel, Decision, Place, Request
from symbol_trader.core.events import (
    Banned,
    BuyRefused,
    Ending,
    LeaderEvent,
    PriceSeen,
    RecordRefused,
    SettingsChanged,
    Started,
    SwitchedOff,
    ViewRead,
)
from symbol_trader.core.leader import Leader
from symbol_trader.core.orders import ClientOrderId, TraderId
from symbol_trader.core.records import Watermark
from symbol_trader.core.settings import TradingStatus
from symbol_trader.desired import Desired
from symbol_trader.errors import DatabaseUnavailable, Unavailable
from symbol_trader.ports import Exchange, Ownership, Record
from symbol_trader.runtime import tasks
from symbol_trader.runtime.events import DesiredChanged, Event, Lost, RequestOver, Stop
from symbol_trader.runtime.health import Health
from symbol_trader.runtime.holding import Held
from symbol_trader.runtime.mailbox import Mailbox
from symbol_trader.runtime.metrics import Metrics
from symbol_trader.runtime.noting import Noted, Notes
from symbol_trader.runtime.pumps import Pumps
from symbol_trader.runtime.reading import Page, Trades
from symbol_trader.runtime.requests import Requests
from symbol_trader.runtime.story import Story
from symbol_trader.runtime.tasks import Work
from symbol_trader.runtime.views import Views


class End(Enum):
    """How a term ended, other than by a lost connection (which raises)."""

    DRAINED = auto()
    STOPPED = auto()
    """Asked to stop by a signal."""
    OFF = auto()
    """The resource says off."""


@dataclass(frozen=True, slots=True)
class Intervals:
    """How often a leader does what no event calls for, and how long its end may take; seconds."""

    timer_s: float = 0.25
    reconcile_s: float = 60.0
    limits_s: float = 5.0
    """How often the account's halts are read: those that a person or another leader noted."""
    bid_s: float = 25.0
    """How often what is held gets a bid on record, where a loss limit stands. After 60 s the record
    takes no buy of the account any more."""
    report_s: float = 1.0
    """The least time between two reports."""
    replies_s: float = 10.5
    """How long an end waits for replies to orders and cancels; the adapter gives them up at 10."""
    last_replies_s: float = 3.0
    """The same where a connection was lost: what is not answered soon will be asked for."""
    end_s: float = 12.0
    """How long after a signal a term may take to end. With the last report, and with what the
    adapters take to close, it stays below the grace period of a leader's pod (20 s)."""
    last_report_s: float = 2.0
    """How long the last report may take: the process is asked to end."""


class Term:
    """The loop of one term. `mailbox` is shared with the pumps that outlive the term."""

    def __init__(
        self,
        leader: Leader,
        *,
        ownership: Ownership,
        record: Record,
        exchange: Exchange,
        mailbox: Mailbox,
        desired: Desired,
        watermark: Watermark,
        story: Story,
        health: Health,
        metrics: Metrics,
        intervals: Intervals,
        changed: Callable[[], None],
        beside: Sequence[Work] = (),
        on_trades_read: Callable[[], None] = lambda: None,
    ) -> None:
        """Take over open connections. `changed` is called after each event.

        `on_trades_read` is called after each look that has read the account's trades. `beside` is
        work that goes on for as long as the term does.
        """
        self.leader = leader
        self.desired = desired
        """What is asked for, as far as the leader has heard of it."""
        self._record = record
        self._notes = Notes(record, metrics)
        self._held = Held()
        self._exchange = exchange
        self._mailbox = mailbox
        self._story = story
        self._health = health
        self._intervals = intervals
        self._changed = changed
        self._views = Views(
            leader,
            exchange=exchange,
            record=record,
            mailbox=mailbox,
            watermark=watermark,
            on_progress=self._on_progress,
            on_trades_read=on_trades_read,
        )
        self._requests = Requests(
            exchange,
            record,
            mailbox=mailbox,
            metrics=metrics,
            views=self._views,
            on_progress=self._on_progress,
        )
        self._pumps = Pumps(
            ownership=ownership,
            record=record,
            exchange=exchange,
            mailbox=mailbox,
            views=self._views,
            timer_s=intervals.timer_s,
            reconcile_s=intervals.reconcile_s,
            beside=beside,
        )
        self._stopping: End | Lost | None = None
        self._replies_by_s: float | None = None
        """Until when replies are waited for, once the end has come; a time of the event loop."""
        self._held_until_ms: int | None = None
        self._received_s: float | None = None

    async def run(self) -> End:
        """Trade until drained or stopped. Raises what ended the term otherwise."""
        self._pumps.start()
        try:
            self._hold(self._decide(Started()))
            await self._carry_out()
            while (end := self._end()) is None or self._held:
                if event := await self._next_event():
                    await self._handle(event)
        finally:
            await self._end_tasks()
        if isinstance(end, Lost):
            raise end.cause
        return end

    async def reconcile_now(self, trades: Trades = Trades.ALL, page: Page | None = None) -> None:
        """Read everything and bring the record up to date, before the term begins.

        Of the trades as much is read as is asked for; `page` is the newest, if it was read.
        """
        await self._apply_view(await self._views.read(trades, page))

    def _on_progress(self) -> None:
        """Note progress in reading: before the loop runs, there is no other."""
        if not self._pumps.tasks:
            self._health.heartbeat()

    def _end(self) -> End | Lost | None:
        """Return how the term has ended: not before the replies are on record that are due.

        A drained term goes on if that is asked for before it has ended.
        """
        end = self._stopping or (End.DRAINED if self.leader.drained else None)
        if end is None:
            self._replies_by_s = None
            return None
        if self._replies_by_s is None:
            self._replies_by_s = self._time_s() + self._intervals.replies_s
        return None if self._requests.acts and self._time_s() < self._replies_by_s else end

    def _stop(self, end: End | Lost, replies_s: float) -> None:
        """Send no more requests, and wait for replies for at most `replies_s` seconds."""
        if self._stopping is None:
            self._replies_by_s = self._time_s() + replies_s
            self.leader.handle(Ending(), self._exchange.now_ms())
        self._stopping = end

    @staticmethod
    def _time_s() -> float:
        return asyncio.get_running_loop().time()

    async def _next_event(self) -> Event | None:
        """Wait for an event; once the end has come, only as long as replies are waited for."""
        if self._replies_by_s is None:
            return await self._mailbox.get()
        with suppress(TimeoutError):
            async with asyncio.timeout_at(self._replies_by_s):
                return await self._mailbox.get()
        return None

    # Events.

    def take_quietly(self, price: Decimal) -> bool:
        """Take in a price from which nothing follows, while the loop waits: it would do the same.

        Return False where the price has to go through the loop.
        """
        if not (self._mailbox.is_awaited and self.leader.take_quietly(price)):
            return False
        self._changed()
        return True

    async def _handle(self, event: Event) -> None:
        self._health.heartbeat()
        self._received_s = event.received_s if isinstance(event, PriceSeen) else None
        await self._dispatch(event)
        if self._mailbox.is_empty or self._held.is_full:
            await self._carry_out()
        if not self._held:
            self._changed()

    def _decide(self, event: LeaderEvent) -> Decision:
        """Let the leader decide; it hears of a ban first: no order may be intended during one."""
        held_until_ms = self._exchange.held_until_ms()
        now_ms = self._exchange.now_ms()
        if held_until_ms != self._held_until_ms:
            self._held_until_ms = held_until_ms
            self.leader.handle(Banned(held_until_ms), now_ms)
        return self.leader.handle(event, now_ms)

    async def _dispatch(self, event: Event) -> None:
        match event:
            case Lost():
                self._lose(event)
            case Stop():
                self._stop(self._stopping or End.STOPPED, self._intervals.replies_s)
            case RequestOver(task):
                self._requests.acts.discard(task)
            case DesiredChanged():
                await self._ask(event)
            case ViewRead():
                await self._apply_view(event)
            case _:
                self._hold(self._decide(event))

    def _lose(self, lost: Lost) -> None:
        """End without this connection; while the record can still note replies, wait for them."""
        if not isinstance(lost.cause, Unavailable) or isinstance(lost.cause, DatabaseUnavailable):
            raise lost.cause
        self._stop(self._stopping or lost, self._intervals.last_replies_s)

    async def _ask(self, event: DesiredChanged) -> None:
        # What was decided before was decided by what was asked for then.
        await self._carry_out()
        self.desired = event.desired
        settings = event.desired.settings
        if settings.status is TradingStatus.OFF:
            self._story.tell("stopping trading", open_orders=len(self.leader.open_orders))
            if not isinstance(self._stopping, Lost):
                self._stop(End.OFF, self._intervals.replies_s)
            self._hold(self._decide(SwitchedOff()))
        else:
            self._hold(self._decide(SettingsChanged(settings, event.continued)))
        await self._carry_out()
        await self._record.mirror_settings(event.desired)

    async def _apply_view(self, event: ViewRead) -> None:
        self._hold(self._decide(event))
        await self._carry_out()
        await self._views.taken_in(event.newest)

    # Decisions.

    def _hold(self, decision: Decision) -> None:
        """Say it, and keep it until all that waits is decided."""
        for said in decision.said:
            self._story.say(said)
        requests = decision.requests if self._stopping is None else []
        self._held.add(decision, requests, self._received_s)

    async def _carry_out(self) -> None:
        """Record what is held, intents with the rest, and only then ask the exchange."""
        while self._held:
            held, self._held = self._held, Held()
            noted = await self._notes.note(held.changes) if held.changes else Noted()
            for request, received_s in held.requests:
                if not _is_refused(request, noted):
                    self._requests.send(request, received_s)
            for trader_id, why in noted.refused.items():
                event = RecordRefused(trader_id, why, _order_of(trader_id, held))
                self._hold(self._decide(event))
            for buy in noted.buys:
                self._hold(self._decide(BuyRefused(buy)))

    async def _end_tasks(self) -> None:
        """End what runs beside the loop; the replies that were waited for are in by now.

        The order matters. Tasks that read are canceled first: they would fail when the exchange is
        closed. Then the exchange is closed, so that no request can be written any more. Orders and
        cancels that are still unanswered are canceled last: their requests have been written, so
        canceling a task takes nothing back, and the next term asks what became of them.
        """
        await tasks.end([*self._pumps.tasks, *self._requests.reads.values()])
        await self._exchange.close()
        await tasks.end(self._requests.acts)


def _order_of(trader_id: TraderId, held: Held) -> ClientOrderId | None:
    """Return the order that was to be placed for a trader, if one was."""
    placed = (request.intent for request, _ in held.requests if isinstance(request, Place))
    return next((o.client_order_id for o in placed if o.trader_id == trader_id), None)


def _is_refused(request: Request, noted: Noted) -> bool:
    if not isinstance(request, Place | Cancel):
        return False
    names = {buy.client_order_id for buy in noted.buys}
    of_trader = request.intent.trader_id in noted.refused
    return of_trader or (isinstance(request, Place) and request.intent.client_order_id in names)
