"""What a resource asks for, and whether something else was asked for before."""

import pytest

from symbol_trader.ports import Desired
from symbol_trader.resource.wishes import desired_of
from tradingsymbol_api.names import API_VERSION, KIND
from tradingsymbol_api.spec import parse_resource


def wish(generation: int, uid: str = "uid-1") -> Desired:
    return desired_of(
        parse_resource(
            {
                "apiVersion": API_VERSION,
                "kind": KIND,
                "metadata": {"name": "xrpusdt", "uid": uid, "generation": generation},
                "spec": {"exchange": "paper", "budget": "100"},
            }
        )
    )


@pytest.mark.parametrize(
    ("earlier", "later", "continues"),
    [
        (wish(2), wish(2), True),
        (wish(2), wish(3), True),
        (wish(2), wish(4), False),
        (wish(2), wish(3, uid="uid-2"), False),
    ],
    ids=["the same", "the next", "one was missed", "of a namesake"],
)
def test_it_continues_what_it_directly_follows(
    earlier: Desired, later: Desired, continues: bool
) -> None:
    assert later.continues(earlier) is continues
