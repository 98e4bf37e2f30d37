"""What no operator serves: changes that nobody takes up."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kubectl_trading.serving import TAKEN_UP_WITHIN, Claim, lapsed, unserved
from kubectl_trading.symbols import Symbol
from unit.kubectl_trading.documents import document

CREATED = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = "2026-01-01T13:00:00Z"
MANAGERS = {
    "nobody": [],
    "an operator": [{"manager": "symbol-operator", "subresource": "status", "time": LATER}],
    "odd": [None, {"time": 7, "fieldsV1": {"f:spec": {}}}, {"fieldsV1": "f:spec"}],
}


def said(now: datetime, metadata: dict[str, Any]) -> list[str]:
    found = document()
    found["metadata"] |= metadata
    return unserved([Symbol.of(found)], now)


@pytest.mark.parametrize("managers", MANAGERS.values(), ids=MANAGERS)
def test_what_was_created_and_nobody_saw_is_said_after_its_time(managers: list[Any]) -> None:
    metadata = {"generation": 4, "managedFields": managers}

    assert said(CREATED + TAKEN_UP_WITHIN, metadata) == []
    assert len(said(CREATED + TAKEN_UP_WITHIN + timedelta(seconds=1), metadata)) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"managedFields": [{"time": LATER, "fieldsV1": {"f:spec": {"f:status": {}}}}]},
        {"deletionTimestamp": LATER},
    ],
)
def test_it_is_the_last_change_that_has_to_be_taken_up(change: dict[str, Any]) -> None:
    changed = CREATED + timedelta(hours=1)
    metadata = {"generation": 4, **change}

    assert said(changed + TAKEN_UP_WITHIN, metadata) == []
    (line,) = said(changed + timedelta(hours=3), metadata)
    assert "180 min ago" in line


def test_what_an_operator_has_taken_up_is_served_however_old() -> None:
    assert said(CREATED + timedelta(days=99), {}) == []


def test_without_any_time_nothing_is_said() -> None:
    assert said(CREATED + timedelta(days=99), {"generation": 4, "creationTimestamp": None}) == []


def test_a_claim_counts_until_it_has_lapsed_for_a_while() -> None:
    """And where there is no symbol, nothing needs to be served."""
    lasts = timedelta(seconds=60)
    symbols = [Symbol.of(document())]
    claim = Claim(symbols[0].namespace, "a/symbol-operator", CREATED, lasts)
    in_time = CREATED + lasts + TAKEN_UP_WITHIN
    assert lapsed([claim], symbols, in_time) == []
    late = in_time + timedelta(seconds=1)
    assert len(lapsed([claim], symbols, late)) == 1
    assert lapsed([claim], [], late) == []
    assert lapsed([Claim("empty", "a", CREATED, lasts)], symbols, late) == []
