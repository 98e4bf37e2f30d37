"""Exact decimal helpers."""

from decimal import Decimal, Inexact

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paper_exchange.core import money

amounts = st.decimals(0, 10**12, places=8, allow_nan=False)
steps = st.sampled_from([Decimal(1).scaleb(-n) for n in range(9)] + [Decimal("0.05"), Decimal(5)])


@settings(deadline=None)
@given(amounts, steps)
def test_floor_and_ceil_are_the_nearest_multiples(value: Decimal, step: Decimal) -> None:
    floor, ceil = money.floor_to(value, step), money.ceil_to(value, step)
    assert money.is_multiple(floor, step)
    assert money.is_multiple(ceil, step)
    assert floor <= value <= ceil
    assert ceil - floor == (0 if money.is_multiple(value, step) else step)


@settings(deadline=None)
@given(amounts, amounts)
def test_a_product_has_every_digit(left: Decimal, right: Decimal) -> None:
    product = money.times(left, right)
    units = int(left.scaleb(8)) * int(right.scaleb(8))
    assert product == Decimal(f"{units}E-16")


@settings(deadline=None)
@given(amounts)
def test_eight_decimals_are_written_and_read_back(value: Decimal) -> None:
    text = money.fixed(value)
    assert Decimal(text) == value
    assert len(text.partition(".")[2]) == 8


def test_writing_never_rounds() -> None:
    with pytest.raises(Inexact):
        money.fixed(Decimal("0.000000001"))


def test_a_product_beyond_the_precision_raises_instead_of_rounding() -> None:
    with pytest.raises(Inexact):
        money.times(Decimal("1." + "1" * 40), Decimal("1." + "1" * 40))


@pytest.mark.parametrize(
    ("value", "cut"),
    [("0.123456789", "0.12345678"), ("1", "1.00000000"), ("0.000000009", "0E-8")],
)
def test_truncation_is_towards_zero(value: str, cut: str) -> None:
    assert str(money.truncate(Decimal(value))) == cut


def test_division_rounds_towards_zero() -> None:
    assert money.divide_down(Decimal(2), Decimal(3)) == Decimal("0.66666666")


@pytest.mark.parametrize(
    ("value", "up", "rounded"),
    [("1.001", True, "1.01"), ("1.009", False, "1.00"), ("0.001", False, "0.01")],
)
def test_prices_are_rounded_to_ticks_and_never_to_zero(value: str, up: bool, rounded: str) -> None:
    assert money.round_tick(Decimal(value), Decimal("0.01"), up=up) == Decimal(rounded)


@pytest.mark.parametrize(("value", "count"), [("1.500", 1), ("100", 0), ("0.00000001", 8)])
def test_decimals_counts_significant_places(value: str, count: int) -> None:
    assert money.decimals(Decimal(value)) == count
