"""The resource on a real API server: both spellings, and refusals that name the field."""

import json
from typing import Any

import pytest

from kind.kubectl import Kubectl, KubectlError, manifest


@pytest.mark.parametrize(
    ("written", "stored"),
    [("on", True), ("off", False), ('"on"', "on"), ('"off"', "off"), ("shutdown", "shutdown")],
)
def test_each_spelling_of_a_status_is_accepted(
    kubectl: Kubectl, written: str, stored: object
) -> None:
    answer = kubectl.apply(manifest("spelling", written), "--dry-run=server", "-o", "json")

    assert json.loads(answer)["spec"]["status"] == stored


def test_a_budget_is_enough(kubectl: Kubectl) -> None:
    answer = kubectl.apply(manifest("xrpusdt", symbol="XRPUSDT"), "--dry-run=server", "-o", "json")

    assert json.loads(answer)["spec"] == {
        "budget": 100,
        "buyDownInterval": "0.01%",
        "chunks": 5,
        "deletionPolicy": "Stop",
        "exchange": "paper",
        "profitInterval": "0.1%",
        "rebuyInterval": "0.1%",
        "status": "off",
        "symbol": "XRPUSDT",
        "updateStrategy": "WhenIdle",
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("budget", 0),
        ("budget", -5),
        ("budget", "0"),
        ("budget", "0.000"),
        ("budget", 1.5),
        ("budget", "1e3"),
        ("budget", 10**15),
        ("budget", "1" * 16),
        ("chunks", 0),
        ("chunks", 101),
        ("chunks", "five"),
        ("buyDownInterval", "100%"),
        ("buyDownInterval", "1.5"),
        ("buyDownInterval", "-0.1%"),
        ("buyDownInterval", 0.001),
        ("rebuyInterval", "100%"),
        ("rebuyInterval", "-0.001"),
        ("profitInterval", "100%"),
        ("profitInterval", "-100%"),
        ("maxBuyAge", "1d"),
        ("maxBuyAge", "0h"),
        ("exchange", "Paper"),
        ("exchange", ""),
        ("symbol", "xrpusdt"),
        ("symbol", "A" * 51),
        ("deletionPolicy", "Keep"),
        ("updateStrategy", "Sometimes"),
        ("shutdown", {"unfilledBuys": "Sell"}),
        ("shutdown", {"deadline": "tomorrow"}),
        ("shutdown", {"atDeadline": "Wait"}),
    ],
)
def test_a_bad_value_is_refused_by_the_name_of_its_field(
    kubectl: Kubectl, field: str, value: object
) -> None:
    spec: dict[str, Any] = {field: value}

    with pytest.raises(KubectlError, match=rf"spec\.{field}"):
        kubectl.apply(manifest("bad", **spec), "--dry-run=server")


@pytest.mark.parametrize("written", ["banana", '"ON"', "1", '""', "[on]", '"true"'])
def test_any_other_status_is_refused_with_the_choices(kubectl: Kubectl, written: str) -> None:
    with pytest.raises(KubectlError, match=r'spec\.status: .* "on", "off", "shutdown"'):
        kubectl.apply(manifest("bad", written), "--dry-run=server")


@pytest.mark.parametrize("value", ["0", "0%", "99.9%", "0.999"])
@pytest.mark.parametrize("field", ["buyDownInterval", "rebuyInterval", "profitInterval"])
def test_values_at_the_bounds_are_accepted(kubectl: Kubectl, field: str, value: str) -> None:
    kubectl.apply(manifest("good", **{field: value}), "--dry-run=server")


def test_a_loss_may_be_asked_for(kubectl: Kubectl) -> None:
    kubectl.apply(manifest("good", profitInterval="-99.9%"), "--dry-run=server")


def test_a_misspelt_field_is_refused(kubectl: Kubectl) -> None:
    with pytest.raises(KubectlError, match=r"spec\.bugdet"):
        kubectl.apply(manifest("bad", bugdet=5), "--dry-run=server")


@pytest.mark.parametrize("name", ["a.b", "a" * 53])
def test_a_name_that_no_leader_pod_could_have_is_refused(kubectl: Kubectl, name: str) -> None:
    with pytest.raises(KubectlError, match=r"metadata\.name must be at most 52"):
        kubectl.apply(manifest(name), "--dry-run=server")


def test_a_name_that_is_no_symbol_needs_one(kubectl: Kubectl) -> None:
    text = manifest("xrp-usdt").replace('  symbol: "XRPUSDT"\n', "")

    with pytest.raises(KubectlError, match=r"spec\.symbol must be given"):
        kubectl.apply(text, "--dry-run=server")


@pytest.mark.parametrize(
    "change",
    [{"symbol": "ETHUSDT"}, {"symbol": None}, {"exchange": "binance"}],
    ids=["symbol", "symbol removed", "exchange"],
)
def test_what_identifies_the_cycles_on_record_cannot_change(
    kubectl: Kubectl, change: dict[str, str | None]
) -> None:
    kubectl.apply(manifest("fixed"))
    (field,) = change

    with pytest.raises(KubectlError, match=rf"spec\.{field}: .*cannot be changed"):
        kubectl.run("patch", "tsym", "fixed", "--type", "merge", "-p", json.dumps({"spec": change}))


def test_a_symbol_that_was_left_out_cannot_be_added_later(kubectl: Kubectl) -> None:
    kubectl.apply(manifest("ethusdt").replace('  symbol: "XRPUSDT"\n', ""))

    with pytest.raises(KubectlError, match="symbol cannot be changed"):
        kubectl.apply(manifest("ethusdt", symbol="ETHUSDT"))


def test_explain_lists_the_values(kubectl: Kubectl) -> None:
    text = kubectl.run("explain", "tsym.spec.status")

    for word in ("on", "off", "shutdown", "true", "false"):
        assert f"\n    {word}\n" in text
