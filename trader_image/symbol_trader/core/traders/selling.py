"""How a trader goes on once its order is over: it sells what it bought, and what was carried."""

from decimal import Decimal

from symbol_trader.core import strategy
from symbol_trader.core.money import ZERO
from symbol_trader.core.order import Order
from symbol_trader.core.orders import Side
from symbol_trader.core.reasons import Blocker, Reason
from symbol_trader.core.records import TraderState
from symbol_trader.core.strategy import OrderTerms
from symbol_trader.core.trader import Trader
from symbol_trader.core.traders.steps import Finish, PlaceSell, Step, Surroundings, Wait

SELL_ENDINGS_MAX = 3
"""How often the exchange may end a trader's sell before a person has to look."""

CARRIED = "too little to sell alone: carried to a later sell"


def after_buy(trader: Trader, order: Order, around: Surroundings) -> Step:
    """Return what follows a buy that is over: a sell, unless it bought too little for one."""
    if not order.executed:
        return Finish(TraderState.FINISHED, f"its buy was {how_it_ended(order)}", ZERO)
    received = trader.received(around.symbol.base_asset)
    quantity = strategy.sellable(received + _taken_along(trader, around), around.symbol.filters)
    order_terms = OrderTerms(_target_price(trader, around), quantity)
    if strategy.is_dust(order_terms, around.symbol.filters):
        return Finish(TraderState.FINISHED, CARRIED, ZERO)
    return _sell(trader, order_terms, around)


def after_sell(trader: Trader, around: Surroundings) -> Step:
    """Return what follows a sell that is over: another one for the rest, or the end."""
    if trader.sold == trader.sell_target:
        return Finish(TraderState.FINISHED, "sold", ZERO)
    quantity = strategy.sellable(left_to_sell(trader, around), around.symbol.filters)
    order_terms = OrderTerms(_target_price(trader, around), quantity)
    if strategy.is_dust(order_terms, around.symbol.filters):
        return Finish(TraderState.FINISHED, f"sold; the rest is {CARRIED}", ZERO)
    endings = sum(1 for o in trader.leg(Side.SELL) if o.ended_by_exchange and not o.acknowledged)
    if endings >= SELL_ENDINGS_MAX:
        return Wait(
            Blocker(Reason.SELL_ENDED, f"the exchange ended its sell {endings} times", None)
        )
    return _sell(trader, order_terms, around)


def left_to_sell(trader: Trader, around: Surroundings) -> Decimal:
    """Return the base asset that a trader still has to sell.

    Commission in base comes out of what is carried; where that is not enough, out of this.
    """
    target = trader.sell_target
    if target is None:
        return trader.received(around.symbol.base_asset)
    return max(target - trader.sold + min(around.carried, ZERO), ZERO)


def _taken_along(trader: Trader, around: Surroundings) -> Decimal:
    """Return what is sold along with what a trader has bought: what earlier sells left over.

    Where the account turned out to have less base asset than the record, that is not there any
    more: others took it, or the exchange was reset. What the book owes is held back all the same.
    """
    return min(around.carried, ZERO) if trader.short_of_base else around.carried


def how_it_ended(order: Order) -> str:
    """Return in which state an order ended, and by whom or why."""
    ours = order.cancels and not order.canceled_by_others
    by_us = order.cancels[-1].reason if ours else "by others"
    return f"{order.state} ({order.reason or by_us})"


def _sell(trader: Trader, order_terms: OrderTerms, around: Surroundings) -> Step:
    if trader.is_blocked(around.now_ms):
        return Wait(trader.blocker)
    return PlaceSell(order_terms)


def _target_price(trader: Trader, around: Surroundings) -> Decimal:
    bought_at = trader.buy_price
    if bought_at is None:
        raise AssertionError("a trader that received something has a buy")
    return strategy.sell_price(
        bought_at, trader.terms.profit, around.commission, around.symbol.filters
    )
