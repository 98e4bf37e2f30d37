"""The exchange's decisions: commands and market events in, one `Step` each out.

Time is an argument (wall-clock milliseconds); randomness is a seeded function of names.  A
refusal is an `ExchangeError` raised before anything has changed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from paper_exchange.core import admission, errors
from paper_exchange.core.candles import Candles
from paper_exchange.core.entries import Accepted, Granted, Listed, Opened, Played, Reset
from paper_exchange.core.events import BookChange, Step
from paper_exchange.core.fees import BnbFees, Commission, CommissionKey, FeeSchedule
from paper_exchange.core.filters import ExchangeLimits
from paper_exchange.core.market import MarketQuote, MarketTrade, Top
from paper_exchange.core.matching import (
    Plan,
    SelfMatch,
    by_priority,
    crosses,
    requeue,
    share_level,
    share_trade,
)
from paper_exchange.core.money import ZERO, floor_to, times
from paper_exchange.core.orders import (
    ExpiryReason,
    NewOrder,
    Order,
    OrderType,
    Side,
    TimeInForce,
)
from paper_exchange.core.price_range import ReferencePrices
from paper_exchange.core.recorder import Recorder
from paper_exchange.core.seeded import draw
from paper_exchange.core.state import Book, State
from paper_exchange.core.symbols import Symbol
from paper_exchange.core.trade_groups import TradeGroups


class SymbolStatus(StrEnum):
    """Whether a symbol trades: TRADING, BREAK at the end of the market, others by command.

    Cancels are taken in every status.
    """

    TRADING = "TRADING"
    END_OF_DAY = "END_OF_DAY"
    HALT = "HALT"
    BREAK = "BREAK"
    CANCEL_ONLY = "CANCEL_ONLY"


@dataclass(frozen=True, slots=True)
class Rules:
    """The assumptions under which orders fill; stated, so that a result can be judged by them.

    `typical_trade` is a symbol's median trade quantity.  Where only trades are known
    (`trades_only`), `queue_multiple` times it, times a seeded draw between 0.5 and 1.5, stands
    for what is ahead of a new order and for what is shown at the best price.
    `participation` is the share of a trade's volume that our orders may have.
    `trade_groups` has the accounts that are in one: self-trade prevention works within a group.
    """

    fees: Commission = field(default_factory=Commission)
    seed: int = 0
    trades_only: bool = True
    queue_multiple: Decimal = Decimal(1)
    participation: Decimal = Decimal(1)
    typical_trade: Mapping[str, Decimal] = field(default_factory=dict)
    bnb_fees: BnbFees = field(default_factory=BnbFees)
    commissions: Mapping[CommissionKey, Commission] = field(default_factory=dict)
    trade_groups: Mapping[str, int] = field(default_factory=dict)
    limits: ExchangeLimits = field(default_factory=ExchangeLimits)


@dataclass(frozen=True, slots=True)
class Grant:
    """An initial balance that an account gets once."""

    account: str
    asset: str
    amount: Decimal


class Engine:
    """Accepts orders and market events, and changes `state` through journal entries only."""

    def __init__(self, symbols: Iterable[Symbol], rules: Rules, state: State) -> None:
        self.symbols = {symbol.name: symbol for symbol in symbols}
        self.rules = rules
        self.state = state
        self.fees = FeeSchedule(state, rules.fees, rules.commissions, rules.bnb_fees, self.symbols)
        self.limits = rules.limits
        self.status = dict.fromkeys(self.symbols, SymbolStatus.TRADING)
        self.candles = {name: Candles() for name in self.symbols}
        self.references = ReferencePrices()
        self.trade_groups = TradeGroups(rules.trade_groups)
        self._grants: tuple[Grant, ...] = ()
        self._tops: dict[str, Top] = {}
        self._updates: dict[str, int] = {}

    # -- what is known -----------------------------------------------------------------------

    def symbol(self, name: str) -> Symbol:
        """Return a traded symbol; raise -1121 for any other name."""
        if name not in self.symbols:
            raise errors.invalid_symbol()
        return self.symbols[name]

    def book(self, name: str) -> Book:
        """Return a traded symbol's orders and fills; raise -1121 for any other name."""
        return self.state.books[self.symbol(name).name]

    def trades(self, name: str) -> bool:
        """Return whether a symbol trades now."""
        return self.status[name] is SymbolStatus.TRADING

    def top(self, name: str) -> Top:
        """Return the best outside bid and ask of a symbol, as far as they are known."""
        return self._tops.get(name, Top())

    def average_price(self, name: str, now: int, minutes: int) -> Decimal | None:
        """Return the price of the last minutes, weighted by volume; the last one for 0 minutes.

        Where nothing has traded in that time it is the last price, too; None: nothing ever has.
        """
        average = self.candles[name].average(now, minutes) if minutes else None
        return self.state.books[name].price if average is None else average

    def record(self, now: int) -> Recorder:
        """Begin a step at a wall-clock time in milliseconds."""
        return Recorder(self.state, self.fees, self.candles, now)

    # -- start and market --------------------------------------------------------------------

    def open(self, now: int, source: str, grants: Iterable[Grant]) -> Step:
        """Record the market source, new symbols and initial balances not granted before."""
        self._grants = tuple(grants)
        self._remember_fills()
        record = self.record(now)
        if self.state.source != source:
            record.write(Opened(source))
        for symbol in self.symbols.values():
            if symbol.name not in self.state.books:
                record.write(Listed(symbol.name, symbol.base, symbol.quote))
        self._grant(record)
        return record.step

    def reset(self, now: int) -> Step:
        """Remove all orders and trades, and grant the initial balances again.

        This is what the testnet does about once a month.  Keys stay; ids count from 1 again.
        """
        record = self.record(now)
        record.write(Reset(now))
        self._grant(record)
        self.candles = {name: Candles() for name in self.symbols}
        return record.step

    def _grant(self, record: Recorder) -> None:
        for grant in self._grants:
            account = self.state.accounts.get(grant.account)
            if account is None or grant.asset not in account.granted:
                record.write(Granted(grant.account, grant.asset, grant.amount))

    def _remember_fills(self) -> None:
        """Make candles of the trades that are on record: those of our own orders."""
        for name, candles in self.candles.items():
            book, last = self.state.books.get(name), 0
            for fill in book.fills if book else ():
                if fill.trade_id > last:  # two orders that traded with each other share a trade
                    last = fill.trade_id
                    maker = (fill.side is Side.BUY) is fill.is_maker
                    candles.trade(fill.time, fill.price, fill.quantity, buyer_is_maker=maker)

    def played(self, now: int, position: int) -> Step:
        """Record how far the market source has been played."""
        record = self.record(now)
        if position != self.state.position:
            record.write(Played(position))
        return record.step

    def trade(self, now: int, trade: MarketTrade) -> Step:
        """Let an outside trade happen: it fills what it reaches and is published.

        A symbol that does not trade has no outside trades either.
        """
        record = self.record(now)
        if not self.trades(trade.symbol):
            return record.step
        rest = trade.quantity
        volume = times(trade.quantity, self.rules.participation)
        reached = self._reached(trade.symbol, trade.hits, trade.price)
        for share in share_trade(reached, trade.price, volume, self._step(trade.symbol)):
            if share.filled:
                record.rest_filled(share.order, share.filled)
                rest -= share.filled
            else:
                record.queue(share.order, share.ahead)
        record.traded(trade, rest)
        if self.rules.trades_only:
            self._infer_top(record, trade)
        return record.finish()

    def quote(self, now: int, quote: MarketQuote) -> Step:
        """Take over a displayed quote: it fills orders whose limit it has reached."""
        record = self.record(now)
        if not self.trades(quote.symbol):
            return record.step
        before = self.top(quote.symbol)
        top = before.quoted(quote)
        for side in Side:
            if not self.state.books[quote.symbol].resting[side]:
                continue
            if top.side(side.opposite) is not before.side(side.opposite):
                top = self._take_shown(record, quote.symbol, side, top)
            if top.side(side) is not before.side(side):
                self._requeue(record, quote.symbol, side, top)
        self._set_top(record, quote.symbol, top)
        return record.finish()

    def deposit(self, now: int, account: str, asset: str, delta: Decimal) -> Step:
        """Add to an account's free balance (take, if negative); refuse to overdraw it."""
        if account not in self.state.accounts:
            raise errors.ExchangeError(-2015, "Unknown account.")
        if self.state.accounts[account].of(asset).free + delta < ZERO:
            raise errors.rejected(errors.INSUFFICIENT_BALANCE)
        record = self.record(now)
        record.adjust(account, asset, delta)
        return record.step

    # -- orders ------------------------------------------------------------------------------

    def place(self, now: int, account: str, order: NewOrder) -> tuple[Order, Step]:
        """Accept an order, let it trade at once where it can, and rest or expire the remainder."""
        plan = admission.check(self, now, account, order)
        record = self.record(now)
        placed = record.accept(self._accepted(now, account, order, plan))
        if not _kills(order, plan):
            self._execute(record, placed, plan)
        self._expire_rest(record, record.order(placed), plan)
        return record.order(placed), record.finish()

    def cancel(self, now: int, order: Order, client_order_id: str) -> tuple[Order, Step]:
        """Take an open order off the book; it is known by `client_order_id` from now on."""
        if not order.is_open:
            raise errors.cancel_rejected(errors.UNKNOWN_ORDER)
        record = self.record(now)
        record.cancel(order, client_order_id)
        return record.order(order), record.finish()

    def expire(self, now: int, order: Order) -> Step:
        """End an open order as the exchange itself would, for no reason of its owner's."""
        if not order.is_open:
            raise errors.cancel_rejected(errors.UNKNOWN_ORDER)
        record = self.record(now)
        record.expire(order, ExpiryReason.EXCHANGE_CANCELED)
        return record.finish()

    # -- market: parts -----------------------------------------------------------------------

    def _reached(self, symbol: str, side: Side, price: Decimal) -> list[Order]:
        """Return the resting orders that may trade at `price`, in priority."""
        orders = self.state.books[symbol].resting[side].values()
        if side is Side.BUY:  # spelt out: this is asked for every market event
            return by_priority([order for order in orders if order.price >= price])
        return by_priority([order for order in orders if order.price <= price])

    def _infer_top(self, record: Recorder, trade: MarketTrade) -> None:
        tick = self.symbols[trade.symbol].filters.tick_size
        trade_id = self.state.books[trade.symbol].last_trade_id
        size = self._typical(trade.symbol, "shown", trade_id)
        self._set_top(record, trade.symbol, self.top(trade.symbol).traded(trade, size, tick))

    def _typical(self, symbol: str, *name: str | int) -> Decimal:
        """Draw the stated multiple of the median trade, in whole steps."""
        median = self.rules.typical_trade.get(symbol, ZERO)
        factor = self.rules.queue_multiple * (Decimal("0.5") + draw(self.rules.seed, symbol, *name))
        return floor_to(times(median, factor), self._step(symbol))

    def _set_top(self, record: Recorder, symbol: str, top: Top) -> None:
        self._tops[symbol] = top
        update = self._updates[symbol] = self._updates.get(symbol, 0) + 1
        record.step.books.append(BookChange(symbol, top, update))

    def _take_shown(self, record: Recorder, symbol: str, side: Side, top: Top) -> Top:
        level = top.side(side.opposite)
        if level is None or not level.size:
            return top
        reached = self._reached(symbol, side, level.price)
        for share in share_level(reached, level, self._step(symbol)):
            record.rest_filled(share.order, share.filled)
            top = top.taken(side.opposite, share.filled)
        return top

    def _requeue(self, record: Recorder, symbol: str, side: Side, top: Top) -> None:
        level = top.side(side)
        if level is not None:
            for order in self._reached(symbol, side, level.price):
                record.queue(order, requeue(order, level))

    # -- orders: parts -----------------------------------------------------------------------

    def _accepted(self, now: int, account: str, order: NewOrder, plan: Plan) -> Accepted:
        order_id = self.state.books[order.symbol].last_order_id + 1
        return Accepted(
            symbol=order.symbol,
            order_id=order_id,
            account=account,
            client_order_id=order.client_order_id,
            side=order.side,
            type=order.type,
            time_in_force=order.time_in_force,
            quantity=plan.used if order.quote_quantity else order.quantity,
            price=order.price,
            quote_quantity=order.quote_quantity,
            self_trade=order.self_trade,
            ahead=self._ahead(order, plan, order_id),
            time=now,
        )

    def _ahead(self, order: NewOrder, plan: Plan, order_id: int) -> Decimal | None:
        """Return the queue that a new order joins (rule 5); None is unknown."""
        if plan.actions:  # what remains of a taker is the best price on its side
            return ZERO
        if self.rules.trades_only:
            return self._typical(order.symbol, "queue", order_id)
        level = self.top(order.symbol).side(order.side)
        if level is None:
            return None
        if order.price == level.price:
            return level.shown
        return ZERO if crosses(order.side, order.price, level.price) else None

    def _execute(self, record: Recorder, taker: Order, plan: Plan) -> None:
        owed = plan.paid(taker.side)
        for action in plan.actions:
            owed -= action.paid(taker.side)
            if isinstance(action, SelfMatch):
                record.self_match(taker, action, self.trade_groups.of(taker.account))
                continue
            unlocked = taker.type is OrderType.MARKET
            record.taken(taker, action, owed if unlocked else ZERO)
            if action.maker is None:
                top = self.top(taker.symbol).taken(taker.side.opposite, action.quantity)
                self._set_top(record, taker.symbol, top)

    def _expire_rest(self, record: Recorder, order: Order, plan: Plan) -> None:
        if not order.is_open:
            return
        if plan.out_of_range:
            record.expire(order, ExpiryReason.EXECUTION_RULE_PRICE_RANGE_EXCEEDED)
        elif order.type is OrderType.MARKET:
            record.expire(order, ExpiryReason.INSUFFICIENT_LIQUIDITY)
        elif order.time_in_force in _EXPIRES:
            record.expire(order, _EXPIRES[order.time_in_force])

    def _step(self, symbol: str) -> Decimal:
        return self.symbols[symbol].filters.step_size


_EXPIRES = {
    TimeInForce.IOC: ExpiryReason.UNFILLED_IOC_QUANTITY_EXPIRED,
    TimeInForce.FOK: ExpiryReason.UNFILLED_FOK_ORDER_EXPIRED,
}


def _kills(order: NewOrder, plan: Plan) -> bool:
    """Return whether a fill-or-kill order cannot be filled whole at once."""
    return order.time_in_force is TimeInForce.FOK and plan.quantity < order.quantity
