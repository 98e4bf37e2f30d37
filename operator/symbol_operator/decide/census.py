"""How many symbols and leaders a namespace has. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from tradingsymbol_api.conditions import ConditionType
from tradingsymbol_api.reading import Document, objects, text
from tradingsymbol_api.spec import desired_status
from tradingsymbol_api.values import TradingStatus


@dataclass(frozen=True, slots=True)
class Census:
    """What a look at all symbols and leader pods of a namespace found."""

    symbols: int
    wanted: int
    """Symbols that are on or in shutdown: each has a leader, or is about to have one."""
    stalled: int
    leaders: int


def take_census(resources: Iterable[Document], leaders: int, *, leaving: bool = False) -> Census:
    """Count symbols by what is asked of them and what the operator says of them.

    Where the operator is `leaving` the namespace, no leader is wanted.
    """
    symbols = wanted = stalled = 0
    for item in resources:
        symbols += 1
        wanted += desired_status(item) is not TradingStatus.OFF and not leaving
        stalled += _is_stalled(item)
    return Census(symbols, wanted, stalled, leaders)


def _is_stalled(resource: Document) -> bool:
    return any(
        (text(item, "type"), text(item, "status")) == (ConditionType.STALLED, "True")
        for item in objects(resource, "status", "conditions")
    )
