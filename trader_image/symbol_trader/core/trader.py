"""One trader in memory: a buy and a sell, told by its orders.

What a trader does next is not a state that could be lost: it follows from its orders (`traders`).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum, auto

from symbol_trader.core import strategy
from symbol_trader.core.money import ZERO
from symbol_trader.core.order import Order
from symbol_trader.core.orders import Side, TraderId
from symbol_trader.core.reasons import Blocker
from symbol_trader.core.records import FeeValued, RecordedTrader, TraderTerms
from symbol_trader.core.timing import Timing


class Rebuy(Enum):
    """What became of a trader's rebuy trigger. Only `SPENT` is on record."""

    ARMED = auto()
    REFUSED = auto()
    """It was triggered and no trader could start; it is judged again when the settings change."""
    SPENT = auto()


@dataclass(slots=True)
class Trader:
    """The facts of one trader.

    `orders` holds those that existed and the last attempt of each side; `attempts` counts all.
    """

    trader_id: TraderId
    terms: TraderTerms
    started_ms: int
    rebuy: Rebuy = Rebuy.ARMED
    orders: list[Order] = field(default_factory=list)
    attempts: Counter[Side] = field(default_factory=Counter)
    blocker: Blocker | None = None
    refusals: int = 0
    """Refusals in a row; they space out the attempts."""
    contradiction: str | None = None
    """What exchange or record say of it that cannot be; nothing is done for it then."""
    short_of_base: bool = False
    """A sell was refused because the account has less of the base asset than the trader."""
    refused_offers: int = 0
    """How often a sell at the shutdown's deadline was refused for a reason that does not pass."""

    @classmethod
    def restore(cls, row: RecordedTrader) -> "Trader":
        """Take up a trader from the record."""
        rebuy = Rebuy.SPENT if row.rebuy_spent else Rebuy.ARMED
        orders = [Order.restore(order) for order in row.orders]
        attempts = Counter(row.attempts)
        return cls(row.trader_id, row.terms, row.started_ms, rebuy, orders, attempts)

    def add(self, order: Order) -> list[Order]:
        """Add another attempt; return those before it that never existed: they are dropped."""
        self.attempts[order.side] = order.intent.attempt
        gone = [o for o in self.orders if o.side is order.side and not o.existed]
        kept = (o for o in self.orders if o.side is not order.side or o.existed)
        self.orders = [*kept, order]
        return gone

    def take_back(self, order: Order) -> None:
        """Take back the attempt added last: it was neither recorded nor sent."""
        self.orders.remove(order)
        self.attempts[order.side] -= 1

    @property
    def last_order(self) -> Order | None:
        """Return the order that decides what comes next: the newest that ever existed."""
        return _newest(self.orders)

    @property
    def buy_price(self) -> Decimal | None:
        """Return the limit price of the trader's buy, None before there is one."""
        buy = _newest(self.leg(Side.BUY))
        return buy.intent.price if buy else None

    @property
    def rebuy_below(self) -> Decimal | None:
        """Return the price below which its rebuy trigger is pulled, None where it is not armed."""
        bought_at = self.buy_price if self.rebuy is Rebuy.ARMED else None
        return None if bought_at is None else strategy.rebuy_below(bought_at, self.terms.rebuy)

    @property
    def waits_for_price(self) -> bool:
        """Return whether it is to buy, once a price comes."""
        return self.last_order is None and self.contradiction is None

    def is_blocked(self, now_ms: int) -> bool:
        """Return whether it is too early to try again what could not be done."""
        return self.blocker is not None and self.blocker.holds(now_ms)

    def refused(self, timing: Timing, *, offer: bool) -> int:
        """Count a refusal; return the pause in milliseconds before another attempt.

        An `offer` is a sell at a deadline, which has no time for pauses that grew before it. Other
        orders come only once a shutdown is taken back: its offers do not count for the next one.
        """
        self.refusals += 1
        if not offer:
            self.refused_offers = 0
            return timing.retry_pause_ms(self.refusals)
        self.refused_offers += 1
        return timing.retry_pause_ms(self.refused_offers)

    @property
    def interrupted(self) -> Order | None:
        """Return an order that others canceled, as long as nobody has said to go on.

        A later order of the same leg says so too: it was placed because somebody had.
        """
        for side in (Side.SELL, Side.BUY):
            last = _newest(self.leg(side))
            if last and last.canceled_by_others and not last.acknowledged:
                return last
        return None

    @property
    def committed_quote(self) -> Decimal:
        """Return the quote that the trader has spent or may still spend."""
        return sum((order.committed_quote for order in self.orders), ZERO)

    @property
    def sell_target(self) -> Decimal | None:
        """Return how much the trader set out to sell: its first sell's quantity, carry included."""
        sells = [order for order in self.leg(Side.SELL) if order.existed]
        return sells[0].intent.quantity if sells else None

    @property
    def sold(self) -> Decimal:
        """Return how much of it is sold."""
        return sum((order.executed for order in self.leg(Side.SELL)), ZERO)

    def leg(self, side: Side) -> list[Order]:
        """Return all attempts of one side, oldest first."""
        return [order for order in self.orders if order.side is side]

    def received(self, base_asset: str) -> Decimal:
        """Return the base asset that the buys brought in, commission taken off."""
        buys = self.leg(Side.BUY)
        gross = sum((order.filled for order in buys), ZERO)
        return gross - sum((order.commission_in(base_asset) for order in buys), ZERO)

    def value_fee(self, valued: FeeValued) -> None:
        """Take in what a fill's commission in a third asset was worth."""
        for order in self.orders:
            if order.intent.client_order_id == valued.client_order_id:
                order.value_fee(valued.trade_id, valued.value)

    def sell_fees(self, base_asset: str) -> Decimal:
        """Return the base asset that was taken as commission on the sells."""
        return sum((order.commission_in(base_asset) for order in self.leg(Side.SELL)), ZERO)


def _newest(orders: Sequence[Order]) -> Order | None:
    """Return the newest of these that was, or may have been, on the exchange."""
    return next((order for order in reversed(orders) if order.existed), None)
