"""The quiet range: the prices from which nothing follows, as things stand.

Of the many trades that a market sees in a second, hardly any concerns a leader: a price matters to
a trader that is to buy, and to a rebuy trigger that it falls below. Who these are changes with
orders, settings and refusals, never with a price that leads to nothing.
"""

from dataclasses import dataclass
from decimal import Decimal

from symbol_trader.core.money import ZERO
from symbol_trader.core.state import State


@dataclass(frozen=True, slots=True)
class QuietRange:
    """Prices of `low` and above lead to nothing before `until_ms` (exchange time; None: no limit).

    It stands until something other than such a price happens.
    """

    low: Decimal
    until_ms: int | None

    def holds(self, price: Decimal, now_ms: int) -> bool:
        """Return whether nothing follows from a price at this time."""
        return price >= self.low and (self.until_ms is None or now_ms < self.until_ms)


class Listeners:
    """To whom a price matters: rebuy triggers, the highest of them at `low`, and `buyers`.

    While nothing may be decided, there are none. They are found again after each change.
    """

    def __init__(self, state: State) -> None:
        """Find them as things stand."""
        traders = () if state.idle else tuple(state.traders.values())
        triggers = (trigger for t in traders if (trigger := t.rebuy_below) is not None)
        self.low = max(triggers, default=ZERO)
        self.buyers = () if state.draining else tuple(t for t in traders if t.waits_for_price)
        self._state = state
        self._committed: Decimal | None = None

    @property
    def range(self) -> QuietRange:
        """Return the prices that matter to none of them; who is blocked does not listen."""
        ends = (buyer.blocker.until_ms if buyer.blocker else 0 for buyer in self.buyers)
        return QuietRange(self.low, min((end for end in ends if end is not None), default=None))

    @property
    def committed_quote(self) -> Decimal:
        """Return what all traders have committed, added up once for all prices that change nothing.

        It holds as long as nothing has changed.
        """
        if self._committed is None:
            self._committed = self._state.committed_quote
        return self._committed
