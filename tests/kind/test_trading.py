"""The main job on a real cluster, by kubectl alone: real leaders, real orders, a real record."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kind.kubectl import Kubectl, condition, eventually, manifest
from kind.operating import OperatorProcess
from kind.trading import (
    Platform,
    drain,
    off_writer,
    trading,
    wait_until_off,
    wait_until_trading,
)

pytestmark = pytest.mark.usefixtures("real_operator")


def running(record: Platform, symbol: str) -> list[str]:
    rows = record.query(
        "SELECT trader_id FROM traders WHERE symbol = $1 AND state = 'running' ORDER BY 1",
        symbol,
    )
    return [row[0] for row in rows]


def remove(kubectl: Kubectl, name: str) -> None:
    kubectl.run("delete", "tradingsymbol", name, "--timeout=60s")
    eventually(lambda: kubectl.leader(name) is None, what="the pod goes with its resource")


def test_a_symbol_from_on_through_shutdown_to_off(
    home: Kubectl, record: Platform, tmp_path: Path
) -> None:
    """Bare on; shutdown finishes what is open; off by the pod itself; on again; books agree."""
    home.apply(manifest("uni", "on", symbol="UNIUSDT"))
    wait_until_trading(home, "uni")
    record.freeze("UNIUSDT")
    home.patch("uni", "shutdown")
    eventually(lambda: condition(home.symbol("uni"), "ShuttingDown").get("status") == "True")
    started = record.query("SELECT count(*) FROM traders WHERE symbol = 'UNIUSDT'")[0][0]
    drain(home, record, {"uni": "UNIUSDT"})

    assert off_writer(home, "uni") == "symbol-trader"
    assert running(record, "UNIUSDT") == []
    ended = record.query("SELECT count(*) FROM traders WHERE symbol = 'UNIUSDT'")[0][0]
    assert ended == started, "no trader starts in a shutdown"

    home.patch("uni", "on")
    wait_until_trading(home, "uni")
    comparison = record.books("UNIUSDT", tmp_path)
    assert comparison.differences == ()
    assert comparison.cycles >= 1
    remove(home, "uni")


def test_off_leaves_orders_that_on_takes_up(
    home: Kubectl, record: Platform, tmp_path: Path
) -> None:
    """Off ends the pod within its grace; the same traders go on; nothing is placed twice."""
    home.apply(manifest("apt", "on", symbol="APTUSDT"))
    wait_until_trading(home, "apt")
    record.freeze_with_two_orders("APTUSDT")
    before = time.monotonic()
    home.patch("apt", "off")
    wait_until_off(home, "apt", within=40)
    assert time.monotonic() - before < 40
    left = running(record, "APTUSDT")
    assert len(left) > 1
    record.exchange("resume")

    home.patch("apt", "on")
    wait_until_trading(home, "apt")
    assert set(left) & set(running(record, "APTUSDT")) or not record.query(
        "SELECT 1 FROM traders WHERE trader_id = ANY($1) AND state = 'running'",
        left,
    )
    assert record.books("APTUSDT", tmp_path).differences == ()

    home.patch("apt", "off")
    wait_until_off(home, "apt", within=40)
    home.patch("apt", "shutdown")
    drain(home, record, {"apt": "APTUSDT"})
    assert off_writer(home, "apt") == "symbol-trader"
    assert running(record, "APTUSDT") == []
    assert record.books("APTUSDT", tmp_path).differences == ()
    remove(home, "apt")


def test_on_wins_at_every_moment_of_a_shutdown(home: Kubectl, record: Platform) -> None:
    """While it drains, between the off patch and the deletion, and while the pod terminates."""
    home.apply(manifest("sui", "on", symbol="SUIUSDT"))
    wait_until_trading(home, "sui")
    home.patch("sui", "shutdown")
    home.patch("sui", "on")
    wait_until_trading(home, "sui")

    home.patch("sui", "shutdown")
    for _ in range(10):
        record.sweep("SUIUSDT")
        if home.symbol("sui")["spec"]["status"] == "off":
            break
    eventually(lambda: home.symbol("sui")["spec"]["status"] == "off", what="the pod's off")
    home.patch("sui", "on")
    wait_until_trading(home, "sui", within=240)

    home.patch("sui", "off")
    eventually(
        lambda: (
            "deletionTimestamp" in ((home.leader("sui") or {}).get("metadata", {}))
            or home.leader("sui") is None
        )
    )
    home.patch("sui", "on")
    wait_until_trading(home, "sui", within=240)
    assert home.symbol("sui")["spec"]["status"] in {"on", True}
    remove(home, "sui")


def test_on_wins_while_the_last_sell_of_a_shutdown_fills(
    home: Kubectl, record: Platform, tmp_path: Path
) -> None:
    """Whichever comes first at the API server, the user's on or the pod's off: it trades on."""
    home.apply(manifest("algo", "on", symbol="ALGOUSDT", chunks=1))
    for last_first in (True, False):
        wait_until_trading(home, "algo")
        record.fall("ALGOUSDT")
        home.patch("algo", "shutdown")
        eventually(
            lambda: "SELL" in condition(home.symbol("algo"), "ShuttingDown").get("message", ""),
            what="its last sell rests",
        )
        acts = [lambda: record.rise("ALGOUSDT"), lambda: home.patch("algo", "on")]
        with ThreadPoolExecutor() as pool:
            for done in [pool.submit(act) for act in (acts if last_first else acts[::-1])]:
                done.result()
        record.exchange("resume")
    wait_until_trading(home, "algo", within=240)
    assert home.symbol("algo")["spec"]["status"] in {"on", True}
    assert record.books("ALGOUSDT", tmp_path).differences == ()
    remove(home, "algo")


def test_a_deleted_pod_comes_back_and_goes_on(
    home: Kubectl, record: Platform, tmp_path: Path
) -> None:
    """Killed while it trades: a new epoch, the same books."""
    home.apply(manifest("xrp", "on", symbol="XRPUSDT"))
    wait_until_trading(home, "xrp")
    former = home.leader("xrp")
    assert former
    epoch = home.symbol("xrp")["status"]["epoch"]
    home.run("delete", "pod", "xrp-leader", "--grace-period=0", "--force")
    eventually(lambda: home.symbol("xrp").get("status", {}).get("epoch", 0) > epoch, within=240)
    wait_until_trading(home, "xrp")
    leader = home.leader("xrp")
    assert leader
    assert leader["metadata"]["uid"] != former["metadata"]["uid"]
    assert record.books("XRPUSDT", tmp_path).differences == ()
    remove(home, "xrp")


def test_settings_reach_the_next_trader_without_a_restart(home: Kubectl, record: Platform) -> None:
    """Budget and intervals are edited while the leader runs; its pod stays."""
    home.apply(manifest("xrp", "on", symbol="XRPUSDT", chunks=2, maxBuyAge="5s"))
    wait_until_trading(home, "xrp")
    pod = home.leader("xrp")
    changed = {"chunks": 2, "maxBuyAge": "5s", "budget": 400, "rebuyInterval": "0.2%"}
    home.apply(manifest("xrp", "on", symbol="XRPUSDT", **changed))
    terms = "SELECT chunk_budget, rebuy FROM traders WHERE symbol = 'XRPUSDT' ORDER BY started_ms"

    def applied() -> bool:
        last = record.query(terms)[-1]
        return (str(last[0]), str(last[1])) == ("200", "0.002")

    eventually(applied, within=240, what="the next trader has the new terms")
    now = home.leader("xrp")
    assert pod
    assert now
    assert now["metadata"]["uid"] == pod["metadata"]["uid"]
    remove(home, "xrp")


@pytest.mark.parametrize("way", [("--server-side", "--force-conflicts"), ()], ids=["ssa", "client"])
def test_applying_the_manifest_again(home: Kubectl, record: Platform, way: tuple[str, ...]) -> None:
    """As the README says: with `status: on` it starts again, without status it changes nothing."""
    home.apply(manifest("xrp", symbol="XRPUSDT"), *way)
    home.patch("xrp", "on")
    wait_until_trading(home, "xrp")
    home.patch("xrp", "shutdown")
    home.apply(manifest("xrp", symbol="XRPUSDT"), *way)
    assert home.symbol("xrp")["spec"]["status"] in {"shutdown", "off"}
    drain(home, record, {"xrp": "XRPUSDT"})
    home.apply(manifest("xrp", symbol="XRPUSDT"), *way)
    assert home.symbol("xrp")["spec"]["status"] == "off"

    home.apply(manifest("xrp", "on", symbol="XRPUSDT"), *way)
    wait_until_trading(home, "xrp")
    home.patch("xrp", "shutdown")
    home.apply(manifest("xrp", "on", symbol="XRPUSDT"), "--server-side", "--force-conflicts")
    eventually(lambda: home.symbol("xrp")["spec"]["status"] in {"on", True})
    wait_until_trading(home, "xrp")
    remove(home, "xrp")


def test_a_killed_operator_converges_when_it_is_back(
    home: Kubectl, real_operator: OperatorProcess
) -> None:
    """Trading goes on without it; what was asked meanwhile is done once it runs."""
    home.apply(manifest("stays", "on", symbol="EOSUSDT"))
    home.apply(manifest("goes", "on", symbol="XTZUSDT"))
    wait_until_trading(home, "stays")
    wait_until_trading(home, "goes")
    real_operator.end(signal.SIGKILL)
    home.patch("goes", "off")
    home.apply(manifest("comes", "on", symbol="NEOUSDT"))
    home.run("delete", "pod", "stays-leader", "--grace-period=1")
    real_operator.start()
    wait_until_off(home, "goes", within=180)
    wait_until_trading(home, "comes", within=180)
    wait_until_trading(home, "stays", within=180)
    for name in ("stays", "goes", "comes"):
        remove(home, name)


def test_a_second_namespace_trades_and_shares_nothing(home: Kubectl, abroad: Kubectl) -> None:
    """One symbol belongs to one resource: the second one says who has it."""
    home.apply(manifest("xrp", "on", symbol="XRPUSDT"))
    wait_until_trading(home, "xrp")
    abroad.apply(manifest("zec", "on", symbol="ZECUSDT"))
    abroad.apply(manifest("xrp", "on", symbol="XRPUSDT"))
    wait_until_trading(abroad, "zec")
    eventually(
        lambda: condition(abroad.symbol("xrp"), "Degraded").get("reason") == "OwnedByAnother"
    )
    assert f"{home.namespace}" in condition(abroad.symbol("xrp"), "Degraded")["message"]
    assert trading(home, "xrp")
    remove(abroad, "zec")
    remove(abroad, "xrp")
    remove(home, "xrp")


def test_a_budget_that_is_too_small_says_what_would_do(home: Kubectl) -> None:
    """The condition names the least budget that works."""
    home.apply(manifest("dash", "on", symbol="DASHUSDT", budget=1))
    found = eventually(
        lambda: (
            condition(home.symbol("dash"), "Degraded").get("reason") == "BudgetTooSmall"
            and condition(home.symbol("dash"), "Degraded")["message"]
        )
    )
    assert "least budget" in str(found)
    remove(home, "dash")
