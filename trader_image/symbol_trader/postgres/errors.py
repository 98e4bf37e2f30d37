"""What PostgreSQL's and the driver's errors mean to a leader: one table.

Unavailable: the database cannot serve now; whatever was asked counts as not done.
Fenced: another epoch holds the ledger.
SettledMeanwhile: a person has settled an order since the record was loaded.
Contradiction: the record refuses what does not fit it; the text names the row's key.
Everything else is a mistake in this program and goes up as it is.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import asyncpg

from symbol_trader.errors import Contradiction, DatabaseUnavailable, Fenced, SettledMeanwhile
from symbol_trader.postgres import urls

Known = type[DatabaseUnavailable | Fenced | SettledMeanwhile | Contradiction]

SQLSTATES: Final[dict[str, Known]] = {
    # Ours, raised by the schema's functions.
    "TR001": Fenced,
    "TR002": Contradiction,
    "TR003": SettledMeanwhile,
    # Classes, by their first two characters.
    "08": DatabaseUnavailable,  # connection
    "23": Contradiction,  # integrity constraint
    "28": DatabaseUnavailable,  # authorization: a person has to mend it, the leader waits
    "40": DatabaseUnavailable,  # transaction rolled back, deadlock, outcome unknown
    "53": DatabaseUnavailable,  # disk full, out of memory, too many connections
    "57": DatabaseUnavailable,  # shutting down, starting up, statement timeout, database dropped
    "58": DatabaseUnavailable,  # input or output failed
    # Single states.
    "25006": DatabaseUnavailable,  # read-only: a standby, or a full disk's emergency brake
    "25P03": DatabaseUnavailable,  # idle in transaction for too long
    "25P04": DatabaseUnavailable,  # transaction timeout
    "3D000": DatabaseUnavailable,  # no such database
    "42501": DatabaseUnavailable,  # no privilege
    "55P03": DatabaseUnavailable,  # lock timeout
    # The statement that was prepared a moment ago is not there, or another's is.
    "26000": DatabaseUnavailable,
    "42P05": DatabaseUnavailable,
}
"""SQLSTATE, or its class -> meaning. Source: PostgreSQL, appendix A."""

POOLED: Final = (
    "a pooler in between hands the connection to other clients between two statements; the record "
    "needs a session: connect to PostgreSQL itself, or through a pooler in session mode"
)
"""Why a pooler in transaction or statement mode is refused, and the remedy."""

_NO_SESSION: Final = {"26000", "42P05"}

_FOREIGN: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)


@dataclass(frozen=True, slots=True)
class Where:
    """A database, as messages name it: by host, port and name, without anything secret."""

    name: str
    hidden: frozenset[str] = field(default=frozenset(), repr=False, compare=False)

    def __str__(self) -> str:
        """Return its name."""
        return self.name

    def quote(self, error: BaseException) -> str:
        """Return the first line of an error's text, without the secrets of the URL."""
        # A secret may have lines of its own: it is looked for in all of the text.
        return urls.redacted(str(error), self.hidden).partition("\n")[0]


def describe(url: str) -> Where:
    """Name a database; whatever might hold a piece of a secret is left out."""
    place = urls.place(url)
    return Where(f"PostgreSQL at {place}" if place else "PostgreSQL", urls.secrets(url))


@contextmanager
def translated(where: Where, is_closed: Callable[[], bool]) -> Iterator[None]:
    """Translate what the driver raises inside. `is_closed` tells the connection's state then."""
    try:
        yield
    except _FOREIGN as exc:
        known = translate(exc, where, connection_lost=is_closed())
        if known is None:
            raise
        raise known from exc


def translate(error: BaseException, where: Where, *, connection_lost: bool) -> Exception | None:
    """Return what an error means, or None for a mistake in this program.

    `connection_lost` tells whether the connection is closed after the error: then neither the
    server's last word nor the driver's complaint about its use is a mistake of ours.
    """
    if isinstance(error, asyncpg.PostgresError):
        known = _by_sqlstate(error.sqlstate) or (DatabaseUnavailable if connection_lost else None)
        return None if known is None else known(_sentence(error, where, known))
    if isinstance(error, TimeoutError):
        return DatabaseUnavailable(f"{where}: no answer in time")
    if isinstance(error, OSError | asyncpg.TargetServerAttributeNotMatched) or connection_lost:
        return DatabaseUnavailable(f"{where}: {where.quote(error) or type(error).__name__}")
    return None


def _by_sqlstate(sqlstate: str) -> Known | None:
    return SQLSTATES.get(sqlstate) or SQLSTATES.get(sqlstate[:2])


def _sentence(error: asyncpg.PostgresError, where: Where, known: Known) -> str:
    if error.sqlstate in _NO_SESSION:
        return f"{where}: {POOLED} ({where.quote(error)}, {error.sqlstate})"
    if known is DatabaseUnavailable:
        return f"{where}: {where.quote(error)} ({error.sqlstate})"
    detail = f": {error.detail}" if error.detail else ""
    return urls.redacted(f"{where.quote(error)}{detail}", where.hidden)
