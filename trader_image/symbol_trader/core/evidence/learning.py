"""Learning: what replies, reports, queries and denials say of orders.

It writes orders, the balances and the orders that are not on record, and never starts, places,
cancels or ends anything: whoever was touched takes the next step afterwards (`traders`).
"""

from symbol_trader.core.context import EventContext
from symbol_trader.core.events import ExchangeView
from symbol_trader.core.evidence.cancels import CancelEvidence
from symbol_trader.core.evidence.contradictions import contradicted
from symbol_trader.core.evidence.fills import FillEvidence
from symbol_trader.core.evidence.limits import LimitEvidence
from symbol_trader.core.evidence.market import MarketEvidence
from symbol_trader.core.evidence.orders import OrderEvidence
from symbol_trader.core.evidence.queries import QueryEvidence
from symbol_trader.core.evidence.questions import Questions
from symbol_trader.core.evidence.unrecorded import UnrecordedOrders
from symbol_trader.core.order_states import OrderEvent
from symbol_trader.core.orders import ClientOrderId, ExchangeOrder, TraderId
from symbol_trader.core.state import State


class Evidence:
    """What is learned of one symbol's orders, each part by the kind of what is learned."""

    def __init__(self, state: State) -> None:
        """Write into this state."""
        self._state = state
        self.market = MarketEvidence(state)
        self.limits = LimitEvidence(state)
        self.questions = Questions(state)
        self.fills = FillEvidence(state)
        self.unrecorded = UnrecordedOrders(state)
        self.orders = OrderEvidence(state, self.fills, self.unrecorded, self.questions)
        self.cancels = CancelEvidence(state, self.orders, self.questions)
        self.queries = QueryEvidence(state, self.orders, self.cancels)

    def view_read(self, view: ExchangeView, ctx: EventContext) -> None:
        """Bring the record and the exchange together: at start, after each outage, and at times."""
        # Denials first: an exchange that was reset gives other orders the numbers of these.
        for client_order_id, answer in sorted(
            view.answers.items(), key=lambda item: isinstance(item[1], ExchangeOrder)
        ):
            self.queries.answered(client_order_id, answer, ctx, thorough=True)
        self.fills.sort(view, ctx)
        state = self._state
        others = (order for order in view.open_orders if state.find_seen(order) is None)
        state.others = {order.order_id: order for order in others}
        known_before = (
            self._state.unrecorded_orders if view.known_before is None else view.known_before
        )
        found_since = (
            order for order in self._state.unrecorded_orders if order not in known_before
        )
        self.unrecorded.update((*view.unrecorded_orders, *found_since), ctx)

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
            found[1].hear(OrderEvent.REFUSED, why)
        if trader := self._state.traders.get(trader_id):
            contradicted(trader, why, ctx)
