"""`kubectl trading` on a real cluster: kubectl finds it, and it does what it says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kind.kubectl import KUBECONFIG, STATE, Kubectl, eventually, manifest
from kind.trading import wait_until_trading

SCRIPTS = Path(sys.executable).parent
"""Where the environment's console scripts are."""
SHORT = {"deadline": "5s"}


def trading(kubectl: Kubectl, *arguments: str) -> tuple[int, list[str]]:
    """Run `kubectl trading`; returns its exit code and what it said, line by line."""
    path = os.pathsep.join([str(SCRIPTS), str(STATE / "bin"), os.environ["PATH"]])
    done = subprocess.run(
        ["kubectl", "trading", *arguments, "--namespace", kubectl.namespace],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=180,
        check=False,
        env=os.environ | {"PATH": path, "KUBECONFIG": str(KUBECONFIG)},
    )
    return done.returncode, done.stdout.splitlines()


@pytest.mark.usefixtures("real_operator")
def test_a_symbols_life_by_kubectl_trading(home: Kubectl) -> None:
    """Started, looked at, audited and shut down; asked twice, it says that it is so already."""
    home.apply(manifest("ton", symbol="TONUSDT", shutdown=SHORT))

    assert trading(home, "start", "ton") == (0, ["ton: starting trading"])
    wait_until_trading(home, "ton")
    assert trading(home, "start", "ton") == (0, ["ton: already started"])
    code, lines = trading(home, "status", "ton")
    assert code == 0, lines
    assert lines[1].split()[:3] == ["ton", "on", "yes"]
    code, lines = trading(home, "audit", "ton")
    assert code == 0, lines
    assert "TONUSDT" in "".join(lines)

    code, lines = trading(home, "shutdown", "ton", "--wait", "--timeout", "2m")
    assert code == 0, lines
    assert lines[0] == "ton: shutdown initiated"
    assert lines[-1] == "ton: shutdown is done: off"
    assert trading(home, "stop", "ton") == (0, ["ton: already stopped"])
    eventually(lambda: trading(home, "status", "ton")[0] == 0, what="off is as asked")
    home.run("delete", "tradingsymbol", "ton", "--timeout=60s")


def test_what_cannot_be_done_is_said(kubectl: Kubectl) -> None:
    kubectl.apply(manifest("there", "off"))
    code, lines = trading(kubectl, "start", "ther")
    assert code == 1
    assert lines[0].startswith("Error: no TradingSymbol is named ther in namespace")
    assert "there" in lines[0].partition("; there are: ")[2]
    code, lines = trading(kubectl, "audit", "there")
    assert (code, lines) == (
        1,
        ["Error: there: the audit runs in the leader pod: start one first"],
    )
    code, lines = trading(kubectl, "status", "--context", "nosuch")
    assert code == 1
    assert lines[0].startswith("Error: no cluster to connect to: ")
    kubectl.run("delete", "tradingsymbol", "there")
