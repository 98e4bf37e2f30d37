"""Exact decimal arithmetic."""

from collections.abc import Callable
from decimal import getcontext
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbol_trader.core.money import PRECISION_DIGITS, ZERO, ceil_to, floor_to, plain
from unit.core.builders import D

amounts = st.decimals(0, 10**12, places=12)
steps = st.decimals("0.00000001", 1000, places=8)


@given(value=amounts, step=steps)
def test_floor_and_ceiling_are_the_nearest_multiples_on_either_side(value: D, step: D) -> None:
    low, high = floor_to(value, step), ceil_to(value, step)

    assert low <= value <= high
    assert low % step == high % step == 0
    assert high - low in {ZERO, step}
    assert (high == low) == (value % step == 0)


@pytest.mark.parametrize("round_to", [floor_to, ceil_to])
def test_without_a_step_a_value_stays_as_it_is(round_to: Callable[[D, D], D]) -> None:
    assert round_to(D("1.23456789"), ZERO) == D("1.23456789")


def test_a_product_of_two_numbers_of_twenty_digits_keeps_them_all() -> None:
    digits = 12_345_678_901_234_567_891

    assert D(digits) * D(digits).scaleb(-8) == D(digits * digits).scaleb(-8)
    assert int(D(digits) * D(digits)) == digits * digits


def test_the_precision_holds_in_every_thread() -> None:
    seen = [getcontext().prec]
    thread = Thread(target=lambda: seen.append(getcontext().prec))
    thread.start()
    thread.join()

    assert seen == [PRECISION_DIGITS, PRECISION_DIGITS]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1.500", "1.5"),
        ("100", "100"),
        ("100.00", "100"),
        ("1E+3", "1000"),
        ("1E-8", "0.00000001"),
        ("-0.10", "-0.1"),
        ("0", "0"),
    ],
)
def test_amounts_are_written_without_exponent_and_closing_zeros(value: str, text: str) -> None:
    assert plain(D(value)) == text
