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
    now = [0]
    clock = Clock(lambda: now[0])
    clock.adjust([Sample(0, 0, 7_000)])
    told = []
    for now[0] in (0, 1 * MS, 250 * MS):
        told.append(clock.now_ms())

    assert told == [7_000, 7_001, 7_250]


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


@pytest.mark.parametrize(
    ("passed_s", "by_wall_s", "stands"),
    [(300, 300, True), (301, 301, False), (10, 10.2, False), (10, 9.8, False), (10, 10.05, True)],
)
def test_a_measurement_stands_for_a_while_unless_the_machine_slept_or_its_clock_was_set(
    passed_s: float, by_wall_s: float, *, stands: bool
) -> None:
    now_s = [1_000.0, 5_000.0]
    clock = Clock(*(lambda n=n: round(now_s[n] * 1_000 * MS) for n in (0, 1)))
    assert not clock.stands(300)
    clock.adjust([Sample(0, 0, 7_000)])
    assert clock.stands(300)

    now_s[:] = [1_000 + passed_s, 5_000 + by_wall_s]
    assert clock.stands(300) is stands
    assert clock.age_s == passed_s
