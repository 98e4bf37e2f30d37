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
from symbol_trader.core.symbols import GONE, TRADING, Commission, SymbolInfo
from symbol_trader.core.trader import Trader

SELL_ENDINGS_MAX = 3
"""How often the exchange may end a trader's sell before a person has to look."""

DEADLINE = "shutdown deadline"

CARRIED = "too little to sell alone: carried to a later sell"
DEADLINE_OFFERS_MAX = 20
"""How often a shutdown's deadline offers what is left, while somebody buys at that price."""

OFFERS_IN_VAIN_MAX = 3
"""How many offers in a row may sell nothing before it is held."""

CANCELS_IN_VAIN_MAX = 3
"""How many cancels of an order the exchange may deny to have before a deadline gives it up."""

FILL_QUERIES_MAX = 5
"""How often missing fills are asked for before a deadline goes on without them."""

FILL_QUERIES_QUIET = 3
"""How often they are asked for before the condition says so: reads may lag behind the stream."""


FIGURE_FALLS_TO = Decimal("0.75")
"""How far what a message says may fall before it is said anew, as a part of it."""


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
    free_base: Decimal = ZERO
    """What the account has free of the base asset, as far as it is known."""
    base_on_its_way: Decimal = ZERO
    """What other cycles' sells without an answer take, if they have not taken it yet."""
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
class GiveUpOrder:
    """Let the record take this order for over: the exchange keeps nothing of it."""

    order: Order
    reason: str


@dataclass(frozen=True, slots=True)
class GiveUpFills:
    """Let the record go by what a finished order executed: its fills cannot be read."""

    order: Order


@dataclass(frozen=True, slots=True)
class Finish:
    """The cycle is over. `quantity` is the base asset that it keeps, which no later sell takes."""

    state: TraderState
    reason: str
    quantity: Decimal


Step = (
    Wait
    | PlaceBuy
    | PlaceSell
    | AskForBid
    | CancelOrder
    | FetchFills
    | GiveUpOrder
    | GiveUpFills
    | Finish
)


def next_step(trader: Trader, around: Surroundings) -> Step:
    """Decide a trader's next step. No side effects."""
    order = trader.last_order
    if trader.contradiction is not None:
        return _while_contradicted(trader, order, trader.contradiction, around)
    if order is None:
        return _begin(trader, around)
    if around.draining and around.symbol.status == GONE:
        return _end_gone(trader, order, around)
    if not (order.state.final and order.settled):
        return _while_unsettled(order, around)
    return _once_settled(trader, order, around)


def _once_settled(trader: Trader, order: Order, around: Surroundings) -> Step:
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
        return _budget_too_small(trader, least * settings.chunks, around)
    if around.carried_cost and quote.notional < least:
        return _too_much_carried(around)
    chunk = f"a buy for {plain(trader.terms.chunk_budget)} {around.symbol.quote_asset}"
    if name := filters.violation(quote.price, quote.quantity):
        text = f"{chunk} at the market's price would fail {name}"
        return _now(around, Reason.FILTER_FAILURE, text)
    if quote.notional > around.spendable:
        text = f"{chunk} would exceed the budget: {plain(around.spendable)} is left"
        return _now(around, Reason.BUDGET_SPENT, text)
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


def _budget_too_small(trader: Trader, least: Decimal, around: Surroundings) -> Block:
    """Say which budget would do, in a figure that stays while it is about right.

    It follows the price; a condition that changed with each trade would be written each second.
    """
    asset, chunks = around.symbol.quote_asset, around.settings.chunks
    figure = _figure_said(trader.block, Reason.BUDGET_TOO_SMALL)
    if figure is None or not figure * FIGURE_FALLS_TO <= least <= figure:
        figure = _rounded_up(least)
    text = (
        f"a chunk of {plain(trader.terms.chunk_budget)} {asset} is below the exchange's minimum; "
        f"the least budget that works with {chunks} chunks is {figure:f} {asset}"
    )
    return Block(Reason.BUDGET_TOO_SMALL, text, around.now_ms, figure=figure)


def _figure_said(block: Block | None, reason: Reason) -> Decimal | None:
    return block.figure if block and block.reason is reason else None


def _while_contradicted(
    trader: Trader, order: Order | None, text: str, around: Surroundings
) -> Step:
    """Do nothing until a person has settled it; at a deadline, end with what the record says."""
    if not around.overdue:
        return Wait(Block(Reason.CONTRADICTED, text, None))
    if order and not order.state.final:
        return _end_unbelieved(order, text)
    return _end_by_record(trader, order, f"{DEADLINE}: {text}", around)


def _end_by_record(trader: Trader, order: Order | None, why: str, around: Surroundings) -> Step:
    """End a cycle whose last order, if any, is over: with what the record says, nobody is asked."""
    if order and not order.settled:
        return GiveUpFills(order)
    left = _left(trader, around)
    return Finish(TraderState.HELD if left else TraderState.FINISHED, why, left)


def _end_unbelieved(order: Order, text: str) -> Step:
    """Take an order off the book whose trader's news cannot be; once it is off, give it up.

    Its end may be told in words that contradict the record as well, so it counts whether believed
    or not. A reply under way, or a cancel's, comes first; an order in doubt of which the exchange
    has said nothing yet is found, or proved absent, as any other is.
    """
    if order.state is OrderState.INTENT:
        return Wait()
    denied = order.cancels_in_vain >= CANCELS_IN_VAIN_MAX
    if order.missing_on_exchange or order.said_over or denied:
        return GiveUpOrder(order, text)
    unheard = order.state is OrderState.UNDECIDED and order.last_said is None
    return Wait() if unheard or order.cancel_pending else _at_deadline(order)


def _end_gone(trader: Trader, order: Order, around: Surroundings) -> Step:
    """End a cycle whose symbol the exchange does not list any more: nothing of it can be asked."""
    why = f"{around.symbol.name} is gone from the exchange, which was asked for no order or balance"
    if order.state is OrderState.INTENT:
        return Wait()
    if not order.state.final:
        return GiveUpOrder(order, why)
    return _end_by_record(trader, order, why, around)


def _while_fills_are_missing(order: Order, around: Surroundings) -> Step:
    """Ask for them; a deadline that has asked often enough goes by what was executed."""
    if around.overdue and order.fill_queries >= FILL_QUERIES_MAX:
        return GiveUpFills(order)
    return FetchFills(order)


def _while_unsettled(order: Order, around: Surroundings) -> Step:
    if order.state.final:
        return _while_fills_are_missing(order, around)
    if order.state is not OrderState.OPEN or order.cancel_pending:
        return Wait()
    if order.missing_on_exchange:
        return _while_missing(order, around)
    return _at_deadline(order) if around.overdue else _while_open(order, around)


def _while_missing(order: Order, around: Surroundings) -> Step:
    """Wait for a person: the exchange has nothing to cancel. At a deadline the order is over."""
    if around.overdue:
        return GiveUpOrder(order, f"{DEADLINE}: gone from the exchange")
    return Wait()


def _at_deadline(order: Order) -> Step:
    """Take an open order off the book; an offer ends by itself."""
    if order.intent.time_in_force is TimeInForce.GTC:
        return CancelOrder(order, DEADLINE)
    return Wait()


def _while_open(order: Order, around: Surroundings) -> Step:
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
    quantity = strategy.sellable(_left(trader, around), around.symbol.filters)
    quote = Quote(_target_price(trader, around), quantity)
    if strategy.is_dust(quote, around.symbol.filters):
        return Finish(TraderState.FINISHED, f"sold; the rest is {CARRIED}", ZERO)
    endings = sum(1 for o in trader.leg(Side.SELL) if o.ended_by_exchange and not o.acknowledged)
    if endings >= SELL_ENDINGS_MAX:
        return Wait(Block(Reason.SELL_ENDED, f"the exchange ended its sell {endings} times", None))
    return _sell(trader, quote, around)


def _left(trader: Trader, around: Surroundings) -> Decimal:
    """Return the base asset that a cycle still has to sell.

    Commission in base comes out of what is carried; where that is not enough, out of this.
    """
    target = trader.sell_target
    if target is None:
        return trader.received(around.symbol.base_asset)
    return max(target - trader.sold + min(around.carried, ZERO), ZERO)


def _give_up(trader: Trader, order: Order, around: Surroundings) -> Step:
    """End a cycle at the deadline, whatever it holds: sold at once if asked for, else held."""
    left = _left(trader, around)
    if not left:
        bought = trader.sell_target is not None
        reason = "sold" if bought else f"its buy was {_ending(order)}"
        return Finish(TraderState.FINISHED, reason, ZERO)
    if why := _why_not_offered(trader, around):
        return Finish(TraderState.HELD, f"{DEADLINE}: {why}", left)
    if _offered_in_vain(trader) and _blocked(trader, around):
        return Wait(trader.block)
    if _must_share(trader, left, around):
        return Wait(trader.block)
    if around.bid is None:
        return AskForBid()
    return _offer(trader, left, around.bid, around)


def _offer(trader: Trader, left: Decimal, bid: Decimal, around: Surroundings) -> Step:
    """Offer what is left to whoever buys now, never below the price of the first offer.

    The first one stands on record, so the slippage is counted from one bid, whatever happens.
    """
    filters = around.symbol.filters
    offers = _offers(trader)
    price = offers[0].intent.price if offers else strategy.price_at_deadline(bid, filters)
    quote = Quote(price, _offered_quantity(trader, left, around))
    if not bid:
        why = "nobody buys"
    elif bid < price:
        why = f"the rest found no buyer: the best bid of {plain(bid)} is below {plain(price)}"
    elif strategy.is_dust(quote, filters):
        why = f"too little to sell at a bid of {bid:f}"
    else:
        return PlaceSell(quote, TimeInForce.IOC)
    return Finish(TraderState.HELD, f"{DEADLINE}: {why}", left)


def _must_share(trader: Trader, left: Decimal, around: Surroundings) -> bool:
    """Return whether others are selling what this one needs: what they leave is known soon."""
    rest = around.free_base - around.base_on_its_way
    return trader.short_of_base and bool(around.base_on_its_way) and rest < left


def _offered_quantity(trader: Trader, left: Decimal, around: Surroundings) -> Decimal:
    """Return what can be offered: whole steps, and no more than the account turned out to have."""
    carried = around.carried if trader.sell_target is None else ZERO
    there = min(left + carried, around.free_base) if trader.short_of_base else left + carried
    return strategy.sellable(there, around.symbol.filters)


def _why_not_offered(trader: Trader, around: Surroundings) -> str | None:
    """Return why what a cycle holds is not, or no longer, offered."""
    if around.settings.at_deadline is AtDeadline.HOLD:
        return "held as asked for"
    if around.symbol.status != TRADING:
        return f"the symbol is {around.symbol.status}"
    if trader.interrupted:
        return "its order was canceled by others"
    if trader.refused_offers >= SELL_ENDINGS_MAX:
        return f"its sell was refused {trader.refused_offers} times"
    offers = _offers(trader)
    in_vain = [not offer.executed for offer in offers[-OFFERS_IN_VAIN_MAX:]]
    if len(offers) >= DEADLINE_OFFERS_MAX or in_vain == [True] * OFFERS_IN_VAIN_MAX:
        return f"the rest found no buyer in {len(offers)} offers"
    return None


def _offers(trader: Trader) -> list[Order]:
    """Return the offers at the deadline that reached the exchange."""
    sells = trader.leg(Side.SELL)
    return [o for o in sells if o.intent.time_in_force is TimeInForce.IOC and o.existed]


def _offered_in_vain(trader: Trader) -> bool:
    """Return whether the trader's block is about an offer, and no older one that never ends."""
    last = trader.orders[-1]
    return last.side is Side.SELL and last.intent.time_in_force is TimeInForce.IOC


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
    ours = order.cancels and not order.canceled_by_others
    by_us = order.cancels[-1].reason if ours else "by others"
    return f"{order.state} ({order.reason or by_us})"


def _now(around: Surroundings, reason: Reason, message: str) -> Block:
    return Block(reason, message, around.now_ms)


def _rounded_up(value: Decimal) -> Decimal:
    """Return a value of two significant digits that a person can type, never below the one given.

    The value is greater than zero.
    """
    return ceil_to(value, Decimal(1).scaleb(value.adjusted() - 1)).normalize()
