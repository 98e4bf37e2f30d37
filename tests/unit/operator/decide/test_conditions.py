"""What the conditions say, for people and for `kubectl wait`."""

from datetime import timedelta

import pytest

from symbol_operator.decide.conditions import (
    SETTLED,
    STALLED,
    SecretNames,
    Situation,
    find_situation,
)
from symbol_operator.decide.plan import Backoff, Wish, plan
from symbol_operator.observe.fence import Fence, FenceState, LostPod
from symbol_operator.observe.pod import NO_POD, LeaderPod, PodState, Trouble
from tradingsymbol_api.status import ConditionType, OperatorReason
from unit.operator.objects import NOW

SECRETS = SecretNames("trading", "trading-database")
BLOCKED = Trouble(OperatorReason.UNKNOWN_EXCHANGE, "no such exchange")
R = OperatorReason


def leader(state: PodState, **facts: object) -> LeaderPod:
    if state is PodState.NONE:
        return NO_POD
    return LeaderPod(state, "xrpusdt-leader", "p1", "node-1", **facts)  # type: ignore[arg-type]  # fields by their names


def situation(wish: Wish, pod: LeaderPod, blocker: Trouble | None = None) -> Situation:
    planned = plan(wish, pod, now=NOW, blocked=blocker is not None)
    return find_situation(wish, pod, planned, blocker, SECRETS)


# Rows of: state, reason for on, off, shutdown.
ROWS = [
    (PodState.NONE, R.STARTING, R.STOPPED, R.STARTING),
    (PodState.FOREIGN, R.FOREIGN_POD, R.STOPPED, R.FOREIGN_POD),
    (PodState.ORPHANED, R.REPLACING, R.STOPPING, R.REPLACING),
    (PodState.PENDING, R.STARTING, R.STOPPING, R.STARTING),
    (PodState.RUNNING, R.LEADER_NOT_READY, R.STOPPING, R.LEADER_NOT_READY),
    (PodState.TERMINATING, R.REPLACING, R.STOPPING, R.REPLACING),
    (PodState.LOST, R.NODE_LOST, R.FENCING, R.NODE_LOST),
    (PodState.DRAINED, R.REPLACING, R.STOPPING, R.REPLACING),
    (PodState.FENCED, R.REPLACING, R.STOPPING, R.REPLACING),
    (PodState.COMPLETED, R.REPLACING, R.STOPPING, R.REPLACING),
    (PodState.FAILED, R.REPLACING, R.STOPPING, R.REPLACING),
    (PodState.UNKNOWN, R.NODE_LOST, R.STOPPING, R.NODE_LOST),
]


@pytest.mark.parametrize(("state", "on", "off", "shutdown"), ROWS)
def test_each_state_has_a_reason(
    state: PodState, on: OperatorReason, off: OperatorReason, shutdown: OperatorReason
) -> None:
    assert situation(Wish.ON, leader(state)).reason is on
    assert situation(Wish.OFF, leader(state)).reason is off
    assert situation(Wish.SHUTDOWN, leader(state)).reason is shutdown
    going = R.FENCING if state is PodState.LOST else R.DELETING
    assert situation(Wish.END, leader(state)).reason is going
    assert situation(Wish.ON, leader(state)).message


def test_every_state_is_covered() -> None:
    assert {row[0] for row in ROWS} == set(PodState)


def test_a_ready_leader_is_what_on_asks_for_and_draining_what_shutdown_begins_with() -> None:
    ready = leader(PodState.RUNNING, ready=True)

    assert situation(Wish.ON, ready).reason is R.LEADER_READY
    assert situation(Wish.SHUTDOWN, ready).reason is R.DRAINING
    assert situation(Wish.OFF, ready).reason is R.STOPPING


@pytest.mark.parametrize("state", [PodState.PENDING, PodState.RUNNING])
def test_a_pod_that_gets_nowhere_says_why(state: PodState) -> None:
    trouble = Trouble(R.IMAGE_UNAVAILABLE, "no such image")

    found = situation(Wish.ON, leader(state, trouble=trouble))

    assert found == Situation(R.IMAGE_UNAVAILABLE, "no such image")


@pytest.mark.parametrize("state", list(PodState))
@pytest.mark.parametrize("wish", [Wish.ON, Wish.SHUTDOWN])
def test_what_blocks_a_leader_is_told_whatever_runs(wish: Wish, state: PodState) -> None:
    assert situation(wish, leader(state), BLOCKED).reason is BLOCKED.reason


@pytest.mark.parametrize("pod", [NO_POD, leader(PodState.PENDING), leader(PodState.LOST)])
@pytest.mark.parametrize(("wish", "asked"), [(Wish.OFF, "Off"), (Wish.END, "Being deleted")])
def test_a_leader_that_may_trade_on_is_named_with_its_node(
    wish: Wish, asked: str, pod: LeaderPod
) -> None:
    """Whatever became of the pods since; and it says the same again, or it would be news."""
    lost = LostPod("p1", "xrpusdt-leader", "node-1", "no such image")
    fence = Fence("xrpusdt-fence-p1", "f1", lost, FenceState.WORKING, NOW)
    planned = plan(wish, pod, now=NOW, fences=[fence])

    found = find_situation(wish, pod, planned, None, SECRETS)

    assert found.reason is R.FENCING
    assert found.message == (
        f"{asked}: pod xrpusdt-leader may trade on at node node-1, which does not answer, until a "
        "fence has taken its epoch (no such image)."
    )
    assert [f.status for f in found.findings()] == [False, True, False]


def test_nothing_blocks_off() -> None:
    assert situation(Wish.OFF, NO_POD, BLOCKED).reason is R.STOPPED


@pytest.mark.parametrize(
    ("message", "command"),
    [
        (
            'secret "trading-database" not found',
            (
                "kubectl create secret generic trading-database --namespace trading "
                "--from-literal=url=postgresql://…"
            ),
        ),
        (
            "couldn't find key url in Secret trading/trading-database",
            (
                "kubectl create secret generic trading-database --namespace trading "
                "--from-literal=url=postgresql://…"
            ),
        ),
    ],
)
def test_a_missing_secret_comes_with_the_command_that_creates_it(
    message: str, command: str
) -> None:
    pod = leader(PodState.PENDING, trouble=Trouble(R.SECRET_MISSING, message))

    found = situation(Wish.ON, pod)

    assert found.message == f"{message}. Create it: {command}"


def test_a_secret_that_nobody_configured_gets_no_advice() -> None:
    message = 'secret "other" not found'
    pod = leader(PodState.PENDING, trouble=Trouble(R.SECRET_MISSING, message))

    assert situation(Wish.ON, pod).message == message


def test_a_pod_that_ended_says_how() -> None:
    pod = leader(PodState.FAILED, outcome="Evicted: low on memory")

    assert situation(Wish.ON, pod).message == (
        "Pod xrpusdt-leader ended and is replaced. (Evicted: low on memory)"
    )


def test_a_wait_says_until_when() -> None:
    backoff = Backoff(3, "p1", NOW + timedelta(seconds=20))
    planned = plan(Wish.ON, NO_POD, now=NOW, backoff=backoff)

    found = find_situation(Wish.ON, NO_POD, planned, None, SECRETS)

    assert found.reason is R.BACKING_OFF
    assert found.message == (
        "3 leader pods ended too early in a row; the next one is created at 12:00:20 UTC."
    )


@pytest.mark.parametrize("reason", list(OperatorReason))
def test_each_situation_is_one_of_ready_reconciling_and_stalled(reason: OperatorReason) -> None:
    """So `kubectl wait` and kstatus agree, and neither waits for what cannot come."""
    findings = {finding.type: finding for finding in Situation(reason, "because").findings()}

    assert [kind for kind, finding in findings.items() if finding.status] == [
        ConditionType.READY
        if reason in SETTLED
        else ConditionType.STALLED
        if reason in STALLED
        else ConditionType.RECONCILING
    ]
    assert findings[ConditionType.READY].reason is reason
    assert findings[ConditionType.READY].message == "because"
    assert {finding.reason for finding in findings.values()} <= {reason, R.AS_ASKED}
