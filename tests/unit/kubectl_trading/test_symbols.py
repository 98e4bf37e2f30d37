"""What a person is told of a symbol."""

import pytest

from kubectl_trading.symbols import NOT_SEEN, Symbol
from kubectl_trading.table import row, table
from tradingsymbol_api.values import TradingStatus
from unit.kubectl_trading.documents import Document, document

READY = {"Ready": "True LeaderReady"}
BROKEN = {"Ready": "False LeaderNotReady", "Degraded": "True DatabaseUnreachable: refused"}
DRAINING = {"Ready": "False Draining", "ShuttingDown": "True ShutdownRequested: waits for SELL 7"}


@pytest.mark.parametrize(
    ("conditions", "ready", "well", "why"),
    [
        (READY, True, True, ""),
        (READY | {"Degraded": "False AsExpected"}, True, True, ""),
        (BROKEN, False, False, "DatabaseUnreachable: refused"),
        (READY | {"Degraded": "True SellsAtLoss: it does"}, True, False, "SellsAtLoss: it does"),
        (BROKEN | {"Stalled": "True ForeignPod: not ours"}, False, False, "ForeignPod: not ours"),
        ({"Ready": "False Starting: pulls"}, False, False, "Starting: pulls"),
        (DRAINING, False, True, "ShutdownRequested: waits for SELL 7"),
        ({}, False, False, NOT_SEEN),
    ],
)
def test_what_is_in_the_way(conditions: dict[str, str], ready: bool, well: bool, why: str) -> None:
    symbol = Symbol.of(document(**conditions))
    assert (symbol.ready, symbol.well, symbol.why) == (ready, well, why)


def test_what_the_operator_said_before_a_change_does_not_count() -> None:
    changed = document(**READY)
    changed["metadata"]["generation"] = 4
    symbol = Symbol.of(changed)
    assert (symbol.ready, symbol.well, symbol.why) == (False, False, NOT_SEEN)


def test_a_resource_that_was_just_created() -> None:
    new: Document = document()
    del new["status"]
    del new["spec"]["status"]
    symbol = Symbol.of(new)
    assert (symbol.desired, symbol.traders, symbol.profit) == (TradingStatus.OFF, None, "")


@pytest.mark.parametrize("written", [True, "on"])
def test_bare_words_mean_the_same(written: object) -> None:
    assert Symbol.of(document(status=written)).desired is TradingStatus.ON


def test_a_symbol_is_named_as_the_exchange_does() -> None:
    named = document(name="second")
    named["spec"]["symbol"] = "ETHUSDT"
    assert Symbol.of(named).symbol == "ETHUSDT"
    assert Symbol.of(document()).symbol == "XRPUSDT"


def test_a_table_lines_up() -> None:
    off = document(name="ethusdt", status="off", Ready="True Stopped")
    off["status"] |= {"traders": None, "openOrders": None, "profit": None}
    going = document(name="btc", Ready="False NodeLost")
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    lines = table([Symbol.of(off), Symbol.of(going)], namespaces=True)
    assert lines == [
        "NAMESPACE  NAME     REQUESTED  READY  TRADERS  ORDERS  PROFIT     WHY",
        "trading    ethusdt  off        yes    -        -       -",
        "trading    btc      deleting   no     2        1       0.25 USDT  NodeLost",
    ]
    assert table([], namespaces=False) == ["NAME  REQUESTED  READY  TRADERS  ORDERS  PROFIT  WHY"]


def test_doubts_and_what_the_profit_lacks_are_shown() -> None:
    said = document(**READY)
    said["status"] |= {"ordersInDoubt": 1, "unvaluedFees": {"BNB": "0.0012", "XYZ": "3"}}
    cells = row(Symbol.of(said))
    assert cells[4:6] == ("1, 1 in doubt", "0.25 USDT, lacks fees of 0.0012 BNB, 3 XYZ")


def test_the_profit_stays_when_the_leader_has_gone() -> None:
    off = document(status="off", Ready="True Stopped")
    del off["status"]["traders"], off["status"]["openOrders"]
    assert row(Symbol.of(off))[3:6] == ("-", "-", "0.25 USDT")
