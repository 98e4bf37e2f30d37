"""How a trader ends at the deadline of a shutdown: sold to whoever buys now, or held."""

from decimal import Decimal

from symbol_trader.core import strategy
from symbol_trader.core.money import ZERO, plain
from symbol_trader.core.order import Order
from symbol_trader.core.orders import Side, TimeInForce
from symbol_trader.core.records import TraderState
from symbol_trader.core.settings import AtDeadline
from symbol_trader.core.strategy import OrderTerms
from symbol_trader.core.symbols import TRADING
from symbol_trader.core.trader import Trader
from symbol_trader.core.traders.selling import SELL_ENDINGS_MAX, how_it_ended, left_to_sell
from symbol_trader.core.traders.steps import (
    AskForBid,
    CancelOrder,
    Finish,
    PlaceSell,
    Step,
    Surroundings,
    Wait,
)

DEADLINE = "shutdown deadline"

DEADLINE_OFFERS_MAX = 20
"""How often what is left is offered at the deadline, while somebody buys at that price."""

OFFERS_IN_VAIN_MAX = 3
"""How many offers in a row may sell nothing before it is held."""


def cancel_at_deadline(order: Order) -> Step:
    """Take an open order off the order book; an offer ends by itself."""
    if order.intent.time_in_force is TimeInForce.GTC:
        return CancelOrder(order, DEADLINE)
    return Wait()


def give_up(trader: Trader, order: Order, around: Surroundings) -> Step:
    """End a trader at the deadline, whatever it holds: sold at once if asked for, else held."""
    left = left_to_sell(trader, around)
    if not left:
        bought = trader.sell_target is not None
        reason = "sold" if bought else f"its buy was {how_it_ended(order)}"
        return Finish(TraderState.FINISHED, reason, ZERO)
    if why := _why_not_offered(trader, around):
        return Finish(TraderState.HELD, f"{DEADLINE}: {why}", left)
    if _offered_in_vain(trader) and trader.is_blocked(around.now_ms):
        return Wait(trader.blocker)
    if _must_share(trader, left, around):
        return Wait(trader.blocker)
    if around.bid is None:
        return AskForBid()
    return _offer(trader, left, around.bid, around)


def _offer(trader: Trader, left: Decimal, bid: Decimal, around: Surroundings) -> Step:
    """Offer what is left to whoever buys now, never below the price of the first offer.

    The first one stands on record, so the slippage is counted from one bid, whatever happens.
    """
    filters = around.symbol.filters
    offers = _offers(trader)
    price = offers[0].intent.price if offers else strategy.price_at_deadline(bid, filters)
    order_terms = OrderTerms(price, _offered_quantity(trader, left, around))
    if not bid:
        why = "nobody buys"
    elif bid < price:
        why = f"the rest found no buyer: the best bid of {plain(bid)} is below {plain(price)}"
    elif strategy.is_dust(order_terms, filters):
        why = f"too little to sell at a bid of {bid:f}"
    else:
        return PlaceSell(order_terms, TimeInForce.IOC)
    return Finish(TraderState.HELD, f"{DEADLINE}: {why}", left)


def _must_share(trader: Trader, left: Decimal, around: Surroundings) -> bool:
    """Return whether other traders are selling base asset that this one needs to sell."""
    rest = around.free_base - around.base_on_its_way
    return trader.short_of_base and bool(around.base_on_its_way) and rest < left


def _offered_quantity(trader: Trader, left: Decimal, around: Surroundings) -> Decimal:
    """Return what can be offered: whole steps, and no more than the account turned out to have."""
    carried = around.carried if trader.sell_target is None else ZERO
    there = min(left + carried, around.free_base) if trader.short_of_base else left + carried
    return strategy.sellable(there, around.symbol.filters)


def _why_not_offered(trader: Trader, around: Surroundings) -> str | None:
    """Return why what a trader holds is not, or no longer, offered."""
    if around.settings.at_deadline is AtDeadline.HOLD:
        return "held as asked for"
    if around.symbol.status != TRADING:
        return f"the symbol is {around.symbol.status}"
    if trader.interrupted:
        return "its order was canceled by others"
    if trader.refused_offers >= SELL_ENDINGS_MAX:
        return f"its sell was refused {trader.refused_offers} times"
    offers = _offers(trader)
    in_vain = [not offer.executed for offer in offers[-OFFERS_IN_VAIN_MAX:]]
    if len(offers) >= DEADLINE_OFFERS_MAX or in_vain == [True] * OFFERS_IN_VAIN_MAX:
        return f"the rest found no buyer in {len(offers)} offers"
    return None


def _offers(trader: Trader) -> list[Order]:
    """Return the offers at the deadline that reached the exchange."""
    sells = trader.leg(Side.SELL)
    return [o for o in sells if o.intent.time_in_force is TimeInForce.IOC and o.existed]


def _offered_in_vain(trader: Trader) -> bool:
    """Return whether the trader's blocker comes from an offer: older ones may never end."""
    if trader.refused_offers:
        return True
    last = trader.orders[-1]
    return last.side is Side.SELL and last.intent.time_in_force is TimeInForce.IOC
