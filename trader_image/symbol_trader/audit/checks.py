"""What must be true of the two sides, one function per promise. Pure.

Equality of the two alone is not enough: an order doubled and recorded twice is equal. So what each
cycle intended is checked too.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from itertools import pairwise

from symbol_trader.audit.evidence import (
    ExchangeOrder,
    ExchangeSide,
    RecordedOrder,
    RecordedTrader,
    RecordSide,
)

ZERO = Decimal(0)
MARK = "tsym-"
"""How the client order ids of leaders begin."""
CLOCK_TOLERANCE_MS = 1000
"""How far ahead of its own clock the exchange accepts a timestamp (Binance: timing security)."""
FOR_EVER = datetime.max.replace(tzinfo=UTC)
OPEN = {"NEW", "PARTIALLY_FILLED", "PENDING_NEW", "PENDING_CANCEL"}
FINAL = {
    "filled": {"FILLED"},
    "canceled": {"CANCELED"},
    "expired": {"EXPIRED", "EXPIRED_IN_MATCH"},
}
ANY = OPEN.union(*FINAL.values())
STATUSES = {"intent": ANY, "undecided": ANY, "open": OPEN, **FINAL}
"""State on record -> what the exchange may say of the order."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A difference. `what` and `subject` tell it from others; `detail` says how far it goes."""

    what: str
    subject: str
    detail: str = field(compare=False)


@dataclass(frozen=True)
class Books:
    """Both sides, with what the checks look up in them."""

    exchange: ExchangeSide
    record: RecordSide

    @cached_property
    def ours(self) -> dict[int, ExchangeOrder]:
        """Return the exchange's orders that have our mark, or are on record, by id."""
        recorded = {row.order_id for row in self.record.orders}
        return {
            order.order_id: order
            for order in self.exchange.orders
            if order.order_id in recorded or self._is_claimed(order.client_order_id)
        }

    def _is_claimed(self, name: str) -> bool:
        return name.startswith(MARK) and name not in self.record.disowned

    @cached_property
    def there(self) -> dict[str, ExchangeOrder]:
        """Return what the exchange knows of the record's orders, by their client order ids."""
        by_name = {order.client_order_id: order for order in self.ours.values()}
        found = {
            row.client_order_id: by_name.get(row.client_order_id)
            if row.order_id is None
            else self.ours.get(row.order_id)
            for row in self.record.orders
        }
        return {name: order for name, order in found.items() if order is not None}

    @cached_property
    def of_trader(self) -> dict[str, list[RecordedOrder]]:
        """Return each trader's orders, oldest first."""
        found: dict[str, list[RecordedOrder]] = defaultdict(list)
        for order in sorted(self.record.orders, key=lambda o: (o.committed_at, o.attempt)):
            found[order.trader_id].append(order)
        return found

    @cached_property
    def base_commission(self) -> dict[int, Decimal]:
        """Return what the exchange took in base asset, by order id."""
        taken: dict[int, Decimal] = defaultdict(lambda: ZERO)
        for fill in self.exchange.executions:
            if fill.commission_asset == self.exchange.base_asset:
                taken[fill.order_id] += fill.commission
        return taken

    def placed(self, rows: Iterable[RecordedOrder]) -> list[ExchangeOrder]:
        """Return what the exchange knows of these orders, oldest first."""
        found = [self.there[name] for row in rows if (name := row.client_order_id) in self.there]
        return sorted(found, key=lambda order: order.order_id)

    @property
    def foreign(self) -> int:
        """Return how many orders others placed."""
        return len(self.exchange.orders) - len(self.ours)

    @property
    def fills_compared(self) -> int:
        """Return how many of the exchange's fills are of our orders."""
        return sum(1 for fill in self.exchange.executions if fill.order_id in self.ours)


def findings(books: Books) -> list[Finding]:
    """Return all differences, in the order of `CHECKS`."""
    return [finding for check in CHECKS for finding in check(books)]


def orders_agree(books: Books) -> Iterator[Finding]:
    """Check that every order of ours is on both sides, with the same facts."""
    known = {order.order_id for order in books.there.values()}
    for order_id, theirs in books.ours.items():
        if order_id not in known:
            yield Finding(
                "order is not on record", f"order {order_id}", f"its id is {theirs.client_order_id}"
            )
    for row in books.record.orders:
        subject = row.client_order_id
        order = books.there.get(row.client_order_id)
        if order is None:
            yield from _not_there(row)
            continue
        for name, here, there in _facts(row, order):
            if here != there:
                yield Finding(
                    f"{name} differs", subject, f"{there} on the exchange, {here} on record"
                )
        if order.status not in STATUSES.get(row.state, set()):
            yield Finding(
                "state differs", subject, f"{order.status} on the exchange, {row.state} on record"
            )


def _not_there(row: RecordedOrder) -> Iterator[Finding]:
    if row.order_id is not None:
        yield Finding("order is not on the exchange", row.client_order_id, f"{row.state} on record")
    elif row.absent and not row.reason:
        yield Finding("no reason on record", row.client_order_id, f"it is {row.state}")


def _facts(row: RecordedOrder, order: ExchangeOrder) -> Iterator[tuple[str, object, object]]:
    yield "side", row.side, order.side
    yield "price", row.price, order.price
    yield "quantity", row.quantity, order.quantity
    yield "executed quantity", row.executed, order.executed
    yield "executed quote quantity", row.executed_quote, order.executed_quote


def intended_before(books: Books) -> Iterator[Finding]:
    """Check that no order is older than its intent, which carries its own timestamp."""
    for row in books.record.orders:
        order = books.there.get(row.client_order_id)
        if order and order.time_ms + CLOCK_TOLERANCE_MS < row.timestamp_ms:
            early = row.timestamp_ms - order.time_ms
            yield Finding("order is older than its intent", row.client_order_id, f"by {early} ms")


def fills_agree(books: Books) -> Iterator[Finding]:
    """Check that every fill of ours is on both sides, to the last digit."""
    here = {(fill.order_id, fill.trade_id): fill for fill in books.record.executions}
    for theirs in books.exchange.executions:
        if theirs.order_id not in books.ours:
            continue
        subject = f"trade {theirs.trade_id} of order {theirs.order_id}"
        ours = here.pop((theirs.order_id, theirs.trade_id), None)
        if ours is None:
            yield Finding("fill is not on record", subject, f"{theirs.quantity} at {theirs.price}")
        elif ours != theirs:
            yield Finding("fill differs", subject, f"{theirs} on the exchange, {ours} on record")
    for order_id, trade_id in here:
        subject = f"trade {trade_id} of order {order_id}"
        yield Finding("fill is not on the exchange", subject, "it is on record")


def fills_add_up(books: Books) -> Iterator[Finding]:
    """Check that the fills of each order are what the exchange says it executed."""
    sums: dict[int, tuple[Decimal, Decimal]] = defaultdict(lambda: (ZERO, ZERO))
    for fill in books.exchange.executions:
        base, quote = sums[fill.order_id]
        sums[fill.order_id] = base + fill.quantity, quote + fill.quote_quantity
    for order_id, order in books.ours.items():
        if sums[order_id] != (order.executed, order.executed_quote):
            yield Finding(
                "fills do not add up",
                f"order {order_id}",
                f"executed {order.executed} for {order.executed_quote}, its fills are "
                f"{sums[order_id][0]} for {sums[order_id][1]}",
            )


def legs_within_intent(books: Books) -> Iterator[Finding]:
    """Check that no leg of a cycle executed more than it set out to, over all its attempts."""
    for trader_id, rows in books.of_trader.items():
        for side in ("BUY", "SELL"):
            leg = [row for row in rows if row.side == side]
            intended = max((row.quantity for row in leg), default=ZERO)
            executed = sum((order.executed for order in books.placed(leg)), ZERO)
            if executed > intended:
                detail = f"executed {executed} of {intended}"
                yield Finding(f"{side.lower()} is doubled", f"trader {trader_id}", detail)


def one_at_a_time(books: Books) -> Iterator[Finding]:
    """Check that no cycle has two orders on the exchange, or open and undecided on record."""
    for trader_id, rows in books.of_trader.items():
        live = [row.client_order_id for row in rows if row.live]
        if len(live) > 1:
            yield Finding("two live orders on record", f"trader {trader_id}", ", ".join(live))
        for earlier, later in pairwise(books.placed(rows)):
            over = earlier.status not in OPEN
            if not over or later.time_ms < earlier.updated_ms:
                detail = f"{later.order_id} was placed before {earlier.order_id} was over"
                yield Finding("two orders at once", f"trader {trader_id}", detail)


def cycles_within_chunk(books: Books) -> Iterator[Finding]:
    """Check that no cycle's buys cost more than its chunk of the budget."""
    for trader in books.record.traders:
        cost = sum((_may_cost(row) for row in books.of_trader.get(trader.trader_id, [])), ZERO)
        if cost > trader.chunk_budget:
            detail = f"its buys may cost {cost}, its chunk is {trader.chunk_budget}"
            yield Finding("cycle over its chunk", f"trader {trader.trader_id}", detail)


def symbol_within_limits(books: Books) -> Iterator[Finding]:
    """Check, at every buy since the settings are in force, chunks and budget.

    What an order of the past might still have cost at the time is not on record; what it did cost
    in the end is, and is no more than that.
    """
    limits = books.record.limits
    if limits is None:
        return
    spans = [span for trader in books.record.traders if (span := _span(books, trader))]
    for moment, cycles in _running_sums((begin, end, 1) for begin, end in spans):
        if moment >= limits.since and cycles > limits.chunks:
            detail = f"{cycles} of {limits.chunks}"
            yield Finding("more cycles than chunks", f"at {moment.isoformat()}", detail)
    for moment, quote in _running_sums(_buys(books)):
        if moment >= limits.since and quote > limits.budget:
            detail = f"{quote} of {limits.budget}"
            yield Finding("over budget", f"at {moment.isoformat()}", detail)


def _span(books: Books, trader: RecordedTrader) -> tuple[datetime, datetime] | None:
    """Return from when to when a cycle had orders, by the database's clock."""
    rows = books.of_trader.get(trader.trader_id)
    if not rows:
        return None
    end = FOR_EVER if trader.running else max(row.changed_at for row in rows)
    return rows[0].committed_at, end


def _buys(books: Books) -> Iterator[tuple[datetime, datetime, Decimal]]:
    """Yield from when to when each buy tied up how much quote: until its cycle ended."""
    for trader in books.record.traders:
        span = _span(books, trader)
        for row in books.of_trader.get(trader.trader_id, ()) if span else ():
            if span and row.side == "BUY" and not row.absent:
                yield row.committed_at, span[1], _may_cost(row)


def _running_sums(
    spans: Iterable[tuple[datetime, datetime, Decimal | int]],
) -> Iterator[tuple[datetime, Decimal]]:
    """Yield the sum of all spans that are under way, at the begin of each."""
    changes: list[tuple[datetime, bool, Decimal]] = []
    for begin, end, amount in spans:
        changes += [(begin, True, Decimal(amount)), (end, False, -Decimal(amount))]
    total = ZERO
    # At one moment what ends goes first: no clock tells them apart.
    for moment, begins, amount in sorted(changes):
        total += amount
        if begins:
            yield moment, total


def _may_cost(row: RecordedOrder) -> Decimal:
    if row.side != "BUY":
        return ZERO
    rest = row.quantity - row.executed if row.live else ZERO
    return row.executed_quote + rest * row.price


def inventory_explained(books: Books) -> Iterator[Finding]:
    """Check bought less sold less base commission: in progress, carried, held or stranded."""
    total = ZERO
    for trader in books.record.traders:
        if trader.running:
            continue
        left = _left(books, trader)
        total += trader.carried or ZERO
        explained = (trader.carried or ZERO) + (trader.unsold or ZERO)
        if left != explained:
            detail = f"it kept {left}, the record explains {explained}"
            yield Finding("inventory is not explained", f"trader {trader.trader_id}", detail)
    for trader in books.record.traders:
        if trader.running and _sells(books, trader):
            total += _left(books, trader) - _to_sell(books, trader)
    if total < 0:
        yield Finding("more sold than bought", "symbol", f"the carried rest is {total}")


def _left(books: Books, trader: RecordedTrader) -> Decimal:
    """Return the base asset of a cycle by the exchange's books: bought - sold - commission."""
    placed = books.placed(books.of_trader.get(trader.trader_id, []))
    signed = (order.executed if order.side == "BUY" else -order.executed for order in placed)
    commission = (books.base_commission.get(order.order_id, ZERO) for order in placed)
    return sum(signed, ZERO) - sum(commission, ZERO)


def _sells(books: Books, trader: RecordedTrader) -> list[RecordedOrder]:
    rows = books.of_trader.get(trader.trader_id, [])
    return [row for row in rows if row.side == "SELL" and not row.absent]


def _to_sell(books: Books, trader: RecordedTrader) -> Decimal:
    """Return what a running cycle still wants to sell: its first sell's quantity less the sold."""
    sells = _sells(books, trader)
    sold = sum((order.executed for order in books.placed(sells)), ZERO)
    return sells[0].quantity - sold


def ended_with_nothing_open(books: Books) -> Iterator[Finding]:
    """Check that a finished cycle has nothing on the exchange."""
    for trader in books.record.traders:
        if trader.running:
            continue
        for row in books.of_trader.get(trader.trader_id, []):
            order = books.there.get(row.client_order_id)
            if row.live or (order and order.status in OPEN):
                detail = f"trader {trader.trader_id} is {trader.state}"
                yield Finding("order outlives its trader", row.client_order_id, detail)


CHECKS: tuple[Callable[[Books], Iterable[Finding]], ...] = (
    orders_agree,
    intended_before,
    fills_agree,
    fills_add_up,
    legs_within_intent,
    one_at_a_time,
    cycles_within_chunk,
    symbol_within_limits,
    inventory_explained,
    ended_with_nothing_open,
)
