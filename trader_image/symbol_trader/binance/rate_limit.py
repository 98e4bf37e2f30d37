"""What the exchange itself says of its limits, which outlive a session.

Binance counts the weight of all requests of an address, and the orders of an account, in windows of
its own calendar, and says with each reply how much is used. Going over is answered by -1003 or
-1015, going on after that by a ban. So what merely reads stops well before the end, then buys, and
sells and cancels last: each until the window is over.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

_NS_PER_MS = 1_000_000
_NS_PER_S = 1_000_000_000


class Counted(Enum):
    """What a limit counts."""

    WEIGHT = auto()
    ORDERS = auto()


class Purpose(Enum):
    """What a request is for."""

    READ = auto()
    BUY = auto()
    SELL = auto()
    CANCEL = auto()


SHARES: Final[Mapping[Purpose, Mapping[Counted, float]]] = {
    Purpose.READ: {Counted.WEIGHT: 0.75},
    Purpose.BUY: {Counted.WEIGHT: 0.9, Counted.ORDERS: 0.9},
    Purpose.SELL: {Counted.WEIGHT: 1.0, Counted.ORDERS: 1.0},
    Purpose.CANCEL: {Counted.WEIGHT: 1.0},
}
"""The part of each limit that what is for a purpose may use: the rest is for what comes below."""


@dataclass(frozen=True, slots=True)
class Use:
    """What a reply says of a limit: so much used of so much in a window of so many milliseconds."""

    counted: Counted
    used: int
    limit: int
    window_ms: int

    def ends_in_ms(self, now_ms: int) -> int:
        """Return how long the window lasts at an exchange time; windows follow its calendar."""
        return self.window_ms - now_ms % self.window_ms

    def bars(self, purpose: Purpose) -> bool:
        """Return whether what is for a purpose has to wait until the window is over."""
        share = SHARES[purpose].get(self.counted)
        return share is not None and self.used >= share * self.limit


class RateLimit:
    """When this process may send requests. One for all sessions of a process."""

    def __init__(self, monotonic_ns: Callable[[], int]) -> None:
        self._monotonic_ns = monotonic_ns
        self._held_until_ns: int | None = None
        self._orders_refused_until_ns: int | None = None
        self._uses: dict[tuple[Counted, int], tuple[Use, int]] = {}
        """The last use of each window, and when it ends."""

    @property
    def held_until_ns(self) -> int | None:
        """Return until when the exchange is to be left alone, None if it is not."""
        return self._held_until_ns if self._left_ns(self._held_until_ns) else None

    @property
    def held_s(self) -> float:
        """Return how long the exchange is still to be left alone, as it asked."""
        return self._left_ns(self._held_until_ns) / _NS_PER_S

    def pause_s(self, purpose: Purpose) -> float:
        """Return how long what is for a purpose has to wait, by what replies have said."""
        ends = [ends_ns for use, ends_ns in self._uses.values() if use.bars(purpose)]
        if self._orders_refused_until_ns is not None and Counted.ORDERS in SHARES[purpose]:
            ends.append(self._orders_refused_until_ns)
        return max(map(self._left_ns, ends), default=0) / _NS_PER_S

    def pause_until_ns(self, purpose: Purpose) -> int | None:
        """Return when such a pause ends, None without one."""
        pause_s = self.pause_s(purpose)
        return self._monotonic_ns() + round(pause_s * _NS_PER_S) if pause_s else None

    def hold(self, seconds: float) -> None:
        """Ask nothing for a while; a longer time that was set before stays.

        This is what the exchange itself demands, so what the weight suggested no longer counts.
        """
        self._uses = {key: use for key, use in self._uses.items() if key[0] is not Counted.WEIGHT}
        until_ns = self._monotonic_ns() + round(seconds * _NS_PER_S)
        self._held_until_ns = max(until_ns, self._held_until_ns or until_ns)

    def hold_orders(self, seconds: float) -> None:
        """Place nothing for a while, as the exchange demands; reads and cancels go on."""
        self._orders_refused_until_ns = self._monotonic_ns() + round(seconds * _NS_PER_S)

    def count(self, use: Use, now_ms: int) -> None:
        """Take in what is used at an exchange time."""
        ends_ns = self._monotonic_ns() + use.ends_in_ms(now_ms) * _NS_PER_MS
        self._uses[use.counted, use.window_ms] = (use, ends_ns)

    def _left_ns(self, until_ns: int | None) -> int:
        return 0 if until_ns is None else max(0, until_ns - self._monotonic_ns())
