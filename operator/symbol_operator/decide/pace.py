"""How often a symbol's status is written. Pure."""

from collections.abc import Callable, Hashable
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)

REPORT_SECONDS: Final = 1.0
"""Least time between two reports about a symbol, and how long a state that moves on by itself has
lasted before it is reported: most pods start and end within it."""
SPARED_SECONDS: Final = 0.03
"""How much longer that is for each other symbol that is on its way too: so many reports of what is
soon no longer so would keep the API server from the pods."""
SPARED_AT_MOST: Final = 15.0

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
        self._on_their_way: dict[Key, datetime] = {}
        self._due: dict[Key, datetime] = {}
        self._last_act: datetime | None = None

    def reported(self, key: Key, now: datetime) -> None:
        """Note that a report was written."""
        self._reported[key] = now
        self._due.pop(key, None)
        self._on_their_way.pop(key, None)

    def acted(self, key: Key, now: datetime) -> None:
        """Note that something was done about a symbol, from which its state moves on."""
        self._acted[key] = self._last_act = now
        self._on_their_way.pop(key, None)
        self._on_their_way[key] = now

    def wait(self, key: Key, now: datetime, *, settled: bool) -> float:
        """Return the seconds until a report is due; what is settled waits for nothing to pass."""
        own = _rest(self._reported.get(key), self._least, now)
        if not settled:
            own = max(own, _rest(self._acted.get(key), self._least + self._spared(now), now))
        if own > timedelta():
            return own.total_seconds()
        return self._wait_for_others(self._due.setdefault(key, now), now).total_seconds()

    def _spared(self, now: datetime) -> timedelta:
        """Return how much longer a state must last while others are on their way."""
        # What came back to where it was is never reported. The oldest comes first.
        while self._on_their_way and not self._counts(next(iter(self._on_their_way)), now):
            del self._on_their_way[next(iter(self._on_their_way))]
        others = max(0, len(self._on_their_way) - 1)
        return timedelta(seconds=min(others * SPARED_SECONDS, SPARED_AT_MOST))

    def _counts(self, key: Key, now: datetime) -> bool:
        return timedelta() <= now - self._on_their_way[key] <= timedelta(seconds=SPARED_AT_MOST)

    def _wait_for_others(self, due: datetime, now: datetime) -> timedelta:
        """Return how long what was `due` then waits until nothing else is done."""
        if self._last_act is None:
            return timedelta()
        quiet = min(self._last_act + self._quiet - now, self._quiet)
        return max(timedelta(), min(quiet, due + self._held - now))

    def forget(self, gone: Callable[[Key], bool]) -> None:
        """Forget the symbols that are gone."""
        for moments in (self._reported, self._acted, self._on_their_way, self._due):
            for key in [key for key in moments if gone(key)]:
                del moments[key]


def _rest(since: datetime | None, lasts: timedelta, now: datetime) -> timedelta:
    """Return what is left of a time; a clock that was set back makes it no longer."""
    return timedelta() if since is None else min(since + lasts - now, lasts)
