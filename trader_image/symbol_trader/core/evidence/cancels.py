"""What is learned of cancels, which are requests of their own."""

from symbol_trader.core.context import EventContext
from symbol_trader.core.error_codes import ErrorClass, meaning
from symbol_trader.core.evidence.orders import OrderEvidence
from symbol_trader.core.evidence.questions import Questions
from symbol_trader.core.order import Order
from symbol_trader.core.orders import CancelIntent
from symbol_trader.core.records import CancelChange
from symbol_trader.core.replies import Accepted, NotSent, Outcome, Refused
from symbol_trader.core.state import State


class CancelEvidence:
    """What became of cancels."""

    def __init__(self, state: State, orders: OrderEvidence, questions: Questions) -> None:
        """Write into this state; an accepted cancel shows its order."""
        self._state = state
        self._orders = orders
        self._questions = questions

    def replied(self, intent: CancelIntent, outcome: Outcome, ctx: EventContext) -> None:
        """Take in what became of a request to cancel an order."""
        match outcome:
            case Accepted(order, fills):
                ctx.change(CancelChange(intent.cancel_id, "accepted"))
                self._orders.seen(order, fills, ctx)
            case Refused(code, message):
                said, why = meaning(code, message), f"{code} {message}"
                if said.orders is ErrorClass.STOP:
                    self._state.stop_trading(said.reason, why, ctx.now_ms)
                self._failed(intent, "refused", why, ctx, denied=said.denies_order)
            case NotSent():
                self._not_sent(intent, outcome, ctx)
            case unknown:
                self._failed(intent, "undecided", unknown.why, ctx)

    def give_up(self, order: Order, ctx: EventContext) -> None:
        """Let another cancel be tried when the last one can no longer take effect."""
        bound_ms = self._state.timing.bound_ms
        if order.cancels and ctx.now_ms > order.cancels[-1].timestamp_ms + bound_ms:
            order.cancel_pending = order.cancel_doubted = False

    def _failed(
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
            self._questions.ask_if_due(order, ctx)

    def _not_sent(self, intent: CancelIntent, outcome: NotSent, ctx: EventContext) -> None:
        """Take a cancel back that a ban kept from being sent: there is nothing to ask for."""
        state = self._state
        ctx.change(CancelChange(intent.cancel_id, "refused", outcome.why))
        state.banned_until_ms = max(state.banned_until_ms, outcome.until_ms)
        if found := state.find(intent.client_order_id):
            found[1].cancel_pending = False
            found[1].cancels_unsent += 1
            ctx.touch(found[0])
