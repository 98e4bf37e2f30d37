"""`make test`: everything, in an order that leaves no core idle; prints how long each part took.

Tests on a cluster mostly wait, the others mostly compute. So some run side by side: the output of
the first part of a row is shown as it comes, that of the others once they have ended.
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

ROWS: Final = (
    ("style",),
    ("unit", "deployed"),
    ("simulation",),
    ("integration", "kind-alone"),
    ("kind-together",),
)
"""Targets of the Makefile; each row begins when the one before has passed."""


@dataclass
class Part:
    """A target of the Makefile while it is made."""

    name: str
    shown: bool
    _begun: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        kept = None if self.shown else subprocess.PIPE
        self._process = subprocess.Popen(  # noqa: S603 - a target of ROWS
            ("make", "--no-print-directory", self.name),  # noqa: S607 - it came from there
            stdout=kept,
            stderr=None if self.shown else subprocess.STDOUT,
            text=True,
        )

    def end(self) -> tuple[bool, float]:
        """Wait until it is made; returns whether it passed, and the seconds it took."""
        output, _ = self._process.communicate()
        seconds = time.monotonic() - self._begun
        if output:
            _say(f"=== {self.name}, which ran beside this:\n{output}")
        return self._process.returncode == 0, seconds


def run(row: Sequence[str]) -> dict[str, tuple[bool, float]]:
    """Make the parts of a row side by side."""
    _say(f"=== {' beside '.join(row)}")
    parts = [Part(name, shown=count == 0) for count, name in enumerate(row)]
    return {part.name: part.end() for part in parts}


def main() -> None:
    """Make all, up to the first row of which a part fails."""
    results: dict[str, tuple[bool, float]] = {}
    for row in ROWS:
        results |= run(row)
        if not all(passed for passed, _ in results.values()):
            break
    for name, (passed, seconds) in results.items():
        _say(f"{name:<14} {seconds:6.0f} s{'' if passed else '  failed'}")
    sys.exit(not all(passed for passed, _ in results.values()))


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - what it is for


if __name__ == "__main__":
    main()
