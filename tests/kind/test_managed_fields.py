"""A status that others own, or nobody: the operator puts it right, and it tells the truth again."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from kind.kubectl import Kubectl, condition, eventually, manifest
from kind.operating import OperatorProcess
from symbol_operator.observe.managed_fields import disowned, put_right

JUNK = {
    "type": "Rich",
    "status": "True",
    "observedGeneration": 1,
    "lastTransitionTime": "2026-01-01T00:00:00Z",
    "reason": "Made",
    "message": "up",
}


def patched(kubectl: Kubectl, name: str, body: dict[str, Any], *options: str) -> None:
    how = ("--type", "merge", "--patch", json.dumps(body), "--field-manager", "alice")
    kubectl.run("patch", "tradingsymbol", name, *how, *options)


def cleared(kubectl: Kubectl, name: str) -> None:
    """Make nobody the owner of anything."""
    patched(kubectl, name, {"metadata": {"managedFields": [{}]}})


def half_cleared(kubectl: Kubectl, name: str) -> None:
    """Leave those who own the spec."""
    entries = kubectl.symbol(name)["metadata"]["managedFields"]
    rest = [entry for entry in entries if "f:status" not in entry["fieldsV1"]]
    patched(kubectl, name, {"metadata": {"managedFields": rest}})


def taken(kubectl: Kubectl, name: str) -> None:
    """Write a status by hand, over all that is there and more."""
    status = kubectl.symbol(name)["status"]
    body = {**status, "traders": 7, "conditions": [*status["conditions"], JUNK]}
    patched(kubectl, name, {"status": body}, "--subresource", "status")


def follows(kubectl: Kubectl, name: str, requested: str) -> bool:
    """Tell whether the status is of what is asked for now, and the reporters' own."""
    symbol = kubectl.symbol(name)
    status = symbol.get("status", {})
    leads = "leader" in status
    right = status.get("requested") == requested and leads == (requested == "on")
    return right and not disowned(symbol)


def fields_of(entry: dict[str, Any]) -> set[str]:
    """List the fields of the status, and the conditions, that an entry names."""
    fields = entry["fieldsV1"]["f:status"]
    return {*fields, *fields["f:conditions"]} - {"."}


@pytest.mark.usefixtures("tidy", "operator")
@pytest.mark.parametrize("meddle", [cleared, half_cleared, taken])
def test_a_status_whose_owners_were_lost_is_put_right(
    kubectl: Kubectl, meddle: Callable[[Kubectl, str], None]
) -> None:
    name = f"owners-{meddle.__name__.replace('_', '-')}"
    kubectl.apply(manifest(name, "on"))
    eventually(lambda: follows(kubectl, name, "on"), what="reported")
    meddle(kubectl, name)
    kubectl.patch(name, "off")
    eventually(lambda: follows(kubectl, name, "off"), what="reported after that")

    status = kubectl.symbol(name)["status"]
    assert condition({"status": status}, "Rich") == {}
    assert "traders" not in status


@pytest.mark.usefixtures("tidy")
def test_what_the_operator_writes_is_its_own_as_the_api_server_sees_it(
    kubectl: Kubectl, operator: OperatorProcess
) -> None:
    kubectl.apply(manifest("owners-right", "on"))
    eventually(lambda: follows(kubectl, "owners-right", "on"), what="reported")
    kubectl.patch("owners-right", "off")
    eventually(lambda: follows(kubectl, "owners-right", "off"), what="reported")

    symbol = kubectl.symbol("owners-right")
    ours = [e for e in symbol["metadata"]["managedFields"] if e["manager"] == "symbol-operator"]
    made = [entry for entry in put_right(symbol) if entry["manager"] == "symbol-operator"]
    assert [fields_of(entry) for entry in ours] == [fields_of(entry) for entry in made]
    assert [entry["operation"] for entry in ours] == [entry["operation"] for entry in made]
    assert operator.alive
