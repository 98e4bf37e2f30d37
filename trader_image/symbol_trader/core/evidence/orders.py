"""What is learned of orders: by reports, by answers to queries, by replies to placements."""

from symbol_trader.core.context import EventContext
from symbol_trader.core.decisions import RefreshSymbol
from symbol_trader.core.error_codes import REJECTED_BY_ENGINE, ErrorClass, meaning
from symbol_trader.core.evidence.contradictions import contained
from symbol_trader.core.evidence.fills import FillEvidence
from symbol_trader.core.evidence.questions import Questions
from symbol_trader.core.evidence.unrecorded import UnrecordedOrders
from symbol_trader.core.money import ZERO, plain
from symbol_trader.core.order import Order
from symbol_trader.core.order_states import STATUS_EVENTS, OrderEvent
from symbol_trader.core.orders import ClientOrderId, ExchangeOrder, Fill, Intent, Side, TimeInForce
from symbol_trader.core.reasons import Blocker, Need, Reason
from symbol_trader.core.replies import Accepted, NotSent, Outcome, Refused
from symbol_trader.core.state import State
from symbol_trader.core.trader import Trader

REJECTED = Refused(REJECTED_BY_ENGINE, "rejected, as a report says")
"""What a report of REJECTED, which has no message of its own, amounts to."""


class OrderEvidence:
    """What is said of an order."""

    def __init__(
        self, state: State, fills: FillEvidence, unrecorded: UnrecordedOrders, questions: Questions
    ) -> None:
        """Write into this state, and pass on what concerns fills, or no running trader."""
        self._state = state
        self._fills = fills
        self._unrecorded = unrecorded
        self._questions = questions

    def seen(self, seen: ExchangeOrder, fills: tuple[Fill, ...], ctx: EventContext) -> None:
        """Take in an order as the exchange describes it, with executions that came along."""
        found = self._state.find_seen(seen)
        if found is None:
            self._unrecorded.seen(seen, ctx)
            return
        with contained(found[0], ctx):
            if STATUS_EVENTS.get(seen.status) is OrderEvent.REFUSED:
                self._refused(*found, REJECTED, ctx)
            else:
                self._learn(*found, seen, fills, ctx)

    def place_replied(
        self, client_order_id: ClientOrderId, outcome: Outcome, ctx: EventContext
    ) -> None:
        """Take in what became of a request to place an order."""
        found = self._state.find(client_order_id)
        if found and found[1].side is Side.BUY:
            self._state.limits.forget_refusals()
        match outcome:
            case Accepted(order, fills):
                self.seen(order, fills, ctx)
            case Refused(code, message) if found:
                if meaning(code, message).orders is ErrorClass.UNDECIDED:
                    self._doubt(*found, message, ctx)
                    return
                with contained(found[0], ctx):
                    self._refused(*found, outcome, ctx)
            case NotSent() if found:
                with contained(found[0], ctx):
                    self._not_sent(*found, outcome, ctx)
            case unknown if found and not isinstance(unknown, Refused):
                self._doubt(*found, unknown.why, ctx)

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
        self._fills.add(trader, order, fills, ctx, tell=changed)
        if order.state.final:
            order.cancel_pending = order.cancel_doubted = False
        if order.ended_unfilled_buy and not was_over:
            self._state.buy_ended(ctx.now_ms)
        if changed:
            trader.refusals, trader.blocker = 0, None
        ctx.touch(trader)

    def _refused(self, trader: Trader, order: Order, refusal: Refused, ctx: EventContext) -> None:
        message = f"{refusal.code} {refusal.message}"
        if not order.hear(OrderEvent.REFUSED, message):
            return
        ctx.change(order.change())
        said, state = meaning(refusal.code, refusal.message), self._state
        offer = order.intent.time_in_force is TimeInForce.IOC and not said.passes
        pause = trader.refused(state.timing, offer=offer)
        reason, need = said.reason, None
        if said.orders is ErrorClass.STOP:
            pause = state.stop_trading(reason, message, ctx.now_ms)
        if reason is Reason.INSUFFICIENT_BALANCE:
            trader.short_of_base |= order.side is Side.SELL
            need = self._need(order.intent)
            message += f" It needs {self._shortfall(need)}"
        trader.blocker = Blocker(reason, message, ctx.now_ms + pause, need)
        ctx.say(
            "order refused",
            warning=True,
            trader=trader.trader_id,
            order=order.intent.client_order_id,
            why=trader.blocker.message,
            retry_in_ms=pause,
        )
        if said.needs_refresh:
            ctx.request(RefreshSymbol())
        ctx.touch(trader)

    def _not_sent(self, trader: Trader, order: Order, outcome: NotSent, ctx: EventContext) -> None:
        """Take an order back that a ban kept from being sent: it is no failed attempt."""
        state = self._state
        if not order.hear(OrderEvent.REFUSED, outcome.why):
            return
        ctx.change(order.change())
        state.banned_until_ms = max(state.banned_until_ms, outcome.until_ms)
        trader.blocker = state.banned(ctx.now_ms)
        name = order.intent.client_order_id
        ctx.say(
            "order not sent", warning=True, trader=trader.trader_id, order=name, why=outcome.why
        )
        ctx.touch(trader)

    def _doubt(self, trader: Trader, order: Order, why: str, ctx: EventContext) -> None:
        if not order.hear(OrderEvent.DOUBT, why):
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
        self._questions.ask_if_due(order, ctx)

    def _need(self, intent: Intent) -> Need:
        if intent.side is Side.BUY:
            return Need(self._state.symbol.quote_asset, intent.quantity * intent.price)
        return Need(self._state.symbol.base_asset, intent.quantity)

    def _shortfall(self, need: Need) -> str:
        """Return as text what an order needs, and what is free in the account that others share."""
        have = self._state.free.get(need.asset, ZERO)
        free = f"free in the account: {plain(have)} {need.asset}"
        return f"{plain(need.amount)} {need.asset}; {free}"
