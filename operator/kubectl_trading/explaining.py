"""A symbol explained: what is asked, what is so, why not, what to do, and what happened. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from kubectl_trading.events import Event, clock, event_rows
from kubectl_trading.ownership import Finding
from kubectl_trading.remedies import remedy
from kubectl_trading.story import readable
from kubectl_trading.symbols import NOT_SEEN, Symbol
from kubectl_trading.table import layout
from tradingsymbol_api.conditions import LeaderReason
from tradingsymbol_api.reading import Document, holds, objects, parse_time, text

EVENTS_SHOWN: Final = 8
INDENT: Final = "  "
NOBODY: Final = (
    "See that an operator runs and has the namespace on its list: the runbook's section about "
    "a namespace that is not served."
)


@dataclass(frozen=True, slots=True)
class Found:
    """What was found out besides the resource; a text instead says why it could not be."""

    unserved: Sequence[str] = ()
    """Sentences about what no operator takes up."""
    owner: Finding | None = None
    """About the other resource that owns the symbol, if one does."""
    events: Sequence[Event] | str = ()
    """The oldest first."""
    story: Sequence[str] | str = ()
    """The last lines of the leader's log."""


def explanation(symbol: Symbol, found: Found) -> list[str]:
    """Return the lines that explain a symbol."""
    environment = text(symbol.document, "status", "environment")
    sections = {
        "Asked": [_asked(symbol)],
        "So": [_so(symbol)],
        "Why not": [*_why_not(symbol, found)],
        "What to do": [*_what_to_do(symbol, found)],
        "Events": _events(found.events),
        "Story": [found.story] if isinstance(found.story, str) else [*map(readable, found.story)],
    }
    head = f"{symbol.namespace}/{symbol.name}: {symbol.symbol}"
    return [
        f"{head} on {environment}" if environment else head,
        *(line for title, lines in sections.items() for line in _section(title, lines)),
    ]


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield ""
        yield f"{title}:"
        yield from (INDENT + line for line in lines)


def _asked(symbol: Symbol) -> str:
    if symbol.deleting:
        moment = text(symbol.document, "metadata", "deletionTimestamp")
        return f"to be deleted, since {moment}"
    return symbol.desired + _by_whom(symbol.document)


def _by_whom(document: Document) -> str:
    """Return who wrote the status last and when, by the field managers; empty if unknown."""
    written = [
        (moment, text(entry, "manager"))
        for entry in objects(document, "metadata", "managedFields")
        if holds(entry, "fieldsV1", "f:spec", "f:status")
        and (moment := parse_time(text(entry, "time")))
    ]
    if not written:
        return ""
    moment, manager = max(written)
    return f", as {manager} wrote at {clock(moment)}"


def _so(symbol: Symbol) -> str:
    done = "yes" if symbol.ready else "no"
    if symbol.traders is None:
        leader = "no leader reports"
    else:
        leader = f"traders {symbol.traders}, open orders {symbol.open_orders or 0}"
    doubt = f"{symbol.in_doubt} in doubt" if symbol.in_doubt else ""
    profit = f"profit {symbol.profit}" if symbol.profit else ""
    return "; ".join(filter(None, (done, leader, doubt, profit)))


def _why_not(symbol: Symbol, found: Found) -> Iterator[str]:
    if not symbol.seen or not (symbol.ready or symbol.obstacles):
        yield NOT_SEEN
    yield from found.unserved
    for obstacle in symbol.obstacles:
        yield str(obstacle)
    if found.owner:
        yield found.owner.text


def _what_to_do(symbol: Symbol, found: Found) -> Iterator[str]:
    if found.unserved:
        yield NOBODY
    for obstacle in symbol.obstacles:
        if found.owner and obstacle.reason == LeaderReason.OWNED_BY_ANOTHER:
            yield found.owner.remedy
        else:
            yield f"{obstacle.reason}: {remedy(obstacle.reason, symbol)}"


def _events(found: Sequence[Event] | str) -> list[str]:
    if isinstance(found, str):
        return [found]
    return layout(event_rows(found[-EVENTS_SHOWN:])) if found else []
