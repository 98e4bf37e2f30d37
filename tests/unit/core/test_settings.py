"""Settings, timing and refusals: small rules that others rely on."""

from dataclasses import replace

import pytest

from symbol_trader.core.reasons import Reason
from symbol_trader.core.refusals import (
    is_doubt,
    needs_refresh,
    passes,
    reason_on_record,
    refusal_reason,
)
from symbol_trader.core.replies import Refused
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


@pytest.mark.parametrize(
    ("code", "message", "reason", "refresh"),
    [
        (-2010, "Account has insufficient balance for requested action.", "InsufficientBalance", 0),
        (-2010, "Market is closed.", "SymbolNotTrading", 1),
        (-2010, "Filter failure: MAX_NUM_ORDERS", "FilterFailure", 1),
        (-1013, "Filter failure: PERCENT_PRICE_BY_SIDE", "FilterFailure", 1),
        (-1013, "Quantity less than or equal to zero.", "FilterFailure", 1),
        (-1003, "Too much request weight used", "RateLimited", 0),
        (-1015, "Too many new orders", "RateLimited", 0),
        (-1021, "Timestamp for this request is outside of the recvWindow.", "Late", 0),
        (-2015, "Invalid API-key, IP, or permissions for action.", "BadCredentials", 0),
        (-2010, "This symbol is not permitted for this account.", "OrderRefused", 0),
    ],
)
def test_a_refusal_has_a_reason_that_says_what_to_do(
    code: int, message: str, reason: str, refresh: int
) -> None:
    assert refusal_reason(Refused(code, message)) == reason
    assert needs_refresh(Reason(reason)) == bool(refresh)


@pytest.mark.parametrize(
    ("code", "passing"),
    [(-1003, True), (-1015, True), (-1021, True), (-1013, False), (-100, False)],
)
def test_some_refusals_say_nothing_against_the_order(code: int, passing: bool) -> None:
    assert passes(reason_on_record(Refused(code, "words"))) is passing


@pytest.mark.parametrize(
    ("code", "message", "doubt"),
    [
        (-2010, "Duplicate order sent.", True),
        (-2011, "Duplicate order sent.", False),
        (-2010, "Market is closed.", False),
    ],
)
def test_a_duplicate_may_be_the_very_order_that_was_sent(
    code: int, message: str, *, doubt: bool
) -> None:
    assert is_doubt(code, message) is doubt
