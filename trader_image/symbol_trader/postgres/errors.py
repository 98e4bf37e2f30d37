"""What PostgreSQL's and the driver's errors mean to a leader: one table.

Unavailable: the database cannot serve now; whatever was asked counts as not done.
Fenced: another epoch holds the book.
Contradiction: the record refuses what does not fit it; the text names the row's key.
Everything else is a mistake in this program and goes up as it is.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg

from symbol_trader.core.order_states import Contradiction
from symbol_trader.ports import DatabaseUnavailable, Fenced

Known = type[DatabaseUnavailable | Fenced | Contradiction]

SQLSTATES: Final[dict[str, Known]] = {
    # Ours, raised by the schema's functions.
    "TR001": Fenced,
    "TR002": Contradiction,
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
}
"""SQLSTATE, or its class -> meaning. Source: PostgreSQL, appendix A."""

_FOREIGN: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)

_WITHOUT_SECRETS = re.compile(r"[\w.:,\[\]-]+(/[\w-]*)?")


def describe(url: str) -> str:
    """Name a database by host, port and name; whatever might hold a password is left out."""
    place = url.partition("://")[2].rpartition("@")[2].partition("?")[0]
    return f"PostgreSQL at {place}" if _WITHOUT_SECRETS.fullmatch(place) else "PostgreSQL"


@contextmanager
def translated(where: str, is_closed: Callable[[], bool]) -> Iterator[None]:
    """Translate what the driver raises inside. `is_closed` tells the connection's state then."""
    try:
        yield
    except _FOREIGN as exc:
        known = translate(exc, where, connection_lost=is_closed())
        if known is None:
            raise
        raise known from exc


def translate(error: BaseException, where: str, *, connection_lost: bool) -> Exception | None:
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
        return DatabaseUnavailable(f"{where}: {_first_line(error) or type(error).__name__}")
    return None


def _by_sqlstate(sqlstate: str) -> Known | None:
    return SQLSTATES.get(sqlstate) or SQLSTATES.get(sqlstate[:2])


def _sentence(error: asyncpg.PostgresError, where: str, known: Known) -> str:
    if known is DatabaseUnavailable:
        return f"{where}: {_first_line(error)} ({error.sqlstate})"
    detail = f": {error.detail}" if error.detail else ""
    return f"{_first_line(error)}{detail}"


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]
