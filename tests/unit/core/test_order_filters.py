"""What the filters let pass, against the rules said a second time, and what would pass instead."""

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbol_trader.core.market_prices import ANSWER_MS, FRESH_MS, MarketPrices
from symbol_trader.core.order_filters import Load, unjudged, violation
from symbol_trader.core.orders import Side
from symbol_trader.core.replies import ReferencePrice
from symbol_trader.core.strategy import OrderTerms
from symbol_trader.core.symbols import Filters, PercentPrice
from unit.core.builders import NOW_MS, D

LIMITED = Filters(
    tick_size=D("0.01"),
    step_size=D("0.1"),
    min_quantity=D("0.5"),
    max_quantity=D(100),
    min_price=D("0.05"),
    max_price=D(1000),
    min_notional=D(5),
    max_notional=D(5000),
)
BAND = PercentPrice("PERCENT_PRICE_BY_SIDE", D("0.5"), D("1.2"), D("0.8"), D(2), 5)
AVERAGE = ReferencePrice(D(10), "the average price of 5 minutes", NOW_MS)


def refusal(
    price: str,
    quantity: str,
    filters: Filters = LIMITED,
    load: Load = Load(),  # noqa: B008 - it is frozen
    side: Side = Side.BUY,
) -> tuple[str, str | None] | None:
    """Return the filter that refuses an order, and what would pass."""
    found = violation(side, OrderTerms(D(price), D(quantity)), filters, load, {5: AVERAGE})
    if found is None:
        return None
    return found.filter, None if found.passing is None else f"{found.passing.normalize():f}"


@pytest.mark.parametrize(
    ("price", "quantity", "refused"),
    [
        pytest.param("10", "1", None, id="well inside"),
        pytest.param("0.05", "100", None, id="least price, most quantity, least notional"),
        pytest.param("1000", "5", None, id="most price, most notional"),
        pytest.param("10", "0.5", None, id="least quantity"),
        pytest.param("0.04", "100", ("PRICE_FILTER", "0.05"), id="price too low"),
        pytest.param("0", "100", ("PRICE_FILTER", "0.05"), id="no price"),
        pytest.param("1000.01", "1", ("PRICE_FILTER", "1000"), id="price too high"),
        pytest.param("10.005", "1", ("PRICE_FILTER", "10"), id="price between ticks"),
        pytest.param("10", "0.4", ("LOT_SIZE", "0.5"), id="quantity too small"),
        pytest.param("10", "0", ("LOT_SIZE", "0.5"), id="no quantity"),
        pytest.param("10", "100.1", ("LOT_SIZE", "100"), id="quantity too large"),
        pytest.param("10", "1.05", ("LOT_SIZE", "1"), id="quantity between steps"),
        pytest.param("9.99", "0.5", ("NOTIONAL", "0.6"), id="worth too little"),
        pytest.param("1000", "5.1", ("NOTIONAL", "5"), id="worth too much"),
        pytest.param("0.05", "99.9", ("NOTIONAL", "100"), id="worth a little too little"),
    ],
)
def test_an_order_is_judged_by_each_filter(
    price: str, quantity: str, refused: tuple[str, str] | None
) -> None:
    assert refusal(price, quantity) == refused


@pytest.mark.parametrize(
    ("side", "price", "refused"),
    [
        (Side.BUY, "12", None),
        (Side.BUY, "12.01", ("PERCENT_PRICE_BY_SIDE", "12")),
        (Side.BUY, "5", None),
        (Side.BUY, "4.99", ("PERCENT_PRICE_BY_SIDE", "5")),
        (Side.SELL, "20", None),
        (Side.SELL, "20.01", ("PERCENT_PRICE_BY_SIDE", "20")),
        (Side.SELL, "8", None),
        (Side.SELL, "7.99", ("PERCENT_PRICE_BY_SIDE", "8")),
    ],
)
def test_a_percent_filter_measures_from_the_market_price_that_is_known(
    side: Side, price: str, refused: tuple[str, str] | None
) -> None:
    filters = replace(LIMITED, percents=(BAND,))
    assert refusal(price, "2", filters, side=side) == refused
    assert violation(side, OrderTerms(D(price), D(2)), filters) is None


@pytest.mark.parametrize(
    ("changes", "load", "quantity", "refused"),
    [
        ({"max_orders": 3}, Load(open_orders=2), "1", None),
        ({"max_orders": 3}, Load(open_orders=3), "1", ("MAX_NUM_ORDERS", "3")),
        (
            {"exchange_max_orders": 3},
            Load(open_orders=3),
            "1",
            ("EXCHANGE_MAX_NUM_ORDERS", "3"),
        ),
        ({"max_position": D(7)}, Load(position=D(5)), "2", None),
        ({"max_position": D(7)}, Load(position=D(5)), "2.1", ("MAX_POSITION", "2")),
        ({"max_position": D(5)}, Load(position=D(5)), "1", ("MAX_POSITION", None)),
        ({"max_base": D(2)}, Load(), "2", None),
        ({"max_base": D(2)}, Load(), "2.1", ("MAX_ASSET", "2")),
        ({"max_quote": D(42)}, Load(), "4.2", None),
        ({"max_quote": D(42)}, Load(), "4.3", ("MAX_ASSET", "4.2")),
        ({"max_quote": D(1)}, Load(), "4.3", ("MAX_ASSET", None)),
    ],
)
def test_what_the_account_has_is_judged_by(
    changes: dict[str, D | int], load: Load, quantity: str, refused: tuple[str, str | None] | None
) -> None:
    filters = replace(LIMITED, **changes)  # type: ignore[arg-type]  # the names are those of fields
    assert refusal("10", quantity, filters, load) == refused


def test_a_sell_may_lessen_a_position_that_is_too_large() -> None:
    filters = replace(LIMITED, max_position=D(5))
    assert refusal("10", "1", filters, Load(position=D(9)), side=Side.SELL) is None


def test_the_filter_is_named_as_the_symbol_has_it() -> None:
    filters = replace(LIMITED, notional_filter="MIN_NOTIONAL")
    assert refusal("9.99", "0.5", filters) == ("MIN_NOTIONAL", "0.6")


def test_zeros_mean_no_limit_but_nothing_is_no_quantity() -> None:
    free = Filters(tick_size=D(0), step_size=D(0), min_quantity=D(0))

    assert refusal("0.123456789", "987654321.123456789", free) is None
    assert refusal("1", "0", free) == ("LOT_SIZE", None)
    assert refusal("0", "1", free) == ("PRICE_FILTER", None)


@pytest.mark.parametrize(
    ("filters", "quantity", "load", "text"),
    [
        (LIMITED, "0.4", Load(), "LOT_SIZE refuses a quantity of 0.4: 0.6 would pass"),
        (
            replace(LIMITED, max_position=D(5)),
            "1",
            Load(position=D(5)),
            "MAX_POSITION refuses a quantity of 1: none passes now (the position is 5)",
        ),
        (
            replace(LIMITED, max_orders=3),
            "1",
            Load(open_orders=3),
            "MAX_NUM_ORDERS refuses a number of open orders of 4: 3 would pass",
        ),
        (
            replace(LIMITED, percents=(replace(BAND, bid_up=D("0.5")),)),
            "1",
            Load(),
            f"PERCENT_PRICE_BY_SIDE refuses a price of 9: 5 would pass ({AVERAGE})",
        ),
    ],
)
def test_a_refusal_says_which_filter_what_was_asked_and_what_would_pass(
    filters: Filters, quantity: str, load: Load, text: str
) -> None:
    found = violation(Side.BUY, OrderTerms(D(9), D(quantity)), filters, load, {5: AVERAGE})
    assert str(found) == text


# --- against the rules, said a second time ----------------------------------------------------

amounts = st.one_of(
    st.decimals("0.0001", 10_000, places=4),
    st.integers(1, 10**30 - 1).map(lambda n: D(n).scaleb(-15)),
    st.integers(1, 10**30 - 1).map(lambda n: D(n).scaleb(-27)),
)
"""Usual ones, and such of thirty digits."""
steps = st.sampled_from([D("0.0001"), D("0.01"), D("0.05"), D("0.3"), D(1), D(7)])
multipliers = st.decimals("0.1", 3, places=4)


@st.composite
def filter_sets(draw: st.DrawFn) -> Filters:
    percents = st.builds(
        PercentPrice,
        st.just("PERCENT_PRICE"),
        multipliers,
        multipliers,
        multipliers,
        multipliers,
        st.sampled_from([0, 5]),
    )
    return Filters(
        tick_size=draw(steps),
        step_size=draw(steps),
        min_quantity=draw(st.just(D(0)) | amounts),
        max_quantity=draw(st.just(D(0)) | amounts),
        min_price=draw(st.just(D(0)) | amounts),
        max_price=draw(st.just(D(0)) | amounts),
        min_notional=draw(st.just(D(0)) | amounts),
        max_notional=draw(st.just(D(0)) | amounts),
        percents=tuple(draw(st.lists(percents, max_size=2))),
        max_orders=draw(st.none() | st.integers(0, 5)),
        exchange_max_orders=draw(st.none() | st.integers(0, 5)),
        max_position=draw(st.none() | amounts),
        max_base=draw(st.none() | amounts),
        max_quote=draw(st.none() | amounts),
    )


known_prices = st.dictionaries(
    st.sampled_from([0, 5]), st.builds(ReferencePrice, amounts, st.just("a test"), st.none())
)
loads = st.builds(Load, st.integers(0, 6), amounts | st.just(D(0)))


def rules(
    side: Side,
    terms: OrderTerms,
    filters: Filters,
    load: Load,
    references: Mapping[int, ReferencePrice],
) -> dict[str, bool]:
    """State each rule of the documentation again, in fractions: whether an order keeps it."""
    p, q = Fraction(terms.price), Fraction(terms.quantity)
    f = filters
    kept = {
        "price": p > 0 and (p / Fraction(f.tick_size)).denominator == 1,
        "quantity": q > 0 and (q / Fraction(f.step_size)).denominator == 1,
        "min price": not f.min_price or p >= Fraction(f.min_price),
        "max price": not f.max_price or p <= Fraction(f.max_price),
        "min quantity": q >= Fraction(f.min_quantity),
        "max quantity": not f.max_quantity or q <= Fraction(f.max_quantity),
        "min notional": p * q >= Fraction(f.min_notional),
        "max notional": not f.max_notional or p * q <= Fraction(f.max_notional),
        "orders": f.max_orders is None or load.open_orders + 1 <= f.max_orders,
        "all orders": f.exchange_max_orders is None
        or load.open_orders + 1 <= f.exchange_max_orders,
        "base": f.max_base is None or q <= Fraction(f.max_base),
        "terms": f.max_quote is None or p * q <= Fraction(f.max_quote),
        "position": side is Side.SELL
        or f.max_position is None
        or Fraction(load.position) + q <= Fraction(f.max_position),
    }
    for number, percent in enumerate(f.percents):
        buys = side is Side.BUY
        down = percent.bid_down if buys else percent.ask_down
        up = percent.bid_up if buys else percent.ask_up
        if reference := references.get(percent.minutes):
            market = Fraction(reference.price)
            kept[f"percent {number}"] = market * Fraction(down) <= p <= market * Fraction(up)
    return kept


@given(st.sampled_from(Side), amounts, amounts, filter_sets(), loads, known_prices)
def test_what_passes_keeps_every_rule_and_what_keeps_every_rule_passes(  # noqa: PLR0917 - hypothesis names them
    side: Side,
    price: D,
    quantity: D,
    filters: Filters,
    load: Load,
    references: Mapping[int, ReferencePrice],
) -> None:
    on_grid = OrderTerms(price // filters.tick_size * filters.tick_size, quantity)
    for terms in (OrderTerms(price, quantity), on_grid):
        found = violation(side, terms, filters, load, references)
        kept = rules(side, terms, filters, load, references)
        assert (found is None) == all(kept.values())


@given(st.sampled_from(Side), amounts, amounts, filter_sets(), loads, known_prices)
def test_what_a_refusal_says_would_pass_does_pass(  # noqa: PLR0917 - hypothesis names them
    side: Side,
    price: D,
    quantity: D,
    filters: Filters,
    load: Load,
    references: Mapping[int, ReferencePrice],
) -> None:
    terms = OrderTerms(price, quantity)
    asked = []
    while found := violation(side, terms, filters, load, references):
        if found.passing is None or found.what == "number of open orders":
            return
        asked.append(found.what)
        changes = {found.what: found.passing}
        terms = replace(terms, **changes)
    assert len(asked) <= 2, "what was said to pass was refused for the same thing"


@given(steps, amounts, amounts)
def test_nothing_is_said_to_pass_only_where_nothing_does(step: D, least: D, most: D) -> None:
    filters = Filters(D("0.0001"), step, min_quantity=least, max_quantity=most)
    found = violation(Side.BUY, OrderTerms(D(2), D(0)), filters)

    assert found is not None
    candidates = [step * n for n in range(int(least / step), int(least / step) + 3)]
    passing = [q for q in candidates if q > 0 and least <= q <= most]
    assert found.passing == (passing[0] if passing else None)


# --- the market prices ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "price", "last", "asks"),
    [
        (Side.BUY, "10", "10", False),
        (Side.BUY, "11", "10", False),
        (Side.BUY, "11.01", "10", True),
        (Side.BUY, "7.5", "10", False),
        (Side.BUY, "7.49", "10", True),
        (Side.SELL, "15", "10", False),
        (Side.SELL, "15.01", "10", True),
        (Side.SELL, "10", None, True),
    ],
)
def test_a_price_far_from_the_last_trade_needs_to_know_the_average(
    side: Side, price: str, last: str | None, *, asks: bool
) -> None:
    filters = replace(LIMITED, percents=(BAND,))
    last_price = None if last is None else D(last)

    assert unjudged(side, D(price), filters, {}, last_price) == (BAND if asks else None)
    assert unjudged(side, D(price), filters, {5: AVERAGE}, last_price) is None
    assert unjudged(side, D(price), LIMITED, {}, last_price) is None


def test_a_market_price_is_fresh_for_a_while_and_asked_for_once_at_a_time() -> None:
    prices = MarketPrices()
    assert prices.ask(5, NOW_MS)
    assert not prices.ask(5, NOW_MS + ANSWER_MS - 1)
    assert prices.ask(5, NOW_MS + ANSWER_MS)
    assert prices.fresh(NOW_MS) == {}

    prices.told(5, AVERAGE, NOW_MS)
    assert prices.ask(5, NOW_MS)
    assert prices.fresh(NOW_MS + FRESH_MS - 1) == {5: AVERAGE}
    assert prices.fresh(NOW_MS + FRESH_MS) == {}
    assert not prices.is_untold(5, NOW_MS)


def test_a_market_price_that_is_not_told_is_not_asked_for_again_at_once() -> None:
    prices = MarketPrices()
    assert not prices.is_untold(5, NOW_MS)

    prices.told(5, None, NOW_MS)
    assert prices.fresh(NOW_MS) == {}
    assert prices.is_untold(5, NOW_MS + FRESH_MS - 1)
    assert not prices.is_untold(5, NOW_MS + FRESH_MS)
