"""Commission: a share of what is received, in the asset that is received."""

from dataclasses import dataclass
from decimal import Decimal

from paper_exchange.core.money import times, truncate
from paper_exchange.core.orders import Side


@dataclass(frozen=True, slots=True)
class FeeRates:
    """Commission rates as fractions: 0.001 is 0.1 %."""

    maker: Decimal = Decimal("0.001")
    taker: Decimal = Decimal("0.001")

    def of(self, *, is_maker: bool) -> Decimal:
        """Return the rate for one side of a trade."""
        return self.maker if is_maker else self.taker


def commission(side: Side, quantity: Decimal, quote_quantity: Decimal, rate: Decimal) -> Decimal:
    """Charge on base for BUY and on quote for SELL, truncated to the asset precision."""
    received = quantity if side is Side.BUY else quote_quantity
    return truncate(times(received, rate))
