"""`make test`: everything, in an order that leaves no core idle; prints how long each part took.

Tests on a cluster mostly wait, the others mostly compute. So some run side by side: the output of
the first part of a row is shown as it comes, that of the others once they have ended.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from typing import Final, NoReturn

ROWS: Final = (
    ("style",),
    ("unit", "deployed"),
    ("simulation",),
    ("integration", "kind-alone"),
    ("kind-together",),
)
"""Targets of the Makefile; each row begins when the one before has passed."""
LASTS_S: Final = 3600.0
"""How long a part may take: the first `deployed` of a machine builds the node image."""
ENDS_S: Final = 120.0
"""How long a part that was told to end may take to remove what it has made."""


class Part:
    """A target of the Makefile while it is made, in a process group of its own."""

    def __init__(self, name: str, *, shown: bool) -> None:
        """Start to make it; what is not `shown` is kept for later."""
        self.name = name
        self._kept = None if shown else tempfile.TemporaryFile()  # noqa: SIM115 - `show` closes it
        self._begun = time.monotonic()
        self._seconds = 0.0
        self._process = subprocess.Popen(  # noqa: S603 - a target of ROWS
            ("make", "--no-print-directory", name),  # noqa: S607 - it came from there
            stdout=self._kept,
            stderr=None if shown else subprocess.STDOUT,
            process_group=0,
        )

    def wait(self) -> None:
        """Wait until it has ended, or its time is over."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(max(0.0, self._begun + LASTS_S - time.monotonic()))
        self._seconds = time.monotonic() - self._begun

    def end(self) -> None:
        """End what still runs of it, and let it remove what it has made."""
        for number in (signal.SIGINT, signal.SIGKILL):
            if self._process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(ENDS_S)

    def show(self) -> None:
        """Print what was kept."""
        if self._kept is not None:
            _say(f"=== {self.name}, which ran beside this:")
            with self._kept as kept:
                kept.seek(0)
                shutil.copyfileobj(kept, sys.stdout.buffer)

    @property
    def passed(self) -> bool:
        """Return whether it ended, and well."""
        return self._process.returncode == 0

    def __str__(self) -> str:
        """Return its line in the table."""
        failed = "" if self.passed else "  failed"
        return f"{self.name:<14} {self._seconds:6.0f} s{failed}"


@contextlib.contextmanager
def started(row: Sequence[str]) -> Iterator[list[Part]]:
    """Start the parts of a row side by side, and let none run on past the end."""
    _say(f"=== {' beside '.join(row)}")
    parts: list[Part] = []
    try:
        for name in row:
            parts.append(Part(name, shown=not parts))
        yield parts
    finally:
        for part in parts:
            part.end()
        for part in parts:
            part.show()


def make_all() -> bool:
    """Make all, up to the first row of which a part fails; returns whether all passed."""
    made: list[Part] = []
    try:
        for row in ROWS:
            with started(row) as parts:
                made += parts
                for part in parts:
                    part.wait()
            if not all(part.passed for part in parts):
                break
    finally:
        for part in made:
            _say(str(part))
    return all(part.passed for part in made)


def main() -> None:
    """Make all, or end all that was started when this is told to end."""
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    sys.exit(not make_all())


def _end(number: int, _: object) -> NoReturn:
    sys.exit(128 + number)


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - what it is for


if __name__ == "__main__":
    main()
