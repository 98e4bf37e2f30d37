"""Orders with our mark of which the record may hold nothing: they halt the symbol."""

from collections.abc import Iterable

from symbol_trader.core.context import EventContext
from symbol_trader.core.decisions import CheckOnRecord
from symbol_trader.core.evidence.market import unblock
from symbol_trader.core.money import plain
from symbol_trader.core.order_states import STATUS_EVENTS, OrderEvent
from symbol_trader.core.orders import ExchangeOrder
from symbol_trader.core.reasons import Reason
from symbol_trader.core.state import State


class UnrecordedOrders:
    """What is learned of orders that belong to no running trader."""

    def __init__(self, state: State) -> None:
        """Write into this state."""
        self._state = state

    def found(self, orders: tuple[ExchangeOrder, ...], ctx: EventContext) -> None:
        """Take in orders with our mark that the record turned out not to hold."""
        self.update((*self._state.unrecorded_orders, *orders), ctx)

    def seen(self, seen: ExchangeOrder, ctx: EventContext) -> None:
        """Ask the record: it may be a late report of a finished trader, or nobody has recorded it.

        A rejected order never was on the order book, whoever asked for it.
        """
        self._tell_late_execution(seen, ctx)
        self._note_other(seen)
        rejected = STATUS_EVENTS.get(seen.status) is OrderEvent.REFUSED
        if not rejected and self._state.marks(seen.client_order_id):
            ctx.request(CheckOnRecord(seen))

    def update(self, orders: Iterable[ExchangeOrder], ctx: EventContext) -> None:
        """Stop placing while orders with our mark exist that the record does not hold."""
        state = self._state
        known = {order.client_order_id for order in state.unrecorded_orders}
        state.unrecorded_orders = tuple({order.client_order_id: order for order in orders}.values())
        if not state.unrecorded_orders:
            unblock(state, Reason.RECORD_ROLLED_BACK)
        for order in state.unrecorded_orders:
            if order.client_order_id not in known:
                ctx.say(
                    "order on the exchange is not on record",
                    warning=True,
                    order=order.client_order_id,
                    status=order.status,
                )

    def _note_other(self, seen: ExchangeOrder) -> None:
        """Note whether an order of others is open: the account's limits count it."""
        if STATUS_EVENTS.get(seen.status) is OrderEvent.OPEN:
            self._state.others[seen.order_id] = seen
        else:
            self._state.others.pop(seen.order_id, None)

    def _tell_late_execution(self, seen: ExchangeOrder, ctx: EventContext) -> None:
        """Log that an order executed more after it was given up: its trader is over on record."""
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
