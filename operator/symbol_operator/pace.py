"""How often a symbol's status is written. Pure."""

from collections.abc import Callable, Hashable
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)

REPORT_SECONDS: Final = 1.0
"""Least time between two reports about a symbol, and how long a state that moves on by itself has
lasted before it is reported: most pods start and end within it."""


class Pace(Generic[Key]):
    """When the next report about a symbol is due."""

    def __init__(self, seconds: float = REPORT_SECONDS) -> None:
        self._least = timedelta(seconds=seconds)
        self._reported: dict[Key, datetime] = {}
        self._acted: dict[Key, datetime] = {}

    def reported(self, key: Key, now: datetime) -> None:
        """Note that a report was written."""
        self._reported[key] = now

    def acted(self, key: Key, now: datetime) -> None:
        """Note that something was done about a symbol, from which its state moves on."""
        self._acted[key] = now

    def wait(self, key: Key, now: datetime, *, settled: bool) -> float:
        """Return the seconds until a report is due; what is settled waits for nothing to pass."""
        since = [self._reported.get(key), None if settled else self._acted.get(key)]
        waits = [(moment + self._least - now).total_seconds() for moment in since if moment]
        # A clock that was set back must not keep anything from being reported.
        return min(max(0.0, *waits), self._least.total_seconds()) if waits else 0.0

    def forget(self, gone: Callable[[Key], bool]) -> None:
        """Forget the symbols that are gone."""
        for moments in (self._reported, self._acted):
            for key in [key for key in moments if gone(key)]:
                del moments[key]
