"""What the operator makes of a TradingSymbol, valid or not."""

from typing import Any

import pytest

from symbol_operator.observe.symbol import (
    ObservedSymbol,
    finalizers,
    observe_lifecycle,
    observe_symbol,
)
from tradingsymbol_api.names import ANNOTATION_ABANDON, FINALIZER, FOREGROUND_FINALIZER
from tradingsymbol_api.values import DeletionPolicy, TradingStatus
from unit.operator.objects import resource


def observe(document: dict[str, Any]) -> ObservedSymbol:
    symbol = observe_symbol(document)
    assert symbol is not None
    return symbol


def leaving(policy: object = "Drain", *finalizers: str, **metadata: Any) -> dict[str, Any]:
    """Make a resource that is being deleted."""
    document = resource("on", deletionPolicy=policy)
    document["metadata"] |= {
        "deletionTimestamp": "2026-01-01T12:00:00Z",
        "finalizers": list(finalizers),
        **metadata,
    }
    return document


def test_no_resource_is_no_symbol() -> None:
    assert observe_symbol(None) is None


def test_what_was_never_reconciled_has_said_nothing() -> None:
    symbol = observe(resource())

    assert (symbol.life.namespace, symbol.name, symbol.uid) == ("trading", "xrpusdt", "r1")
    assert (symbol.symbol, symbol.generation) == ("XRPUSDT", 1)
    assert symbol.status_writer == "kubectl-patch"
    assert (symbol.reported.requested, symbol.reported.ready_reason) == ("", "")
    assert not symbol.reported.names_leader
    assert not symbol.reported.led


def test_a_status_is_read() -> None:
    document = resource(symbol="ETHUSDT")
    document["status"] = {
        "requested": "on",
        "leader": {"pod": "xrpusdt-leader", "uid": "p1"},
        "openOrders": 2,
        "epoch": 7,
        "profit": "1",
        "conditions": [{"type": "Ready", "status": "True", "reason": "LeaderReady"}],
    }
    symbol = observe(document)
    reported = symbol.reported

    assert symbol.symbol == "ETHUSDT"
    assert (reported.requested, reported.ready_reason) == ("on", "LeaderReady")
    assert (reported.names_leader, reported.leader_uid) == (True, "p1")
    assert (reported.open_orders, reported.epoch, reported.led) == (2, 7, True)


def test_the_ledger_alone_is_no_report_of_a_leader() -> None:
    document = resource() | {"status": {"profit": "1", "quoteAsset": "USDT"}}

    assert not observe(document).reported.led


@pytest.mark.parametrize("written", ["neither", 7, None, ["on"]])
def test_what_cannot_be_read_lets_nothing_trade_and_the_resource_go(written: object) -> None:
    life = observe_lifecycle(resource(written, deletionPolicy=written))

    assert (life.desired, life.policy) == (TradingStatus.OFF, DeletionPolicy.STOP)


@pytest.mark.parametrize(
    ("document", "held_up", "finishes_first"),
    [
        (leaving("Drain", FINALIZER), True, True),
        (leaving("CancelOrders", FINALIZER), True, True),
        (leaving("Stop", FINALIZER), True, False),
        (leaving("Drain"), False, False),
        (leaving("Drain", FINALIZER, FOREGROUND_FINALIZER), True, False),
        (leaving("Drain", FINALIZER, annotations={ANNOTATION_ABANDON: "true"}), True, False),
    ],
)
def test_a_deletion_waits_for_the_leader_where_it_is_to_finish(
    document: dict[str, Any], *, held_up: bool, finishes_first: bool
) -> None:
    life = observe_lifecycle(document)

    assert (life.deleting, life.held_up, life.finishes_first) == (True, held_up, finishes_first)


def test_our_finalizer_comes_and_goes_and_those_of_others_stay() -> None:
    document = leaving("Drain", FINALIZER, "other")

    assert finalizers(document, kept=True) == ["other", FINALIZER]
    assert finalizers(document, kept=False) == ["other"]
    assert not observe_lifecycle(leaving("Drain", "other")).held_up
