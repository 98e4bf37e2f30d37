"""Opens a connection that is fit for trading: limits on every wait, durable commits."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import asyncpg

from symbol_trader.errors import DatabaseUnavailable
from symbol_trader.postgres import errors, session, statements, tls, urls


@dataclass(frozen=True, slots=True)
class Timeouts:
    """The longest waits, in milliseconds. What takes longer counts as not done."""

    connect_ms: int = 5_000
    """Until a connection stands."""
    answer_ms: int = 8_000
    """Until the answer to a statement; the server's own limits below should come first."""
    statement_ms: int = 5_000
    lock_ms: int = 2_000
    """Until a lock is granted: a claim waits for an intent that is being committed."""
    idle_in_transaction_ms: int = 2_000
    """How long a frozen leader may keep others waiting."""
    client_check_ms: int = 500
    """How often the server looks whether the leader that waits for a statement is still there."""

    @property
    def server_settings(self) -> dict[str, str]:
        """Return the limits that the server enforces, as its settings."""
        return {
            "statement_timeout": str(self.statement_ms),
            "lock_timeout": str(self.lock_ms),
            "idle_in_transaction_session_timeout": str(self.idle_in_transaction_ms),
            "client_connection_check_interval": str(self.client_check_ms),
        }


DEFAULT_TIMEOUTS: Final = Timeouts()

_SESSION: Final = {
    # The epoch checks rely on this level: a statement that waited for a lock looks again.
    "default_transaction_isolation": "read committed",
    # Compiling a query that runs in a millisecond costs a hundred.
    "jit": "off",
}


async def connect(
    url: str, timeouts: Timeouts = DEFAULT_TIMEOUTS, *, application: str = "symbol-trader"
) -> asyncpg.Connection:
    """Connect with the limits set and commits that wait for the disk.

    Raises:
        Unavailable: The database cannot be reached, a file that TLS needs is unusable, or a pooler
            in between shares the connection among clients.

    """
    nonce = secrets.token_hex(8)
    settings = {**_SESSION, **timeouts.server_settings, "application_name": application}
    connection = await _connect(url, timeouts, {**settings, session.MARK: nonce})
    try:
        with errors.translated(errors.describe(url), connection.is_closed):
            if not await session.has_mark(connection, nonce):
                await _make_sure_of_session(url, timeouts, connection, settings)
            await connection.execute(statements.DURABLE_COMMITS)
    except BaseException:
        connection.terminate()
        raise
    return connection


async def _make_sure_of_session(
    url: str, timeouts: Timeouts, connection: asyncpg.Connection, settings: Mapping[str, str]
) -> None:
    """Refuse a pooler that shares the connection; give the session of any other its settings."""
    witness = await _connect(url, timeouts, {})
    try:
        shared = await session.is_shared(connection, witness)
    finally:
        witness.terminate()
    if shared:
        raise DatabaseUnavailable(f"{errors.describe(url)}: {errors.POOLED}")
    await connection.execute(session.set_all(settings))


async def _connect(url: str, timeouts: Timeouts, settings: dict[str, str]) -> asyncpg.Connection:
    where = errors.describe(url)
    if why := urls.malformed(url) or tls.unusable_file(url):
        raise DatabaseUnavailable(f"{where}: {urls.redacted(why, where.hidden)}")
    try:
        with errors.translated(where, is_closed=lambda: True):
            return await asyncpg.connect(
                url,
                timeout=timeouts.connect_ms / 1000,
                command_timeout=timeouts.answer_ms / 1000,
                max_cached_statement_lifetime=0,
                server_settings=settings,
            )
    except ValueError:
        # Its text, and that of its cause, may quote the password.
        raise DatabaseUnavailable(f"{where}: {urls.FORM}") from None
    except DatabaseUnavailable as exc:
        raise session.explained(exc, where, settings) from exc.__cause__


@dataclass(frozen=True, slots=True)
class Origin:
    """Which history a database has: made by an initdb, and forked by each fail-over since."""

    system: str
    timeline: int | None
    """None for a standby: it writes none."""

    def forgets(self, earlier: "Origin") -> bool:
        """Return whether what was committed to the earlier one cannot be relied on here."""
        if self.system != earlier.system:
            return True
        if self.timeline is None or earlier.timeline is None:
            return False
        return self.timeline < earlier.timeline

    def __str__(self) -> str:
        """Return it as PostgreSQL's own tools write it."""
        return f"system {self.system}, timeline {self.timeline or 'unknown'}"


async def origin(connection: asyncpg.Connection) -> Origin:
    """Ask a database which one it is."""
    row = await connection.fetchrow(statements.ORIGIN)
    return Origin(row["system"], row["timeline"])


async def schema_version(connection: asyncpg.Connection) -> str | None:
    """Read the version of the record's schema, None where there is no record."""
    try:
        found: str | None = await connection.fetchval(statements.SCHEMA_VERSION)
    except asyncpg.UndefinedTableError:
        return None
    return found
