"""The PostgreSQL server of `make try`, and what it is asked."""

from __future__ import annotations

import secrets
import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from demo import record
from localcluster import processes
from postgresql.account import reachable, run_as
from postgresql.programs import find_programs, version
from postgresql.server import SAFE, SMALL, USER, Server, ServerError
from trial.failure import TryError
from trial.guard import guarded
from trial.place import START_OVER
from trial.resource import NAME, NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from localcluster.console import Console
    from trial.place import Place

DATABASE = "trading"
ANSWER_S = 5.0
"""How long one look at the record may take; what has not come by then is shown as unknown."""


@contextmanager
def database(place: Place, lock: int, console: Console) -> Iterator[Server]:
    """Run the server until the end of the block, made at the first time.

    Raises:
        TryError: its files are of another version of PostgreSQL.
        ServerError: it does not start.
        ProgramsMissing: there is no PostgreSQL.

    """
    folder = place.of_postgres()
    programs = reachable(find_programs(), folder)
    _check_version(folder, programs)
    server = Server(programs, folder, _password(folder), {**SMALL, **SAFE})
    stop = (str(programs / "pg_ctl"), "stop", "-D", str(folder / "data"), "-m", "fast")
    with guarded(stop, lock, run_as(folder)):
        _start(server, console)
        try:
            yield server
        finally:
            if server.listens:
                console.say("ending PostgreSQL")
                server.stop()


def book(server: Server) -> str:
    """Return what the record says of the symbol, nothing if it does not answer."""
    return _ask(server, DATABASE, record.BOOK, *record.arguments(NAMESPACE, NAME)).out


def _check_version(folder: Path, programs: Path) -> None:
    file = folder / "data" / "PG_VERSION"
    if file.exists() and int(file.read_text()) != version(programs):
        raise TryError(
            f"the record was made by PostgreSQL {file.read_text().strip()}, and this is "
            f"{version(programs)}. {START_OVER}"
        )


def _password(folder: Path) -> str:
    file = folder / "password"
    return file.read_text() if file.exists() else secrets.token_hex(16)


def _start(server: Server, console: Console) -> None:
    whole = server.folder / "whole"
    if whole.exists():
        # One that outlived its run is at another port.
        with suppress(ServerError):
            server.stop()
        with console.step("starting PostgreSQL"):
            server.start()
        return
    with console.step("making a database"):
        shutil.rmtree(server.folder / "data", ignore_errors=True)
        server.initialise()
        server.start()
        made = _ask(server, "postgres", f"CREATE DATABASE {DATABASE}")
        if not made.ok:
            raise ServerError(made.err)
        whole.touch()


def _ask(server: Server, name: str, sql: str, *arguments: str) -> processes.Result:
    where = ("--host=127.0.0.1", f"--port={server.port}", f"--username={USER}", f"--dbname={name}")
    return processes.capture(
        [server.programs / "psql", *where, *arguments],
        env={"PGPASSWORD": server.password},
        timeout=ANSWER_S,
        stdin=sql,
    )
