"""An explanation, section by section."""

from datetime import UTC, datetime
from typing import Any

import pytest

from kubectl_trading.events import Event
from kubectl_trading.explaining import EVENTS_SHOWN, NOBODY, Found, explanation
from kubectl_trading.ownership import Finding, Presence
from kubectl_trading.symbols import NOT_SEEN, Symbol
from unit.kubectl_trading.documents import document


def section(title: str, lines: list[str]) -> list[str]:
    """Return the lines below a title."""
    if f"{title}:" not in lines:
        return []
    rest = lines[lines.index(f"{title}:") + 1 :]
    return [line.strip() for line in rest[: rest.index("") if "" in rest else None]]


def asked(**metadata: Any) -> list[str]:
    found = document(Ready="True LeaderReady")
    found["metadata"] |= metadata
    return section("Asked", explanation(Symbol.of(found), Found()))


def wrote(manager: str, time: str, part: str = "f:status") -> dict[str, Any]:
    return {"manager": manager, "time": time, "fieldsV1": {"f:spec": {part: {}}}}


def test_it_says_who_asked_last() -> None:
    entries = [
        wrote("kubectl-edit", "2026-01-01T10:00:00Z"),
        wrote("kubectl-trading", "2026-01-01T11:00:00Z"),
        wrote("argocd", "2026-01-01T12:00:00Z", "f:budget"),
        {"manager": "odd", "time": 7, "fieldsV1": {"f:spec": {"f:status": {}}}},
    ]
    assert asked(managedFields=entries) == ["on, as kubectl-trading wrote at 2026-01-01 11:00:00Z"]
    assert asked() == ["on"]
    deleted = asked(deletionTimestamp="2026-01-01T13:00:00Z")
    assert deleted == ["to be deleted, since 2026-01-01T13:00:00Z"]


def test_where_all_is_as_asked_nothing_is_to_be_done() -> None:
    found = document(Ready="True LeaderReady")
    found["status"]["environment"] = "paper"
    lines = explanation(Symbol.of(found), Found())
    assert lines[0] == "trading/xrpusdt: XRPUSDT on paper"
    assert section("So", lines) == ["yes; traders 2, open orders 1; profit 0.25 USDT"]
    assert section("Why not", lines) == section("What to do", lines) == []
    assert section("Events", lines) == section("Story", lines) == []


@pytest.mark.parametrize(
    ("status", "so"),
    [
        ({"traders": None, "profit": None}, "no; no leader reports"),
        (
            {"openOrders": None, "ordersInDoubt": 2, "profit": None},
            "no; traders 2, open orders 0; 2 in doubt",
        ),
    ],
)
def test_what_is_so(status: dict[str, Any], so: str) -> None:
    found = document(Ready="False Starting")
    found["status"] |= status
    assert section("So", explanation(Symbol.of(found), Found())) == [so]


def test_a_symbol_of_which_nothing_was_said_yet_waits_for_the_operator() -> None:
    found = document()
    lines = explanation(Symbol.of(found), Found())
    assert section("Why not", lines) == [NOT_SEEN]


def test_what_no_operator_takes_up_comes_first() -> None:
    found = document(Ready="True LeaderReady")
    found["metadata"]["generation"] = 4
    lines = explanation(Symbol.of(found), Found(unserved=["nobody serves it"]))
    assert section("Why not", lines) == [NOT_SEEN, "nobody serves it"]
    assert section("What to do", lines) == [NOBODY]


def test_the_owner_has_the_say_about_ownership_alone() -> None:
    conditions = {"Degraded": "True OwnedByAnother: X", "Stalled": "True ForeignPod: Y"}
    owner = Finding(Presence.GONE, "its owner is gone", "take it over")
    lines = explanation(Symbol.of(document(**conditions)), Found(owner=owner))
    assert section("Why not", lines) == ["ForeignPod: Y", "OwnedByAnother: X", "its owner is gone"]
    assert section("What to do", lines)[1] == "take it over"
    assert section("What to do", lines)[0].startswith("ForeignPod: Delete or rename the pod")


def test_the_last_events_are_shown() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    told = [Event(at, "Normal", f"R{n}", "pod/x", "") for n in range(20)]
    shown = section("Events", explanation(Symbol.of(document()), Found(events=told)))
    assert [line.split()[3] for line in shown[1:]] == [f"R{n}" for n in range(20)][-EVENTS_SHOWN:]
