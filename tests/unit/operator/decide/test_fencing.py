"""What becomes of lost leaders: each gets a fence, until one has done its work."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbol_operator.decide.fencing import (
    AGAIN_AFTER,
    CreateFence,
    DeleteFence,
    FencePlan,
    plan_fences,
)
from symbol_operator.observe.fence import Fence, FenceState, LostPod, observe_fence
from symbol_operator.observe.labels import is_fence
from symbol_operator.observe.pod import LeaderPod, PodState
from unit.operator.objects import NOW, container, fence, pod, terminated, waiting

LOST = LostPod("p1", "xrpusdt-leader", "node-1")
OTHER = LostPod("p2", "xrpusdt-leader", "node-2")
GIVEN_UP = LeaderPod(PodState.LOST, "xrpusdt-leader", "p1", "node-1")
WORDS = '{"cause": "fenced", "message": "epoch 2"}'


def of(lost: LostPod, state: FenceState, uid: str = "f1", age_s: float = 60) -> Fence:
    return Fence(f"fence-{uid}", uid, lost, state, NOW - timedelta(seconds=age_s))


def deletion(fence: Fence) -> DeleteFence:
    return DeleteFence(fence.of, fence.name, fence.uid, done=fence.state is FenceState.DONE)


WORKING, DONE, SPENT = (of(LOST, state) for state in FenceState)


@pytest.mark.parametrize(
    ("given_up", "fences", "planned"),
    [
        (None, [], FencePlan()),
        (GIVEN_UP, [], FencePlan(creates=(CreateFence(LOST, "p1"),), unfenced=(LOST,))),
        (GIVEN_UP, [WORKING], FencePlan(unfenced=(LOST,))),
        (None, [WORKING], FencePlan(unfenced=(LOST,))),
        (None, [DONE], FencePlan(deletes=(deletion(DONE),))),
        (GIVEN_UP, [DONE], FencePlan(deletes=(deletion(DONE),))),
        (None, [SPENT], FencePlan(creates=(CreateFence(LOST, "f1"),), unfenced=(LOST,))),
    ],
    ids=["none", "lost", "lost and seen", "waits", "done", "lost and done", "came to nothing"],
)
def test_a_lost_leader_has_a_fence_until_one_is_done(
    given_up: LeaderPod | None, fences: list[Fence], planned: FencePlan
) -> None:
    assert plan_fences(given_up, fences, NOW) == planned


def test_a_fence_that_came_to_nothing_goes_once_its_successor_is_there() -> None:
    """It is what the successor is made from."""
    successor = of(LOST, FenceState.WORKING, "f2", age_s=1)
    assert plan_fences(None, [SPENT, successor], NOW) == FencePlan(
        deletes=(deletion(SPENT),), unfenced=(LOST,)
    )


def test_one_that_keeps_coming_to_nothing_is_not_made_anew_at_once() -> None:
    last = of(LOST, FenceState.SPENT, "f2", age_s=3)
    due = last.created + AGAIN_AFTER
    assert plan_fences(None, [SPENT, last], NOW) == FencePlan(unfenced=(LOST,), wake_at=due)
    assert plan_fences(None, [SPENT, last], due).creates == (CreateFence(LOST, "f2"),)


def test_all_of_a_pod_go_when_one_is_done_and_that_one_last() -> None:
    """A crash in between must not leave one that is made anew."""
    working = of(LOST, FenceState.WORKING, "f2")
    planned = plan_fences(None, [DONE, working], NOW)
    assert planned == FencePlan(deletes=(deletion(working), deletion(DONE)))


def test_each_lost_pod_is_fenced_for_itself() -> None:
    """Its successor may be lost, too, before it has taken the epoch."""
    second = of(OTHER, FenceState.WORKING, "f2")
    planned = plan_fences(GIVEN_UP, [second], NOW)
    assert planned.creates == (CreateFence(LOST, "p1"),)
    assert set(planned.unfenced) == {LOST, OTHER}


@given(
    st.lists(
        st.builds(
            of,
            st.sampled_from([LOST, OTHER]),
            st.sampled_from(FenceState),
            st.uuids().map(str),
            st.floats(0, 100),
        ),
        max_size=5,
    ),
    st.booleans(),
)
def test_no_plan_forgets_a_leader_that_is_not_fenced(fences: list[Fence], lost: bool) -> None:
    planned = plan_fences(GIVEN_UP if lost else None, fences, NOW)

    done = {f.of.uid for f in fences if f.state is FenceState.DONE}
    known = {f.of.uid for f in fences} | ({"p1"} if lost else set())
    assert {pod.uid for pod in planned.unfenced} == known - done
    deleted = {action.uid for action in planned.deletes}
    for uid in known - done:
        # After this look there is still something to tell of it by.
        left = [f for f in fences if f.of.uid == uid and f.uid not in deleted]
        assert left or uid in {action.of.uid for action in planned.creates}
        # And at any time it is on its way: a fence works, is created, or will be.
        working = any(f.state is FenceState.WORKING for f in left)
        assert working or planned.wake_at or uid in {a.of.uid for a in planned.creates}


def observed(phase: str = "Running", **status: Any) -> Fence:
    return observe_fence(fence(phase, **status))


def test_a_fence_says_whose_it_is() -> None:
    found = observed()
    assert found == Fence(
        "xrpusdt-fence-p1", "f1", LOST, FenceState.WORKING, NOW - timedelta(minutes=1)
    )
    assert is_fence(fence())
    assert not is_fence(pod())


def ended(code: int, words: str) -> list[dict[str, Any]]:
    return container(terminated(code, words), name="fence")


SIDECAR = container({"running": {}}, name="proxy")


@pytest.mark.parametrize(
    ("document", "state"),
    [
        (fence("Pending"), FenceState.WORKING),
        (fence("Running", containerStatuses=SIDECAR), FenceState.WORKING),
        (fence("Succeeded", containerStatuses=ended(0, WORDS)), FenceState.DONE),
        (fence("Succeeded", containerStatuses=ended(0, "ok")), FenceState.SPENT),
        (fence("Failed", containerStatuses=ended(1, WORDS)), FenceState.SPENT),
        (fence("Running", containerStatuses=[*SIDECAR, *ended(0, WORDS)]), FenceState.DONE),
        (fence("Running", containerStatuses=[*SIDECAR, *ended(0, "ok")]), FenceState.SPENT),
        (fence("Running", containerStatuses=[*SIDECAR, *ended(1, WORDS)]), FenceState.WORKING),
        (
            fence("Running", containerStatuses=container(terminated(0, WORDS), name="proxy")),
            FenceState.WORKING,
        ),
        (fence("Unknown"), FenceState.SPENT),
        (fence(deleted=timedelta(seconds=1)), FenceState.SPENT),
        (
            fence("Succeeded", deleted=timedelta(), containerStatuses=ended(0, WORDS)),
            FenceState.DONE,
        ),
    ],
)
def test_a_fence_is_done_when_it_says_so_and_no_other_way(
    document: dict[str, Any], state: FenceState
) -> None:
    assert observe_fence(document).state is state


def test_what_keeps_a_fence_from_starting_is_told() -> None:
    pull = container(waiting("ErrImagePull", "no image"), name="fence")
    assert observed("Pending", containerStatuses=pull).of.why_not_fenced == "no image"
