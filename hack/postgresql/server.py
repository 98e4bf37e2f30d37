"""A PostgreSQL server in a folder of its own, which can be stopped and started again."""

from __future__ import annotations

import socket
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from localports import free_port
from postgresql.account import give_away, run_as

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

START_TIMEOUT_S: Final = 30
USER: Final = "trader"
LOG_LENGTH = 2000
"""Characters of the server's log that an error shows."""

SAFE: Final = {"fsync": "on", "full_page_writes": "on"}
SMALL: Final = {
    "listen_addresses": "127.0.0.1",
    # The path of a socket may be too long, and TCP is enough.
    "unix_socket_directories": "",
    "shared_buffers": "16MB",
    "max_connections": "60",
    "max_wal_size": "128MB",
    "logging_collector": "off",
}


class ServerError(Exception):
    """One of the programs failed; the text is what it said, and the end of the server's log."""


@dataclass(slots=True)
class Server:
    """A server that can be stopped and started again, at the same address."""

    programs: Path
    folder: Path
    """Root's has an owner whom the server runs as, and who reaches it."""
    password: str
    settings: Mapping[str, str]
    port: int = 0

    def url(self, database: str) -> str:
        """Return the address of one of its databases."""
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/{database}"

    def initialise(self) -> None:
        """Create the cluster's files. Raises `ServerError`."""
        secret = self.folder / "password"
        secret.touch(mode=0o600)
        secret.write_text(self.password)
        give_away(secret)
        self._run(
            "initdb", "--no-sync", "--no-locale", "--encoding=UTF8", "--auth=scram-sha-256",
            f"--username={USER}", f"--pwfile={secret}",
        )  # fmt: skip

    def start(self) -> None:
        """Start it, and wait until it serves. Raises `ServerError`."""
        self.port = self.port or free_port()
        settings = {**self.settings, "port": str(self.port)}
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        log = self.folder / "log"
        self._run(
            "pg_ctl", "start", "-w", "-t", str(START_TIMEOUT_S), "-l", str(log), "-o", options
        )

    def stop(self, mode: str = "fast") -> None:
        """Stop it: `smart` waits for clients, `fast` cuts them, `immediate` is a crash.

        Raises `ServerError`.
        """
        self._run("pg_ctl", "stop", "-w", "-m", mode)

    @property
    def running(self) -> bool:
        """Return whether it has not come to its end yet; one that was killed has not."""
        return (self.folder / "data" / "postmaster.pid").exists()

    @property
    def listens(self) -> bool:
        """Return whether somebody answers at its address."""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.programs / program), "-D", str(self.folder / "data"), *arguments]
        done = subprocess.run(  # noqa: S603 - a program of ours
            command, capture_output=True, text=True, check=False, cwd=self.folder,
            stdin=subprocess.DEVNULL, start_new_session=True, **run_as(self.folder),
        )  # fmt: skip
        if done.returncode:
            log = self.folder / "log"
            tail = log.read_text()[-LOG_LENGTH:] if log.exists() else ""
            raise ServerError(f"{program}: {done.stdout}{done.stderr}{tail}")
