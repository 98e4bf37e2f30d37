"""The life of an order as a table: (state, what was learnt) -> state.

Rule 1: whatever changes an order's state is a row here. Rule 2: an unknown pair changes nothing
and raises, because then the exchange and the record contradict each other and a person must know.

Messages come late, twice, and in any order, so a final state meets older news again and again;
those rows stand where they are. Each row that a race makes necessary says which race.
"""

from enum import Enum, auto

from symbol_trader.core.orders import OrderState
from symbol_trader.errors import Contradiction


class News(Enum):
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


STATUS_NEWS = {
    "NEW": News.OPEN,
    "PENDING_NEW": News.OPEN,
    "PARTIALLY_FILLED": News.OPEN,
    "PENDING_CANCEL": News.OPEN,
    "FILLED": News.FILLED,
    "CANCELED": News.CANCELED,
    "EXPIRED": News.EXPIRED,
    "EXPIRED_IN_MATCH": News.EXPIRED,
    "REJECTED": News.REFUSED,
}
"""Binance's order status -> what it teaches."""

TRANSITIONS: dict[tuple[OrderState, News], OrderState] = {
    # The normal life, in whatever order reply and report arrive: a fill may overtake the reply.
    (OrderState.INTENT, News.OPEN): OrderState.OPEN,
    (OrderState.INTENT, News.FILLED): OrderState.FILLED,
    (OrderState.INTENT, News.CANCELED): OrderState.CANCELED,
    (OrderState.INTENT, News.EXPIRED): OrderState.EXPIRED,
    (OrderState.INTENT, News.REFUSED): OrderState.REFUSED,
    (OrderState.INTENT, News.DOUBT): OrderState.UNDECIDED,
    # A doubt is ended by evidence alone.
    (OrderState.UNDECIDED, News.OPEN): OrderState.OPEN,
    (OrderState.UNDECIDED, News.FILLED): OrderState.FILLED,
    (OrderState.UNDECIDED, News.CANCELED): OrderState.CANCELED,
    (OrderState.UNDECIDED, News.EXPIRED): OrderState.EXPIRED,
    (OrderState.UNDECIDED, News.REFUSED): OrderState.REFUSED,
    (OrderState.UNDECIDED, News.DOUBT): OrderState.UNDECIDED,
    (OrderState.UNDECIDED, News.ABSENT): OrderState.ABSENT,
    # On the book. The reply may be lost after the report came: that is no doubt any more.
    (OrderState.OPEN, News.OPEN): OrderState.OPEN,
    (OrderState.OPEN, News.FILLED): OrderState.FILLED,
    (OrderState.OPEN, News.CANCELED): OrderState.CANCELED,
    (OrderState.OPEN, News.EXPIRED): OrderState.EXPIRED,
    (OrderState.OPEN, News.DOUBT): OrderState.OPEN,
    # Late or repeated news of a finished order: the reply to the placement, a partial fill
    # reported after the end, a lagging query, a lost reply.
    (OrderState.FILLED, News.OPEN): OrderState.FILLED,
    (OrderState.FILLED, News.FILLED): OrderState.FILLED,
    (OrderState.FILLED, News.DOUBT): OrderState.FILLED,
    (OrderState.CANCELED, News.OPEN): OrderState.CANCELED,
    (OrderState.CANCELED, News.CANCELED): OrderState.CANCELED,
    (OrderState.CANCELED, News.DOUBT): OrderState.CANCELED,
    (OrderState.EXPIRED, News.OPEN): OrderState.EXPIRED,
    (OrderState.EXPIRED, News.EXPIRED): OrderState.EXPIRED,
    (OrderState.EXPIRED, News.DOUBT): OrderState.EXPIRED,
    (OrderState.REFUSED, News.REFUSED): OrderState.REFUSED,
    # A report of REJECTED came, and the reply was lost.
    (OrderState.REFUSED, News.DOUBT): OrderState.REFUSED,
    # An order proved absent can only be doubted again, by a reply that was lost.
    (OrderState.ABSENT, News.DOUBT): OrderState.ABSENT,
    # Archived, or given up. What has no id was never accepted, as far as anybody can tell.
    (OrderState.UNDECIDED, News.GONE): OrderState.ABSENT,
    (OrderState.OPEN, News.GONE): OrderState.CANCELED,
    (OrderState.CANCELED, News.GONE): OrderState.CANCELED,
    (OrderState.EXPIRED, News.GONE): OrderState.EXPIRED,
    (OrderState.REFUSED, News.GONE): OrderState.REFUSED,
    (OrderState.ABSENT, News.GONE): OrderState.ABSENT,
}


def transition(state: OrderState, news: News) -> OrderState:
    """Return the next state. Raises `Contradiction` for a pair that must not happen."""
    try:
        return TRANSITIONS[state, news]
    except KeyError:
        raise Contradiction(f"an order that is {state} cannot become {news.name}") from None
