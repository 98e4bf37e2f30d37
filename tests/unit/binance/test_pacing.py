"""Connections in time: never more than the exchange allows, and soon where few are opened."""

import asyncio
from bisect import bisect_left
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbol_trader.binance.pacing import ConnectionLimit, ConnectionPacer, StaticShare
from symbol_trader.errors import DatabaseUnavailable

LIMIT = ConnectionLimit()


class Shared:
    """The slots of all, as the record keeps them."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.reserved_until_s = 0.0
        self.is_away = self.is_full = False
        self.asked = 0

    async def reserve(self, spacing_s: float) -> float | None:
        self.asked += 1
        if self.is_away:
            raise DatabaseUnavailable("away")
        if self.is_full:
            return None
        self.reserved_until_s = max(self.reserved_until_s, self.now_s) + spacing_s
        return self.reserved_until_s - self.now_s

    def pacer(self, random: float = 0.5) -> ConnectionPacer:
        return ConnectionPacer(
            self, clock=lambda: self.now_s, random=lambda: random, share=StaticShare()
        )


def waits(pacer: ConnectionPacer) -> float:
    return asyncio.run(pacer.wait_s())


def most_in_window(times_s: list[float], window_s: float) -> int:
    """Return the most attempts in any window, wherever it begins."""
    times_s = sorted(times_s)
    return max(bisect_left(times_s, begin + window_s) - n for n, begin in enumerate(times_s))


def connect_all(shared: Shared, pacers: list[ConnectionPacer]) -> list[float]:
    """Let each open one connection as soon as it may; return when they did."""

    async def go() -> list[float]:
        due = [(shared.now_s, pacer) for pacer in pacers]
        times_s = []
        while due:
            due.sort(key=lambda entry: entry[0])
            shared.now_s, pacer = due.pop(0)
            if wait_s := await pacer.wait_s():
                due.append((shared.now_s + wait_s, pacer))
            else:
                times_s.append(shared.now_s)
        return times_s

    return asyncio.run(go())


def test_the_documented_limit_is_used_with_room_for_people() -> None:
    assert (LIMIT.attempts, LIMIT.window_s) == (300, 300)
    assert LIMIT.pace.burst + LIMIT.window_s / LIMIT.pace.spacing_s == 270


def test_500_leaders_that_were_cut_off_together_come_back_within_the_limit() -> None:
    shared = Shared()
    times_s = connect_all(shared, [shared.pacer() for _ in range(1_000)])

    assert len(times_s) == 1_000
    assert most_in_window(times_s, LIMIT.window_s) <= LIMIT.attempts * 0.9 + 1
    assert max(times_s) <= 1_000 * LIMIT.pace.spacing_s


@given(
    st.integers(1, 600),
    st.floats(1, 3_600),
    st.lists(st.floats(0, 2_000), min_size=1, max_size=300),
)
@settings(deadline=None)
def test_no_window_holds_more_than_the_limit(
    attempts: int, window_s: float, begins_s: list[float]
) -> None:
    limit, shared = ConnectionLimit(attempts, window_s), Shared()
    times_s = []
    for begin_s in sorted(begins_s):
        shared.now_s = begin_s
        pacer = shared.pacer()
        pacer.known.limit = limit
        times_s.append(begin_s + waits(pacer))

    assert most_in_window(times_s, window_s * 0.999) <= max(attempts, 2)


def test_a_few_leaders_do_not_wait() -> None:
    shared = Shared()
    assert connect_all(shared, [shared.pacer() for _ in range(30)]) == [0.0] * 30


def test_a_slot_is_kept_until_it_is_used_and_then_another_is_taken() -> None:
    shared = Shared()
    pacer = shared.pacer()
    shared.reserved_until_s = 137.5
    assert waits(pacer) == 101.25
    shared.now_s = 100.0
    assert waits(pacer) == 1.25
    shared.now_s = 101.25
    assert waits(pacer) == 0.0
    assert shared.asked == 1
    assert waits(pacer) == 1.25
    assert shared.asked == 2


def test_where_too_many_are_reserved_it_is_asked_again_later() -> None:
    shared = Shared()
    shared.is_full = True
    pacer = shared.pacer()
    assert waits(pacer) == 150.0
    shared.is_full = False
    assert waits(pacer) == 0.0


def test_without_the_record_one_attempt_is_made_in_each_period() -> None:
    shared = Shared()
    shared.is_away = True
    pacer = shared.pacer(0.5)
    times_s = []
    while shared.now_s < 2_400:
        wait_s = waits(pacer)
        if not wait_s:
            times_s.append(shared.now_s)
        assert wait_s <= StaticShare().ask_again_s
        shared.now_s += wait_s or 1

    assert times_s == [300.0, 900.0, 1_500.0, 2_100.0]


def test_the_record_counts_again_as_soon_as_it_is_back() -> None:
    shared = Shared()
    shared.is_away = True
    pacer = shared.pacer()
    shared.now_s += waits(pacer)
    shared.is_away = False
    assert waits(pacer) == 0.0
    assert shared.now_s == StaticShare().ask_again_s


@pytest.mark.parametrize("seed", range(3))
def test_500_leaders_without_a_record_stay_within_the_limit(seed: int) -> None:
    shared, random = Shared(), Random(seed)
    shared.is_away = True
    pacers = [
        ConnectionPacer(
            shared, clock=lambda: shared.now_s, random=random.random, share=StaticShare()
        )
        for _ in range(500)
    ]
    times_s = connect_all(shared, pacers)
    times_s += connect_all(shared, pacers)

    assert most_in_window(times_s, LIMIT.window_s) < LIMIT.attempts


def test_a_service_without_a_share_does_not_connect_without_the_record() -> None:
    shared = Shared()
    shared.is_away = True
    pacer = ConnectionPacer(shared, clock=lambda: 0.0, random=lambda: 0.5)
    with pytest.raises(DatabaseUnavailable):
        waits(pacer)
