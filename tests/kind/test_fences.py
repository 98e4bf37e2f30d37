"""A node is cut off from the API server, and its leaders trade on until they are fenced."""

from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from kind.kubectl import Kubectl, condition, eventually, manifest
from kind.machines import cordoned, cut_off, let_in, node
from kind.operating import OperatorProcess
from kind.test_losses import NOTICED_S, audit, orders_after_their_epoch, remove
from kind.test_transitions import ACTIONS, AT_ONCE, SETTLE_S, phase, settled, step
from kind.trading import Platform, wait_until_trading
from tradingsymbol_api.names import LABEL_FENCES

pytestmark = [pytest.mark.timeout(900), pytest.mark.alone]

RUNS = {"fil": "FILUSDT", "near": "NEARUSDT", "algo": "ALGOUSDT"}
FENCED_S = 120.0
"""Once the node is called lost: the pod has its time to end, and the fence to start and to wait."""


def ready(kubectl: Kubectl, name: str) -> dict[str, Any]:
    return condition(kubectl.symbol(name), "Ready")


def fences(kubectl: Kubectl) -> list[str]:
    return [pod["metadata"]["name"] for pod in kubectl.list("pods", "-l", LABEL_FENCES)]


def told_of_the_namespace(kubectl: Kubectl) -> dict[str, list[str]]:
    """Read the Events about the namespace: notes by reason."""
    regarding = f"regarding.name={kubectl.namespace},regarding.kind=Namespace"
    notes: dict[str, list[str]] = {}
    for event in kubectl.list("events.events.k8s.io", "--field-selector", regarding):
        notes.setdefault(event["reason"], []).append(event["note"])
    return notes


def orders(record: Platform, symbol: str) -> int:
    found: int = record.query("SELECT count(*) FROM orders WHERE symbol = $1", symbol)[0][0]
    return found


def swept(record: Platform, symbol: str) -> int:
    """Let the market fill what rests, and count the orders: a leader that trades places more."""
    record.sweep(symbol)
    return orders(record, symbol)


def epochs_of_fences(record: Platform, symbol: str) -> int:
    query = "SELECT count(*) FROM epochs WHERE symbol = $1 AND pod LIKE 'fence of %'"
    found: int = record.query(query, symbol)[0][0]
    return found


def test_off_and_deleted_are_true_once_the_lost_leader_can_trade_no_more(
    home: Kubectl, record: Platform, tmp_path: Path, real_operator: OperatorProcess
) -> None:
    """One is switched off, one deleted, one switched off when its successor finds no node."""
    for name, symbol in RUNS.items():
        home.apply(manifest(name, "on", symbol=symbol, maxBuyAge="5s"))
    for name in RUNS:
        wait_until_trading(home, name)
    lost = {name: (home.leader(name) or {})["metadata"]["uid"] for name in RUNS}
    with cut_off(node("trading")), cordoned(node("platform")):
        home.patch("fil", "off")
        home.run("delete", "tradingsymbol", "near", "--wait=false")
        before = {name: orders(record, symbol) for name, symbol in RUNS.items()}
        for name, symbol in RUNS.items():
            eventually(
                lambda: swept(record, symbol) > before[name],  # noqa: B023 - asked at once
                what=f"{name} trades on, whatever was asked",
            )
        eventually(
            lambda: (home.leader("algo") or {}).get("metadata", {}).get("uid") != lost["algo"],
            within=NOTICED_S,
            what="the leader of algo is given up",
        )
        home.patch("algo", "off")
        # As long as no node takes the fences, nobody claims that they are off.
        for name in ("fil", "algo"):
            unfenced = lambda n=name: "available" in ready(home, n).get("message", "")  # noqa: E731 - the default binds this round's value
            eventually(unfenced, within=NOTICED_S, what=f"{name} is not fenced")
            assert ready(home, name)["reason"] == "Fencing"
            where = f"pod {name}-leader may trade on at node {node('trading')}"
            assert where in ready(home, name)["message"]
        let_in(node("platform"))
        for name in ("fil", "algo"):
            stopped = lambda n=name: ready(home, n).get("reason") == "Stopped"  # noqa: E731 - the default binds this round's value
            eventually(stopped, within=FENCED_S, what=f"{name} is off")
        eventually(lambda: not fences(home), within=FENCED_S, what="the fence of near ends")
        at_the_end = {symbol: orders(record, symbol) for symbol in RUNS.values()}
        for symbol in RUNS.values():
            assert epochs_of_fences(record, symbol) == 1
            assert orders_after_their_epoch(record, symbol) == 0
    # The node is back, and so are its leaders, if they still ran.
    eventually(lambda: all(home.leader(name) is None for name in RUNS), what="no leader is left")
    for symbol in RUNS.values():
        assert swept(record, symbol) == at_the_end[symbol]
    assert "given up" in home.events("fil")["NodeLost"]
    assert "it is fenced" in home.events("algo")["LeaderFenced"]
    told = told_of_the_namespace(home)
    assert any("near-leader" in note for note in told["NodeLost"])
    assert any("near-leader" in note for note in told["LeaderFenced"])
    # What rested on the exchange, and filled meanwhile, is taken up.
    for name, symbol in RUNS.items():
        home.apply(manifest(name, "on", symbol=symbol, maxBuyAge="5s"))
    for name, symbol in RUNS.items():
        wait_until_trading(home, name)
        assert record.books(symbol, tmp_path).differences == ()
        audit(home, name, symbol)
        remove(home, name)


@pytest.mark.usefixtures("tidy")
def test_whatever_was_asked_while_the_node_was_lost_is_the_case_in_the_end(
    kubectl: Kubectl, operator: OperatorProcess
) -> None:
    """Each step follows each other one, the second when the first has lost its pod."""
    walks = {f"lost-{number}": pair for number, pair in enumerate(product(ACTIONS, repeat=2))}
    for name in walks:
        kubectl.apply(manifest(name, "on"))
    for name in walks:
        running = lambda n=name: phase(kubectl.leader(n)) == "Running"  # noqa: E731 - the default binds this round's value
        eventually(running, what=f"{name} runs")
    lost = {name: (kubectl.leader(name) or {})["metadata"]["uid"] for name in walks}

    def given_up(name: str) -> bool:
        pod = kubectl.leader(name)
        return pod is None or pod["metadata"]["uid"] != lost[name]

    with cut_off(node("trading")), ThreadPoolExecutor(AT_ONCE) as pool:
        for number in range(2):
            asked = {name: actions[number] for name, actions in walks.items()}
            list(pool.map(lambda item: step(kubectl, *item), asked.items()))
            for name in walks:
                what = f"{name}: {asked[name]}"
                eventually(lambda n=name: given_up(n), within=NOTICED_S, what=what)  # type: ignore[misc]  # the default binds this round's value
        # No leader finds a node, and nobody needs one for these.
        for name, actions in walks.items():
            if actions[-1] in {"off", "delete"}:
                what = f"{name}: {', '.join(actions)}"
                eventually(settled(kubectl, name), within=SETTLE_S, what=what)
        eventually(lambda: not fences(kubectl), within=FENCED_S, what="all are fenced")
    for name, actions in walks.items():
        what = f"{name}: {', '.join(actions)}"
        eventually(settled(kubectl, name), within=SETTLE_S, what=what)
    assert operator.alive
