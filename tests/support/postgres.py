"""A real PostgreSQL for tests: a server of their own, and an empty record for each.

Import the fixtures into a conftest. Tests that kill the server start their own with
`running_server(fsync=True)`.
"""

import asyncio
import contextlib
import itertools
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import pytest

import postgresql.server
from postgresql.account import give_away, reachable, run_as
from postgresql.programs import find_programs
from postgresql.server import SAFE, SMALL
from symbol_trader.postgres.migrate import migrate

TEMPLATE = "record_template"
SHARED = "record"

# What a test left connected would hold locks. The order follows the references.
_EMPTY = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid();
DELETE FROM fills; DELETE FROM cancels; DELETE FROM orders; DELETE FROM traders;
DELETE FROM disowned; DELETE FROM epochs; DELETE FROM owners; DELETE FROM settings;
DELETE FROM profit_by_day; DELETE FROM barred; DELETE FROM limit_slots;
DELETE FROM exchange_replies; DELETE FROM trading_limits; DELETE FROM halts;
DELETE FROM account_results;
"""

_CLEAR_AWAY = 'read -r _; "$0" -D "$1/data" -m immediate stop; rm -rf "$1"'

_FAST = {"fsync": "off", "full_page_writes": "off"}


@dataclass(slots=True)
class Server(postgresql.server.Server):
    """A server that can also be killed and frozen, and that has databases for tests."""

    _databases: Iterator[int] = field(default_factory=itertools.count)

    def copy_data(self, name: str) -> Path:
        """Copy the files of a server that was stopped; PostgreSQL is strict about who owns them."""
        data, copy = self.folder / "data", self.folder / name
        shutil.copytree(data, copy)
        owner = data.stat()
        for path in (copy, *copy.rglob("*")):
            shutil.chown(path, owner.st_uid, owner.st_gid)
        return copy

    def restart(self, mode: str = "fast") -> None:
        """Stop it and start it again."""
        self.stop(mode)
        self.start()

    @property
    def pid(self) -> int:
        """Return the process id of the running server."""
        return int((self.folder / "data" / "postmaster.pid").read_text().splitlines()[0])

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Freeze all of its processes for a while: connections stand, nothing answers."""
        parent = self.pid
        # What ends meanwhile keeps its id until the parent goes on: first to stop, last to go.
        os.kill(parent, signal.SIGSTOP)
        children = _children(parent)
        for pid in children:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in (*children, parent):
                os.kill(pid, signal.SIGCONT)

    async def admin(self, sql: str) -> None:
        """Run a command in the maintenance database."""
        connection = await asyncpg.connect(self.url("postgres"))
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    async def create_database(self, template: str = "template0") -> str:
        """Create a database with a new name; return the name."""
        name = f"test_{next(self._databases)}"
        await self.admin(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    async def drop_database(self, name: str) -> None:
        """Drop a database and cut its connections."""
        await self.admin(f"DROP DATABASE {name} WITH (FORCE)")


@contextlib.contextmanager
def running_server(*, fsync: bool = False, **settings: str) -> Iterator[Server]:
    """Run a server in a temporary folder; at the end it is gone, with all its files.

    `fsync=True` is for tests that kill it: what was committed survives.
    """
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    give_away(folder)
    programs = reachable(find_programs(), folder)
    durability = SAFE if fsync else _FAST
    server = Server(programs, folder, secrets.token_hex(8), {**SMALL, **durability, **settings})
    with _cleared_away(server):
        server.initialise()
        server.start()
        yield server


@contextlib.contextmanager
def _cleared_away(server: Server) -> Iterator[None]:
    """Stop the server and remove its files at the end, even if this process is killed.

    A process beside this one does it as soon as the pipe between them closes.
    """
    command = ["sh", "-c", _CLEAR_AWAY, str(server.programs / "pg_ctl"), str(server.folder)]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet, cwd="/",
        start_new_session=True, **run_as(server.folder),
    ) as waiting:  # fmt: skip
        try:
            yield
        finally:
            waiting.communicate()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """Run one server for the session, with a migrated database to copy and one to share."""
    with running_server() as server:
        asyncio.run(_make_databases(server))
        yield server


@pytest.fixture
async def database(postgres_server: Server) -> AsyncIterator[str]:
    """Return the URL of a database with an empty record.

    It is the same one again and again, emptied: copying one takes many times as long.
    """
    url = postgres_server.url(SHARED)
    yield url
    await empty(url)


@pytest.fixture
async def own_database(postgres_server: Server) -> AsyncIterator[str]:
    """Return the URL of a database with an empty record that the test may ruin."""
    name = await postgres_server.create_database(TEMPLATE)
    yield postgres_server.url(name)
    await postgres_server.drop_database(name)


@pytest.fixture
async def empty_database(postgres_server: Server) -> AsyncIterator[str]:
    """Return the URL of a fresh database with nothing in it."""
    name = await postgres_server.create_database()
    yield postgres_server.url(name)
    await postgres_server.drop_database(name)


async def make_template(server: Server) -> None:
    """Create a migrated database to copy."""
    await server.admin(f"CREATE DATABASE {TEMPLATE} TEMPLATE template0")
    await migrate(server.url(TEMPLATE), lambda _: None)


async def empty(url: str) -> None:
    """Empty a record, and cut whoever is still connected."""
    await execute(url, _EMPTY)


async def execute(url: str, script: str) -> None:
    """Carry out statements over a connection of their own."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(script)
    finally:
        await connection.close()


async def _make_databases(server: Server) -> None:
    await make_template(server)
    await server.admin(f"CREATE DATABASE {SHARED} TEMPLATE {TEMPLATE}")


def _children(pid: int) -> list[int]:
    listing = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in listing.read_text().split()]
