"""The alert rules, in Prometheus' own judgement: they fire when they should, and only then."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.prometheus import find_programs
from symbol_operator.runtime.metrics import Metrics as OperatorMetrics
from symbol_trader.runtime.metrics import Metrics as LeaderMetrics

PROJECT = Path(__file__).parents[2]
ALERTS = PROJECT / "manifests" / "components" / "alerts" / "alerts.yaml"
RUNBOOK = PROJECT / "docs" / "how-to" / "runbook.md"

LOST = "RecordRolledBack"
OPERATOR = {"namespace": "trading-system", "job": "symbol-operator"}


def rules() -> dict[str, Any]:
    spec: dict[str, Any] = yaml.safe_load(ALERTS.read_text())["spec"]
    return spec


def alerts() -> list[dict[str, Any]]:
    return [rule for group in rules()["groups"] for rule in group["rules"]]


def promtool(*arguments: str | Path, given: str = "") -> str:
    """Run it; returns what it has to say."""
    done = subprocess.run(
        [find_programs() / "promtool", *arguments],
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def series(name: str, **labels: str) -> str:
    told = ",".join(f'{key}="{value}"' for key, value in labels.items())
    return f"{name}{{{told}}}"


RESYNC = series("symbol_operator_resync_age_seconds", **OPERATOR)
ERRORS = series("symbol_operator_reconciles_total", result="error", **OPERATOR)
STALLED = series("symbol_operator_symbols_stalled", namespace="trading")
WANTED = series("symbol_operator_leaders_wanted", namespace="trading")
LEADERS = series("symbol_operator_leaders", namespace="trading")
XRP = {"namespace": "trading", "symbol": "XRPUSDT"}
SERVED = series("symbol_operator_namespace_served", namespace="trading")
OTHER = series("symbol_operator_namespace_served", namespace="other")
ACTING = series("symbol_operator_acting", **OPERATOR)
WAITED = {
    le: series("symbol_operator_workqueue_queue_duration_seconds_bucket", le=le, **OPERATOR)
    for le in ("30.0", "60.0", "+Inf")
}
STANDBY = series("symbol_operator_acting", **OPERATOR | {"pod": "second"})
WELL = {
    RESYNC: "10x2000",
    WANTED: "2x2000",
    LEADERS: "2x2000",
    STALLED: "0x2000",
    SERVED: "1x2000",
    ACTING: "1x2000",
    STANDBY: "0x2000",
}


def degraded(reason: str) -> str:
    return series("symbol_trader_degraded", reason=reason, **XRP)


CASES: list[tuple[str, dict[str, str], str, str]] = [
    ("TradingOperatorAbsent", {}, "4m", "6m"),
    ("TradingOperatorStuck", WELL | {RESYNC: "0+60x60"}, "24m", "27m"),
    ("TradingOperatorStandsBy", WELL | {ACTING: "0x60"}, "90s", "3m"),
    ("TradingNamespaceNotServed", WELL | {OTHER: "0x60"}, "4m", "6m"),
    ("TradingOperatorErrors", WELL | {ERRORS: "0+1x60"}, "12m", "20m"),
    (
        "TradingOperatorSlow",
        WELL | dict(zip(WAITED.values(), ("0+9x60", "0+10x60", "0+10x60"), strict=True)),
        "9m",
        "13m",
    ),
    ("TradingSymbolStalled", WELL | {STALLED: "1x60"}, "9m", "11m"),
    ("TradingLeaderMissing", WELL | {LEADERS: "1x60"}, "9m", "11m"),
    ("TradingRecordInDoubt", WELL | {degraded(LOST): "1x60"}, "30s", "2m"),
    ("TradingDegraded", WELL | {degraded("OrderUnknown"): "1x60"}, "9m", "11m"),
    ("TradingBuysHalted", WELL | {degraded("BuysHalted"): "1x60"}, "30s", "2m"),
    (
        "TradingOrdersRefused",
        WELL | {series("symbol_trader_orders_refused_total", **XRP): "0+1x60"},
        "10m",
        "25m",
    ),
    (
        "TradingShutdownTakesLong",
        WELL | {series("symbol_trader_draining", **XRP): "0x60 1x2000"},
        "24h",
        "26h",
    ),
]
"""Alert, what Prometheus sees (a value each minute), when it is silent, when it fires."""

QUIET: list[tuple[str, dict[str, str]]] = [
    ("TradingDegraded", WELL | {degraded("SellsAtLoss"): "1x2000"}),
    ("TradingDegraded", WELL | {degraded(LOST): "1x2000"}),
    ("TradingDegraded", WELL | {degraded("BuysHalted"): "1x2000"}),
    ("TradingDegraded", WELL | {degraded("LimitReached"): "1x2000"}),
    ("TradingOperatorAbsent", WELL),
    ("TradingOperatorStandsBy", WELL | {ACTING: "1 0 0x2000", STANDBY: "0 0 1x2000"}),
    ("TradingNamespaceNotServed", WELL | {OTHER: "0 0 0 1x2000"}),
    ("TradingOperatorSlow", WELL | dict.fromkeys(WAITED.values(), "0+10x2000")),
    ("TradingOperatorSlow", WELL | dict.fromkeys(WAITED.values(), "5x2000")),
    ("TradingLeaderMissing", WELL | {LEADERS: "3x2000"}),
]
"""Alert, and what must not set it off."""


def judge(folder: Path, seen: dict[str, str], *expected: dict[str, Any]) -> None:
    """Let promtool play a history and compare the alerts."""
    (folder / "rules.yaml").write_text(yaml.safe_dump(rules()))
    case = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in seen.items()],
        "alert_rule_test": list(expected),
    }
    document = {"rule_files": ["rules.yaml"], "evaluation_interval": "30s", "tests": [case]}
    (folder / "test.yaml").write_text(yaml.safe_dump(document))
    promtool("test", "rules", folder / "test.yaml")


def silent(alert: str, at: str) -> dict[str, Any]:
    return {"eval_time": at, "alertname": alert, "exp_alerts": []}


def test_the_rules_are_ones_that_prometheus_takes(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(rules()))
    promtool("check", "rules", tmp_path / "rules.yaml")


@pytest.mark.parametrize(
    "metrics", [OperatorMetrics().render(), LeaderMetrics("XRPUSDT", "paper", lambda: 0).text()]
)
def test_the_metrics_are_ones_that_prometheus_finds_no_fault_with(metrics: bytes) -> None:
    """It would find names without a unit, counters without `_total` and the like."""
    assert promtool("check", "metrics", given=metrics.decode()) == ""


def test_each_alert_has_a_case() -> None:
    assert {name for name, *_ in CASES} == {alert["alert"] for alert in alerts()}


@pytest.mark.parametrize(("alert", "seen", "before", "after"), CASES, ids=[c[0] for c in CASES])
def test_it_fires_after_its_time_and_not_before(
    tmp_path: Path, alert: str, seen: dict[str, str], before: str, after: str
) -> None:
    judge(tmp_path, seen, silent(alert, before))
    with pytest.raises(AssertionError, match="FAILED"):
        judge(tmp_path, seen, silent(alert, after))


@pytest.mark.parametrize(("alert", "seen"), QUIET)
def test_it_is_silent_about_what_is_no_trouble(
    tmp_path: Path, alert: str, seen: dict[str, str]
) -> None:
    judge(tmp_path, seen, silent(alert, "30h"))


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_it_says_what_it_is_about_and_leads_to_a_page(alert: dict[str, Any]) -> None:
    notes = alert["annotations"]
    assert alert["labels"]["severity"] in {"critical", "warning", "info"}
    assert notes["summary"]
    assert notes["description"]
    page, _, anchor = notes["runbook"].partition("#")
    assert page == "docs/how-to/runbook.md"
    titles = [line.lstrip("# ") for line in RUNBOOK.read_text().splitlines() if line[:1] == "#"]
    anchors = {title.lower().replace(",", "").replace(" ", "-") for title in titles}
    assert anchor in anchors
