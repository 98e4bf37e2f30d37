"""How a cycle ends by the record alone, where the exchange cannot be believed or asked."""

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
"""How many cancels of an order the exchange may deny to have before a deadline gives it up."""


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
    """End a cycle whose symbol the exchange does not list any more: nothing of it can be asked."""
    why = f"{around.symbol.name} is gone from the exchange, which was asked for no order or balance"
    if order.state is OrderState.INTENT:
        return Wait()
    if not order.state.final:
        return GiveUpOrder(order, why)
    return end_by_record(trader, order, why, around)


def end_by_record(trader: Trader, order: Order | None, why: str, around: Surroundings) -> Step:
    """End a cycle whose last order, if any, is over: with what the record says, nobody is asked."""
    if order and not order.settled:
        return GiveUpFills(order)
    left = left_to_sell(trader, around)
    return Finish(TraderState.HELD if left else TraderState.FINISHED, why, left)


def _end_unbelieved(order: Order, text: str) -> Step:
    """Take an order off the book whose trader's news cannot be; once it is off, give it up.

    Its end may be told in words that contradict the record as well, so it counts whether believed
    or not. A reply under way, or a cancel's, comes first; an order in doubt of which the exchange
    has said nothing yet is found, or proved absent, as any other is.
    """
    if order.state is OrderState.INTENT:
        return Wait()
    denied = order.cancels_in_vain >= CANCELS_IN_VAIN_MAX
    if order.missing_on_exchange or order.said_over or denied:
        return GiveUpOrder(order, text)
    unheard = order.state is OrderState.UNDECIDED and order.last_said is None
    return Wait() if unheard or order.cancel_pending else cancel_at_deadline(order)
