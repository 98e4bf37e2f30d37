"""A leader pod of an earlier configuration: what differs, who has a slot, when it is replaced."""

from typing import Any

import pytest

from symbol_operator.decide.decision import Context, decide
from symbol_operator.decide.manifests import pod_manifest
from symbol_operator.decide.plan import NO_BACKOFF, DeletePod, Step
from symbol_operator.decide.updates import OLDER, UpdateSlots, outdated
from symbol_operator.observe.view import View
from symbol_operator.settings import LeaderSettings, OperatorSettings
from tradingsymbol_api.names import ANNOTATION_TEMPLATE_HASH
from unit.operator.objects import NOW, pod, resource

IMAGE = "spec.containers[0].image is symbol-trader:1, not symbol-trader:2"


def template(digest: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"annotations": {ANNOTATION_TEMPLATE_HASH: digest}}, "spec": spec}


@pytest.mark.parametrize(
    ("found", "wanted", "difference"),
    [
        ({"a": 1}, {"a": 2}, "spec.a is 1, not 2"),
        ({"a": {"b": 1, "more": 2}}, {"a": {"b": 1, "c": 3}}, "spec.a.c is None, not 3"),
        ({"a": [{"b": 1}, {"b": 2}]}, {"a": [{"b": 1}, {"b": 3}]}, "spec.a[1].b is 2, not 3"),
        ({"a": [1]}, {"a": [1, 2]}, "spec.a is [1], not [1, 2]"),
        ({"a": "xy"}, {"a": "xz"}, "spec.a is xy, not xz"),
        (
            {"a": [{"name": "sidecar"}, {"name": "leader", "b": 1}]},
            {"a": [{"name": "leader", "b": 2}]},
            "spec.a[0].b is 1, not 2",
        ),
        (
            {"a": [{"name": "x", "mountPath": "/1"}, {"name": "x", "mountPath": "/2"}]},
            {"a": [{"name": "x", "mountPath": "/2"}, {"name": "x", "mountPath": "/3"}]},
            "spec.a[1] is None, not {'mountPath': '/3', 'name': 'x'}",
        ),
        ({"a": [{"name": "x"}, {"name": "token"}]}, {"a": [{"name": "x"}]}, OLDER),
        ({}, {"a": {}}, OLDER),
        ({"a": 1, "more": 2}, {"a": 1}, OLDER),
    ],
)
def test_the_first_difference_is_named(
    found: dict[str, Any], wanted: dict[str, Any], difference: str
) -> None:
    assert outdated(template("1", **found), template("2", **wanted)) == difference
    assert outdated(template("1", **found), template("1", **wanted)) == ""


def test_a_pod_without_a_digest_is_of_another_version() -> None:
    bare = {"metadata": {}, "spec": {"a": 1}}
    assert outdated(bare, template("1", a=1)) == OLDER


def context(settings: OperatorSettings, image: str) -> Context:
    leader = LeaderSettings(image=image)
    return Context(settings.model_copy(update={"leader": leader}), "cluster-1")


def of_the_first_image(settings: OperatorSettings, **facts: Any) -> dict[str, Any]:
    """Make the pod that was created while the first image was configured."""
    old = context(settings, "symbol-trader:1")
    made = pod_manifest(decide(View(resource(), None), old, NO_BACKOFF, NOW), old)
    found = pod(**facts)
    found["metadata"]["annotations"] = made["metadata"]["annotations"]
    found["spec"] |= made["spec"]
    return found


def step(settings: OperatorSettings, found: dict[str, Any], **view: Any) -> Step:
    slot = view.pop("slot", True)
    document = view.pop("document", None) or resource(**view)
    new = context(settings, "symbol-trader:2")
    return decide(View(document, found), new, NO_BACKOFF, NOW, slot=slot).planned.step


def test_a_leader_of_an_earlier_image_makes_way(settings: OperatorSettings) -> None:
    found = of_the_first_image(settings, ready=True)
    new = context(settings, "symbol-trader:2")
    document = resource()
    document["status"] = {"requested": "on", "leader": {"pod": "xrpusdt-leader", "uid": "p1"}}
    decided = decide(View(document, found), new, NO_BACKOFF, NOW)

    assert decided.planned.actions == (DeletePod("p1"),)
    assert decided.situation.message == f"Pod xrpusdt-leader is being replaced: {IMAGE}."
    (event,) = decided.events
    assert (str(event.reason), event.warning) == ("LeaderReplaced", False)
    assert event.note.endswith(IMAGE)


def test_one_of_this_configuration_stays(settings: OperatorSettings) -> None:
    found = of_the_first_image(settings, ready=True)
    same = context(settings, "symbol-trader:1")
    decided = decide(View(resource(), found), same, NO_BACKOFF, NOW)
    assert decided.planned.step is Step.KEEP
    assert decided.situation.message == "Pod xrpusdt-leader leads."


@pytest.mark.parametrize("status", ["on", "shutdown"])
def test_also_in_a_shutdown(settings: OperatorSettings, status: str) -> None:
    assert step(settings, of_the_first_image(settings, ready=True), status=status) is Step.UPDATE


def test_one_that_is_to_end_is_deleted_as_ever(settings: OperatorSettings) -> None:
    assert step(settings, of_the_first_image(settings, ready=True), status="off") is Step.DELETE


def test_by_hand_it_waits_and_says_what_differs(settings: OperatorSettings) -> None:
    found = of_the_first_image(settings, ready=True)
    manual = resource(updateStrategy="Manual")
    decided = decide(View(manual, found), context(settings, "symbol-trader:2"), NO_BACKOFF, NOW)

    assert decided.planned.step is Step.KEEP
    assert not decided.waits_for_slot
    assert decided.situation.reason == "LeaderReady"
    assert IMAGE in decided.situation.message


@pytest.mark.parametrize("strategy", ["WhenIdle", "Manual"])
@pytest.mark.parametrize("phase", ["Pending", "Running"])
def test_what_does_not_trade_makes_way_at_once(
    settings: OperatorSettings, strategy: str, phase: str
) -> None:
    """A wrong image is put right like that, whoever is being updated."""
    found = of_the_first_image(settings, phase=phase)
    assert step(settings, found, updateStrategy=strategy, slot=False) is Step.UPDATE


def test_an_order_in_doubt_is_waited_for(settings: OperatorSettings) -> None:
    found = of_the_first_image(settings, ready=True)
    document = resource()
    doubt = {"type": "Degraded", "status": "True", "reason": "OrderUnknown"}
    document["status"] = {"conditions": [doubt]}
    assert step(settings, found, document=document) is Step.KEEP
    doubt["reason"] = "SellsAtLoss"
    assert step(settings, found, document=document) is Step.UPDATE


@pytest.mark.parametrize(
    ("count", "reason", "wanted"),
    [(1, "OrderBlocked", Step.KEEP), (0, "OrderUnknown", Step.UPDATE)],
    ids=["hidden behind another reason", "no more"],
)
def test_a_doubt_is_told_by_its_count(
    settings: OperatorSettings, count: int, reason: str, wanted: Step
) -> None:
    found = of_the_first_image(settings, ready=True)
    document = resource()
    degraded = {"type": "Degraded", "status": "True", "reason": reason}
    document["status"] = {"ordersInDoubt": count, "conditions": [degraded]}
    assert step(settings, found, document=document) is wanted


def test_others_are_waited_for(settings: OperatorSettings) -> None:
    found = of_the_first_image(settings, ready=True)
    new = context(settings, "symbol-trader:2")
    decided = decide(View(resource(), found), new, NO_BACKOFF, NOW, slot=False)
    assert decided.planned.step is Step.KEEP
    assert decided.waits_for_slot


def test_turns_are_few_and_handed_on() -> None:
    slots = UpdateSlots[str](at_once=2)
    slots.take("a")
    assert slots.free("b")
    slots.take("b")
    assert not slots.free("c")
    assert slots.free("a")
    slots.wait("c")
    slots.wait("d")

    assert slots.end("x") is None, "it had no slot"
    assert slots.end("a") == "c"
    slots.take("c")
    assert slots.end("d") is None, "it wants none any more"
    assert slots.end("b") is None
    assert slots.end("c") is None


def test_turns_of_those_that_are_not_served_are_handed_on() -> None:
    slots = UpdateSlots[str](at_once=2)
    for name in ("island/a", "other/b"):
        slots.take(name)
    for name in ("island/c", "other/d", "other/e"):
        slots.wait(name)

    assert slots.end_all(lambda name: name.startswith("island/")) == ["other/d"]
    assert slots.free("other/d")
    assert slots.end("other/b") == "other/d"
    assert slots.end_all(lambda name: name.startswith("island/")) == []
