"""The life of an order as a table: (state, what was learnt) -> state.

Rule 1: whatever changes an order's state is a row here. Rule 2: an unknown pair changes nothing
and raises, because then the exchange and the record contradict each other and a person must know.

Messages come late, twice, and in any order, so a final state meets older events again and again;
those rows stand where they are. Each row that a race makes necessary says which race.
"""

from enum import Enum, auto

from symbol_trader.core.orders import OrderState
from symbol_trader.errors import Contradiction


class OrderEvent(Enum):
    """What a reply, a report or a query can teach about an order."""

    OPEN = auto()
    """NEW or PARTIALLY_FILLED."""
    FILLED = auto()
    CANCELED = auto()
    EXPIRED = auto()
    REFUSED = auto()
    """A definite refusal, or a report of REJECTED."""
    DOUBT = auto()
    """No answer says what became of it."""
    ABSENT = auto()
    """The bound has passed and the exchange does not know it."""
    GONE = auto()
    """It ended without executing more, and the exchange keeps nothing of it (or never had it)."""


STATUS_EVENTS = {
    "NEW": OrderEvent.OPEN,
    "PENDING_NEW": OrderEvent.OPEN,
    "PARTIALLY_FILLED": OrderEvent.OPEN,
    "PENDING_CANCEL": OrderEvent.OPEN,
    "FILLED": OrderEvent.FILLED,
    "CANCELED": OrderEvent.CANCELED,
    "EXPIRED": OrderEvent.EXPIRED,
    "EXPIRED_IN_MATCH": OrderEvent.EXPIRED,
    "REJECTED": OrderEvent.REFUSED,
}
"""Binance's order status -> what it teaches."""

TRANSITIONS: dict[tuple[OrderState, OrderEvent], OrderState] = {
    # The normal life, in whatever order reply and report arrive: a fill may overtake the reply.
    (OrderState.INTENT, OrderEvent.OPEN): OrderState.OPEN,
    (OrderState.INTENT, OrderEvent.FILLED): OrderState.FILLED,
    (OrderState.INTENT, OrderEvent.CANCELED): OrderState.CANCELED,
    (OrderState.INTENT, OrderEvent.EXPIRED): OrderState.EXPIRED,
    (OrderState.INTENT, OrderEvent.REFUSED): OrderState.REFUSED,
    (OrderState.INTENT, OrderEvent.DOUBT): OrderState.UNDECIDED,
    # A doubt is ended by evidence alone.
    (OrderState.UNDECIDED, OrderEvent.OPEN): OrderState.OPEN,
    (OrderState.UNDECIDED, OrderEvent.FILLED): OrderState.FILLED,
    (OrderState.UNDECIDED, OrderEvent.CANCELED): OrderState.CANCELED,
    (OrderState.UNDECIDED, OrderEvent.EXPIRED): OrderState.EXPIRED,
    (OrderState.UNDECIDED, OrderEvent.REFUSED): OrderState.REFUSED,
    (OrderState.UNDECIDED, OrderEvent.DOUBT): OrderState.UNDECIDED,
    (OrderState.UNDECIDED, OrderEvent.ABSENT): OrderState.ABSENT,
    # On the order book. The reply may be lost after the report came: that is no doubt any more.
    (OrderState.OPEN, OrderEvent.OPEN): OrderState.OPEN,
    (OrderState.OPEN, OrderEvent.FILLED): OrderState.FILLED,
    (OrderState.OPEN, OrderEvent.CANCELED): OrderState.CANCELED,
    (OrderState.OPEN, OrderEvent.EXPIRED): OrderState.EXPIRED,
    (OrderState.OPEN, OrderEvent.DOUBT): OrderState.OPEN,
    # Late or repeated events of a finished order: the reply to the placement, a partial fill
    # reported after the end, a lagging query, a lost reply.
    (OrderState.FILLED, OrderEvent.OPEN): OrderState.FILLED,
    (OrderState.FILLED, OrderEvent.FILLED): OrderState.FILLED,
    (OrderState.FILLED, OrderEvent.DOUBT): OrderState.FILLED,
    (OrderState.CANCELED, OrderEvent.OPEN): OrderState.CANCELED,
    (OrderState.CANCELED, OrderEvent.CANCELED): OrderState.CANCELED,
    (OrderState.CANCELED, OrderEvent.DOUBT): OrderState.CANCELED,
    (OrderState.EXPIRED, OrderEvent.OPEN): OrderState.EXPIRED,
    (OrderState.EXPIRED, OrderEvent.EXPIRED): OrderState.EXPIRED,
    (OrderState.EXPIRED, OrderEvent.DOUBT): OrderState.EXPIRED,
    (OrderState.REFUSED, OrderEvent.REFUSED): OrderState.REFUSED,
    # A report of REJECTED came, and the reply was lost.
    (OrderState.REFUSED, OrderEvent.DOUBT): OrderState.REFUSED,
    # An order proved absent can only be doubted again, by a reply that was lost.
    (OrderState.ABSENT, OrderEvent.DOUBT): OrderState.ABSENT,
    # Archived, or given up. What has no id was never accepted, as far as anybody can tell.
    (OrderState.UNDECIDED, OrderEvent.GONE): OrderState.ABSENT,
    (OrderState.OPEN, OrderEvent.GONE): OrderState.CANCELED,
    (OrderState.CANCELED, OrderEvent.GONE): OrderState.CANCELED,
    (OrderState.EXPIRED, OrderEvent.GONE): OrderState.EXPIRED,
    (OrderState.REFUSED, OrderEvent.GONE): OrderState.REFUSED,
    (OrderState.ABSENT, OrderEvent.GONE): OrderState.ABSENT,
}


def transition(state: OrderState, event: OrderEvent) -> OrderState:
    """Return the next state. Raises `Contradiction` for a pair that must not happen."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise Contradiction(f"an order that is {state} cannot become {event.name}") from None
