"""Running other programs: the only door to them."""

from __future__ import annotations

import os
import queue
import shlex
import subprocess
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localcluster.failure import LocalClusterError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from typing import IO

    from localcluster.console import Console

HEARTBEAT_SECONDS = 30.0
"""A long command that prints nothing is reported as alive this often."""
TAIL_LINES = 25
"""How much of a failed command's output its message carries."""


@dataclass(frozen=True, slots=True)
class Result:
    """How a program ended and what it said."""

    code: int
    """Exit code; 124 where it was ended for taking too long, 127 where there is no such program."""
    out: str
    err: str = ""

    @property
    def ok(self) -> bool:
        """Whether it succeeded."""
        return self.code == 0


def _environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    return {**os.environ, **(extra or {})}


def capture(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
    stdin: str | None = None,
) -> Result:
    """Run a program to its end and keep what it said; never raises for its failure.

    `env` is added to this process's environment; `timeout` is in seconds.
    """
    try:
        done = subprocess.run(  # noqa: S603 - an argument list, no shell
            [str(part) for part in argv],
            env=_environment(env),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Result(124, "", f"no answer within {timeout} s")
    except OSError as exc:
        return Result(127, "", str(exc))
    return Result(done.returncode, done.stdout, done.stderr)


def failure(argv: Sequence[str | Path], result: Result) -> LocalClusterError:
    """Make the error for a program that failed: the command and the end of what it said."""
    said = (result.err or result.out).strip().splitlines()[-TAIL_LINES:]
    command = shlex.join(str(part) for part in argv)
    return LocalClusterError(f"failed (exit code {result.code}): {command}\n" + "\n".join(said))


def check(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
    stdin: str | None = None,
) -> str:
    """As `capture`, but a failure raises LocalClusterError; returns the standard output."""
    result = capture(argv, env=env, timeout=timeout, stdin=stdin)
    if not result.ok:
        raise failure(argv, result)
    return result.out


class Running:
    """A program under way whose lines, errors included, are read as they come."""

    def __init__(self, argv: Sequence[str | Path], env: Mapping[str, str] | None = None) -> None:
        """Start it; raises LocalClusterError where there is no such program."""
        self._said: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - an argument list, no shell
                [str(part) for part in argv],
                env=_environment(env),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            )
        except OSError as exc:
            raise failure(argv, Result(127, "", str(exc))) from exc
        assert self._process.stdout is not None  # noqa: S101 - a pipe was asked for
        self._reader = threading.Thread(
            target=self._read, args=(self._process.stdout,), daemon=True
        )
        self._reader.start()

    def _read(self, pipe: IO[str]) -> None:
        with pipe:
            for line in pipe:
                self._lines.put(line.rstrip())
        self._lines.put(None)

    def line(self, timeout: float) -> str | None:
        """Return the next line, None at the end; TimeoutError after `timeout` silent seconds."""
        try:
            line = self._lines.get(timeout=timeout)
        except queue.Empty as exc:
            raise TimeoutError from exc
        if line is not None:
            self._said.append(line)
        return line

    def end(self) -> None:
        """Stop it, and wait until it is gone."""
        self._process.terminate()
        self._process.wait()
        self._reader.join()

    def finish(self) -> Result:
        """Wait for its end; all its lines were read before."""
        self._reader.join()
        return Result(self._process.wait(), "\n".join(self._said))


def _any_text(line: str) -> bool:
    return bool(line)


def stream(
    argv: Sequence[str | Path],
    console: Console,
    *,
    env: Mapping[str, str] | None = None,
    shown: Callable[[str], bool] = _any_text,
) -> None:
    """Run a program and pass on those of its lines that are to be `shown`.

    Says that it is still at work when it prints nothing; raises LocalClusterError if it fails.
    """
    running = Running(argv, env)
    last = str(argv[0])
    while True:
        try:
            line = running.line(HEARTBEAT_SECONDS)
        except TimeoutError:
            console.say(f"  still at work: {last}")
            continue
        if line is None:
            break
        if line:
            last = line
        if shown(line):
            console.say(f"  {line}")
    result = running.finish()
    if not result.ok:
        raise failure(argv, result)


def daemon(argv: Sequence[str | Path], log: Path) -> subprocess.Popen[bytes]:
    """Start a program that outlives this one, its words going to `log`."""
    with log.open("wb") as out:
        return subprocess.Popen(  # noqa: S603 - an argument list, no shell
            argv,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def path_with(folder: Path) -> dict[str, str]:
    """Return an environment in which the programs of `folder` are found first."""
    return {"PATH": os.pathsep.join([str(folder), os.environ.get("PATH", os.defpath)])}
