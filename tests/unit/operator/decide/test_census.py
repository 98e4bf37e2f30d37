"""Symbols are counted by what is asked of them and by how they are."""

import pytest

from symbol_operator.decide.census import Census, take_census
from tradingsymbol_api.reading import Document


def symbol(status: object = None, stalled: str | None = None) -> Document:
    spec = {} if status is None else {"status": status}
    conditions = [{"type": "Ready", "status": "True"}]
    if stalled:
        conditions.append({"type": "Stalled", "status": stalled})
    return {"spec": spec, "status": {"conditions": conditions}}


@pytest.mark.parametrize(
    ("status", "wanted"),
    [("on", 1), (True, 1), ("shutdown", 1), ("off", 0), (False, 0), (None, 0)],
)
def test_on_and_shutdown_ask_for_a_leader(status: object, wanted: int) -> None:
    assert take_census([symbol(status)], 0).wanted == wanted


def test_where_the_operator_leaves_no_leader_is_wanted() -> None:
    """One that is missing there is no reason for an alert."""
    assert take_census([symbol("on")], 1, leaving=True) == Census(1, 0, 0, 1)


def test_what_is_stalled_counts_as_such() -> None:
    found = [symbol(stalled="True"), symbol(stalled="False"), symbol(), {"spec": {}}]
    assert take_census(found, 7) == Census(symbols=4, wanted=0, stalled=1, leaders=7)
