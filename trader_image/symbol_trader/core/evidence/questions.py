"""What the exchange has to be asked for: orders in doubt, missing fills, prices of fees."""

from symbol_trader.core.context import EventContext
from symbol_trader.core.decisions import FetchTrades, Query
from symbol_trader.core.order import Order
from symbol_trader.core.state import State


class Questions:
    """Has the exchange asked for what is not known, each thing at its time."""

    def __init__(self, state: State) -> None:
        """Ask for what this state lacks."""
        self._state = state

    def ask_if_due(self, order: Order, ctx: EventContext) -> None:
        """Have an order in doubt asked for, or its missing fills, if it is time."""
        due_ms = max(order.next_query_ms, self._state.banned_until_ms)
        if not order.in_doubt or ctx.now_ms < due_ms:
            return
        timing = self._state.timing
        order.next_query_ms = ctx.now_ms + timing.exchange_timeout_ms
        if order.state.final and order.order_id is not None:
            ctx.request(FetchTrades(order.intent.client_order_id, order.order_id))
        else:
            ctx.request(Query.of(order.intent, order.order_id))

    def ask_for_all_due(self, ctx: EventContext) -> None:
        """Have every order in doubt, and each fee without a value, asked for at its time."""
        for _, order in self._state.orders():
            self.ask_if_due(order, ctx)
        if not self._state.banned(ctx.now_ms):
            for request in self._state.fees.due(ctx.now_ms):
                ctx.request(request)
