"""Shows a symbol live: redrawn in place on a terminal, a line per change elsewhere."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from demo import screen
from demo.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from demo.snapshot import Snapshot
    from demo.verdict import Judge

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
    close: str
    """How to end the view."""
    _drawn: int = 0

    def draw(self, seen: Snapshot) -> None:
        """Redraw in place."""
        size = os.get_terminal_size(self.out.fileno())
        lines = screen.screen(seen, self.title, self.close, size.columns - 1, size.lines - 1)
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


def canvas(out: TextIO, title: str, close: str) -> Canvas:
    """Return what draws on `out`, terminal or not; `close` says how to end the view."""
    return Terminal(out, title, close) if out.isatty() else Lines(out, title, time.monotonic())


def show(
    look: Callable[[], Snapshot],
    judge: Judge,
    drawn_on: Canvas,
    pause: Callable[[float], object] = time.sleep,
) -> tuple[Verdict, Snapshot]:
    """Look and draw until there is nothing more to wait for; what is raised is passed on."""
    started = time.monotonic()
    most_traders = 0
    while True:
        seen = look()
        drawn_on.draw(seen)
        most_traders = max(most_traders, seen.traders if seen.trades else 0)
        verdict = judge.decide(seen, most_traders, time.monotonic() - started)
        if verdict is not Verdict.GO_ON:
            return verdict, seen
        pause(PAUSE_SECONDS)
