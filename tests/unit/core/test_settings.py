"""Settings and timing: small rules that others rely on."""

from dataclasses import replace

import pytest

from symbol_trader.core.timing import Timing
from unit.core.builders import SETTINGS, D


def test_a_chunk_is_an_equal_share_of_the_budget() -> None:
    assert SETTINGS.chunk_budget == D(20)
    assert replace(SETTINGS, budget=D(1), chunks=4).chunk_budget == D("0.25")


def test_an_order_may_appear_until_window_timeout_and_margin_have_passed() -> None:
    assert Timing(3_000, 10_000, 1_000).bound_ms == 14_000


@pytest.mark.parametrize(
    ("refusals", "pause_ms"), [(1, 1_000), (2, 2_000), (3, 4_000), (6, 32_000), (7, 60_000)]
)
def test_pauses_double_up_to_the_longest(refusals: int, pause_ms: int) -> None:
    assert Timing().retry_pause_ms(refusals) == pause_ms


def test_a_pause_after_very_many_refusals_is_still_the_longest() -> None:
    assert Timing().retry_pause_ms(1_000_000) == 60_000
