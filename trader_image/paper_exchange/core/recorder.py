"""Carrying out decisions: each fact changes the state, joins the journal batch and is reported."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from paper_exchange.core.candles import Candles
from paper_exchange.core.entries import (
    Accepted,
    Adjusted,
    Amended,
    Ended,
    Entry,
    Filled,
    Prevented,
    Priced,
    Queued,
    SelfMatched,
)
from paper_exchange.core.events import (
    BalanceChange,
    Execution,
    ExecutionReport,
    Position,
    Prevention,
    PublicTrade,
    Step,
)
from paper_exchange.core.fees import FeeSchedule
from paper_exchange.core.market import MarketTrade
from paper_exchange.core.matching import Match, SelfMatch
from paper_exchange.core.money import ZERO
from paper_exchange.core.orders import ExpiryReason, Order, OrderStatus, Side
from paper_exchange.core.state import State


class Recorder:
    """One engine step in the making, at one moment (wall-clock milliseconds)."""

    def __init__(
        self, state: State, fees: FeeSchedule, candles: Mapping[str, Candles], now: int
    ) -> None:
        self.state = state
        self.step = Step(now)
        self._fees = fees
        self._candles = candles

    def write(self, entry: Entry) -> None:
        """Change the state by a journal entry."""
        self.state.apply(entry)
        self.step.entries.append(entry)

    def order(self, order: Order) -> Order:
        """Return the newest version of an order."""
        return self.state.books[order.symbol].orders[order.order_id]

    def accept(self, entry: Accepted) -> Order:
        """Put an order on the book and report it as NEW."""
        self.write(entry)
        order = self.state.books[entry.symbol].orders[entry.order_id]
        self._report(order, Execution.NEW)
        return order

    def queue(self, order: Order, ahead: Decimal | None) -> None:
        """Move an order in its queue, if it moved."""
        if ahead != order.ahead:
            self.write(Queued(order.symbol, order.order_id, ahead))

    def rest_filled(self, order: Order, quantity: Decimal) -> None:
        """Fill a resting order at its own limit and publish the trade."""
        match = Match(order.price, quantity, order)
        self._fill(order, match, self._next_trade_id(order.symbol), is_maker=True)
        self._publish(order.symbol, match, buyer_is_maker=order.side is Side.BUY)

    def taken(self, taker: Order, match: Match, owed: Decimal) -> None:
        """Fill an arriving order, and its maker if it is one of ours; publish the trade.

        `owed` is what the taker still pays at once, and has not locked.
        """
        trade_id = self._next_trade_id(taker.symbol)
        self._fill(taker, match, trade_id, is_maker=False, owed=owed)
        if match.maker:
            self._fill(match.maker, match, trade_id, is_maker=True)
        self._publish(taker.symbol, match, buyer_is_maker=taker.side is Side.SELL)

    def traded(self, trade: MarketTrade, rest: Decimal) -> None:
        """Record an outside trade and publish what of its volume none of our orders got."""
        last = self.state.books[trade.symbol].last_trade_id
        self.write(Priced(trade.symbol, trade.price, last + 1 if rest else last))
        if rest:
            match = Match(trade.price, rest, None)
            self._publish(trade.symbol, match, buyer_is_maker=trade.buyer_is_maker)

    def cancel(self, order: Order, client_order_id: str) -> None:
        """End an order as its owner asks, under a new id."""
        self._end(order, OrderStatus.CANCELED, client_order_id, ExpiryReason.NONE)
        self._report(self.order(order), Execution.CANCELED, renamed_from=order.client_order_id)

    def expire(self, order: Order, reason: ExpiryReason) -> None:
        """End an order by the exchange's rules."""
        self._end(order, OrderStatus.EXPIRED, order.client_order_id, reason)
        self._report(self.order(order), Execution.EXPIRED)

    def amend(self, order: Order, quantity: Decimal, client_order_id: str) -> None:
        """Reduce an order's quantity in its place, under a new id."""
        amended = Amended(order.symbol, order.order_id, quantity, client_order_id, self.step.at)
        self.write(amended)
        self._report(self.order(order), Execution.REPLACED, renamed_from=order.client_order_id)

    def self_match(self, taker: Order, match: SelfMatch, trade_group: int) -> None:
        """Take quantity from an arriving order, from its maker, or from both, and report it."""
        book = self.state.books[taker.symbol]
        last = book.last_execution_id
        self.write(
            SelfMatched(
                symbol=taker.symbol,
                taker_order_id=taker.order_id,
                maker_order_id=match.maker.order_id,
                price=match.price,
                quantity=match.quantity,
                mode=match.mode,
                taker_loss=match.taker_loss,
                maker_loss=match.maker_loss,
                transferred=match.transfers,
                time=self.step.at,
            )
        )
        sides = ((taker, match.maker, match.taker_loss), (match.maker, taker, match.maker_loss))
        for order, counter, loss in sides:
            if loss:
                last += 1
                lost = Prevention(loss, counter.order_id, match.price, match.quantity, trade_group)
                self._report(
                    self.order(order), Execution.TRADE_PREVENTION, prevention=lost, number=last
                )

    def prevent(self, entry: Prevented) -> None:
        """Take quantity away from an order by self-trade prevention."""
        self.write(entry)
        order = self.state.books[entry.symbol].orders[entry.order_id]
        prevention = Prevention(entry.quantity, entry.counter_order_id, order.price, entry.quantity)
        self._report(order, Execution.TRADE_PREVENTION, prevention=prevention)

    def adjust(self, account: str, asset: str, delta: Decimal) -> None:
        """Change a free balance from outside."""
        self.write(Adjusted(account, asset, delta, self.step.at))
        self.step.events.append(BalanceChange(account, asset, delta, self.step.at))
        self._position(account, [asset])

    def finish(self) -> Step:
        """Append one position per account that the reports concern, and return the step."""
        if not self.step.events:
            return self.step
        touched: dict[str, dict[str, None]] = {}
        for event in self.step.events:
            if isinstance(event, ExecutionReport):
                book = self.state.books[event.order.symbol]
                assets = {book.base: None, book.quote: None}
                if event.fill:
                    assets[event.fill.commission_asset] = None
                touched.setdefault(event.account, {}).update(assets)
        for account, moved in touched.items():
            self._position(account, moved)
        return self.step

    def _end(self, order: Order, status: OrderStatus, name: str, reason: ExpiryReason) -> None:
        self.write(Ended(order.symbol, order.order_id, status, name, reason, self.step.at))

    def _next_trade_id(self, symbol: str) -> int:
        return self.state.books[symbol].last_trade_id + 1

    def _fill(
        self,
        order: Order,
        match: Match,
        trade_id: int,
        *,
        is_maker: bool,
        owed: Decimal = ZERO,
    ) -> None:
        charge = self._fees.of(self.order(order), match, is_maker=is_maker, owed=owed)
        self.write(
            Filled(
                symbol=order.symbol,
                trade_id=trade_id,
                order_id=order.order_id,
                price=match.price,
                quantity=match.quantity,
                commission=charge.amount,
                commission_asset=charge.asset,
                is_maker=is_maker,
                time=self.step.at,
            )
        )
        self._report(self.order(order), Execution.TRADE)

    def _publish(self, symbol: str, match: Match, *, buyer_is_maker: bool) -> None:
        trade_id, now = self.state.books[symbol].last_trade_id, self.step.at
        self._candles[symbol].trade(now, match.price, match.quantity, buyer_is_maker=buyer_is_maker)
        self.step.trades.append(
            PublicTrade(symbol, trade_id, match.price, match.quantity, buyer_is_maker, now)
        )

    def _report(
        self,
        order: Order,
        execution: Execution,
        renamed_from: str = "",
        prevention: Prevention | None = None,
        number: int | None = None,
    ) -> None:
        """Report an execution; `number` is its id, None: the symbol's last one."""
        book = self.state.books[order.symbol]
        self.step.events.append(
            ExecutionReport(
                order=order,
                execution=execution,
                execution_id=book.last_execution_id if number is None else number,
                time=self.step.at,
                fill=book.fills[-1] if execution is Execution.TRADE else None,
                renamed_from=renamed_from,
                prevention=prevention,
            )
        )

    def _position(self, account: str, assets: Iterable[str]) -> None:
        owner = self.state.accounts[account]
        balances = tuple((asset, owner.of(asset)) for asset in assets)
        self.step.events.append(Position(account, self.step.at, balances))
