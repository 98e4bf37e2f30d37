"""`migrate`: once, twice, at once, half-way, ahead; and what a leader says of a wrong schema."""

import asyncio
import re
from pathlib import Path

import asyncpg
import pytest
from alembic import command

from support.postgres import Server, execute
from support.recorded import PATIENT, OwnRecord, claim, opened
from symbol_trader.errors import SchemaMismatch, Unavailable
from symbol_trader.postgres import migrate as migrate_module
from symbol_trader.postgres.connection import Timeouts
from symbol_trader.postgres.migrate import ADVISORY_LOCK, migrate
from symbol_trader.postgres.schema import SCHEMA_VERSION

TABLES = {
    "installation",
    "settings",
    "owners",
    "epochs",
    "traders",
    "profit_by_day",
    "orders",
    "cancels",
    "disowned",
    "fills",
    "barred",
    "limit_slots",
    "exchange_replies",
    "trading_limits",
    "halts",
    "account_results",
}


async def test_an_empty_database_becomes_a_record_and_each_step_is_told(
    empty_database: str,
) -> None:
    lines: list[str] = []
    await migrate(empty_database, lines.append)
    assert re.fullmatch(r"connecting to PostgreSQL at 127\.0\.0\.1:\d+/test_\d+", lines[0])
    assert lines[1:] == [
        "there is no record yet",
        (
            "schema 0001: The record: owners and epochs, settings, traders, orders, cancels, "
            "fills, and their views."
        ),
        "schema 0002: Settings say which revision of the resource they mirror.",
        (
            "schema 0003: All fees count, what is over is added up, and a person may say how an "
            "order ended."
        ),
        (
            "schema 0004: A pod whose leader may still run, and must lead no more, is barred from "
            "all books."
        ),
        "schema 0005: Leaders share connections, request weight, orders and what symbols are.",
        ("schema 0006: Fills belong to client order ids: the exchange's own ids may begin again."),
        (
            "schema 0007: Limits and halts of an account, which the statement that commits a buy's "
            "intent checks."
        ),
        "the record is at schema 0007",
    ]
    assert await _tables(empty_database) == TABLES | {"schema_version"}
    async with opened(empty_database) as record:
        await claim(record)


async def test_migrating_again_changes_nothing(empty_database: str) -> None:
    await migrate(empty_database, lambda _: None)
    installation = await _installation(empty_database)
    lines: list[str] = []
    await migrate(empty_database, lines.append)
    assert lines[1:] == ["the record has schema 0007", "the record is at schema 0007"]
    assert await _installation(empty_database) == installation


async def test_migrations_at_once_take_turns(empty_database: str) -> None:
    lines: list[str] = []
    await asyncio.gather(*(migrate(empty_database, lines.append) for _ in range(4)))
    assert sum(line.startswith("schema 0001:") for line in lines) == 1
    assert lines.count("the record is at schema 0007") == 4


async def test_a_migration_waits_for_another_one_and_says_so(empty_database: str) -> None:
    waiting = asyncio.Event()

    def hear(line: str) -> None:
        if line == "waiting for another migration to end":
            waiting.set()

    other = await asyncpg.connect(empty_database)
    await other.execute(f"SELECT pg_advisory_lock({ADVISORY_LOCK})")
    migration = asyncio.create_task(migrate(empty_database, hear))
    await waiting.wait()
    assert await _tables(empty_database) == set()
    await other.close()
    await migration
    assert await _tables(empty_database) == TABLES | {"schema_version"}


async def test_a_migration_waits_for_another_one_with_patience_but_not_for_ever(
    empty_database: str,
) -> None:
    other = await asyncpg.connect(empty_database)
    await other.execute(f"SELECT pg_advisory_lock({ADVISORY_LOCK})")
    with pytest.raises(Unavailable, match="lock timeout"):
        await migrate(empty_database, lambda _: None, Timeouts(lock_ms=50))
    await other.close()


async def test_a_migration_that_fails_leaves_nothing(
    empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All versions run in one transaction: here its end fails, after the last version."""

    def upgrade_and_fail(*arguments: object) -> None:
        upgrade(*arguments)  # type: ignore[arg-type]  # passed on as they come
        raise RuntimeError("the power went")

    upgrade = command.upgrade
    monkeypatch.setattr(command, "upgrade", upgrade_and_fail)
    with pytest.raises(RuntimeError, match="the power went"):
        await migrate(empty_database, lambda _: None)
    assert await _tables(empty_database) == set()
    monkeypatch.undo()
    await migrate(empty_database, lambda _: None)


async def test_an_error_of_the_database_under_alembic_is_translated(empty_database: str) -> None:
    """A role that may not create tables."""
    await execute(empty_database, "CREATE ROLE guest LOGIN PASSWORD 'guest'")
    url = f"postgresql://guest:guest@{empty_database.partition('@')[2]}"
    try:
        with pytest.raises(Unavailable, match=r"permission denied for schema public \(42501\)"):
            await migrate(url, lambda _: None)
    finally:
        await execute(empty_database, "DROP ROLE guest")


async def test_no_server_no_migration(postgres_server: Server) -> None:
    url = postgres_server.url("record").replace(f":{postgres_server.port}/", ":1/")
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1/record"):
        await migrate(url, lambda _: None)


async def test_each_installation_has_a_mark_of_its_own(postgres_server: Server) -> None:
    marks = set()
    for _ in range(3):
        url = postgres_server.url(await postgres_server.create_database())
        await migrate(url, lambda _: None)
        marks.add(await _installation(url))
    assert len(marks) == 3
    assert all(re.fullmatch("[0-9a-v]{6}", mark) for mark in marks)


async def test_there_is_one_installation(own_database: str) -> None:
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await execute(own_database, "INSERT INTO installation (id) VALUES ('aaaaaa')")
    with pytest.raises(asyncpg.CheckViolationError):
        await execute(own_database, "INSERT INTO installation VALUES (false, 'aaaaaa')")


# A leader and a schema that is not its own.


async def test_a_leader_waits_for_a_newer_schema_to_be_its_own(own_database: str) -> None:
    await execute(own_database, "UPDATE schema_version SET version_num = '9999'")
    with pytest.raises(SchemaMismatch, match="has schema 9999, this program needs 0007"):
        await OwnRecord(own_database, PATIENT).ownership.open()


async def test_a_newer_record_is_not_migrated(own_database: str) -> None:
    await execute(own_database, "UPDATE schema_version SET version_num = '9999'")
    with pytest.raises(SchemaMismatch, match="has schema 9999, this program needs 0007"):
        await migrate(own_database, lambda _: None)
    assert await _version(own_database) == "9999"


async def test_a_leader_waits_for_an_older_schema_to_be_migrated(own_database: str) -> None:
    await execute(own_database, "UPDATE schema_version SET version_num = '0000'")
    with pytest.raises(
        SchemaMismatch, match=r"has schema 0000.* needs 0007.*`symbol-trader migrate`"
    ):
        await OwnRecord(own_database, PATIENT).ownership.open()


async def test_a_leader_at_work_sees_at_its_next_open_that_the_schema_has_moved_on(
    own_database: str,
) -> None:
    async with opened(own_database) as record:
        await claim(record)
        await execute(own_database, "UPDATE schema_version SET version_num = '9999'")
        await record.ownership.confirm()
        with pytest.raises(SchemaMismatch):
            await record.ownership.open()
        with pytest.raises(Unavailable, match="not connected"):
            await record.ownership.confirm()
        await execute(own_database, f"UPDATE schema_version SET version_num = '{SCHEMA_VERSION}'")
        await record.ownership.open()
        await record.ownership.confirm()


def test_every_version_has_its_sql() -> None:
    versions = Path(migrate_module.__file__).parent / "migrations" / "versions"
    modules = {path.stem for path in versions.glob("v*.py")}
    assert modules == {path.stem for path in versions.glob("*.sql")}
    assert max(modules).startswith(f"v{SCHEMA_VERSION}_")


async def _column(url: str, query: str) -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        return [str(row[0]) for row in await connection.fetch(query)]
    finally:
        await connection.close()


async def _tables(url: str) -> set[str]:
    return set(await _column(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))


async def _installation(url: str) -> str:
    (mark,) = await _column(url, "SELECT id FROM installation")
    return mark


async def _version(url: str) -> str:
    (version,) = await _column(url, "SELECT version_num FROM schema_version")
    return version
