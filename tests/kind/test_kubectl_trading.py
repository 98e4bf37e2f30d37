"""`kubectl trading` on a real cluster: kubectl finds it, and it does what it says."""

import json

import pytest

from kind.kubectl import Kubectl, condition, eventually, kubectl_trading, manifest
from kind.trading import wait_until_trading

SHORT = {"deadline": "5s"}


@pytest.mark.usefixtures("real_operator")
def test_a_symbols_life_by_kubectl_trading(home: Kubectl) -> None:
    """Started, looked at, audited and shut down; asked twice, it says that it is so already."""
    home.apply(manifest("ton", symbol="TONUSDT", shutdown=SHORT))

    assert kubectl_trading(home, "start", "ton") == (0, ["ton: starting trading"])
    wait_until_trading(home, "ton")
    assert kubectl_trading(home, "start", "ton") == (0, ["ton: already started"])
    code, lines = kubectl_trading(home, "status", "ton")
    assert code == 0, lines
    assert lines[1].split()[:3] == ["ton", "on", "yes"]
    code, lines = kubectl_trading(home, "status", "ton", "-o", "json")
    assert (code, json.loads("\n".join(lines))["spec"]["symbol"]) == (0, "TONUSDT")
    code, lines = kubectl_trading(home, "explain", "ton")
    assert code == 0, lines
    assert lines[3].startswith("  on, as kubectl-trading wrote at ")
    assert [line for line in lines if "LeaderStarted" in line], lines
    assert lines[lines.index("Story:") + 1 :], lines
    code, lines = kubectl_trading(home, "logs", "ton", "--tail", "3")
    assert (code, len(lines)) == (0, 3)
    assert not [line for line in lines if line.startswith("{")], "it is readable"
    code, lines = kubectl_trading(home, "audit", "ton")
    assert code == 0, lines
    assert "TONUSDT" in "".join(lines)

    code, lines = kubectl_trading(home, "shutdown", "ton", "--wait", "--timeout", "2m")
    assert code == 0, lines
    assert lines[0] == "ton: shutdown initiated"
    assert lines[-1] == "ton: shutdown is done: off"
    assert kubectl_trading(home, "stop", "ton") == (0, ["ton: already stopped"])
    eventually(lambda: kubectl_trading(home, "status", "ton")[0] == 0, what="off is as asked")
    home.run("delete", "tradingsymbol", "ton", "--timeout=60s")


@pytest.mark.usefixtures("real_operator")
def test_a_symbol_whose_owner_is_gone_is_taken_over(home: Kubectl) -> None:
    """Its orders rest and belong to the deleted resource until a person says who goes on."""
    home.apply(manifest("first", "on", symbol="TONUSDT"))
    wait_until_trading(home, "first")
    eventually(lambda: home.symbol("first")["status"].get("openOrders"), what="an order rests")
    home.apply(manifest("second", "on", symbol="TONUSDT", shutdown=SHORT))
    eventually(
        lambda: condition(home.symbol("second"), "Degraded").get("reason") == "OwnedByAnother"
    )
    code, lines = kubectl_trading(home, "takeover", "second")
    assert code == 1
    assert "is there, and is to be on" in lines[0]

    home.run("delete", "tradingsymbol", "first", "--timeout=60s")
    code, lines = kubectl_trading(home, "explain", "second")
    assert code == 0, lines
    command = f"kubectl trading takeover --namespace {home.namespace} second"
    assert f"  {command}" in lines
    code, lines = kubectl_trading(home, *command.split()[2:])
    assert code == 0, lines
    wait_until_trading(home, "second")
    code, lines = kubectl_trading(home, "shutdown", "second", "--wait", "--timeout", "2m")
    assert code == 0, lines
    home.run("delete", "tradingsymbol", "second", "--timeout=60s")


def test_what_cannot_be_done_is_said(kubectl: Kubectl) -> None:
    kubectl.apply(manifest("there", "off"))
    code, lines = kubectl_trading(kubectl, "start", "ther")
    assert code == 1
    assert lines[0].startswith("Error: no TradingSymbol is named ther in namespace")
    assert "there" in lines[0].partition("; there are: ")[2]
    code, lines = kubectl_trading(kubectl, "audit", "there")
    assert (code, lines) == (
        1,
        ["Error: there: the audit runs in the leader pod: start one first"],
    )
    code, lines = kubectl_trading(kubectl, "status", "--context", "nosuch")
    assert code == 1
    assert lines[0].startswith("Error: no cluster to connect to: ")
    code, lines = kubectl_trading(Kubectl("nosuch"), "status")
    assert (code, lines) == (1, ["Error: there is no namespace nosuch"])
    code, lines = kubectl_trading(kubectl, "status", "there", "--as", "nobody")
    assert code == 1
    assert 'User "nobody" cannot get resource "tradingsymbols"' in lines[0]
    kubectl.run("delete", "tradingsymbol", "there")
