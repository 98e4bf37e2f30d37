"""How a trader ends by the record alone, where the exchange contradicts it or cannot be asked."""

from symbol_trader.core.order import Order
from symbol_trader.core.orders import OrderState
from symbol_trader.core.reasons import Blocker, Reason
from symbol_trader.core.records import TraderState
from symbol_trader.core.trader import Trader
from symbol_trader.core.traders.deadline import DEADLINE, cancel_at_deadline
from symbol_trader.core.traders.selling import left_to_sell
from symbol_trader.core.traders.steps import (
    Finish,
    GiveUpFills,
    GiveUpOrder,
    Step,
    Surroundings,
    Wait,
)

CANCELS_IN_VAIN_MAX = 3
"""After so many cancels that the exchange answers with "no such order", it is given up."""


def while_contradicted(
    trader: Trader, order: Order | None, text: str, around: Surroundings
) -> Step:
    """Do nothing until a person has settled it; at a deadline, end with what the record says."""
    if not around.overdue:
        return Wait(Blocker(Reason.CONTRADICTED, text, None))
    if order and not order.state.final:
        return _end_unbelieved(order, text)
    return end_by_record(trader, order, f"{DEADLINE}: {text}", around)


def end_gone(trader: Trader, order: Order, around: Surroundings) -> Step:
    """End a trader whose symbol the exchange does not list any more: nothing of it can be asked."""
    why = f"{around.symbol.name} is gone from the exchange, which was asked for no order or balance"
    if order.state is OrderState.INTENT:
        return Wait()
    if not order.state.final:
        return GiveUpOrder(order, why)
    return end_by_record(trader, order, why, around)


def end_by_record(trader: Trader, order: Order | None, why: str, around: Surroundings) -> Step:
    """End a trader whose last order, if any, is over, with what the record says of it."""
    if order and not order.settled:
        return GiveUpFills(order)
    left = left_to_sell(trader, around)
    return Finish(TraderState.HELD if left else TraderState.FINISHED, why, left)


def _end_unbelieved(order: Order, text: str) -> Step:
    """Cancel an order whose reports contradict the record; once it is off the book, give it up.

    The report of its end may contradict the record as well, so any report of an end counts, even
    where it was not believed (`said_over`). An exchange that says again and again that it has no
    such order to cancel has ended it, too. Three things come first: the reply to the placement,
    the reply to a cancel, and for an order in doubt, of which the exchange has said nothing yet,
    the ordinary search that finds it or proves it absent.
    """
    if order.state is OrderState.INTENT:
        return Wait()
    denied = order.cancels_in_vain >= CANCELS_IN_VAIN_MAX
    if order.missing_on_exchange or order.said_over or denied:
        return GiveUpOrder(order, text)
    unheard = order.state is OrderState.UNDECIDED and order.last_said is None
    return Wait() if unheard or order.cancel_pending else cancel_at_deadline(order)
