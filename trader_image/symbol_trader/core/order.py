"""One order of ours in memory: its intent, what was learnt of it, its fills and its cancels."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal

from symbol_trader.core import ids
from symbol_trader.core.money import ZERO, plain
from symbol_trader.core.order_states import STATUS_EVENTS, OrderEvent, transition
from symbol_trader.core.orders import (
    CancelIntent,
    ClientOrderId,
    ExchangeOrder,
    FeeValue,
    Fill,
    Intent,
    OrderState,
    Side,
)
from symbol_trader.core.records import OrderChange, RecordedOrder
from symbol_trader.errors import Contradiction

TIMESTAMP_TOLERANCE_MS = 1000
"""How far ahead of the exchange's clock Binance accepts a timestamp."""
PLACED_WITHIN_MS = 120_000
"""How long after its timestamp an order may be placed: recvWindow is no more than a minute."""


@dataclass(slots=True)
class Order:
    """The facts of one order. `learn`, `add_fill` and `value_fee` are the only ways in."""

    intent: Intent
    state: OrderState = OrderState.INTENT
    order_id: int | None = None
    executed: Decimal = ZERO
    executed_quote: Decimal = ZERO
    reason: str = ""
    fills: dict[int, Fill] = field(default_factory=dict)
    cancels: list[CancelIntent] = field(default_factory=list)
    cancel_pending: bool = False
    """A cancel was sent and the order's end is not known yet."""
    cancel_doubted: bool = False
    """No answer, or a refusal, says what became of that cancel."""
    acknowledged: bool = False
    """A person knows that others ended it: the trader may go on."""
    cancels_unsent: int = 0
    """Those among the cancels that a ban kept from being sent."""
    cancels_in_vain: int = 0
    """Cancels that the exchange refused because it has no such open order."""
    last_said: OrderEvent | None = None
    """What the exchange said of it last, also where that contradicts the record and was ignored."""
    missing_on_exchange: bool = False
    """It is open on record, and a reconciliation did not find it on the exchange."""
    missing_told: bool = False
    """The log says so, of each term anew."""
    fills_given_up: bool = False
    """Its fills could not be read: what was executed counts."""
    fill_queries: int = 0
    """How often the exchange has answered which fills it has."""
    not_found_count: int = 0
    """Answers that it does not exist, counted from when it can no longer appear."""
    next_query_ms: int = 0
    """When to ask the exchange for it again, while that is needed."""
    settled_by_person: bool = False
    """A person said how it ended: later reports are ignored."""
    quantity: Decimal = ZERO
    """The current quantity: the intent's, or what others have reduced it to."""
    filled: Decimal = field(init=False)
    """The quantity of the fills that are known one by one, of all where some are given up."""
    filled_quote: Decimal = field(init=False)
    """The same in quote."""

    def __post_init__(self) -> None:
        """Add up the fills."""
        self.quantity = self.quantity or self.intent.quantity
        self.filled = sum((fill.quantity for fill in self.fills.values()), ZERO)
        self.filled_quote = sum((fill.quote_quantity for fill in self.fills.values()), ZERO)
        if self.fills_given_up:
            self.give_up_fills()

    @classmethod
    def restore(cls, row: RecordedOrder) -> "Order":
        """Take up an order from the record. An intent without an answer is in doubt from here."""
        order = cls(
            row.intent,
            row.state,
            row.order_id,
            row.executed,
            row.executed_quote,
            row.reason,
            {fill.trade_id: fill for fill in row.fills},
            list(row.cancels),
            acknowledged=row.acknowledged,
            missing_on_exchange=row.missing,
            fills_given_up=row.fills_given_up,
            settled_by_person=row.settled_by_person,
            quantity=row.quantity or row.intent.quantity,
        )
        if order.state is OrderState.INTENT:
            order.state = transition(order.state, OrderEvent.DOUBT)
        order.cancel_pending = order.cancel_doubted = bool(order.cancels) and not order.state.final
        return order

    @property
    def side(self) -> Side:
        """Return the order's side."""
        return self.intent.side

    @property
    def settled(self) -> bool:
        """Return whether the order is over and every one of its fills is known, or given up."""
        all_known = (self.filled, self.filled_quote) == (self.executed, self.executed_quote)
        return self.state.final and all_known

    @property
    def in_doubt(self) -> bool:
        """Return whether the exchange must be asked what became of the order."""
        unsettled = self.state.final and not self.settled
        return self.state is OrderState.UNDECIDED or self.cancel_doubted or unsettled

    @property
    def existed(self) -> bool:
        """Return whether the order was, or may have been, on the exchange."""
        return self.state not in {OrderState.REFUSED, OrderState.ABSENT}

    @property
    def said_over(self) -> bool:
        """Return whether the exchange says that it is not open any more, believed or not."""
        return self.last_said not in {None, OrderEvent.OPEN}

    @property
    def committed_quote(self) -> Decimal:
        """Return the quote that a buy has spent or may still spend; a doubtful one reserves all."""
        if self.side is Side.SELL:
            return ZERO
        spent = max(self.filled_quote, self.executed_quote)
        if self.state.final:
            return spent
        return spent + self.intent.price * (self.quantity - self.executed)

    @property
    def reduced_by_others(self) -> bool:
        """Return whether someone amended it to a smaller quantity; nothing here ever does."""
        return self.quantity < self.intent.quantity

    @property
    def canceled_by_others(self) -> bool:
        """Return whether others took it, or a part of it, off the book without a cancel of ours."""
        sent = len(self.cancels) > self.cancels_unsent
        canceled = self.state is OrderState.CANCELED and not sent
        return canceled or (self.state.final and self.existed and self.reduced_by_others)

    @property
    def ended_by_exchange(self) -> bool:
        """Return whether the exchange took a resting order, or a part of it, off the order book.

        An order that self-trade prevention reduced ends FILLED with less than its quantity.
        """
        prevented = self.state is OrderState.FILLED and self.executed < self.quantity
        return self.state is OrderState.EXPIRED or prevented

    @property
    def ended_unfilled_buy(self) -> bool:
        """Return whether it is a buy that the exchange took off the order book before any fill."""
        return self.side is Side.BUY and self.ended_by_exchange and not self.executed

    def commission_in(self, asset: str) -> Decimal:
        """Return the commission that the fills were charged in an asset."""
        return sum(
            (fill.commission for fill in self.fills.values() if fill.commission_asset == asset),
            ZERO,
        )

    def value_fee(self, trade_id: int, value: FeeValue) -> None:
        """Take in what a fill's commission was worth."""
        self.fills[trade_id] = replace(self.fills[trade_id], fee_value=value)

    def may_be(self, seen: ExchangeOrder) -> bool:
        """Return whether an order with the same number can be this one under another name.

        While it is missing, what has its number is another order.
        """
        intent = self.intent
        same = may_be(seen, intent.client_order_id, intent.timestamp_ms)
        return same and not self.missing_on_exchange

    def matches(self, seen: ExchangeOrder) -> bool:
        """Return whether the exchange describes the order that was meant."""
        return self.order_id in {None, seen.order_id} and not any(_differences(self.intent, seen))

    def learn(self, seen: ExchangeOrder) -> bool:
        """Take in what the exchange says of the order; return whether anything is new.

        Reports may be old: quantities only grow, and the table keeps a final state.
        Raises `Contradiction` where the order is not the one that was meant.
        """
        if self.settled_by_person:
            return False
        if self.order_id in {None, seen.order_id}:
            self.last_said = STATUS_EVENTS.get(seen.status)
        self._check_same(seen)
        if seen.status not in STATUS_EVENTS:
            raise Contradiction(f"{seen.client_order_id}: its status {seen.status} is not known")
        before, was_missing = self._facts(), self.missing_on_exchange
        self.missing_on_exchange = self.missing_told = False
        self.state = self._transition(STATUS_EVENTS[seen.status])
        self.order_id = seen.order_id
        self.quantity = min(self.quantity, seen.quantity)
        if self.state.final and seen.expiry_reason:
            self.reason = seen.expiry_reason
        if seen.executed >= self.executed:
            self.executed, self.executed_quote = seen.executed, seen.executed_quote
        return was_missing or self._facts() != before

    def hear(self, event: OrderEvent, reason: str) -> bool:
        """Take in an event that comes without an order: a refusal, a doubt, a proof of absence."""
        if self.settled_by_person:
            return False
        before = self._facts()
        self.state = self._transition(event)
        if self._facts() == before:
            return False
        self.reason = reason
        return True

    def add_fill(self, fill: Fill) -> bool:
        """Take in an execution; return whether it is new. The key is its trade id."""
        if fill.trade_id in self.fills or self.fills_given_up:
            return False
        self.fills[fill.trade_id] = fill
        self.filled += fill.quantity
        self.filled_quote += fill.quote_quantity
        if self.filled > self.executed:
            self.executed, self.executed_quote = self.filled, self.filled_quote
        return True

    def give_up_fills(self) -> None:
        """Go by what was executed: fills that are not known cannot be read."""
        self.fills_given_up = True
        self.filled, self.filled_quote = self.executed, self.executed_quote

    def change(self) -> OrderChange:
        """Return the order's row as it now is."""
        return OrderChange(
            self.intent.client_order_id,
            self.state,
            self.order_id,
            self.executed,
            self.executed_quote,
            self.reason,
            self.quantity if self.reduced_by_others else None,
        )

    def _facts(self) -> tuple[OrderState, int | None, Decimal, Decimal, Decimal]:
        return self.state, self.order_id, self.executed, self.executed_quote, self.quantity

    def _transition(self, event: OrderEvent) -> OrderState:
        try:
            return transition(self.state, event)
        except Contradiction as exc:
            raise Contradiction(f"{self.intent.client_order_id}: {exc}") from None

    def _check_same(self, seen: ExchangeOrder) -> None:
        intent = self.intent
        if self.order_id not in {None, seen.order_id}:
            raise Contradiction(
                f"{intent.client_order_id} is order {self.order_id} on record, "
                f"the exchange says {seen.order_id}"
            )
        for name, ours, theirs in _differences(intent, seen):
            raise Contradiction(f"{intent.client_order_id}: {name} is {theirs}, meant was {ours}")


def may_be(seen: ExchangeOrder, client_order_id: ClientOrderId, timestamp_ms: int) -> bool:
    """Return whether an order with the number of one of ours can be it, whatever its name.

    A cancel renames it after itself, and others as they like; but none is given the name of another
    order of ours. The numbers of an exchange that was reset begin again: then another order has it,
    which is of ours, or was placed long after this one was intended.
    """
    if named := ids.order_of(seen.client_order_id):
        return named == client_order_id
    return seen.time_ms is None or seen.time_ms <= timestamp_ms + PLACED_WITHIN_MS


def _differences(intent: Intent, seen: ExchangeOrder) -> Iterable[tuple[str, str, str]]:
    if seen.side is not intent.side:
        yield "side", intent.side, seen.side
    if seen.price != intent.price:
        yield "price", plain(intent.price), plain(seen.price)
    if seen.quantity <= ZERO or not seen.executed <= seen.quantity <= intent.quantity:
        yield "quantity", plain(intent.quantity), plain(seen.quantity)
    if seen.time_ms is not None and seen.time_ms + TIMESTAMP_TOLERANCE_MS < intent.timestamp_ms:
        yield "time", str(intent.timestamp_ms), str(seen.time_ms)
