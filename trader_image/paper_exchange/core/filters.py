"""The filters of `exchangeInfo`, checked exactly and refused with Binance's words."""

from decimal import Decimal

from paper_exchange.core.errors import filter_failure
from paper_exchange.core.money import is_multiple, times
from paper_exchange.core.orders import NewOrder, Order, OrderType
from paper_exchange.core.symbols import Filters


def check_static(order: NewOrder, filters: Filters, reference: Decimal | None) -> None:
    """Raise -1013 if an order breaks a filter that needs no knowledge of other orders.

    `reference` is the price that PERCENT_PRICE_BY_SIDE and a MARKET order's notional are judged
    by; None skips both (no trade has happened yet).
    """
    market = order.type is OrderType.MARKET
    if not market:
        _check_price(order.price, filters)
        _check_percent(order.price, filters, reference)
    if not (market and order.quote_quantity):
        _check_lot(order.quantity, filters, "MARKET_LOT_SIZE" if market else "LOT_SIZE")
    price = reference if market else order.price
    _check_notional(order.quote_quantity or (price and times(price, order.quantity)), filters)


def check_amended(order: Order, quantity: Decimal, filters: Filters) -> None:
    """Raise -1013 if an order of this quantity would break a static filter."""
    _check_lot(quantity, filters, "LOT_SIZE")
    _check_notional(times(order.price, quantity), filters)


def _check_price(price: Decimal, filters: Filters) -> None:
    within = filters.min_price <= price <= filters.max_price
    if not within or not is_multiple(price, filters.tick_size):
        raise filter_failure("PRICE_FILTER")


def _check_percent(price: Decimal, filters: Filters, reference: Decimal | None) -> None:
    if reference is None:
        return
    low = times(reference, filters.multiplier_down)
    high = times(reference, filters.multiplier_up)
    if not low <= price <= high:
        raise filter_failure("PERCENT_PRICE_BY_SIDE")


def _check_lot(quantity: Decimal, filters: Filters, name: str) -> None:
    within = filters.min_qty <= quantity <= filters.max_qty
    if not within or not is_multiple(quantity, filters.step_size):
        raise filter_failure(name)


def _check_notional(notional: Decimal | None, filters: Filters) -> None:
    if notional is None:
        return
    if not filters.min_notional <= notional <= filters.max_notional:
        raise filter_failure("NOTIONAL")
