"""Audits and takeovers: what is run in a leader's pod, and when it is not."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from kubectl_trading.commands import owning
from kubectl_trading.connection import ClusterError, Refused, Where
from kubectl_trading.ownership import takeover_program
from kubectl_trading.symbols import Symbol
from symbol_operator.decide.leader_pod import leader_pod
from symbol_operator.settings import ExchangeEntry, LeaderSettings, OperatorSettings
from symbol_trader.__main__ import main as symbol_trader
from symbol_trader.identity import LedgerKey, Owner
from symbol_trader.postgres import ownership as record
from tradingsymbol_api.ownership import ForeignOwner
from tradingsymbol_api.pod import Variable
from tradingsymbol_api.spec import parse_resource
from unit.kubectl_trading.documents import Document, document
from unit.kubectl_trading.fake_cluster import FakeCluster, run

OWNER = ForeignOwner("XRPUSDT", "354937868", "demo", "uid", "old", "first")
PROGRAM = takeover_program(OWNER)
Ran = list[tuple[str, Sequence[str]]]


@pytest.fixture
def codes() -> dict[str, int]:
    return {}


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch, codes: dict[str, int]) -> Ran:
    """Collect what would be run in leaders' pods."""
    found: Ran = []

    def run_it(_: Where, symbol: Symbol, program: Sequence[str]) -> int:
        found.append((symbol.name, program))
        return codes.get(symbol.name, 0)

    monkeypatch.setattr(owning, "run_in_leader", run_it)
    return found


def owned(owner: ForeignOwner = OWNER) -> Document:
    message = f"{owner} holds epoch 3 with pod p since 2026-01-01T00:00:00Z; to take it from there"
    return document("second", "on", Degraded=f"True OwnedByAnother: {message}")


def first(symbol: str = "XRPUSDT") -> Document:
    found = document("first", "on")
    found["metadata"]["namespace"] = "old"
    found["spec"]["symbol"] = symbol
    return found


def test_an_audit_fails_if_one_does(cluster: FakeCluster, ran: Ran, codes: dict[str, int]) -> None:
    assert run("audit", "xrp").exit_code == 0
    codes["xrp"] = 1
    assert run("audit", "xrp").exit_code == 1
    assert ran == [("xrp", ["symbol-trader", "audit", "XRP"])] * 2
    done = run("audit", "ada")
    assert (done.exit_code, "start one first" in done.output) == (1, True)


@pytest.mark.parametrize("there", [None, first("LTCUSDT")], ids=["gone", "another symbol now"])
def test_what_belonged_to_a_resource_that_is_gone_is_taken_over(
    cluster: FakeCluster, ran: Ran, there: Document | None
) -> None:
    cluster.symbols.documents = {"second": owned()} | ({"old/first": there} if there else {})
    assert run("takeover", "second").exit_code == 0
    assert ran == [("second", PROGRAM)]


def test_what_belongs_to_a_resource_that_is_there_stays_there(
    cluster: FakeCluster, ran: Ran
) -> None:
    cluster.symbols.documents = {"second": owned(), "old/first": first()}
    done = run("takeover", "second")
    assert (done.exit_code, ran) == (1, [])
    assert "its owner old/first is there, and is to be on" in done.output
    assert "kubectl trading shutdown --namespace old first" in done.output
    assert run("takeover", "second", "--force").exit_code == 0
    assert ran == [("second", PROGRAM)]


@pytest.mark.parametrize("where", ["file", "other"])
def test_an_owner_that_cannot_be_looked_at_is_not_taken_for_gone(
    cluster: FakeCluster, ran: Ran, where: str
) -> None:
    cluster.symbols.documents = {
        "second": owned(ForeignOwner("X", "1", "paper", where, "old", "first"))
    }
    done = run("takeover", "second")
    assert (done.exit_code, ran) == (1, [])
    assert "cannot be looked at" in done.output
    assert "takeover --namespace trading second --force" in done.output


@pytest.mark.parametrize("told", ["", Refused("no pods for you")], ids=["not told", "refused"])
def test_without_a_look_at_the_cluster_nothing_is_gone(
    cluster: FakeCluster, ran: Ran, told: str | ClusterError
) -> None:
    cluster.symbols.documents = {"second": owned()}
    cluster.cluster = told
    assert (run("takeover", "second").exit_code, ran) == (1, [])


def test_a_symbol_that_is_its_own_is_not_taken_over(cluster: FakeCluster, ran: Ran) -> None:
    done = run("takeover", "xrp", "--force")
    assert (done.exit_code, ran) == (1, [])
    assert "no other resource owns its symbol" in done.output


def test_a_person_is_asked_before_a_takeover(
    cluster: FakeCluster, ran: Ran, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owning, "sits_there", lambda: True)
    cluster.symbols.documents = {"second": owned()}
    done = run("takeover", "second", stdin="n\n")
    assert (done.exit_code, ran) == (1, [])
    assert "its owner old/first is gone. Take XRPUSDT over" in done.output
    assert run("takeover", "second", stdin="y\n").exit_code == 0
    assert run("takeover", "second", "--yes").exit_code == 0
    assert len(ran) == 2


def test_a_takeover_that_fails_is_said(
    cluster: FakeCluster, ran: Ran, codes: dict[str, int]
) -> None:
    cluster.symbols.documents = {"second": owned()}
    codes["second"] = 1
    done = run("takeover", "second")
    assert (done.exit_code, "was not taken over" in done.output) == (1, True)


def variables(database: Path) -> dict[str, str]:
    """Return what the operator tells a leader in demo, whose database's URL is in this file."""
    entry = ExchangeEntry(
        name="demo",
        environment="demo",
        api_url="wss://example.invalid/ws-api/v3",
        stream_url="wss://example.invalid",
        secret="demo-credentials",
    )
    settings = OperatorSettings(
        namespaces=("trading",), exchanges=(entry,), leader=LeaderSettings(image="symbol-trader:1")
    )
    resource = parse_resource(
        {
            "apiVersion": "tradingsymbol.dev/v1alpha1",
            "kind": "TradingSymbol",
            "metadata": {"namespace": "trading", "name": "second", "uid": "r1"},
            "spec": {"budget": 100, "exchange": "demo"},
        }
    )
    (container,) = leader_pod(resource, entry, settings, "uid")["spec"]["containers"]
    told = {variable["name"]: variable.get("value", "?") for variable in container["env"]}
    assert Variable.DATABASE_URL_FILE.env in told
    return told | {Variable.DATABASE_URL_FILE.env: str(database)}


def test_the_leaders_program_understands_what_is_run_in_its_pod(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By the variables of the pod as the operator makes it."""
    taken: list[object] = []

    async def take(*said: object) -> int:
        taken.extend(said)
        return 4

    monkeypatch.setattr(record, "takeover", take)
    file = tmp_path / "url"
    file.write_text("postgresql://leader:secret@db/trading\n")
    done = CliRunner().invoke(symbol_trader, PROGRAM[1:], env=variables(file))
    assert done.exit_code == 0, done.output
    assert taken == [
        "postgresql://leader:secret@db/trading",
        LedgerKey("demo", "354937868", "XRPUSDT"),
        Owner("uid", "trading", "second"),
    ]
