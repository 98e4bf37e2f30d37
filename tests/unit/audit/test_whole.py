"""Totals are equal to the last digit; limits hold at every moment since they are in force."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from symbol_trader.audit.evidence import Commitment, Limits, Totals
from symbol_trader.audit.whole import LimitsCheck, totals_agree

D = Decimal
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
TOTALS = Totals(3, D("1.5"), D("0.09"), D("0.18"), D("20"), 1, D("40"), D("-20"))
CHANGES = [
    Commitment(BEGIN, 1, D(0)),
    Commitment(BEGIN, 0, D(20)),
    Commitment(BEGIN + timedelta(seconds=1), 0, D(-20)),
    Commitment(BEGIN + timedelta(seconds=1), -1, D(0)),
    Commitment(BEGIN + timedelta(seconds=1), 1, D(0)),
    Commitment(BEGIN + timedelta(seconds=1), 0, D(15)),
]


def broken(budget: str, chunks: int, since: datetime = BEGIN) -> set[str]:
    """Return what breaks these limits."""
    return {found.what for found in LimitsCheck(Limits(D(budget), chunks, since)).run(CHANGES)}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ended_count", 4),
        ("ended_profit", D("1.50000001")),
        ("ended_carried", D("0.18")),
        ("ended_carried_cost", D("0.17999999")),
        ("exposure", D("20.00000001")),
        ("open_cycles", 2),
        ("net_base", D("39.9")),
        ("net_quote", D("-20.1")),
    ],
)
def test_a_total_that_is_off_by_one_unit_is_found(name: str, value: object) -> None:
    kept = replace(TOTALS, **{name: value})  # type: ignore[arg-type]  # fields by their names
    (found,) = totals_agree(kept, TOTALS)
    assert (found.what, found.subject) == ("total is wrong", name)
    assert list(totals_agree(TOTALS, TOTALS)) == []


def test_limits_that_hold_and_that_do_not() -> None:
    assert broken("20", 1) == set()
    assert broken("19.99", 1) == {"over budget"}
    assert broken("20", 0) == {"more traders than chunks"}


def test_limits_hold_from_when_they_are_in_force() -> None:
    assert broken("15", 1, BEGIN + timedelta(seconds=1)) == set()
    assert broken("1", 0, BEGIN + timedelta(days=1)) == set()
