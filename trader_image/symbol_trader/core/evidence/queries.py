"""What is learned by queries: one answer of "no such order" is a denial, no proof of absence."""

from symbol_trader.core.context import EventContext
from symbol_trader.core.decisions import Reconcile
from symbol_trader.core.events import Answer
from symbol_trader.core.evidence.cancels import CancelEvidence
from symbol_trader.core.evidence.contradictions import contained
from symbol_trader.core.evidence.fills import tell_order
from symbol_trader.core.evidence.orders import OrderEvidence
from symbol_trader.core.money import plain
from symbol_trader.core.order import Order
from symbol_trader.core.order_states import OrderEvent
from symbol_trader.core.orders import ClientOrderId, ExchangeOrder, OrderState
from symbol_trader.core.records import OrderMissing
from symbol_trader.core.replies import Archived, NotFound
from symbol_trader.core.state import State
from symbol_trader.core.trader import Trader
from symbol_trader.errors import Contradiction


class QueryEvidence:
    """What queries for orders are answered."""

    def __init__(self, state: State, orders: OrderEvidence, cancels: CancelEvidence) -> None:
        """Write into this state, and pass on what the answers show."""
        self._state = state
        self._orders = orders
        self._cancels = cancels

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
        self._cancels.give_up(order, ctx)
        match answer:
            case ExchangeOrder():
                self._orders.seen(answer, (), ctx)
            case NotFound():
                self._not_found(trader, order, answer, ctx, thorough=thorough)
            case Archived():
                self._archived(trader, order, ctx)

    def give_up(self, trader: Trader, order: Order, reason: str, ctx: EventContext) -> None:
        """Take an order for over: the exchange keeps nothing of it, or a deadline has passed."""
        if order.hear(OrderEvent.GONE, reason):
            ctx.change(order.change())
            tell_order(trader, order, ctx)
        order.cancel_pending = order.cancel_doubted = False
        self._state.given_up[order.intent.client_order_id] = order.executed
        ctx.touch(trader)

    def _archived(self, trader: Trader, order: Order, ctx: EventContext) -> None:
        """Take in that an order ended long ago without executing anything.

        One without an answer as yet is asked for again once it is in doubt.
        """
        if order.state is OrderState.INTENT:
            return
        with contained(trader, ctx):
            if order.executed:
                order.last_said = OrderEvent.GONE
                name = order.intent.client_order_id
                raise Contradiction(
                    f"{name} executed {plain(order.executed)} on record, the exchange says nothing"
                )
            self.give_up(trader, order, "ended without executing anything (archived)", ctx)

    def _not_found(
        self, trader: Trader, order: Order, answer: NotFound, ctx: EventContext, *, thorough: bool
    ) -> None:
        """Count the denials of an undecided order; enough of them prove it absent.

        A denial counts only if the exchange's clock had passed the last moment at which the order
        could still appear, before the query was sent. The denial that decides has to be thorough:
        the servers that answer queries may lag behind the order book and the trades, so a
        reconciliation, which reads those too, is asked for first.
        """
        timing = self._state.timing
        if answer.as_of_ms <= order.intent.timestamp_ms + timing.bound_ms:
            return
        if order.state is OrderState.OPEN:
            self._missing(trader, order, ctx, thorough=thorough)
        if order.state is not OrderState.UNDECIDED:
            return
        missing = timing.not_found_needed - order.not_found_count
        if missing <= 1 and not thorough:
            ctx.request(Reconcile())
            return
        order.not_found_count += 1
        if missing > 1:
            return
        order.hear(OrderEvent.ABSENT, "never reached the exchange")
        ctx.change(order.change())
        ctx.say("order proved absent", trader=trader.trader_id, order=order.intent.client_order_id)
        ctx.touch(trader)

    def _missing(self, trader: Trader, order: Order, ctx: EventContext, *, thorough: bool) -> None:
        """Take in that the exchange does not know an order that is open on record."""
        if not thorough:
            ctx.request_once(Reconcile())
            return
        if not order.missing_on_exchange:
            order.missing_on_exchange = True
            ctx.change(OrderMissing(order.intent.client_order_id))
        if not order.missing_told:
            order.missing_told = True
            ctx.say(
                "order is missing on the exchange",
                warning=True,
                trader=trader.trader_id,
                order=order.intent.client_order_id,
                why=f"open on record as order {order.order_id}; see `symbol-trader settle --help`",
            )
        order.cancel_pending = order.cancel_doubted = False
        ctx.touch(trader)
