"""The table of what to do about a leader pod, row by row, and its back-off."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbol_operator.decide.fencing import CreateFence, DeleteFence
from symbol_operator.decide.plan import (
    BACKOFF_FIRST,
    BACKOFF_MAX,
    BACKOFF_RESET,
    COLUMNS,
    NO_BACKOFF,
    TABLE,
    Backoff,
    CreatePod,
    DeletePod,
    Desired,
    SetFinalizer,
    Step,
    backoff_delay,
    plan,
)
from symbol_operator.observe.fence import LostPod
from symbol_operator.observe.pod import NO_POD, LeaderPod, PodState
from unit.operator.objects import NOW

CREATE = CreatePod()
DELETE = DeletePod("p1")
FORCE = DeletePod("p1", force=True)
FENCE = CreateFence(LostPod("p1", "xrpusdt-leader", "node-1"), "p1")
FIRST_FAILURE = Backoff(1, "p1", NOW)


def leader(state: PodState, **facts: object) -> LeaderPod:
    if state is PodState.NONE:
        return NO_POD
    return LeaderPod(state, "xrpusdt-leader", "p1", "node-1", **facts)  # type: ignore[arg-type]  # fields by their names


# Rows of: state, actions for on, off, shutdown, a deletion that waits, and one that does not.
ROWS = [
    (PodState.NONE, (CREATE,), (), (CREATE,), (CREATE,), ()),
    (PodState.FOREIGN, (), (), (), (), ()),
    (PodState.ORPHANED, (DELETE,), (DELETE,), (DELETE,), (DELETE,), (DELETE,)),
    (PodState.PENDING, (), (DELETE,), (), (), (DELETE,)),
    (PodState.RUNNING, (), (DELETE,), (), (), (DELETE,)),
    (PodState.TERMINATING, (), (), (), (), ()),
    # Fenced before it is given up: nothing else tells that it was there.
    (
        PodState.LOST,
        (FENCE, FORCE, CREATE),
        (FENCE, FORCE),
        (FENCE, FORCE, CREATE),
        (FENCE, FORCE, CREATE),
        (FENCE, FORCE),
    ),
    (PodState.DRAINED, (DELETE, CREATE), (DELETE,), (DELETE, CREATE), (), (DELETE,)),
    (PodState.FENCED, (DELETE, CREATE), (DELETE,), (DELETE, CREATE), (DELETE, CREATE), (DELETE,)),
    (
        PodState.COMPLETED,
        (DELETE, CREATE),
        (DELETE,),
        (DELETE, CREATE),
        (DELETE, CREATE),
        (DELETE,),
    ),
    (PodState.FAILED, (DELETE, CREATE), (DELETE,), (DELETE, CREATE), (DELETE, CREATE), (DELETE,)),
    (PodState.UNKNOWN, (), (DELETE,), (), (), (DELETE,)),
]
CELLS = [
    pytest.param(desired, row[0], actions, id=f"{desired}-{row[0]}")
    for row in ROWS
    for desired, actions in zip(COLUMNS, row[1:], strict=True)
]


@pytest.mark.parametrize(("desired", "state", "actions"), CELLS)
def test_each_cell_of_the_table(
    desired: Desired, state: PodState, actions: tuple[object, ...]
) -> None:
    assert plan(desired, leader(state), now=NOW).actions == actions


KEEPS, LETS_GO = SetFinalizer(kept=True), SetFinalizer(kept=False)


@pytest.mark.parametrize(
    ("desired", "finishes", "kept", "actions"),
    [
        (Desired.ON, True, False, (KEEPS,)),
        (Desired.ON, True, True, ()),
        (Desired.ON, False, True, (LETS_GO,)),
        (Desired.ON, False, False, ()),
        (Desired.SHUTDOWN, True, False, (KEEPS,)),
        (Desired.FINISH, True, True, ()),
        (Desired.END, True, True, (LETS_GO, DELETE)),
        (Desired.END, False, True, (LETS_GO, DELETE)),
        (Desired.END, False, False, (DELETE,)),
    ],
)
def test_the_finalizer_is_there_as_long_as_a_deletion_is_to_wait(
    desired: Desired, finishes: bool, kept: bool, actions: tuple[object, ...]
) -> None:
    planned = plan(desired, leader(PodState.RUNNING), now=NOW, finishes=finishes, kept=kept)

    assert planned.actions == actions


def test_a_resource_that_waited_goes_once_its_leader_is_drained() -> None:
    drained = leader(PodState.DRAINED)

    assert plan(Desired.FINISH, drained, now=NOW, finishes=True, kept=True).actions == (LETS_GO,)


def test_the_table_is_complete() -> None:
    assert {row[0] for row in ROWS} == set(TABLE) == set(PodState)
    assert set(COLUMNS) == set(Desired)


anything = {
    "desired": st.sampled_from(Desired),
    "state": st.sampled_from(PodState),
    "blocked": st.booleans(),
    "reported": st.booleans(),
    "failures": st.integers(0, 100),
    "wait": st.integers(-600, 600),
}


@given(**anything)
def test_no_plan_leads_to_two_leaders_or_a_pod_nobody_asked_for(
    *, desired: Desired, state: PodState, blocked: bool, reported: bool, failures: int, wait: int
) -> None:
    """Whatever the circumstances, these hold."""
    backoff = Backoff(failures, "p0", NOW + timedelta(seconds=wait)) if failures else NO_BACKOFF

    planned = plan(
        desired,
        leader(state),
        now=NOW,
        backoff=backoff,
        blocked=blocked,
        reported=reported,
    )

    kinds = [type(action) for action in planned.actions]
    assert len(set(kinds)) == len(kinds)
    # A pod is created for a desired status that needs one, and only where none stands in its way.
    if CREATE in planned.actions:
        assert desired in {Desired.ON, Desired.SHUTDOWN, Desired.FINISH}
        assert not blocked
        assert state is PodState.NONE or DeletePod in kinds
        assert kinds[-1] is CreatePod
    # Nothing that lives is deleted for a desired status that needs it.
    if desired in {Desired.ON, Desired.SHUTDOWN, Desired.FINISH}:
        assert DeletePod not in kinds or state not in {
            PodState.PENDING,
            PodState.RUNNING,
            PodState.TERMINATING,
            PodState.UNKNOWN,
        }
    # A pod of somebody else is nobody's business; force is for lost nodes alone.
    assert DeletePod not in kinds or state not in {PodState.NONE, PodState.FOREIGN}
    assert (FORCE in planned.actions) == (state is PodState.LOST)
    # And nothing is given up that nobody fences.
    assert (FENCE in planned.actions) == (state is PodState.LOST)
    assert FENCE not in planned.actions or planned.unfenced == (FENCE.of,)
    # A wait for the back-off always ends by itself.
    if planned.wake_at is not None:
        assert planned.wake_at > NOW
        assert CREATE not in planned.actions
    # What is left waiting for nothing has been said to be blocked or is as asked.
    if state is PodState.NONE and desired in {Desired.ON, Desired.SHUTDOWN} and not blocked:
        assert CREATE in planned.actions or planned.wake_at is not None


def test_a_blocked_symbol_loses_what_ended_and_gets_nothing_new() -> None:
    assert plan(Desired.ON, NO_POD, now=NOW, blocked=True).actions == ()
    assert plan(Desired.ON, leader(PodState.FAILED), now=NOW, blocked=True).actions == (DELETE,)
    assert plan(Desired.ON, leader(PodState.RUNNING), now=NOW, blocked=True).actions == ()


@pytest.mark.parametrize(
    ("desired", "state", "withdraws"),
    [
        (Desired.OFF, PodState.NONE, True),
        (Desired.ON, PodState.NONE, True),
        (Desired.ON, PodState.FAILED, True),
        (Desired.ON, PodState.FOREIGN, True),
        (Desired.ON, PodState.RUNNING, False),
        (Desired.OFF, PodState.TERMINATING, False),
        (Desired.END, PodState.NONE, False),
    ],
)
def test_a_leaders_report_goes_with_its_pod(
    desired: Desired, state: PodState, *, withdraws: bool
) -> None:
    assert plan(desired, leader(state), now=NOW, reported=True).withdraws is withdraws
    assert plan(desired, leader(state), now=NOW).withdraws is False


def test_the_first_replacement_is_immediate_and_the_next_ones_wait_ever_longer() -> None:
    delays = [backoff_delay(failures) for failures in range(1, 8)]

    assert delays[:3] == [timedelta(), BACKOFF_FIRST, BACKOFF_FIRST * 2]
    assert delays == sorted(delays)
    assert backoff_delay(10**6) == BACKOFF_MAX
    assert backoff_delay(0) == timedelta()


def test_the_second_failure_in_a_row_waits() -> None:
    second = LeaderPod(PodState.FAILED, "xrpusdt-leader", "p2", created=NOW - timedelta(seconds=5))

    planned = plan(Desired.ON, second, now=NOW, backoff=FIRST_FAILURE)

    assert planned.step is Step.REPLACE_LATER
    assert planned.actions == (DeletePod("p2"),)
    assert planned.wake_at == NOW + BACKOFF_FIRST
    later = plan(Desired.ON, NO_POD, now=NOW + BACKOFF_FIRST, backoff=planned.backoff)
    assert later.actions == (CREATE,)


def test_the_wait_is_kept_while_no_pod_exists() -> None:
    waiting = Backoff(2, "p2", NOW + timedelta(seconds=3))

    planned = plan(Desired.ON, NO_POD, now=NOW, backoff=waiting)

    assert (planned.actions, planned.wake_at) == ((), NOW + timedelta(seconds=3))
    assert planned.backoff == waiting


def test_a_failure_seen_twice_counts_once() -> None:
    planned = plan(Desired.ON, leader(PodState.FAILED), now=NOW, backoff=FIRST_FAILURE)

    assert planned.backoff == FIRST_FAILURE


@pytest.mark.parametrize(
    ("age", "failures"), [(BACKOFF_RESET, 1), (BACKOFF_RESET - timedelta(seconds=1), 6)]
)
def test_a_long_life_ends_a_series(age: timedelta, failures: int) -> None:
    failed = LeaderPod(PodState.FAILED, "xrpusdt-leader", "p9", created=NOW - age)

    planned = plan(Desired.ON, failed, now=NOW, backoff=Backoff(5, "p8", NOW))

    assert planned.backoff.failures == failures


@pytest.mark.parametrize("desired", [Desired.OFF, Desired.END])
def test_switching_off_forgives(desired: Desired) -> None:
    assert plan(desired, NO_POD, now=NOW, backoff=Backoff(5, "p8", NOW)).backoff == NO_BACKOFF


def test_a_drained_leader_is_no_failure() -> None:
    assert plan(Desired.ON, leader(PodState.DRAINED), now=NOW).backoff == NO_BACKOFF


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (CREATE, "create a leader pod"),
        (DELETE, "delete pod p1"),
        (FORCE, "give up pod p1"),
        (FENCE, "fence pod p1"),
        (DeleteFence(FENCE.of, "fence-f1", "f1", done=True), "delete fence fence-f1"),
        (SetFinalizer(kept=True), "keep the resource until its leader has finished"),
        (SetFinalizer(kept=False), "let it go"),
    ],
)
def test_a_step_is_logged_in_words(step: Step, words: str) -> None:
    assert str(step) == words


@pytest.mark.parametrize("state", [PodState.DRAINED, PodState.FENCED, PodState.COMPLETED])
def test_a_pod_that_lingers_goes_first_and_its_end_leads_to_the_next(state: PodState) -> None:
    """Something runs in it beside the leader that has ended, and its name is taken until then."""
    planned = plan(Desired.ON, leader(state, lingers=True), now=NOW)

    assert planned.actions == (DELETE,)
    assert planned.wake_at is None
