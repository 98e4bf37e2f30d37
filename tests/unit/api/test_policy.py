"""The admission policy for leaders names what the models say is not theirs."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tradingsymbol_api.conditions import CONDITION_OWNER
from tradingsymbol_api.names import (
    ANNOTATION_ABANDON,
    FINALIZER,
    GROUP,
    LEADER_FIELD_MANAGER,
    LEADER_SERVICE_ACCOUNT,
    OPERATOR_FIELD_MANAGER,
    PLURAL,
    leader_pod_name,
)
from tradingsymbol_api.status import FIELD_OWNER
from tradingsymbol_api.values import DeletionPolicy

BASE = Path(__file__).parents[3] / "manifests" / "base"
FILE = BASE / "leader-policy.yaml"
STOP = DeletionPolicy.STOP.value


@pytest.fixture
def policy() -> dict[str, Any]:
    found: dict[str, Any] = next(yaml.safe_load_all(FILE.read_text(encoding="utf-8")))
    return found


def expressions(policy: dict[str, Any]) -> str:
    spec = policy["spec"]
    parts = (*spec["matchConditions"], *spec["variables"], *spec["validations"])
    return " ".join(part["expression"] for part in parts)


def fields_of(manager: str) -> list[str]:
    return sorted(field for field, owner in FIELD_OWNER.items() if owner == manager)


def test_what_the_operator_reports_is_listed_as_its_own(policy: dict[str, Any]) -> None:
    assert str(fields_of(OPERATOR_FIELD_MANAGER)) in expressions(policy)


def test_what_the_leader_reports_is_listed_as_its_own(policy: dict[str, Any]) -> None:
    conditions = [
        kind.value for kind, owner in CONDITION_OWNER.items() if owner == LEADER_FIELD_MANAGER
    ]
    owned = sorted([*fields_of(LEADER_FIELD_MANAGER), "conditions"])
    said = " ".join(expressions(policy).split())

    assert {"name": "ownConditions", "expression": str(conditions)} in policy["spec"]["variables"]
    assert str([".", *(f"f:{field}" for field in owned)]) in said


def test_the_managers_are_those_of_the_programs(policy: dict[str, Any]) -> None:
    named = set(re.findall(r"manager\.orValue\(''\) [!=]= '([^']+)'", expressions(policy)))

    assert named == {
        *(LEADER_FIELD_MANAGER, OPERATOR_FIELD_MANAGER),
        # These two are the API server's own.
        *("before-first-apply", "ancient-changes"),
    }


def test_it_is_about_leaders_and_their_resources(policy: dict[str, Any]) -> None:
    (rule,) = policy["spec"]["matchConstraints"]["resourceRules"]
    (condition,) = policy["spec"]["matchConditions"]

    assert rule["apiGroups"] == [GROUP]
    assert rule["resources"] == [PLURAL, f"{PLURAL}/*"]
    assert condition["expression"].endswith(f":{LEADER_SERVICE_ACCOUNT}$')")
    assert f"request.namespace + ':{LEADER_SERVICE_ACCOUNT}'" in expressions(policy)
    assert f"variables.pod == request.name + '{leader_pod_name('')}'" in expressions(policy)


@pytest.mark.parametrize("file", sorted(BASE.glob("*-policy.yaml")), ids=lambda file: file.stem)
def test_what_cannot_be_judged_is_refused(file: Path) -> None:
    policy, binding = yaml.safe_load_all(file.read_text(encoding="utf-8"))

    assert policy["spec"]["failurePolicy"] == "Fail"
    assert binding["spec"]["policyName"] == policy["metadata"]["name"]
    assert binding["spec"]["validationActions"] == ["Deny"]


def test_a_deletion_that_is_to_wait_needs_the_finalizer() -> None:
    policy = next(yaml.safe_load_all((BASE / "deletion-policy.yaml").read_text(encoding="utf-8")))
    waits, _, abandoned = (item["expression"] for item in policy["spec"]["matchConditions"])
    (finalizer,) = policy["spec"]["validations"]

    assert waits == f"oldObject.spec.?deletionPolicy.orValue('{STOP}') != '{STOP}'"
    assert f"annotations[?'{ANNOTATION_ABANDON}']" in abandoned
    assert finalizer["expression"].startswith(f"'{FINALIZER}' in oldObject.metadata.?finalizers")
