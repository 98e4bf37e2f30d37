"""From what is to be said of a TradingLimit to its status."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from kubernetes.aio.client.api.custom_objects_api import CustomObjectsApi
from kubernetes.aio.client.exceptions import ApiException

from symbol_trader.core.limits import Halt, LimitInForce, LimitReport, LimitUsed, OnLimit
from symbol_trader.errors import ApiServerUnavailable
from symbol_trader.resource.limit_status import limit_document
from unit.core.builders import D
from unit.resource.test_limits import limit, resource

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
REPORT = LimitReport(
    LimitInForce("a", 3, "c", "trading", "limit-a"),
    "paper",
    "4711",
    5,
    4,
    (
        LimitUsed("maxExposure", "USDT", D("20.50"), D(50)),
        LimitUsed("maxOpenCycles", "", D(1), D(3)),
    ),
    (),
)
HALT = Halt("a person says so", 1_767_225_600_000, OnLimit.NO_BUYS)


def conditions(report: LimitReport, present: dict[str, Any] | None = None) -> dict[str, Any]:
    found = limit_document(report, NOW, present or {})["status"]["conditions"]
    return {one["type"]: one for one in found}


def test_the_status_says_what_is_used_by_whom() -> None:
    document = limit_document(REPORT, NOW, {})
    assert document["metadata"] == {"namespace": "trading", "name": "limit-a", "uid": "a"}
    status = document["status"]
    assert (status["leaders"], status["leadersHeard"], status["account"]) == (5, 4, "4711")
    assert status["observedGeneration"] == 3
    assert status["usage"] == [
        {
            "limit": "maxExposure",
            "quoteAsset": "USDT",
            "used": "20.5",
            "left": "29.5",
            "most": "50",
        },
        {"limit": "maxOpenCycles", "quoteAsset": "", "used": "1", "left": "2", "most": "3"},
    ]


def test_conditions_say_that_all_is_well() -> None:
    found = conditions(REPORT)
    assert {kind: one["status"] for kind, one in found.items()} == {
        "Halted": "False",
        "Reached": "False",
        "Overlaps": "False",
    }


def test_a_halt_is_said_with_its_reason() -> None:
    found = conditions(replace(REPORT, halts=(HALT,)))["Halted"]
    assert (found["status"], found["reason"]) == ("True", "Halted")
    assert found["message"] == "buys are halted since 2026-01-01T00:00:00Z: a person says so"


@pytest.mark.parametrize(
    "usage",
    [
        LimitUsed("maxExposure", "USDT", D(60), D(50)),
        LimitUsed("maxExposure", "USDT", D(1), D(50), "2026-01-01T00:00:00Z"),
    ],
    ids=["nothing is left", "halted by it since"],
)
def test_a_limit_that_is_reached_is_named(usage: LimitUsed) -> None:
    found = conditions(replace(REPORT, usage=(usage,)))["Reached"]
    assert (found["status"], found["message"]) == ("True", "maxExposure USDT")


def test_limits_that_overlap_name_each_other() -> None:
    found = conditions(replace(REPORT, others=("trading/second",)))["Overlaps"]
    assert found["status"] == "True"
    assert "trading/second" in found["message"]


def test_a_condition_keeps_the_time_of_its_last_change() -> None:
    before = limit_document(REPORT, datetime(2026, 1, 1, tzinfo=UTC), {})["status"]
    found = conditions(replace(REPORT, halts=(HALT,)), before)
    assert found["Reached"]["lastTransitionTime"] == "2026-01-01T00:00:00Z"
    assert found["Halted"]["lastTransitionTime"] == "2026-01-02T03:04:05Z"


async def test_a_status_is_written_once_and_a_failure_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written: list[dict[str, Any]] = []

    async def patch(_: object, *, body: dict[str, Any], **_call: Any) -> None:
        if written:
            raise ApiException(500, "it fails")
        written.append(body)

    monkeypatch.setattr(CustomObjectsApi, "patch_namespaced_custom_object_status", patch)
    made = resource()
    made._limits.seen = {"a": limit("a")}
    await made.report_limit(REPORT)
    made._limits.seen = {"a": limit("a") | {"status": written[0]["status"]}}
    await made.report_limit(REPORT)
    assert len(written) == 1
    with pytest.raises(ApiServerUnavailable):
        await made.report_limit(replace(REPORT, leaders=6))
