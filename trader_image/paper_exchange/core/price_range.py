"""The price range rule: a taker trades only near the reference price (price range FAQ)."""

from dataclasses import dataclass
from decimal import Decimal

from paper_exchange.core.money import times
from paper_exchange.core.orders import Side


@dataclass(frozen=True, slots=True)
class PriceRange:
    """Multiples of the reference price between which takers may trade; None is no bound."""

    bid_limit_mult_up: Decimal | None = None
    bid_limit_mult_down: Decimal | None = None
    ask_limit_mult_up: Decimal | None = None
    ask_limit_mult_down: Decimal | None = None

    def bounds(
        self, side: Side, reference: Decimal | None
    ) -> tuple[Decimal | None, Decimal | None]:
        """Return the lowest and highest price for a taker of this side."""
        down, up = (
            (self.bid_limit_mult_down, self.bid_limit_mult_up)
            if side is Side.BUY
            else (self.ask_limit_mult_down, self.ask_limit_mult_up)
        )
        return _multiple(reference, down), _multiple(reference, up)


@dataclass(frozen=True, slots=True)
class Reference:
    """A symbol's reference price, None if it has none now, and since when (milliseconds)."""

    price: Decimal | None
    time: int


def _multiple(reference: Decimal | None, factor: Decimal | None) -> Decimal | None:
    return None if reference is None or factor is None else times(reference, factor)
