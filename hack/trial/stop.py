"""Signals that ask a run to end: noted when they come, acted on where nothing is half done."""

from __future__ import annotations

import select
import signal
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(Exception):  # noqa: N818 - what a person wants is no error
    """A signal has come."""

    @property
    def exit_code(self) -> int:
        """Return 0 after Ctrl-C, the way to end it; as shells have it after another signal."""
        (number,) = self.args
        return 0 if number == signal.SIGINT else 128 + number


class Stop:
    """Notes the first signal from its making on."""

    def __init__(self) -> None:
        self._number: int | None = None
        self._woken, self._waking = socket.socketpair()
        self._waking.setblocking(False)
        signal.set_wakeup_fd(self._waking.fileno())
        for number in SIGNALS:
            signal.signal(number, self._note)

    def check(self) -> None:
        """Raise `Stopped` if a signal has come."""
        if self._number is not None:
            raise Stopped(self._number)

    def wait(self, seconds: float) -> None:
        """Wait, no longer than until a signal comes. Raises `Stopped`."""
        self.check()
        select.select([self._woken], [], [], seconds)
        self.check()

    def _note(self, number: int, _: FrameType | None) -> None:
        if self._number is None:
            self._number = number
