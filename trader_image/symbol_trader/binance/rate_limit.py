"""The exchange's rate limits of an address, which outlive a session.

Binance counts the weight of all requests of an address in minutes of its own clock and says with
each reply how much is used. Going over is answered by -1003, going on after that by a ban. What
merely reads therefore stops well before, until the minute is over: the rest is for orders.
"""

from collections.abc import Callable
from dataclasses import dataclass

READING_SHARE = 0.75
"""The part of the weight after which reading waits for the next minute."""

_MINUTE_MS = 60_000
_NS_PER_MS = 1_000_000
_NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Weight:
    """What a reply says of the request weight: so much used of so much in so many minutes."""

    used: int
    limit: int
    minutes: int

    def ends_in_ms(self, now_ms: int) -> int:
        """Return how long the window lasts at an exchange time; windows follow its calendar."""
        length_ms = self.minutes * _MINUTE_MS
        return length_ms - now_ms % length_ms


class RateLimit:
    """When this process may send requests. One for all sessions of a process."""

    def __init__(self, monotonic_ns: Callable[[], int]) -> None:
        self._monotonic_ns = monotonic_ns
        self._held_until_ns: int | None = None
        self._reading_from_ns: int | None = None

    @property
    def held_until_ns(self) -> int | None:
        """Return until when the exchange is to be left alone, None if it is not."""
        return self._held_until_ns if self._left_ns(self._held_until_ns) else None

    @property
    def held_s(self) -> float:
        """Return how long the exchange is still to be left alone, as it asked."""
        return self._left_ns(self._held_until_ns) / _NS_PER_S

    @property
    def reading_pause_s(self) -> float:
        """Return how long what merely reads has to wait."""
        return self._left_ns(self._reading_from_ns) / _NS_PER_S

    def hold(self, seconds: float) -> None:
        """Ask nothing for a while; a longer time that was set before stays.

        This is what the exchange itself demands, so what the weight suggested no longer counts.
        """
        self._reading_from_ns = None
        until_ns = self._monotonic_ns() + round(seconds * _NS_PER_S)
        self._held_until_ns = max(until_ns, self._held_until_ns or until_ns)

    def count(self, weight: Weight, now_ms: int) -> None:
        """Take in what is used at an exchange time."""
        spent = weight.used >= READING_SHARE * weight.limit
        ends_ns = self._monotonic_ns() + weight.ends_in_ms(now_ms) * _NS_PER_MS
        self._reading_from_ns = ends_ns if spent else None

    def _left_ns(self, until_ns: int | None) -> int:
        return 0 if until_ns is None else max(0, until_ns - self._monotonic_ns())
