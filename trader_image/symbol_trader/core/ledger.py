"""The money of a trader and of the ledger: what is held, what it cost, and what was earned.

A commission counts where it was taken: in base it lessens what is held, in quote what was earned,
in a third asset it is an expense of its value. What a trader leaves is valued at cost, so that over
a ledger the profits add up to the flow of quote, less fees, plus the cost of the inventory.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from symbol_trader.core.money import ZERO
from symbol_trader.core.order import Order
from symbol_trader.core.orders import FeeAsset, Side
from symbol_trader.core.symbols import SymbolInfo
from symbol_trader.core.trader import Trader

COST_STEP = Decimal("0.00000001")
"""Costs are rounded to the precision of Binance's assets."""


@dataclass(frozen=True, slots=True)
class TraderMoney:
    """What the fills of a trader moved, so far."""

    received: Decimal
    """Base asset bought, less its commission."""
    cost: Decimal
    """Quote paid for it, commission in quote included."""
    gone: Decimal
    """Base asset sold, and the sells' commission in base."""
    earned: Decimal
    """Quote from the sells, less commission in quote."""
    expenses: Decimal
    """The value in quote of commissions in third assets, as far as it is known."""

    @classmethod
    def of(cls, trader: Trader, symbol: SymbolInfo) -> "TraderMoney":
        """Add up a trader's fills."""
        buys, sells = trader.leg(Side.BUY), trader.leg(Side.SELL)
        return cls(
            received=_base(buys) - _fees(buys, FeeAsset.BASE, symbol),
            cost=_quote(buys) + _fees(buys, FeeAsset.QUOTE, symbol),
            gone=_base(sells) + _fees(sells, FeeAsset.BASE, symbol),
            earned=_quote(sells) - _fees(sells, FeeAsset.QUOTE, symbol),
            expenses=_fee_values(trader.orders),
        )

    def cost_of(self, quantity: Decimal) -> Decimal:
        """Return what a quantity had cost the trader; zero if it bought nothing."""
        if not self.received:
            return ZERO
        return (quantity * self.cost / self.received).quantize(COST_STEP)


@dataclass(frozen=True, slots=True)
class Carried:
    """The base asset that ended traders left to later sells, and what it had cost, in quote.

    Negative where sells' commission took more than there was: the next sell makes up for it. Cost
    and quantity have the same sign, and are zero together.
    """

    quantity: Decimal = ZERO
    cost: Decimal = ZERO

    def cost_of(self, change: Decimal, trader: TraderMoney) -> Decimal:
        """Return what a trader adds to the cost by changing the quantity.

        What it takes along (or makes up for) has the cost that it has here, on average; what it
        adds (or takes beyond that) has the trader's own.
        """
        if self.quantity * change >= ZERO:
            return trader.cost_of(change)
        part = max(change, -self.quantity) if change < ZERO else min(change, -self.quantity)
        return (part * self.cost / self.quantity).quantize(COST_STEP) + trader.cost_of(
            change - part
        )


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a trader comes to: its profit in quote, and what it leaves to later sells, with cost."""

    profit: Decimal
    carried: Decimal
    carried_cost: Decimal


@dataclass(slots=True)
class Ledger:
    """The totals of a ledger's ended traders."""

    profit: Decimal = ZERO
    finished: int = 0
    carried: Carried = field(default_factory=Carried)

    def settle(self, trader: TraderMoney, unsold: Decimal) -> Settlement:
        """Take in a trader that is over; `unsold` is base asset that it keeps for itself."""
        change = trader.received - trader.gone - unsold
        cost = self.carried.cost_of(change, trader)
        left = trader.cost_of(unsold) + cost
        profit = trader.earned - trader.cost - trader.expenses + left
        self.carried = Carried(self.carried.quantity + change, self.carried.cost + cost)
        self.profit += profit
        self.finished += 1
        return Settlement(profit, change, cost)

    def charge(self, value: Decimal) -> None:
        """Take in the value of a fee whose trader was over before it was known."""
        self.profit -= value


def _base(orders: Iterable[Order]) -> Decimal:
    return sum((order.filled for order in orders), ZERO)


def _quote(orders: Iterable[Order]) -> Decimal:
    return sum((order.filled_quote for order in orders), ZERO)


def _fees(orders: Iterable[Order], charged_in: FeeAsset, symbol: SymbolInfo) -> Decimal:
    fills = (fill for order in orders for fill in order.fills.values())
    return sum((f.commission for f in fills if symbol.fee_asset(f) is charged_in), ZERO)


def _fee_values(orders: Iterable[Order]) -> Decimal:
    fills = (fill for order in orders for fill in order.fills.values())
    return sum((fill.fee_value.value for fill in fills if fill.fee_value), ZERO)
