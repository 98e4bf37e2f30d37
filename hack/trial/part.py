"""A program of ours that runs as a part of `make try`."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from demo.snapshot import read_story
from trial.failure import TryError
from trial.guard import ending, guarded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from localcluster.console import Console

END_S = 30.0
"""A leader waits for replies to what it has sent, which an exchange owes it for 10 s."""
TAIL_BYTES = 16_384
TAIL_LINES = 12


@dataclass(frozen=True, slots=True)
class Part:
    """A program that was started."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def exit_code(self) -> int | None:
        """Return how it ended, None while it runs."""
        return self.process.poll()

    def tail(self) -> str:
        """Return the last lines of its log."""
        return tail(self.log)

    def check(self) -> None:
        """Raise `TryError` if it has ended."""
        if self.exit_code is not None:
            story = "\n".join(read_story(self.tail()))
            raise TryError(f"{self.name} ended by itself, {ending_of(self.exit_code)}:\n{story}")

    def end(self) -> None:
        """Let it end, and see to it that it does."""
        self.process.terminate()
        try:
            self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def started(
    name: str,
    module: Sequence[str],
    *,
    log: Path,
    lock: int,
    console: Console,
    environment: Mapping[str, str],
) -> Iterator[Part]:
    """Run a module until the end of the block, and not a moment longer."""
    if log.exists():
        log.replace(log.with_suffix(".before.log"))
    with log.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603 - a module of ours
            [sys.executable, "-m", *module],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            # Ctrl-C reaches this process alone, which ends its parts in order.
            start_new_session=True,
        )
    part = Part(name, process, log)
    with guarded(ending(process.pid), lock, {}):
        try:
            yield part
        finally:
            if part.exit_code is None:
                console.say(f"ending {name}")
            part.end()


def ending_of(exit_code: int) -> str:
    """Return how a process ended, for a person."""
    if exit_code < 0:
        return f"killed by {signal.Signals(-exit_code).name}"
    return f"with exit code {exit_code}"


def tail(log: Path) -> str:
    """Return the last lines of a log, nothing if there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    return "\n".join(lines[-TAIL_LINES:])
