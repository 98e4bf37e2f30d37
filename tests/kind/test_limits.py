"""Limits and the kill switch by kubectl alone: halt, watch, resume; each limit reached and left.

The market and the record are this module's own: a limit holds for all symbols of an account.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any

import pytest

from kind.kubectl import Kubectl, condition, eventually, kubectl_trading, manifest
from kind.operating import OperatorProcess, prepare_namespace
from kind.trading import Platform, image, platform, wait_until_trading

LIMIT = "all"
LTC, LINK = "LTCUSDT", "LINKUSDT"
HALTED, REACHED = "BuysHalted", "LimitReached"
NOT_SO = 3
"""How `kubectl trading limits` ends while something is halted."""
WITHIN_S = 180.0
"""How long a market may take to come to a limit, sweep by sweep."""
AT_A_LOSS = "-0.5%"
"""A profit interval by which each cycle ends at a loss."""


@pytest.fixture(scope="module")
def market(cluster: None, run_name: str) -> Iterator[Platform]:
    """Return an exchange and a record of this module's own."""
    kubectl = prepare_namespace(f"{run_name}-limits-market", secrets=False)
    with platform(kubectl) as made:
        yield made
    kubectl.run("delete", "namespace", kubectl.namespace, "--wait=false")


@pytest.fixture(scope="module")
def home(run_name: str, market: Platform) -> Iterator[Kubectl]:
    """Return kubectl in a trading namespace whose leaders reach both."""
    kubectl = prepare_namespace(f"{run_name}-limits", database=market.leaders_database)
    yield kubectl
    kubectl.run("delete", "namespace", kubectl.namespace, "--wait=false")


@pytest.fixture(scope="module", autouse=True)
def operator(
    home: Kubectl, market: Platform, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorProcess]:
    """Run an operator for this namespace."""
    process = OperatorProcess(
        image("symbol-trader"),
        [home.namespace],
        tmp_path_factory.mktemp("operator"),
        exchange=market.address,
    )
    process.start()
    yield process
    assert process.end() == 0, process.log
    assert "Traceback" not in process.log, process.log


@pytest.fixture(autouse=True)
def tidy(home: Kubectl, market: Platform) -> Iterator[None]:
    """After a test, nothing is limited or traded any more."""
    yield
    market.exchange("resume")
    home.run("delete", "tlim,tsym", "--all", "--timeout=120s")


def declare(kubectl: Kubectl, **spec: object) -> None:
    """Write the account's limit, with these fields and no others."""
    document = {
        "apiVersion": "tradingsymbol.dev/v1alpha1",
        "kind": "TradingLimit",
        "metadata": {"name": LIMIT},
        "spec": {"exchange": "paper", **spec},
    }
    kubectl.apply(json.dumps(document))


def start(kubectl: Kubectl, *symbols: str, **spec: object) -> None:
    """Let symbols trade."""
    for symbol in symbols:
        kubectl.apply(manifest(symbol.lower(), "on", symbol=symbol, **spec))
    for symbol in symbols:
        wait_until_trading(kubectl, symbol.lower())


def limit(kubectl: Kubectl) -> dict[str, Any]:
    found = kubectl.find("tradinglimit", LIMIT)
    assert found is not None
    return found


def told(kubectl: Kubectl) -> set[str]:
    """Return the reasons of Events about the limit."""
    return {*kubectl.events(LIMIT, "TradingLimit")}


def says(kubectl: Kubectl, symbol: str, reason: str, words: str = "") -> bool:
    """Return whether a symbol's leader is held back for this reason."""
    found = condition(kubectl.symbol(symbol.lower()), "Degraded")
    return found.get("reason") == reason and words in found.get("message", "")


def moment(market: Platform) -> datetime:
    """Return the database's time."""
    found: datetime = market.query("SELECT clock_timestamp()")[0][0]
    return found


def buys(market: Platform, since: datetime, *symbols: str) -> int:
    query = (
        "SELECT count(*) FROM orders WHERE side = 'BUY' AND committed_at >= $1 AND symbol = ANY($2)"
    )
    return int(market.query(query, since, list(symbols))[0][0])


def comes_to_buy(market: Platform, *symbols: str) -> None:
    """Wait until each symbol has bought again, while the market fills what rests."""
    since = moment(market)

    def bought() -> bool:
        market.sweep(*symbols)
        return all(buys(market, since, symbol) for symbol in symbols)

    eventually(bought, within=WITHIN_S, what=f"{symbols} buy again")


def comes_to(market: Platform, kubectl: Kubectl, reason: str, words: str) -> None:
    """Wait until LTCUSDT is held back, while the market fills what rests."""

    def held() -> bool:
        market.sweep(LTC)
        return says(kubectl, LTC, reason, words)

    eventually(held, within=WITHIN_S, what=f"{reason}: {words}")


def test_an_account_is_halted_watched_and_resumed(home: Kubectl, market: Platform) -> None:
    """All symbols of the account hear, none buys, and what was bought is sold."""
    declare(home)
    start(home, LTC, LINK)
    code, lines = kubectl_trading(home, "limits")
    assert code == 0, lines

    code, lines = kubectl_trading(home, "halt", "--all")
    assert (code, lines) == (0, [f"{LIMIT}: buys are halted, once a leader of it has heard"])
    for symbol in (LTC, LINK):
        eventually(partial(says, home, symbol, HALTED), what=f"{symbol} is halted")
    eventually(lambda: condition(limit(home), "Halted").get("status") == "True")
    eventually(lambda: limit(home)["status"].get("leadersHeard") == 2, what="both have heard")
    code, lines = kubectl_trading(home, "limits")
    assert code == NOT_SO, lines
    code, lines = kubectl_trading(home, "explain", LTC.lower())
    assert code == 0, lines
    (standing,) = (line for line in lines if line.startswith(f"  {LIMIT}: buys are halted since "))
    assert f"halt of {home.namespace}/{LIMIT} is true, as kubectl-trading wrote at" in standing
    command = f"kubectl trading resume --namespace {home.namespace} {LIMIT}"
    assert [line for line in lines if line.endswith(command)], lines
    since = moment(market)
    market.sweep(LTC, LINK)
    market.sweep(LTC, LINK)
    assert buys(market, since, LTC, LINK) == 0
    for symbol in (LTC, LINK):
        assert market.resting(symbol, "SELL") == []
        assert condition(home.symbol(symbol.lower()), "Trading")["status"] == "True"

    code, lines = kubectl_trading(home, *command.split()[2:])
    assert code == 0, lines
    comes_to_buy(market, LTC, LINK)
    eventually(lambda: condition(limit(home), "Halted").get("status") == "False")
    for symbol in (LTC, LINK):
        assert {HALTED, "BuysResumed"} <= {*home.events(symbol.lower())}
    eventually(lambda: {"Halted", "NotHalted"} <= told(home))


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"maxExposure": 1}, "maxExposure of"),
        ({"maxOpenCycles": 1}, "maxOpenCycles of"),
        ({"maxOrdersPerMinute": 1}, "maxOrdersPerMinute of"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_a_limit_refuses_buys_until_it_is_raised(
    home: Kubectl, market: Platform, spec: dict[str, int], words: str
) -> None:
    start(home, LTC)
    declare(home, **spec)
    comes_to(market, home, REACHED, words)
    eventually(lambda: REACHED in home.events(LTC.lower()))

    declare(home, **dict.fromkeys(spec, 100_000))
    comes_to_buy(market, LTC)
    eventually(lambda: not says(home, LTC, REACHED), what="nothing is reached any more")


def test_after_a_loss_a_symbol_pauses_for_the_cooldown(home: Kubectl, market: Platform) -> None:
    start(home, LTC, profitInterval=AT_A_LOSS)
    declare(home, cooldown="20s")
    comes_to(market, home, REACHED, "cooldown of")
    declare(home)
    comes_to_buy(market, LTC)


@pytest.mark.parametrize("field", ["maxDailyLoss", "maxDrawdown"])
def test_a_loss_halts_the_account_until_a_person_resumes(
    home: Kubectl, market: Platform, field: str
) -> None:
    """What was bought is worth less as the price falls: that counts before it is sold."""
    start(home, LTC)
    market.freeze_with_two_orders(LTC)
    declare(home, **{field: "0.5"})
    market.fall(LTC)
    eventually(lambda: says(home, LTC, HALTED, field), within=WITHIN_S, what="the loss is seen")
    eventually(lambda: condition(limit(home), "Reached").get("status") == "True")
    since = moment(market)
    market.fall(LTC)
    assert buys(market, since, LTC) == 0

    code, lines = kubectl_trading(home, "resume", LIMIT)
    assert code == 0, lines
    eventually(lambda: not says(home, LTC, HALTED), what="losses count from here on")
    since = moment(market)
    # Sells fill, and a cycle follows. Nothing falls: that could be as great a loss again.
    market.rise(LTC)
    market.exchange("resume")
    eventually(lambda: buys(market, since, LTC) > 0, within=WITHIN_S, what="it buys again")


def test_a_limit_that_is_deleted_leaves_its_halt_behind(home: Kubectl, market: Platform) -> None:
    """Then no resource asks for it any more, and the command alone ends it."""
    declare(home, halt=True)
    home.apply(manifest(LTC.lower(), "on", symbol=LTC))
    eventually(lambda: says(home, LTC, HALTED), what="it starts halted")
    home.run("delete", "tradinglimit", LIMIT)
    eventually(lambda: "LimitDeleted" in told(home))
    assert says(home, LTC, HALTED)
    account = market.query("SELECT DISTINCT account FROM owners")[0][0]
    # A leader's pod has the program, and the way to the record.
    pod = f"{LTC.lower()}-leader"
    home.run("exec", pod, "--", "symbol-trader", "resume", "--account", account)
    comes_to_buy(market, LTC)
