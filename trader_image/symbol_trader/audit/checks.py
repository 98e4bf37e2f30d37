"""What must be true of a batch of traders on both sides, one function per promise. Pure.

Equality of the two alone is not enough: an order doubled and recorded twice is equal. So what each
trader intended is checked too.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import pairwise

from symbol_trader.audit import money
from symbol_trader.audit.evidence import (
    MARK,
    ExchangeSide,
    FillRow,
    ListedOrder,
    OrderRow,
    RecordSide,
    TraderRow,
)
from symbol_trader.audit.finding import Finding

ZERO = Decimal(0)
CLOCK_TOLERANCE_MS = 1000
"""How far ahead of its own clock the exchange accepts a timestamp (Binance: timing security)."""
PLACED_WITHIN_MS = 120_000
"""An order is accepted at most so long after its timestamp: recvWindow is no more than a minute."""
OPEN = {"NEW", "PARTIALLY_FILLED", "PENDING_NEW", "PENDING_CANCEL"}
FINAL = {
    "filled": {"FILLED"},
    "canceled": {"CANCELED"},
    "expired": {"EXPIRED", "EXPIRED_IN_MATCH"},
}
ANY = OPEN.union(*FINAL.values())
STATUSES = {"intent": ANY, "undecided": ANY, "open": OPEN, **FINAL}
"""State on record -> what the exchange may say of the order."""


@dataclass(frozen=True)
class Batch:
    """Both sides, with what the checks look up in them."""

    exchange: ExchangeSide
    record: RecordSide

    @property
    def assets(self) -> tuple[str, str]:
        """Return base and quote asset."""
        return self.exchange.base_asset, self.exchange.quote_asset

    @cached_property
    def given_up(self) -> set[str]:
        """Return the client order ids of those whose fills the record does without."""
        return {row.client_order_id for row in self.record.orders if row.fills_given_up}

    @cached_property
    def _fills_of(self) -> dict[str, list[FillRow]]:
        found: dict[str, list[FillRow]] = defaultdict(list)
        for fill in self.record.fills:
            found[fill.client_order_id].append(fill)
        return found

    def flow(self, trader: TraderRow, side: str) -> money.Flow:
        """Return what a side of a trader executed and paid, by the record."""
        rows = [row for row in self.of_trader.get(trader.trader_id, ()) if row.side == side]
        fills = [fill for row in rows for fill in self._fills_of.get(row.client_order_id, ())]
        return money.flow(rows, fills, *self.assets)

    @cached_property
    def there(self) -> dict[str, ListedOrder]:
        """Return what the exchange knows of the record's orders, by their client order ids."""
        return matched(self.record.orders, self.exchange.orders)

    @cached_property
    def name_of(self) -> dict[int, str]:
        """Return the client order ids of the exchange's orders, by the exchange's ids."""
        return {order.order_id: name for name, order in self.there.items()}

    @cached_property
    def of_trader(self) -> dict[str, list[OrderRow]]:
        """Return each trader's orders, oldest first."""
        found: dict[str, list[OrderRow]] = defaultdict(list)
        for order in sorted(self.record.orders, key=lambda o: (o.committed_at, o.attempt)):
            found[order.trader_id].append(order)
        return found

    def placed(self, rows: Iterable[OrderRow]) -> list[ListedOrder]:
        """Return what the exchange knows of these orders, oldest first."""
        found = [self.there[name] for row in rows if (name := row.client_order_id) in self.there]
        return sorted(found, key=lambda order: order.order_id)


def matched(rows: Iterable[OrderRow], orders: Iterable[ListedOrder]) -> dict[str, ListedOrder]:
    """Return what the exchange knows of these orders on record, by their client order ids.

    An id of the exchange that is known decides, for others may have renamed the order. But an
    exchange that was reset begins to count again, and another order has the id then: one with the
    name of another of ours, or one that was placed long after this one was intended.
    """
    by_id = {order.order_id: order for order in orders}
    by_name = {order.client_order_id: order for order in by_id.values()}
    found = {}
    for row in rows:
        name = row.client_order_id
        order = by_name.get(name) if row.order_id is None else by_id.get(row.order_id)
        if order and _may_be(order, row):
            found[name] = order
    return found


def _may_be(order: ListedOrder, row: OrderRow) -> bool:
    there, here = order.client_order_id, row.client_order_id
    renamed = not there.startswith(MARK) or there.startswith(f"{here}c")
    return (there == here or renamed) and order.time_ms <= row.timestamp_ms + PLACED_WITHIN_MS


def findings(batch: Batch) -> list[Finding]:
    """Return all differences, in the order of `CHECKS`."""
    return [finding for check in CHECKS for finding in check(batch)]


def orders_agree(batch: Batch) -> Iterator[Finding]:
    """Check that every order on record is on the exchange, with the same facts.

    What a person said of an order stands, whatever the exchange says.
    """
    for row in batch.record.orders:
        if row.settled_because is not None:
            continue
        subject = row.client_order_id
        order = batch.there.get(row.client_order_id)
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


def _not_there(row: OrderRow) -> Iterator[Finding]:
    if row.order_id is not None:
        yield Finding("order is not on the exchange", row.client_order_id, f"{row.state} on record")
    elif row.absent and not row.reason:
        yield Finding("no reason on record", row.client_order_id, f"it is {row.state}")


def _facts(row: OrderRow, order: ListedOrder) -> Iterator[tuple[str, object, object]]:
    yield "side", row.side, order.side
    yield "price", row.price, order.price
    yield "quantity", row.at_most, order.quantity
    yield "executed quantity", row.executed, order.executed
    yield "executed quote quantity", row.executed_quote, order.executed_quote


def intended_before(batch: Batch) -> Iterator[Finding]:
    """Check that no order is older than its intent, which carries its own timestamp."""
    for row in batch.record.orders:
        order = batch.there.get(row.client_order_id)
        if order and order.time_ms + CLOCK_TOLERANCE_MS < row.timestamp_ms:
            early = row.timestamp_ms - order.time_ms
            yield Finding("order is older than its intent", row.client_order_id, f"by {early} ms")


def fills_agree(batch: Batch) -> Iterator[Finding]:
    """Check that every fill of ours is on both sides, to the last digit."""
    here = {(row.client_order_id, row.execution.trade_id): row for row in batch.record.fills}
    for theirs in batch.exchange.executions:
        name = batch.name_of.get(theirs.order_id, "")
        if name in batch.given_up:
            continue
        subject = f"trade {theirs.trade_id} of order {theirs.order_id}"
        row = here.pop((name, theirs.trade_id), None)
        ours = row.execution if row else None
        if ours is None:
            yield Finding("fill is not on record", subject, f"{theirs.quantity} at {theirs.price}")
        elif ours != theirs:
            yield Finding("fill differs", subject, f"{theirs} on the exchange, {ours} on record")
    for row in here.values():
        if row.client_order_id not in batch.given_up:
            yield Finding("fill is not on the exchange", row.key, "it is on record")


def fills_add_up(batch: Batch) -> Iterator[Finding]:
    """Check that the fills of each order are what the exchange says it executed."""
    sums: dict[int, tuple[Decimal, Decimal]] = defaultdict(lambda: (ZERO, ZERO))
    for fill in batch.exchange.executions:
        base, quote = sums[fill.order_id]
        sums[fill.order_id] = base + fill.quantity, quote + fill.quote_quantity
    for name, order in batch.there.items():
        if name in batch.given_up:
            continue
        order_id = order.order_id
        if sums[order_id] != (order.executed, order.executed_quote):
            yield Finding(
                "fills do not add up",
                f"order {order_id}",
                f"executed {order.executed} for {order.executed_quote}, its fills are "
                f"{sums[order_id][0]} for {sums[order_id][1]}",
            )


def legs_within_intent(batch: Batch) -> Iterator[Finding]:
    """Check that no leg of a trader executed more than it set out to, over all its attempts."""
    for trader_id, rows in batch.of_trader.items():
        for side in ("BUY", "SELL"):
            leg = [row for row in rows if row.side == side]
            intended = max((row.quantity for row in leg), default=ZERO)
            executed = sum((order.executed for order in batch.placed(leg)), ZERO)
            if executed > intended:
                detail = f"executed {executed} of {intended}"
                yield Finding(f"{side.lower()} is doubled", f"trader {trader_id}", detail)


def one_at_a_time(batch: Batch) -> Iterator[Finding]:
    """Check that no trader has two orders on the exchange, or open and undecided on record."""
    for trader_id, rows in batch.of_trader.items():
        live = [row.client_order_id for row in rows if row.live]
        if len(live) > 1:
            yield Finding("two live orders on record", f"trader {trader_id}", ", ".join(live))
        for earlier, later in pairwise(batch.placed(rows)):
            over = earlier.status not in OPEN
            if not over or later.time_ms < earlier.updated_ms:
                detail = f"{later.order_id} was placed before {earlier.order_id} was over"
                yield Finding("two orders at once", f"trader {trader_id}", detail)


def traders_within_chunk(batch: Batch) -> Iterator[Finding]:
    """Check that no trader's buys cost more than its chunk of the budget."""
    for trader in batch.record.traders:
        cost = sum((_may_cost(row) for row in batch.of_trader.get(trader.trader_id, [])), ZERO)
        if cost > trader.chunk_budget:
            detail = f"its buys may cost {cost}, its chunk is {trader.chunk_budget}"
            yield Finding("trader over its chunk", f"trader {trader.trader_id}", detail)


def _may_cost(row: OrderRow) -> Decimal:
    if row.side != "BUY":
        return ZERO
    rest = row.at_most - row.executed if row.live else ZERO
    return row.executed_quote + rest * row.price


def fees_counted(batch: Batch) -> Iterator[Finding]:
    """Check that each fee counts in its asset and at its price."""
    for fill in batch.record.fills:
        yield from money.fee_counted(fill, *batch.assets)


def money_adds_up(batch: Batch) -> Iterator[Finding]:
    """Check what each ended trader made and left."""
    for trader in batch.record.traders:
        if not trader.running:
            yield from money.result_follows(
                trader, batch.flow(trader, "BUY"), batch.flow(trader, "SELL")
            )


def see_costs(batch: Batch, costs: money.CostRange) -> None:
    """Let the traders that are over be compared once all were seen."""
    for trader in batch.record.traders:
        if not trader.running:
            costs.see(trader, batch.flow(trader, "BUY"))


def carried(batch: Batch) -> Decimal:
    """Return the base asset that these traders leave to later sells, or take from earlier ones.

    A running trader does once it has set out to sell: what it received beyond that.
    """
    total = ZERO
    for trader in batch.record.traders:
        if not trader.running:
            total += trader.carried or ZERO
        elif sells := _sells(batch, trader):
            buys, sold = batch.flow(trader, "BUY"), batch.flow(trader, "SELL")
            total += buys.base - buys.base_fee - sold.base_fee - sells[0].quantity
    return total


def sells_commission(batch: Batch) -> Decimal:
    """Return the commission that these traders' sells paid in the base asset.

    It comes on top of what was sold, so it may take more than there was; later sells are smaller.
    """
    return sum((batch.flow(trader, "SELL").base_fee for trader in batch.record.traders), ZERO)


def _sells(batch: Batch, trader: TraderRow) -> list[OrderRow]:
    rows = batch.of_trader.get(trader.trader_id, [])
    return [row for row in rows if row.side == "SELL" and not row.absent]


def ended_with_nothing_open(batch: Batch) -> Iterator[Finding]:
    """Check that a finished trader has nothing on the exchange."""
    for trader in batch.record.traders:
        if trader.running:
            continue
        for row in batch.of_trader.get(trader.trader_id, []):
            order = batch.there.get(row.client_order_id)
            if row.live or (order and order.status in OPEN):
                detail = f"trader {trader.trader_id} is {trader.state}"
                yield Finding("order outlives its trader", row.client_order_id, detail)


def remarks(batch: Batch) -> Iterator[Finding]:
    """Yield what is no difference, and what a person should know: each by its order's key."""
    for row in batch.record.orders:
        if row.settled_because is not None:
            yield Finding("a person said how it ended", row.client_order_id, row.settled_because)
        elif row.fills_given_up:
            detail = f"it counts with {row.executed} for {row.executed_quote}, its fees are unknown"
            yield Finding("its fills are given up", row.client_order_id, detail)
        if row.current_quantity is not None:
            detail = f"{row.current_quantity} of {row.quantity} are left of it"
            yield Finding("it was amended", row.client_order_id, detail)
    for fill in batch.record.fills:
        if fill.kind(*batch.assets) == "other" and fill.value is None:
            paid = f"{fill.execution.commission} {fill.execution.commission_asset}"
            yield Finding("fee is not valued", fill.key, paid)


CHECKS: tuple[Callable[[Batch], Iterable[Finding]], ...] = (
    orders_agree,
    intended_before,
    fills_agree,
    fills_add_up,
    legs_within_intent,
    one_at_a_time,
    traders_within_chunk,
    fees_counted,
    money_adds_up,
    ended_with_nothing_open,
)
