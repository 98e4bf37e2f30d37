"""Looping a recording without a price jump.

Every second pass is the recording seen in a mirror: a price p becomes first * last / p.  It begins
where the pass before ended and ends where the first one began, so prices never jump and never
drift, however often it loops.  What was a bid is an ask there, and buyers are sellers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from paper_exchange.core.market import MarketQuote, MarketTrade
from paper_exchange.core.money import round_tick


@dataclass(frozen=True, slots=True)
class Centre:
    """The first and last price of a symbol's recording, and its tick."""

    first: Decimal
    last: Decimal
    tick: Decimal

    def turned(self, price: Decimal, *, up: bool) -> Decimal:
        """Return the mirrored price, rounded to a tick."""
        return round_tick(self.first * self.last / price, self.tick, up=up) if price else price


Centres = Mapping[str, Centre]


def turned(event: MarketTrade | MarketQuote, centres: Centres) -> MarketTrade | MarketQuote:
    """Return the event as it happens in a mirrored pass."""
    centre = centres[event.symbol]
    if isinstance(event, MarketTrade):
        price = centre.turned(event.price, up=not event.buyer_is_maker)
        return MarketTrade(event.symbol, price, event.quantity, not event.buyer_is_maker)
    return MarketQuote(
        event.symbol,
        centre.turned(event.ask, up=False),
        event.ask_quantity,
        centre.turned(event.bid, up=True),
        event.bid_quantity,
    )
