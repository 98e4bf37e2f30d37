"""What an order is after something happened to it: new versions of values, nothing else."""

from dataclasses import replace
from decimal import Decimal

from paper_exchange.core.entries import Filled
from paper_exchange.core.money import ZERO, times
from paper_exchange.core.orders import Fill, Order, OrderStatus


def after_prevention(order: Order, quantity: Decimal, match_id: int) -> Order:
    """Return an order of which self-trade prevention took some, by which prevented match."""
    return replace(order, prevented=order.prevented + quantity, prevented_match=match_id)


def after_self_match(order: Order, loss: Decimal, number: int, time: int) -> Order:
    """Return an order that lost some in a prevented match; it has ended if nothing is left."""
    ended = loss == order.remaining
    return replace(
        after_prevention(order, loss, number),
        status=OrderStatus.EXPIRED_IN_MATCH if ended else order.status,
        updated=time,
    )


def after_fill(order: Order, entry: Filled) -> Order:
    """Return an order that has traded."""
    executed = order.executed + entry.quantity
    whole = entry.quantity == order.remaining
    return replace(
        order,
        executed=executed,
        quote_executed=order.quote_executed + times(entry.price, entry.quantity),
        status=OrderStatus.FILLED if whole else OrderStatus.PARTIALLY_FILLED,
        ahead=ZERO,
        updated=entry.time,
    )


def fill_of(order: Order, entry: Filled) -> Fill:
    """Return the trade that an entry tells of an order."""
    return Fill(
        symbol=entry.symbol,
        trade_id=entry.trade_id,
        order_id=entry.order_id,
        client_order_id=order.client_order_id,
        account=order.account,
        side=order.side,
        price=entry.price,
        quantity=entry.quantity,
        quote_quantity=times(entry.price, entry.quantity),
        commission=entry.commission,
        commission_asset=entry.commission_asset,
        is_maker=entry.is_maker,
        time=entry.time,
    )
