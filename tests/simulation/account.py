"""The account's limits and halts in the record's database: a twin of what the SQL does.

All rules of the statement that commits a buy are written here once more, in Python, for an account
with one symbol. `tests/integration/test_limits_twin.py` replays seeds on a real PostgreSQL and
compares each answer and each total, so that neither can drift from the other. The sums of several
symbols are the SQL's alone (`tests/integration/test_account_limits.py`).
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from simulation.memory import MemoryRecord
from symbol_trader.core.limits import AccountLimit, AccountState, Halt, LimitInForce, OnLimit
from symbol_trader.core.money import ZERO
from symbol_trader.core.orders import Intent, Side
from symbol_trader.core.records import RecordChange, RefusedBuy

DAY_MS = 86_400_000
BID_AGE_MAX_MS = 60_000
MINUTE_MS = 60_000
DAILY_LOSS, DRAWDOWN = "maxDailyLoss", "maxDrawdown"
PERSON = "person"
_STRICT = [*OnLimit]


@dataclass(slots=True)
class HaltRow:
    """A row of `halts`; on `until_day` it ends by itself."""

    halt: Halt
    quote_asset: str | None = None
    until_day: int | None = None


@dataclass(slots=True)
class ResultRow:
    """The row of `account_results`."""

    result: Decimal
    day: int
    day_start: Decimal
    highest: Decimal


class Account:
    """The rows of one account that has one symbol, and what statements do to them."""

    def __init__(self, rows: MemoryRecord, now_ms: Callable[[], int]) -> None:
        self.limits: dict[str, AccountLimit] = {}
        """Those in force, by uid."""
        self.rows = rows
        self.result: ResultRow | None = None
        self.bid: Decimal | None = None
        self.bid_ms: int | None = None
        self.quote_asset: str | None = None
        self._now_ms = now_ms
        self._deleted: set[str] = set()
        self._halts: dict[str, HaltRow] = {}
        self._orders_ms: deque[int] = deque()
        """When the orders of the last minute were committed."""

    @property
    def today(self) -> int:
        """Return the day (UTC) as a number since 1970."""
        return self._now_ms() // DAY_MS

    @property
    def standing(self) -> dict[str, HaltRow]:
        """Return what halts the account now, by its source."""
        return {source: row for source, row in self._halts.items() if self._stands(row)}

    def _stands(self, row: HaltRow) -> bool:
        is_over = row.until_day is not None and row.until_day <= self.today
        return not is_over and self._concerns(row.quote_asset)

    def _concerns(self, quote_asset: str | None) -> bool:
        """Return whether what holds for a quote asset holds for the symbol: anything, at first."""
        return self.quote_asset is None or quote_asset in {None, self.quote_asset}

    @property
    def halts(self) -> tuple[Halt, ...]:
        """Return what halts the account now, the oldest first."""
        rows = sorted(self.standing.items(), key=lambda of: (of[1].halt.since_ms, of[0]))
        return tuple(row.halt for _, row in rows)

    @property
    def state(self) -> AccountState:
        """Return what a leader reads."""
        held = (
            LimitInForce(one.uid, one.generation, one.cluster, one.namespace, one.name)
            for one in self.limits.values()
        )
        return AccountState(self.halts, tuple(held), needs_bids=self.needs_bids)

    def _of_symbol(self) -> list[AccountLimit]:
        """Return the limits that concern the symbol: all, while its quote asset is not known."""
        mine = (one for one in self.limits.values() if self._concerns(one.quote_asset))
        return sorted(mine, key=lambda one: one.uid)

    @property
    def needs_bids(self) -> bool:
        """Return whether a loss limit concerns the symbol."""
        return any(map(_limits_losses, self._of_symbol()))

    # What people and leaders write.

    def know_quote_asset(self, asset: str) -> None:
        """Take in what the symbol is quoted in."""
        self.quote_asset = asset

    def mirror(self, limit: AccountLimit) -> bool:
        """Take in a limit unless a newer generation of it is known."""
        if self.result and self.result.day < self.today and not self.needs_bids:
            self.result = None  # Nobody has worked it out since.
        known = self.limits.get(limit.uid)
        if limit.uid in self._deleted or (known and known.generation >= limit.generation):
            return False
        self.limits[limit.uid] = limit
        source = f"limit {limit.uid}"
        if limit.halt:
            reason = f"halt of {limit.name} is true"
            self._halt(source, reason, OnLimit(limit.on_limit), limit.quote_asset)
        else:
            self._halts.pop(source, None)
        if known and limit.resumed_at and limit.resumed_at > (known.resumed_at or ""):
            self._resume_losses(limit.quote_asset)
        self._evaluate()
        return True

    def forget(self, uid: str) -> bool:
        """Lift a limit for good. A halt stays."""
        known = uid in self.limits
        if known:
            self._deleted.add(uid)
            del self.limits[uid]
        return known

    def halt(self, reason: str, on_limit: OnLimit) -> None:
        """Halt the account, as a person says; a second time no milder."""
        before = self._halts.get(PERSON)
        strictest = max(on_limit, before.halt.on_limit if before else on_limit, key=_STRICT.index)
        self._halt(PERSON, reason, strictest)

    def _halt(
        self, source: str, reason: str, on_limit: OnLimit, quote_asset: str | None = None
    ) -> None:
        before = self._halts.get(source)
        since_ms = before.halt.since_ms if before else self._now_ms()
        self._halts[source] = HaltRow(Halt(reason, since_ms, on_limit), quote_asset)

    def resume(self) -> None:
        """Let the account go on, as a person says: what a resource asks for stays."""
        self._resume_losses(None)
        asked = {f"limit {one.uid}" for one in self.limits.values() if one.halt}
        self._halts = {source: row for source, row in self._halts.items() if source in asked}

    def _resume_losses(self, quote_asset: str | None) -> None:
        """End the halts that losses led to: they count from here on."""
        self._evaluate()
        if quote_asset not in {None, self.quote_asset}:
            return  # Losses in another asset.
        standing, total = self.standing, self.result
        if total and DAILY_LOSS in standing:
            total.day_start = total.result
        if total and DRAWDOWN in standing:
            total.highest = total.result
        for source in (DAILY_LOSS, DRAWDOWN):
            self._halts.pop(source, None)

    def record_bid(self, bid: Decimal) -> None:
        """Take in what buyers pay."""
        self.bid, self.bid_ms = bid, self._now_ms()
        self._evaluate()

    def ended(self) -> None:
        """Take in that a cycle ended, or that a fee of one was valued."""
        self._evaluate()

    def learn(self, facts: Sequence[RecordChange]) -> None:
        """Take in what happened: an old bid says nothing about what is held from then on."""
        held = self._held
        self.rows.note(facts)
        if held == ZERO and self._bid_is_stale():
            self.bid = None

    # Losses.

    @property
    def worth(self) -> Decimal:
        """Return what the symbol has brought: without a bid, what it holds counts at cost."""
        rows = self.rows
        profit = sum((result.profit for result in rows.results), ZERO)
        if self.bid is None:
            return profit
        flows = [rows.flow(name) for name in rows.running]
        quote = sum((flow.earned - flow.spent - flow.fee_values for flow in flows), ZERO)
        base = sum((flow.position for flow in flows), rows.ended_carried)
        return profit + quote - rows.carried_cost + base * self.bid

    def _evaluate(self) -> None:
        """Work out the result, and halt the account where a loss limit is reached."""
        if self.quote_asset is None or not self.needs_bids:
            return
        now, today = self.worth, self.today
        if self.result is None:
            if self._bid_is_stale():
                return  # Losses would count from what may be far off.
            self.result = ResultRow(now, today, now, now)
        total = self.result
        if total.day < today:
            total.day, total.day_start = today, total.result
        total.result, total.highest = now, max(total.highest, now)
        for limit in self._of_symbol():
            lost = {DAILY_LOSS: total.day_start - now, DRAWDOWN: total.highest - now}
            most = {DAILY_LOSS: limit.max_daily_loss, DRAWDOWN: limit.max_drawdown}
            for source, maximum in most.items():
                if maximum is not None and lost[source] >= maximum:
                    self._lose(source, limit)

    def _lose(self, source: str, limit: AccountLimit) -> None:
        """Halt because of a loss; of several limits that are reached, the strictest counts."""
        passes = source == DAILY_LOSS and limit.resume == "NextDay"
        until_day, on_limit = self.today + 1 if passes else None, OnLimit(limit.on_limit)
        before = self.standing.get(source)
        if before:
            until_day = until_day if before.until_day else None
            on_limit = max(on_limit, before.halt.on_limit, key=_STRICT.index)
        since_ms = before.halt.since_ms if before else self._now_ms()
        halt = Halt(source, since_ms, on_limit)
        self._halts[source] = HaltRow(halt, self.quote_asset, until_day)

    # What the statement of a buy checks.

    def committed(self) -> None:
        """Count an order that is committed."""
        self._orders_ms.append(self._now_ms())

    def why_not(self, buy: Intent) -> RefusedBuy | None:
        """Return why a buy is not committed, None where it may be."""
        self._evaluate()
        reason = "Halted" if self.standing else self._first_reached(buy)
        return RefusedBuy(buy.client_order_id, reason, reason) if reason else None

    def _first_reached(self, buy: Intent) -> str | None:
        reasons = (
            reason
            for limit in self._of_symbol()
            for reason, reached in self._checks(limit, buy).items()
            if reached()
        )
        return next(reasons, None)

    def _checks(self, limit: AccountLimit, buy: Intent) -> dict[str, Callable[[], bool]]:
        """Return what one limit asks, by the reason of a refusal, in the order of the SQL."""
        losses = _limits_losses(limit)
        return {
            "QuoteUnknown": lambda: (
                self.quote_asset is None and (losses or limit.max_exposure is not None)
            ),
            "BidStale": lambda: losses and self._bid_is_stale(),
            "MaxExposure": lambda: (
                limit.max_exposure is not None and self.exposure_with(buy) > limit.max_exposure
            ),
            "MaxOpenCycles": lambda: (
                limit.max_open_cycles is not None and self._opens(buy) > limit.max_open_cycles
            ),
            "MaxOrdersPerMinute": lambda: (
                limit.max_orders_per_minute is not None
                and self.orders_in_minute >= limit.max_orders_per_minute
            ),
            "Cooldown": lambda: limit.cooldown_ms is not None and self._cools(limit.cooldown_ms),
        }

    def exposure_with(self, buy: Intent) -> Decimal:
        """Return the quote that is committed, this buy included."""
        return self.exposure + max(self.rows.carried_cost, ZERO) + buy.price * buy.quantity

    @property
    def exposure(self) -> Decimal:
        """Return what the buys of running traders have spent or may still spend."""
        return sum(self._committed.values(), ZERO)

    @property
    def open_cycles(self) -> int:
        """Return how many running traders have an exposure."""
        return sum(quote > ZERO for quote in self._committed.values())

    @property
    def _committed(self) -> dict[str, Decimal]:
        return {name: self._committed_by(name) for name in self.rows.running}

    def _committed_by(self, name: str) -> Decimal:
        costs = (
            row.executed_quote
            if row.over
            else row.executed_quote
            + ((row.quantity or row.intent.quantity) - row.executed) * row.intent.price
            for row in self.rows.leg(name, Side.BUY)  # type: ignore[arg-type]  # a name is text
            if row.existed
        )
        return sum(costs, ZERO)

    def _opens(self, buy: Intent) -> int:
        return self.open_cycles + (self._committed[buy.trader_id] == ZERO)

    @property
    def _held(self) -> Decimal:
        return sum((self.rows.flow(name).position for name in self.rows.running), ZERO)

    def _bid_is_stale(self) -> bool:
        """Return whether something is held whose bid is old."""
        return self._held != ZERO and (
            self.bid_ms is None or self.bid_ms < self._now_ms() - BID_AGE_MAX_MS
        )

    @property
    def orders_in_minute(self) -> int:
        """Return how many orders were committed within the last 60 s."""
        while self._orders_ms and self._orders_ms[0] <= self._now_ms() - MINUTE_MS:
            self._orders_ms.popleft()
        return len(self._orders_ms)

    @property
    def last_loss_ms(self) -> int | None:
        """Return when a cycle last ended at a loss, by the exchange's clock."""
        ends = (result.finished_ms for result in self.rows.results if result.profit < ZERO)
        return max(ends, default=None)

    def _cools(self, cooldown_ms: int) -> bool:
        loss_ms = self.last_loss_ms
        return loss_ms is not None and loss_ms + cooldown_ms > self._now_ms()


def _limits_losses(limit: AccountLimit) -> bool:
    return limit.max_daily_loss is not None or limit.max_drawdown is not None
