"""What the operator makes of a pod."""

from datetime import timedelta
from typing import Any

import pytest

from symbol_operator.observe.managed_fields import status_writer
from symbol_operator.observe.node import OVERDUE_AFTER, node_lost, node_suspect, overdue_at
from symbol_operator.observe.pod import (
    NO_POD,
    LeaderPod,
    PodState,
    Problem,
    missing_secret,
    observe_pod,
)
from tradingsymbol_api.conditions import OperatorReason
from unit.operator.objects import (
    NOW,
    container,
    foreign_pod,
    node,
    pod,
    resource,
    terminated,
    waiting,
)

DRAINED = '{"cause": "drained", "message": "nothing is open"}'
FENCED = '{"cause": "fenced", "message": "epoch 7 has taken over"}'
SIDECAR = container({"running": {}}, name="proxy", ready=True)
"""What others have added, before the leader's."""


def observe(document: dict[str, Any] | None, *, lost: bool = False) -> LeaderPod:
    return observe_pod(document, "r1", node_lost=lost)


def ended(message: str) -> dict[str, Any]:
    return pod("Succeeded", containerStatuses=container(terminated(0, message, "Completed")))


def beside_a_sidecar(code: int, message: str, phase: str = "Running") -> dict[str, Any]:
    statuses = [*SIDECAR, *container(terminated(code, message, "Completed"), ready=False)]
    return pod(phase, containerStatuses=statuses)


def test_no_pod_is_no_pod() -> None:
    assert observe(None) == NO_POD
    assert not NO_POD.leads


@pytest.mark.parametrize(
    ("document", "state"),
    [
        (pod("Pending"), PodState.PENDING),
        (pod("Running"), PodState.RUNNING),
        (pod("Failed"), PodState.FAILED),
        (pod("Unknown"), PodState.UNKNOWN),
        (ended(DRAINED), PodState.DRAINED),
        (ended(FENCED), PodState.FENCED),
        (ended(""), PodState.COMPLETED),
        (ended("bye"), PodState.COMPLETED),
        (ended('"drained"'), PodState.COMPLETED),
        (pod("Succeeded"), PodState.COMPLETED),
        (pod("Running", containerStatuses=SIDECAR), PodState.RUNNING),
        (beside_a_sidecar(0, DRAINED), PodState.DRAINED),
        (beside_a_sidecar(0, FENCED), PodState.FENCED),
        (beside_a_sidecar(0, ""), PodState.COMPLETED),
        (beside_a_sidecar(0, DRAINED, "Failed"), PodState.DRAINED),
        # It failed, and is started again.
        (beside_a_sidecar(1, DRAINED), PodState.RUNNING),
        (pod(containerStatuses=container(lastState=terminated(0, DRAINED))), PodState.RUNNING),
        # The words of another container are not the leader's.
        (
            pod(containerStatuses=container(terminated(0, DRAINED), name="proxy")),
            PodState.RUNNING,
        ),
        (pod("Running", deleted=timedelta(20)), PodState.TERMINATING),
        (pod("Failed", deleted=timedelta(20)), PodState.TERMINATING),
        (pod("Running", owner="r0"), PodState.ORPHANED),
        (pod("Running", owner=None), PodState.ORPHANED),
        (pod("Failed", owner="r0"), PodState.ORPHANED),
        (foreign_pod(), PodState.FOREIGN),
    ],
)
def test_each_state_is_told_from_the_others(document: dict[str, Any], state: PodState) -> None:
    assert observe(document).state is state


@pytest.mark.parametrize("document", [pod("Unknown"), pod("Running", deleted=timedelta(0))])
def test_a_pod_that_only_its_dead_node_could_end_is_lost(document: dict[str, Any]) -> None:
    assert observe(document, lost=True).state is PodState.LOST


def test_without_a_resource_every_leader_pod_is_an_orphan() -> None:
    assert observe_pod(pod(), None, node_lost=False).state is PodState.ORPHANED


def test_an_owner_that_does_not_control_the_pod_is_not_its_resource() -> None:
    document = pod()
    document["metadata"]["ownerReferences"][0]["controller"] = False

    assert observe(document).state is PodState.ORPHANED


def test_a_pod_is_read_with_its_node_and_readiness() -> None:
    seen = observe(pod(ready=True))

    assert (seen.name, seen.uid, seen.node, seen.ready) == ("xrpusdt-leader", "p1", "node-1", True)
    assert seen.created == NOW - timedelta(minutes=1)
    assert seen.leads
    assert not observe(pod()).ready
    assert observe(pod(node=None)).node is None


@pytest.mark.parametrize(
    ("document", "lingers"),
    [
        (beside_a_sidecar(0, DRAINED), True),
        (beside_a_sidecar(0, DRAINED, "Failed"), False),
        (ended(DRAINED), False),
        (pod("Running", containerStatuses=SIDECAR), False),
        (pod("Running", deleted=timedelta(20)), False),
    ],
)
def test_what_runs_beside_a_leader_that_has_ended_makes_its_pod_linger(
    document: dict[str, Any], *, lingers: bool
) -> None:
    assert observe(document).lingers is lingers


@pytest.mark.parametrize(
    ("pod_ready", "leader_ready", "trades"),
    [(True, True, True), (False, True, True), (False, False, False), (True, None, True)],
)
def test_a_leader_trades_whatever_is_the_matter_beside_it(
    *, pod_ready: bool, leader_ready: bool | None, trades: bool
) -> None:
    statuses = [*container(name="proxy", ready=False), *container(ready=leader_ready)]

    seen = observe(pod(ready=pod_ready, containerStatuses=statuses))

    assert (seen.ready, seen.trades) == (pod_ready, trades)


@pytest.mark.parametrize(
    ("document", "outcome"),
    [
        (pod("Running"), ""),
        (pod("Failed", reason="Evicted", message="low on memory"), "Evicted: low on memory"),
        (ended(DRAINED), "exit code 0: nothing is open"),
        (pod(containerStatuses=container(lastState=terminated(1))), "exit code 1: Error"),
        (
            pod(containerStatuses=container(terminated(3, "no database", ""))),
            "exit code 3: no database",
        ),
        (pod(containerStatuses=container({"terminated": {"exitCode": 2}})), "exit code 2"),
    ],
)
def test_the_outcome_is_told_in_the_words_of_kubelet_and_leader(
    document: dict[str, Any], outcome: str
) -> None:
    assert observe(document).outcome == outcome


def test_a_pod_that_gets_on_has_no_trouble() -> None:
    assert observe(pod("Pending")).problem is None
    assert observe(pod(containerStatuses=container({"running": {}}))).problem is None


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (waiting("ErrImagePull", "not found"), OperatorReason.IMAGE_UNAVAILABLE),
        (waiting("ImagePullBackOff"), OperatorReason.IMAGE_UNAVAILABLE),
        (waiting("CrashLoopBackOff"), OperatorReason.CRASH_LOOPING),
        (waiting("CreateContainerError", "no such file"), OperatorReason.CANNOT_START),
        (waiting("CreateContainerConfigError", "run as root"), OperatorReason.CANNOT_START),
        (
            waiting("CreateContainerConfigError", 'secret "paper-credentials" not found'),
            OperatorReason.SECRET_MISSING,
        ),
        (
            waiting(
                "CreateContainerConfigError",
                "couldn't find key api-key in Secret trading/paper-credentials",
            ),
            OperatorReason.SECRET_MISSING,
        ),
    ],
)
def test_trouble_is_told_by_its_cause(state: dict[str, Any], reason: OperatorReason) -> None:
    problem = observe(pod("Pending", containerStatuses=container(state))).problem

    assert problem is not None
    assert problem.reason is reason
    assert problem.message


@pytest.mark.parametrize("where", ["containerStatuses", "initContainerStatuses"])
def test_trouble_beside_the_leader_is_told_with_the_name_of_the_container(where: str) -> None:
    """A sidecar of Kubernetes' own kind that does not start holds up the leader."""
    stuck = pod("Pending")
    stuck["status"][where] = container(waiting("ErrImagePull", "not found"), name="proxy")

    problem = observe(stuck).problem

    assert problem == Problem(OperatorReason.IMAGE_UNAVAILABLE, "Container proxy: not found")


def test_the_leaders_own_trouble_comes_first() -> None:
    sidecar = container(waiting("ErrImagePull", "no proxy"), name="proxy")
    leader = container(waiting("ErrImagePull", "no trader"))

    problem = observe(pod("Pending", containerStatuses=[*sidecar, *leader])).problem

    assert problem == Problem(OperatorReason.IMAGE_UNAVAILABLE, "no trader")


def test_a_missing_secret_is_found_in_either_wording() -> None:
    assert missing_secret('secret "trading-database" not found') == "trading-database"
    assert missing_secret("couldn't find key url in Secret trading/database") == "database"
    assert missing_secret("container has runAsNonRoot") is None


@pytest.mark.parametrize(
    ("restarts", "ready", "code", "looping"),
    [(2, False, 1, True), (1, False, 1, False), (2, True, 1, False), (2, False, 0, False)],
)
def test_the_moment_between_two_crashes_is_no_recovery(
    *, restarts: int, ready: bool, code: int, looping: bool
) -> None:
    statuses = container(
        {"running": {}}, lastState=terminated(code), restartCount=restarts, ready=ready
    )

    problem = observe(pod(containerStatuses=statuses)).problem

    assert (problem is not None) is looping
    if problem:
        assert problem.reason is OperatorReason.CRASH_LOOPING
        assert problem.message == f"{restarts} restarts; the last one: exit code 1: Error"


def test_a_pod_that_no_node_takes_says_why() -> None:
    unschedulable = {"type": "PodScheduled", "status": "False", "message": "0/3 nodes"}

    problem = observe(pod("Pending", node=None, conditions=[unschedulable])).problem

    assert problem is not None
    assert problem.reason is OperatorReason.UNSCHEDULABLE
    assert problem.message == "0/3 nodes"


EVICTED = {"type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager"}


@pytest.mark.parametrize(
    ("document", "suspect"),
    [
        (None, False),
        (pod("Running"), False),
        (pod("Unknown"), True),
        (pod("Unknown", node=None), False),
        (pod(deleted=timedelta(seconds=10)), False),
        (pod(deleted=timedelta(seconds=10), conditions=[EVICTED]), True),
        (pod(deleted=-OVERDUE_AFTER), False),
        (pod(deleted=-OVERDUE_AFTER - timedelta(seconds=1)), True),
        (pod(deleted=-timedelta(hours=1), node=None), False),
    ],
)
def test_a_node_is_suspected_only_by_what_its_pod_does(
    document: dict[str, Any] | None, *, suspect: bool
) -> None:
    assert node_suspect(document, NOW) is suspect


def test_the_next_look_at_a_terminating_pod_is_when_it_is_overdue() -> None:
    assert overdue_at(pod(deleted=timedelta(seconds=10))) == NOW + timedelta(seconds=15)
    assert overdue_at(pod()) is None
    assert overdue_at(None) is None
    assert overdue_at({"metadata": {"deletionTimestamp": "9999-12-31T23:59:59Z"}}) is None


@pytest.mark.parametrize(
    ("document", "lost"),
    [
        (None, True),
        (node("True"), False),
        (node("False"), True),
        (node("Unknown"), True),
        ({}, True),
    ],
)
def test_a_node_is_lost_unless_it_is_ready(document: dict[str, Any] | None, *, lost: bool) -> None:
    assert node_lost(document) is lost


def test_the_last_writer_of_the_status_field_is_who_switched_it() -> None:
    document = resource()
    fields = document["metadata"]["managedFields"]
    writes_status: dict[str, Any] = {"fieldsV1": {"f:spec": {"f:status": {}}}}
    fields += [
        {"manager": "argocd", "time": "2026-01-01T12:00:00Z", **writes_status},
        {"manager": "editor", "time": "2026-01-01T12:30:00Z", "fieldsV1": {"f:spec": {}}},
        {
            "manager": "symbol-operator",
            "time": "2026-01-01T13:00:00Z",
            "subresource": "status",
            **writes_status,
        },
    ]

    assert status_writer(document) == "argocd"
    fields.clear()
    assert status_writer(document) is None
