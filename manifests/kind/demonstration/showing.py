"""Shows a symbol live: redrawn in place on a terminal, a line per change elsewhere."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from demonstration import screen
from demonstration.verdict import Judge, Verdict

if TYPE_CHECKING:
    from typing import TextIO

    from demonstration.observer import Observer
    from demonstration.snapshot import Snapshot

PAUSE_SECONDS = 1.0
"""Between two looks."""


class Canvas(Protocol):
    """Where snapshots go."""

    def draw(self, seen: Snapshot) -> None:
        """Show one."""


@dataclass(slots=True)
class Terminal:
    """Draws over what it drew before."""

    out: TextIO
    title: str
    _drawn: int = 0

    def draw(self, seen: Snapshot) -> None:
        """Redraw in place."""
        size = os.get_terminal_size(self.out.fileno())
        lines = screen.screen(seen, self.title, size.columns - 1, size.lines - 1)
        up = f"\x1b[{self._drawn}F" if self._drawn else ""
        self.out.write(f"{up}\x1b[J" + "".join(f"{line}\n" for line in lines))
        self.out.flush()
        self._drawn = len(lines)


@dataclass(slots=True)
class Lines:
    """Writes a line when something has changed."""

    out: TextIO
    title: str
    started: float
    _last: str = ""

    def draw(self, seen: Snapshot) -> None:
        """Write what is seen, unless it is the same as before."""
        if not self._last:
            self.out.write(f"{self.title}\n")
        line = screen.line(seen)
        if line != self._last:
            self.out.write(f"[{time.monotonic() - self.started:6.1f} s] {line}\n")
            self.out.flush()
        self._last = line


def show(observer: Observer, title: str, out: TextIO) -> tuple[Verdict, Snapshot]:
    """Look and draw until there is nothing more to wait for; Ctrl-C is passed on."""
    watched = out.isatty()
    started = time.monotonic()
    canvas: Canvas = Terminal(out, title) if watched else Lines(out, title, started)
    judge = Judge(watched=watched, recorded=observer.recorded)
    most_traders = 0
    while True:
        seen = observer.look()
        canvas.draw(seen)
        most_traders = max(most_traders, seen.traders if seen.trades else 0)
        verdict = judge.decide(seen, most_traders, time.monotonic() - started)
        if verdict is not Verdict.GO_ON:
            return verdict, seen
        time.sleep(PAUSE_SECONDS)
