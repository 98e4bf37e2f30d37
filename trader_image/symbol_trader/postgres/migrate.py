"""Brings a database to this program's schema. Never imported by a leader: alembic is large."""

from collections.abc import Callable
from typing import Final

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationInfo
from alembic.script import Script
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from symbol_trader.postgres import connection, errors, schema
from symbol_trader.postgres.connection import Timeouts

Say = Callable[[str], None]

TIMEOUTS: Final = Timeouts(answer_ms=660_000, statement_ms=600_000, lock_ms=600_000)
"""A migration may move much data, and waits for another one that runs."""

ADVISORY_LOCK: Final = 0x7473796D
"""The key that all migrations of a record agree on ("tsym" in ASCII)."""


async def migrate(url: str, say: Say, timeouts: Timeouts = TIMEOUTS) -> None:
    """Migrate to `SCHEMA_VERSION`: idempotent, one at a time, all or nothing.

    `say` gets a line for each step.

    Raises:
        Unavailable: The database cannot be reached, or another migration takes too long.
        SchemaMismatch: The record is newer than this program.

    """
    where = errors.describe(url)
    say(f"connecting to {where}")
    driver = await connection.connect(url, timeouts, application="symbol-trader migrate")
    try:
        with errors.translated(where, driver.is_closed):
            await _lock(driver, say)
            found = await connection.schema_version(driver)
            schema.check_not_newer(found)
            say(f"the record has schema {found}" if found else "there is no record yet")
            await _upgrade(driver, say)
    finally:
        driver.terminate()
    say(f"the record is at schema {schema.SCHEMA_VERSION}")


async def _lock(driver: asyncpg.Connection, say: Say) -> None:
    """Wait for our turn; the lock ends with the connection."""
    if not await driver.fetchval("SELECT pg_try_advisory_lock($1)", ADVISORY_LOCK):
        say("waiting for another migration to end")
        await driver.fetchval("SELECT pg_advisory_lock($1)", ADVISORY_LOCK)


async def _upgrade(driver: asyncpg.Connection, say: Say) -> None:
    async def connected() -> asyncpg.Connection:
        return driver

    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=connected, poolclass=NullPool
    )
    try:
        async with engine.begin() as transaction:
            await transaction.run_sync(_run_versions, say)
    except DBAPIError as exc:
        # Underneath is the driver's own error, which the caller knows how to translate.
        raise (exc.driver_exception or exc) from exc


def _run_versions(transaction: Connection, say: Say) -> None:
    config = Config(attributes={"connection": transaction, "on_version_apply": _teller(say)})
    config.set_main_option("script_location", "symbol_trader.postgres:migrations")
    command.upgrade(config, "head")


def _teller(say: Say) -> Callable[..., None]:
    def tell(*, step: MigrationInfo, **_: object) -> None:
        what = step.up_revision.doc if isinstance(step.up_revision, Script) else ""
        say(f"schema {step.up_revision_id}: {what}")

    return tell
