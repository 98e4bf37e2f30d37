"""What the money of each trader must be, worked out from its fills. Pure.

A commission in the base asset reduces what the trader holds, one in the quote asset what it earns,
and one in a third asset its profit, by its value in quote once that is known. What a trader leaves
is worth what it had cost, so that nothing is lost or gained in a remainder.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from symbol_trader.audit.evidence import FillRow, OrderRow, TraderRow
from symbol_trader.audit.finding import Finding

ZERO: Final = Decimal(0)
KEPT_MOST: Final = 10_000
"""How many remainders that do not cost what their own trader paid are kept until the end."""

ROUNDING: Final = Decimal("0.00000001")
"""Costs and values are rounded to the precision of the exchange's assets."""


@dataclass(frozen=True, slots=True)
class Flow:
    """What a side of a trader executed, in base and quote, and its commission by asset."""

    base: Decimal
    quote: Decimal
    base_fee: Decimal
    quote_fee: Decimal
    other_fee: Decimal
    """Of a third asset, in quote, as far as it is valued."""

    @property
    def unit_cost(self) -> Decimal:
        """Return what one unit received had cost in quote, of a side that buys; 0 without any."""
        received = self.base - self.base_fee
        return (self.quote + self.quote_fee) / received if received > 0 else ZERO


def flow(
    orders: Iterable[OrderRow], fills: Iterable[FillRow], base_asset: str, quote_asset: str
) -> Flow:
    """Add up one side of a trader; where fills are given up, the executed totals count."""
    base = quote = ZERO
    fees = {"base": ZERO, "quote": ZERO, "other": ZERO, "none": ZERO}
    given_up = [order for order in orders if order.fills_given_up]
    skipped = {order.client_order_id for order in given_up}
    for order in given_up:
        base, quote = base + order.executed, quote + order.executed_quote
    for fill in fills:
        kind = fill.kind(base_asset, quote_asset)
        fees[kind] += (fill.value or ZERO) if kind == "other" else fill.execution.commission
        if fill.client_order_id not in skipped:
            base += fill.execution.quantity
            quote += fill.execution.quote_quantity
    return Flow(base, quote, fees["base"], fees["quote"], fees["other"])


def fee_counted(fill: FillRow, base_asset: str, quote_asset: str) -> Iterator[Finding]:
    """Check that a fee counts in the asset that it was charged in, at the price on record."""
    kind = fill.kind(base_asset, quote_asset)
    if fill.fee_in != kind:
        detail = f"{fill.execution.commission_asset or 'none'} is {kind}, {fill.fee_in} on record"
        yield Finding("fee is counted in another asset", fill.key, detail)
    if fill.value is None or fill.price is None:
        return
    worth = fill.execution.commission * fill.price
    if abs(worth - fill.value) > ROUNDING:
        detail = f"{fill.execution.commission} at {fill.price} is {worth}, {fill.value} on record"
        yield Finding("fee value does not follow from its price", fill.key, detail)


def result_follows(trader: TraderRow, buys: Flow, sells: Flow) -> Iterator[Finding]:
    """Check profit, and what was left with its cost, of a trader that is over."""
    subject = f"trader {trader.trader_id}"
    carried, unsold = trader.carried or ZERO, trader.unsold or ZERO
    left = buys.base - buys.base_fee - sells.base_fee - sells.base
    if left != carried + unsold:
        detail = f"it kept {left}, the record explains {carried + unsold}"
        yield Finding("inventory is not explained", subject, detail)
    unit_cost = buys.unit_cost
    cost, tolerance = trader.carried_cost or ZERO, _tolerance(carried, unsold)
    fees = buys.quote_fee + sells.quote_fee + buys.other_fee + sells.other_fee
    profit = sells.quote - buys.quote - fees + unsold * unit_cost + cost
    if abs(profit - (trader.profit or ZERO)) > tolerance:
        detail = f"it earned {profit}, {trader.profit} on record"
        yield Finding("profit does not follow from its fills", subject, detail)


class CostRange:
    """Checks what the remainders of a ledger's traders cost, once all traders were seen.

    A remainder costs what its own trader paid for it, or on average what those had paid whose
    remainders it joins: no less than in the ledger's cheapest trader, no more than in its dearest.
    """

    def __init__(self) -> None:
        self._least: Decimal | None = None
        self._most = ZERO
        self._others: list[tuple[str, Decimal, Decimal]] = []

    def see(self, trader: TraderRow, buys: Flow) -> None:
        """Take in a trader that is over."""
        unit_cost = buys.unit_cost
        if unit_cost:
            self._least = min(unit_cost, unit_cost if self._least is None else self._least)
            self._most = max(unit_cost, self._most)
        carried, cost = trader.carried or ZERO, trader.carried_cost or ZERO
        if abs(carried * unit_cost - cost) > _tolerance(carried) and len(self._others) < KEPT_MOST:
            self._others.append((f"trader {trader.trader_id}", carried, cost))

    def findings(self) -> Iterator[Finding]:
        """Return whose remainders cost what no trader had paid."""
        least = self._least or ZERO
        for subject, carried, cost in self._others:
            bounds = sorted((carried * least, carried * self._most))
            if not bounds[0] - _tolerance(carried) <= cost <= bounds[1] + _tolerance(carried):
                detail = f"{carried} cost {bounds[0]} to {bounds[1]}, {cost} on record"
                yield Finding("cost of what it left is wrong", subject, detail)


def _tolerance(*quantities: Decimal) -> Decimal:
    """Return how far a cost may be off: a unit cost is rounded, and so is what follows from it."""
    return ROUNDING * (2 + sum(map(abs, quantities), ZERO))
