"""Postgres away, cut off, frozen or full: `Unavailable`, nothing half done, and then on again."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal

import asyncpg
import pytest

from support.postgres import Server, execute, running_server
from support.recorded import PATIENT, OwnRecord, claim, intent, opened, order_name, trader
from symbol_trader.core.orders import OrderState
from symbol_trader.core.records import OrderChange, Watermark
from symbol_trader.errors import RolledBack, SchemaMismatch, Unavailable
from symbol_trader.postgres.address import DatabaseAddress
from symbol_trader.postgres.migrate import migrate

Use = Callable[[OwnRecord], Awaitable[object]]

USES: dict[str, Use] = {
    "confirm": lambda record: record.ownership.confirm(),
    "load": lambda record: record.load(),
    "note of an intent": lambda record: record.note([intent("a")]),
    "note": lambda record: record.note([trader("b")]),
    "advance_watermark": lambda record: record.advance_watermark(Watermark(5)),
}
every_use = pytest.mark.parametrize("use", USES.values(), ids=USES)


@pytest.fixture
def restless_server() -> Iterator[Server]:
    """Run a server that the test may stop."""
    with running_server(fsync=True) as server:
        yield server


@every_use
async def test_a_cut_connection_is_unavailable_and_open_mends_it(database: str, use: Use) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a")])
        await _cut_all(database)
        with pytest.raises(Unavailable, match=r"PostgreSQL at 127\.0\.0\.1"):
            await use(record)
        with pytest.raises(Unavailable, match="not connected"):
            await use(record)
        await record.ownership.open()
        await record.ownership.confirm()
        await use(record)


async def test_a_record_that_was_never_opened_is_unavailable(database: str) -> None:
    with pytest.raises(Unavailable, match="not connected"):
        await claim(OwnRecord(database))


async def test_a_record_may_be_opened_again_at_any_time(database: str) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.ownership.open()
        await record.ownership.confirm()
        assert await _sessions(database) == 1


async def test_close_is_final_quiet_and_repeatable(database: str) -> None:
    async with opened(database) as record:
        await claim(record)
        await _cut_all(database)
        await record.ownership.close()
        await record.ownership.close()
        with pytest.raises(Unavailable):
            await record.ownership.confirm()
    assert await _sessions(database) == 0


async def test_an_intent_whose_answer_is_lost_is_found_by_load(database: str) -> None:
    """It counts as not committed, and yet it is: the connection went while the commit was made."""
    order = intent("a")
    async with opened(database) as record, _relay(database) as relay:
        through = OwnRecord(relay.url, replace(PATIENT, answer_ms=3_000))
        await through.ownership.open()
        await claim(through)
        await through.note([trader("a"), trader("b")])
        # The first use of a statement asks the server twice; the second one does not.
        await through.note([intent("b")])
        relay.swallow_answers()
        with pytest.raises(Unavailable, match="no answer in time"):
            await through.note([order])
        await through.ownership.close()
        await claim(record)
        (found,) = (await record.load()).traders[0].orders
    assert found.intent == order
    assert found.state is OrderState.INTENT


async def test_a_lock_that_others_hold_is_waited_for_briefly(database: str) -> None:
    async with opened(database, replace(PATIENT, lock_ms=300)) as record:
        await claim(record)
        await record.note([trader("a")])
        async with _owners_locked(database):
            with pytest.raises(Unavailable, match="lock timeout"):
                await record.note([intent("a")])
        await record.ownership.open()
        assert (await record.load()).traders[0].orders == ()


async def test_a_statement_that_takes_too_long_is_given_up(database: str) -> None:
    async with opened(database, replace(PATIENT, statement_ms=2_000)) as record:
        await claim(record)
        await record.note([trader("a")])
        async with _slow_orders(database):
            with pytest.raises(Unavailable, match="statement timeout"):
                await record.note([intent("a")])
        await record.ownership.open()
        assert (await record.load()).traders[0].orders == ()


async def test_a_leader_that_freezes_in_a_transaction_keeps_nobody_waiting(database: str) -> None:
    """Only `load` uses a transaction of several statements, and it locks nothing; even so."""
    async with opened(database) as record:
        settings = await record.link.ask("SELECT current_setting($1)", _IDLE_TIMEOUT)
    assert settings[0][0] == "2s"


async def test_commits_wait_for_the_disk_whatever_the_server_says(database: str) -> None:
    async def level(record: OwnRecord) -> str:
        found: str = (await record.link.ask("SHOW synchronous_commit"))[0][0]
        return found

    name = database.rpartition("/")[2]
    for setting, wanted in (("off", "on"), ("local", "on"), ("remote_apply", "remote_apply")):
        await execute(database, f"ALTER DATABASE {name} SET synchronous_commit = {setting}")
        async with opened(database) as record:
            assert await level(record) == wanted
    await execute(database, f"ALTER DATABASE {name} RESET synchronous_commit")


async def test_the_epoch_check_does_not_depend_on_the_servers_isolation_level(
    database: str,
) -> None:
    name = database.rpartition("/")[2]
    isolation = "default_transaction_isolation"
    await execute(database, f"ALTER DATABASE {name} SET {isolation} = 'serializable'")
    async with opened(database) as record:
        assert (await record.link.ask("SHOW transaction_isolation"))[0][0] == "read committed"
    await execute(database, f"ALTER DATABASE {name} RESET {isolation}")


async def test_a_read_only_database_is_unavailable_for_writes(database: str) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.link.ask("SET default_transaction_read_only = on")
        with pytest.raises(Unavailable, match=r"read-only transaction \(25006\)"):
            await record.note([trader("a")])
        await record.ownership.open()
        await record.note([trader("a")])


async def test_a_full_disk_is_unavailable(database: str) -> None:
    """A limit of temporary files stands for the disk: the same class of SQLSTATE, 53."""
    async with opened(database) as record:
        await record.link.ask("SET temp_file_limit = 0")
        await record.link.ask("SET work_mem = '64kB'")
        with pytest.raises(Unavailable, match=r"\(53400\)"):
            await record.link.ask("SELECT n FROM generate_series(1, 100000) AS n ORDER BY -n")


async def test_a_cancelled_call_is_given_up_by_the_server_too(database: str) -> None:
    """And its answer is not taken for the next call's."""
    async with opened(database) as record:
        await claim(record)
        async with _owners_locked(database):
            noting = asyncio.create_task(record.note([trader("a")]))
            await _until_sessions(database, 1, waiting=True)
            noting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await noting
            async with asyncio.timeout(15):
                await _until_sessions(database, 0)
        with pytest.raises(Unavailable, match="not connected"):
            await record.ownership.confirm()
        await record.ownership.open()
        await record.ownership.confirm()
        assert (await record.load()).traders == ()


async def test_the_server_gives_up_a_statement_whose_leader_is_gone(database: str) -> None:
    """A leader is killed while its note waits for a lock: it must not be committed later."""
    async with opened(database) as record:
        await claim(record)
        async with _owners_locked(database):
            noting = asyncio.create_task(record.note([trader("a")]))
            await _until_sessions(database, 1, waiting=True)
            _cut_the_wire(record)
            with pytest.raises(Unavailable):
                await noting
            async with asyncio.timeout(15):
                await _until_sessions(database, 0)
        await record.ownership.open()
        assert (await record.load()).traders == ()


async def test_calls_at_once_take_turns(database: str) -> None:
    async with opened(database) as record:
        await claim(record)
        await asyncio.gather(*(record.note([trader(f"t{n}")]) for n in range(20)))
        assert len((await record.load()).traders) == 20


# The whole server.


async def test_a_server_that_crashes_loses_nothing_that_was_acknowledged(
    restless_server: Server,
) -> None:
    url = await _new_record(restless_server)
    async with opened(url) as record:
        await claim(record)
        await record.note([trader("a")])
        await record.note([intent("a")])
        before = await record.load()
        restless_server.stop("immediate")
        with pytest.raises(Unavailable):
            await record.note([OrderChange(order_name("a"), OrderState.OPEN, 1, *_nothing())])
        with pytest.raises(Unavailable, match=r"127\.0\.0\.1:\d+/test_0: .*Connect"):
            await record.ownership.open()
        restless_server.start()
        await record.ownership.open()
        await record.ownership.confirm()
        assert await record.load() == before


async def test_a_frozen_server_is_given_up_in_time(restless_server: Server) -> None:
    url = await _new_record(restless_server)
    async with opened(url, replace(PATIENT, connect_ms=3_000, answer_ms=3_000)) as record:
        await claim(record)
        await record.note([trader("a")])
        with restless_server.frozen():
            with pytest.raises(Unavailable, match="no answer in time"):
                await record.note([intent("a")])
            with pytest.raises(Unavailable, match="no answer in time"):
                await record.ownership.open()
        await record.ownership.open()
        await record.ownership.confirm()


# Who may come in, and what the text says.


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("trader:", "stranger:"), "28P01"),
        (("@", "wrong@"), "28P01"),
        (("/record", "/missing"), "3D000"),
        (("127.0.0.1", "host.invalid"), "host.invalid"),
    ],
    ids=["user", "password", "database", "host"],
)
async def test_a_wrong_address_is_unavailable_and_says_why_without_the_password(
    database: str, change: tuple[str, str], said: str
) -> None:
    password = database.partition("@")[0].rpartition(":")[2]
    record = OwnRecord(database.replace(*change), PATIENT)
    with pytest.raises(Unavailable) as told:
        await record.ownership.open()
    assert said in str(told.value)
    assert password not in str(told.value)
    assert password not in repr(told.value.__cause__)


@pytest.mark.parametrize(
    "url",
    ["", "postgres", "mysql://u:hunter2@h/d", "postgresql://u:hunter2/x@h/d", "postgresql://[h"],
)
async def test_a_malformed_address_is_unavailable_and_quotes_nothing(url: str) -> None:
    record = OwnRecord(url, PATIENT)
    with pytest.raises(Unavailable) as told:
        await record.ownership.open()
    assert "hunter2" not in f"{told.value}{told.value.__cause__}"


async def test_a_database_without_a_record_says_how_to_make_one(empty_database: str) -> None:
    record = OwnRecord(empty_database, PATIENT)
    with pytest.raises(
        SchemaMismatch, match=r"no record.*needs schema 0007.*symbol-trader migrate"
    ):
        await record.ownership.open()
    with pytest.raises(Unavailable, match="not connected"):
        await claim(record)


_IDLE_TIMEOUT = "idle_in_transaction_session_timeout"


def _nothing() -> tuple[Decimal, Decimal]:
    return Decimal(0), Decimal(0)


async def _new_record(server: Server) -> str:
    url = server.url(await server.create_database())
    await migrate(url, lambda _: None)
    return url


async def _cut_all(url: str) -> None:
    await execute(
        url,
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )


async def _until_sessions(url: str, count: int, *, waiting: bool = False) -> None:
    """Return as soon as there are so many of them. The server has no event for that."""
    while await _sessions(url, waiting=waiting) != count:  # noqa: ASYNC110 - as said
        await asyncio.sleep(0.02)


async def _sessions(url: str, *, waiting: bool = False) -> int:
    """Count the leaders' sessions, or those of them that wait for a lock."""
    connection = await asyncpg.connect(url)
    try:
        query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'symbol-trader'"
        if waiting:
            query += " AND wait_event_type = 'Lock'"
        count: int = await connection.fetchval(query)
        return count
    finally:
        await connection.close()


def _cut_the_wire(record: OwnRecord) -> None:
    assert record.link._connection is not None
    record.link._connection.terminate()


@asynccontextmanager
async def _owners_locked(url: str) -> AsyncIterator[None]:
    connection = await asyncpg.connect(url)
    await connection.execute("BEGIN; SELECT FROM owners FOR UPDATE")
    try:
        yield
    finally:
        await connection.close()


@asynccontextmanager
async def _slow_orders(url: str) -> AsyncIterator[None]:
    await execute(
        url,
        """
        CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_sleep(30); RETURN new; END $$;
        CREATE TRIGGER dawdle BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION dawdle();
        """,
    )
    try:
        yield
    finally:
        await execute(url, "DROP TRIGGER dawdle ON orders; DROP FUNCTION dawdle")


class _Relay:
    """A wire between a record and its server that can lose the server's answers."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._swallowing = False
        self._server: asyncio.Server | None = None
        self._pumps: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Return the address of the near end."""
        if self._server is None:
            raise AssertionError("started first")
        host, _, rest = self._target.rpartition("@")
        port = self._server.sockets[0].getsockname()[1]
        return f"{host}@127.0.0.1:{port}/{rest.rpartition('/')[2]}"

    def swallow_answers(self) -> None:
        """Let requests through from now on, and lose what comes back."""
        self._swallowing = True

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)

    async def stop(self) -> None:
        """Cut both ends."""
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)
        if self._server:
            self._server.close()
            await self._server.wait_closed()

    async def _connect(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        port = int(self._target.rpartition(":")[2].partition("/")[0])
        far, there = await asyncio.open_connection("127.0.0.1", port)
        for source, sink, loses in ((near, there, False), (far, back, True)):
            pump = asyncio.create_task(self._pump(source, sink, loses=loses))
            self._pumps.add(pump)

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, loses: bool
    ) -> None:
        try:
            while data := await source.read(65_536):
                if not (loses and self._swallowing):
                    sink.write(data)
        except ConnectionError:
            pass
        finally:
            sink.close()


@asynccontextmanager
async def _relay(url: str) -> AsyncIterator[_Relay]:
    relay = _Relay(url)
    await relay.start()
    try:
        yield relay
    finally:
        await relay.stop()


# Another database at the same address.


async def test_a_database_of_another_origin_is_not_the_record(
    database: str, restless_server: Server
) -> None:
    """Whatever it holds: a copy that was restored lacks what was committed since."""
    elsewhere = restless_server.url(await restless_server.create_database())
    await migrate(elsewhere, lambda _: None)
    record = OwnRecord(database, PATIENT)
    await record.ownership.open()
    await claim(record)
    try:
        record.link._address = DatabaseAddress(elsewhere)
        with pytest.raises(RolledBack, match=r"not what it was: system \d+, timeline 1"):
            await record.ownership.open()
        with pytest.raises(Unavailable, match="not connected"):
            await record.ownership.confirm()
        record.link._address = DatabaseAddress(database)
        await record.ownership.open()
        await record.ownership.confirm()
    finally:
        await record.ownership.close()


async def test_a_database_may_be_replaced_before_an_epoch_is_taken(
    database: str, restless_server: Server
) -> None:
    elsewhere = restless_server.url(await restless_server.create_database())
    await migrate(elsewhere, lambda _: None)
    async with opened(elsewhere) as record:
        record.link._address = DatabaseAddress(database)
        await record.ownership.open()
        await claim(record)


async def test_a_database_may_fail_over_but_not_back(restless_server: Server) -> None:
    """A standby that was promoted has all that was committed; the old primary, no longer."""
    server = restless_server
    url = server.url(await server.create_database())
    await migrate(url, lambda _: None)
    async with opened(url) as record:
        await claim(record)
        server.stop()
        data, primary = server.folder / "data", server.copy_data("primary")
        (data / "standby.signal").touch()
        server.start()
        await record.ownership.open()
        await record.ownership.confirm()
        await server.admin("SELECT pg_promote()")
        await record.ownership.open()
        await record.ownership.confirm()
        server.stop()
        data.rename(server.folder / "standby")
        primary.rename(data)
        server.start()
        with pytest.raises(RolledBack, match=r"timeline 1, and before system \d+, timeline 2"):
            await record.ownership.open()
