"""A record whose database goes by a clock of the test's: hours and days pass by setting it."""

import asyncpg

from support.postgres import execute
from symbol_trader.postgres.migrate import migrate

# Names without a schema are looked up here before the catalogue, also by what migrations make.
_CLOCK = """
CREATE SCHEMA virtual;
CREATE TABLE virtual.clock (moment timestamptz NOT NULL);
INSERT INTO virtual.clock VALUES (pg_catalog.now());
CREATE FUNCTION virtual.clock_timestamp() RETURNS timestamptz LANGUAGE sql STABLE
    RETURN (SELECT moment FROM virtual.clock);
CREATE FUNCTION virtual.now() RETURNS timestamptz LANGUAGE sql STABLE
    RETURN (SELECT moment FROM virtual.clock);
DO $$
BEGIN
    EXECUTE format('ALTER DATABASE %I SET search_path = public, virtual, pg_catalog',
        current_database());
END $$;
"""


async def prepare(url: str) -> None:
    """Give an empty database the clock, and then the record's schema."""
    await execute(url, _CLOCK)
    await migrate(url, lambda _: None)


async def set_clock(connection: asyncpg.Connection, now_ms: int) -> None:
    """Let it be so many milliseconds after 1970 in a database that was prepared."""
    moment = "timestamptz 'epoch' + $1::bigint * interval '1 ms'"
    await connection.execute(f"UPDATE virtual.clock SET moment = {moment}", now_ms)
