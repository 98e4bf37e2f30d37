"""What fills moved, counted from the rows alone: it shares no code with the core's ledger."""

from dataclasses import dataclass
from decimal import Decimal

from symbol_trader.core.money import ZERO
from symbol_trader.core.orders import Side

ROUNDING = Decimal("0.00000001")
"""A cost is rounded to the precision of the exchange's assets."""


@dataclass(slots=True)
class Flow:
    """What a trader's fills moved: in base, in quote, and as commission."""

    bought: Decimal = ZERO
    spent: Decimal = ZERO
    """With commission in quote."""
    sold: Decimal = ZERO
    earned: Decimal = ZERO
    """Without commission in quote."""
    buy_fees: Decimal = ZERO
    """In base, as are those of the sells."""
    sell_fees: Decimal = ZERO
    fee_values: Decimal = ZERO
    """What commission in third assets is known to have been worth."""

    @property
    def position(self) -> Decimal:
        """Return the base asset that it has brought in and not taken out."""
        return self.bought - self.buy_fees - self.sold - self.sell_fees

    def add_unread(self, side: Side, quantity: Decimal, quote: Decimal) -> None:
        """Count what was executed without a fill on record."""
        if side is Side.BUY:
            self.bought += quantity
            self.spent += quote
        else:
            self.sold += quantity
            self.earned += quote

    def cost_of(self, quantity: Decimal) -> Decimal:
        """Return what a quantity had cost it."""
        received = self.bought - self.buy_fees
        return (quantity * self.spent / received).quantize(ROUNDING) if received else ZERO


@dataclass(frozen=True, slots=True)
class Inventory:
    """The base asset of a book: what was bought and not sold, and what explains it."""

    position: Decimal
    in_progress: Decimal
    carried: Decimal
    stranded: Decimal

    @property
    def unexplained(self) -> Decimal:
        return self.position - self.in_progress - self.carried - self.stranded
