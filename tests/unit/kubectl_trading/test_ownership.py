"""Whose symbol it is, by what a leader says."""

import pytest

from kubectl_trading.ownership import foreign_owner, judge
from kubectl_trading.symbols import Symbol
from unit.kubectl_trading.documents import document
from unit.kubectl_trading.test_owning import OWNER, first, owned


@pytest.mark.parametrize(
    "degraded",
    [
        "True OwnedByAnother: pod p lost XRPUSDT to another",
        f"False AsExpected: {OWNER}",
        f"True DatabaseUnreachable: {OWNER}",
    ],
)
def test_only_a_leader_that_says_so_now_names_an_owner(degraded: str) -> None:
    assert foreign_owner(Symbol.of(document(Degraded=degraded))) is None
    assert foreign_owner(Symbol.of(document())) is None
    assert foreign_owner(Symbol.of(owned())) == OWNER


def test_an_owner_that_is_being_deleted_is_there_still() -> None:
    found = first()
    found["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    said = judge(Symbol.of(owned()), OWNER, Symbol.of(found))
    assert said.text == "its owner old/first is there, and is to be deleted"
