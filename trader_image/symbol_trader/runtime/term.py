"""One term of trading: from the moment all links stand until the first of them is lost.

The loop takes one event at a time and lets the leader decide. Once nothing waits any more, all that
was decided is carried out in the order that safety asks for: record it, in one commit, and only
then ask anything of the exchange. An order's intent is committed before the request is written, and
with it or before it every fact that the decision knew of; requests then run beside the loop and
come back as events. A lost link ends the term; the next one starts from the record, as at start.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from typing import assert_never

from symbol_trader.core.decisions import (
    Cancel,
    CheckOnRecord,
    Decision,
    FetchBid,
    FetchTrades,
    Place,
    PriceFee,
    Query,
    Reconcile,
    RefreshSymbol,
    Request,
)
from symbol_trader.core.events import (
    BidFetched,
    CancelReplied,
    Ending,
    FeePriced,
    FillsFetched,
    LeaderEvent,
    Paused,
    PlaceReplied,
    PriceSeen,
    QueryReplied,
    RecordRefused,
    SettingsChanged,
    Started,
    StrangersFound,
    SwitchedOff,
    SymbolRead,
    TimePassed,
    ViewRead,
)
from symbol_trader.core.leader import Leader
from symbol_trader.core.orders import CancelIntent, ClientOrderId, ExchangeOrder, Intent, TraderId
from symbol_trader.core.settings import TradingStatus
from symbol_trader.desired import Desired
from symbol_trader.errors import DatabaseUnavailable, SettledMeanwhile, Unavailable
from symbol_trader.ports import Exchange, Ownership, Record
from symbol_trader.runtime import tasks
from symbol_trader.runtime.events import Asked, Event, Lost, RequestOver, Stop
from symbol_trader.runtime.health import Health
from symbol_trader.runtime.holding import Held
from symbol_trader.runtime.mailbox import Mailbox
from symbol_trader.runtime.metrics import Metrics
from symbol_trader.runtime.noting import Notes
from symbol_trader.runtime.reading import Reader, find_order, read_fills
from symbol_trader.runtime.story import Story

Work = Callable[[], Awaitable[None]]
"""What a task beside the loop does."""


class End(Enum):
    """How a term ended, other than by a lost link (which raises)."""

    DRAINED = auto()
    STOPPED = auto()
    """Asked to stop by a signal."""
    OFF = auto()
    """The resource says off."""


@dataclass(frozen=True, slots=True)
class Beat:
    """How often the term does what no event calls for, and how long its end may take; seconds."""

    timer_s: float = 0.25
    reconcile_s: float = 60.0
    replies_s: float = 10.5
    """How long an end waits for replies to orders and cancels; the adapter gives them up at 10."""
    last_replies_s: float = 3.0
    """The same where a link was lost: what is not answered soon will be asked for."""


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
        watermark: int,
        story: Story,
        health: Health,
        metrics: Metrics,
        beat: Beat,
        changed: Callable[[], None],
        beside: Sequence[Work] = (),
    ) -> None:
        """Take over open links. `changed` is called after each event.

        `beside` is work that goes on for as long as the term does.
        """
        self.leader = leader
        self.desired = desired
        """What is asked for, as far as the leader has heard of it."""
        self._ownership = ownership
        self._record = record
        self._notes = Notes(record, metrics)
        self._held = Held()
        self._exchange = exchange
        self._mailbox = mailbox
        self._watermark = watermark
        self._story = story
        self._health = health
        self._metrics = metrics
        self._beat = beat
        self._changed = changed
        self._beside = beside
        self._reader = Reader(exchange, record, self._got_on)
        self._acts: set[asyncio.Task[None]] = set()
        """Orders and cancels under way: an end waits for their replies."""
        self._reads: set[asyncio.Task[None]] = set()
        self._pumps: list[asyncio.Task[None]] = []
        self._looking = False
        self._stopping: End | Lost | None = None
        self._replies_by_s: float | None = None
        """Until when replies are waited for, once the end has come; a time of the event loop."""
        self._held_until_ms: int | None = None
        self._received_s: float | None = None

    async def run(self) -> End:
        """Trade until drained or stopped. Raises what ended the term otherwise."""
        pumps = (self._pump_user_events, self._pump_time, self._pump_views, *self._beside)
        self._pumps = [asyncio.create_task(self._guard(pump)) for pump in pumps]
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

    async def reconcile_now(self) -> None:
        """Read everything and bring the record up to date, before the term begins."""
        await self._apply_view(await self._read_view())

    async def _read_view(self) -> ViewRead:
        view, newest = await self._reader.read(self.leader, self._watermark)
        return ViewRead(view, newest)

    def _got_on(self) -> None:
        """Note progress in reading: before the loop runs, there is no other."""
        if not self._pumps:
            self._health.moved()

    def _end(self) -> End | Lost | None:
        """Return how the term has ended: not before the replies are on record that are due.

        Who is drained goes on if that is asked for meanwhile.
        """
        end = self._stopping or (End.DRAINED if self.leader.drained else None)
        if end is None:
            self._replies_by_s = None
            return None
        if self._replies_by_s is None:
            self._replies_by_s = self._time_s() + self._beat.replies_s
        return None if self._acts and self._time_s() < self._replies_by_s else end

    def _stop(self, end: End | Lost, patience_s: float) -> None:
        """Ask for nothing any more, and wait for replies so long at most."""
        if self._stopping is None:
            self._replies_by_s = self._time_s() + patience_s
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

    async def _handle(self, event: Event) -> None:
        self._health.moved()
        self._received_s = event.received_s if isinstance(event, PriceSeen) else None
        await self._dispatch(event)
        if self._mailbox.is_empty or self._held.is_full:
            await self._carry_out()
        if not self._held:
            self._changed()

    def _decide(self, event: LeaderEvent) -> Decision:
        """Let the leader decide; of a ban it hears first, for nothing must be intended then."""
        held_until_ms = self._exchange.held_until_ms()
        now_ms = self._exchange.now_ms()
        if held_until_ms != self._held_until_ms:
            self._held_until_ms = held_until_ms
            self.leader.handle(Paused(held_until_ms), now_ms)
        return self.leader.handle(event, now_ms)

    async def _dispatch(self, event: Event) -> None:
        match event:
            case Lost():
                self._lose(event)
            case Stop():
                self._stop(self._stopping or End.STOPPED, self._beat.replies_s)
            case RequestOver(task):
                self._acts.discard(task)
            case Asked():
                await self._ask(event)
            case ViewRead():
                await self._apply_view(event)
            case _:
                self._hold(self._decide(event))

    def _lose(self, lost: Lost) -> None:
        """End without this link; where the record still takes replies, they are waited for."""
        if not isinstance(lost.cause, Unavailable) or isinstance(lost.cause, DatabaseUnavailable):
            raise lost.cause
        self._stop(self._stopping or lost, self._beat.last_replies_s)

    async def _ask(self, event: Asked) -> None:
        # What was decided before was decided by what was asked for then.
        await self._carry_out()
        self.desired = event.desired
        settings = event.desired.settings
        if settings.status is TradingStatus.OFF:
            self._story.tell("stopping trading", open_orders=len(self.leader.open_orders))
            if not isinstance(self._stopping, Lost):
                self._stop(End.OFF, self._beat.replies_s)
            self._hold(self._decide(SwitchedOff()))
        else:
            self._hold(self._decide(SettingsChanged(settings, event.continued)))
        await self._carry_out()
        await self._record.mirror_settings(event.desired)

    async def _apply_view(self, event: ViewRead) -> None:
        self._hold(self._decide(event))
        await self._carry_out()
        settled = not self.leader.orders_in_doubt and not self.leader.strangers
        if settled and event.newest > self._watermark:
            await self._record.advance_watermark(event.newest)
            self._watermark = event.newest

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
            refused = await self._notes.note(held.changes) if held.changes else {}
            for request, received_s in held.requests:
                if not _is_refused(request, refused):
                    self._ask_exchange(request, received_s)
            for trader_id, why in refused.items():
                event = RecordRefused(trader_id, why, _order_of(trader_id, held))
                self._hold(self._decide(event))

    def _ask_exchange(self, request: Request, received_s: float | None) -> None:  # noqa: C901 - a table
        match request:
            case Place(intent):
                self._act(partial(self._place, intent, received_s))
            case Cancel(intent):
                self._act(partial(self._cancel, intent))
            case Query():
                self._read(partial(self._query, request))
            case FetchTrades():
                self._read(partial(self._fetch, request))
            case RefreshSymbol():
                self._read(self._refresh)
            case FetchBid():
                self._read(self._fetch_bid)
            case PriceFee():
                self._read(partial(self._price_fee, request))
            case CheckOnRecord(order):
                self._read(partial(self._check_on_record, order))
            case Reconcile():
                if not self._looking:
                    self._read(self._look_at_everything)
            case _:
                assert_never(request)

    def _act(self, work: Work) -> None:
        task = asyncio.create_task(self._guard(work))
        self._acts.add(task)
        # Outstanding until the loop has handled what it brought: an end must not overtake a reply.
        task.add_done_callback(lambda done: self._mailbox.put_nowait(RequestOver(done)))

    def _read(self, work: Work) -> None:
        task = asyncio.create_task(self._guard(work))
        self._reads.add(task)
        task.add_done_callback(self._reads.discard)

    async def _place(self, intent: Intent, received_s: float | None) -> None:
        self._metrics.placed(received_s)
        outcome = await self._exchange.place(intent)
        self._mailbox.put_nowait(PlaceReplied(intent.client_order_id, outcome))

    async def _cancel(self, intent: CancelIntent) -> None:
        outcome = await self._exchange.cancel(intent)
        self._mailbox.put_nowait(CancelReplied(intent, outcome))

    async def _query(self, query: Query) -> None:
        answer = await find_order(self._exchange, query.client_order_id, query.order_id)
        self._mailbox.put_nowait(QueryReplied(query.client_order_id, answer))

    async def _fetch(self, fetch: FetchTrades) -> None:
        fills = await read_fills(self._exchange, 0, fetch.order_id, self._got_on)
        self._mailbox.put_nowait(FillsFetched(fetch.client_order_id, tuple(fills)))

    async def _refresh(self) -> None:
        symbol = await self._exchange.symbol()
        commission = await self._exchange.commission()
        self._mailbox.put_nowait(SymbolRead(symbol, commission))

    async def _check_on_record(self, order: ExchangeOrder) -> None:
        if await self._record.names_not_on_record({order.client_order_id}):
            self._mailbox.put_nowait(StrangersFound((order,)))

    async def _look_at_everything(self) -> None:
        self._looking = True
        try:
            self._mailbox.put_nowait(await self._read_view())
        finally:
            self._looking = False

    async def _fetch_bid(self) -> None:
        self._mailbox.put_nowait(BidFetched(await self._exchange.best_bid()))

    async def _price_fee(self, fee: PriceFee) -> None:
        """Ask for a price; a profit that lacks a fee for a while is no reason to end the term."""
        try:
            price = await self._exchange.price_of(fee.asset, fee.time_ms)
        except Unavailable:
            price = None
        self._mailbox.put_nowait(FeePriced(fee.order_id, fee.trade_id, price))

    # Tasks beside the loop.

    async def _guard(self, work: Work) -> None:
        """Let a failure of a task end the term, whatever it is.

        Work is begun here: a task that is canceled before its first step leaves nothing behind.
        """
        try:
            await work()
        except Exception as exc:  # noqa: BLE001 - the loop raises it again
            self._mailbox.put_nowait(Lost(exc))

    async def _pump_user_events(self) -> None:
        async for event in self._exchange.user_events():
            await self._mailbox.put(event)

    async def _pump_time(self) -> None:
        while True:
            await asyncio.sleep(self._beat.timer_s)
            await self._mailbox.put(TimePassed())

    async def _pump_views(self) -> None:
        """Look at both sides from time to time: where nothing happens, no write would fail."""
        while True:
            await asyncio.sleep(self._beat.reconcile_s)
            await self._ownership.confirm()
            if await self._record.settled_meanwhile():
                raise SettledMeanwhile
            if self._exchange.held_until_ms() is None:
                await self._look_at_everything()

    async def _end_tasks(self) -> None:
        """End what runs beside the loop; the replies that were waited for are in by now.

        The exchange is closed after those who read from it, and before those who have acted: they
        have been written, and nobody hears any more what becomes of them.
        """
        await tasks.end([*self._pumps, *self._reads])
        await self._exchange.close()
        await tasks.end(self._acts)


def _order_of(trader_id: TraderId, held: Held) -> ClientOrderId | None:
    """Return the order that was to be placed for a trader, if one was."""
    placed = (request.intent for request, _ in held.requests if isinstance(request, Place))
    return next((o.client_order_id for o in placed if o.trader_id == trader_id), None)


def _is_refused(request: Request, refused: Collection[TraderId]) -> bool:
    return isinstance(request, Place | Cancel) and request.intent.trader_id in refused
