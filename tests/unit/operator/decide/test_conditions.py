"""What the conditions say, for people and for `kubectl wait`."""

from datetime import timedelta

import pytest

from symbol_operator.decide.conditions import (
    SETTLED,
    STALLED,
    ProxySecret,
    Situation,
    find_situation,
)
from symbol_operator.decide.plan import Backoff, Desired, plan
from symbol_operator.observe.fence import Fence, FenceState, LostPod
from symbol_operator.observe.pod import NO_POD, LeaderPod, PodState, Problem
from tradingsymbol_api.conditions import ConditionType, OperatorReason
from unit.operator.objects import NOW

PROXY = ProxySecret("trading", "exchange-proxy")
BLOCKED = Problem(OperatorReason.UNKNOWN_EXCHANGE, "no such exchange")
R = OperatorReason


def leader(state: PodState, **facts: object) -> LeaderPod:
    if state is PodState.NONE:
        return NO_POD
    return LeaderPod(state, "xrpusdt-leader", "p1", "node-1", **facts)  # type: ignore[arg-type]  # fields by their names


def situation(desired: Desired, pod: LeaderPod, blocker: Problem | None = None) -> Situation:
    planned = plan(desired, pod, now=NOW, blocked=blocker is not None)
    return find_situation(desired, pod, planned, blocker, PROXY)


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
    assert situation(Desired.ON, leader(state)).reason is on
    assert situation(Desired.OFF, leader(state)).reason is off
    assert situation(Desired.SHUTDOWN, leader(state)).reason is shutdown
    going = R.FENCING if state is PodState.LOST else R.DELETING
    assert situation(Desired.END, leader(state)).reason is going
    assert situation(Desired.ON, leader(state)).message


def test_every_state_is_covered() -> None:
    assert {row[0] for row in ROWS} == set(PodState)


def test_a_ready_leader_is_what_on_asks_for_and_draining_what_shutdown_begins_with() -> None:
    ready = leader(PodState.RUNNING, ready=True)

    assert situation(Desired.ON, ready).reason is R.LEADER_READY
    assert situation(Desired.SHUTDOWN, ready).reason is R.DRAINING
    assert situation(Desired.OFF, ready).reason is R.STOPPING


@pytest.mark.parametrize("state", [PodState.PENDING, PodState.RUNNING])
def test_a_pod_that_gets_nowhere_says_why(state: PodState) -> None:
    problem = Problem(R.IMAGE_UNAVAILABLE, "no such image")

    found = situation(Desired.ON, leader(state, problem=problem))

    assert found == Situation(R.IMAGE_UNAVAILABLE, "no such image")


@pytest.mark.parametrize("state", list(PodState))
@pytest.mark.parametrize("desired", [Desired.ON, Desired.SHUTDOWN])
def test_what_blocks_a_leader_is_told_whatever_runs(desired: Desired, state: PodState) -> None:
    assert situation(desired, leader(state), BLOCKED).reason is BLOCKED.reason


@pytest.mark.parametrize("pod", [NO_POD, leader(PodState.PENDING), leader(PodState.LOST)])
@pytest.mark.parametrize(
    ("desired", "asked"), [(Desired.OFF, "Off"), (Desired.END, "Being deleted")]
)
def test_a_leader_that_may_trade_on_is_named_with_its_node(
    desired: Desired, asked: str, pod: LeaderPod
) -> None:
    """Whatever became of the pods since; and it says the same again, or it would be news."""
    lost = LostPod("p1", "xrpusdt-leader", "node-1", "no such image")
    fence = Fence("xrpusdt-fence-p1", "f1", lost, FenceState.WORKING, NOW)
    planned = plan(desired, pod, now=NOW, fences=[fence])

    found = find_situation(desired, pod, planned, None, PROXY)

    assert found.reason is R.FENCING
    assert found.message == (
        f"{asked}: pod xrpusdt-leader may trade on at node node-1, which does not answer, until a "
        "fence has taken its epoch (no such image)."
    )
    assert [f.status for f in found.findings()] == [False, True, False]


def test_nothing_blocks_off() -> None:
    assert situation(Desired.OFF, NO_POD, BLOCKED).reason is R.STOPPED


@pytest.mark.parametrize(
    "message",
    [
        'secret "exchange-proxy" not found',
        "couldn't find key url in Secret trading/exchange-proxy",
    ],
)
def test_a_missing_secret_comes_with_the_command_that_creates_it(message: str) -> None:
    command = (
        "kubectl create secret generic exchange-proxy --namespace trading "
        "--from-literal=url=http://user:password@host:port"
    )
    pod = leader(PodState.PENDING, problem=Problem(R.SECRET_MISSING, message))

    found = situation(Desired.ON, pod)

    assert found.message == f"{message}. Create it: {command}"


def test_a_secret_that_nobody_configured_gets_no_advice() -> None:
    message = 'secret "other" not found'
    pod = leader(PodState.PENDING, problem=Problem(R.SECRET_MISSING, message))

    assert situation(Desired.ON, pod).message == message


def test_a_refusal_of_another_kind_gets_no_advice() -> None:
    """Also where no proxy is configured: no name is none."""
    pod = leader(PodState.PENDING, problem=Problem(R.CANNOT_START, "no such user"))
    planned = plan(Desired.ON, pod, now=NOW)

    found = find_situation(Desired.ON, pod, planned, None, ProxySecret("trading"))

    assert found.message == "no such user"


def test_a_pod_that_ended_says_how() -> None:
    pod = leader(PodState.FAILED, outcome="Evicted: low on memory")

    assert situation(Desired.ON, pod).message == (
        "Pod xrpusdt-leader ended and is replaced. (Evicted: low on memory)"
    )


def test_a_wait_says_until_when() -> None:
    backoff = Backoff(3, "p1", NOW + timedelta(seconds=20))
    planned = plan(Desired.ON, NO_POD, now=NOW, backoff=backoff)

    found = find_situation(Desired.ON, NO_POD, planned, None, PROXY)

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
