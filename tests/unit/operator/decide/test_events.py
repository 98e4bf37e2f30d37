"""Which Events are told, and that none is told twice."""

from typing import Any

import pytest

from symbol_operator.decide.conditions import Situation
from symbol_operator.decide.events import EventNote, EventReason, find_events
from symbol_operator.decide.plan import NO_BACKOFF, Backoff, Desired, plan
from symbol_operator.observe.pod import NO_POD, LeaderPod, PodState
from symbol_operator.observe.symbol import ObservedSymbol, observe_symbol
from tradingsymbol_api.conditions import OperatorReason
from unit.operator.objects import NOW, resource

CALM = Situation(OperatorReason.STARTING, "")


def leader(state: PodState, **facts: object) -> LeaderPod:
    return LeaderPod(state, "xrpusdt-leader", "p1", "node-1", **facts)  # type: ignore[arg-type]  # fields by their names


def seen(document: dict[str, Any]) -> ObservedSymbol:
    symbol = observe_symbol(document)
    assert symbol is not None
    return symbol


def told(
    desired: Desired,
    pod: LeaderPod,
    before: dict[str, Any] | None = None,
    now: Situation = CALM,
    backoff: Backoff = NO_BACKOFF,
) -> list[tuple[str, str]]:
    """Reason and note of what is told."""
    document = resource(desired.value) | ({"status": before} if before else {})
    planned = plan(desired, pod, now=NOW, backoff=backoff)
    events = find_events(seen(document), desired, pod, planned, now)
    return [(str(item.reason), item.note) for item in events]


WAS_ON = {"requested": "on", "leader": {"pod": "xrpusdt-leader", "uid": "p0"}}
WAS_OFF = {"requested": "off"}
IN_SHUTDOWN = {**WAS_ON, "requested": "shutdown"}


@pytest.mark.parametrize("before", [None, WAS_OFF])
def test_switching_on_names_who_did(before: dict[str, Any] | None) -> None:
    assert told(Desired.ON, leader(PodState.PENDING), before) == [
        (EventReason.LEADER_STARTED, "Created a leader pod: on, by kubectl-patch")
    ]


def test_a_leader_is_told_of_once_it_is_there() -> None:
    """Its creation may fail, and the one that the status knows was told of."""
    known = {"requested": "off", "leader": {"pod": "xrpusdt-leader", "uid": "p1"}}

    assert told(Desired.ON, NO_POD, WAS_OFF) == []
    assert told(Desired.ON, leader(PodState.PENDING), known) == []


def test_a_leader_that_was_refused_before_is_told_of_too() -> None:
    stalled = {"type": "Ready", "status": "False", "reason": "CreateRefused"}
    before = {"requested": "on", "conditions": [stalled]}

    assert [reason for reason, _ in told(Desired.ON, leader(PodState.PENDING), before)] == [
        EventReason.LEADER_STARTED
    ]


def test_who_switched_on_may_be_unknown() -> None:
    document, pod = resource("on"), leader(PodState.PENDING)
    del document["metadata"]["managedFields"]

    (event,) = find_events(seen(document), Desired.ON, pod, plan(Desired.ON, pod, now=NOW), CALM)

    assert event.note == "Created a leader pod: on"


def test_shutdown_of_a_stopped_symbol_says_so() -> None:
    assert [reason for reason, _ in told(Desired.SHUTDOWN, NO_POD, WAS_OFF)] == [
        EventReason.ALREADY_STOPPED
    ]


@pytest.mark.parametrize("state", [PodState.PENDING, PodState.RUNNING])
def test_on_during_shutdown_says_who_canceled_it(state: PodState) -> None:
    known = {"requested": "shutdown", "leader": {"pod": "xrpusdt-leader", "uid": "p1"}}

    assert told(Desired.ON, leader(state), known) == [
        (EventReason.SHUTDOWN_CANCELED, "Switched on during shutdown, by kubectl-patch")
    ]


def test_on_after_a_shutdown_that_was_done_is_a_start() -> None:
    assert told(Desired.ON, leader(PodState.DRAINED), IN_SHUTDOWN) == []
    assert told(Desired.ON, leader(PodState.PENDING), IN_SHUTDOWN) == [
        (EventReason.LEADER_STARTED, "Created a leader pod: on, by kubectl-patch")
    ]


def test_switching_off_and_the_end_of_a_shutdown_are_told() -> None:
    assert told(Desired.OFF, leader(PodState.RUNNING), WAS_ON) == [
        (EventReason.LEADER_STOPPED, "Deleted pod xrpusdt-leader: switched off")
    ]
    assert told(Desired.OFF, leader(PodState.DRAINED), IN_SHUTDOWN) == [
        (EventReason.LEADER_STOPPED, "Deleted pod xrpusdt-leader: the shutdown is done")
    ]


def test_off_by_the_leader_itself_is_the_end_of_a_shutdown() -> None:
    document = resource("off") | {"status": IN_SHUTDOWN}
    document["metadata"]["managedFields"][0]["manager"] = "symbol-trader"
    pod = leader(PodState.RUNNING)

    (event,) = find_events(seen(document), Desired.OFF, pod, plan(Desired.OFF, pod, now=NOW), CALM)

    assert event.note == "Deleted pod xrpusdt-leader: the shutdown is done"


def test_a_replacement_says_how_the_one_before_ended() -> None:
    assert told(Desired.ON, leader(PodState.FAILED, outcome="Evicted"), WAS_ON) == [
        (EventReason.LEADER_REPLACED, "Pod xrpusdt-leader ended (Evicted) and is replaced")
    ]
    assert told(Desired.ON, leader(PodState.COMPLETED), WAS_ON) == [
        (EventReason.LEADER_REPLACED, "Pod xrpusdt-leader ended (completed) and is replaced")
    ]


def test_a_replacement_that_waits_says_until_when() -> None:
    before = Backoff(1, "p0", NOW)

    assert told(Desired.ON, leader(PodState.FENCED), WAS_ON, backoff=before) == [
        (
            EventReason.LEADER_REPLACED,
            "Pod xrpusdt-leader ended (fenced) and is replaced at 12:00:10 UTC",
        )
    ]


def test_a_pod_that_somebody_deleted_is_replaced() -> None:
    assert told(Desired.ON, NO_POD, WAS_ON) == [
        (EventReason.LEADER_REPLACED, "Pod xrpusdt-leader was deleted; created a new one")
    ]


def test_a_pod_created_after_a_wait_was_told_of_already() -> None:
    assert told(Desired.ON, NO_POD, {"requested": "on"}) == []


def test_a_lost_node_is_told() -> None:
    assert told(Desired.ON, leader(PodState.LOST), WAS_ON) == [
        (
            EventReason.NODE_LOST,
            "Node node-1 does not answer: pod xrpusdt-leader is given up and replaced",
        )
    ]


@pytest.mark.parametrize(
    ("desired", "pod"),
    [
        (Desired.ON, leader(PodState.RUNNING)),
        (Desired.OFF, NO_POD),
        (Desired.SHUTDOWN, leader(PodState.RUNNING)),
        (Desired.ON, leader(PodState.ORPHANED)),
        (Desired.ON, leader(PodState.TERMINATING)),
    ],
)
def test_a_resync_tells_nothing(desired: Desired, pod: LeaderPod) -> None:
    before = {"requested": desired.value, "leader": {"pod": "xrpusdt-leader", "uid": "p1"}}

    assert told(desired, pod, before) == []


def test_trouble_is_told_when_it_begins() -> None:
    problem = Situation(OperatorReason.SECRET_MISSING, "create it")
    known = {"conditions": [{"type": "Ready", "reason": "SecretMissing"}]}
    other = {"conditions": [{"type": "Ready", "reason": "Starting"}]}
    pod = leader(PodState.PENDING)

    assert told(Desired.ON, pod, WAS_ON | other, problem) == [("SecretMissing", "create it")]
    assert told(Desired.ON, pod, WAS_ON, problem) == [("SecretMissing", "create it")]
    assert told(Desired.ON, pod, WAS_ON | known, problem) == []


def test_what_comes_and_goes_by_itself_is_no_trouble() -> None:
    for reason in (OperatorReason.STARTING, OperatorReason.LEADER_NOT_READY):
        assert told(Desired.ON, leader(PodState.RUNNING), WAS_ON, Situation(reason, "")) == []


def test_the_same_news_has_the_same_name_and_other_news_another() -> None:
    document, next_generation = resource(), resource(generation=2)
    first = EventNote(EventReason.LEADER_STOPPED, "stopped", about="p1")
    names = {
        first.name(document),
        first.name(next_generation),
        first.name(resource(uid="r2")),
        EventNote(EventReason.LEADER_STOPPED, "stopped", about="p2").name(document),
        EventNote(EventReason.LEADER_STOPPED, "otherwise", about="p1").name(document),
        EventNote(EventReason.NODE_LOST, "stopped", about="p1").name(document),
    }

    assert first.name(document) == first.name(document)
    assert len(names) == 6
    assert all(name.startswith("xrpusdt.") for name in names)


def test_a_pod_is_replaced_once_whatever_is_told_of_it() -> None:
    told_why = EventNote(EventReason.LEADER_REPLACED, "is being replaced", about="p1")
    missed = EventNote(EventReason.LEADER_REPLACED, "was deleted", about="p1")
    another = EventNote(EventReason.LEADER_REPLACED, "was deleted", about="p2")

    assert missed.name(resource(generation=2)) == told_why.name(resource())
    assert another.name(resource()) != told_why.name(resource())
