"""The leader of one symbol: starts traders, lets them step, and ends when a shutdown is done.

A sans-I/O machine: each method takes one event with the exchange's time and returns a `Decision`.
Before `start`, and while the symbol is off, it only learns: it decides nothing.

Nothing is assumed about the decision's fate: if the record or the exchange cannot be reached, the
whole machine is thrown away and built again from the record (`restore`, `reconcile`), which is
also how it starts.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from symbol_trader.core import ids, strategy
from symbol_trader.core.cycle import (
    AskForBid,
    CancelOrder,
    FetchFills,
    Finish,
    PlaceBuy,
    PlaceSell,
    Surroundings,
    Wait,
    next_step,
)
from symbol_trader.core.decisions import (
    Cancel,
    CheckOnRecord,
    Decision,
    FetchBid,
    FetchTrades,
    Place,
    Query,
    Reconcile,
    RefreshSymbol,
    Said,
)
from symbol_trader.core.money import ZERO, plain
from symbol_trader.core.order import Order
from symbol_trader.core.order_states import STATUS_NEWS, News
from symbol_trader.core.orders import (
    CancelIntent,
    ClientOrderId,
    ExchangeOrder,
    ExecutionReport,
    Fill,
    Intent,
    OrderState,
    Side,
    TimeInForce,
)
from symbol_trader.core.records import (
    CancelChange,
    FillRecorded,
    NewTrader,
    Snapshot,
    TraderResult,
    TraderState,
    TraderTerms,
)
from symbol_trader.core.refusals import (
    is_doubt,
    needs_refresh,
    reason_on_record,
    refusal_reason,
)
from symbol_trader.core.replies import Accepted, NotFound, Outcome, Refused, Unknown
from symbol_trader.core.settings import Settings, TradingStatus
from symbol_trader.core.strategy import Quote
from symbol_trader.core.symbols import TRADING, Commission, SymbolInfo
from symbol_trader.core.timing import Timing
from symbol_trader.core.trader import Block, Rebuy, Trader

ROLLED_BACK = "RecordRolledBack"

REJECTED = Refused(-2010, "rejected, as a report says")
"""What a report of REJECTED, which has no message of its own, amounts to."""


@dataclass(frozen=True, slots=True)
class ExchangeView:
    """What the exchange says when it is asked for everything: the input of `reconcile`.

    `answers` holds a reply for each order that is not over on record, `fills` the account's trades
    since the watermark with any that an unsettled order still lacks. `strangers` are orders with
    our mark, open or traded, that the record does not hold; `met` those that were known when they
    were looked for, None for those of now: one that was found since is not denied by the view.
    """

    answers: Mapping[ClientOrderId, ExchangeOrder | NotFound] = field(default_factory=dict)
    strangers: tuple[ExchangeOrder, ...] = ()
    fills: tuple[Fill, ...] = ()
    met: tuple[ExchangeOrder, ...] | None = None


@dataclass(slots=True)
class _Turn:
    """One event on its way through the machine."""

    now_ms: int
    seen: Decimal | None = None
    bid: Decimal | None = None
    decision: Decision = field(default_factory=Decision)

    def say(self, event: str, *, warning: bool = False, **facts: Any) -> None:
        self.decision.said.append(Said(event, facts, warning))


class Leader:
    """The traders of one symbol and the rules between them."""

    def __init__(
        self,
        snapshot: Snapshot,
        *,
        settings: Settings,
        symbol: SymbolInfo,
        commission: Commission,
        timing: Timing,
        new_bits: Callable[[], int],
        free: Mapping[str, Decimal] = MappingProxyType({}),
    ) -> None:
        """Take up the record. `new_bits` returns 64 random bits at each call.

        `free` is what the account has free of each asset that it holds.
        """
        self.settings = settings
        self.symbol = symbol
        self.commission = commission
        self.profit = snapshot.profit
        self.finished = snapshot.finished
        self.strangers: tuple[ExchangeOrder, ...] = ()
        self.last_price: Decimal | None = None
        self._free = dict(free)
        self._timing = timing
        self._new_bits = new_bits
        self._installation = snapshot.installation
        self._traders = {row.trader_id: Trader.restore(row) for row in snapshot.traders}
        self._carried_by_finished = snapshot.carried - self._carried_by_running()
        self._started = False
        self._shutdown_age_ms = snapshot.shutdown_age_ms
        self._draining_since_ms: int | None = None
        self._next_bid_ms = 0

    # What there is to see of it.

    @property
    def traders(self) -> tuple[Trader, ...]:
        """Return the running traders, oldest first."""
        return tuple(self._traders.values())

    @property
    def draining(self) -> bool:
        """Tell whether the symbol is being shut down."""
        return self.settings.status is TradingStatus.SHUTDOWN

    @property
    def drained(self) -> bool:
        """Tell whether a shutdown is done: no trader runs and none will be started."""
        return self.draining and not self._traders

    @property
    def halt(self) -> Block | None:
        """Say why nothing is placed for the whole symbol, if so: orders that nobody can explain."""
        if not self.strangers:
            return None
        names = ", ".join(order.client_order_id for order in self.strangers)
        text = f"on the exchange, not on record: {names}; see `symbol-trader disown --help`"
        return Block(ROLLED_BACK, text, None)

    @property
    def suspension(self) -> Block | None:
        """Say why no trader is started, if so: others canceled an order, nobody said to go on."""
        if not any(trader.interrupted for trader in self.traders):
            return None
        text = "an order was canceled by others; change the resource to go on"
        return Block("CanceledByOthers", text, None)

    @property
    def carried(self) -> Decimal:
        """Return the base asset that rounding left over and that a later sell will take along."""
        return self._carried_by_finished + self._carried_by_running()

    @property
    def committed_quote(self) -> Decimal:
        """Return the quote that all running cycles have spent or may still spend."""
        return sum((trader.committed_quote for trader in self.traders), ZERO)

    @property
    def open_orders(self) -> tuple[Order, ...]:
        """Return the orders that rest on the exchange."""
        return tuple(o for _, o in self._orders() if o.state is OrderState.OPEN)

    @property
    def orders_in_doubt(self) -> tuple[Order, ...]:
        """Return the orders whose fate the exchange must be asked for."""
        return tuple(o for _, o in self._orders() if o.in_doubt)

    @property
    def orders_to_ask_for(self) -> tuple[Order, ...]:
        """Return the orders that a reconciliation asks the exchange about."""
        return tuple(o for _, o in self._orders() if not o.state.final or not o.settled)

    # Events.

    def start(self, now_ms: int) -> Decision:
        """Begin to trade, after `reconcile`: go on with what is on record, or start afresh."""
        turn = _Turn(now_ms)
        self._started = True
        if self.draining:
            self._draining_since_ms = now_ms - self._shutdown_age_ms
            turn.say("shutdown initiated", running=len(self._traders))
        else:
            turn.say("starting trading", budget=plain(self.settings.budget))
        for trader in self.traders:
            turn.say("initialising trader", trader=trader.trader_id, why="unfinished on record")
        self._advance_all(turn)
        return turn.decision

    def see_price(self, price: Decimal, now_ms: int) -> Decision:
        """Take in a public trade: the moment for buys and for rebuy triggers."""
        turn = _Turn(now_ms, seen=price)
        self.last_price = price
        if not self._idle:
            for trader in self.traders:
                self._judge_rebuy(trader, price, turn)
        self._advance_all(turn)
        return turn.decision

    def hear_report(self, report: ExecutionReport, now_ms: int) -> Decision:
        """Take in an execution report; one about an order that nobody here knows is a warning."""
        turn = _Turn(now_ms)
        fills = (report.fill,) if report.fill else ()
        self._learn(report.order, fills, turn)
        return turn.decision

    def place_replied(
        self, client_order_id: ClientOrderId, outcome: Outcome, now_ms: int
    ) -> Decision:
        """Take in what became of a request to place an order."""
        turn = _Turn(now_ms)
        found = self._find(client_order_id)
        match outcome:
            case Accepted(order, fills):
                self._learn(order, fills, turn)
            case Refused(code, message) if found and not is_doubt(code, message):
                self._refused(*found, outcome, turn)
            case Refused(_, why) | Unknown(why) if found:
                self._doubt(*found, why, turn)
        return turn.decision

    def cancel_replied(self, intent: CancelIntent, outcome: Outcome, now_ms: int) -> Decision:
        """Take in what became of a request to cancel an order."""
        turn = _Turn(now_ms)
        match outcome:
            case Accepted(order, fills):
                turn.decision.changes.append(CancelChange(intent.cancel_id, "accepted"))
                self._learn(order, fills, turn)
            case Refused(code, message):
                self._cancel_failed(intent, "refused", f"{code} {message}", turn)
            case unknown:
                self._cancel_failed(intent, "undecided", unknown.why, turn)
        return turn.decision

    def query_replied(
        self, client_order_id: ClientOrderId, answer: ExchangeOrder | NotFound, now_ms: int
    ) -> Decision:
        """Take in the answer to a query for an order."""
        turn = _Turn(now_ms)
        self._answered(client_order_id, answer, turn, thorough=False)
        return turn.decision

    def fills_fetched(
        self, client_order_id: ClientOrderId, fills: tuple[Fill, ...], now_ms: int
    ) -> Decision:
        """Take in the fills of one order."""
        turn = _Turn(now_ms)
        if found := self._find(client_order_id):
            self._add_fills(*found, fills, turn)
            self._advance(found[0], turn)
        return turn.decision

    def bid_fetched(self, bid: Decimal, now_ms: int) -> Decision:
        """Take in the best bid, zero if there is none: the moment for sells at a deadline."""
        turn = _Turn(now_ms, bid=bid)
        self._advance_all(turn)
        return turn.decision

    def reconcile(self, view: ExchangeView, now_ms: int) -> Decision:
        """Bring the record and the exchange together: at start, after each outage, and at times."""
        turn = _Turn(now_ms)
        for client_order_id, answer in view.answers.items():
            self._answered(client_order_id, answer, turn, thorough=True)
        self._sort_fills(view.fills, turn)
        met = self.strangers if view.met is None else view.met
        found_since = (order for order in self.strangers if order not in met)
        self._meet((*view.strangers, *found_since), turn)
        self._advance_all(turn)
        return turn.decision

    def strangers_found(self, orders: tuple[ExchangeOrder, ...], now_ms: int) -> Decision:
        """Take in orders with our mark that the record turned out not to hold."""
        turn = _Turn(now_ms)
        self._meet((*self.strangers, *orders), turn)
        return turn.decision

    def change_settings(
        self, settings: Settings, now_ms: int, *, continued: bool = True
    ) -> Decision:
        """Apply new settings: to the next trader and the next rebuy decision.

        A person's change is also the word that traders wait for whose order others canceled.
        Unless it is `continued`, others were missed before it, and an off may be among them: a
        shutdown counts from now then.
        """
        turn = _Turn(now_ms)
        before, self.settings = self.settings, settings
        self._tell_status(before, turn)
        if not self.draining:
            self._draining_since_ms = None
        elif self._draining_since_ms is None or not continued:
            self._draining_since_ms = now_ms
        self._pardon()
        if before != settings and not self._idle:
            self._replace_those_that_never_bought(turn)
        self._advance_all(turn)
        return turn.decision

    def stop(self, now_ms: int) -> Decision:
        """Take in that the symbol goes off; where no cycle has begun, nothing is left over."""
        turn = _Turn(now_ms)
        self.settings = replace(self.settings, status=TradingStatus.OFF)
        if not any(trader.last_order for trader in self.traders):
            end = Finish(TraderState.FINISHED, "stopped before it bought", ZERO)
            for trader in self.traders:
                self._end(trader, end, turn)
        return turn.decision

    def describe(self, symbol: SymbolInfo, commission: Commission) -> None:
        """Take in the symbol's filters, status and commission, read again."""
        resumed = self.symbol.status != TRADING and symbol.status == TRADING
        self.symbol, self.commission = symbol, commission
        for trader in self.traders:
            if resumed and trader.block and trader.block.reason == "SymbolNotTrading":
                trader.block = None

    def balance_changed(
        self, now_ms: int, free: Mapping[str, Decimal] = MappingProxyType({})
    ) -> Decision:
        """Take in what is free now of some assets, and try again what lacked balance."""
        turn = _Turn(now_ms)
        self._free |= free
        for trader in self.traders:
            if trader.block and trader.block.reason == "InsufficientBalance":
                trader.block = None
                self._advance(trader, turn)
        return turn.decision

    def pass_time(self, now_ms: int) -> Decision:
        """Do what is due: ask for orders in doubt, try again what was refused."""
        turn = _Turn(now_ms)
        for _, order in self._orders():
            self._ask_if_due(order, turn)
        self._advance_all(turn)
        return turn.decision

    # Orders.

    def _orders(self) -> Iterator[tuple[Trader, Order]]:
        for trader in self.traders:
            for order in trader.orders:
                yield trader, order

    def _find(self, client_order_id: str) -> tuple[Trader, Order] | None:
        pairs = self._orders()
        return next((p for p in pairs if p[1].intent.client_order_id == client_order_id), None)

    def _learn(self, seen: ExchangeOrder, fills: tuple[Fill, ...], turn: _Turn) -> None:
        found = self._find(seen.client_order_id)
        if found is None:
            self._unknown_news(seen, turn)
            return
        trader, order = found
        if STATUS_NEWS.get(seen.status) is News.REFUSED:
            self._refused(trader, order, REJECTED, turn)
            return
        changed = order.learn(seen)
        self._add_fills(trader, order, fills, turn, tell=changed)
        if order.state.final:
            order.cancel_pending = order.cancel_doubted = False
        if changed:
            trader.refusals, trader.block = 0, None
        self._advance(trader, turn)

    def _add_fills(
        self,
        trader: Trader,
        order: Order,
        fills: tuple[Fill, ...],
        turn: _Turn,
        *,
        tell: bool = False,
    ) -> None:
        executed = order.executed
        new = [fill for fill in fills if order.add_fill(fill)]
        if tell or order.executed != executed:
            turn.decision.changes.append(order.change())
            self._tell_order(trader, order, turn)
        turn.decision.changes.extend(
            FillRecorded(order.intent.client_order_id, order.side, fill) for fill in new
        )

    def _sort_fills(self, fills: tuple[Fill, ...], turn: _Turn) -> None:
        for trader, order in list(self._orders()):
            if order.order_id is not None:
                own = tuple(fill for fill in fills if fill.order_id == order.order_id)
                self._add_fills(trader, order, own, turn)

    def _unknown_news(self, seen: ExchangeOrder, turn: _Turn) -> None:
        """Have the record asked: late news of a finished trader, or an order that must not be.

        A rejected order never was on the book, whoever asked for it.
        """
        rejected = STATUS_NEWS.get(seen.status) is News.REFUSED
        if not rejected and self.marks(seen.client_order_id):
            turn.decision.requests.append(CheckOnRecord(seen))

    def marks(self, client_order_id: str) -> bool:
        """Tell whether a leader placed an order, and no trader that runs here.

        An order that counts as refused or absent here is nobody's either, should it be there.
        """
        if not ids.is_marked(client_order_id):
            return False
        found = self._find(client_order_id)
        return found is None or not found[1].existed

    def _meet(self, orders: tuple[ExchangeOrder, ...], turn: _Turn) -> None:
        """Stop placing while orders with our mark are about that the record does not hold."""
        known = {order.client_order_id for order in self.strangers}
        self.strangers = tuple({order.client_order_id: order for order in orders}.values())
        for trader in self.traders:
            if trader.block and trader.block.reason == ROLLED_BACK and not self.strangers:
                trader.block = None
        for order in self.strangers:
            if order.client_order_id not in known:
                turn.say(
                    "news of a trader that this leader does not know",
                    warning=True,
                    order=order.client_order_id,
                    status=order.status,
                )

    def _refused(self, trader: Trader, order: Order, refusal: Refused, turn: _Turn) -> None:
        message = reason_on_record(refusal)
        if not order.hear(News.REFUSED, message):
            return
        turn.decision.changes.append(order.change())
        trader.refusals += 1
        pause = self._timing.retry_pause_ms(trader.refusals)
        reason = refusal_reason(refusal)
        if reason == "InsufficientBalance":
            message += f" It needs {self._shortfall(order.intent)}"
        trader.block = Block(reason, message, turn.now_ms + pause)
        turn.say(
            "order refused",
            warning=True,
            trader=trader.trader_id,
            order=order.intent.client_order_id,
            why=trader.block.message,
            retry_in_ms=pause,
        )
        if needs_refresh(reason):
            turn.decision.requests.append(RefreshSymbol())
        self._advance(trader, turn)

    def _shortfall(self, intent: Intent) -> str:
        """Say what an order needs and what the account has free, all symbols and people taken."""
        asset, need = self.symbol.base_asset, intent.quantity
        if intent.side is Side.BUY:
            asset, need = self.symbol.quote_asset, intent.quantity * intent.price
        have = self._free.get(asset, ZERO)
        return f"{plain(need)} {asset}; free in the account: {plain(have)} {asset}"

    def _doubt(self, trader: Trader, order: Order, why: str, turn: _Turn) -> None:
        if not order.hear(News.DOUBT, why):
            return
        turn.decision.changes.append(order.change())
        order.next_query_ms = turn.now_ms
        turn.say(
            "order in doubt",
            warning=True,
            trader=trader.trader_id,
            order=order.intent.client_order_id,
            why=why,
        )
        self._ask_if_due(order, turn)

    def _cancel_failed(self, intent: CancelIntent, outcome: str, why: str, turn: _Turn) -> None:
        turn.decision.changes.append(CancelChange(intent.cancel_id, outcome, why))
        if found := self._find(intent.client_order_id):
            found[1].cancel_doubted = not found[1].state.final
            found[1].next_query_ms = turn.now_ms
            self._ask_if_due(found[1], turn)

    def _ask_if_due(self, order: Order, turn: _Turn) -> None:
        if not order.in_doubt or turn.now_ms < order.next_query_ms:
            return
        order.next_query_ms = turn.now_ms + self._timing.exchange_timeout_ms
        requests = turn.decision.requests
        if order.state.final and order.order_id is not None:
            requests.append(FetchTrades(order.intent.client_order_id, order.order_id))
        else:
            requests.append(Query(order.intent.client_order_id, order.order_id))

    def _answered(
        self,
        client_order_id: ClientOrderId,
        answer: ExchangeOrder | NotFound,
        turn: _Turn,
        *,
        thorough: bool,
    ) -> None:
        """Take in an answer; a `thorough` one has looked among open orders and trades as well."""
        found = self._find(client_order_id)
        if found is None:
            return
        trader, order = found
        order.next_query_ms = turn.now_ms + self._timing.query_every_ms
        self._give_up_cancel(order, turn)
        if isinstance(answer, NotFound):
            self._denied(trader, order, answer, turn, thorough=thorough)
            return
        self._learn(answer, (), turn)

    def _give_up_cancel(self, order: Order, turn: _Turn) -> None:
        """Let another cancel be tried when the last one can no longer take effect."""
        if order.cancels and turn.now_ms > order.cancels[-1].timestamp_ms + self._timing.bound_ms:
            order.cancel_pending = order.cancel_doubted = False

    def _denied(
        self, trader: Trader, order: Order, answer: NotFound, turn: _Turn, *, thorough: bool
    ) -> None:
        """Count denials of an undecided order once it can no longer appear.

        The last of them has to be thorough: what answers queries may lag behind the trades.
        """
        if answer.as_of_ms <= order.intent.timestamp_ms + self._timing.bound_ms:
            return
        if thorough:
            order.denied = order.state is OrderState.OPEN
        if order.state is not OrderState.UNDECIDED:
            return
        missing = self._timing.absences_needed - order.late_absences
        if missing <= 1 and not thorough:
            turn.decision.requests.append(Reconcile())
            return
        order.late_absences += 1
        if missing > 1:
            return
        order.hear(News.ABSENT, "never reached the exchange")
        turn.decision.changes.append(order.change())
        turn.say("order proved absent", trader=trader.trader_id, order=order.intent.client_order_id)
        self._advance(trader, turn)

    # Traders.

    @property
    def _idle(self) -> bool:
        return not self._started or self.settings.status is TradingStatus.OFF

    def _advance_all(self, turn: _Turn) -> None:
        for trader in self.traders:
            self._advance(trader, turn)
        if not self._traders and not self._idle and not self.draining:
            self._start_trader("none runs", turn)

    def _advance(self, trader: Trader, turn: _Turn) -> None:
        """Take a trader's next step; what follows from it comes as an event of its own."""
        if self._idle:
            return
        match next_step(trader, self._around(trader, turn)):
            case Wait(block):
                self._wait(trader, block, turn)
            case PlaceBuy(quote):
                self._place(trader, Side.BUY, quote, turn)
            case PlaceSell(quote, time_in_force):
                self._place(trader, Side.SELL, quote, turn, time_in_force)
            case AskForBid():
                self._ask_for_bid(turn)
            case CancelOrder(order, reason):
                self._cancel(trader, order, reason, turn)
            case FetchFills(order):
                self._ask_if_due(order, turn)
            case end:
                self._finish(trader, end, turn)

    def _around(self, trader: Trader, turn: _Turn) -> Surroundings:
        return Surroundings(
            turn.now_ms,
            self.settings,
            self.draining,
            self.symbol,
            self.commission,
            turn.seen,
            lambda: self._spendable(trader),
            lambda: self.carried,
            self._overdue(turn.now_ms),
            turn.bid,
        )

    def _spendable(self, trader: Trader) -> Decimal:
        """Return the budget that the other traders leave."""
        return self.settings.budget - (self.committed_quote - trader.committed_quote)

    def _overdue(self, now_ms: int) -> bool:
        """Tell whether a shutdown has passed its deadline; not while a person has to look first."""
        since_ms, deadline_ms = self._draining_since_ms, self.settings.deadline_ms
        if since_ms is None or deadline_ms is None or self.halt:
            return False
        return now_ms - since_ms >= deadline_ms

    def _ask_for_bid(self, turn: _Turn) -> None:
        if turn.now_ms >= self._next_bid_ms:
            self._next_bid_ms = turn.now_ms + self._timing.query_every_ms
            turn.decision.requests.append(FetchBid())

    def _wait(self, trader: Trader, block: Block | None, turn: _Turn) -> None:
        before, trader.block = trader.block, block
        if block and (before is None or before.reason != block.reason):
            turn.say(
                "trader is blocked",
                warning=True,
                trader=trader.trader_id,
                reason=block.reason,
                why=block.message,
            )

    def _obstacle(self, turn: _Turn) -> Block | None:
        """Say what keeps the whole symbol from placing orders, if anything."""
        if self.halt or self.symbol.status == TRADING:
            return self.halt
        if RefreshSymbol() not in turn.decision.requests:
            turn.decision.requests.append(RefreshSymbol())
        until_ms = turn.now_ms + self._timing.retry_most_ms
        return Block("SymbolNotTrading", f"the symbol is {self.symbol.status}", until_ms)

    def _place(
        self,
        trader: Trader,
        side: Side,
        quote: Quote,
        turn: _Turn,
        time_in_force: TimeInForce = TimeInForce.GTC,
    ) -> None:
        if obstacle := self._obstacle(turn):
            self._wait(trader, obstacle, turn)
            return
        attempt = len(trader.leg(side)) + 1
        intent = Intent(
            ids.client_order_id(self._installation, trader.trader_id, side, attempt),
            trader.trader_id,
            side,
            attempt,
            quote.price,
            quote.quantity,
            turn.now_ms,
            self._timing.recv_window_ms,
            time_in_force,
        )
        trader.block = None
        trader.orders.append(Order(intent))
        turn.decision.requests.append(Place(intent))
        turn.say(
            f"placing {side.lower()}",
            trader=trader.trader_id,
            price=plain(quote.price),
            quantity=plain(quote.quantity),
            order=intent.client_order_id,
        )

    def _cancel(self, trader: Trader, order: Order, reason: str, turn: _Turn) -> None:
        attempt = len(order.cancels) + 1
        intent = CancelIntent(
            ids.cancel_id(order.intent.client_order_id, attempt),
            order.intent.client_order_id,
            trader.trader_id,
            attempt,
            turn.now_ms,
            self._timing.recv_window_ms,
            reason,
        )
        order.cancels.append(intent)
        order.cancel_pending = True
        turn.decision.requests.append(Cancel(intent))
        turn.say(
            "canceling order", trader=trader.trader_id, order=intent.client_order_id, why=reason
        )

    def _finish(self, trader: Trader, end: Finish, turn: _Turn) -> None:
        self._end(trader, end, turn)
        self._replace(turn)

    def _end(self, trader: Trader, end: Finish, turn: _Turn) -> None:
        profit = trader.profit(self.symbol.base_asset, self.symbol.quote_asset)
        self._carried_by_finished += self._carried_by(trader)
        del self._traders[trader.trader_id]
        self.profit += profit
        self.finished += 1
        turn.decision.changes.append(
            TraderResult(trader.trader_id, end.state, end.reason, turn.now_ms, profit, end.quantity)
        )
        turn.say(
            "trader finished",
            trader=trader.trader_id,
            state=end.state,
            why=end.reason,
            profit=plain(profit),
        )

    def _replace(self, turn: _Turn) -> None:
        if self.draining:
            turn.say("will not start a new trader in shutdown", running=len(self._traders))
        elif self.suspension is None and len(self._traders) < self.settings.chunks:
            self._start_trader("the one before finished", turn)

    def _start_trader(self, reason: str, turn: _Turn, parent: Trader | None = None) -> None:
        s = self.settings
        terms = TraderTerms(s.chunk_budget, s.buy_down, s.profit, s.rebuy)
        trader = Trader(ids.trader_id(self._new_bits()), terms, turn.now_ms)
        self._traders[trader.trader_id] = trader
        parent_id = parent.trader_id if parent else None
        turn.decision.changes.append(
            NewTrader(trader.trader_id, terms, turn.now_ms, reason, parent_id)
        )
        turn.say("initialising trader", trader=trader.trader_id, why=reason)

    def _judge_rebuy(self, trader: Trader, price: Decimal, turn: _Turn) -> None:
        bought_at = trader.buy_price
        if trader.rebuy is not Rebuy.ARMED or bought_at is None:
            return
        if not strategy.rebuy_triggered(bought_at, trader.terms.rebuy, price):
            return
        turn.say(
            "rebuy triggered", trader=trader.trader_id, bought_at=plain(bought_at), now=plain(price)
        )
        if why := self._no_room():
            trader.rebuy = Rebuy.REFUSED
            turn.say(why, trader=trader.trader_id, running=len(self._traders))
            return
        trader.rebuy = Rebuy.SPENT
        self._start_trader("rebuy", turn, parent=trader)

    def _no_room(self) -> str | None:
        if self.draining:
            return "will not start a new trader in shutdown"
        if len(self._traders) >= self.settings.chunks:
            return "all traders already started"
        return self.suspension.message if self.suspension else None

    # Settings.

    def _tell_status(self, before: Settings, turn: _Turn) -> None:
        if self.settings == before:
            turn.say("shutdown already initiated" if self.draining else "already started")
        elif self.settings.status is before.status:
            turn.say("settings changed")
        elif self.draining:
            turn.say("shutdown initiated", running=len(self._traders))
        elif self.settings.status is TradingStatus.ON:
            turn.say("starting trading", why="switched on", running=len(self._traders))

    def _pardon(self) -> None:
        for trader in self.traders:
            trader.block = None
            if trader.rebuy is Rebuy.REFUSED:
                trader.rebuy = Rebuy.ARMED
            for order in trader.orders:
                # A word that was given before an order's end does not mean that end.
                order.pardoned |= order.state.final

    def _replace_those_that_never_bought(self, turn: _Turn) -> None:
        """Let a trader that has no order make way for one with the new settings."""
        for trader in self.traders:
            if trader.last_order is None and not self.draining:
                end = Finish(TraderState.FINISHED, "settings changed before it bought", ZERO)
                self._finish(trader, end, turn)

    # The ledger.

    def _carried_by_running(self) -> Decimal:
        return sum((self._carried_by(trader) for trader in self.traders), ZERO)

    def _carried_by(self, trader: Trader) -> Decimal:
        """Return what a cycle leaves to the ledger: received, less what it set out to sell."""
        target = trader.sell_target
        return ZERO if target is None else trader.received(self.symbol.base_asset) - target

    def _tell_order(self, trader: Trader, order: Order, turn: _Turn) -> None:
        partly = order.state is OrderState.OPEN and order.executed
        turn.say(
            f"{order.side.lower()} {'partially filled' if partly else order.state}",
            trader=trader.trader_id,
            executed=f"{plain(order.executed)}/{plain(order.intent.quantity)}",
            price=plain(order.intent.price),
            order_id=order.order_id,
        )


def new_trader_bits(random_bits: Callable[[int], int]) -> Callable[[], int]:
    """Adapt a source of randomness (`random.getrandbits`, say) to what `Leader` asks for."""
    return lambda: random_bits(ids.TRADER_BITS)
