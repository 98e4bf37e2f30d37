"""The runtime in virtual time: one process that leads, dies at any point, and begins anew.

It carries a decision out as the real one does: the record first, then each intent, and only after
an intent its request. Nothing of a process survives it but the record and requests on the wire.
"""

from collections.abc import Callable, Iterable
from random import Random
from typing import Any

from simulation.auditor import Auditor
from simulation.exchange import COMMISSION, SYMBOL
from simulation.memory import MemoryRecord
from simulation.tally import Tally
from simulation.timeline import Timeline
from simulation.wire import Wire
from symbol_trader.core.decisions import (
    Cancel,
    CheckOnRecord,
    Decision,
    FetchBid,
    FetchTrades,
    Place,
    Query,
    RefreshSymbol,
    Request,
)
from symbol_trader.core.leader import ExchangeView, Leader
from symbol_trader.core.orders import CancelIntent, ExchangeOrder, ExecutionReport, Intent
from symbol_trader.core.replies import UserEvent
from symbol_trader.core.settings import Settings
from symbol_trader.core.timing import Timing

BEAT_MS = 1_000
RECONCILE_EVERY_MS = 20_000
DOWN_MS = (10, 12_000)
FROZEN_MS = (100, 8_000)
SKEW_MS = (-300, 300)
"""How far the leader's measure of the exchange's clock may be off."""

Event = Callable[[Leader, int], Decision]
Tell = Callable[[int, str, dict[str, Any]], None]
"""Is told the time, what happened, and the facts."""


class Death(Exception):  # noqa: N818 - an event, not a mistake
    """The process dies here."""


class Process:
    """The leader's process, and the next one after each death."""

    def __init__(
        self,
        timeline: Timeline,
        wire: Wire,
        record: MemoryRecord,
        *,
        settings: Settings,
        random: Random,
        tally: Tally,
        tell: Tell,
    ) -> None:
        self.settings = settings
        self.leader: Leader | None = None
        self.auditor = Auditor(record)
        self._timeline = timeline
        self._random = random
        self._wire = wire
        self._record = record
        self._tally = tally
        self._tell = tell
        self._life = 0
        self._started = False
        self._buffered: list[Event] = []
        self._skew_ms = 0

    # Birth and death.

    def begin(self) -> None:
        """Take up the record, listen to the stream, and ask the exchange for everything."""
        if self.leader is not None:
            return
        self._life += 1
        self._started = False
        self._buffered = []
        self._skew_ms = self._random.randint(*SKEW_MS)
        self._record.mirror_settings(self.settings, self._timeline.now_ms)
        self.leader = self._make()
        self._read_view(self._reconcile_and_start)
        self._beat()
        self._reconcile_at_times()

    def _make(self) -> Leader:
        return Leader(
            self._record.load(self._timeline.now_ms),
            settings=self.settings,
            symbol=SYMBOL,
            commission=COMMISSION,
            timing=Timing(),
            new_bits=lambda: self._random.getrandbits(64),
        )

    def _reconcile_and_start(self, view: ExchangeView) -> None:
        self._carry_out(lambda leader, now_ms: leader.reconcile(view, now_ms))
        self._carry_out(lambda leader, now_ms: leader.start(now_ms))
        self._started = self.leader is not None
        while self._buffered and self._started:
            self._carry_out(self._buffered.pop(0))

    def die(self, where: str) -> None:
        """End here and now; another process begins after a while."""
        if self.leader is None:
            return
        self._tell(self._timeline.now_ms, "the process dies", {"where": where})
        self._tally.count("crashes")
        self._tally.count(f"crashes {where}")
        self.leader = None
        self._life += 1
        self._timeline.after(self._random.randint(*DOWN_MS), self.begin)

    # Events.

    def see_price(self, event: Event) -> None:
        """Let the leader see a price, if one leads."""
        if self._started:
            self._hear(self._life, event)

    def hear(self, event: UserEvent) -> None:
        """Let the stream bring an event to whoever listens now."""
        if self.leader is None:
            return
        life = self._life
        self._wire.deliver(event, lambda event: self._hear(life, _of_stream(event)))

    def ask(self, settings: Settings) -> None:
        """Let a person write the resource."""
        self.settings = settings
        if self.leader is not None:
            self._record.mirror_settings(settings, self._timeline.now_ms)
        if self._started:
            self._hear(self._life, lambda leader, now: leader.change_settings(settings, now))

    def _hear(self, life: int, event: Event) -> None:
        if life != self._life or self.leader is None:
            return
        if self._started:
            self._carry_out(event)
        else:
            self._buffered.append(event)

    def _beat(self) -> None:
        life = self._life
        self._hear(life, lambda leader, now_ms: leader.pass_time(now_ms))
        if life == self._life:
            self._timeline.after(BEAT_MS, lambda: self._beat() if life == self._life else None)

    def _reconcile_at_times(self) -> None:
        life = self._life

        def reconcile() -> None:
            if life == self._life and self.leader is not None:
                self._read_view(
                    lambda view: self._hear(life, lambda leader, now: leader.reconcile(view, now))
                )
                self._reconcile_at_times()

        self._timeline.after(RECONCILE_EVERY_MS, reconcile)

    def _read_view(self, then: Callable[[ExchangeView], None]) -> None:
        assert self.leader is not None
        life = self._life
        names = [order.intent.client_order_id for order in self.leader.orders_to_ask_for]

        def heard(view: ExchangeView | None) -> None:
            if life != self._life:
                return
            if view is None:
                self.die("for want of an answer")
            else:
                then(view)

        self._wire.view(names, self._strangers, heard)

    def _strangers(self, seen: Iterable[ExchangeOrder]) -> tuple[ExchangeOrder, ...]:
        """Return the orders with our mark that neither the leader nor the record knows."""
        leader = self.leader
        marked = [o for o in seen if leader and leader.marks(o.client_order_id)]
        strange = self._record.names_not_on_record(o.client_order_id for o in marked)
        return tuple(order for order in marked if order.client_order_id in strange)

    # Decisions.

    def _carry_out(self, event: Event) -> None:
        if self.leader is None:
            return
        try:
            self._carry(self.leader, event(self.leader, self._timeline.now_ms + self._skew_ms))
        except Death as death:
            self.die(str(death))

    def _carry(self, leader: Leader, decision: Decision) -> None:
        for said in decision.said:
            self._tell(self._timeline.now_ms, said.event, said.facts)
            self._tally.count(f"said: {said.event}")
        if decision.changes:
            self._risk("before the record")
            self._record.note(decision.changes)
            self.auditor.noted(leader, decision.changes)
            self._risk("after the record")
        for request in decision.requests:
            self._ask_exchange(leader, request)
        if decision.changes or decision.requests:
            self.auditor.carried_out(leader, self._make)

    def _ask_exchange(self, leader: Leader, request: Request) -> None:
        match request:
            case Place(intent):
                self._place(leader, intent)
            case Cancel(cancel):
                self._risk("before a cancel's intent")
                self.auditor.canceling(cancel)
                self._record.commit_cancel(cancel)
                self._risk("after a cancel's intent")
                self._cancel(cancel)
            case Query(name):
                answer = self._wire.order(name)
                self._read(lambda leader, now: leader.query_replied(name, answer, now))
            case FetchTrades(name, order_id):
                fills = self._wire.fills(order_id)
                self._read(lambda leader, now: leader.fills_fetched(name, fills, now))
            case CheckOnRecord(order):
                strange = self._strangers((order,))
                self._read(lambda leader, now: leader.strangers_found(strange, now))
            case FetchBid():
                bid = self._wire.best_bid()
                self._read(lambda leader, now: leader.bid_fetched(bid, now))
            case RefreshSymbol():
                leader.describe(SYMBOL, COMMISSION)

    def _place(self, leader: Leader, intent: Intent) -> None:
        self._risk("before an intent")
        self._record.commit_intent(intent)
        self.auditor.committed(leader, intent)
        life, name = self._life, intent.client_order_id

        def send(extra_ms: int = 0) -> None:
            self._wire.place(
                intent,
                lambda outcome: self._hear(
                    life, lambda leader, now: leader.place_replied(name, outcome, now)
                ),
                extra_ms=extra_ms,
            )

        try:
            self._risk("after an intent")
        except Death:
            if self._random.random() < self._wire.weather.freeze:
                self._tally.count("requests of a frozen process")
                send(self._random.randint(*FROZEN_MS))
            raise
        send()
        self._risk("after a request")

    def _cancel(self, cancel: CancelIntent) -> None:
        life = self._life
        self._wire.cancel(
            cancel,
            lambda outcome: self._hear(
                life, lambda leader, now: leader.cancel_replied(cancel, outcome, now)
            ),
        )

    def _read(self, event: Event) -> None:
        life = self._life
        lost = self._wire.lost()

        def heard() -> None:
            if life == self._life and lost:
                self.die("for want of an answer")
            else:
                self._hear(life, event)

        self._wire.later(heard)

    def _risk(self, where: str) -> None:
        if self._random.random() < self._wire.weather.crash:
            raise Death(where)


def _of_stream(event: UserEvent) -> Event:
    if isinstance(event, ExecutionReport):
        return lambda leader, now_ms: leader.hear_report(event, now_ms)
    return lambda leader, now_ms: leader.balance_changed(now_ms)
