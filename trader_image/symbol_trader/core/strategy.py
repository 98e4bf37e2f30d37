"""Naive buy low, sell high: the prices and quantities of a trader, and when to start another.

All functions are pure; prices are in quote per base, intervals and commissions are fractions.
"""

from dataclasses import dataclass
from decimal import Decimal

from symbol_trader.core.money import ONE, ceil_to, floor_to
from symbol_trader.core.records import TraderTerms
from symbol_trader.core.symbols import Commission, Filters

DEADLINE_SLIPPAGE = Decimal("0.005")
"""How far below the best bid a shutdown's deadline sells at the worst."""


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """A price and a quantity, rounded to the symbol's filters."""

    price: Decimal
    quantity: Decimal

    @property
    def notional(self) -> Decimal:
        """Return what the order is worth, in quote."""
        return self.price * self.quantity


def size_buy(terms: TraderTerms, seen: Decimal, filters: Filters) -> OrderTerms:
    """Price and size a buy below the price seen; the chunk's budget is never exceeded."""
    price = floor_to(seen * (ONE - terms.buy_down), filters.tick_size)
    quantity = floor_to(terms.chunk_budget / price, filters.step_size) if price else price
    return OrderTerms(price, quantity)


def sell_price(
    buy_price: Decimal, profit: Decimal, commission: Commission, filters: Filters
) -> Decimal:
    """Price a sell so that `profit` is left when both commissions are paid.

    Rounded up: rounding down would eat the profit where ticks are coarse.
    """
    gross = buy_price * (ONE + commission.buy) * (ONE + profit) * (ONE + commission.sell)
    return ceil_to(gross, filters.tick_size)


def price_at_deadline(bid: Decimal, filters: Filters) -> Decimal:
    """Price a sell that has to fill now: the best bid less the slippage that is put up with."""
    return floor_to(bid * (ONE - DEADLINE_SLIPPAGE), filters.tick_size)


def sellable(quantity: Decimal, filters: Filters) -> Decimal:
    """Return the part of a quantity that makes whole steps."""
    return floor_to(quantity, filters.step_size)


def is_dust(order_terms: OrderTerms, filters: Filters) -> bool:
    """Return whether a sell is too small for the filters at its target price.

    Only smallness counts: every other refusal may pass with time.
    """
    return (
        order_terms.quantity <= 0
        or order_terms.quantity < filters.min_quantity
        or order_terms.notional < filters.min_notional
    )


def rebuy_below(buy_price: Decimal, rebuy: Decimal) -> Decimal:
    """Return the price below which a trader's buy calls for another trader."""
    return buy_price * (ONE - rebuy)


def least_chunk_budget(
    terms: TraderTerms, seen: Decimal, commission: Commission, filters: Filters
) -> Decimal:
    """Return the smallest chunk, in quote, whose buy and whose sell both pass the filters.

    The sell is the narrower one: it has what the commission left of the buy, in whole steps.
    """
    price = max(floor_to(seen * (ONE - terms.buy_down), filters.tick_size), filters.tick_size)
    target = sell_price(price, terms.profit, commission, filters)
    sell = _least_quantity(target, filters)
    buy = max(
        ceil_to(sell / (ONE - commission.buy), filters.step_size), _least_quantity(price, filters)
    )
    return buy * price


def expected_profit(
    order_terms: OrderTerms, terms: TraderTerms, commission: Commission, filters: Filters
) -> Decimal:
    """Return what a trader is left with in quote, the carried remainder valued at cost."""
    received = order_terms.quantity * (ONE - commission.buy)
    sold = sellable(received, filters)
    target = sell_price(order_terms.price, terms.profit, commission, filters)
    carried = (received - sold) * order_terms.price
    return sold * target * (ONE - commission.sell) + carried - order_terms.notional


def _least_quantity(price: Decimal, filters: Filters) -> Decimal:
    least = max(filters.min_quantity, filters.min_notional / price, filters.step_size)
    return ceil_to(least, filters.step_size)
