"""Judges buys by the account's limits, with books of its own: no buy is committed past one (16).

It shares no code with what refuses buys (`account.py`, and the SQL that it stands for): money is
counted by the exchange's own fills and orders, halts are kept for each limit apart, and what an
order or a cycle is comes from the changes themselves. From the record it reads only what is
nowhere else: the last bid, when a cycle ended, and what a cycle that ended has left to others.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from simulation.exchange import QUOTE, Exchange
from simulation.memory import MemoryRecord, OrderRow
from simulation.tally import Tally
from simulation.timeline import Timeline
from simulation.trader_books import TraderBooks
from symbol_trader.core.limits import AccountLimit
from symbol_trader.core.money import ZERO
from symbol_trader.core.orders import Intent, Side, TraderId
from symbol_trader.core.records import FeeValued, RecordChange, TraderResult

OPEN = {"NEW", "PARTIALLY_FILLED"}
DAY_MS, MINUTE_MS = 86_400_000, 60_000
BID_AGE_MAX_MS = 60_000
MOST_IN_A_MINUTE = 100
"""No limit allows so many orders here."""
DAILY, DRAWDOWN = "daily loss", "drawdown"
FOREVER = 10**9
"""A day that never comes: a person has to resume."""


@dataclass(slots=True)
class Losses:
    """The account's result, and what losses are measured from."""

    result: Decimal
    day: int
    day_start: Decimal
    highest: Decimal


class LimitAuditor:
    """A witness of what is done to the record. Every complaint is an `AssertionError`."""

    def __init__(
        self, exchange: Exchange, record: MemoryRecord, timeline: Timeline, tally: Tally
    ) -> None:
        self._exchange = exchange
        self._record = record
        self._timeline = timeline
        self._tally = tally
        self._books = TraderBooks(exchange)
        self._limits: dict[str, AccountLimit] = {}
        self._deleted: set[str] = set()
        self._asked: dict[str, str | None] = {}
        """Limits that are a kill switch, or were one when they were deleted, and their assets."""
        self._person = False
        self._lost: dict[tuple[str, str], int] = {}
        """Which limit of losses halts, and until which day."""
        self._losses: Losses | None = None
        self._bid: Decimal | None = None
        self._bid_ms = 0
        self._knows_asset = False
        self._orders_ms: deque[int] = deque(maxlen=MOST_IN_A_MINUTE + 1)
        self._last_day = self._today
        self._takers: dict[str, Callable[[Any], None]] = {
            "facts": self._take_facts,
            "note": self._noted,
            "try": self._tried,
            "commit": self._committed,
            "bid": self._take_bid,
            "mirror": self._mirrored,
            "forget": self._forgotten,
            "halt": self._halted,
            "resume": self._resumed,
            "quote asset": self._know_quote_asset,
        }

    def __call__(self, what: str, facts: Any) -> None:
        """Take in what a statement does, right after it is done; of a buy also right before."""
        self._takers[what](facts)

    @property
    def _today(self) -> int:
        return self._timeline.now_ms // DAY_MS

    # What is written.

    def _know_quote_asset(self, _: str) -> None:
        self._knows_asset = True

    def _take_facts(self, changes: Sequence[RecordChange]) -> None:
        held = self._books.held
        for change in changes:
            self._books.take(change)
        if not held and self._books.held and self._bid_is_old:
            self._bid = None

    def _noted(self, noted: tuple[Sequence[RecordChange], object]) -> None:
        if any(isinstance(one, TraderResult | FeeValued) for one in noted[0]):
            self._measure()

    def _take_bid(self, bid: Decimal) -> None:
        self._bid, self._bid_ms = bid, self._timeline.now_ms
        self._measure()

    def _mirrored(self, limit: AccountLimit) -> None:
        if self._losses and self._losses.day < self._today and not self._limits_losses:
            self._losses = None
        before = self._limits.get(limit.uid)
        if limit.uid in self._deleted or (before and before.generation >= limit.generation):
            return
        self._limits[limit.uid] = limit
        if limit.halt:
            self._asked[limit.uid] = limit.quote_asset
        else:
            self._asked.pop(limit.uid, None)
        if before and (limit.resumed_at or "") > (before.resumed_at or ""):
            self._measure()
            if limit.quote_asset in {None, QUOTE}:
                self._begin_anew()
        self._measure()
        self._tally.count("two limits in force", len(self._of_symbol()) > 1)

    def _forgotten(self, uid: str) -> None:
        if self._limits.pop(uid, None):
            self._deleted.add(uid)
            outlives = uid in self._asked or any(uid == of for of, _ in self._lost)
            self._tally.count("halts that outlive their limit", outlives)

    def _halted(self, _: object) -> None:
        self._person = True

    def _resumed(self, _: object) -> None:
        self._measure()
        self._begin_anew()
        self._person = False
        self._asked = {uid: asset for uid, asset in self._asked.items() if uid in self._limits}

    # Losses.

    @property
    def _bid_is_old(self) -> bool:
        return self._timeline.now_ms - self._bid_ms > BID_AGE_MAX_MS

    @property
    def _limits_losses(self) -> bool:
        return any(map(_limits_losses, self._of_symbol()))

    def _of_symbol(self) -> list[AccountLimit]:
        return [one for one in self._limits.values() if one.quote_asset in {None, QUOTE}]

    def _measure(self) -> None:
        """Work out the result, and what of the limits of losses is reached, where there are any.

        The first one waits for a bid of what is held: losses count from there.
        """
        if not (self._knows_asset and self._limits_losses):
            return
        if self._losses is None and self._books.held and self._bid_is_old:
            return
        now, today = self._books.result(self._bid), self._today
        losses = self._losses = self._losses or Losses(now, today, now, now)
        if losses.day < today:
            losses.day, losses.day_start = today, losses.result
        losses.result, losses.highest = now, max(losses.highest, now)
        for limit in self._of_symbol():
            if _is_past(losses.day_start - now, limit.max_daily_loss):
                next_day = limit.resume == "NextDay"
                self._lose(limit, DAILY, today + 1 if next_day else FOREVER)
            if _is_past(losses.highest - now, limit.max_drawdown):
                self._lose(limit, DRAWDOWN, FOREVER)

    def _lose(self, limit: AccountLimit, what: str, until_day: int) -> None:
        until_before = self._lost.get((limit.uid, what), 0)
        self._tally.count(f"halts by a {what}", until_before <= self._today)
        self._lost[limit.uid, what] = max(until_day, until_before)

    def _standing(self, what: str) -> bool:
        """Return whether a limit of such losses halts the account."""
        return any(of == what and until > self._today for (_, of), until in self._lost.items())

    def _begin_anew(self) -> None:
        """Let losses of which one has halted the account count from here on."""
        losses = self._losses
        if losses and self._standing(DAILY):
            losses.day_start = losses.result
        if losses and self._standing(DRAWDOWN):
            losses.highest = losses.result
        self._lost.clear()

    # Buys.

    def _tried(self, _: Intent) -> None:
        """Take in that a buy is about to be committed or refused: losses are worked out before."""
        days = self._last_day < self._today and any(
            until == self._today for until in self._lost.values()
        )
        self._tally.count("daily losses that a new day ended", days)
        self._last_day = self._today
        self._measure()

    def _committed(self, order: Intent) -> None:
        self._orders_ms.append(self._timeline.now_ms)
        self._books.intended(order)
        if order.side is Side.BUY:
            self._check_halts()
            exposure, opens = self._exposure(order.trader_id)
            for limit in self._of_symbol():
                self._check_losses(limit)
                self._check_pace(limit)
                assert not _is_over(exposure, limit.max_exposure), "past maxExposure"
                assert not _is_over(opens, limit.max_open_cycles), "past maxOpenCycles"

    def _check_halts(self) -> None:
        """Check that nothing halts the account."""
        assert not self._person, "a buy while a person halts the account"
        asked = [uid for uid, quote_asset in self._asked.items() if quote_asset in {None, QUOTE}]
        assert not asked, "a buy while a kill switch halts the account"
        for what in (DAILY, DRAWDOWN):
            assert not self._standing(what), f"a buy although a limit of {what} was reached"

    def _check_losses(self, limit: AccountLimit) -> None:
        """Check that losses can be told, where they are limited."""
        if _limits_losses(limit) and self._books.held:
            assert not self._bid_is_old, "a buy while the bid of what is held is old"

    def _check_pace(self, limit: AccountLimit) -> None:
        """Check how many orders there were, and how long ago a cycle ended at a loss."""
        now_ms = self._timeline.now_ms
        recent = sum(at_ms > now_ms - MINUTE_MS for at_ms in self._orders_ms)
        assert not _is_over(recent, limit.max_orders_per_minute), "past maxOrdersPerMinute"
        if limit.cooldown_ms is not None:
            cools_until_ms = self._books.last_loss_ms() + limit.cooldown_ms
            assert cools_until_ms <= now_ms, "a buy while the symbol cools down"

    def _exposure(self, buyer: TraderId) -> tuple[Decimal, int]:
        """Return what unfinished cycles have spent or may, and how many of them are open."""
        rows = [row for name in self._record.running for row in self._record.leg(name, Side.BUY)]
        costs: dict[TraderId, Decimal] = {buyer: ZERO}
        for row in rows:
            trader = row.intent.trader_id
            costs[trader] = costs.get(trader, ZERO) + self._cost_there(row)
        opens = sum(1 for trader, cost in costs.items() if trader == buyer or cost)
        return sum(costs.values(), max(self._record.carried_cost, ZERO)), opens

    def _cost_there(self, row: OrderRow) -> Decimal:
        """Return what a buy has cost, or may, as the exchange has it; if at all."""
        order = self._exchange.order(row.intent.client_order_id)
        if order is None:
            # It is on its way, or the exchange has lost it.
            return ZERO if row.over else row.intent.price * (row.quantity or row.intent.quantity)
        rest = order.quantity - order.executed if order.status in OPEN else ZERO
        return order.executed_quote + rest * order.price


def _limits_losses(limit: AccountLimit) -> bool:
    return limit.max_daily_loss is not None or limit.max_drawdown is not None


def _is_past(lost: Decimal, most: Decimal | None) -> bool:
    return most is not None and lost >= most


def _is_over(used: Decimal | int, most: Decimal | int | None) -> bool:
    return most is not None and used > most
