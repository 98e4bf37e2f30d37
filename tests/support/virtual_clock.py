"""A record whose database goes by a clock of the test's: hours and days pass by setting it."""

from datetime import datetime

import asyncpg

from support.postgres import execute
from symbol_trader.postgres.migrate import migrate

# While a moment is set the clock stands there; else it goes, so far ahead of the server's.
_CLOCK = """
CREATE SCHEMA virtual;
CREATE TABLE virtual.clock (moment timestamptz, ahead interval NOT NULL);
INSERT INTO virtual.clock VALUES (NULL, '0');
CREATE FUNCTION virtual.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
    RETURN (SELECT coalesce(moment, pg_catalog.clock_timestamp() + ahead) FROM virtual.clock);
CREATE FUNCTION virtual.now() RETURNS timestamptz LANGUAGE sql STABLE
    RETURN (SELECT coalesce(moment, pg_catalog.now() + ahead) FROM virtual.clock);
"""
# Names without a schema are looked up there before the catalogue, also by what migrations make.
_USE = """
DO $$
BEGIN
    EXECUTE format('ALTER DATABASE %I SET search_path = public, virtual, pg_catalog',
        current_database());
END $$;
"""


async def prepare(url: str) -> None:
    """Give an empty database the clock, and then the record's schema."""
    await execute(url, _CLOCK)
    await use(url)
    await migrate(url, lambda _: None)


async def use(url: str) -> None:
    """Let a copy of a database that was prepared go by its clock: copying loses that setting."""
    await execute(url, _USE)


async def stand_at(connection: asyncpg.Connection, now_ms: int) -> None:
    """Let it be so many milliseconds after 1970, and no time pass."""
    moment = "timestamptz 'epoch' + $1::bigint * interval '1 ms'"
    await connection.execute(f"UPDATE virtual.clock SET moment = {moment}", now_ms)


async def go_on_from(connection: asyncpg.Connection, moment: datetime) -> None:
    """Let it be that moment now, and time pass."""
    ahead = "$1::timestamptz - pg_catalog.clock_timestamp()"
    await connection.execute(f"UPDATE virtual.clock SET ahead = {ahead}", moment)
