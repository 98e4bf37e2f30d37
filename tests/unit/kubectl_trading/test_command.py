"""The command line: what it prints and how it exits. The cluster is a list of symbols here."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner, Result

from kubectl_trading import __main__ as command
from kubectl_trading.cluster import ClusterError, Conflict, Where
from kubectl_trading.limits import Limit
from kubectl_trading.serving import Claim, Leader
from kubectl_trading.symbols import Symbol
from tradingsymbol_api.values import TradingStatus
from unit.kubectl_trading.documents import Document, document


class Cluster:
    """Symbols that are as they were put here; what happens later is put into `later`."""

    namespace = "trading"
    now = datetime(2026, 1, 1, 13, tzinfo=UTC)

    def __init__(self, *documents: Document) -> None:
        self.documents = {found["metadata"]["name"]: found for found in documents}
        self.later: list[tuple[Document, bool] | ClusterError] = []
        self.written: list[tuple[str, TradingStatus]] = []
        self.conflicts = 0
        self.where: Where | None = None
        self.audited: dict[str, int] = {}
        self.pods: list[list[Leader] | ClusterError] = [[]]
        """What the looks at leader pods find, one after the other; the last one lasts."""
        self.declared: dict[str, Document] = {}
        self.halted: list[tuple[str, Document, bool]] = []
        self.claimed: list[Claim] | ClusterError = []

    def list(self, selector: str = "") -> list[Symbol]:
        return [Symbol.of(found) for found in self.documents.values()]

    def get(self, name: str) -> Symbol:
        if name not in self.documents:
            raise ClusterError(f"no TradingSymbol is named {name}")
        return Symbol.of(self.documents[name])

    def leaders(self) -> Sequence[Leader]:
        found = self.pods.pop(0) if len(self.pods) > 1 else self.pods[0]
        if isinstance(found, ClusterError):
            raise found
        return found

    def claims(self) -> Sequence[Claim]:
        if isinstance(self.claimed, ClusterError):
            raise self.claimed
        return self.claimed

    def write(self, symbol: Symbol, status: TradingStatus) -> None:
        if self.conflicts:
            self.conflicts -= 1
            raise Conflict("changed")
        self.written.append((symbol.name, status))
        self.documents[symbol.name]["spec"]["status"] = status.value

    def changes(self, seconds: int) -> Iterator[tuple[Symbol, bool]]:
        yield from ((symbol, False) for symbol in self.list())
        while self.later:
            event = self.later.pop(0)
            if isinstance(event, ClusterError):
                raise event
            yield Symbol.of(event[0]), event[1]
        raise KeyboardInterrupt

    def limits(self) -> Sequence[Limit]:
        return [Limit.of(found) for found in self.declared.values()]

    def write_limit(self, limit: Limit, spec: Document, *, whatever_it_says: bool) -> None:
        self.halted.append((limit.name, spec, whatever_it_says))
        self.declared[limit.name]["spec"] |= spec

    def audit(self, symbol: Symbol) -> int:
        return self.audited[symbol.name]


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    made = Cluster(document("ada", "off", Ready="True Stopped"), document("xrp", "on"))
    made.documents["ada"]["status"]["traders"] = None

    def connect(where: Where) -> Cluster:
        made.where = where
        return made

    monkeypatch.setattr(command, "Cluster", connect)
    monkeypatch.setattr(command, "AGAIN_S", 0)
    monkeypatch.setattr(command, "ENDS_WITHIN_S", 0)
    return made


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command.main, arguments)


CLAIM = Claim("trading", "a/symbol-operator", Cluster.now, timedelta(seconds=60))


def test_a_namespace_whose_claim_has_lapsed_is_said(cluster: Cluster) -> None:
    cluster.documents.pop("xrp")
    cluster.claimed = [CLAIM]
    assert run("status").exit_code == 0
    cluster.claimed = [replace(CLAIM, renewed_at=Cluster.now - timedelta(hours=3))]
    done = run("status")
    assert done.exit_code == 1
    assert "a/symbol-operator did until 180 min ago" in done.output


def test_who_may_not_read_leases_is_told_the_rest(cluster: Cluster) -> None:
    cluster.documents.pop("xrp")
    cluster.claimed = ClusterError("the API server refuses: 403")
    done = run("status")
    assert done.exit_code == 0
    assert "403" not in done.output


def test_start_says_what_it_does_for_each(cluster: Cluster) -> None:
    done = run("start", "ada", "xrp")
    assert done.output == "ada: starting trading\nxrp: already started\n"
    assert done.exit_code == 0
    assert cluster.written == [("ada", TradingStatus.ON)]


def test_all_and_a_selector_choose(cluster: Cluster) -> None:
    assert run("stop", "--all").output.startswith("ada: already stopped\nxrp: stopping trading")
    assert run("stop", "-l", "team=a").exit_code == 0


@pytest.mark.parametrize("arguments", [(), ("xrp", "--all"), ("--all", "-l", "a=b")])
def test_symbols_are_chosen_in_one_way(cluster: Cluster, arguments: tuple[str, ...]) -> None:
    done = run("stop", *arguments)
    assert done.exit_code == 2
    assert "name symbols, or use --all, or --selector" in done.output
    assert not cluster.written


def test_an_unknown_name_fails_before_anything_is_written(cluster: Cluster) -> None:
    done = run("start", "ada", "nosuch")
    assert done.exit_code == 1
    assert "no TradingSymbol is named nosuch" in done.output
    assert not cluster.written


def test_who_is_quicker_is_heard(cluster: Cluster) -> None:
    cluster.conflicts = 1
    assert run("start", "ada").output == "ada: starting trading\n"
    cluster.documents["ada"]["spec"]["status"] = "off"
    cluster.conflicts = 99
    done = run("start", "ada")
    assert (done.exit_code, "being changed by others" in done.output) == (1, True)


def test_what_is_being_deleted_fails_and_the_others_are_done(cluster: Cluster) -> None:
    cluster.documents["ada"]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    done = run("stop", "--all")
    assert done.exit_code == 1
    assert cluster.written == [("xrp", TradingStatus.OFF)]


def test_the_place_is_handed_on(cluster: Cluster) -> None:
    run("status", "-n", "other", "--context", "kind", "--kubeconfig", "file")
    assert cluster.where == Where("file", "kind", "other")
    run("status", "-A")
    assert cluster.where == Where(all_namespaces=True)


def test_status_exits_with_3_unless_all_is_as_asked(cluster: Cluster) -> None:
    assert run("status", "ada").exit_code == 0
    done = run("status")
    assert done.exit_code == 3
    assert [line.split()[0] for line in done.output.splitlines()] == ["NAME", "ada", "xrp"]


def test_wait_tells_what_it_waits_for_once_and_ends_with_the_shutdown(cluster: Cluster) -> None:
    waits = document("xrp", "shutdown", ShuttingDown="True ShutdownRequested: waits for SELL 7")
    cluster.later = [
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
    cluster: Cluster, event: tuple[Document, bool], text: str
) -> None:
    cluster.later = [event]
    done = run("shutdown", "xrp", "--wait")
    assert (done.exit_code, text in done.output) == (3, True)


def test_a_wait_has_an_end(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 1.0, 61.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    monkeypatch.setattr(Cluster, "changes", lambda *_: iter(()))
    done = run("shutdown", "xrp", "--wait", "--timeout", "1m")
    assert done.exit_code == 3
    assert "not done in time: xrp" in done.output


@pytest.mark.parametrize("arguments", [("--timeout", "1m"), ("--wait", "--timeout", "soon")])
def test_a_timeout_is_a_duration_of_a_wait(cluster: Cluster, arguments: tuple[str, ...]) -> None:
    assert run("shutdown", "xrp", *arguments).exit_code == 2
    assert not cluster.written


def test_watch_shows_each_change_once(cluster: Cluster) -> None:
    cluster.later = [(document("xrp", "on"), False), (document("xrp", "off"), False)]
    cluster.later.append((document("xrp", "off"), True))
    lines = run("watch", "xrp").output.splitlines()
    assert [line.split("  ")[2] for line in lines if "xrp" in line] == [
        "requested=on",
        "requested=off",
        "deleted",
    ]


def test_an_audit_fails_if_one_does(cluster: Cluster) -> None:
    cluster.audited = {"xrp": 0}
    assert run("audit", "xrp").exit_code == 0
    cluster.audited = {"xrp": 1}
    assert run("audit", "xrp").exit_code == 1
    done = run("audit", "ada")
    assert (done.exit_code, "start one first" in done.output) == (1, True)


NOBODY = (
    "trading/xrp: no operator has taken up what was asked of it 60 min ago: nobody serves "
    "namespace trading"
)


def test_a_symbol_that_nobody_serves_is_found_out(cluster: Cluster) -> None:
    cluster.documents["xrp"]["metadata"]["generation"] = 4

    done = run("status")
    assert (done.exit_code, done.stderr.splitlines()) == (1, [NOBODY])
    assert run("status", "ada").exit_code == 0


def test_what_is_asked_of_a_symbol_that_nobody_serves_is_asked_and_fails(
    cluster: Cluster,
) -> None:
    """It cannot be known that nobody ever will."""
    cluster.documents["xrp"]["metadata"]["generation"] = 4

    done = run("stop", "xrp")

    assert (done.exit_code, done.stderr.splitlines()) == (1, [NOBODY])
    assert cluster.written == [("xrp", TradingStatus.OFF)]


def test_a_leader_that_nobody_ends_is_found_out(cluster: Cluster) -> None:
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


def test_a_leader_that_ends_after_its_symbol_is_given_time(cluster: Cluster) -> None:
    cluster.pods = [[Leader("trading", "ltc-leader", "ltc")], []]

    assert run("status").exit_code == 3


def test_who_may_not_look_at_pods_is_told(cluster: Cluster) -> None:
    cluster.pods = [ClusterError("the API server refuses: 403")]

    done = run("status")

    assert done.exit_code == 3
    assert done.stderr == "leader pods cannot be looked at: the API server refuses: 403\n"


# Limits.


def limit(name: str, used: str = "1", message: str = "", **spec: object) -> Document:
    conditions = [{"type": "Halted", "status": str(bool(message)), "message": message}]
    amount = {"limit": "maxExposure", "quoteAsset": "USDT", "used": used, "left": "9", "most": "10"}
    status = {"observedGeneration": 1, "leaders": 2, "leadersHeard": 1, "usage": [amount]}
    return {
        "metadata": {"namespace": "trading", "name": name, "generation": 1, "resourceVersion": "7"},
        "spec": {"exchange": "paper", **spec},
        "status": status | {"conditions": conditions},
    }


@pytest.fixture
def limits(cluster: Cluster) -> Cluster:
    cluster.declared = {"all": limit("all"), "more": limit("more", halt=True)}
    return cluster


def test_the_kill_switch_is_thrown_whatever_others_have_written(limits: Cluster) -> None:
    done = run("halt", "--all", "--on-limit", "CancelBuys")
    assert done.exit_code == 0
    assert "all: buys are halted" in done.output
    assert "more: buys are already halted" in done.output
    what = {"halt": True, "onLimit": "CancelBuys"}
    assert limits.halted == [("all", what, True), ("more", what, True)]


def test_what_becomes_of_what_is_open_is_left_as_it_is(limits: Cluster) -> None:
    run("halt", "all")
    assert limits.halted == [("all", {"halt": True}, True)]


def test_resuming_takes_back_the_halt_and_ends_those_of_losses(limits: Cluster) -> None:
    done = run("resume", "more")
    assert done.output == "more: buys go on, and losses count from now\n"
    [(_, spec, whatever)] = limits.halted
    assert spec["halt"] is False
    assert not whatever


def test_a_moment_of_resuming_is_later_than_the_one_before(limits: Cluster) -> None:
    limits.declared["all"]["spec"]["resumedAt"] = "2999-01-01T00:00:00Z"
    run("resume", "all")
    assert limits.halted[0][1]["resumedAt"] == "2999-01-01T00:00:01Z"


@pytest.mark.parametrize("verb", ["halt", "resume"])
@pytest.mark.parametrize("arguments", [(), ("all", "--all")])
def test_limits_are_chosen_in_one_way(
    limits: Cluster, verb: str, arguments: tuple[str, ...]
) -> None:
    assert run(verb, *arguments).exit_code == 2
    assert limits.halted == []


def test_a_kill_switch_that_is_not_there_is_a_failure(cluster: Cluster) -> None:
    done = run("halt", "--all")
    assert done.exit_code == 1
    assert "nothing is halted" in done.output
    done = run("halt", "another")
    assert done.exit_code == 1
    assert "no TradingLimit is named another; there are: none" in done.output


def test_limits_are_shown_with_what_is_used_and_who_has_heard(cluster: Cluster) -> None:
    cluster.declared = {"all": limit("all")}
    done = run("limits")
    assert done.output.splitlines() == [
        "NAME  EXCHANGE  HALTED  HEARD  LIMIT             USED  LEFT  OF  WHY",
        "all   paper     no      1/2    maxExposure USDT  1     9     10",
    ]
    assert done.exit_code == 0


def test_halted_limits_say_why_and_a_halt_on_its_way_is_told(cluster: Cluster) -> None:
    asked = limit("b", halt=True)
    new = limit("c")
    del new["status"]
    cluster.declared = {"a": limit("a", message="mad", halt=True), "b": asked, "c": new}
    cluster.declared["c"]["metadata"]["namespace"] = "other"
    done = run("limits", "-A")
    lines = [line.split() for line in done.output.splitlines()[1:]]
    assert [line[3] for line in lines] == ["yes", "halting", "-"]
    assert lines[0][-1] == "mad"
    assert done.exit_code == 3
