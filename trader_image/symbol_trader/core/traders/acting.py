"""Acting: traders start, take their next step, place, cancel, and end; budget and rebuys.

It writes traders and new intents, and learns nothing: what an order is said to be, `evidence` says.
"""

from decimal import Decimal
from typing import Any

from symbol_trader.core import ids
from symbol_trader.core.context import EventContext
from symbol_trader.core.decisions import (
    Cancel,
    Decision,
    FetchBid,
    FetchReferencePrice,
    Place,
    RefreshSymbol,
)
from symbol_trader.core.events import PriceSeen
from symbol_trader.core.evidence.contradictions import contradicted
from symbol_trader.core.evidence.learning import Evidence
from symbol_trader.core.evidence.market import REFUSING_AGE_MAX_MS
from symbol_trader.core.money import ZERO, plain
from symbol_trader.core.order import Order
from symbol_trader.core.order_filters import unjudged, violation
from symbol_trader.core.orders import CancelIntent, Intent, Side, TimeInForce
from symbol_trader.core.quiet import Listeners
from symbol_trader.core.reasons import Blocker, Reason
from symbol_trader.core.records import NewTrader, TraderResult, TraderState, TraderTerms
from symbol_trader.core.state import State
from symbol_trader.core.strategy import OrderTerms
from symbol_trader.core.symbols import TRADING
from symbol_trader.core.trader import Rebuy, Trader
from symbol_trader.core.traders.next_step import next_step
from symbol_trader.core.traders.steps import (
    AskForBid,
    CancelOrder,
    FetchFills,
    Finish,
    GiveUpFills,
    GiveUpOrder,
    PlaceBuy,
    PlaceSell,
    Surroundings,
    Wait,
)
from symbol_trader.core.traders.unsettled import FILL_QUERIES_QUIET
from symbol_trader.errors import Contradiction


class Traders:
    """The traders of one symbol and the rules between them."""

    def __init__(self, state: State, evidence: Evidence) -> None:
        """Act on this state; `evidence` has orders asked for whose fills are missing."""
        self._state = state
        self._evidence = evidence
        self._next_bid_ms = 0

    # Steps.

    def advance_all(self, ctx: EventContext) -> None:
        """Let each trader take its next step; start one where none runs."""
        state = self._state
        for trader in tuple(state.traders.values()):
            self._advance(trader, ctx)
        if not state.traders and not state.idle and not self._starts_nothing:
            self._start_trader("none runs", ctx)

    def see_price(self, event: PriceSeen, listeners: Listeners, ctx: EventContext) -> None:
        """Let traders act on a price if they wait for one; an old price starts no buy."""
        if event.lowest < listeners.low:
            self._judge_rebuys(event.lowest, ctx)
            listeners = Listeners(self._state)
        if ctx.now_ms - event.time_ms > self._state.timing.price_age_max_ms:
            return
        ctx.seen, ctx.listeners = event.price, listeners
        for trader in listeners.buyers:
            self._advance(trader, ctx)

    def advance_touched(self, ctx: EventContext) -> None:
        """Let those traders take their next step of which something was learned."""
        for trader_id in ctx.touched:
            if trader := self._state.traders.get(trader_id):
                self._advance(trader, ctx)

    def _advance(self, trader: Trader, ctx: EventContext) -> None:
        """Take a trader's next step; what fails there stops this trader alone."""
        try:
            self._step(trader, ctx)
        except Exception as exc:  # noqa: BLE001 - whatever it is: the others trade on
            why = str(exc) if isinstance(exc, Contradiction) else f"its next step failed: {exc!r}"
            contradicted(trader, why, ctx)
            text = trader.contradiction or why
            self._wait(trader, Blocker(Reason.CONTRADICTED, text, None), ctx)

    def _step(self, trader: Trader, ctx: EventContext) -> None:
        """Take a trader's next step; what follows from it comes as an event of its own."""
        if self._state.idle:
            return
        match next_step(trader, self._around(trader, ctx)):
            case Wait(blocker):
                self._wait(trader, blocker, ctx)
            case PlaceBuy(order_terms):
                self._place(trader, Side.BUY, order_terms, ctx)
            case PlaceSell(order_terms, time_in_force):
                self._place(trader, Side.SELL, order_terms, ctx, time_in_force)
            case AskForBid():
                self._ask_for_bid(ctx)
            case CancelOrder(order, reason):
                self._cancel(trader, order, reason, ctx)
            case FetchFills(order):
                self._fetch_fills(trader, order, ctx)
            case GiveUpOrder(order, reason):
                self._evidence.queries.give_up(trader, order, reason, ctx)
                self._advance(trader, ctx)
            case GiveUpFills(order):
                self._evidence.fills.give_up(trader, order, ctx)
                self._advance(trader, ctx)
            case end:
                self._finish(trader, end, ctx)

    def _around(self, trader: Trader, ctx: EventContext) -> Surroundings:
        state = self._state
        return Surroundings(
            ctx.now_ms,
            state.settings,
            state.draining,
            state.symbol,
            state.commission,
            ctx.seen,
            lambda: state.spendable(trader, self._committed_quote(ctx)),
            lambda: state.carried,
            self._overdue(ctx.now_ms),
            ctx.bid,
            state.free.get(state.symbol.base_asset, ZERO),
            state.base_on_its_way(trader) if trader.short_of_base else ZERO,
            lambda: state.carried_cost,
            state.limits.halts or (),
        )

    def _committed_quote(self, ctx: EventContext) -> Decimal:
        """Return the quote that all traders have committed.

        While nothing has followed from a price, the sum found for the prices before still holds:
        whatever changes it leads to an order, a log line or a change of the record.
        """
        if ctx.listeners is None or ctx.decision != Decision():
            return self._state.committed_quote
        return ctx.listeners.committed_quote

    def _overdue(self, now_ms: int) -> bool:
        """Return whether a shutdown is past its deadline; not while a person has to look first."""
        state = self._state
        since_ms, deadline_ms = state.draining_since_ms, state.settings.deadline_ms
        if since_ms is None or deadline_ms is None or state.halted:
            return False
        return now_ms - since_ms >= deadline_ms

    def _fetch_fills(self, trader: Trader, order: Order, ctx: EventContext) -> None:
        self._evidence.questions.ask_if_due(order, ctx)
        if order.fill_queries > FILL_QUERIES_QUIET:
            text = (
                f"{plain(order.filled)} of {plain(order.executed)} executed of order "
                f"{order.order_id} are among the account's trades; the rest is asked for again"
            )
            self._wait(trader, Blocker(Reason.FILLS_MISSING, text, None), ctx)

    def _ask_for_bid(self, ctx: EventContext) -> None:
        if ctx.now_ms >= self._next_bid_ms and not self._state.banned(ctx.now_ms):
            self._next_bid_ms = ctx.now_ms + self._state.timing.query_every_ms
            ctx.request(FetchBid())

    def _wait(self, trader: Trader, blocker: Blocker | None, ctx: EventContext) -> None:
        before, trader.blocker = trader.blocker, blocker
        if blocker and (before is None or before.reason != blocker.reason):
            ctx.say(
                "trader is blocked",
                warning=True,
                trader=trader.trader_id,
                reason=blocker.reason,
                why=blocker.message,
            )

    # Orders.

    def _blocker(self, side: Side, ctx: EventContext) -> Blocker | None:
        """Return what keeps the whole symbol from placing orders on this side, if anything."""
        state = self._state
        if blocker := state.halted or state.silenced(ctx.now_ms):
            return blocker
        if state.symbol.status == TRADING:
            return self._buys_blocker(ctx) if side is Side.BUY else None
        ctx.request_once(RefreshSymbol())
        until_ms = ctx.now_ms + state.timing.retry_most_ms
        return Blocker(Reason.SYMBOL_NOT_TRADING, f"the symbol is {state.symbol.status}", until_ms)

    def _buys_blocker(self, ctx: EventContext) -> Blocker | None:
        return self._state.limits.blocker(ctx.now_ms) or self._state.buys_paused(ctx.now_ms)

    def _passes_filters(
        self,
        trader: Trader,
        side: Side,
        order_terms: OrderTerms,
        time_in_force: TimeInForce,
        ctx: EventContext,
    ) -> bool:
        """Return whether the filters let an order pass; else its trader waits, and says why."""
        state, filters = self._state, self._state.symbol.filters
        references = state.market_prices.fresh(ctx.now_ms)
        if refused := violation(side, order_terms, filters, state.load, references):
            pause = trader.refused(state.timing, offer=time_in_force is TimeInForce.IOC)
            blocker = Blocker(Reason.FILTER_FAILURE, str(refused), ctx.now_ms + pause)
            self._wait(trader, blocker, ctx)
            # The exchange was not asked: the next attempt is judged by what holds then.
            if refused.filter in {percent.name for percent in filters.percents}:
                state.market_prices.forget()
            self._evidence.market.read_symbol_if_due(ctx, REFUSING_AGE_MAX_MS)
            return False
        percent = unjudged(side, order_terms.price, filters, references, state.last_price)
        if percent is None or state.market_prices.is_untold(percent.minutes, ctx.now_ms):
            return True
        if state.market_prices.ask(percent.minutes, ctx.now_ms):
            ctx.request(FetchReferencePrice(percent.minutes))
        return False

    def _place(
        self,
        trader: Trader,
        side: Side,
        order_terms: OrderTerms,
        ctx: EventContext,
        time_in_force: TimeInForce = TimeInForce.GTC,
    ) -> None:
        if blocker := self._blocker(side, ctx):
            self._wait(trader, blocker, ctx)
            return
        if not self._passes_filters(trader, side, order_terms, time_in_force, ctx):
            return
        state = self._state
        attempt = trader.attempts[side] + 1
        intent = Intent(
            ids.client_order_id(state.installation, trader.trader_id, side, attempt),
            trader.trader_id,
            side,
            attempt,
            order_terms.price,
            order_terms.quantity,
            ctx.now_ms,
            state.timing.recv_window_ms,
            time_in_force,
        )
        for gone in trader.add(order := Order(intent)):
            state.forget(gone)
        state.index(trader, order)
        trader.blocker = None
        ctx.request(Place(intent))
        ctx.say(
            f"placing {side.lower()}",
            trader=trader.trader_id,
            price=plain(order_terms.price),
            quantity=plain(order_terms.quantity),
            order=intent.client_order_id,
        )

    def _cancel(self, trader: Trader, order: Order, reason: str, ctx: EventContext) -> None:
        if self._state.silenced(ctx.now_ms):
            return
        attempt = len(order.cancels) + 1
        intent = CancelIntent(
            ids.cancel_id(order.intent.client_order_id, attempt),
            order.intent.client_order_id,
            trader.trader_id,
            attempt,
            ctx.now_ms,
            self._state.timing.recv_window_ms,
            reason,
            order.order_id,
        )
        order.cancels.append(intent)
        order.cancel_pending = True
        ctx.request(Cancel(intent))
        ctx.say(
            "canceling order", trader=trader.trader_id, order=intent.client_order_id, why=reason
        )

    # Beginning and end.

    def _finish(self, trader: Trader, end: Finish, ctx: EventContext) -> None:
        self._end(trader, end, ctx)
        self._replace(ctx)

    def _end(self, trader: Trader, end: Finish, ctx: EventContext) -> None:
        settled = self._state.close(trader, end.quantity)
        ctx.change(
            TraderResult(
                trader.trader_id,
                end.state,
                end.reason,
                ctx.now_ms,
                settled.profit,
                end.quantity,
                settled.carried,
                settled.carried_cost,
            )
        )
        ctx.say(
            "trader finished",
            trader=trader.trader_id,
            state=end.state,
            why=end.reason,
            profit=plain(settled.profit),
            **self._lacks(trader),
        )

    def _lacks(self, trader: Trader) -> dict[str, Any]:
        """Return the fees without a value that a trader's profit lacks, for its last line."""
        fees = self._state.fees_lacked_by(trader)
        text = ", ".join(f"{plain(amount)} {asset}" for asset, amount in fees)
        return {"profit_lacks_fees": text} if text else {}

    def _replace(self, ctx: EventContext) -> None:
        state = self._state
        if self._starts_nothing:
            ctx.say(self._why_none(), running=len(state.traders))
        elif state.paused is None and len(state.traders) < state.settings.chunks:
            self._start_trader("the one before finished", ctx)

    @property
    def _starts_nothing(self) -> bool:
        return self._state.draining or self._state.limits.starts_nothing

    def _why_none(self) -> str:
        why = "in shutdown" if self._state.draining else "while buys are halted"
        return f"will not start a new trader {why}"

    def _start_trader(self, reason: str, ctx: EventContext, parent: Trader | None = None) -> None:
        s = self._state.settings
        terms = TraderTerms(s.chunk_budget, s.buy_down, s.profit, s.rebuy)
        trader = Trader(ids.trader_id(self._state.new_bits()), terms, ctx.now_ms)
        self._state.traders[trader.trader_id] = trader
        parent_id = parent.trader_id if parent else None
        ctx.change(NewTrader(trader.trader_id, terms, ctx.now_ms, reason, parent_id))
        ctx.say("initialising trader", trader=trader.trader_id, why=reason)

    def end_traders_without_orders(self, reason: str, ctx: EventContext) -> None:
        """End each trader that has no order yet."""
        for trader in tuple(self._state.traders.values()):
            if trader.last_order is None:
                self._end(trader, Finish(TraderState.FINISHED, reason, ZERO), ctx)

    def replace_traders_without_orders(self, ctx: EventContext) -> None:
        """Replace each trader that has no order by one with the new settings."""
        for trader in tuple(self._state.traders.values()):
            if trader.last_order is None and not self._state.draining:
                reason = "settings changed before it bought"
                self._finish(trader, Finish(TraderState.FINISHED, reason, ZERO), ctx)

    # Rebuys.

    def _judge_rebuys(self, price: Decimal, ctx: EventContext) -> None:
        """Start another trader for each whose rebuy price the market has fallen below, once."""
        for trader in tuple(self._state.traders.values()):
            self._judge_rebuy(trader, price, ctx)

    def _judge_rebuy(self, trader: Trader, price: Decimal, ctx: EventContext) -> None:
        trigger = trader.rebuy_below
        if trigger is None or price >= trigger:
            return
        ctx.say(
            "rebuy triggered",
            trader=trader.trader_id,
            bought_at=plain(trader.buy_price or ZERO),
            now=plain(price),
        )
        if why := self._no_room():
            trader.rebuy = Rebuy.REFUSED
            ctx.say(why, trader=trader.trader_id, running=len(self._state.traders))
            return
        trader.rebuy = Rebuy.SPENT
        self._start_trader("rebuy", ctx, parent=trader)

    def _no_room(self) -> str | None:
        state = self._state
        if self._starts_nothing:
            return self._why_none()
        if len(state.traders) >= state.settings.chunks:
            return "all traders already started"
        return state.paused.message if state.paused else None
