"""The record of one book in memory: the rows that the real one would hold, and nothing else.

A leader is restored from here in tests, so whatever a leader must not forget has to be in a row.
What the schema's constraints refuse is refused here as well, by an `AssertionError`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from symbol_trader.core.money import ZERO
from symbol_trader.core.orders import (
    CancelIntent,
    ClientOrderId,
    Fill,
    Intent,
    OrderState,
    Side,
    TraderId,
)
from symbol_trader.core.records import (
    Acknowledged,
    CancelChange,
    FillRecorded,
    FillsGivenUp,
    NewTrader,
    OrderChange,
    RecordChange,
    RecordedOrder,
    RecordedTrader,
    Snapshot,
    TraderResult,
    TraderState,
)
from symbol_trader.core.settings import TradingStatus
from symbol_trader.ports import Desired

INSTALLATION = "0a1b2c"

Cycle = tuple[Decimal, Decimal, Decimal | None]
"""What a trader received, what it sold, and what it set out to sell, in base."""

_STATES = list(OrderState)
_NEVER_THERE = {OrderState.REFUSED, OrderState.ABSENT}


@dataclass(slots=True)
class TraderRow:
    """A cycle: how it began and, once it is over, how it ended."""

    beginning: NewTrader
    result: TraderResult | None = None

    @property
    def state(self) -> TraderState:
        return self.result.state if self.result else TraderState.RUNNING


@dataclass(slots=True)
class OrderRow:
    """An intent and what became of it."""

    intent: Intent
    state: OrderState = OrderState.INTENT
    order_id: int | None = None
    executed: Decimal = ZERO
    executed_quote: Decimal = ZERO
    reason: str = ""
    fills: dict[int, Fill] = field(default_factory=dict)
    cancels: list[CancelIntent] = field(default_factory=list)
    quantity: Decimal | None = None
    """The current quantity, where others have reduced it."""
    fills_given_up: bool = False
    acknowledged: bool = False

    @property
    def over(self) -> bool:
        return self.state.final

    @property
    def existed(self) -> bool:
        return self.state not in _NEVER_THERE

    @property
    def unread(self) -> Decimal:
        """Return what was executed without a fill on record, where fills are given up."""
        filled = sum((fill.quantity for fill in self.fills.values()), ZERO)
        return self.executed - filled if self.fills_given_up else ZERO


@dataclass(frozen=True, slots=True)
class Inventory:
    """The base asset of a book: what was bought and not sold, and what explains it."""

    position: Decimal
    in_progress: Decimal
    carried: Decimal
    stranded: Decimal

    @property
    def unexplained(self) -> Decimal:
        return self.position - self.in_progress - self.carried - self.stranded


class MemoryRecord:
    """One book's rows. `base_asset` tells which commission reduced what was bought."""

    def __init__(self, base_asset: str) -> None:
        self.base_asset = base_asset
        self.traders: dict[TraderId, TraderRow] = {}
        self.orders: dict[ClientOrderId, OrderRow] = {}
        self.cancels: dict[ClientOrderId, CancelIntent] = {}
        self.outcomes: dict[ClientOrderId, CancelChange] = {}
        self.watermark: int | None = None
        self.shutdown_since_ms: int | None = None
        self._mirrored: Desired | None = None
        self._takers: dict[type, Callable[[Any], None]] = {
            NewTrader: self._begin,
            TraderResult: self._end,
            OrderChange: self._change,
            CancelChange: self._end_cancel,
            FillRecorded: self._fill,
            FillsGivenUp: self._give_up_fills,
            Acknowledged: self._acknowledge,
            Intent: self._intend,
            CancelIntent: self._intend_cancel,
        }
        self._closed: dict[TraderId, Cycle] = {}
        self._legs: defaultdict[tuple[TraderId, Side], list[OrderRow]] = defaultdict(list)

    # Writing.

    def _intend(self, intent: Intent) -> None:
        """Take in an order's intent."""
        assert intent.client_order_id not in self.orders, "an id is used twice"
        assert self.traders[intent.trader_id].result is None, "an order of a finished trader"
        live = [o for o in self.of(intent.trader_id) if not o.over]
        assert not live, f"{intent.client_order_id} beside {live[0].intent.client_order_id}"
        attempts = [o.intent.attempt for o in self.leg(intent.trader_id, intent.side)]
        assert intent.attempt not in attempts
        row = self.orders[intent.client_order_id] = OrderRow(intent)
        self._legs[intent.trader_id, intent.side].append(row)

    def _intend_cancel(self, intent: CancelIntent) -> None:
        """Take in a cancel's intent."""
        assert intent.cancel_id not in self.cancels, "a cancel's id is used twice"
        self.cancels[intent.cancel_id] = intent
        self.orders[intent.client_order_id].cancels.append(intent)

    def mirror_settings(self, desired: Desired, now_ms: int) -> None:
        """Take in what is asked for; a deadline counts from the first mirror of its shutdown."""
        missed = self._mirrored is None or not desired.continues(self._mirrored)
        self._mirrored = desired
        if desired.settings.status is not TradingStatus.SHUTDOWN:
            self.shutdown_since_ms = None
        elif self.shutdown_since_ms is None or missed:
            self.shutdown_since_ms = now_ms

    def note(self, changes: Sequence[RecordChange]) -> None:
        """Take in what happened, in order."""
        for change in changes:
            self._takers[type(change)](change)

    def _end_cancel(self, change: CancelChange) -> None:
        assert change.cancel_id in self.cancels
        self.outcomes[change.cancel_id] = change

    def _give_up_fills(self, change: FillsGivenUp) -> None:
        row = self.orders[change.client_order_id]
        assert row.over, "fills of a live order are given up"
        row.fills_given_up = True

    def _acknowledge(self, change: Acknowledged) -> None:
        self.orders[change.client_order_id].acknowledged = True

    def _begin(self, new: NewTrader) -> None:
        assert new.trader_id not in self.traders
        parents = [row.beginning.parent for row in self.traders.values()]
        assert new.parent is None or new.parent not in parents, "a rebuy is spent twice"
        assert new.parent is None or new.parent in self.traders
        self.traders[new.trader_id] = TraderRow(new)

    def _end(self, result: TraderResult) -> None:
        row = self.traders[result.trader_id]
        assert row.result is None, "a trader ends twice"
        assert all(order.over for order in self.of(result.trader_id)), "it ends with a live order"
        assert result.quantity >= ZERO
        row.result = result
        self._closed[result.trader_id] = self._cycle(result.trader_id)

    def _change(self, change: OrderChange) -> None:
        row = self.orders[change.client_order_id]
        assert row.order_id in {None, change.order_id}, "another order id"
        assert not (row.over and change.state.final) or row.state is change.state
        assert change.executed >= row.executed, "executed shrinks"
        assert change.executed <= row.intent.quantity, "executed more than intended"
        row.state = max(row.state, change.state, key=_STATES.index)
        row.order_id = change.order_id
        row.executed, row.executed_quote = change.executed, change.executed_quote
        row.quantity = change.quantity or row.quantity
        row.reason = change.reason or row.reason
        assert row.existed or (row.order_id is None and not row.executed), "it was there after all"

    def _fill(self, recorded: FillRecorded) -> None:
        row = self.orders[recorded.client_order_id]
        assert row.intent.trader_id not in self._closed, "a fill of a finished trader"
        assert recorded.side is row.intent.side
        assert row.order_id in {None, recorded.fill.order_id}
        row.order_id = recorded.fill.order_id
        known = row.fills.setdefault(recorded.fill.trade_id, recorded.fill)
        assert known == recorded.fill or _amounts(known) == _amounts(recorded.fill)

    def advance_watermark(self, trade_id: int) -> None:
        """Move the watermark on; it never goes back."""
        self.watermark = max(self.watermark if self.watermark is not None else trade_id, trade_id)

    # Reading.

    def orders_not_on_record(self, order_ids: Iterable[int]) -> frozenset[int]:
        """Return those of the exchange's order ids that no order has."""
        return frozenset(order_ids) - {row.order_id for row in self.orders.values()}

    def names_not_on_record(self, names: Iterable[str]) -> frozenset[str]:
        """Return those client order ids that no order that existed, and no cancel, has."""
        existed = {name for name, row in self.orders.items() if row.existed}
        return frozenset(names) - existed - set(self.cancels)

    def of(self, trader_id: TraderId) -> list[OrderRow]:
        """Return a trader's orders: buys, then sells, each in the order of their attempts."""
        return [*self.leg(trader_id, Side.BUY), *self.leg(trader_id, Side.SELL)]

    def leg(self, trader_id: TraderId, side: Side) -> list[OrderRow]:
        """Return one side of a trader's orders."""
        return self._legs[trader_id, side]

    @property
    def running(self) -> list[TraderId]:
        """Return the traders that are not over."""
        return [name for name, row in self.traders.items() if row.result is None]

    @property
    def results(self) -> list[TraderResult]:
        """Return how the others ended, in the order in which they began."""
        return [row.result for row in self.traders.values() if row.result]

    def load(self, now_ms: int = 0) -> Snapshot:
        """Return what a leader goes on from at a time, which the age of a shutdown depends on."""
        since_ms = self.shutdown_since_ms
        return Snapshot(
            installation=INSTALLATION,
            traders=tuple(self._recorded(name) for name in self.running),
            carried=self.inventory.carried,
            profit=sum((result.profit for result in self.results), ZERO),
            finished=len(self.results),
            watermark=self.watermark,
            shutdown_age_ms=0 if since_ms is None else now_ms - since_ms,
        )

    def _recorded(self, trader_id: TraderId) -> RecordedTrader:
        beginning = self.traders[trader_id].beginning
        spent = any(row.beginning.parent == trader_id for row in self.traders.values())
        orders = tuple(_recorded_order(row) for row in self.of(trader_id) if row.existed)
        attempts = {
            side: rows[-1].intent.attempt for side in Side if (rows := self.leg(trader_id, side))
        }
        return RecordedTrader(
            trader_id, beginning.terms, beginning.started_ms, spent, orders, attempts
        )

    @property
    def inventory(self) -> Inventory:
        """Return the base asset, and what explains it."""
        cycles = [self._closed.get(name) or self._cycle(name) for name in self.traders]
        stranded = [r.quantity for r in self.results if r.state is not TraderState.FINISHED]
        return Inventory(
            position=sum((received - sold for received, sold, _ in cycles), ZERO),
            in_progress=sum(self._in_progress(), ZERO),
            carried=sum((received - target for received, _, target in cycles if target), ZERO),
            stranded=sum(stranded, ZERO),
        )

    def _in_progress(self) -> Iterator[Decimal]:
        for name in self.running:
            received, sold, target = self._cycle(name)
            yield (received if target is None else target) - sold

    def _cycle(self, trader_id: TraderId) -> Cycle:
        """Return what a trader received, what it sold, and what it set out to sell, in base."""
        received = sold = ZERO
        for row in self.of(trader_id):
            unread = row.unread
            sold += unread if row.intent.side is Side.SELL else ZERO
            received += unread if row.intent.side is Side.BUY else ZERO
            for fill in row.fills.values():
                if row.intent.side is Side.SELL:
                    sold += fill.quantity
                else:
                    in_base = fill.commission_asset == self.base_asset
                    received += fill.quantity - (fill.commission if in_base else ZERO)
        targets = [r.intent.quantity for r in self.leg(trader_id, Side.SELL) if r.existed]
        return received, sold, targets[0] if targets else None


def _recorded_order(row: OrderRow) -> RecordedOrder:
    return RecordedOrder(
        row.intent,
        row.state,
        row.order_id,
        row.executed,
        row.executed_quote,
        row.reason,
        tuple(row.fills.values()),
        tuple(row.cancels),
        row.quantity,
        row.fills_given_up,
        row.acknowledged,
    )


def _amounts(fill: Fill) -> Fill:
    """Return a fill without what a reply and a report may tell differently."""
    return replace(fill, time_ms=0, is_maker=False)
