"""When a connection may be opened: the exchange limits attempts per address, whoever makes them.

`Pace` is the arithmetic of that, and of the exchange's other limits (`budgets`).

Binance Spot allows 300 attempts in 5 minutes per address, both services together (web-socket-api.md
and web-socket-streams.md, "General"; `CONNECTIONS` among the `rateLimits` of `exchangeInfo`), and
bans an address that goes on. Many leaders may share one. So each attempt needs a slot: the record
hands out slots that are `spacing_s` apart, of which `burst` may be used at once after a quiet time
(the generic cell rate algorithm). In any window there are at most `burst` + window / `spacing_s`
attempts, whenever the window begins, so it does not matter how the exchange lays its own.

Without the record no session is opened, and the market stream keeps to a static share. It can be
small: nothing is bought while the record is away.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from symbol_trader.errors import Unavailable


@dataclass(frozen=True, slots=True)
class Pace:
    """How slots are laid so that no window of a limit holds more than `usable` of it.

    `count` is allowed in `window_s` seconds. `at_once` is the part that may be used at once.
    """

    count: int
    window_s: float
    usable: float = 0.9
    """The rest is for people and their commands."""
    at_once: float = 0.1

    @property
    def burst(self) -> int:
        """Return how many slots may be used at once after a quiet time."""
        return max(1, int(self.count * self.at_once))

    @property
    def spacing_s(self) -> float:
        """Return how far apart slots are, in seconds."""
        return self.window_s / max(self.count * self.usable - self.burst, 1)

    @property
    def burst_s(self) -> float:
        """Return how far ahead slots may be used, in seconds."""
        return self.burst * self.spacing_s

    def wait_s(self, reserved_s: float) -> float:
        """Return how long to wait for a slot that ends `reserved_s` from now."""
        return max(0.0, reserved_s - self.burst_s)


@dataclass(frozen=True, slots=True)
class ConnectionLimit:
    """So many attempts in so many seconds for each address, as the exchange counts them."""

    attempts: int = 300
    window_s: float = 300.0

    @property
    def pace(self) -> Pace:
        """Return how attempts are laid."""
        return Pace(self.attempts, self.window_s)


@dataclass(slots=True)
class KnownLimit:
    """The exchange's limit, for all services of a leader: as documented, until it is read."""

    limit: ConnectionLimit = field(default_factory=ConnectionLimit)


class SharedSlots(Protocol):
    """The slots of all leaders behind one address."""

    async def reserve(self, spacing_s: float) -> float | None:
        """Reserve the next slot; return in how many seconds it ends.

        None: too many are reserved, and this one was not. Raises `Unavailable`.
        """


@dataclass(frozen=True, slots=True)
class StaticShare:
    """What a leader allows itself while it does not know what others do."""

    period_s: float = 600.0
    """One attempt in this time, at a random moment of it: with 500 leaders that is 250 attempts in
    5 minutes."""
    ask_again_s: float = 1.0
    """How soon the record is asked again meanwhile; it waits itself for a while to be reachable."""


class ConnectionPacer:
    """The slots of one service of one leader: one for each attempt, kept until it is used.

    `clock` is monotonic, in seconds; `random` returns numbers in [0, 1). A service that may connect
    without the record has a static `share` for that.
    """

    def __init__(
        self,
        slots: SharedSlots,
        *,
        clock: Callable[[], float],
        random: Callable[[], float],
        known: KnownLimit | None = None,
        share: StaticShare | None = None,
    ) -> None:
        self.known = known or KnownLimit()
        self._slots = slots
        self._clock = clock
        self._random = random
        self._share = share
        self._due_s: float | None = None
        self._alone_due_s: float | None = None
        self._alone_ends_s = 0.0

    async def wait_s(self) -> float:
        """Return how long to wait before asking again. Zero: connect now, the slot is used up.

        Raises `Unavailable` where the record is, and there is no share for that.
        """
        if self._due_s is None:
            try:
                reserved_s = await self._slots.reserve(self.known.limit.pace.spacing_s)
            except Unavailable:
                if self._share is None:
                    raise
                return self._wait_alone_s(self._share)
            self._alone_due_s = None
            if reserved_s is None:
                return self._random() * self.known.limit.window_s
            self._due_s = self._clock() + self.known.limit.pace.wait_s(reserved_s)
        left_s = self._due_s - self._clock()
        if left_s > 0:
            return left_s
        self._due_s = None
        return 0.0

    def _wait_alone_s(self, share: StaticShare) -> float:
        """Return how long to wait where nobody says what others do."""
        now_s, period_s = self._clock(), share.period_s
        if self._alone_due_s is None:
            begins_s = max(now_s, self._alone_ends_s)
            self._alone_due_s = begins_s + self._random() * period_s
            self._alone_ends_s = begins_s + period_s
        if (left_s := self._alone_due_s - now_s) > 0:
            return min(left_s, share.ask_again_s)
        self._alone_due_s = None
        return 0.0


def pacers(
    slots: SharedSlots, *, clock: Callable[[], float], random: Callable[[], float]
) -> tuple[ConnectionPacer, ConnectionPacer]:
    """Return the pacers of a leader: for its sessions, and for its market stream."""
    known = KnownLimit()
    sessions = ConnectionPacer(slots, clock=clock, random=random, known=known)
    market = ConnectionPacer(slots, clock=clock, random=random, known=known, share=StaticShare())
    return sessions, market
