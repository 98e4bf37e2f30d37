"""Finds out whether a connection is a session of its own, or is shared by a pooler.

The record needs a session: its limits, its prepared statements and the lock of a migration belong
to one. A pooler in transaction mode gives each transaction whichever server process is free.

A lone client of an idle pooler gets the same process again and again, so comparing two statements
proves nothing. What tells is a setting that only the server itself takes from the first message of
a connection: a pooler refuses it or drops it, in any mode. Only where it was dropped a second
connection looks on: while the first one is between two transactions, a pooler in transaction mode
lends its process to the second, or has another for the first one's next transaction.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

import asyncpg

from symbol_trader.errors import DatabaseUnavailable
from symbol_trader.postgres.errors import Where

MARK: Final = "symbol_trader.session"
"""A setting that means nothing to the server, and that no pooler knows."""
ROUNDS: Final = 3
WITNESS_TIMEOUT_S: Final = 2.0
"""How long the second connection waits for a process: in session mode a small pool has none."""

_BACKEND: Final = "SELECT pg_backend_pid()"
_REFUSED_PARAMETER: Final = "unsupported startup parameter"
_STATEMENT_MODE: Final = "statement pooling mode"
"""PgBouncer's words (SQLSTATE 08P01)."""


async def has_mark(connection: asyncpg.Connection, nonce: str) -> bool:
    """Return whether the server took the connection's own settings."""
    found = await connection.fetchval("SELECT current_setting($1, true)", MARK)
    return bool(found == nonce)


async def is_shared(connection: asyncpg.Connection, witness: asyncpg.Connection) -> bool:
    """Return whether two connections are seen to share a process, or one to change it.

    A pooler that lends the process that was used last, or that has but one, is found by what the
    witness gets; one that takes turns by the first connection's own statements.
    """
    try:
        for _ in range(ROUNDS):
            if await _share(connection, witness):
                return True
    except (asyncpg.InvalidSQLStatementNameError, asyncpg.DuplicatePreparedStatementError):
        return True
    except asyncpg.PostgresConnectionError as exc:
        if _STATEMENT_MODE in str(exc):
            return True
        raise
    except TimeoutError:
        # Nothing is free for the witness, although the first connection is idle: it keeps its own.
        return False
    return False


async def _share(connection: asyncpg.Connection, witness: asyncpg.Connection) -> bool:
    seen = {await _backend(connection), await _backend(connection)}
    async with asyncio.timeout(WITNESS_TIMEOUT_S), witness.transaction():
        seen_by_witness = await witness.fetchval(_BACKEND)
        # Before the first connection is asked again: of a single process it would wait in vain.
        if seen_by_witness in seen:
            return True
        seen.add(await _backend(connection))
    return len(seen) > 1


async def _backend(connection: asyncpg.Connection) -> int:
    # In a transaction, so that a prepared statement and its execution meet the same process.
    async with connection.transaction():
        found: int = await connection.fetchval(_BACKEND)
        return found


def set_all(settings: Mapping[str, str]) -> str:
    """Return the statements that give a session settings which its first message could not."""
    return ";".join(f"SET {name} = '{value}'" for name, value in settings.items())


def explained(
    error: DatabaseUnavailable, where: Where, settings: Mapping[str, str]
) -> DatabaseUnavailable:
    """Return an error of connecting, with the remedy where a pooler refused the settings."""
    if _REFUSED_PARAMETER not in str(error):
        return error
    return DatabaseUnavailable(
        f"{where}: a pooler in between refuses the connection's settings; connect to PostgreSQL "
        "itself, or let a pooler in session mode ignore them (PgBouncer: pool_mode = session, "
        f"ignore_startup_parameters = {','.join(settings)})"
    )
