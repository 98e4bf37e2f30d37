"""Parts of the cluster fail while real leaders trade; afterwards the books agree."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kind.kubectl import Kubectl, condition, eventually, manifest
from kind.machines import (
    FROZEN,
    STOPPED,
    Loss,
    away,
    control_plane,
    kill_leader,
    leaders_on_both_workers,
    let_in,
    node,
)
from kind.operating import OperatorProcess
from kind.trading import SYSTEM, Platform, off_writer, wait_until_off, wait_until_trading

pytestmark = [pytest.mark.timeout(600), pytest.mark.alone]

NOTICED_S = 180.0
"""Kubernetes calls a silent node lost after 50 s; the taint is tolerated for 10 s."""
AWAY_S = 90
"""How long the API server is away: longer than any request or watch waits."""
KILLS = 3
"""In a row: the kubelet waits ever longer before it starts a container again."""


def epoch(kubectl: Kubectl, name: str) -> int:
    found: int = kubectl.symbol(name).get("status", {}).get("epoch", 0)
    return found


def node_of(kubectl: Kubectl, name: str) -> str | None:
    found: str | None = ((kubectl.leader(name) or {}).get("spec") or {}).get("nodeName")
    return found


def audit(kubectl: Kubectl, name: str, symbol: str) -> str:
    """Have the leader's own image compare exchange and record; fails if they differ."""
    return kubectl.run("exec", f"{name}-leader", "--", "symbol-trader", "audit", symbol)


def orders_after_their_epoch(record: Platform, symbol: str) -> int:
    """Count intents that were committed although a later epoch had been."""
    found: int = record.query(
        """
        SELECT count(*) FROM orders JOIN epochs USING (environment, account, symbol)
        WHERE symbol = $1 AND epochs.epoch > orders.epoch
            AND orders.committed_at > epochs.claimed_at
        """,
        symbol,
    )[0][0]
    return found


def remove(kubectl: Kubectl, name: str) -> None:
    kubectl.run("delete", "tradingsymbol", name, "--timeout=60s")
    eventually(lambda: kubectl.leader(name) is None, what="the pod goes with its resource")


@pytest.fixture
def both_workers(real_operator: OperatorProcess) -> Iterator[str]:
    """Let leaders run on both workers; returns the one that may be lost."""
    with leaders_on_both_workers(real_operator) as losable:
        yield losable


@pytest.mark.parametrize("loss", [FROZEN, STOPPED], ids=["frozen", "stopped"])
def test_the_leader_of_a_lost_node_is_replaced_elsewhere(
    home: Kubectl,
    record: Platform,
    both_workers: str,
    tmp_path: Path,
    loss: Loss,
) -> None:
    """Its epoch is over before another trades; when it thaws, it does nothing more."""
    home.apply(manifest("link", "on", symbol="LINKUSDT", maxBuyAge="5s"))
    wait_until_trading(home, "link")
    former = epoch(home, "link")
    assert node_of(home, "link") == both_workers
    let_in(node("platform"))

    with away(both_workers, loss):
        eventually(
            lambda: node_of(home, "link") not in {None, both_workers},
            within=NOTICED_S,
            what="the leader moves",
        )
        eventually(lambda: epoch(home, "link") > former, what="a new epoch")
        wait_until_trading(home, "link")
        assert "does not answer" in home.events("link")["NodeLost"]
    assert node_of(home, "link") == node("platform")
    wait_until_trading(home, "link")

    assert orders_after_their_epoch(record, "LINKUSDT") == 0
    assert record.books("LINKUSDT", tmp_path).differences == ()
    audit(home, "link", "LINKUSDT")
    remove(home, "link")


def test_a_leader_that_is_killed_again_and_again_goes_on(
    home: Kubectl, record: Platform, tmp_path: Path, real_operator: OperatorProcess
) -> None:
    """In place: the pod stays, each start takes a new epoch."""
    home.apply(manifest("avax", "on", symbol="AVAXUSDT", maxBuyAge="5s"))
    wait_until_trading(home, "avax")
    pod = home.leader("avax")
    for _ in range(KILLS):
        before = epoch(home, "avax")
        kill_leader("avax", home.namespace)
        eventually(lambda before=before: epoch(home, "avax") > before, what="a new epoch")  # type: ignore[misc]  # the default binds this round's value
        wait_until_trading(home, "avax")

    now = home.leader("avax")
    assert pod
    assert now
    assert now["metadata"]["uid"] == pod["metadata"]["uid"]
    assert record.books("AVAXUSDT", tmp_path).differences == ()
    audit(home, "avax", "AVAXUSDT")
    remove(home, "avax")


def test_trading_stops_while_the_database_is_away_and_goes_on_after_it(
    home: Kubectl, record: Platform, tmp_path: Path, real_operator: OperatorProcess
) -> None:
    """The leader does not restart; meanwhile its condition says what it waits for."""
    home.apply(manifest("trx", "on", symbol="TRXUSDT", maxBuyAge="5s"))
    wait_until_trading(home, "trx")
    pod = home.leader("trx")
    assert pod
    SYSTEM.run("scale", "statefulset/postgres", "--replicas=0")
    SYSTEM.run("delete", "pod", "postgres-0", "--grace-period=0", "--force", "--ignore-not-found")
    try:
        eventually(
            lambda: condition(home.symbol("trx"), "Degraded").get("reason") == "DatabaseUnreachable"
        )
    finally:
        SYSTEM.run("scale", "statefulset/postgres", "--replicas=1")
    eventually(lambda: condition(home.symbol("trx"), "Degraded").get("status") == "False")
    wait_until_trading(home, "trx")

    now = home.leader("trx")
    assert now
    assert now["metadata"]["uid"] == pod["metadata"]["uid"]
    assert now["status"]["containerStatuses"][0]["restartCount"] == 0
    assert record.books("TRXUSDT", tmp_path).differences == ()
    audit(home, "trx", "TRXUSDT")
    remove(home, "trx")


def test_leaders_trade_on_while_the_api_server_is_away(
    home: Kubectl, record: Platform, tmp_path: Path, real_operator: OperatorProcess
) -> None:
    """A shutdown that ends meanwhile is written off when the API server is back."""
    home.apply(manifest("atom", "on", symbol="ATOMUSDT", maxBuyAge="5s"))
    home.apply(manifest("xlm", "on", symbol="XLMUSDT", shutdown={"deadline": "5s"}))
    for name in ("atom", "xlm"):
        wait_until_trading(home, name)
    home.patch("xlm", "shutdown")
    began = record.query("SELECT now()")[0][0]
    with away(control_plane(), FROZEN):
        time.sleep(AWAY_S)

    # Only the clock can show that it was away all that time.
    committed = record.query(
        """
        SELECT count(*) FROM orders WHERE symbol = 'ATOMUSDT'
            AND committed_at BETWEEN $1::timestamptz + interval '10 s' AND $1 + $2 * interval '1 s'
        """,
        began,
        AWAY_S,
    )[0][0]
    assert committed > 0
    wait_until_off(home, "xlm")
    assert off_writer(home, "xlm") == "symbol-trader"
    wait_until_trading(home, "atom")
    for symbol in ("ATOMUSDT", "XLMUSDT"):
        assert record.books(symbol, tmp_path).differences == ()
    for name in ("atom", "xlm"):
        remove(home, name)
