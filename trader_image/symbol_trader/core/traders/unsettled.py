"""What is done while an order is not over, or not all of its fills are known."""

from symbol_trader.core.limits import cancels_buys
from symbol_trader.core.order import Order
from symbol_trader.core.orders import OrderState, Side
from symbol_trader.core.settings import UnfilledBuys
from symbol_trader.core.traders.deadline import DEADLINE, cancel_at_deadline
from symbol_trader.core.traders.steps import (
    CancelOrder,
    FetchFills,
    GiveUpFills,
    GiveUpOrder,
    Step,
    Surroundings,
    Wait,
)

FILL_QUERIES_MAX = 5
"""How often missing fills are asked for before a deadline goes on without them."""

FILL_QUERIES_QUIET = 3
"""How often they are asked for before the condition says so: reads may lag behind the stream."""


def while_unsettled(order: Order, around: Surroundings) -> Step:
    """Return what to do about an order that rests, is in doubt, or lacks fills."""
    if order.state.final:
        return _while_fills_are_missing(order, around)
    if order.state is not OrderState.OPEN or order.cancel_pending:
        return Wait()
    if order.missing_on_exchange:
        return _while_missing(order, around)
    return cancel_at_deadline(order) if around.overdue else _while_open(order, around)


def _while_fills_are_missing(order: Order, around: Surroundings) -> Step:
    """Ask for them; a deadline that has asked often enough goes by what was executed."""
    if around.overdue and order.fill_queries >= FILL_QUERIES_MAX:
        return GiveUpFills(order)
    return FetchFills(order)


def _while_missing(order: Order, around: Surroundings) -> Step:
    """Wait for a person: the exchange has nothing to cancel. At a deadline the order is over."""
    if around.overdue:
        return GiveUpOrder(order, f"{DEADLINE}: gone from the exchange")
    return Wait()


def _while_open(order: Order, around: Surroundings) -> Step:
    if order.side is Side.SELL:
        return Wait()
    if around.draining and around.settings.unfilled_buys is UnfilledBuys.CANCEL:
        return CancelOrder(order, "shutdown cancels unfilled buys")
    if cancels_buys(around.halts):
        return CancelOrder(order, "a halt cancels unfilled buys")
    age_max = around.settings.max_buy_age_ms
    if age_max is not None and around.now_ms - order.intent.timestamp_ms > age_max:
        return CancelOrder(order, "older than maxBuyAge")
    return Wait()
