"""Learning: what replies, reports, queries and denials say of orders.

It writes orders, the balances and the orders that are not on record, and never starts, places,
cancels or ends anything: whoever was touched takes the next step afterwards (`cycles`).
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal

from symbol_trader.core.context import EventContext
from symbol_trader.core.decisions import CheckOnRecord, FetchTrades, Query, Reconcile, RefreshSymbol
from symbol_trader.core.events import Answer, ExchangeView
from symbol_trader.core.fees import FeeKey
from symbol_trader.core.money import ZERO, plain
from symbol_trader.core.order import Order
from symbol_trader.core.order_states import STATUS_NEWS, News
from symbol_trader.core.orders import (
    CancelIntent,
    ClientOrderId,
    ExchangeOrder,
    Fill,
    Intent,
    OrderState,
    Side,
    TimeInForce,
    TraderId,
)
from symbol_trader.core.reasons import Block, Need, Reason
from symbol_trader.core.records import CancelChange, FeeValued, FillRecorded, FillsGivenUp
from symbol_trader.core.refusals import (
    is_denial,
    is_doubt,
    needs_refresh,
    passes,
    reason_on_record,
    refusal_reason,
)
from symbol_trader.core.replies import (
    Accepted,
    Archived,
    AssetPrice,
    NotFound,
    NotSent,
    Outcome,
    Refused,
)
from symbol_trader.core.state import State
from symbol_trader.core.symbols import TRADING, Commission, SymbolInfo
from symbol_trader.core.trader import Trader
from symbol_trader.errors import Contradiction

REJECTED = Refused(-2010, "rejected, as a report says")
"""What a report of REJECTED, which has no message of its own, amounts to."""


class Evidence:
    """What is learned of one symbol's orders."""

    def __init__(self, state: State) -> None:
        """Write into this state."""
        self._state = state

    # What can be said of an order.

    def order_seen(self, seen: ExchangeOrder, fills: tuple[Fill, ...], ctx: EventContext) -> None:
        """Take in an order as the exchange describes it, with executions that came along."""
        found = self._state.find_seen(seen)
        if found is None:
            self._unknown_order(seen, ctx)
            return
        with self._contained(found[0], ctx):
            if STATUS_NEWS.get(seen.status) is News.REFUSED:
                self._refused(*found, REJECTED, ctx)
            else:
                self._learn(*found, seen, fills, ctx)

    def _learn(
        self,
        trader: Trader,
        order: Order,
        seen: ExchangeOrder,
        fills: tuple[Fill, ...],
        ctx: EventContext,
    ) -> None:
        was_over = order.state.final
        changed = order.learn(seen)
        self._state.index(trader, order)
        self._add_fills(trader, order, fills, ctx, tell=changed)
        if order.state.final:
            order.cancel_pending = order.cancel_doubted = False
        if order.ended_unfilled_buy and not was_over:
            self._state.buy_ended(ctx.now_ms)
        if changed:
            trader.refusals, trader.block = 0, None
        ctx.touch(trader)

    @contextmanager
    def _contained(self, trader: Trader, ctx: EventContext) -> Iterator[None]:
        """Let a contradiction stop this trader alone, until a person has settled it."""
        try:
            yield
        except Contradiction as exc:
            self.contradicted(trader, str(exc), ctx)

    def contradicted(self, trader: Trader, why: str, ctx: EventContext) -> None:
        """Take in that exchange and record cannot both be right about one of a trader's orders."""
        ctx.touch(trader)
        text = f"{why}; see `symbol-trader settle --help`"
        if trader.contradiction == text:
            return
        trader.contradiction = text
        ctx.say(
            "exchange and record contradict each other",
            warning=True,
            trader=trader.trader_id,
            why=why,
        )

    def place_replied(
        self, client_order_id: ClientOrderId, outcome: Outcome, ctx: EventContext
    ) -> None:
        """Take in what became of a request to place an order."""
        found = self._state.find(client_order_id)
        match outcome:
            case Accepted(order, fills):
                self.order_seen(order, fills, ctx)
            case Refused(code, message) if found and not is_doubt(code, message):
                with self._contained(found[0], ctx):
                    self._refused(*found, outcome, ctx)
            case Refused(_, why) if found:
                self._doubt(*found, why, ctx)
            case NotSent() if found:
                with self._contained(found[0], ctx):
                    self._not_sent(*found, outcome, ctx)
            case unknown if found and not isinstance(unknown, Refused):
                self._doubt(*found, unknown.why, ctx)

    def cancel_replied(self, intent: CancelIntent, outcome: Outcome, ctx: EventContext) -> None:
        """Take in what became of a request to cancel an order."""
        match outcome:
            case Accepted(order, fills):
                ctx.change(CancelChange(intent.cancel_id, "accepted"))
                self.order_seen(order, fills, ctx)
            case Refused(code, message):
                denied = is_denial(message)
                self._cancel_failed(intent, "refused", f"{code} {message}", ctx, denied=denied)
            case NotSent():
                self._cancel_not_sent(intent, outcome, ctx)
            case unknown:
                self._cancel_failed(intent, "undecided", unknown.why, ctx)

    def answered(
        self,
        client_order_id: ClientOrderId,
        answer: Answer,
        ctx: EventContext,
        *,
        thorough: bool = False,
    ) -> None:
        """Take in an answer; a `thorough` one has looked among open orders and trades as well."""
        found = self._state.find(client_order_id)
        if found is None:
            return
        trader, order = found
        order.next_query_ms = ctx.now_ms + self._state.timing.query_every_ms
        self._give_up_cancel(order, ctx)
        match answer:
            case ExchangeOrder():
                self.order_seen(answer, (), ctx)
            case NotFound():
                self._denied(trader, order, answer, ctx, thorough=thorough)
            case Archived():
                self._archived(trader, order, ctx)

    def _archived(self, trader: Trader, order: Order, ctx: EventContext) -> None:
        """Take in that an order ended long ago without executing anything.

        One without an answer as yet is asked for again once it is in doubt.
        """
        if order.state is OrderState.INTENT:
            return
        with self._contained(trader, ctx):
            if order.executed:
                order.last_said = News.GONE
                name = order.intent.client_order_id
                raise Contradiction(
                    f"{name} executed {plain(order.executed)} on record, the exchange says nothing"
                )
            self.give_up_order(trader, order, "ended without executing anything (archived)", ctx)

    def give_up_order(self, trader: Trader, order: Order, reason: str, ctx: EventContext) -> None:
        """Take an order for over: the exchange keeps nothing of it, or a deadline has passed."""
        if order.hear(News.GONE, reason):
            ctx.change(order.change())
            _tell_order(trader, order, ctx)
        order.cancel_pending = order.cancel_doubted = False
        self._state.given_up[order.intent.client_order_id] = order.executed
        ctx.touch(trader)

    def give_up_fills(self, trader: Trader, order: Order, ctx: EventContext) -> None:
        """Go by what a finished order executed: its fills could not be read in time."""
        missing = order.executed - order.filled
        order.give_up_fills()
        name = order.intent.client_order_id
        ctx.change(FillsGivenUp(name))
        ctx.say(
            "fills given up",
            warning=True,
            trader=trader.trader_id,
            order=name,
            missing=plain(missing),
        )

    def fills_fetched(
        self, client_order_id: ClientOrderId, fills: tuple[Fill, ...], ctx: EventContext
    ) -> None:
        """Take in the fills of one order; what is missing still is asked for ever more rarely."""
        if found := self._state.find(client_order_id):
            trader, order = found
            pause_ms = self._state.timing.retry_pause_ms(max(order.fill_queries, 1))
            order.next_query_ms = ctx.now_ms + pause_ms
            self._add_fills(trader, order, fills, ctx)
            ctx.touch(trader)

    def view_read(self, view: ExchangeView, ctx: EventContext) -> None:
        """Bring the record and the exchange together: at start, after each outage, and at times."""
        for client_order_id, answer in view.answers.items():
            self.answered(client_order_id, answer, ctx, thorough=True)
        self._sort_fills(view.fills, ctx)
        met = self._state.strangers if view.met is None else view.met
        found_since = (order for order in self._state.strangers if order not in met)
        self._meet((*view.strangers, *found_since), ctx)

    def record_refused(
        self,
        trader_id: TraderId,
        why: str,
        ctx: EventContext,
        *,
        unsent: ClientOrderId | None = None,
    ) -> None:
        """Take in that the record cannot have what a trader led to: an order was not sent then."""
        if unsent and (found := self._state.find(unsent)):
            found[1].hear(News.REFUSED, why)
        if trader := self._state.traders.get(trader_id):
            self.contradicted(trader, why, ctx)

    # What is not about one order of ours.

    def strangers_found(self, orders: tuple[ExchangeOrder, ...], ctx: EventContext) -> None:
        """Take in orders with our mark that the record turned out not to hold."""
        self._meet((*self._state.strangers, *orders), ctx)

    def symbol_read(self, symbol: SymbolInfo, commission: Commission) -> None:
        """Take in the symbol's filters, status and commission, read again."""
        state = self._state
        resumed = state.symbol.status != TRADING and symbol.status == TRADING
        state.symbol, state.commission = symbol, commission
        if resumed:
            self._unblock(Reason.SYMBOL_NOT_TRADING)

    def balance_changed(self, free: Mapping[str, Decimal], ctx: EventContext) -> None:
        """Take in what is free now of some assets, and let be tried again what lacked balance.

        Only what has grown is news to those who lack it, and it is enough for some of them at most:
        whoever has waited longest comes first.
        """
        known = self._state.free
        grown = {asset: amount for asset, amount in free.items() if amount > known.get(asset, ZERO)}
        known |= free
        for trader in tuple(self._state.traders.values()):
            if need := _lacking(trader):
                left = grown.get(need.asset, ZERO)
                if need.amount <= left:
                    grown[need.asset] = left - need.amount
                    trader.block = None
                    ctx.touch(trader)

    def paused(self, until_ms: int | None) -> None:
        """Take in until when the exchange has banned the address, if it has."""
        self._state.banned_until_ms = until_ms or 0

    def ask_if_due(self, order: Order, ctx: EventContext) -> None:
        """Have an order in doubt asked for, or its missing fills, if it is time."""
        due_ms = max(order.next_query_ms, self._state.banned_until_ms)
        if not order.in_doubt or ctx.now_ms < due_ms:
            return
        timing = self._state.timing
        order.next_query_ms = ctx.now_ms + timing.exchange_timeout_ms
        if order.state.final and order.order_id is not None:
            order.fill_queries += 1
            ctx.request(FetchTrades(order.intent.client_order_id, order.order_id))
        else:
            ctx.request(Query(order.intent.client_order_id, order.order_id))

    def ask_for_all_due(self, ctx: EventContext) -> None:
        """Have every order in doubt, and each fee without a value, asked for at its time."""
        for _, order in self._state.orders():
            self.ask_if_due(order, ctx)
        if not self._state.banned(ctx.now_ms):
            for request in self._state.fees.due(ctx.now_ms):
                ctx.request(request)

    def fee_priced(self, key: FeeKey, price: AssetPrice | None, ctx: EventContext) -> None:
        """Take in what a third asset cost at a fill: a fee of an ended cycle is charged late."""
        for valued in self._state.fees.priced(key, price, ctx.now_ms):
            if trader := self._state.traders.get(valued.trader_id):
                trader.value_fee(valued)
            else:
                self._charge_late(valued, ctx)
            ctx.change(valued)

    def _charge_late(self, valued: FeeValued, ctx: EventContext) -> None:
        worth = valued.value
        self._state.ledger.charge(worth.value)
        ctx.say(
            "fee of a finished trader valued",
            trader=valued.trader_id,
            profit_falls_by=plain(worth.value),
            price=plain(worth.price),
            source=worth.source,
        )

    # Orders.

    def _add_fills(
        self,
        trader: Trader,
        order: Order,
        fills: Iterable[Fill],
        ctx: EventContext,
        *,
        tell: bool = False,
    ) -> None:
        executed = order.executed
        new = [fill for fill in fills if order.add_fill(fill)]
        if new or order.executed != executed:
            self._traded()
        if tell or order.executed != executed:
            ctx.change(order.change())
            _tell_order(trader, order, ctx)
        name = order.intent.client_order_id
        symbol = self._state.symbol
        ctx.change(*(FillRecorded(name, order.side, f, symbol.fee_asset(f)) for f in new))
        for fill in new:
            self._state.note_fee(trader, fill)

    def _traded(self) -> None:
        self._state.traded()
        self._unblock(Reason.BUYS_ENDED)

    def _sort_fills(self, fills: Iterable[Fill], ctx: EventContext) -> None:
        by_order: dict[int, list[Fill]] = {}
        for fill in fills:
            by_order.setdefault(fill.order_id, []).append(fill)
        for order_id, own in by_order.items():
            if found := self._state.find_by_id(order_id):
                self._add_fills(*found, own, ctx)

    def _unknown_order(self, seen: ExchangeOrder, ctx: EventContext) -> None:
        """Have the record asked: late news of a finished trader, or an order that must not be.

        A rejected order never was on the book, whoever asked for it.
        """
        self._tell_late_execution(seen, ctx)
        rejected = STATUS_NEWS.get(seen.status) is News.REFUSED
        if not rejected and self._state.marks(seen.client_order_id):
            ctx.request(CheckOnRecord(seen))

    def _tell_late_execution(self, seen: ExchangeOrder, ctx: EventContext) -> None:
        """Say where an order traded on that was given up: the record of its trader is closed."""
        name, given_up = seen.client_order_id, self._state.given_up
        on_record = given_up.get(name, seen.executed)
        if seen.executed <= on_record:
            return
        given_up[name] = seen.executed
        ctx.say(
            "an order that was given up has executed more",
            warning=True,
            order=name,
            order_id=seen.order_id,
            executed=plain(seen.executed),
            counted=plain(on_record),
        )

    def _meet(self, orders: Iterable[ExchangeOrder], ctx: EventContext) -> None:
        """Stop placing while orders with our mark exist that the record does not hold."""
        state = self._state
        known = {order.client_order_id for order in state.strangers}
        state.strangers = tuple({order.client_order_id: order for order in orders}.values())
        if not state.strangers:
            self._unblock(Reason.RECORD_ROLLED_BACK)
        for order in state.strangers:
            if order.client_order_id not in known:
                ctx.say(
                    "news of a trader that this leader does not know",
                    warning=True,
                    order=order.client_order_id,
                    status=order.status,
                )

    def _unblock(self, reason: Reason) -> None:
        """Let what was blocked for a reason be tried again."""
        for trader in self._state.traders.values():
            if trader.block and trader.block.reason is reason:
                trader.block = None

    def _refused(self, trader: Trader, order: Order, refusal: Refused, ctx: EventContext) -> None:
        message = reason_on_record(refusal)
        if not order.hear(News.REFUSED, message):
            return
        ctx.change(order.change())
        trader.refusals += 1
        refusals = trader.refusals
        if order.intent.time_in_force is TimeInForce.IOC and not passes(message):
            # A deadline has no time for pauses that grew before it.
            refusals = trader.refused_offers = trader.refused_offers + 1
        pause = self._state.timing.retry_pause_ms(refusals)
        reason, need = refusal_reason(refusal), None
        if reason is Reason.INSUFFICIENT_BALANCE:
            trader.short_of_base |= order.side is Side.SELL
            need = self._need(order.intent)
            message += f" It needs {self._shortfall(need)}"
        trader.block = Block(reason, message, ctx.now_ms + pause, need)
        ctx.say(
            "order refused",
            warning=True,
            trader=trader.trader_id,
            order=order.intent.client_order_id,
            why=trader.block.message,
            retry_in_ms=pause,
        )
        if needs_refresh(reason):
            ctx.request(RefreshSymbol())
        ctx.touch(trader)

    def _not_sent(self, trader: Trader, order: Order, outcome: NotSent, ctx: EventContext) -> None:
        """Take an order back that a ban kept from being sent: it is no failed attempt."""
        state = self._state
        if not order.hear(News.REFUSED, outcome.why):
            return
        ctx.change(order.change())
        state.banned_until_ms = max(state.banned_until_ms, outcome.until_ms)
        trader.block = state.banned(ctx.now_ms)
        name = order.intent.client_order_id
        ctx.say(
            "order not sent", warning=True, trader=trader.trader_id, order=name, why=outcome.why
        )
        ctx.touch(trader)

    def _cancel_not_sent(self, intent: CancelIntent, outcome: NotSent, ctx: EventContext) -> None:
        """Take a cancel back that a ban kept from being sent: there is nothing to ask for."""
        state = self._state
        ctx.change(CancelChange(intent.cancel_id, "refused", outcome.why))
        state.banned_until_ms = max(state.banned_until_ms, outcome.until_ms)
        if found := state.find(intent.client_order_id):
            found[1].cancel_pending = False
            found[1].cancels_unsent += 1
            ctx.touch(found[0])

    def _need(self, intent: Intent) -> Need:
        if intent.side is Side.BUY:
            return Need(self._state.symbol.quote_asset, intent.quantity * intent.price)
        return Need(self._state.symbol.base_asset, intent.quantity)

    def _shortfall(self, need: Need) -> str:
        """Say what an order needs and what the account has free, all symbols and people taken."""
        have = self._state.free.get(need.asset, ZERO)
        free = f"free in the account: {plain(have)} {need.asset}"
        return f"{plain(need.amount)} {need.asset}; {free}"

    def _doubt(self, trader: Trader, order: Order, why: str, ctx: EventContext) -> None:
        if not order.hear(News.DOUBT, why):
            return
        ctx.change(order.change())
        order.next_query_ms = ctx.now_ms
        ctx.say(
            "order in doubt",
            warning=True,
            trader=trader.trader_id,
            order=order.intent.client_order_id,
            why=why,
        )
        self.ask_if_due(order, ctx)

    def _cancel_failed(
        self,
        intent: CancelIntent,
        outcome: str,
        why: str,
        ctx: EventContext,
        *,
        denied: bool = False,
    ) -> None:
        ctx.change(CancelChange(intent.cancel_id, outcome, why))
        if found := self._state.find(intent.client_order_id):
            order = found[1]
            order.cancels_in_vain += denied
            order.cancel_doubted = not order.state.final
            order.next_query_ms = ctx.now_ms
            self.ask_if_due(order, ctx)

    def _give_up_cancel(self, order: Order, ctx: EventContext) -> None:
        """Let another cancel be tried when the last one can no longer take effect."""
        bound_ms = self._state.timing.bound_ms
        if order.cancels and ctx.now_ms > order.cancels[-1].timestamp_ms + bound_ms:
            order.cancel_pending = order.cancel_doubted = False

    def _denied(
        self, trader: Trader, order: Order, answer: NotFound, ctx: EventContext, *, thorough: bool
    ) -> None:
        """Count denials of an undecided order once it can no longer appear.

        The last of them has to be thorough: what answers queries may lag behind the trades.
        """
        timing = self._state.timing
        if answer.as_of_ms <= order.intent.timestamp_ms + timing.bound_ms:
            return
        if order.state is OrderState.OPEN:
            self._missing(trader, order, ctx, thorough=thorough)
        if order.state is not OrderState.UNDECIDED:
            return
        missing = timing.absences_needed - order.late_absences
        if missing <= 1 and not thorough:
            ctx.request(Reconcile())
            return
        order.late_absences += 1
        if missing > 1:
            return
        order.hear(News.ABSENT, "never reached the exchange")
        ctx.change(order.change())
        ctx.say("order proved absent", trader=trader.trader_id, order=order.intent.client_order_id)
        ctx.touch(trader)

    def _missing(self, trader: Trader, order: Order, ctx: EventContext, *, thorough: bool) -> None:
        """Take in that an order rests by the record, and that the exchange does not know it."""
        if not thorough:
            ctx.request_once(Reconcile())
            return
        if not order.missing_on_exchange:
            order.missing_on_exchange = True
            ctx.say(
                "order is missing on the exchange",
                warning=True,
                trader=trader.trader_id,
                order=order.intent.client_order_id,
                why=f"open on record as order {order.order_id}; see `symbol-trader settle --help`",
            )
        order.cancel_pending = order.cancel_doubted = False
        ctx.touch(trader)


def _lacking(trader: Trader) -> Need | None:
    """Return what balance a trader waits for, if that is what it waits for."""
    block = trader.block
    return block.need if block and block.reason is Reason.INSUFFICIENT_BALANCE else None


def _tell_order(trader: Trader, order: Order, ctx: EventContext) -> None:
    partly = order.state is OrderState.OPEN and order.executed
    ctx.say(
        f"{order.side.lower()} {'partially filled' if partly else order.state}",
        trader=trader.trader_id,
        executed=f"{plain(order.executed)}/{plain(order.intent.quantity)}",
        price=plain(order.intent.price),
        order_id=order.order_id,
    )
