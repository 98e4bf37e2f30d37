"""Programs that stand in for others on PATH."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class StandIns:
    """A folder that is all of PATH; calling this puts a program of Python lines into it."""

    folder: Path

    def __call__(self, name: str, body: str) -> Path:
        """Put a program there; returns the file that lists what it was called with."""
        calls = self.folder / f"{name}.calls"
        calls.write_text("")
        program = self.folder / name
        program.write_text(
            f"#!{sys.executable} -IS\nimport os, sys, time\narguments = sys.argv[1:]\n"
            f"print(*arguments, file=open({str(calls)!r}, 'a'))\n{body}\n"
        )
        program.chmod(0o755)
        return calls
