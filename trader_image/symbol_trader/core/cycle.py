"""What a trader does next, decided from its orders alone: `next_step` has no side effects.

It is level-based: however a trader came to where it is (a fill, a restart, a refusal, a person),
the same orders lead to the same step. A step that fails is therefore simply decided again.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from symbol_trader.core import strategy
from symbol_trader.core.money import ZERO, ceil_to, plain
from symbol_trader.core.order import Order
from symbol_trader.core.orders import OrderState, Side, TimeInForce
from symbol_trader.core.reasons import Block, Reason
from symbol_trader.core.records import TraderState
from symbol_trader.core.settings import AtDeadline, Settings, UnfilledBuys
from symbol_trader.core.strategy import Quote
from symbol_trader.core.symbols import TRADING, Commission, SymbolInfo
from symbol_trader.core.trader import Trader

SELL_ENDINGS_MAX = 3
"""How often the exchange may end a trader's sell before a person has to look."""

DEADLINE = "shutdown deadline"

CARRIED = "too little to sell alone: carried to a later sell"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a trader's next step depends on besides its own orders.

    `seen` is a price that came just now, None when nothing came: a buy is never placed at an old
    price. What `find_spendable`, `find_carried` and `find_carried_cost` return is what the
    properties without `find_` are: they are sums over all traders, and most steps need none.
    """

    now_ms: int
    settings: Settings
    draining: bool
    symbol: SymbolInfo
    commission: Commission
    seen: Decimal | None
    find_spendable: Callable[[], Decimal]
    find_carried: Callable[[], Decimal]
    overdue: bool = False
    """A shutdown has passed its deadline."""
    bid: Decimal | None = None
    """The best bid where it was asked for just now; zero if there is none."""
    find_carried_cost: Callable[[], Decimal] = lambda: ZERO

    @property
    def spendable(self) -> Decimal:
        """Return the budget that the symbol's other cycles, and what is carried, leave."""
        return self.find_spendable()

    @property
    def carried(self) -> Decimal:
        """Return the base asset that earlier sells left over."""
        return self.find_carried()

    @property
    def carried_cost(self) -> Decimal:
        """Return how much of the budget is in what earlier cycles left over."""
        return self.find_carried_cost()


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do until something happens; `block` says what stands in the way, if anything."""

    block: Block | None = None


@dataclass(frozen=True, slots=True)
class PlaceBuy:
    """Buy at this price and quantity."""

    quote: Quote


@dataclass(frozen=True, slots=True)
class PlaceSell:
    """Sell at this price and quantity."""

    quote: Quote
    time_in_force: TimeInForce = TimeInForce.GTC


@dataclass(frozen=True, slots=True)
class AskForBid:
    """Ask what buyers pay now."""


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Take this order off the book."""

    order: Order
    reason: str


@dataclass(frozen=True, slots=True)
class FetchFills:
    """Ask for the fills of a finished order: some are not known yet."""

    order: Order


@dataclass(frozen=True, slots=True)
class Finish:
    """The cycle is over. `quantity` is the base asset that it keeps, which no later sell takes."""

    state: TraderState
    reason: str
    quantity: Decimal


Step = Wait | PlaceBuy | PlaceSell | AskForBid | CancelOrder | FetchFills | Finish


def next_step(trader: Trader, around: Surroundings) -> Step:
    """Decide a trader's next step. No side effects."""
    order = trader.last_order
    if order is None:
        return _begin(trader, around)
    if not order.state.final:
        return _while_live(order, around)
    if not order.settled:
        return FetchFills(order)
    if around.overdue:
        return _give_up(trader, order, around)
    if order.side is Side.SELL:
        return _unless_interrupted(_after_sell(trader, around), trader, around)
    return _unless_interrupted(_after_buy(trader, order, around), trader, around)


def _unless_interrupted(step: Step, trader: Trader, around: Surroundings) -> Step:
    """Hold back what follows an order that others canceled until a person says to go on.

    That is another sell, and the trader's end, since a new one would follow it. What a buy has
    brought in is sold all the same, and in a shutdown nothing follows a trader's end.
    """
    order = trader.interrupted
    if order is None:
        return step
    if order.side is Side.BUY and (around.draining or not isinstance(step, Finish)):
        return step
    text = f"its {order.side.lower()} {order.order_id} was canceled by others"
    return Wait(Block(Reason.CANCELED_BY_OTHERS, f"{text}; change the resource to go on", None))


def _begin(trader: Trader, around: Surroundings) -> Step:
    if around.draining:
        return Finish(TraderState.FINISHED, "shutdown before it bought", ZERO)
    if _blocked(trader, around) or around.seen is None:
        return Wait(trader.block)
    quote = _size_buy(trader, around.seen, around)
    if block := _cannot_buy(trader, quote, around):
        return Wait(block)
    return PlaceBuy(quote)


def _size_buy(trader: Trader, seen: Decimal, around: Surroundings) -> Quote:
    """Size a buy: for the whole chunk, or for what is left of it where dust is carried.

    A chunk that lacks more than that waits for other cycles to end.
    """
    terms, filters = trader.terms, around.symbol.filters
    quote = strategy.buy_quote(terms, seen, filters)
    if ZERO < quote.notional - around.spendable <= around.carried_cost:
        return strategy.buy_quote(replace(terms, chunk_budget=around.spendable), seen, filters)
    return quote


def _cannot_buy(trader: Trader, quote: Quote, around: Surroundings) -> Block | None:
    """Say what stands in the way of a buy. Each is judged again at the next price."""
    filters, settings = around.symbol.filters, around.settings
    least = strategy.least_chunk_budget(
        trader.terms, around.seen or quote.price, around.commission, filters
    )
    if trader.terms.chunk_budget < least:
        return _now(
            around,
            Reason.BUDGET_TOO_SMALL,
            f"a chunk of {trader.terms.chunk_budget:f} {around.symbol.quote_asset} is below the "
            f"exchange's minimum; the least budget that works with {settings.chunks} chunks is "
            f"{_rounded_up(least * settings.chunks):f} {around.symbol.quote_asset}",
        )
    if around.carried_cost and quote.notional < least:
        return _too_much_carried(around)
    if name := filters.violation(quote.price, quote.quantity):
        return _now(around, Reason.FILTER_FAILURE, f"a buy at {quote.price:f} would fail {name}")
    if quote.notional > around.spendable:
        return _now(
            around,
            Reason.BUDGET_SPENT,
            f"a buy of {quote.notional:f} {around.symbol.quote_asset} would exceed the budget: "
            f"{around.spendable:f} is left",
        )
    return None


def _too_much_carried(around: Surroundings) -> Block:
    """Say that what is carried leaves too little for a buy: cycles that run may take it along."""
    left, cost, asset = around.spendable, around.carried_cost, around.symbol.quote_asset
    alone = left + cost >= around.settings.budget
    taken = f"{plain(cost)} {asset}"
    return _now(
        around,
        Reason.BUDGET_TOO_SMALL if alone else Reason.BUDGET_SPENT,
        f"{taken} of the budget is in {around.symbol.base_asset} that is too little to sell "
        f"alone, and the {plain(left)} {asset} left are too little to buy for"
        + (f"; a budget that is larger by {taken} works" if alone else ""),
    )


def _while_live(order: Order, around: Surroundings) -> Step:
    if order.state is not OrderState.OPEN or order.cancel_pending:
        return Wait()
    if around.overdue and order.intent.time_in_force is TimeInForce.GTC:
        return CancelOrder(order, DEADLINE)
    if order.side is Side.SELL:
        return Wait()
    if around.draining and around.settings.unfilled_buys is UnfilledBuys.CANCEL:
        return CancelOrder(order, "shutdown cancels unfilled buys")
    age_max = around.settings.max_buy_age_ms
    if age_max is not None and around.now_ms - order.intent.timestamp_ms > age_max:
        return CancelOrder(order, "older than maxBuyAge")
    return Wait()


def _after_buy(trader: Trader, order: Order, around: Surroundings) -> Step:
    if not order.executed:
        return Finish(TraderState.FINISHED, f"its buy was {_ending(order)}", ZERO)
    received = trader.received(around.symbol.base_asset)
    quantity = strategy.sellable(received + around.carried, around.symbol.filters)
    quote = Quote(_target_price(trader, around), quantity)
    if strategy.is_dust(quote, around.symbol.filters):
        return Finish(TraderState.FINISHED, CARRIED, ZERO)
    return _sell(trader, quote, around)


def _after_sell(trader: Trader, around: Surroundings) -> Step:
    if trader.sold == trader.sell_target:
        return Finish(TraderState.FINISHED, "sold", ZERO)
    remaining = strategy.sellable(_rest_of_sell(trader, around), around.symbol.filters)
    quote = Quote(_target_price(trader, around), remaining)
    if strategy.is_dust(quote, around.symbol.filters):
        return Finish(TraderState.FINISHED, f"sold; the rest is {CARRIED}", ZERO)
    endings = sum(1 for o in trader.leg(Side.SELL) if o.ended_by_exchange and not o.pardoned)
    if endings >= SELL_ENDINGS_MAX:
        return Wait(Block(Reason.SELL_ENDED, f"the exchange ended its sell {endings} times", None))
    return _sell(trader, quote, around)


def _rest_of_sell(trader: Trader, around: Surroundings) -> Decimal:
    """Return what is left of what a cycle set out to sell, less commission that took it.

    Commission in base comes out of what is carried; where that is not enough, out of this.
    """
    return (trader.sell_target or ZERO) - trader.sold + min(around.carried, ZERO)


def _give_up(trader: Trader, order: Order, around: Surroundings) -> Step:
    """End a cycle at the deadline, whatever it holds: sold at once if asked for, else held."""
    base = around.symbol.base_asset
    target = trader.sell_target
    left = trader.received(base) if target is None else _rest_of_sell(trader, around)
    if left <= ZERO:
        reason = f"its buy was {_ending(order)}" if target is None else "sold"
        return Finish(TraderState.FINISHED, reason, ZERO)
    if why := _why_not_sold_at_deadline(trader, around):
        return Finish(TraderState.HELD, f"{DEADLINE}: {why}", left)
    if _offered_in_vain(trader) and _blocked(trader, around):
        return Wait(trader.block)
    if around.bid is None:
        return AskForBid()
    filters = around.symbol.filters
    offered = left + around.carried if target is None else left
    quantity = strategy.sellable(offered, filters)
    quote = Quote(strategy.price_at_deadline(around.bid, filters), quantity)
    if strategy.is_dust(quote, filters):
        why = f"too little to sell at a bid of {around.bid:f}" if around.bid else "nobody buys"
        return Finish(TraderState.HELD, f"{DEADLINE}: {why}", left)
    return PlaceSell(quote, TimeInForce.IOC)


def _why_not_sold_at_deadline(trader: Trader, around: Surroundings) -> str | None:
    """Say why what a cycle holds is not (or no longer) offered; one offer that was heard is all."""
    if around.settings.at_deadline is AtDeadline.HOLD:
        return "held as asked for"
    if around.symbol.status != TRADING:
        return f"the symbol is {around.symbol.status}"
    if trader.interrupted:
        return "its order was canceled by others"
    offers = _offers(trader)
    if any(offer.existed for offer in offers):
        return "the rest found no buyer"
    if trader.refused_offers >= SELL_ENDINGS_MAX:
        return f"its sell was refused {trader.refused_offers} times"
    return None


def _offers(trader: Trader) -> list[Order]:
    return [o for o in trader.leg(Side.SELL) if o.intent.time_in_force is TimeInForce.IOC]


def _offered_in_vain(trader: Trader) -> bool:
    """Tell whether the trader's block is about an offer, and no older one that would never end."""
    offers = _offers(trader)
    return bool(offers) and offers[-1] is trader.orders[-1]


def _sell(trader: Trader, quote: Quote, around: Surroundings) -> Step:
    if _blocked(trader, around):
        return Wait(trader.block)
    return PlaceSell(quote)


def _target_price(trader: Trader, around: Surroundings) -> Decimal:
    bought_at = trader.buy_price
    if bought_at is None:
        raise AssertionError("a trader that received something has a buy")
    return strategy.sell_price(
        bought_at, trader.terms.profit, around.commission, around.symbol.filters
    )


def _blocked(trader: Trader, around: Surroundings) -> bool:
    return trader.block is not None and trader.block.holds(around.now_ms)


def _ending(order: Order) -> str:
    by_us = order.cancels[-1].reason if order.cancels else "by others"
    return f"{order.state} ({order.reason or by_us})"


def _now(around: Surroundings, reason: Reason, message: str) -> Block:
    return Block(reason, message, around.now_ms)


def _rounded_up(value: Decimal) -> Decimal:
    """Return a value that a person can type, never below the one given."""
    return ceil_to(value, Decimal("0.00000001")).normalize()
