"""What is logged of an outage: its start at once, then that it lasts, and its end. Pure.

A clock is given; nothing here waits.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

AGAIN: Final = timedelta(minutes=5)
"""The least time between two lines that say that an outage lasts."""

Tell = Callable[[str, str], None]
"""Logs an event and the reason for it."""


class Outage:
    """One kind of outage of one other side; `what` names it in the log."""

    def __init__(self, what: str, tell: Tell, clock: Callable[[], datetime]) -> None:
        """Begin without an outage; `clock` returns aware times."""
        self._what = what
        self._tell = tell
        self._clock = clock
        self._since: datetime | None = None
        self._told: datetime | None = None

    def lasts(self, why: str, meanwhile: str = "") -> None:
        """Note a failure. It is told if it is the first, or the last one told is long ago."""
        now = self._clock()
        self._since = self._since or now
        if self._told is not None and now - self._told < AGAIN:
            return
        self._told = now
        since = f"since {self._since:%Y-%m-%dT%H:%M:%SZ}"
        self._tell(self._what, "; ".join(filter(None, (since, meanwhile, why))))

    def ends(self) -> None:
        """Note that it works (again)."""
        if self._since is None:
            return
        self._tell(f"{self._what}: over", f"it had begun at {self._since:%Y-%m-%dT%H:%M:%SZ}")
        self._since = self._told = None
