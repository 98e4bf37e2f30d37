"""What the outside market shows: trades, and the best bid and ask with their sizes."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Self

from paper_exchange.core.money import ZERO
from paper_exchange.core.orders import Side


@dataclass(frozen=True, slots=True)
class MarketTrade:
    """A trade between others. `buyer_is_maker` means that the seller was the aggressor."""

    symbol: str
    price: Decimal
    quantity: Decimal
    buyer_is_maker: bool

    @property
    def hits(self) -> Side:
        """The side whose resting orders the aggressor hits."""
        return Side.BUY if self.buyer_is_maker else Side.SELL


@dataclass(frozen=True, slots=True)
class MarketQuote:
    """The best outside bid and ask with the sizes shown there."""

    symbol: str
    bid: Decimal
    bid_quantity: Decimal
    ask: Decimal
    ask_quantity: Decimal


@dataclass(frozen=True, slots=True)
class Level:
    """One side's best outside price; `size` is what is left of what was shown there.

    `shown` remembers the displayed size, so that an update that repeats it does not give back
    what our takers have taken (rule 6).
    """

    price: Decimal
    shown: Decimal
    size: Decimal

    def update(self, price: Decimal, quantity: Decimal) -> "Level":
        """Return the level after a new display: unchanged if the display is unchanged."""
        unchanged = price == self.price and quantity == self.shown
        return self if unchanged else Level(price, quantity, quantity)

    def take(self, quantity: Decimal) -> "Level":
        """Return the level with less on it."""
        return replace(self, size=self.size - quantity)


@dataclass(frozen=True, slots=True)
class Top:
    """The outside top of book, either side possibly unknown."""

    bid: Level | None = None
    ask: Level | None = None

    def side(self, side: Side) -> Level | None:
        """Return the level on which orders of this side rest."""
        return self.bid if side is Side.BUY else self.ask

    def quoted(self, quote: MarketQuote) -> Self:
        """Return the top after a displayed quote."""
        return replace(
            self,
            bid=_updated(self.bid, quote.bid, quote.bid_quantity),
            ask=_updated(self.ask, quote.ask, quote.ask_quantity),
        )

    def traded(self, trade: MarketTrade, size: Decimal, tick: Decimal) -> Self:
        """Infer the top from a trade, for markets of which only trades are known.

        The aggressor's counterpart showed the price: a seller hit the bid there, a buyer lifted
        the ask.  `size` stands for what is shown after it; a side that the trade has passed is
        moved one tick beyond it.
        """
        level = Level(trade.price, size, size)
        if trade.buyer_is_maker:
            return type(self)(level, _beyond(self.ask, trade.price, tick, up=True))
        return type(self)(_beyond(self.bid, trade.price, tick, up=False), level)

    def taken(self, side: Side, quantity: Decimal) -> Self:
        """Return the top after one of our orders took from the level of this side."""
        if side is Side.BUY:
            return replace(self, bid=self.bid and self.bid.take(quantity))
        return replace(self, ask=self.ask and self.ask.take(quantity))


def _updated(level: Level | None, price: Decimal, quantity: Decimal) -> Level | None:
    if not price:  # an empty side is displayed as zero
        return None
    return level.update(price, quantity) if level else Level(price, quantity, quantity)


def _beyond(level: Level | None, price: Decimal, tick: Decimal, *, up: bool) -> Level | None:
    if level is None or (level.price > price if up else level.price < price):
        return level
    moved = price + tick if up else price - tick
    return Level(moved, level.size, level.size) if moved > ZERO else None
