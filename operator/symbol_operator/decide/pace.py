"""How often a symbol's status is written. Pure."""

from collections.abc import Callable, Hashable
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)

REPORT_SECONDS: Final = 1.0
"""Least time between two reports about a symbol, and how long a state that moves on by itself has
lasted before it is reported: most pods start and end within it."""


QUIET_SECONDS: Final = 0.5
"""How long nothing was done about any symbol before reports are written: the API server has more to
do than it can while many are switched at once, and pods come first."""
HELD_SECONDS: Final = 5.0
"""Longest time that a report waits for that."""


class Pace(Generic[Key]):
    """When the next report about a symbol is due."""

    def __init__(
        self,
        least: float = REPORT_SECONDS,
        quiet: float = QUIET_SECONDS,
        held: float = HELD_SECONDS,
    ) -> None:
        """Take the times above, in seconds."""
        self._least, self._quiet, self._held = (timedelta(seconds=s) for s in (least, quiet, held))
        self._reported: dict[Key, datetime] = {}
        self._acted: dict[Key, datetime] = {}
        self._due: dict[Key, datetime] = {}
        self._last_act: datetime | None = None

    def reported(self, key: Key, now: datetime) -> None:
        """Note that a report was written."""
        self._reported[key] = now
        self._due.pop(key, None)

    def acted(self, key: Key, now: datetime) -> None:
        """Note that something was done about a symbol, from which its state moves on."""
        self._acted[key] = self._last_act = now

    def wait(self, key: Key, now: datetime, *, settled: bool) -> float:
        """Return the seconds until a report is due; what is settled waits for nothing to pass."""
        since = [self._reported.get(key), None if settled else self._acted.get(key)]
        own = max((moment + self._least for moment in since if moment), default=now)
        # A clock that was set back must not keep anything from being reported.
        if (wait := min(own - now, self._least)) > timedelta():
            return wait.total_seconds()
        return self._wait_for_others(self._due.setdefault(key, now), now).total_seconds()

    def _wait_for_others(self, due: datetime, now: datetime) -> timedelta:
        """Return how long what was `due` then waits until nothing else is done."""
        if self._last_act is None:
            return timedelta()
        quiet = min(self._last_act + self._quiet - now, self._quiet)
        return max(timedelta(), min(quiet, due + self._held - now))

    def forget(self, gone: Callable[[Key], bool]) -> None:
        """Forget the symbols that are gone."""
        for moments in (self._reported, self._acted, self._due):
            for key in [key for key in moments if gone(key)]:
                del moments[key]
