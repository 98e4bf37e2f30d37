"""Rate limits as Binance counts them: request weight per address, unfilled orders per account."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from paper_exchange.core.errors import ExchangeError
from paper_exchange.core.events import Execution, ExecutionReport, Step
from paper_exchange.protocol.text import Millis

MINUTE = 60_000
TEN_SECONDS = 10_000
DAY = 86_400_000

TOO_MANY = 429
"""Reply status of a request beyond a limit."""
BANNED = 418
"""Reply status of every request from an address that is banned."""
EVERYONE = "*"

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

    def resets_at(self, now: int) -> int:
        """Return when the current window ends."""
        return (now // self.limit.length + 1) * self.limit.length


class Limits:
    """The exchange's counters; a limit of 0 means that it is counted but not enforced."""

    def __init__(self, weight: int, orders: int, orders_a_day: int) -> None:
        self.weight = Counter(Limit("REQUEST_WEIGHT", "MINUTE", 1, MINUTE, weight))
        self.orders = (
            Counter(Limit("ORDERS", "SECOND", 10, TEN_SECONDS, orders)),
            Counter(Limit("ORDERS", "DAY", 1, DAY, orders_a_day)),
        )
        self._bans: dict[str, int] = {}

    def ban(self, until: int, address: str = EVERYONE) -> None:
        """Refuse everything from an address, or from all, until the server's time is `until`."""
        self._bans[address] = until

    def check_ban(self, address: str, now: int) -> None:
        """Raise -1003 with status 418 while an address is banned."""
        until = max(self._bans.get(address, 0), self._bans.get(EVERYONE, 0))
        if now < until:
            raise ExchangeError(
                -1003,
                f"Way too much request weight used; IP banned until {until}. Please use WebSocket "
                "Streams for live updates to avoid bans.",
                status=BANNED,
                data={"serverTime": Millis(now), "retryAfter": Millis(until)},
            )

    def describe(self) -> list[dict[str, Any]]:
        """Return the enforced limits as `exchangeInfo` shows them."""
        limits = (counter.limit for counter in (self.weight, *self.orders))
        return [limit.describe() for limit in limits if limit.limit]

    def used(self, address: str, account: str | None, now: int) -> list[dict[str, Any]]:
        """Return what a reply says: order counts if an account is given, and the weight."""
        counts = [] if account is None else [(counter, account) for counter in self.orders]
        return [
            counter.limit.describe(counter.count(owner, now))
            for counter, owner in (*counts, (self.weight, address))
            if counter.limit.limit
        ]

    def charge(self, address: str, now: int, weight: int) -> None:
        """Count a request; raise -1003 once the address has used too much, or is banned."""
        self.check_ban(address, now)
        used = self.weight.add(address, now, weight)
        limit = self.weight.limit.limit
        if limit and used > limit:
            raise ExchangeError(
                -1003,
                f"Too much request weight used; current limit is {limit} request weight per "
                "1 MINUTE. Please use WebSocket Streams for live updates to avoid polling the API.",
                status=TOO_MANY,
                data=_retry_after(self.weight, now),
            )

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

    def count_orders(self, step: Step) -> None:
        """Count accepted orders up, and down again at an order's first fill."""
        for event in step.events:
            if isinstance(event, ExecutionReport) and (amount := _order_count(event)):
                for counter in self.orders:
                    counter.add(event.account, step.at, amount)


def _retry_after(counter: Counter, now: int) -> dict[str, Any]:
    return {"serverTime": Millis(now), "retryAfter": Millis(counter.resets_at(now))}


def _order_count(report: ExecutionReport) -> int:
    if report.execution is Execution.NEW:
        return 1
    if report.fill and report.fill.quantity == report.order.executed:
        return MAKER_CREDIT if report.fill.is_maker else TAKER_CREDIT
    return 0
