"""How a trader begins: the size of its buy, and what may stand in its way."""

from dataclasses import replace
from decimal import Decimal

from symbol_trader.core import strategy
from symbol_trader.core.limits import starts_nothing
from symbol_trader.core.money import ZERO, ceil_to, plain
from symbol_trader.core.reasons import Blocker, Reason
from symbol_trader.core.records import TraderState
from symbol_trader.core.strategy import OrderTerms
from symbol_trader.core.trader import Trader
from symbol_trader.core.traders.steps import Finish, PlaceBuy, Step, Surroundings, Wait

FIGURE_FALLS_TO = Decimal("0.75")
"""A figure in a message is replaced once the right one has fallen to this part of it."""


def begin(trader: Trader, around: Surroundings) -> Step:
    """Return what a trader without an order does: it buys, once a price comes."""
    if around.draining:
        return Finish(TraderState.FINISHED, "shutdown before it bought", ZERO)
    if starts_nothing(around.halts):
        return Finish(TraderState.FINISHED, "halted before it bought", ZERO)
    if trader.is_blocked(around.now_ms) or around.seen is None:
        return Wait(trader.blocker)
    order_terms = _size_buy(trader, around.seen, around)
    if blocker := _cannot_buy(trader, order_terms, around):
        return Wait(blocker)
    return PlaceBuy(order_terms)


def _size_buy(trader: Trader, seen: Decimal, around: Surroundings) -> OrderTerms:
    """Size a buy: for the whole chunk, or for what is left of it where dust is carried.

    A chunk that lacks more than that waits for other traders to end.
    """
    terms, filters = trader.terms, around.symbol.filters
    order_terms = strategy.size_buy(terms, seen, filters)
    if ZERO < order_terms.notional - around.spendable <= around.carried_cost:
        return strategy.size_buy(replace(terms, chunk_budget=around.spendable), seen, filters)
    return order_terms


def _cannot_buy(trader: Trader, order_terms: OrderTerms, around: Surroundings) -> Blocker | None:
    """Return what stands in the way of a buy. It is judged again at the next price."""
    filters, settings = around.symbol.filters, around.settings
    least = strategy.least_chunk_budget(
        trader.terms, around.seen or order_terms.price, around.commission, filters
    )
    if trader.terms.chunk_budget < least:
        return _budget_too_small(trader, least * settings.chunks, around)
    if around.carried_cost and order_terms.notional < least:
        return _too_much_carried(around)
    if order_terms.notional > around.spendable:
        chunk = f"a buy for {plain(trader.terms.chunk_budget)} {around.symbol.quote_asset}"
        text = f"{chunk} would exceed the budget: {plain(around.spendable)} is left"
        return _now(around, Reason.BUDGET_SPENT, text)
    return None


def _too_much_carried(around: Surroundings) -> Blocker:
    """Return that what is carried leaves too little for a buy; running traders may sell it."""
    left, cost, asset = around.spendable, around.carried_cost, around.symbol.quote_asset
    alone = left + cost >= around.settings.budget
    taken = f"{plain(cost)} {asset}"
    return _now(
        around,
        Reason.BUDGET_TOO_SMALL if alone else Reason.BUDGET_SPENT,
        f"{taken} of the budget is in {around.symbol.base_asset} that is too little to sell "
        f"alone, and the {plain(left)} {asset} left are too little to buy for"
        + (f"; a budget that is larger by {taken} works" if alone else ""),
    )


def _budget_too_small(trader: Trader, least: Decimal, around: Surroundings) -> Blocker:
    """Return which budget would do, in a figure that stays the same while it is roughly right.

    It follows the price: a condition that changed with each trade would be written each second.
    """
    asset, chunks = around.symbol.quote_asset, around.settings.chunks
    figure = _figure_said(trader.blocker, Reason.BUDGET_TOO_SMALL)
    if figure is None or not figure * FIGURE_FALLS_TO <= least <= figure:
        figure = _rounded_up(least)
    text = (
        f"a chunk of {plain(trader.terms.chunk_budget)} {asset} is below the exchange's minimum; "
        f"the least budget that works with {chunks} chunks is {figure:f} {asset}"
    )
    return Blocker(Reason.BUDGET_TOO_SMALL, text, around.now_ms, figure=figure)


def _figure_said(blocker: Blocker | None, reason: Reason) -> Decimal | None:
    return blocker.figure if blocker and blocker.reason is reason else None


def _now(around: Surroundings, reason: Reason, message: str) -> Blocker:
    return Blocker(reason, message, around.now_ms)


def _rounded_up(value: Decimal) -> Decimal:
    """Return a value of two significant digits that a person can type, never below the one given.

    The value is greater than zero.
    """
    return ceil_to(value, Decimal(1).scaleb(value.adjusted() - 1)).normalize()
