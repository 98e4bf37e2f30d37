"""Who trades with whom, and how much: pure allocation without accounts or ids of trades.

The rules are stated in `docs/reference/paper-exchange.md`; the numbers in comments refer to them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from paper_exchange.core.market import Level
from paper_exchange.core.money import ZERO, divide_down, floor_to, times
from paper_exchange.core.orders import Order, SelfTrade, Side


@dataclass(frozen=True, slots=True)
class Share:
    """What one outside trade does to one resting order: a fill, a move up the queue, or both."""

    order: Order
    filled: Decimal
    ahead: Decimal | None


@dataclass(frozen=True, slots=True)
class Match:
    """A taker trades `quantity` at `price` with `maker`, or with the outside market (None)."""

    price: Decimal
    quantity: Decimal
    maker: Order | None

    def paid(self, side: Side) -> Decimal:
        """Return what a taker of this side gives: quote for BUY, base for SELL."""
        return times(self.price, self.quantity) if side is Side.BUY else self.quantity


@dataclass(frozen=True, slots=True)
class SelfMatch:
    """A trade that self-trade prevention kept from happening, and what it took from both orders."""

    price: Decimal
    quantity: Decimal
    """What would have traded."""
    maker: Order
    mode: SelfTrade
    taker_loss: Decimal
    maker_loss: Decimal

    @property
    def transfers(self) -> bool:
        """Whether the assets change hands all the same."""
        return self.mode is SelfTrade.TRANSFER

    @property
    def ends_taker(self) -> bool:
        """Whether nothing more happens to the arriving order."""
        return self.mode in {SelfTrade.EXPIRE_TAKER, SelfTrade.EXPIRE_BOTH}

    def paid(self, side: Side) -> Decimal:
        """Return what a taker of this side gives: quote for BUY, base for SELL."""
        if not self.transfers:
            return ZERO
        return times(self.price, self.quantity) if side is Side.BUY else self.quantity


@dataclass(frozen=True, slots=True)
class Plan:
    """What happens to an arriving order at once, in order of time.

    `out_of_range` says that it would then have traded at a price that the price range rule forbids.
    """

    actions: tuple[Match | SelfMatch, ...]
    out_of_range: bool = False

    @property
    def matches(self) -> tuple[Match, ...]:
        """The trades among the actions."""
        return tuple(action for action in self.actions if isinstance(action, Match))

    @property
    def takes(self) -> bool:
        """Whether it does anything at once, were it but to end."""
        return bool(self.actions) or self.out_of_range

    @property
    def quantity(self) -> Decimal:
        """Quantity that trades at once."""
        return sum((match.quantity for match in self.matches), ZERO)

    @property
    def used(self) -> Decimal:
        """Quantity that trades at once, or is prevented from it."""
        losses = (a.taker_loss for a in self.actions if isinstance(a, SelfMatch))
        return sum(losses, self.quantity)

    @property
    def cost(self) -> Decimal:
        """Quote that a BUY gives at once."""
        return self.paid(Side.BUY)

    def paid(self, side: Side) -> Decimal:
        """Return what a taker of this side gives at once: quote for BUY, base for SELL."""
        return sum((action.paid(side) for action in self.actions), ZERO)


def by_priority(orders: Iterable[Order]) -> list[Order]:
    """Sort resting orders of one side: better price first, then earlier arrival."""
    ordered = list(orders)
    if len(ordered) > 1:
        ordered.sort(key=_priority)
    return ordered


def _priority(order: Order) -> tuple[Decimal, int]:
    return (-order.price if order.side is Side.BUY else order.price, order.order_id)


def crosses(side: Side, limit: Decimal, price: Decimal) -> bool:
    """Return whether an order of this side and limit may trade at `price`."""
    return price <= limit if side is Side.BUY else price >= limit


def share_trade(
    orders: Sequence[Order], price: Decimal, volume: Decimal, step: Decimal
) -> list[Share]:
    """Share one outside trade's volume among resting orders that it reaches (rules 3 to 6).

    `orders` must be of the side that the aggressor hits, in priority.  Orders with a better
    price than the trade's were swept and fill at their own limit; orders at the price fill with
    what the queue ahead of them leaves, in whole steps.  No part of the volume goes to two
    orders.
    """
    shares: list[Share] = []
    passed = ZERO  # what this trade took from outside orders that stood ahead at its price
    for order in orders:
        ahead: Decimal | None = ZERO
        if order.price == price:
            used = _queue(order, passed, volume)
            passed, volume = passed + used, volume - used
            ahead = None if order.ahead is None else max(ZERO, order.ahead - passed)
        filled = floor_to(min(volume, order.remaining), step)
        volume -= filled
        if filled or ahead != order.ahead:
            shares.append(Share(order, filled, ahead))
    return shares


def _queue(order: Order, passed: Decimal, volume: Decimal) -> Decimal:
    """How much of `volume` goes to the outside queue ahead, of which `passed` is served."""
    if order.ahead is None:
        return volume
    return min(volume, max(ZERO, order.ahead - passed))


def share_level(orders: Sequence[Order], level: Level, step: Decimal) -> list[Share]:
    """Share a displayed opposite level among resting orders whose limit it has reached (rule 7)."""
    shares: list[Share] = []
    left = level.size
    for order in orders:
        filled = floor_to(min(left, order.remaining), step)
        if not filled:
            break
        left -= filled
        shares.append(Share(order, filled, ZERO))
    return shares


def requeue(order: Order, level: Level) -> Decimal:
    """Return the queue ahead of an order at or before its side's displayed best level (rule 5).

    Better than the best: nobody is ahead.  At the best: at most what is shown.  (Behind the best,
    others' cancels are not known and nothing changes.)
    """
    if order.price != level.price:
        return ZERO
    return level.shown if order.ahead is None else min(order.ahead, level.shown)


@dataclass(frozen=True, slots=True)
class Taker:
    """An arriving order as the book sees it: limit None takes any price, `budget` is in quote.

    `kin` are the accounts that it must not trade with, its own and those of its trade group.
    It may trade at prices from `low` to `high`; None is no bound.
    """

    account: str
    kin: frozenset[str]
    side: Side
    limit: Decimal | None
    quantity: Decimal
    budget: Decimal
    step: Decimal
    self_trade: SelfTrade
    low: Decimal | None = None
    high: Decimal | None = None

    def less(self, price: Decimal, quantity: Decimal) -> "Taker":
        """Return what is left of the taker when it has lost so much of itself."""
        if self.budget:
            return replace(self, budget=self.budget - times(price, quantity))
        return replace(self, quantity=self.quantity - quantity)

    def wants(self, price: Decimal) -> Decimal:
        """Return how much it would take at a price."""
        if self.limit is not None and not crosses(self.side, self.limit, price):
            return ZERO
        if self.budget:
            return floor_to(divide_down(self.budget, price), self.step)
        return self.quantity

    def may_trade_at(self, price: Decimal) -> bool:
        """Return whether the price range rule allows a price."""
        too_low = self.low is not None and price < self.low
        return not too_low and (self.high is None or price <= self.high)

    def is_kept_from(self, maker: Order) -> bool:
        """Return whether self-trade prevention keeps it from trading with an order."""
        return self.self_trade is not SelfTrade.NONE and maker.account in self.kin


def plan_taker(taker: Taker, own: Sequence[Order], outside: Level | None) -> Plan:
    """Walk the opposite side: better price first, then what was there first (rules 1 and 7).

    `own` are the other side's resting orders of our accounts in priority; at one price the
    displayed outside size counts as earlier.
    """
    actions: list[Match | SelfMatch] = []
    for price, size, maker in _levels(taker.side, own, outside):
        if not (wanted := taker.wants(price)):
            break
        quantity = floor_to(min(size, wanted), taker.step)
        if not quantity:
            continue
        if not taker.may_trade_at(price):
            return Plan(tuple(actions), out_of_range=True)
        if maker and taker.is_kept_from(maker):
            prevented = _self_match(taker, maker, price, wanted, quantity)
            actions.append(prevented)
            taker = taker.less(price, prevented.taker_loss)
            if prevented.ends_taker:
                break
        else:
            actions.append(Match(price, quantity, maker))
            taker = taker.less(price, quantity)
    return Plan(tuple(actions))


def _self_match(
    taker: Taker, maker: Order, price: Decimal, wanted: Decimal, quantity: Decimal
) -> SelfMatch:
    """Return what self-trade prevention does, by the table of its FAQ: the taker's mode decides."""
    mode = taker.self_trade
    one_account = maker.account == taker.account
    if mode is SelfTrade.TRANSFER and (one_account or maker.self_trade is not mode):
        mode = SelfTrade.DECREMENT
    losses = {
        SelfTrade.EXPIRE_TAKER: (wanted, ZERO),
        SelfTrade.EXPIRE_MAKER: (ZERO, maker.remaining),
        SelfTrade.EXPIRE_BOTH: (wanted, maker.remaining),
    }
    taker_loss, maker_loss = losses.get(mode, (quantity, quantity))
    return SelfMatch(price, quantity, maker, mode, taker_loss, maker_loss)


def _levels(
    side: Side, own: Sequence[Order], outside: Level | None
) -> list[tuple[Decimal, Decimal, Order | None]]:
    levels: list[tuple[Decimal, Decimal, Order | None]] = []
    if outside and outside.size:
        levels.append((outside.price, outside.size, None))
    levels.extend((order.price, order.remaining, order) for order in own)
    return sorted(levels, key=lambda level: level[0], reverse=side is Side.SELL)
