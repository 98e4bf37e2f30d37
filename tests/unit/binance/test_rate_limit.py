"""Limits are counted in minutes of the exchange's clock, and kept on a clock that never jumps."""

from dataclasses import dataclass

import pytest

from symbol_trader.binance.rate_limit import RateLimit, Weight

SECOND_NS = 1_000_000_000
TWENTY_PAST_MS = 1_700_000_040_000 + 20_000
"""An exchange time twenty seconds into a minute."""


@dataclass
class Timepiece:
    """A monotonic clock that the test moves."""

    now_ns: int = 0

    def __call__(self) -> int:
        return self.now_ns


def test_reading_goes_on_until_three_quarters_are_used_and_then_waits_for_the_next_minute() -> None:
    clock = Timepiece()
    rate_limit = RateLimit(clock)
    rate_limit.count(Weight(4499, 6000, 1), TWENTY_PAST_MS)
    assert rate_limit.reading_pause_s == 0

    rate_limit.count(Weight(4500, 6000, 1), TWENTY_PAST_MS)
    assert rate_limit.reading_pause_s == 40
    clock.now_ns = 40 * SECOND_NS
    assert rate_limit.reading_pause_s == 0


def test_a_window_of_several_minutes_is_waited_for() -> None:
    rate_limit = RateLimit(Timepiece())
    rate_limit.count(Weight(6000, 6000, 5), 1_700_000_100_000 + 60_000)
    assert rate_limit.reading_pause_s == 240


def test_less_use_in_a_later_reply_ends_the_wait() -> None:
    rate_limit = RateLimit(Timepiece())
    rate_limit.count(Weight(6000, 6000, 1), TWENTY_PAST_MS)
    rate_limit.count(Weight(20, 6000, 1), TWENTY_PAST_MS)
    assert rate_limit.reading_pause_s == 0


def test_a_hold_lasts_as_long_as_was_said() -> None:
    clock = Timepiece()
    rate_limit = RateLimit(clock)
    assert not rate_limit.held_s
    rate_limit.hold(2)
    clock.now_ns = SECOND_NS
    assert rate_limit.held_s == 1
    clock.now_ns = 2 * SECOND_NS
    assert not rate_limit.held_s


@pytest.mark.parametrize(("later_s", "kept_s"), [(1, 2), (3, 3)])
def test_the_hold_that_goes_furthest_stays(later_s: int, kept_s: int) -> None:
    rate_limit = RateLimit(Timepiece())
    rate_limit.hold(2)
    rate_limit.hold(later_s)
    assert rate_limit.held_s == kept_s


def test_what_the_exchange_says_itself_counts_more_than_the_weight_that_is_used() -> None:
    """A ban of two seconds is no reason to read nothing until the minute is over."""
    clock = Timepiece()
    rate_limit = RateLimit(clock)
    rate_limit.count(Weight(6000, 6000, 1), TWENTY_PAST_MS)
    rate_limit.hold(2)
    assert rate_limit.held_until_ns == 2 * SECOND_NS
    clock.now_ns = 2 * SECOND_NS
    assert rate_limit.held_until_ns is None
    assert rate_limit.reading_pause_s == 0
