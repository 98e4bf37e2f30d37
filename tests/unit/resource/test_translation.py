"""What a resource asks for, and whether something else was asked for before."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from symbol_trader.core.settings import AtDeadline, TradingStatus, UnfilledBuys
from symbol_trader.desired import Desired
from symbol_trader.report import Report
from symbol_trader.resource.translation import deleted, desired_of, status_of
from tradingsymbol_api.names import ANNOTATION_ABANDON, API_VERSION, FINALIZER, KIND
from tradingsymbol_api.spec import parse_resource
from tradingsymbol_api.status import Target
from tradingsymbol_api.values import DeletionPolicy


def desired(generation: int, uid: str = "uid-1", **spec: object) -> Desired:
    return desired_of(
        parse_resource(
            {
                "apiVersion": API_VERSION,
                "kind": KIND,
                "metadata": {"name": "xrpusdt", "uid": uid, "generation": generation},
                "spec": {"exchange": "paper", "budget": "100", **spec},
            }
        )
    )


@pytest.mark.parametrize(
    ("earlier", "later", "continues"),
    [
        (desired(2), desired(2), True),
        (desired(2), desired(3), True),
        (desired(2), desired(4), False),
        (desired(2), desired(3, uid="uid-2"), False),
    ],
    ids=["the same", "the next", "one was missed", "of a namesake"],
)
def test_it_continues_what_it_directly_follows(
    earlier: Desired, later: Desired, continues: bool
) -> None:
    assert later.continues(earlier) is continues


KEPT = {"finalizers": [FINALIZER]}
WITH_DEADLINE = desired(1, status="on", shutdown={"deadline": "1h", "atDeadline": "Sell"})


def test_a_deletion_that_drains_is_a_shutdown_as_the_spec_describes_it() -> None:
    drains = deleted(WITH_DEADLINE, KEPT, DeletionPolicy.DRAIN)

    assert drains.settings == replace(WITH_DEADLINE.settings, status=TradingStatus.SHUTDOWN)
    assert not drains.cancels_first


def test_a_deletion_that_cancels_is_a_shutdown_that_is_overdue_and_sells_nothing() -> None:
    settings = deleted(WITH_DEADLINE, KEPT, DeletionPolicy.CANCEL_ORDERS).settings

    assert settings.status is TradingStatus.SHUTDOWN
    assert settings.unfilled_buys is UnfilledBuys.CANCEL
    assert (settings.deadline_ms, settings.at_deadline) == (1, AtDeadline.HOLD)
    assert deleted(WITH_DEADLINE, KEPT, DeletionPolicy.CANCEL_ORDERS).cancels_first


@pytest.mark.parametrize("policy", DeletionPolicy)
@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"finalizers": []},
        {"finalizers": [FINALIZER, "foregroundDeletion"]},
        {**KEPT, "annotations": {ANNOTATION_ABANDON: "true"}},
    ],
    ids=["no finalizers", "ours is missing", "in the foreground", "abandoned"],
)
def test_a_deletion_that_nothing_holds_up_is_off(
    metadata: dict[str, Any], policy: DeletionPolicy
) -> None:
    ends = deleted(WITH_DEADLINE, metadata, policy)

    assert ends.settings.status is TradingStatus.OFF
    assert not ends.cancels_first


def test_stop_is_off_even_where_a_finalizer_was_left() -> None:
    assert deleted(WITH_DEADLINE, KEPT, DeletionPolicy.STOP).settings.status is TradingStatus.OFF


TARGET = Target("trading", "xrpusdt", "uid-1")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SAID = Report(
    generation=1,
    epoch=7,
    trading=True,
    draining=False,
    traders=2,
    profit=Decimal("1.50"),
    quote_asset="USDT",
    orders_in_doubt=1,
    unvalued_fees=(("BNB", Decimal("0.0012")),),
)


def said(report: Report, status: Mapping[str, Any]) -> dict[str, Any]:
    return dict(status_of(report, TARGET, NOON, status)["status"])


def test_a_report_says_its_doubts_and_what_its_profit_lacks() -> None:
    status = said(SAID, {})
    assert (status["ordersInDoubt"], status["unvaluedFees"]) == (1, {"BNB": "0.0012"})
    assert status["conditions"][0]["message"] == "profit lacks fees of 0.0012 BNB"


def test_a_report_without_doubts_says_so_in_a_number() -> None:
    status = said(replace(SAID, orders_in_doubt=0, unvalued_fees=()), {})
    assert status["ordersInDoubt"] == 0
    assert "unvaluedFees" not in status
    assert status["conditions"][0]["message"] == ""


@pytest.mark.parametrize("epoch", [None, 8])
def test_until_the_record_is_read_the_ledger_stays_as_it_was(epoch: int | None) -> None:
    """What a manager leaves out of its document, the API server removes."""
    earlier = said(SAID, {})
    waiting = Report(generation=1, epoch=epoch, trading=False, draining=False, loaded=False)
    status = said(waiting, earlier)
    assert {"profit": "1.5", "quoteAsset": "USDT", "unvaluedFees": {"BNB": "0.0012"}}.items() <= (
        status.items()
    )
    assert status.get("epoch") == epoch
    assert not {"traders", "openOrders", "ordersInDoubt"} & status.keys()
