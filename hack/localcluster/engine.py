"""Our own Docker engine, for a machine where none runs.

Everything it keeps is in one folder of the cache, so that all clones of the project share its
images. It touches no other engine's files, and `stop` ends it once nothing runs on it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from localcluster import locks, machine, processes
from localcluster.docker import Docker
from localcluster.failure import LocalClusterError

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from localcluster.console import Console

START_SECONDS = 60.0
STOP_SECONDS = 60.0
POLL_SECONDS = 0.25
SOCKET_PATH_LIMIT = 107
"""Longest path of a Unix socket on Linux (sun_path, less its final zero)."""
DEEPEST_SOCKET = "exec/containerd/containerd-debug.sock"
"""The longest socket path that dockerd makes below its folder."""
LOG_TAIL_LINES = 15


@dataclass(frozen=True, slots=True)
class Engine:
    """The engine in `folder`, whether it runs or not."""

    folder: Path
    runtime: Path
    """The recipe of a runtime that cuts capabilities; used where the machine lacks some."""

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self.folder / "docker.sock"

    @property
    def docker(self) -> Docker:
        """The client for it."""
        return Docker(host=f"unix://{self.socket}")

    @property
    def _pid_file(self) -> Path:
        return self.folder / "dockerd.pid"

    @property
    def _containerd_pid_file(self) -> Path:
        return self.folder / "exec" / "containerd" / "containerd.pid"

    @property
    def _log(self) -> Path:
        return self.folder / "dockerd.log"

    def pid(self) -> int | None:
        """Return the running engine's process id."""
        return _process_of(self._pid_file, self.folder)

    def answers(self) -> bool:
        """Return whether it runs and answers."""
        return self.socket.exists() and self.docker.answers()

    def in_use(self) -> AbstractContextManager[None]:
        """Hold this while working with the engine: it is not ended meanwhile."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return locks.shared(self.folder / "users.lock")

    def start(self, console: Console) -> None:
        """Start it unless it runs; safe against a second caller, and after any kind of end."""
        self._check_path()
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._changing(console):
            if self.answers():
                return
            with console.step(f"starting a Docker engine of our own in {self.folder}"):
                self._forget_the_dead()
                self._configure()
                self._wait_until_it_answers(self._launch())

    def stop_if_idle(self, console: Console) -> None:
        """End it, unless containers or other commands still use it."""
        if not self.folder.exists():
            return
        with (
            self._changing(console),
            locks.exclusive_if_free(self.folder / "users.lock") as alone,
        ):
            pid = self.pid()
            if pid is None:
                return
            if not alone or self.docker.containers():
                console.say("the Docker engine stays: others use it")
                return
            with console.step("ending our Docker engine"):
                os.kill(pid, signal.SIGTERM)
                self._wait_until_gone()

    def _changing(self, console: Console) -> AbstractContextManager[None]:
        waiting = "another process starts or ends the engine; waiting for it"
        return locks.exclusive(self.folder / "change.lock", lambda: console.say(waiting))

    def _check_path(self) -> None:
        if len(str(self.folder / DEEPEST_SOCKET)) > SOCKET_PATH_LIMIT:
            raise LocalClusterError(
                f"{self.folder} is too long a path for the engine's sockets; "
                "set XDG_CACHE_HOME to a shorter one."
            )

    def _forget_the_dead(self) -> None:
        """Drop what an engine that did not end in order left: its numbers may be others' now."""
        for file in (self._pid_file, self._containerd_pid_file):
            if _process_of(file, self.folder) is None:
                file.unlink(missing_ok=True)

    def _configure(self) -> None:
        settings: dict[str, object] = {}
        if machine.capabilities_are_cut():
            runtime = self.folder / self.runtime.name
            body = self.runtime.read_text().partition("\n")[2]
            runtime.write_text(f"#!{os.path.realpath(sys.executable)} -IS\n{body}")
            runtime.chmod(0o755)
            settings = {
                "runtimes": {"bounded": {"path": str(runtime)}},
                "default-runtime": "bounded",
            }
        (self.folder / "daemon.json").write_text(json.dumps(settings))

    def _launch(self) -> subprocess.Popen[bytes]:
        argv: list[str | Path] = ["dockerd", "--host", f"unix://{self.socket}"]
        argv += ["--data-root", self.folder / "data", "--exec-root", self.folder / "exec"]
        argv += ["--pidfile", self._pid_file, "--config-file", self.folder / "daemon.json"]
        return processes.daemon(argv, self._log)

    def _wait_until_it_answers(self, process: subprocess.Popen[bytes]) -> None:
        for _ in _polls(START_SECONDS):
            if self.answers():
                return
            if process.poll() is not None:
                break
        else:
            process.terminate()
        tail = "\n".join(self._log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:])
        raise LocalClusterError(f"dockerd did not start; the end of {self._log}:\n{tail}")

    def _wait_until_gone(self) -> None:
        for _ in _polls(STOP_SECONDS):
            if self.pid() is None:
                return
        raise LocalClusterError(f"dockerd did not end within {STOP_SECONDS:.0f} s; see {self._log}")


def _polls(seconds: float) -> Iterator[None]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield
        time.sleep(POLL_SECONDS)


def _process_of(pid_file: Path, folder: Path) -> int | None:
    """Return the process that a pid file names, if it is alive and its arguments name `folder`."""
    try:
        pid = int(pid_file.read_text())
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    return pid if str(folder).encode() in arguments else None
