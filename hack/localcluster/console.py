"""What a person sees while things take their time."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Console:
    """Lines with the seconds since the start; results go to standard output, these do not."""

    def __init__(
        self, out: TextIO = sys.stderr, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._out = out
        self._clock = clock
        self._started = clock()

    def say(self, text: str) -> None:
        """Print one line at once, stamped with the seconds since the start."""
        self._out.write(f"[{self._clock() - self._started:6.1f} s] {text}\n")
        self._out.flush()

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Say that something starts, and how long it took once it is done."""
        started = self._clock()
        self.say(f"{title} ...")
        yield
        self.say(f"{title}: done in {self._clock() - started:.1f} s")
