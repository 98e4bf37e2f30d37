"""Limits in an explanation: which hold for a symbol, how they stand, and how a halt ends."""

from typing import Any

import pytest

from kubectl_trading.explaining import Found, explanation
from kubectl_trading.holding import holds_for
from kubectl_trading.limits import Limit
from kubectl_trading.symbols import Symbol
from unit.kubectl_trading.documents import Document, document, limit
from unit.kubectl_trading.fake_cluster import FakeCluster, run
from unit.kubectl_trading.test_explaining import section

SINCE = "2026-01-01T12:00:00Z"
HALTED = f"buys are halted since {SINCE}: halt of trading/all is true"
LOST = f"buys are halted since {SINCE}: maxDailyLoss of trading/all: 5 USDT of 4 are lost"
BY_HAND = f"buys are halted since {SINCE}: prices look wrong"
BY_WHOM = ", as kubectl-trading wrote at 2026-01-01 12:00:00Z"
RESUME = (
    "BuysHalted: Find out why first. Then a person resumes: kubectl trading resume "
    "--namespace trading all"
)


def symbol(status: str = "on", **conditions: str) -> Symbol:
    found = document("xrp", status, **(conditions or {"Ready": "True LeaderReady"}))
    found["spec"]["exchange"] = "paper"
    return Symbol.of(found)


def explained(title: str, *limits: Document, of: Symbol | None = None) -> list[str]:
    found = Found(limits=[Limit.of(document) for document in limits])
    return section(title, explanation(of or symbol(), found))


def reached(**amount: str) -> Document:
    """Return a limit of which nothing is left."""
    found = limit()
    found["status"]["usage"][0] |= {"used": "10", "left": "0", **amount}
    condition = {"type": "Reached", "status": "True", "lastTransitionTime": SINCE}
    found["status"]["conditions"].append(condition)
    return found


def drawdown(**spec: Any) -> Document:
    """Return a limit that a drawdown halts, which no day ends."""
    found = limit(halted=LOST, lost_since=SINCE, **spec)
    found["status"]["usage"][0]["limit"] = "maxDrawdown"
    return found


def unreported(**spec: Any) -> Document:
    found = limit(**spec)
    del found["status"]
    return found


def written(document: Document) -> Document:
    """Let somebody have written the halt."""
    fields: Document = {"f:spec": {"f:halt": {}}}
    entry = {"manager": "kubectl-trading", "time": SINCE, "fieldsV1": fields}
    document["metadata"]["managedFields"] = [entry]
    return document


@pytest.mark.parametrize(
    ("document", "standing"),
    [
        (limit(), "all: buys go on"),
        (unreported(), "all: no leader has reported it yet"),
        (limit(halted=HALTED, halt=True), f"all: {HALTED}; 1 of 2 leaders have heard"),
        (
            written(limit(halted=HALTED, halt=True)),
            f"all: {HALTED}{BY_WHOM}; 1 of 2 leaders have heard",
        ),
        (
            written(unreported(halt=True)),
            f"all: halt is true{BY_WHOM}; no leader has reported it yet",
        ),
        (reached(), f"all: reached since {SINCE}: maxExposure USDT (10 of 10 used)"),
    ],
    ids=["no", "unreported", "halted", "by whom", "halting", "reached"],
)
def test_it_says_how_a_limit_stands_and_since_when(document: Document, standing: str) -> None:
    assert explained("Limits", document) == [standing]


@pytest.mark.parametrize(
    ("document", "remedy"),
    [
        (limit(halted=HALTED, halt=True), RESUME),
        (unreported(halt=True), RESUME),
        (limit(halted=LOST, lost_since=SINCE), RESUME),
        (
            limit(halted=LOST, lost_since=SINCE, resume="NextDay"),
            f"{RESUME} It also ends at the turn of the day (UTC).",
        ),
        (limit(halted=LOST, lost_since=SINCE, resume="NextDay", halt=True), RESUME),
        (drawdown(resume="NextDay"), RESUME),
    ],
    ids=["halt", "halting", "loss", "next day", "both", "drawdown"],
)
def test_it_says_who_resumes_what_a_limit_halts(document: Document, remedy: str) -> None:
    assert explained("What to do", document) == [remedy]


@pytest.mark.parametrize(
    ("limits", "account"), [([limit(halted=BY_HAND)], "7"), ([], "ACCOUNT")], ids=["one", "none"]
)
def test_a_halt_that_no_limit_asks_for_ends_on_the_record(
    limits: list[Document], account: str
) -> None:
    (told,) = explained("What to do", *limits, of=symbol(Degraded=f"True BuysHalted: {BY_HAND}"))
    assert told.startswith("BuysHalted: No TradingLimit here asks for it.")
    assert told.endswith(
        f"kubectl exec --namespace trading xrp-leader -- symbol-trader resume --account {account}"
    )


def test_a_halt_behind_a_worse_reason_is_told() -> None:
    """A condition names one reason."""
    of = symbol(Degraded="True ExchangeUnreachable: away")
    told = explained("What to do", limit(halted=HALTED, halt=True), of=of)
    assert told == ["ExchangeUnreachable: Nothing: orders rest, and it goes on by itself.", RESUME]


@pytest.mark.parametrize("status", ["off", "shutdown"])
def test_what_is_not_to_buy_need_not_be_resumed(status: str) -> None:
    halted = limit(halted=HALTED, halt=True)
    assert explained("What to do", halted, of=symbol(status)) == []
    assert explained("Limits", halted, of=symbol(status)) != []


def test_where_nothing_is_halted_nothing_is_to_be_done() -> None:
    assert explained("What to do", limit(), reached()) == []


@pytest.mark.parametrize(
    ("spec", "holds"),
    [
        ({}, True),
        ({"exchange": "demo"}, False),
        ({"quoteAsset": "USDT"}, True),
        ({"quoteAsset": "BTC"}, False),
    ],
)
def test_a_limit_holds_for_its_exchange_and_quote_asset(spec: dict[str, str], holds: bool) -> None:
    assert holds_for(Limit.of(limit(**spec)), symbol()) is holds  # type: ignore[arg-type]  # spec alone


def test_a_quote_asset_that_is_not_known_yet_may_be_any() -> None:
    found = document("xrp")
    found["spec"]["exchange"] = "paper"
    del found["status"]["quoteAsset"]
    assert holds_for(Limit.of(limit(quoteAsset="BTC")), Symbol.of(found))


@pytest.mark.usefixtures("asked")
def test_explain_looks_at_the_limits_that_hold(cluster: FakeCluster) -> None:
    cluster.symbols.documents["xrp"]["spec"]["exchange"] = "paper"
    cluster.limits.documents = {"all": limit(), "demo": limit("demo", exchange="demo")}
    assert section("Limits", run("explain", "xrp").output.splitlines()) == ["all: buys go on"]
