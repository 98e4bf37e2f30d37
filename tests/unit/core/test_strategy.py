"""Prices and quantities of a cycle: nothing is rounded in the wrong direction."""

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from symbol_trader.core import strategy
from symbol_trader.core.order_filters import violation
from symbol_trader.core.orders import Side
from symbol_trader.core.records import TraderTerms
from symbol_trader.core.strategy import OrderTerms
from symbol_trader.core.symbols import DEFAULT_COMMISSION, Commission, Filters
from unit.core.builders import COMMISSION, FILTERS, FREE, TERMS, D

powers = st.integers(-8, 0).map(D(1).scaleb)
rates = st.decimals(0, "0.02", places=5)
commissions = st.builds(Commission, buy=rates, sell=rates)
prices = st.decimals("0.01", 100_000, places=6)
terms_asked = st.builds(
    TraderTerms,
    chunk_budget=st.one_of(
        st.decimals("0.01", 10_000, places=4),
        st.tuples(st.integers(1, 999), st.integers(1, 9)).map(lambda share: D(share[0]) / share[1]),
    ),
    buy_down=st.decimals(0, "0.2", places=5),
    profit=st.decimals("-0.5", "0.5", places=5),
    rebuy=st.decimals(0, "0.5", places=5),
)


@st.composite
def filters_of_symbols(draw: st.DrawFn) -> Filters:
    step = draw(powers)
    return Filters(
        tick_size=draw(powers),
        step_size=step,
        min_quantity=step * draw(st.integers(1, 20)),
        min_notional=draw(st.decimals(0, 20, places=4)),
    )


@given(terms=terms_asked, seen=prices, filters=filters_of_symbols())
def test_a_buy_takes_the_most_that_the_chunk_allows_and_never_more(
    terms: TraderTerms, seen: D, filters: Filters
) -> None:
    order_terms = strategy.size_buy(terms, seen, filters)
    assume(order_terms.price > 0)

    assert order_terms.notional <= terms.chunk_budget
    assert order_terms.quantity % filters.step_size == 0
    assert order_terms.price * (order_terms.quantity + filters.step_size) > terms.chunk_budget


@given(terms=terms_asked, seen=prices, filters=filters_of_symbols())
def test_a_buys_price_is_the_highest_tick_not_above_what_was_asked(
    terms: TraderTerms, seen: D, filters: Filters
) -> None:
    price = strategy.size_buy(terms, seen, filters).price
    asked = seen * (1 - terms.buy_down)

    assert price % filters.tick_size == 0
    assert price <= asked < price + filters.tick_size


def test_a_price_below_the_first_tick_buys_nothing() -> None:
    filters = replace(FILTERS, tick_size=D(1))

    assert strategy.size_buy(TERMS, D("0.5"), filters) == OrderTerms(D(0), D(0))


@given(price=prices, terms=terms_asked, commission=commissions, filters=filters_of_symbols())
def test_a_sells_price_is_the_lowest_tick_not_below_what_was_asked(
    price: D, terms: TraderTerms, commission: Commission, filters: Filters
) -> None:
    target = strategy.sell_price(price, terms.profit, commission, filters)
    asked = price * (1 + commission.buy) * (1 + terms.profit) * (1 + commission.sell)

    assert target % filters.tick_size == 0
    assert target - filters.tick_size < asked <= target


@given(price=prices, terms=terms_asked, commission=commissions, filters=filters_of_symbols())
def test_what_is_sold_earns_the_profit_asked_after_both_commissions(
    price: D, terms: TraderTerms, commission: Commission, filters: Filters
) -> None:
    """Per unit sold, against what that unit cost with the commission that the buy was charged.

    The fees are added, as the strategy says, not divided out: a second-order rest, the square of
    each rate (two millionths at 0.1 %), is the only thing that can be missing.
    """
    target = strategy.sell_price(price, terms.profit, commission, filters)
    cost = price / (1 - commission.buy)
    earned = target * (1 - commission.sell)
    second_order = (1 - commission.buy**2) * (1 - commission.sell**2)

    assert earned / cost >= (1 + terms.profit) * second_order - D("1e-50")


@given(terms=terms_asked, seen=prices, commission=commissions, filters=filters_of_symbols())
def test_what_is_not_sold_is_less_than_a_step_and_carried(
    terms: TraderTerms, seen: D, commission: Commission, filters: Filters
) -> None:
    received = strategy.size_buy(terms, seen, filters).quantity * (1 - commission.buy)
    sold = strategy.sellable(received, filters)

    assert sold % filters.step_size == 0
    assert 0 <= received - sold < filters.step_size


def test_the_sell_price_of_an_example() -> None:
    """2 * 1.001 * 1.001 * 1.001 = 2.006006002, and a tick is 0.0001."""
    assert strategy.sell_price(D(2), D("0.001"), COMMISSION, FILTERS) == D("2.0061")
    assert strategy.sell_price(D(2), D("-0.01"), FREE, FILTERS) == D("1.98")


@given(terms=terms_asked, seen=prices, commission=commissions, filters=filters_of_symbols())
def test_the_least_chunk_is_enough_and_one_step_less_is_not(
    terms: TraderTerms, seen: D, commission: Commission, filters: Filters
) -> None:
    assume(seen * (1 - terms.buy_down) >= filters.tick_size)
    least = strategy.least_chunk_budget(terms, seen, commission, filters)

    def works(chunk_budget: D) -> bool:
        buy = strategy.size_buy(replace(terms, chunk_budget=chunk_budget), seen, filters)
        received = buy.quantity * (1 - commission.buy)
        price = strategy.sell_price(buy.price, terms.profit, commission, filters)
        sell = OrderTerms(price, strategy.sellable(received, filters))
        orders = ((Side.BUY, buy), (Side.SELL, sell))
        return not any(violation(side, terms, filters) for side, terms in orders)

    assert works(least)
    assert not works(least - D("1e-12"))


def test_the_least_chunk_of_an_example() -> None:
    """5 USDT at 1.9998: the buy alone asks for 2.6, but of 2.6 the commission leaves 2.5 to sell.

    2.5 * 2.0059 is worth 5.01, so 2.6 will do; without a notional one step would, and with a
    commission two.
    """
    assert strategy.least_chunk_budget(TERMS, D(2), COMMISSION, FILTERS) == D("2.6") * D("1.9998")
    small = replace(FILTERS, min_notional=D(0))
    assert strategy.least_chunk_budget(TERMS, D(2), FREE, small) == D("0.1") * D("1.9998")
    assert strategy.least_chunk_budget(TERMS, D(2), COMMISSION, small) == D("0.2") * D("1.9998")


@pytest.mark.parametrize(
    ("price", "quantity", "dust"),
    [
        ("2", "2.5", False),
        ("2", "2.4", True),
        ("100", "0.1", False),
        ("100", "0.09", True),
        ("2", "0", True),
        ("2", "-0.1", True),
    ],
)
def test_dust_is_what_is_too_small_for_the_filters(
    price: str, quantity: str, *, dust: bool
) -> None:
    assert strategy.is_dust(OrderTerms(D(price), D(quantity)), FILTERS) is dust


def test_nothing_is_dust_even_where_no_minimum_is_set() -> None:
    free = Filters(tick_size=D(0), step_size=D(0), min_quantity=D(0))

    assert strategy.is_dust(OrderTerms(D(2), D(0)), free)


@pytest.mark.parametrize(
    ("seen", "triggered"), [("2", False), ("1.998", False), ("1.9979", True), ("0.1", True)]
)
def test_a_rebuy_is_triggered_below_its_interval_not_at_it(seen: str, *, triggered: bool) -> None:
    assert (D(seen) < strategy.rebuy_below(D(2), D("0.001"))) is triggered


def test_the_profit_to_expect_of_an_example() -> None:
    """10 at 2: 9.99 are received, 9.9 sold at 2.0061 less 0.1 %, 0.09 carried at cost."""
    expected = D("9.9") * D("2.0061") * D("0.999") + D("0.09") * 2 - 20

    order_terms = OrderTerms(D(2), D(10))
    assert strategy.expected_profit(order_terms, TERMS, COMMISSION, FILTERS) == expected


@given(terms=terms_asked, seen=prices, filters=filters_of_symbols())
def test_without_commission_a_cycle_is_expected_to_earn_what_was_asked(
    terms: TraderTerms, seen: D, filters: Filters
) -> None:
    order_terms = strategy.size_buy(terms, seen, filters)

    earned = strategy.expected_profit(order_terms, terms, FREE, filters)
    assert earned >= order_terms.notional * terms.profit


def test_coarse_steps_can_cost_more_than_the_profit_asked() -> None:
    """One step of 1 is bought, commission leaves 0.999: nothing can be sold."""
    coarse = replace(FILTERS, step_size=D(1), min_quantity=D(1), min_notional=D(0))

    assert strategy.expected_profit(OrderTerms(D(2), D(1)), TERMS, DEFAULT_COMMISSION, coarse) < 0
