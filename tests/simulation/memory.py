"""The record of one book in memory: the rows that the real one would hold, and nothing else.

A leader is restored from here in tests, so whatever a leader must not forget has to be in a row.
What the schema's constraints refuse is refused here as well, by an `AssertionError`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from simulation.flow import ROUNDING, Flow, Inventory
from symbol_trader.core.money import ZERO
from symbol_trader.core.orders import (
    CancelIntent,
    ClientOrderId,
    FeeAsset,
    Fill,
    FillKey,
    Intent,
    OrderState,
    Side,
    TraderId,
)
from symbol_trader.core.records import (
    Acknowledged,
    CancelChange,
    FeeValued,
    FillRecorded,
    FillsGivenUp,
    NewTrader,
    OrderChange,
    OrderMissing,
    RecordChange,
    RecordedOrder,
    RecordedTrader,
    Snapshot,
    TraderResult,
    TraderState,
    UnvaluedFee,
    Watermark,
)
from symbol_trader.core.settings import TradingStatus
from symbol_trader.desired import Desired

INSTALLATION = "0a1b2c"

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
    missing: bool = False

    @property
    def over(self) -> bool:
        return self.state.final

    @property
    def existed(self) -> bool:
        return self.state not in _NEVER_THERE

    @property
    def unread(self) -> Decimal:
        """Return what was executed without a fill on record, where fills are given up."""
        return self.executed - sum((fill.quantity for fill in self.fills.values()), ZERO)

    @property
    def unread_quote(self) -> Decimal:
        """Return the same in quote."""
        quote = sum((fill.quote_quantity for fill in self.fills.values()), ZERO)
        return self.executed_quote - quote


class MemoryRecord:
    """One book's rows. The assets tell what a commission reduces."""

    def __init__(self, base_asset: str, quote_asset: str) -> None:
        self.base_asset, self.quote_asset = base_asset, quote_asset
        self.traders: dict[TraderId, TraderRow] = {}
        self.orders: dict[ClientOrderId, OrderRow] = {}
        self.cancels: dict[ClientOrderId, CancelIntent] = {}
        self.outcomes: dict[ClientOrderId, CancelChange] = {}
        self.watermark: Watermark | None = None
        self.shutdown_since_ms: int | None = None
        self._mirrored: Desired | None = None
        self.carried_cost = ZERO
        """What the base asset had cost that ended traders left to later sells."""
        self.unvalued: dict[tuple[ClientOrderId, int], UnvaluedFee] = {}
        self.valued_late = 0
        """Fees whose trader was over when their value became known."""
        self._closed: dict[TraderId, Flow] = {}
        self._ended = Inventory(ZERO, ZERO, ZERO, ZERO)
        self._takers: dict[type, Callable[[Any], None]] = {
            NewTrader: self._begin,
            TraderResult: self._end,
            OrderChange: self._change,
            OrderMissing: self._miss,
            CancelChange: self._end_cancel,
            FillRecorded: self._fill,
            FeeValued: self._value,
            FillsGivenUp: self._give_up_fills,
            Acknowledged: self._acknowledge,
            Intent: self._intend,
            CancelIntent: self._intend_cancel,
        }
        self._names: dict[int, ClientOrderId] = {}
        """Which order was the last to get an id of the exchange."""
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

    def _value(self, valued: FeeValued) -> None:
        """Take in what a fee was worth; the first value stands."""
        fee = self.unvalued.pop((valued.client_order_id, valued.trade_id), None)
        if fee is None:
            return
        assert fee.trader_id == valued.trader_id
        value = valued.value
        assert value.value == (fee.amount * value.price).quantize(ROUNDING)
        row = self.orders[fee.client_order_id]
        assert row.intent.trader_id == fee.trader_id
        row.fills[fee.trade_id] = replace(row.fills[fee.trade_id], fee_value=value)
        trader = self.traders[fee.trader_id]
        if trader.result:
            trader.result = replace(trader.result, profit=trader.result.profit - value.value)
            self._closed[fee.trader_id].fee_values += value.value
            self.valued_late += 1

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

    def _miss(self, change: OrderMissing) -> None:
        self.orders[change.client_order_id].missing = True

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
        flow = self.flow(result.trader_id)
        self._check_money(result, flow)
        row.result = result
        self._closed[result.trader_id] = flow
        unsold = result.quantity
        self._ended = Inventory(
            position=self._ended.position + flow.position,
            in_progress=ZERO,
            carried=self._ended.carried + flow.position - unsold,
            stranded=self._ended.stranded + unsold,
        )
        self.carried_cost += result.carried_cost

    def _check_money(self, result: TraderResult, flow: Flow) -> None:
        """Check what a trader is told to have earned and to leave, and what that had cost."""
        assert result.state is not TraderState.STRANDED, "dust is carried"
        assert result.state is not TraderState.FINISHED or not result.quantity
        assert result.carried == flow.position - result.quantity
        assert result.carried_cost == self._cost_of(result.carried, flow)
        left = flow.cost_of(result.quantity) + result.carried_cost
        assert result.profit == flow.earned - flow.spent - flow.fee_values + left

    def _cost_of(self, change: Decimal, flow: Flow) -> Decimal:
        """Return what a change of what is carried costs: what goes is valued at its average."""
        pool, cost = self._ended.carried, self.carried_cost
        if not pool or (change > ZERO) == (pool > ZERO):
            return flow.cost_of(change)
        if abs(change) <= abs(pool):
            return (change * cost / pool).quantize(ROUNDING)
        return flow.cost_of(change + pool) - cost

    def _change(self, change: OrderChange) -> None:
        row = self.orders[change.client_order_id]
        assert row.order_id in {None, change.order_id}, "another order id"
        self._number(change.client_order_id, change.order_id)
        assert not (row.over and change.state.final) or row.state is change.state
        assert change.executed >= row.executed, "executed shrinks"
        assert change.executed <= row.intent.quantity, "executed more than intended"
        row.state = max(row.state, change.state, key=_STATES.index)
        row.order_id = change.order_id
        row.executed, row.executed_quote = change.executed, change.executed_quote
        row.quantity = change.quantity or row.quantity
        row.reason = change.reason or row.reason
        row.missing = row.missing and change.state is not OrderState.OPEN
        assert row.existed or (row.order_id is None and not row.executed), "it was there after all"

    def _number(self, name: ClientOrderId, order_id: int | None) -> None:
        if order_id is None or self.orders[name].order_id is not None:
            return
        holder = self.orders[self._names.get(order_id, name)]
        alone = holder.intent.client_order_id == name or holder.over or holder.missing
        assert alone, "the id of an order that is not over is given to another"
        self._names[order_id] = name

    def _fill(self, recorded: FillRecorded) -> None:
        row = self.orders[recorded.client_order_id]
        assert row.intent.trader_id not in self._closed, "a fill of a finished trader"
        assert recorded.side is row.intent.side
        assert row.order_id in {None, recorded.fill.order_id}
        self._number(recorded.client_order_id, recorded.fill.order_id)
        row.order_id = recorded.fill.order_id
        assert recorded.fee_in is self._fee_in(recorded.fill)
        if recorded.fee_in is FeeAsset.OTHER and recorded.fill.trade_id not in row.fills:
            self._charge(row.intent, recorded.fill)
        known = row.fills.setdefault(recorded.fill.trade_id, recorded.fill)
        assert known == recorded.fill or _amounts(known) == _amounts(recorded.fill)

    def _charge(self, intent: Intent, fill: Fill) -> None:
        key = intent.client_order_id, fill.trade_id
        asset, amount = fill.commission_asset, fill.commission
        self.unvalued[key] = UnvaluedFee(intent.trader_id, *key, asset, amount, fill.time_ms)

    def _fee_in(self, fill: Fill) -> FeeAsset:
        known = {self.base_asset: FeeAsset.BASE, self.quote_asset: FeeAsset.QUOTE}
        charged = known.get(fill.commission_asset, FeeAsset.OTHER)
        return charged if fill.commission else FeeAsset.NONE

    def advance_watermark(self, watermark: Watermark) -> None:
        """Move the watermark on; it never goes back in time."""
        if self.watermark is None or self.watermark.precedes(watermark):
            self.watermark = watermark

    # Reading.

    @property
    def ended_carried(self) -> Decimal:
        """Return the base asset that ended traders left to later sells."""
        return self._ended.carried

    def unrecorded_fills(self, fills: Iterable[FillKey]) -> frozenset[FillKey]:
        """Return those fills that no order has."""
        return frozenset(fills) - {f.key for o in self.orders.values() for f in o.fills.values()}

    def unrecorded_client_order_ids(self, names: Iterable[str]) -> frozenset[str]:
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
            carried_cost=self.carried_cost,
            unvalued_fees=tuple(self.unvalued.values()),
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
        position, in_progress, carried = self._ended.position, ZERO, self._ended.carried
        for name in self.running:
            flow, target = self.flow(name), self.target(name)
            position += flow.position
            if target is None:
                in_progress += flow.position
            else:
                in_progress += target - flow.sold
                carried += flow.bought - flow.buy_fees - flow.sell_fees - target
        return Inventory(position, in_progress, carried, self._ended.stranded)

    def target(self, trader_id: TraderId) -> Decimal | None:
        """Return how much a trader has set out to sell, None before it did."""
        sells = (row for row in self.leg(trader_id, Side.SELL) if row.existed)
        return next((row.intent.quantity for row in sells), None)

    def sellable(self, trader_id: TraderId) -> Decimal:
        """Return how much a trader may sell now, of what the book holds and nobody else sells.

        What it has set out to sell is its own, unless commission has taken more than is carried.
        """
        in_progress = (self.target(trader_id) or ZERO) - self.flow(trader_id).sold
        return in_progress + min(self.inventory.carried, ZERO)

    def flow(self, trader_id: TraderId) -> Flow:
        """Return what a trader's fills moved, those of one that is over as they were then."""
        if trader_id in self._closed:
            return self._closed[trader_id]
        flow = Flow()
        for row in self.of(trader_id):
            if row.fills_given_up:
                flow.add_unread(row.intent.side, row.unread, row.unread_quote)
            for fill in row.fills.values():
                self._add(flow, row.intent.side, fill)
        return flow

    def _add(self, flow: Flow, side: Side, fill: Fill) -> None:
        in_base = fill.commission if fill.commission_asset == self.base_asset else ZERO
        in_quote = fill.commission if fill.commission_asset == self.quote_asset else ZERO
        if side is Side.BUY:
            flow.bought += fill.quantity
            flow.spent += fill.quote_quantity + in_quote
            flow.buy_fees += in_base
        else:
            flow.sold += fill.quantity
            flow.earned += fill.quote_quantity - in_quote
            flow.sell_fees += in_base
        flow.fee_values += fill.fee_value.value if fill.fee_value else ZERO


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
        missing=row.missing and row.state is OrderState.OPEN,
    )


def _amounts(fill: Fill) -> Fill:
    """Return a fill without what a reply and a report may tell differently."""
    return replace(fill, time_ms=0, is_maker=False, fee_value=None)
