"""One odd object concerns itself: the operator stays, serves the others, and can switch it off."""

import json
import signal
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from kind.kubectl import Kubectl, condition, eventually, manifest
from kind.operating import OperatorProcess

pytestmark = pytest.mark.usefixtures("tidy")

DEEP = 4000
STATUS: dict[str, Any] = {"f:spec": {"f:status": {}}}


def nested(depth: int) -> dict[str, Any]:
    """Make the fields of a manager that owns something far down."""
    fields: dict[str, Any] = {}
    for _ in range(depth):
        fields = {"f:a": fields}
    return {**STATUS, "f:status": fields}


def entry(fields: dict[str, Any], **manager: str) -> dict[str, Any]:
    """Make an entry of managedFields; all are of one moment."""
    return {
        **manager,
        "operation": "Update",
        "apiVersion": "tradingsymbol.dev/v1alpha1",
        "time": "2026-01-01T00:00:00Z",
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }


ODD = {
    "nameless": [entry(STATUS, manager="somebody"), entry(STATUS)],
    "deep": [entry(nested(DEEP), manager="somebody")],
}


def others_are_served(kubectl: Kubectl, operator: OperatorProcess) -> None:
    """Switch another symbol on and off."""
    kubectl.apply(manifest("even", "on"))
    eventually(lambda: kubectl.leader("even"), what="another symbol gets its leader")
    kubectl.patch("even", "off")
    eventually(lambda: kubectl.leader("even") is None, what="and loses it")
    assert operator.alive, operator.log


def switched_off(kubectl: Kubectl, name: str) -> bool:
    ready = condition(kubectl.symbol(name), "Ready")
    return kubectl.leader(name) is None and ready["reason"] == "Stopped"


@pytest.fixture(scope="module", autouse=True)
def _read_deep_objects() -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(3 * DEEP)
    yield
    sys.setrecursionlimit(before)


@pytest.fixture
def restarted(operator: OperatorProcess) -> Iterator[OperatorProcess]:
    """Return the operator, to be killed and started anew with what is there."""
    yield operator
    if not operator.alive:
        operator.start()


def start_anew(operator: OperatorProcess) -> None:
    operator.end(signal.SIGKILL)
    operator.start()


@pytest.mark.parametrize("name", ["brackets", "cause"])
def test_whatever_a_leader_leaves_as_its_last_words(
    kubectl: Kubectl, restarted: OperatorProcess, name: str
) -> None:
    kubectl.apply(manifest(name, "on"))
    eventually(
        lambda: condition(kubectl.symbol(name), "Ready").get("reason") == "BackingOff",
        what="it ended and is replaced, ever later",
    )

    others_are_served(kubectl, restarted)
    start_anew(restarted)
    others_are_served(kubectl, restarted)
    kubectl.patch(name, "off")
    eventually(lambda: switched_off(kubectl, name), what="it is switched off")


@pytest.mark.parametrize("name", sorted(ODD))
def test_whatever_managed_fields_say(
    kubectl: Kubectl, restarted: OperatorProcess, name: str
) -> None:
    kubectl.apply(manifest(name, "on"))
    eventually(lambda: kubectl.leader(name), what="a leader")
    patch = [{"op": "replace", "path": "/metadata/managedFields", "value": ODD[name]}]
    kubectl.run("patch", "tradingsymbol", name, "--type", "json", "--patch", json.dumps(patch))
    fields = kubectl.symbol(name)["metadata"]["managedFields"]
    assert any(item["time"] == "2026-01-01T00:00:00Z" for item in fields), "the server took them"

    start_anew(restarted)
    others_are_served(kubectl, restarted)
    kubectl.patch(name, "off")
    eventually(lambda: switched_off(kubectl, name), what="it is switched off")
