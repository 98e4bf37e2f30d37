"""Who may take a Lease, and for how long its holder relies on it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbol_operator.decide.lease import DURATION_MAX, Candidacy, LeaseTiming
from unit.operator.objects import NOW

TIMING = LeaseTiming(duration=12, deadline=8, renewal=2, retry=2)
WRITTEN = "2026-01-01T12:00:00.000000Z"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def mine(clock: Clock) -> Candidacy:
    return candidacy("mine", clock)


def candidacy(holder: str, clock: Clock) -> Candidacy:
    return Candidacy(
        holder, TIMING, monotonic=clock, clock=lambda: datetime(2026, 1, 1, 12, tzinfo=UTC)
    )


def lease(holder: str | None = "other", renewed: str = "1", **spec: Any) -> dict[str, Any]:
    times = {"acquireTime": "0", "renewTime": renewed, "leaseDurationSeconds": 12}
    return {"metadata": {}, "spec": {"holderIdentity": holder, **times, **spec}}


def test_one_that_is_not_there_is_taken(mine: Candidacy) -> None:
    assert mine.wanted(None) == {
        "holderIdentity": "mine",
        "leaseDurationSeconds": 12,
        "acquireTime": WRITTEN,
        "renewTime": WRITTEN,
        "leaseTransitions": 0,
    }


@pytest.mark.parametrize("holder", ["", None])
def test_one_that_was_given_back_is_taken_at_once(mine: Candidacy, holder: str | None) -> None:
    taken = mine.wanted(lease(holder, leaseTransitions=4))
    assert taken is not None
    assert (taken["acquireTime"], taken["leaseTransitions"]) == (WRITTEN, 5)


def test_our_own_is_renewed_at_once_and_stays_acquired_when_it_was(mine: Candidacy) -> None:
    """Also by a container that was restarted: it is the same pod."""
    renewed = mine.wanted(lease("mine", leaseTransitions=4))
    assert renewed is not None
    assert (renewed["acquireTime"], renewed["renewTime"]) == ("0", WRITTEN)
    assert renewed["leaseTransitions"] == 4


def test_another_s_is_taken_once_it_was_not_renewed_for_its_duration(
    mine: Candidacy, clock: Clock
) -> None:
    """By our own clock, from when we first saw it: theirs may be another one."""
    assert mine.wanted(lease(renewed="long ago")) is None
    clock.now += 11.9
    assert mine.wanted(lease(renewed="long ago")) is None
    clock.now += 0.1
    assert mine.wanted(lease(renewed="long ago")) is not None


def test_each_renewal_begins_its_duration_anew(mine: Candidacy, clock: Clock) -> None:
    for renewed in "1234":
        assert mine.wanted(lease(renewed=renewed)) is None
        clock.now += 11
    assert mine.wanted(lease(renewed="4")) is None
    clock.now += 1
    assert mine.wanted(lease(renewed="4")) is not None


@pytest.mark.parametrize(
    ("said", "lasts"), [(30, 30), (0, 12), (None, 12), (10**9, DURATION_MAX), (2**70, 12)]
)
def test_its_holder_says_how_long_it_lasts_within_bounds(
    mine: Candidacy, clock: Clock, said: int | None, lasts: int
) -> None:
    other = lease(leaseDurationSeconds=said)
    assert mine.wanted(other) is None
    clock.now += lasts - 0.1
    assert mine.wanted(other) is None
    clock.now += 0.1
    assert mine.wanted(other) is not None


def test_one_that_was_deleted_is_its_holder_s_for_as_long_as_it_may_rely_on_it(
    mine: Candidacy, clock: Clock
) -> None:
    assert mine.wanted(lease()) is None
    clock.now += 11.9
    assert mine.wanted(None) is None
    clock.now += 0.1
    assert mine.wanted(None) is not None


def test_one_that_was_given_back_and_then_deleted_is_taken(mine: Candidacy) -> None:
    assert mine.wanted(lease()) is None
    assert mine.wanted(lease("")) is not None
    assert mine.wanted(None) is not None


def test_it_is_relied_on_for_less_than_others_wait(mine: Candidacy, clock: Clock) -> None:
    """Counted from before the request was sent."""
    assert not mine.held
    since = clock.now
    clock.now += 3
    mine.written(since)
    assert mine.held
    clock.now = since + TIMING.deadline - 0.1
    assert mine.held
    clock.now += 0.1
    assert not mine.held


def test_what_is_lost_is_not_relied_on(mine: Candidacy, clock: Clock) -> None:
    mine.written(clock.now)
    mine.lost()
    assert not mine.held


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.floats(0, 5), st.booleans(), st.booleans()), max_size=60
    )
)
def test_two_never_hold_it_at_once(steps: list[tuple[str, float, bool, bool]]) -> None:
    """Whoever looks when, whichever of their writes is carried out, and if it is deleted.

    Unless it is deleted before the other one ever saw it.
    """
    clock = Clock()
    both = {name: candidacy(name, clock) for name in "ab"}
    there: dict[str, Any] | None = None
    for count, (name, later, carried_out, deleted) in enumerate(steps):
        clock.now += later
        if deleted:
            for each in both.values():
                each.wanted(there)
            there = None
        spec = both[name].wanted(there)
        if spec is None:
            both[name].lost()
        elif carried_out:
            there = {"spec": {**spec, "renewTime": str(count)}}
            both[name].written(clock.now)
        assert not all(each.held for each in both.values())


def test_the_clock_that_people_read_is_in_utc(clock: Clock) -> None:
    wanted = Candidacy("mine", TIMING, monotonic=clock, clock=lambda: NOW).wanted(None)
    assert wanted is not None
    assert wanted["renewTime"].endswith("Z")
