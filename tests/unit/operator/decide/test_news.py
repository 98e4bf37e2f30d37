"""Which Events are told, and that none is told twice."""

from typing import Any

import pytest

from symbol_operator.decide.conditions import Situation
from symbol_operator.decide.news import EventReason, News, find_news
from symbol_operator.decide.plan import NO_BACKOFF, Backoff, Wish, plan
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
    wish: Wish,
    pod: LeaderPod,
    before: dict[str, Any] | None = None,
    now: Situation = CALM,
    backoff: Backoff = NO_BACKOFF,
) -> list[tuple[str, str]]:
    """Reason and note of what is told."""
    document = resource(wish.value) | ({"status": before} if before else {})
    planned = plan(wish, pod, now=NOW, backoff=backoff)
    news = find_news(seen(document), wish, pod, planned, now)
    return [(str(item.reason), item.note) for item in news]


WAS_ON = {"requested": "on", "leader": {"pod": "xrpusdt-leader", "uid": "p0"}}
WAS_OFF = {"requested": "off"}
IN_SHUTDOWN = {**WAS_ON, "requested": "shutdown"}


@pytest.mark.parametrize("before", [None, WAS_OFF])
def test_switching_on_names_who_did(before: dict[str, Any] | None) -> None:
    assert told(Wish.ON, leader(PodState.PENDING), before) == [
        (EventReason.LEADER_STARTED, "Created a leader pod: on, by kubectl-patch")
    ]


def test_a_leader_is_told_of_once_it_is_there() -> None:
    """Its creation may fail, and the one that the status knows was told of."""
    known = {"requested": "off", "leader": {"pod": "xrpusdt-leader", "uid": "p1"}}

    assert told(Wish.ON, NO_POD, WAS_OFF) == []
    assert told(Wish.ON, leader(PodState.PENDING), known) == []


def test_a_leader_that_was_refused_before_is_told_of_too() -> None:
    stalled = {"type": "Ready", "status": "False", "reason": "CreateRefused"}
    before = {"requested": "on", "conditions": [stalled]}

    assert [reason for reason, _ in told(Wish.ON, leader(PodState.PENDING), before)] == [
        EventReason.LEADER_STARTED
    ]


def test_who_switched_on_may_be_unknown() -> None:
    document, pod = resource("on"), leader(PodState.PENDING)
    del document["metadata"]["managedFields"]

    (news,) = find_news(seen(document), Wish.ON, pod, plan(Wish.ON, pod, now=NOW), CALM)

    assert news.note == "Created a leader pod: on"


def test_shutdown_of_a_stopped_symbol_says_so() -> None:
    assert [reason for reason, _ in told(Wish.SHUTDOWN, NO_POD, WAS_OFF)] == [
        EventReason.ALREADY_STOPPED
    ]


@pytest.mark.parametrize("state", [PodState.PENDING, PodState.RUNNING])
def test_on_during_shutdown_says_who_cancelled_it(state: PodState) -> None:
    known = {"requested": "shutdown", "leader": {"pod": "xrpusdt-leader", "uid": "p1"}}

    assert told(Wish.ON, leader(state), known) == [
        (EventReason.SHUTDOWN_CANCELLED, "Switched on during shutdown, by kubectl-patch")
    ]


def test_on_after_a_shutdown_that_was_done_is_a_start() -> None:
    assert told(Wish.ON, leader(PodState.DRAINED), IN_SHUTDOWN) == []
    assert told(Wish.ON, leader(PodState.PENDING), IN_SHUTDOWN) == [
        (EventReason.LEADER_STARTED, "Created a leader pod: on, by kubectl-patch")
    ]


def test_switching_off_and_the_end_of_a_shutdown_are_told() -> None:
    assert told(Wish.OFF, leader(PodState.RUNNING), WAS_ON) == [
        (EventReason.LEADER_STOPPED, "Deleted pod xrpusdt-leader: switched off")
    ]
    assert told(Wish.OFF, leader(PodState.DRAINED), IN_SHUTDOWN) == [
        (EventReason.LEADER_STOPPED, "Deleted pod xrpusdt-leader: the shutdown is done")
    ]


def test_off_by_the_leaders_own_hand_is_the_end_of_a_shutdown() -> None:
    document = resource("off") | {"status": IN_SHUTDOWN}
    document["metadata"]["managedFields"][0]["manager"] = "symbol-trader"
    pod = leader(PodState.RUNNING)

    (news,) = find_news(seen(document), Wish.OFF, pod, plan(Wish.OFF, pod, now=NOW), CALM)

    assert news.note == "Deleted pod xrpusdt-leader: the shutdown is done"


def test_a_replacement_says_how_the_one_before_ended() -> None:
    assert told(Wish.ON, leader(PodState.FAILED, outcome="Evicted"), WAS_ON) == [
        (EventReason.LEADER_REPLACED, "Pod xrpusdt-leader ended (Evicted) and is replaced")
    ]
    assert told(Wish.ON, leader(PodState.COMPLETED), WAS_ON) == [
        (EventReason.LEADER_REPLACED, "Pod xrpusdt-leader ended (completed) and is replaced")
    ]


def test_a_replacement_that_waits_says_until_when() -> None:
    before = Backoff(1, "p0", NOW)

    assert told(Wish.ON, leader(PodState.FENCED), WAS_ON, backoff=before) == [
        (
            EventReason.LEADER_REPLACED,
            "Pod xrpusdt-leader ended (fenced) and is replaced at 12:00:10 UTC",
        )
    ]


def test_a_pod_that_somebody_deleted_is_replaced() -> None:
    assert told(Wish.ON, NO_POD, WAS_ON) == [
        (EventReason.LEADER_REPLACED, "Pod xrpusdt-leader was deleted; created a new one")
    ]


def test_a_pod_created_after_a_wait_was_told_of_already() -> None:
    assert told(Wish.ON, NO_POD, {"requested": "on"}) == []


def test_a_lost_node_is_told() -> None:
    assert told(Wish.ON, leader(PodState.LOST), WAS_ON) == [
        (
            EventReason.NODE_LOST,
            "Node node-1 does not answer: pod xrpusdt-leader is given up and replaced",
        )
    ]


@pytest.mark.parametrize(
    ("wish", "pod"),
    [
        (Wish.ON, leader(PodState.RUNNING)),
        (Wish.OFF, NO_POD),
        (Wish.SHUTDOWN, leader(PodState.RUNNING)),
        (Wish.ON, leader(PodState.ORPHANED)),
        (Wish.ON, leader(PodState.TERMINATING)),
    ],
)
def test_a_resync_tells_nothing(wish: Wish, pod: LeaderPod) -> None:
    before = {"requested": wish.value, "leader": {"pod": "xrpusdt-leader", "uid": "p1"}}

    assert told(wish, pod, before) == []


def test_trouble_is_told_when_it_begins() -> None:
    trouble = Situation(OperatorReason.SECRET_MISSING, "create it")
    known = {"conditions": [{"type": "Ready", "reason": "SecretMissing"}]}
    other = {"conditions": [{"type": "Ready", "reason": "Starting"}]}
    pod = leader(PodState.PENDING)

    assert told(Wish.ON, pod, WAS_ON | other, trouble) == [("SecretMissing", "create it")]
    assert told(Wish.ON, pod, WAS_ON, trouble) == [("SecretMissing", "create it")]
    assert told(Wish.ON, pod, WAS_ON | known, trouble) == []


def test_what_comes_and_goes_by_itself_is_no_trouble() -> None:
    for reason in (OperatorReason.STARTING, OperatorReason.LEADER_NOT_READY):
        assert told(Wish.ON, leader(PodState.RUNNING), WAS_ON, Situation(reason, "")) == []


def test_the_same_news_has_the_same_name_and_other_news_another() -> None:
    document, next_generation = resource(), resource(generation=2)
    first = News(EventReason.LEADER_STOPPED, "stopped", about="p1")
    names = {
        first.name(document),
        first.name(next_generation),
        first.name(resource(uid="r2")),
        News(EventReason.LEADER_STOPPED, "stopped", about="p2").name(document),
        News(EventReason.LEADER_STOPPED, "otherwise", about="p1").name(document),
        News(EventReason.NODE_LOST, "stopped", about="p1").name(document),
    }

    assert first.name(document) == first.name(document)
    assert len(names) == 6
    assert all(name.startswith("xrpusdt.") for name in names)


def test_a_pod_is_replaced_once_whatever_is_told_of_it() -> None:
    told_why = News(EventReason.LEADER_REPLACED, "makes way", about="p1")
    missed = News(EventReason.LEADER_REPLACED, "was deleted", about="p1")
    another = News(EventReason.LEADER_REPLACED, "was deleted", about="p2")

    assert missed.name(resource(generation=2)) == told_why.name(resource())
    assert another.name(resource()) != told_why.name(resource())
