"""The folder of a clone in which `make try` keeps its files."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from postgresql.account import give_away, reaches
from trial.failure import BusyError, TryError
from trial.resource import NAME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ELSEWHERE = "/var/tmp"  # noqa: S108 - the name is drawn by mkdtemp
"""Where the record goes that nobody but root would reach in the clone; reboots leave it alone."""


@dataclass(frozen=True, slots=True)
class Place:
    """The folder and what is in it."""

    folder: Path

    @property
    def resource(self) -> Path:
        """Return the file that the leader reads."""
        return self.folder / f"{NAME}.yaml"

    @property
    def journal(self) -> Path:
        """Return the paper exchange's journal."""
        return self.folder / "exchange.jsonl"

    @property
    def key(self) -> Path:
        """Return the folder with the key of the paper exchange's account."""
        return self.folder / "key"

    @property
    def environment(self) -> Path:
        """Return the file with what `symbol-trader` has to be told, for a shell."""
        return self.folder / "environment"

    def log(self, name: str) -> Path:
        """Return the log of a part; that of the run before is kept beside it."""
        return self.folder / f"{name}.log"

    def make(self) -> None:
        """Make the folder. Raises `TryError` where this user may not."""
        try:
            self.folder.mkdir(exist_ok=True)
            if self.folder.stat().st_uid == os.geteuid():
                # Root's PostgreSQL runs as another account, whatever the umask is.
                self.folder.chmod(0o755)
            self._lock.touch()
        except PermissionError as exc:
            raise TryError(f"{self.folder} belongs to another user: {exc.strerror}") from exc

    @contextmanager
    def alone(self) -> Iterator[int]:
        """Keep other processes out; yields what keeps them out as long as anybody has it open.

        Raises:
            BusyError: another one is there; the message is its process id.

        """
        with self._lock.open("r+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as exc:
                raise BusyError(lock.read().strip()) from exc
            lock.truncate()
            lock.write(str(os.getpid()))
            lock.flush()
            yield lock.fileno()

    def write_resource(self, text: str) -> None:
        """Write the resource in one piece."""
        new = self.resource.with_suffix(".new")
        new.write_text(text)
        new.replace(self.resource)

    def of_postgres(self) -> Path:
        """Return the folder of the record, made if there is none.

        Where it would be out of reach of the account that root's PostgreSQL runs as, it is
        elsewhere, and a link leads there. Raises `TryError` if it is not there any more.
        """
        home = self.folder / "postgres"
        if home.is_symlink() and not home.exists():
            raise TryError(f"{home.readlink()} is gone, and the record with it. {START_OVER}")
        if not home.exists():
            home.mkdir(mode=0o700)
            give_away(home)
            if not reaches(home):
                home.rmdir()
                home.symlink_to(tempfile.mkdtemp(prefix="trading-try-", dir=ELSEWHERE))
                give_away(home)
        return home.resolve()

    def clear(self) -> None:
        """Remove it, with the record, wherever that is."""
        for part in (self.folder / "postgres").resolve(), self.folder:
            shutil.rmtree(part, ignore_errors=not part.exists())

    @property
    def _lock(self) -> Path:
        return self.folder / "lock"


START_OVER = "`make try-clean` forgets all that was traded, and `make try` starts over."
