"""What is done to orders that rest: amended by their owner, or changed by the exchange itself."""

from decimal import Decimal

from paper_exchange.core import errors
from paper_exchange.core.engine import Engine
from paper_exchange.core.entries import Archived, Forgotten, Prevented
from paper_exchange.core.events import Step
from paper_exchange.core.filter_types import MaxNumOrderAmends
from paper_exchange.core.filters import check_amended
from paper_exchange.core.money import ZERO, is_multiple
from paper_exchange.core.orders import Order, OrderStatus


def amend(
    engine: Engine, now: int, order: Order, quantity: Decimal, client_order_id: str
) -> tuple[Order, Step]:
    """Reduce an open order to a total of `quantity`; it keeps its id, price and place.

    Raises -1013 for a filter and -2038 for what the engine refuses; nothing has changed then.
    """
    _check_amend(engine, order, quantity, client_order_id)
    record = engine.record(now)
    record.amend(order, quantity, client_order_id)
    return record.order(order), record.finish()


def _check_amend(engine: Engine, order: Order, quantity: Decimal, client_order_id: str) -> None:
    if not order.is_open:
        raise errors.amend_rejected(errors.UNKNOWN_ORDER)
    if not engine.trades(order.symbol):
        raise errors.amend_rejected(errors.MARKET_CLOSED)
    if quantity > order.quantity:
        raise errors.amend_rejected(errors.QUANTITY_INCREASE)
    if quantity == order.quantity:
        raise errors.amend_rejected(errors.NO_CHANGE)
    if quantity <= order.quantity - order.remaining:  # Binance does not say with which words
        raise errors.amend_rejected(errors.NOTHING_LEFT)
    filters = engine.symbol(order.symbol).filters
    check_amended(order, quantity, filters)
    most = filters.get(MaxNumOrderAmends)
    if most and order.amends >= most.max_num_order_amends:
        raise errors.amend_rejected(f"Filter failure: {most.type}")
    taken = engine.state.open_client_ids.get((order.account, client_order_id))
    if taken not in {None, (order.symbol, order.order_id)}:
        raise errors.amend_rejected(errors.DUPLICATE_ORDER)


def prevent(
    engine: Engine,
    now: int,
    order: Order,
    quantity: Decimal,
    *,
    counter_order_id: int,
    end: OrderStatus = OrderStatus.EXPIRED_IN_MATCH,
) -> Step:
    """Take `quantity` away from an open order as self-trade prevention in mode DECREMENT does.

    If nothing is left, the order has the status `end`.  Raises -2011 or -1013.
    """
    if not order.is_open:
        raise errors.cancel_rejected(errors.UNKNOWN_ORDER)
    step_size = engine.symbol(order.symbol).filters.step_size
    if not ZERO < quantity <= order.remaining or not is_multiple(quantity, step_size):
        raise errors.filter_failure("LOT_SIZE")
    status = end if quantity == order.remaining else order.status
    record = engine.record(now)
    record.prevent(Prevented(order.symbol, order.order_id, quantity, counter_order_id, status, now))
    return record.finish()


def archive(engine: Engine, now: int, order: Order) -> Step:
    """Show an order only as archived from now on; raise -2011 if it is open or has executed."""
    if order.is_open or order.executed:
        raise errors.cancel_rejected("Only what ended without execution is archived.")
    record = engine.record(now)
    record.write(Archived(order.symbol, order.order_id))
    return record.step


def forget(engine: Engine, now: int, account: str) -> Step:
    """Remove all orders and trades of an account without an event, as a reset does."""
    record = engine.record(now)
    record.write(Forgotten(account))
    return record.step
