"""`kubectl trading` on a real cluster: kubectl finds it, and it does what it says."""

import pytest

from kind.kubectl import Kubectl, eventually, kubectl_trading, manifest
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
    kubectl.run("delete", "tradingsymbol", "there")
