"""What all leaders behind one address, or on one account, may ask and order together.

Each reply says what the address and the account have used, and that is the truth (`rate_limit`).
It comes too late where many act at once, so each request first reserves its part in the record, as
a connection does (`pacing`): what reads reserves its weight, by address, and an order a slot, by
account.
In no window of the exchange is more reserved than it allows, wherever the window begins.

What is for whom:

* Reads use three quarters of the weight. Orders and cancels weigh nothing, or 1 where they are
  refused, and have the rest. What can wait (a regular look) is asked only where no read waits.
* Buys may reserve only a part of the slots that may be used at once; the others are for sells.
  Cancels count as no orders.
* Without the record nothing is bought, a sell is sent, and reads keep to a static share.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from symbol_trader.binance.pacing import Pace
from symbol_trader.core.orders import Side
from symbol_trader.errors import Unavailable

_MINUTE_S = 60.0
_READS_USABLE = 0.75
_READS_AT_ONCE = 0.1
_ORDERS_AT_ONCE = 0.25
_BUYS_OF_THAT = 0.5
"""The part of the slots for orders which buys may reserve ahead: the rest is for sells."""
_READS_WITHIN_S = 60.0
"""Nobody reserves weight further ahead: who would wait longer tries again later."""
_LEADERS_ALONE = 500
"""So many leaders may share an address and not know of each other: each has its static share."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """So much in so many seconds."""

    count: int
    window_s: float


@dataclass(frozen=True, slots=True)
class StatedLimits:
    """What `exchangeInfo` allows an address and an account; as documented, until it is read."""

    weight: Allowed = Allowed(6_000, _MINUTE_S)
    raw_requests: Allowed = Allowed(300_000, 5 * _MINUTE_S)
    connections: Allowed = Allowed(300, 5 * _MINUTE_S)
    orders: Allowed = Allowed(50, 10.0)
    """The shortest of its windows. How many are used of a day's, each reply to an order says."""

    def units(self, weight: int) -> float:
        """Return what a request counts in weight: not less than its part of all raw requests."""
        weight_a_second = self.weight.count / self.weight.window_s
        raw_a_second = self.raw_requests.count / self.raw_requests.window_s
        return max(weight, weight_a_second / raw_a_second)

    @property
    def reads(self) -> Pace:
        """Return how reads are laid, in weight."""
        weight = self.weight
        return Pace(weight.count, weight.window_s, _READS_USABLE, _READS_AT_ONCE)

    @property
    def placements(self) -> Pace:
        """Return how orders are laid."""
        return Pace(self.orders.count, self.orders.window_s, at_once=_ORDERS_AT_ONCE)


class SharedSlots(Protocol):
    """The slots of one limit, shared by all that it counts together."""

    async def reserve(self, length_s: float, within_s: float) -> float | None:
        """Reserve the next slot; return in how many seconds it ends.

        None: slots are reserved for `within_s` already, and this one was not. Raises `Unavailable`.
        """


@dataclass(slots=True)
class Budget:
    """The shared budget of one leader's requests, for all its sessions.

    `weight` are the slots of the address. `orders` makes those of an account from its uid. `clock`
    is monotonic, in seconds; `random` returns numbers in [0, 1).
    """

    weight: SharedSlots
    orders: Callable[[str], SharedSlots]
    clock: Callable[[], float]
    random: Callable[[], float]
    stated: StatedLimits = field(default_factory=StatedLimits)
    account: str = ""
    """The uid of the account; before it is known, nothing is placed."""
    _alone_until_s: float | None = None

    async def wait_s(self, weight: int) -> float:
        """Reserve what a read weighs; return how long to wait before it is sent.

        Raises `Unavailable` where the record is away and the static share has no room just now: who
        waited for that would not open the record again meanwhile.
        """
        pace = self.stated.reads
        length_s = self.stated.units(weight) * pace.spacing_s
        try:
            reserved_s = await self.weight.reserve(length_s, _READS_WITHIN_S)
        except Unavailable:
            if not self._may_read_alone(length_s):
                raise
            return 0.0
        self._alone_until_s = None
        if reserved_s is None:
            return _READS_WITHIN_S * (1 + self.random())
        return pace.wait_s(reserved_s)

    async def has_room(self) -> bool:
        """Return whether nobody waits to read: then what can wait may be asked."""
        try:
            return await self.weight.reserve(0.0, self.stated.reads.burst_s / 2) is not None
        except Unavailable:
            return False

    async def may_place(self, side: Side) -> bool:
        """Reserve the slot of an order; return whether there was one."""
        pace = self.stated.placements
        part = _BUYS_OF_THAT if side is Side.BUY else 1.0
        within_s = pace.burst_s * part - pace.spacing_s
        try:
            slots = self.orders(self.account)
            return await slots.reserve(pace.spacing_s, max(within_s, 0.0)) is not None
        except Unavailable:
            return side is Side.SELL

    def _may_read_alone(self, length_s: float) -> bool:
        """Use the share of a leader that does not know what others do; return whether it may."""
        now_s, length_s = self.clock(), length_s * _LEADERS_ALONE
        if self._alone_until_s is None:
            self._alone_until_s = now_s + self.random() * length_s
        if now_s < self._alone_until_s:
            return False
        self._alone_until_s = now_s + length_s
        return True
