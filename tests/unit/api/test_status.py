"""Status documents: one owner for each field, and times that mean something."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tradingsymbol_api.conditions import (
    CONDITION_OWNER,
    MESSAGE_LENGTH_MAX,
    ConditionType,
    Finding,
    LeaderReason,
    OperatorReason,
    conditions_of,
)
from tradingsymbol_api.names import LEADER_FIELD_MANAGER, OPERATOR_FIELD_MANAGER
from tradingsymbol_api.status import (
    FIELD_OWNER,
    LeaderReport,
    LeaderStatus,
    OperatorStatus,
    Target,
    TradingSymbolStatus,
    owned_status,
    says_the_same,
    status_document,
    status_patch,
)
from tradingsymbol_api.values import TradingStatus

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = datetime(2026, 1, 1, 13, tzinfo=UTC)
TARGET = Target("trading", "xrpusdt", "u1")
READY = Finding(ConditionType.READY, status=True, reason=OperatorReason.LEADER_READY)
TRADING = Finding(ConditionType.TRADING, status=True, reason=LeaderReason.TRADING, message="yes")
OPERATOR_PART = OperatorStatus(
    requested=TradingStatus.ON,
    symbol="XRPUSDT",
    observed_generation=3,
    leader=LeaderStatus(pod="xrpusdt-leader", uid="p1"),
)
TRADER_PART = LeaderReport(traders=2, open_orders=1, profit="0.1", quote_asset="USDT", epoch=4)


def document(status: object = None, now: datetime = NOON) -> dict[str, Any]:
    conditions = conditions_of(
        OPERATOR_FIELD_MANAGER, [READY], generation=3, now=now, status=status
    )
    return status_document(TARGET, OPERATOR_PART, conditions)


def test_every_field_and_condition_has_exactly_one_owner() -> None:
    fields = {str(field.alias) for field in TradingSymbolStatus.model_fields.values()}

    assert set(FIELD_OWNER) == fields - {"conditions"}
    assert set(CONDITION_OWNER) == set(ConditionType)
    assert {*FIELD_OWNER.values(), *CONDITION_OWNER.values()} == {
        OPERATOR_FIELD_MANAGER,
        LEADER_FIELD_MANAGER,
    }


def test_a_document_says_all_that_its_manager_has_to_say() -> None:
    assert document() == {
        "apiVersion": "tradingsymbol.dev/v1alpha1",
        "kind": "TradingSymbol",
        "metadata": {"namespace": "trading", "name": "xrpusdt", "uid": "u1"},
        "status": {
            "requested": "on",
            "symbol": "XRPUSDT",
            "observedGeneration": 3,
            "leader": {"pod": "xrpusdt-leader", "uid": "p1"},
            "conditions": [
                {
                    "type": "Ready",
                    "status": "True",
                    "observedGeneration": 3,
                    "lastTransitionTime": "2026-01-01T12:00:00Z",
                    "reason": "LeaderReady",
                    "message": "",
                }
            ],
        },
    }


def test_a_manager_with_nothing_to_say_withdraws_everything() -> None:
    assert "status" not in status_document(TARGET)


def test_the_time_of_a_condition_is_that_of_its_last_change() -> None:
    first = document()["status"]
    same = document(first, LATER)["status"]["conditions"][0]
    changed = conditions_of(
        OPERATOR_FIELD_MANAGER,
        [Finding(ConditionType.READY, status=False, reason=OperatorReason.STARTING)],
        generation=4,
        now=LATER,
        status=first,
    )[0]

    assert same["lastTransitionTime"] == "2026-01-01T12:00:00Z"
    assert changed.last_transition_time == "2026-01-01T13:00:00Z"
    assert (changed.status, changed.observed_generation) == ("False", 4)


def test_what_is_not_known_is_unknown() -> None:
    finding = Finding(ConditionType.READY, status=None, reason=OperatorReason.NODE_LOST)

    (condition,) = conditions_of(
        OPERATOR_FIELD_MANAGER, [finding], generation=1, now=NOON, status=None
    )

    assert condition.status == "Unknown"


def test_a_message_is_cut_to_what_the_schema_allows() -> None:
    finding = Finding(
        ConditionType.READY, status=True, reason=OperatorReason.STOPPED, message="x" * 40000
    )

    (condition,) = conditions_of(
        OPERATOR_FIELD_MANAGER, [finding], generation=1, now=NOON, status=None
    )

    assert len(condition.message) == MESSAGE_LENGTH_MAX


def test_nobody_writes_a_condition_of_the_other() -> None:
    with pytest.raises(ValueError, match="Trading is not symbol-operator's"):
        conditions_of(OPERATOR_FIELD_MANAGER, [TRADING], generation=1, now=NOON, status=None)


def whole_status() -> dict[str, Any]:
    """Make the status of a resource on which both managers have written."""
    trader = conditions_of(LEADER_FIELD_MANAGER, [TRADING], generation=3, now=NOON, status=None)
    theirs = status_document(TARGET, TRADER_PART, trader)["status"]
    ours = document()["status"]
    return {**ours, **theirs, "conditions": [*theirs["conditions"], *ours["conditions"]]}


def test_each_manager_finds_its_own_part_in_the_whole() -> None:
    assert owned_status(OPERATOR_FIELD_MANAGER, whole_status()) == document()["status"]
    assert owned_status(LEADER_FIELD_MANAGER, whole_status())["profit"] == "0.1"
    assert owned_status(LEADER_FIELD_MANAGER, document()["status"]) == {}
    assert owned_status(LEADER_FIELD_MANAGER, None) == {}


def test_a_document_that_changes_nothing_is_recognised() -> None:
    status = whole_status()

    assert says_the_same(OPERATOR_FIELD_MANAGER, document(status, LATER), status)
    assert not says_the_same(OPERATOR_FIELD_MANAGER, document(), None)
    assert not says_the_same(OPERATOR_FIELD_MANAGER, document(), {**status, "symbol": "ETHUSDT"})
    assert not says_the_same(LEADER_FIELD_MANAGER, status_document(TARGET), status)
    assert says_the_same(LEADER_FIELD_MANAGER, status_document(TARGET), document()["status"])


def test_a_field_that_was_withdrawn_is_a_change() -> None:
    gone = OPERATOR_PART.model_copy(update={"leader": None})
    conditions = conditions_of(OPERATOR_FIELD_MANAGER, [READY], generation=3, now=NOON, status=None)
    without = status_document(TARGET, gone, conditions)

    assert "leader" not in without["status"]
    assert not says_the_same(OPERATOR_FIELD_MANAGER, without, whole_status())


def patched(withdrawn: bool, **present: Any) -> dict[str, Any]:
    """Make the operator's patch for a resource with this status besides the usual one."""
    seen = {"metadata": {"resourceVersion": "7"}, "status": {**whole_status(), **present}}
    return status_patch(document(), seen, withdrawn=withdrawn)


def test_a_patch_is_for_the_version_that_was_seen() -> None:
    expected = {**document()["metadata"], "resourceVersion": "7"}

    assert patched(withdrawn=False)["metadata"] == expected


def test_a_patch_leaves_a_leaders_report_alone() -> None:
    patch = patched(withdrawn=False)["status"]

    theirs = whole_status()["conditions"][0]
    assert patch["conditions"] == [theirs, *document()["status"]["conditions"]]
    assert not set(owned_status(LEADER_FIELD_MANAGER, whole_status())) & set(patch) - {"conditions"}


def test_a_patch_withdraws_a_leaders_report_and_keeps_its_ledger() -> None:
    patch = patched(withdrawn=True, traders=3, quoteAsset="USDT", unvaluedFees={"BNB": "1"})[
        "status"
    ]

    assert patch["traders"] is None
    assert not {"profit", "quoteAsset", "unvaluedFees"} & patch.keys()
    assert patch["conditions"] == document()["status"]["conditions"]


def test_a_patch_removes_what_the_operator_no_longer_says() -> None:
    """An object is merged, so what it lacks has to be named."""
    seen = {"metadata": {"resourceVersion": "7"}, "status": whole_status()}
    without = status_document(TARGET, OPERATOR_PART.model_copy(update={"leader": None}))

    assert status_patch(without, seen, withdrawn=False)["status"]["leader"] is None
    assert patched(withdrawn=False)["status"]["leader"].get("node", "") is None


def test_a_patch_takes_away_conditions_that_are_nobodys() -> None:
    junk = [*whole_status()["conditions"], {"type": "Rich"}, "odd"]
    kinds = [c["type"] for c in patched(withdrawn=False, conditions=junk)["status"]["conditions"]]

    assert kinds == ["Trading", "Ready"]


def test_the_runbook_has_a_section_for_each_reason() -> None:
    text = (Path(__file__).parents[3] / "docs" / "how-to" / "runbook.md").read_text()
    sections = [line.removeprefix("### ") for line in text.splitlines() if line[:4] == "### "]
    assert sorted(sections) == sorted([*OperatorReason, *LeaderReason])
