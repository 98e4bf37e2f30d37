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


class ReferencePrices:
    """What the exchange's operator has set for symbols: reference prices and price range rules."""

    def __init__(self) -> None:
        self.known: dict[str, Reference] = {}
        self.ranges: dict[str, PriceRange] = {}

    def of(self, name: str) -> Decimal | None:
        """Return a symbol's reference price, None without one."""
        reference = self.known.get(name)
        return reference.price if reference else None

    def bounds(self, name: str, side: Side) -> tuple[Decimal | None, Decimal | None]:
        """Return the lowest and highest price at which a taker of this side may trade."""
        return self.ranges.get(name, PriceRange()).bounds(side, self.of(name))


def _multiple(reference: Decimal | None, factor: Decimal | None) -> Decimal | None:
    return None if reference is None or factor is None else times(reference, factor)
