"""The exchange's journal against the record: no order is lost, none is doubled, none differs.

One side is what the exchange wrote before it acknowledged, the other the rows of the record. Orders
are found by the client order id that they were placed with: after a reset the exchange's own ids
begin again, and so an id of it means nothing without the reset before it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from paper_exchange.core.entries import Accepted, Ended, Entry, Filled, Reset
from paper_exchange.core.orders import OrderStatus
from simulation.memory import MemoryRecord, OrderRow
from symbol_trader.core.money import ZERO
from symbol_trader.core.orders import OrderState

ENDED = {
    OrderStatus.CANCELED: OrderState.CANCELED,
    OrderStatus.EXPIRED: OrderState.EXPIRED,
    OrderStatus.EXPIRED_IN_MATCH: OrderState.EXPIRED,
}


@dataclass
class Journaled:
    """An order of the journal."""

    accepted: Accepted
    fills: dict[int, tuple[Decimal, Decimal, Decimal, str]] = field(default_factory=dict)
    """Price, quantity, commission and its asset, by trade id."""
    ended: OrderState | None = None
    is_reset: bool = False
    """It was open when the exchange was reset."""

    @property
    def executed(self) -> Decimal:
        """Return how much of it was traded."""
        return sum((quantity for _, quantity, _, _ in self.fills.values()), ZERO)

    @property
    def state(self) -> OrderState:
        """Return what the record must say of it."""
        if self.executed == self.accepted.quantity:
            return OrderState.FILLED
        return self.ended or (OrderState.CANCELED if self.is_reset else OrderState.OPEN)


def read(batches: Iterable[tuple[int, list[Entry]]]) -> list[Journaled]:
    """Read all orders that there ever were, those before a reset included."""
    orders: list[Journaled] = []
    by_id: dict[int, Journaled] = {}
    for entry in (entry for _, entries in batches for entry in entries):
        match entry:
            case Accepted():
                orders.append(Journaled(entry))
                by_id[entry.order_id] = orders[-1]
            case Filled():
                what = entry.price, entry.quantity, entry.commission, entry.commission_asset
                by_id[entry.order_id].fills[entry.trade_id] = what
            case Ended():
                by_id[entry.order_id].ended = ENDED[entry.status]
            case Reset():
                for order in by_id.values():
                    order.is_reset = order.state is OrderState.OPEN
                by_id = {}
    return orders


def differences(orders: Iterable[Journaled], record: MemoryRecord) -> list[str]:
    """Return what differs; nothing, if the books agree."""
    return list(_differences(orders, record))


def _differences(orders: Iterable[Journaled], record: MemoryRecord) -> Iterator[str]:
    rows = {str(name): row for name, row in record.orders.items()}
    there: set[str] = set()
    for order in orders:
        name = order.accepted.client_order_id
        if name in there:
            yield f"{name} is there twice"
        elif name not in rows:
            yield f"{name} is not on record"
        else:
            yield from (f"{name}: {what}" for what in _order(order, rows[name]))
        there.add(name)
    for name in [name for name, row in rows.items() if row.existed and name not in there]:
        yield f"{name} is {rows[name].state} on record and was never there"


def _order(order: Journaled, row: OrderRow) -> Iterator[str]:
    there, intent = order.accepted, row.intent
    pairs = {
        "side": (there.side.value, intent.side.value),
        "price": (there.price, intent.price),
        "quantity": (there.quantity, intent.quantity),
        "order id": (there.order_id, row.order_id),
        "state": (order.state, row.state),
        "executed": (order.executed, row.executed),
        "fills": (order.fills, _fills(row)),
    }
    for what, (a, b) in pairs.items():
        if a != b:
            yield f"{what} is {a} there and {b} here"


def _fills(row: OrderRow) -> dict[int, tuple[Decimal, Decimal, Decimal, str]]:
    return {
        trade_id: (fill.price, fill.quantity, fill.commission, fill.commission_asset)
        for trade_id, fill in row.fills.items()
    }
