"""Exchange time is a measured offset on a clock that never jumps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbol_trader.binance.clock import Clock, Sample

MS = 1_000_000


def test_the_sample_with_the_least_round_trip_counts() -> None:
    now = 1000 * MS
    clock = Clock(lambda: now)
    slow = Sample(sent_ns=0, received_ns=400 * MS, server_ms=9_000)
    quick = Sample(sent_ns=500 * MS, received_ns=520 * MS, server_ms=5_510)

    assert clock.adjust([slow, quick]) == 20 * MS
    assert clock.now_ms() == 6_000


def test_time_goes_on_with_the_local_clock() -> None:
    times = iter([0, 1 * MS, 250 * MS])
    clock = Clock(lambda: next(times))
    clock.adjust([Sample(0, 0, 7_000)])

    assert [clock.now_ms() for _ in range(3)] == [7_000, 7_001, 7_250]


def test_a_new_measurement_replaces_the_old_one() -> None:
    clock = Clock(lambda: 0)
    clock.adjust([Sample(0, 0, 7_000)])
    clock.adjust([Sample(0, 100 * MS, 8_050)])

    assert clock.now_ms() == 8_000


def test_there_is_no_time_before_the_first_measurement() -> None:
    with pytest.raises(ValueError, match="not measured"):
        Clock(lambda: 0).now_ms()


@given(st.integers(0, 10**6), st.integers(0, 10**4), st.integers(0, 10**4))
def test_the_error_is_at_most_half_a_round_trip(offset: int, out_ms: int, back_ms: int) -> None:
    clock = Clock(lambda: 0)
    sample = Sample(0, (out_ms + back_ms) * MS, server_ms=offset + out_ms)
    clock.adjust([sample])

    assert abs(clock.now_ms() - offset) <= (out_ms + back_ms) / 2 + 1
