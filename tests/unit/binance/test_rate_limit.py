"""Limits are counted in minutes of the exchange's clock, and kept on a clock that never jumps."""

from dataclasses import dataclass

import pytest

from symbol_trader.binance.rate_limit import Counted, Purpose, RateLimit, Use

SECOND_NS = 1_000_000_000
TWENTY_PAST_MS = 1_700_000_040_000 + 20_000
"""An exchange time twenty seconds into a minute."""


@dataclass
class Timepiece:
    """A monotonic clock that the test moves."""

    now_ns: int = 0

    def __call__(self) -> int:
        return self.now_ns


def weight(used: int, minutes: int = 1) -> Use:
    return Use(Counted.WEIGHT, used, 6_000, minutes * 60_000)


def orders(used: int) -> Use:
    return Use(Counted.ORDERS, used, 100, 10_000)


def test_reading_goes_on_until_three_quarters_are_used_and_then_waits_for_the_next_minute() -> None:
    clock = Timepiece()
    rate_limit = RateLimit(clock)
    rate_limit.count(weight(4499), TWENTY_PAST_MS)
    assert rate_limit.pause_s(Purpose.READ) == 0

    rate_limit.count(weight(4500), TWENTY_PAST_MS)
    assert rate_limit.pause_s(Purpose.READ) == 40
    clock.now_ns = 40 * SECOND_NS
    assert rate_limit.pause_s(Purpose.READ) == 0


def test_a_window_of_several_minutes_is_waited_for() -> None:
    rate_limit = RateLimit(Timepiece())
    rate_limit.count(weight(6000, minutes=5), 1_700_000_100_000 + 60_000)
    assert rate_limit.pause_s(Purpose.READ) == 240


def test_less_use_in_a_later_reply_ends_the_wait() -> None:
    rate_limit = RateLimit(Timepiece())
    rate_limit.count(weight(6000), TWENTY_PAST_MS)
    rate_limit.count(weight(20), TWENTY_PAST_MS)
    assert rate_limit.pause_s(Purpose.READ) == 0


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
    rate_limit.count(weight(6000), TWENTY_PAST_MS)
    rate_limit.hold(2)
    assert rate_limit.held_until_ns == 2 * SECOND_NS
    clock.now_ns = 2 * SECOND_NS
    assert rate_limit.held_until_ns is None
    assert rate_limit.pause_s(Purpose.READ) == 0


@pytest.mark.parametrize(
    ("used", "paused"),
    [
        (weight(5_399), {Purpose.READ}),
        (weight(5_400), {Purpose.READ, Purpose.BUY}),
        (weight(6_000), set(Purpose)),
        (orders(89), set()),
        (orders(90), {Purpose.BUY}),
        (orders(100), {Purpose.BUY, Purpose.SELL}),
    ],
)
def test_sells_and_cancels_have_what_reads_and_buys_must_leave(
    used: Use, paused: set[Purpose]
) -> None:
    clock = Timepiece()
    rate_limit = RateLimit(clock)
    rate_limit.count(used, TWENTY_PAST_MS + 250)
    assert {one for one in Purpose if rate_limit.pause_s(one)} == paused
    clock.now_ns = used.window_ms * SECOND_NS // 1_000
    assert not any(rate_limit.pause_s(one) for one in Purpose)


def test_the_windows_of_a_limit_are_counted_apart() -> None:
    clock = Timepiece()
    rate_limit = RateLimit(clock)
    rate_limit.count(Use(Counted.ORDERS, 190_000, 200_000, 86_400_000), TWENTY_PAST_MS)
    rate_limit.count(orders(1), TWENTY_PAST_MS)
    assert rate_limit.pause_s(Purpose.BUY) > 0
    assert rate_limit.pause_s(Purpose.SELL) == 0


def test_refused_orders_wait_as_long_as_was_said_while_all_else_goes_on() -> None:
    clock = Timepiece()
    rate_limit = RateLimit(clock)
    rate_limit.hold_orders(2.345)
    assert [rate_limit.pause_s(one) for one in (Purpose.BUY, Purpose.SELL)] == [2.345, 2.345]
    assert [rate_limit.pause_s(one) for one in (Purpose.READ, Purpose.CANCEL)] == [0, 0]
    assert rate_limit.held_until_ns is None
    clock.now_ns = 2_345_000_000
    assert rate_limit.pause_until_ns(Purpose.SELL) is None


def test_a_pause_ends_with_the_window_to_the_millisecond() -> None:
    clock = Timepiece(1)
    rate_limit = RateLimit(clock)
    rate_limit.count(weight(6_000), TWENTY_PAST_MS + 1)
    assert rate_limit.pause_until_ns(Purpose.CANCEL) == 1 + 39_999_000_000
