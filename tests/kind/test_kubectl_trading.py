"""`kubectl trading` on a real cluster: kubectl finds it, and it does what it says."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from kind.kubectl import (
    SCRIPTS,
    Kubectl,
    condition,
    eventually,
    kubectl_trading,
    manifest,
    plug_in,
)
from kind.trading import wait_until_trading
from support.krew_archive import MACHINES_PYTHON, make, unpack

SHORT = {"deadline": "5s"}
JANE = ("--as", "jane")
ONE_NAME = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: one-name}
rules:
- apiGroups: [tradingsymbol.dev]
  resources: [tradingsymbols, tradinglimits]
  resourceNames: [mine]
  verbs: [get, patch]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: one-name}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: one-name}
subjects:
- {kind: User, apiGroup: rbac.authorization.k8s.io, name: jane}
"""
LIMIT = """
apiVersion: tradingsymbol.dev/v1alpha1
kind: TradingLimit
metadata: {name: mine}
spec: {exchange: paper, maxOpenCycles: 40}
"""


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
    code, lines = kubectl_trading(home, "events", "ton")
    assert (code, lines[0].split()[:3]) == (0, ["LAST", "SEEN", "TYPE"])
    assert [line for line in lines if "LeaderStarted" in line and "tradingsymbol/ton" in line]
    assert [line for line in lines if "pod/ton-leader" in line], lines
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


@pytest.fixture
def mine(kubectl: Kubectl) -> Iterator[Kubectl]:
    """Let jane get and patch the symbol and the limit `mine`, and nothing else."""
    kubectl.apply(ONE_NAME)
    kubectl.apply(LIMIT)
    for name in ("mine", "theirs"):
        kubectl.apply(manifest(name, "off"))
    yield kubectl
    kubectl.run("delete", "tradingsymbol", "mine", "theirs")
    kubectl.run("delete", "tradinglimit", "mine")
    kubectl.run("delete", "role,rolebinding", "one-name")


def test_a_symbol_takes_get_and_patch_of_its_name(mine: Kubectl) -> None:
    assert kubectl_trading(mine, "start", "mine", *JANE) == (0, ["mine: starting trading"])
    assert mine.symbol("mine")["spec"]["status"] == "on"
    _, lines = kubectl_trading(mine, "status", "mine", *JANE)
    assert lines[1].split()[:2] == ["mine", "on"]
    _, lines = kubectl_trading(mine, "status", "mine", "-o", "name", *JANE)
    assert lines[0] == "tradingsymbol.tradingsymbol.dev/mine"
    code, lines = kubectl_trading(mine, "shutdown", "mine", *JANE)
    assert (code, lines[0]) == (0, "mine: shutdown initiated")
    code, lines = kubectl_trading(mine, "stop", "mine", *JANE)
    assert (code, lines[0]) == (0, "mine: stopping trading")

    for refused, verb in ((("start", "theirs"), "get"), (("stop", "--all"), "list")):
        code, lines = kubectl_trading(mine, *refused, *JANE)
        assert code == 1
        assert f'User "jane" cannot {verb} resource "tradingsymbols"' in lines[0]
    assert mine.symbol("theirs")["metadata"]["generation"] == 1


def test_what_jane_may_not_look_at_is_named(mine: Kubectl) -> None:
    code, lines = kubectl_trading(mine, "explain", "mine", *JANE)
    assert code == 0, lines
    text = "\n".join(lines)
    for resource in ("tradinglimits", "events", "pods"):
        assert f'resource "{resource}"' in text
    for verb, resource in (("events", "events"), ("logs", "pods")):
        code, lines = kubectl_trading(mine, verb, "mine", *JANE)
        assert (code, f'resource "{resource}"' in lines[-1]) == (1, True), lines


def test_a_limit_takes_get_and_patch_of_its_name(mine: Kubectl) -> None:
    code, lines = kubectl_trading(mine, "limits", "mine", *JANE)
    assert (code, lines[1].split()[:2]) == (0, ["mine", "paper"])
    halted = "mine: buys are halted, once a leader of it has heard"
    assert kubectl_trading(mine, "halt", "mine", *JANE) == (0, [halted])
    code, lines = kubectl_trading(mine, "limits", "mine", "-o", "json", *JANE)
    assert (code, json.loads("\n".join(lines))["spec"]["halt"]) == (3, True)
    _, lines = kubectl_trading(mine, "explain", "mine")
    assert [line for line in lines if "halt is true, as kubectl-trading wrote at" in line], lines
    code, lines = kubectl_trading(mine, "halt", "--all", *JANE)
    assert code == 1
    assert 'User "jane" cannot list resource "tradinglimits"' in lines[0]
    resumed = "mine: buys go on, and losses count from now"
    assert kubectl_trading(mine, "resume", "mine", *JANE) == (0, [resumed])


def test_what_krew_installs_runs(kubectl: Kubectl, tmp_path: Path) -> None:
    """By the machine's Python, which has none of our packages, and by krew's name for it."""
    make(tmp_path)
    path = (unpack(tmp_path).parent, MACHINES_PYTHON)
    kubectl.apply(manifest("krewed", "off"))
    where = ("--namespace", kubectl.namespace)
    _, lines = plug_in("trading-symbols", *where, "status", "krewed", path=path)
    assert lines[1].split()[:2] == ["krewed", "off"]
    code, lines = plug_in("trading-symbols", *where, "start", "krewed", path=path)
    assert (code, lines[0]) == (0, "krewed: starting trading")
    code, lines = plug_in("trading-symbols", *where, "stop", "krewed", path=path)
    assert (code, lines[0]) == (0, "krewed: stopping trading")
    code, lines = plug_in("trading-symbols", *where, "explain", "krewed", path=path)
    assert code == 0, lines
    kubectl.run("delete", "tradingsymbol", "krewed")


def test_kubectl_completes_names(kubectl: Kubectl, tmp_path: Path) -> None:
    kubectl.apply(manifest("completed", "off"))
    code, lines = plug_in("trading", "completion", "kubectl")
    assert code == 0
    hook = tmp_path / "kubectl_complete-trading"
    hook.write_text("\n".join([*lines, ""]))
    hook.chmod(0o755)
    words = ("__complete", "trading", "stop", "--namespace", kubectl.namespace, "compl")
    _, lines = plug_in(*words, path=(tmp_path, SCRIPTS))
    assert lines[lines.index(":4") - 1] == "completed"
    kubectl.run("delete", "tradingsymbol", "completed")
