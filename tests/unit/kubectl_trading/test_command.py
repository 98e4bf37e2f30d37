"""What is asked and shown by the command line. The cluster is lists of resources here."""

from dataclasses import replace
from datetime import timedelta
from typing import NoReturn

import pytest

from kubectl_trading.commands import asking
from kubectl_trading.connection import ClusterError, Conflict, Refused, Where
from kubectl_trading.serving import Claim, Leader
from tradingsymbol_api.values import TradingStatus
from unit.kubectl_trading.documents import Document, document
from unit.kubectl_trading.fake_cluster import FakeCluster, FakeResources, run

CLAIM = Claim("trading", "a/symbol-operator", FakeCluster.now, timedelta(seconds=60))


def test_a_namespace_whose_claim_has_lapsed_is_said(cluster: FakeCluster) -> None:
    cluster.symbols.documents.pop("xrp")
    cluster.claimed = [CLAIM]
    assert run("status").exit_code == 0
    cluster.claimed = [replace(CLAIM, renewed_at=FakeCluster.now - timedelta(hours=3))]
    done = run("status")
    assert done.exit_code == 1
    assert "a/symbol-operator did until 180 min ago" in done.output


def test_who_may_not_read_leases_is_told_the_rest(cluster: FakeCluster) -> None:
    cluster.symbols.documents.pop("xrp")
    cluster.claimed = ClusterError("the API server refuses: 403")
    done = run("status")
    assert done.exit_code == 0
    assert "403" not in done.output


def test_start_says_what_it_does_for_each(cluster: FakeCluster) -> None:
    done = run("start", "ada", "xrp")
    assert done.output == "ada: starting trading\nxrp: already started\n"
    assert done.exit_code == 0
    assert cluster.asked == [("ada", TradingStatus.ON)]


def test_all_and_a_selector_choose(cluster: FakeCluster) -> None:
    assert run("stop", "--all").output.startswith("ada: already stopped\nxrp: stopping trading")
    assert run("stop", "-l", "team=a").exit_code == 0


@pytest.mark.parametrize("arguments", [(), ("xrp", "--all"), ("--all", "-l", "a=b")])
def test_all_means_all_and_nothing_means_nothing(
    cluster: FakeCluster, arguments: tuple[str, ...]
) -> None:
    done = run("stop", *arguments)
    assert done.exit_code == 2
    assert "name symbols, or use --selector, or --all alone" in done.output
    assert not cluster.asked


@pytest.mark.parametrize("verb", ["stop", "status"])
def test_a_selector_narrows_what_is_named(cluster: FakeCluster, verb: str) -> None:
    cluster.symbols.fitting = {"team=a": {"xrp", "other"}}
    done = run(verb, "ada", "xrp", "ada", "-l", "team=a")
    assert "xrp" in done.output
    assert "ada" not in done.output
    assert all(name == "xrp" for name, _ in cluster.asked)


def test_to_stop_all_a_person_is_asked_first(
    cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A script is not: nobody would answer."""
    monkeypatch.setattr(asking, "sits_there", lambda: True)
    done = run("stop", "--all", stdin="n\n")
    assert done.exit_code == 1
    assert "Stop all 2 symbols of namespace trading? 2 open orders" in done.output
    assert not cluster.asked
    assert run("stop", "--all", stdin="y\n").exit_code == 0
    assert cluster.asked == [("xrp", TradingStatus.OFF)]


@pytest.mark.parametrize("arguments", [("--all", "--yes"), ("xrp",), ("-l", "a=b")])
def test_who_says_what_to_stop_is_not_asked(
    cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setattr(asking, "sits_there", lambda: True)
    assert run("stop", *arguments).exit_code == 0
    assert cluster.asked == [("xrp", TradingStatus.OFF)]


def test_an_unknown_name_fails_before_anything_is_written(cluster: FakeCluster) -> None:
    done = run("start", "ada", "nosuch")
    assert done.exit_code == 1
    assert "no TradingSymbol is named nosuch" in done.output
    assert not cluster.asked


def test_who_is_quicker_is_heard(cluster: FakeCluster) -> None:
    cluster.symbols.failures = [Conflict("changed")]
    assert run("start", "ada").output == "ada: starting trading\n"
    cluster.symbols.documents["ada"]["spec"]["status"] = "off"
    cluster.symbols.failures = [Conflict("changed")] * 99
    done = run("start", "ada")
    assert (done.exit_code, "being changed by others" in done.output) == (1, True)


def test_what_is_being_deleted_fails_and_the_others_are_done(cluster: FakeCluster) -> None:
    cluster.symbols.documents["ada"]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    done = run("stop", "--all")
    assert done.exit_code == 1
    assert cluster.asked == [("xrp", TradingStatus.OFF)]


@pytest.mark.parametrize(
    "arguments",
    [
        ("status", "-n", "other", "--context", "kind", "--kubeconfig", "file", "--as", "jane"),
        ("-n", "other", "--context", "kind", "--kubeconfig", "file", "--as", "jane", "status"),
        ("-n", "first", "--context", "kind", "--as=jane", "status", "-nother", "--kubeconfig=file"),
    ],
)
def test_the_place_is_handed_on_wherever_it_stands(
    cluster: FakeCluster, arguments: tuple[str, ...]
) -> None:
    run(*arguments)
    assert cluster.where == Where("file", "kind", "other", "jane")


def test_all_namespaces_show_every_namesake(cluster: FakeCluster) -> None:
    cluster.symbols.documents["other/xrp"] = document("xrp")
    cluster.symbols.documents["other/xrp"]["metadata"]["namespace"] = "other"
    lines = run("status", "xrp", "-A").output.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["NAMESPACE", "NAME"],
        ["trading", "xrp"],
        ["other", "xrp"],
    ]
    assert cluster.where == Where(all_namespaces=True)


def test_what_is_watched_in_no_namespace_is_an_error(cluster: FakeCluster) -> None:
    done = run("watch", "-n", "nowhere")
    assert (done.exit_code, done.stderr) == (1, "Error: there is no namespace nowhere\n")


def test_status_exits_with_3_unless_all_is_as_asked(cluster: FakeCluster) -> None:
    assert run("status", "ada").exit_code == 0
    done = run("status")
    assert done.exit_code == 3
    assert [line.split()[0] for line in done.output.splitlines()] == ["NAME", "ada", "xrp"]


def test_a_wait_for_one_symbol_takes_a_watch_of_that_one(cluster: FakeCluster) -> None:
    cluster.symbols.later = [(document("xrp", "off"), False)]
    assert run("shutdown", "xrp", "--wait").exit_code == 0
    assert cluster.symbols.watched == ["xrp"]


def test_who_may_not_watch_waits_by_reading(
    cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> NoReturn:
        if cluster.symbols.watched:
            cluster.symbols.documents["xrp"]["spec"]["status"] = "off"
        cluster.symbols.watched.append("")
        raise Refused("the API server refuses: watch")

    monkeypatch.setattr(cluster.symbols, "changes", refuse)
    done = run("shutdown", "xrp", "--wait")
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, "xrp: shutdown is done: off")


def test_a_symbol_that_goes_while_it_is_read_is_not_waited_for(
    cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> NoReturn:
        if cluster.symbols.watched:
            del cluster.symbols.documents["xrp"]
        cluster.symbols.watched.append("")
        raise Refused("the API server refuses: watch")

    monkeypatch.setattr(cluster.symbols, "changes", refuse)
    done = run("shutdown", "xrp", "--wait")
    assert (done.exit_code, "was deleted before" in done.output) == (3, True)


def test_a_watch_of_all_that_is_refused_ends(cluster: FakeCluster) -> None:
    cluster.symbols.later = [Refused("the API server refuses: watch")]
    done = run("watch")
    assert (done.exit_code, done.stderr) == (1, "Error: the API server refuses: watch\n")


def test_wait_tells_what_it_waits_for_once_and_ends_with_the_shutdown(cluster: FakeCluster) -> None:
    waits = document("xrp", "shutdown", ShuttingDown="True ShutdownRequested: waits for SELL 7")
    cluster.symbols.later = [
        (waits, False),
        (waits, False),
        ClusterError("the API server cannot be reached"),
        (document("other", "off"), False),
        (document("xrp", "off"), False),
    ]
    done = run("shutdown", "xrp", "--wait")
    assert done.exit_code == 0
    assert done.output.splitlines() == [
        "xrp: shutdown initiated",
        "xrp: the operator has not seen this yet",
        "xrp: ShutdownRequested: waits for SELL 7",
        "waiting: the API server cannot be reached",
        "xrp: the operator has not seen this yet",
        "xrp: shutdown is done: off",
    ]


@pytest.mark.parametrize(
    ("event", "text"),
    [
        ((document("xrp", "on"), False), "was switched on"),
        ((document("xrp", "shutdown"), True), "was deleted before"),
    ],
)
def test_a_shutdown_that_others_end_is_not_done(
    cluster: FakeCluster, event: tuple[Document, bool], text: str
) -> None:
    cluster.symbols.later = [event]
    done = run("shutdown", "xrp", "--wait")
    assert (done.exit_code, text in done.output) == (3, True)


def test_a_wait_has_an_end(cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 1.0, 61.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    monkeypatch.setattr(FakeResources, "changes", lambda *_: iter(()))
    done = run("shutdown", "xrp", "--wait", "--timeout", "1m")
    assert done.exit_code == 3
    assert "not done in time: xrp" in done.output


@pytest.mark.parametrize("arguments", [("--timeout", "1m"), ("--wait", "--timeout", "soon")])
def test_a_timeout_is_a_duration_of_a_wait(
    cluster: FakeCluster, arguments: tuple[str, ...]
) -> None:
    assert run("shutdown", "xrp", *arguments).exit_code == 2
    assert not cluster.asked


def test_watch_shows_each_change_once(cluster: FakeCluster) -> None:
    cluster.symbols.later = [(document("xrp", "on"), False), (document("xrp", "off"), False)]
    cluster.symbols.later.append((document("xrp", "off"), True))
    lines = run("watch", "xrp").output.splitlines()
    assert [line.split("  ")[2] for line in lines if "xrp" in line] == [
        "requested=on",
        "requested=off",
        "deleted",
    ]


NOBODY = (
    "trading/xrp: no operator has taken up what was asked of it 60 min ago: nobody serves "
    "namespace trading"
)


def test_a_symbol_that_nobody_serves_is_found_out(cluster: FakeCluster) -> None:
    cluster.symbols.documents["xrp"]["metadata"]["generation"] = 4

    done = run("status")
    assert (done.exit_code, done.stderr.splitlines()) == (1, [NOBODY])
    assert run("status", "ada").exit_code == 0


def test_what_is_asked_of_a_symbol_that_nobody_serves_is_asked_and_fails(
    cluster: FakeCluster,
) -> None:
    """It cannot be known that nobody ever will."""
    cluster.symbols.documents["xrp"]["metadata"]["generation"] = 4

    done = run("stop", "xrp")

    assert (done.exit_code, done.stderr.splitlines()) == (1, [NOBODY])
    assert cluster.asked == [("xrp", TradingStatus.OFF)]


def test_a_leader_that_nobody_ends_is_found_out(cluster: FakeCluster) -> None:
    cluster.pods = [
        [Leader("trading", "xrp-leader", "xrp"), Leader("trading", "ltc-leader", "ltc")]
    ]

    done = run("status")

    assert done.exit_code == 1
    assert done.stderr == (
        "trading/ltc-leader: a leader runs though TradingSymbol ltc is gone, and no operator ends "
        "it: nobody serves namespace trading\n"
    )
    assert run("status", "ada").exit_code == 0, "only what is named is looked at"


def test_a_leader_that_ends_after_its_symbol_is_given_time(cluster: FakeCluster) -> None:
    cluster.pods = [[Leader("trading", "ltc-leader", "ltc")], []]

    assert run("status").exit_code == 3


def test_who_may_not_look_at_pods_is_told(cluster: FakeCluster) -> None:
    cluster.pods = [ClusterError("the API server refuses: 403")]

    done = run("status")

    assert done.exit_code == 3
    assert done.stderr == "leader pods cannot be looked at: the API server refuses: 403\n"
