"""What a leader has to say of itself, as values."""

from dataclasses import dataclass
from decimal import Decimal

from symbol_trader.core.limits import Halt
from symbol_trader.core.money import ZERO, plain
from symbol_trader.core.orders import Side
from tradingsymbol_api.conditions import LeaderReason


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that keeps the leader from trading as it should; a reason of `Degraded`."""

    reason: LeaderReason
    message: str


@dataclass(frozen=True, slots=True)
class AwaitedOrder:
    """An order that a shutdown waits for: what of it is not executed yet, at its limit price.

    `percent` is the limit's distance from the market in whole percents, positive above it, None
    while no price is known.
    """

    side: Side
    quantity: Decimal
    price: Decimal
    order_id: int | None
    percent: int | None = None

    def __str__(self) -> str:
        """Describe it for people."""
        return (
            f"{self.side} {plain(self.quantity)} at {plain(self.price)}{self._distance()} "
            f"(order {self.order_id})"
        )

    def _distance(self) -> str:
        if self.percent is None:
            return ""
        if self.percent == 0:
            return ", less than 1 % from the market"
        where = "above" if self.percent > 0 else "below"
        return f", about {abs(self.percent)} % {where} the market"


@dataclass(frozen=True, slots=True)
class Report:
    """What the leader has to say of itself at one moment; `profit` is in `quote_asset`.

    `loaded` says that the figures are the record's; without it they are not known (yet). The
    profit lacks `unvalued_fees`: amounts of third assets that have no value in quote so far.
    """

    generation: int
    epoch: int | None
    trading: bool
    draining: bool
    traders: int = 0
    open_orders: int = 0
    profit: Decimal = ZERO
    quote_asset: str = ""
    waits_for: tuple[AwaitedOrder, ...] = ()
    problems: tuple[Problem, ...] = ()
    orders_in_doubt: int = 0
    unvalued_fees: tuple[tuple[str, Decimal], ...] = ()
    loaded: bool = True
    halts: tuple[Halt, ...] | None = None
    """What halts the account's buys, None where that is not known."""
