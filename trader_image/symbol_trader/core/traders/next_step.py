"""What a trader does next, decided from its orders alone: `next_step` has no side effects.

It is level-based: however a trader came to where it is (a fill, a restart, a refusal, a person),
the same orders lead to the same step. A step that fails is therefore simply decided again.
"""

from symbol_trader.core.order import Order
from symbol_trader.core.orders import Side
from symbol_trader.core.reasons import Blocker, Reason
from symbol_trader.core.symbols import GONE
from symbol_trader.core.trader import Trader
from symbol_trader.core.traders.buying import begin
from symbol_trader.core.traders.by_record import end_gone, while_contradicted
from symbol_trader.core.traders.deadline import give_up
from symbol_trader.core.traders.selling import after_buy, after_sell
from symbol_trader.core.traders.steps import Finish, Step, Surroundings, Wait
from symbol_trader.core.traders.unsettled import while_unsettled


def next_step(trader: Trader, around: Surroundings) -> Step:
    """Decide a trader's next step. No side effects."""
    order = trader.last_order
    if trader.contradiction is not None:
        return while_contradicted(trader, order, trader.contradiction, around)
    if order is None:
        return begin(trader, around)
    if around.draining and around.symbol.status == GONE:
        return end_gone(trader, order, around)
    if not (order.state.final and order.settled):
        return while_unsettled(order, around)
    return _once_settled(trader, order, around)


def _once_settled(trader: Trader, order: Order, around: Surroundings) -> Step:
    if around.overdue:
        return give_up(trader, order, around)
    if order.side is Side.SELL:
        return _unless_interrupted(after_sell(trader, around), trader, around)
    return _unless_interrupted(after_buy(trader, order, around), trader, around)


def _unless_interrupted(step: Step, trader: Trader, around: Surroundings) -> Step:
    """Hold back what follows an order that others canceled until a person says to go on.

    That is another sell, and the trader's end, since a new one would follow it. What a buy has
    brought in is sold all the same, and in a shutdown nothing follows a trader's end.
    """
    order = trader.interrupted
    if order is None:
        return step
    if order.side is Side.BUY and (around.draining or not isinstance(step, Finish)):
        return step
    text = f"its {order.side.lower()} {order.order_id} was canceled by others"
    return Wait(Blocker(Reason.CANCELED_BY_OTHERS, f"{text}; change the resource to go on", None))
