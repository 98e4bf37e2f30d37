"""How long a symbol goes without its leader: killed in its container, and lost with its node."""

import re
import signal
import statistics
import time
from datetime import datetime
from typing import Any

from kind.kubectl import Kubectl, eventually, manifest
from kind.machines import FROZEN, WORKERS, away, kill_leader, leaders_on_both_workers, let_in, node
from kind.operating import OperatorProcess
from kind.trading import Platform, wait_until_trading

TRADING = re.compile(r"^(\S+) .*starting trading", re.MULTILINE)
WITHIN_S = 240


def killed(home: Kubectl, names: list[str]) -> list[float]:
    """Kill each leader once; returns seconds from the container's start to trading.

    The kubelet gives the start in whole seconds, rounded down: the figures are up to one too long.
    """
    return [_killed(home, name) for name in names]


def _killed(home: Kubectl, name: str) -> float:
    pod: Any = home.leader(name)
    before = pod["status"]["containerStatuses"][0]["restartCount"]
    kill_leader(name, home.namespace)

    def restarted() -> datetime | None:
        (container,) = (home.leader(name) or {})["status"]["containerStatuses"]
        running = container["state"].get("running")
        if container["restartCount"] == before or not running:
            return None
        return datetime.fromisoformat(running["startedAt"])

    started = eventually(restarted, within=WITHIN_S)
    assert started
    log = eventually(lambda: TRADING.search(_log(home, name)), within=WITHIN_S)
    assert log
    return (datetime.fromisoformat(log[1][:26] + "+00:00") - started).total_seconds()


def operator_killed(home: Kubectl, operator: OperatorProcess, symbol: str) -> float:
    """Kill the operator and start it; seconds until what was asked meanwhile has a leader pod."""
    name = symbol.lower()
    operator.end(signal.SIGKILL)
    home.apply(manifest(name, "on", symbol=f"{symbol}USDT"))
    before = time.monotonic()
    operator.start()
    eventually(lambda: home.leader(name), within=WITHIN_S)
    return time.monotonic() - before


def _log(home: Kubectl, name: str) -> str:
    return home.run("logs", "--timestamps", f"{name}-leader")


def frozen(home: Kubectl, made: Platform, operator: OperatorProcess, symbol: str) -> float:
    """Freeze a leader's node; seconds from NotReady to the first order of the next leader."""
    name = symbol.lower()
    with leaders_on_both_workers(operator) as losable:
        home.apply(manifest(name, "on", symbol=f"{symbol}USDT", maxBuyAge="5s"))
        wait_until_trading(home, name)
        former = home.symbol(name)["status"]["epoch"]
        let_in(node("platform"))
        with away(losable, FROZEN):
            first = eventually(lambda: _first_order(made, symbol, former), within=WITHIN_S)
            not_ready = _not_ready_since(losable)
        assert first
    return (first - not_ready).total_seconds()


def _first_order(made: Platform, symbol: str, former: int) -> datetime | None:
    text = "SELECT min(committed_at) FROM orders WHERE symbol = $1 AND epoch > $2"
    found: datetime | None = made.query(text, f"{symbol}USDT", former)[0][0]
    return found


def _not_ready_since(name: str) -> datetime:
    found = WORKERS.find("node", name)
    assert found
    (ready,) = [each for each in found["status"]["conditions"] if each["type"] == "Ready"]
    assert ready["status"] != "True"
    return datetime.fromisoformat(ready["lastTransitionTime"])


def rows(killed_s: list[float], operator_s: float, frozen_s: float) -> list[tuple[str, str, str]]:
    """Put all into the table."""
    median, most = statistics.median(killed_s), max(killed_s)
    return [
        ("leader killed, container back to trading, p50", f"{median:.1f} s", ""),
        ("leader killed, container back to trading, max", f"{most:.1f} s", "goal: 5 s"),
        ("operator killed, started, and caught up", f"{operator_s:.1f} s", "goal: 5 s"),
        ("node NotReady to trading elsewhere", f"{frozen_s:.1f} s", "goal: 60 s"),
    ]
