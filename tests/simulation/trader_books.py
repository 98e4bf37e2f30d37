"""What each trader has moved, by the exchange's own fills: no sum of the record's is used.

Of the exchange's fills those count that are on record: nobody can judge by what is not known yet.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from simulation.exchange import BASE, QUOTE, Exchange
from simulation.flow import ROUNDING
from symbol_trader.core.money import ZERO
from symbol_trader.core.orders import ClientOrderId, Fill, Intent, Side, TraderId
from symbol_trader.core.records import (
    FeeValued,
    FillRecorded,
    FillsGivenUp,
    RecordChange,
    TraderResult,
)

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(slots=True)
class Moved:
    """Sums of one trader. Its quote is negative while it has spent more than it earned."""

    quote: Decimal = ZERO
    base: Decimal = ZERO
    spent: Decimal = ZERO
    received: Decimal = ZERO

    def cost_of(self, quantity: Decimal) -> Decimal:
        """Return what a quantity of what it received had cost."""
        return (quantity * self.spent / self.received).quantize(ROUNDING) if quantity else ZERO


@dataclass(slots=True)
class TraderBook:
    """One trader's orders, as far as they are on record, and its end."""

    orders: dict[ClientOrderId, "OrderBook"] = field(default_factory=dict)
    result: TraderResult | None = None


@dataclass(slots=True)
class OrderBook:
    """One order's fills by their ids, as the exchange has them."""

    side: Side
    fills: dict[int, Fill] = field(default_factory=dict)
    fee_values: dict[int, Decimal] = field(default_factory=dict)
    fills_given_up: bool = False


class TraderBooks:
    """All traders' books. The record tells what is known, and the exchange how much it was."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._traders: defaultdict[TraderId, TraderBook] = defaultdict(TraderBook)
        self._trader_of: dict[ClientOrderId, TraderId] = {}
        self._takers: dict[type, Callable[..., None]] = {
            FillRecorded: self._fill,
            FillsGivenUp: self._give_up,
            FeeValued: self._value,
            TraderResult: self._end,
        }
        self._ended: dict[TraderId, Moved] = {}
        """Those of traders that are over: only the worth of a fee may still change."""

    def take(self, change: RecordChange) -> None:
        """Take in what a change tells."""
        if taker := self._takers.get(type(change)):
            taker(change)

    def intended(self, intent: Intent) -> None:
        """Take in an order."""
        self._trader_of[intent.client_order_id] = intent.trader_id
        self._traders[intent.trader_id].orders[intent.client_order_id] = OrderBook(intent.side)

    def _order(self, name: ClientOrderId) -> OrderBook:
        return self._traders[self._trader_of[name]].orders[name]

    def _fill(self, recorded: FillRecorded) -> None:
        (fill,) = self._exchange.trades(recorded.fill.trade_id, recorded.fill.order_id, page=1)
        assert fill.trade_id == recorded.fill.trade_id
        order = self._order(recorded.client_order_id)
        order.fills[fill.trade_id] = fill
        if recorded.fill.fee_value:
            self._worth(order, fill.trade_id, recorded.fill.fee_value.price)

    def _worth(self, order: OrderBook, trade_id: int, price: Decimal) -> None:
        """Take in what commission in a third asset was worth; the first price stands."""
        value = (order.fills[trade_id].commission * price).quantize(ROUNDING)
        order.fee_values.setdefault(trade_id, value)

    def _value(self, valued: FeeValued) -> None:
        order = self._order(valued.client_order_id)
        self._worth(order, valued.trade_id, valued.value.price)
        self._ended.pop(valued.trader_id, None)

    def _give_up(self, change: FillsGivenUp) -> None:
        self._order(change.client_order_id).fills_given_up = True

    def _end(self, result: TraderResult) -> None:
        self._traders[result.trader_id].result = result

    # Sums.

    def moved(self, trader_id: TraderId) -> Moved:
        """Return what a trader has moved."""
        if moved := self._ended.get(trader_id):
            return moved
        book, moved = self._traders[trader_id], Moved()
        for name, order in book.orders.items():
            self._add(moved, name, order)
        if book.result:
            self._ended[trader_id] = moved
        return moved

    def _add(self, moved: Moved, name: ClientOrderId, order: OrderBook) -> None:
        fills = order.fills.values()
        quantity = sum((fill.quantity for fill in fills), ZERO)
        quote = sum((fill.quote_quantity for fill in fills), ZERO)
        if order.fills_given_up:
            there = self._exchange.order(name)
            quantity, quote = (there.executed, there.executed_quote) if there else (ZERO, ZERO)
        in_base, in_quote = _commission(order, BASE), _commission(order, QUOTE)
        moved.quote -= in_quote + sum(order.fee_values.values(), ZERO)
        moved.base -= in_base
        if order.side is Side.SELL:
            moved.quote += quote
            moved.base -= quantity
            return
        moved.quote -= quote
        moved.base += quantity
        moved.spent += quote + in_quote
        moved.received += quantity - in_base

    @property
    def held(self) -> Decimal:
        """Return the base asset that running traders hold."""
        running = [name for name, book in self._traders.items() if book.result is None]
        return sum((self.moved(name).base for name in running), ZERO)

    def result(self, bid: Decimal | None) -> Decimal:
        """Return what all trading has brought, with what may still be sold at a bid.

        What was given up to be held counts at its cost, as all that is open does without a bid.
        """
        quote, base = ZERO, ZERO
        for trader_id, book in self._traders.items():
            moved, ended = self.moved(trader_id), book.result
            if bid is None:
                quote += self._profit(trader_id) if ended else ZERO
                continue
            unsold = ended.quantity if ended else ZERO
            quote += moved.quote + moved.cost_of(unsold)
            base += moved.base - unsold
        return quote if bid is None else quote + base * bid

    def last_loss_ms(self) -> int:
        """Return when a cycle last ended at a loss, 0 if none did."""
        ended = ((name, book.result) for name, book in self._traders.items() if book.result)
        return max((r.finished_ms for name, r in ended if self._profit(name) < ZERO), default=0)

    def _profit(self, trader_id: TraderId) -> Decimal:
        """Return what an ended trader has brought; what it left to others at the cost on record."""
        moved, ended = self.moved(trader_id), self._traders[trader_id].result
        assert ended is not None
        return moved.quote + moved.cost_of(ended.quantity) + ended.carried_cost


def _commission(order: OrderBook, asset: str) -> Decimal:
    taken = (fill.commission for fill in order.fills.values() if fill.commission_asset == asset)
    return sum(taken, ZERO)
