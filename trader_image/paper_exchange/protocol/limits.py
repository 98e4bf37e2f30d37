"""Rate limits as Binance counts them: by address what is asked, by account unfilled orders.

How many refusals get an address banned, and how connections beyond the limit are refused, is not
documented; both are assumptions here.
"""

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from paper_exchange.core.errors import ExchangeError
from paper_exchange.core.events import Execution, ExecutionReport, Step
from paper_exchange.protocol.text import Millis

SECOND = 1_000
MINUTE = 60_000
TEN_SECONDS = 10_000
DAY = 86_400_000

TOO_MANY = 429
"""Reply status of a request beyond a limit."""
BANNED = 418
"""Reply status of every request from an address that is banned."""
EVERYONE = "*"
REQUESTS, STREAMS = "requests", "streams"
"""The two services: who is banned from one may use the other."""
FIRST_BAN, LONGEST_BAN = 2 * MINUTE, 3 * DAY
"""How long a ban by the exchange itself lasts; each one of an address twice as long."""

TAKER_CREDIT = -1
MAKER_CREDIT = -5
"""What an order's first fill gives back of the order count."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit over calendar-aligned windows of `length` milliseconds."""

    kind: str
    interval: str
    interval_num: int
    length: int
    limit: int

    def describe(self, count: int | None = None) -> dict[str, Any]:
        """Return the limit as JSON, with the count used if given."""
        shown: dict[str, Any] = {
            "rateLimitType": self.kind,
            "interval": self.interval,
            "intervalNum": self.interval_num,
            "limit": self.limit,
        }
        return shown if count is None else shown | {"count": count}


class Counter:
    """Counts per owner in the window that a moment belongs to."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self._counts: dict[Hashable, tuple[int, int]] = {}

    def count(self, owner: Hashable, now: int) -> int:
        """Return what the owner has used in the current window."""
        window, count = self._counts.get(owner, (0, 0))
        return count if window == now // self.limit.length else 0

    def add(self, owner: Hashable, now: int, amount: int) -> int:
        """Use some (give back, if negative) and return the new count, never below zero."""
        count = max(0, self.count(owner, now) + amount)
        self._counts[owner] = (now // self.limit.length, count)
        return count

    def exceeds(self, owner: Hashable, now: int, amount: int) -> bool:
        """Use some; return whether that is more than the owner may use."""
        used = self.add(owner, now, amount)
        return 0 < self.limit.limit < used

    def resets_at(self, now: int) -> int:
        """Return when the current window ends."""
        return (now // self.limit.length + 1) * self.limit.length


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """How much of everything is allowed; 0 means that it is counted but not enforced.

    Weight and raw requests (per 5 minutes) are per address, orders per account, connections per 5
    minutes, address and service, messages per second and market stream connection.  An address
    whose requests were refused `ban_after` times within a minute is banned.
    """

    weight: int = 6000
    orders: int = 1000
    orders_a_day: int = 1_000_000
    raw_requests: int = 300_000
    connections: int = 300
    messages: int = 5
    ban_after: int = 10


class Limits:
    """The exchange's counters."""

    def __init__(self, settings: LimitSettings) -> None:
        self._bans: dict[tuple[str, str], int] = {}
        self._bans_so_far: dict[tuple[str, str], int] = {}
        self.weight = Counter(Limit("REQUEST_WEIGHT", "MINUTE", 1, MINUTE, settings.weight))
        self.orders = (
            Counter(Limit("ORDERS", "SECOND", 10, TEN_SECONDS, settings.orders)),
            Counter(Limit("ORDERS", "DAY", 1, DAY, settings.orders_a_day)),
        )
        self._raw = Counter(Limit("RAW_REQUESTS", "MINUTE", 5, 5 * MINUTE, settings.raw_requests))
        self._connections = Counter(
            Limit("CONNECTIONS", "MINUTE", 5, 5 * MINUTE, settings.connections)
        )
        self._refusals = Counter(Limit("REFUSALS", "MINUTE", 1, MINUTE, settings.ban_after))
        self.messages = settings.messages

    @property
    def settings(self) -> LimitSettings:
        """How much of everything is allowed now."""
        return LimitSettings(
            weight=self.weight.limit.limit,
            orders=self.orders[0].limit.limit,
            orders_a_day=self.orders[1].limit.limit,
            raw_requests=self._raw.limit.limit,
            connections=self._connections.limit.limit,
            messages=self.messages,
            ban_after=self._refusals.limit.limit,
        )

    def change(self, settings: LimitSettings) -> None:
        """Allow more or less from now on; what was counted stays counted."""
        for counter, limit in (
            (self.weight, settings.weight),
            (self.orders[0], settings.orders),
            (self.orders[1], settings.orders_a_day),
            (self._raw, settings.raw_requests),
            (self._connections, settings.connections),
            (self._refusals, settings.ban_after),
        ):
            counter.limit = replace(counter.limit, limit=limit)
        self.messages = settings.messages

    def ban(self, until: int, address: str = EVERYONE, service: str = REQUESTS) -> None:
        """Refuse an address, or all, at a service until the server's time is `until`."""
        self._bans[address, service] = until

    def check_ban(self, address: str, now: int, service: str = REQUESTS) -> None:
        """Raise -1003 with status 418 while an address is banned from a service."""
        until = max(self._bans.get((who, service), 0) for who in (address, EVERYONE))
        if now < until:
            raise _banned(now, until)

    def describe(self) -> list[dict[str, Any]]:
        """Return the enforced limits as `exchangeInfo` shows them."""
        counters = (self.weight, *self.orders, self._raw, self._connections)
        limits = (counter.limit for counter in counters)
        return [limit.describe() for limit in limits if limit.limit]

    def orders_used(self, account: str, now: int) -> list[dict[str, Any]]:
        """Return an account's unfilled order counts."""
        return [
            counter.limit.describe(counter.count(account, now))
            for counter in self.orders
            if counter.limit.limit
        ]

    def used(self, address: str, account: str | None, now: int) -> list[dict[str, Any]]:
        """Return what a reply says: order counts if an account is given, and the weight."""
        orders = [] if account is None else self.orders_used(account, now)
        weight = self.weight.limit.describe(self.weight.count(address, now))
        return [*orders, weight] if self.weight.limit.limit else orders

    def charge(self, address: str, now: int, weight: int) -> None:
        """Count a request; raise -1003 once the address has used too much, or is banned."""
        self.check_ban(address, now)
        if self._raw.exceeds(address, now, 1):
            self._refuse(address, now, "Too many requests queued.", self._raw)
        if self.weight.exceeds(address, now, weight):
            message = (
                f"Too much request weight used; current limit is {self.weight.limit.limit} request "
                "weight per 1 MINUTE. Please use WebSocket Streams for live updates to avoid "
                "polling the API."
            )
            self._refuse(address, now, message, self.weight)

    def connect(self, address: str, service: str, now: int) -> None:
        """Count a connection attempt; raise -1034 once there were too many, or -1003 for a ban."""
        self.check_ban(address, now, service)
        if self._connections.exceeds((address, service), now, 1):
            limit = self._connections.limit.limit
            raise ExchangeError(
                -1034,
                f"Too many connection attempts from IP; current limit is {limit} per '5 MINUTE'.",
                status=TOO_MANY,
                data=_retry_after(self._connections, now),
            )

    def note_refusal(self, address: str, now: int, service: str = REQUESTS) -> None:
        """Count what an address should not have sent; raise -1003 if that gets it banned."""
        owner = (address, service)
        if self._refusals.exceeds(owner, now, 1):
            before = self._bans_so_far.get(owner, 0)
            self._bans_so_far[owner] = before + 1
            until = now + min(FIRST_BAN * 2**before, LONGEST_BAN)
            self.ban(until, address, service)
            raise _banned(now, until, closes=True)

    def _refuse(self, address: str, now: int, message: str, counter: Counter) -> NoReturn:
        self.note_refusal(address, now)
        data = _retry_after(counter, now)
        raise ExchangeError(-1003, message, status=TOO_MANY, data=data)

    def check_orders(self, account: str, now: int) -> None:
        """Raise -1015 if the account may not place another order in this window."""
        for counter in self.orders:
            limit = counter.limit
            if limit.limit and counter.count(account, now) >= limit.limit:
                window = f"{limit.interval_num} {limit.interval}"
                raise ExchangeError(
                    -1015,
                    f"Too many new orders; current limit is {limit.limit} orders per {window}.",
                    status=TOO_MANY,
                    data=_retry_after(counter, now),
                )

    def count_order(self, account: str, now: int) -> None:
        """Count an order that was refused late: it was on its way to the engine."""
        for counter in self.orders:
            counter.add(account, now, 1)

    def count_orders(self, step: Step) -> None:
        """Count accepted orders up, and down again at an order's first fill."""
        for event in step.events:
            if isinstance(event, ExecutionReport) and (amount := _order_count(event)):
                for counter in self.orders:
                    counter.add(event.account, step.at, amount)


class MessageRate:
    """Counts the messages of one market stream connection in the second that a moment is in."""

    def __init__(self) -> None:
        self._second = 0
        self._count = 0

    def exceeds(self, limit: int, now: int) -> bool:
        """Count a message; return whether there were more than `limit` in its second."""
        second = now // SECOND
        self._count = self._count + 1 if second == self._second else 1
        self._second = second
        return 0 < limit < self._count


def _banned(now: int, until: int, *, closes: bool = False) -> ExchangeError:
    """Return the refusal of a banned address; `closes` says that its connections are ended."""
    error = ExchangeError(
        -1003,
        f"Way too much request weight used; IP banned until {until}. Please use WebSocket "
        "Streams for live updates to avoid bans.",
        status=BANNED,
        data={"serverTime": Millis(now), "retryAfter": Millis(until)},
    )
    error.closes = closes
    return error


def _retry_after(counter: Counter, now: int) -> dict[str, Any]:
    return {"serverTime": Millis(now), "retryAfter": Millis(counter.resets_at(now))}


def _order_count(report: ExecutionReport) -> int:
    if report.execution is Execution.NEW:
        return 1
    if report.fill and report.fill.quantity == report.order.executed:
        return MAKER_CREDIT if report.fill.is_maker else TAKER_CREDIT
    return 0
