"""A symbol explained: what is asked, what is so, why not, what to do, and what happened. Pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kubectl_trading.events import Event, event_rows
from kubectl_trading.holding import halt_remedies, standing
from kubectl_trading.limits import Limit
from kubectl_trading.ownership import Finding
from kubectl_trading.remedies import remedy
from kubectl_trading.story import readable
from kubectl_trading.symbols import NOT_SEEN, Symbol
from kubectl_trading.table import layout
from kubectl_trading.writers import last_writer
from tradingsymbol_api.conditions import LeaderReason
from tradingsymbol_api.reading import text

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
    limits: Sequence[Limit] | str = ()
    """Those that hold for the symbol."""
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
        "Limits": _each(found.limits, standing),
        "Why not": [*_why_not(symbol, found)],
        "What to do": [*_what_to_do(symbol, found)],
        "Events": _events(found.events),
        "Story": _each(found.story, readable),
    }
    head = f"{symbol.namespace}/{symbol.name}: {symbol.symbol}"
    return [
        f"{head} on {environment}" if environment else head,
        *(line for title, lines in sections.items() for line in _section(title, lines)),
    ]


def _each(found: Sequence[Any] | str, line: Callable[[Any], str]) -> list[str]:
    return [found] if isinstance(found, str) else [*map(line, found)]


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield ""
        yield f"{title}:"
        yield from (INDENT + line for line in lines)


def _asked(symbol: Symbol) -> str:
    if symbol.deleting:
        moment = text(symbol.document, "metadata", "deletionTimestamp")
        return f"to be deleted, since {moment}"
    return symbol.desired + last_writer(symbol.document, "status")


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
        match obstacle.reason:
            case LeaderReason.OWNED_BY_ANOTHER if found.owner:
                yield found.owner.remedy
            case LeaderReason.BUYS_HALTED if not isinstance(found.limits, str):
                continue  # the limits tell it better, below
            case reason:
                yield f"{reason}: {remedy(reason, symbol)}"
    if not isinstance(found.limits, str):
        yield from halt_remedies(found.limits, symbol)


def _events(found: Sequence[Event] | str) -> list[str]:
    if isinstance(found, str):
        return [found]
    return layout(event_rows(found[-EVENTS_SHOWN:])) if found else []
