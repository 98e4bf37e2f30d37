"""What a run must have seen: one that never met a fault says nothing about it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields

from simulation.tally import Tally
from simulation.weather import Weather
from symbol_trader.core import order_states
from symbol_trader.core.limits import OnLimit
from symbol_trader.core.order_states import OrderEvent
from symbol_trader.core.orders import OrderState

ORDERS = ("buy", "sell")
CANCELS = ("cancel of a buy", "cancel of a sell")
REQUESTS = ORDERS + CANCELS

LEGS: dict[str, tuple[str, ...]] = {
    # Requests, their intents, and the process that sends them.
    "lose_request": REQUESTS,
    "lose_reply": REQUESTS,
    "late_request": REQUESTS,
    "late_reply": REQUESTS,
    "slow_engine": REQUESTS,
    "timeout_executed": REQUESTS,
    "timeout_not_executed": REQUESTS,
    "dead_socket": REQUESTS,
    "overload": REQUESTS,
    "outside of its window": REQUESTS,
    "lose_statement": REQUESTS,
    "lose_commit": REQUESTS,
    "crash": REQUESTS,
    "freeze": REQUESTS,
    "takeover": REQUESTS,
    # A cancel has no report but its order's, is not queried, and cannot itself be ended.
    "reject": ORDERS,
    "lose_report": ORDERS,
    "repeat_report": ORDERS,
    "slow_report": ORDERS,
    "swap_report": ORDERS,
    "lag": ORDERS,
    "expire": ORDERS,
    "foreign_cancel": ORDERS,
    "amend": ORDERS,
    "prevent": ORDERS,
    "forget": ORDERS,
}
"""The legs that a fault can hit. Every other fault is about no order: a link, a person, a clock."""

FAULTS = (*(field.name for field in fields(Weather)), "crash", "freeze", "takeover")

IMPOSSIBLE = {
    (
        OrderState.UNDECIDED,
        OrderEvent.DOUBT,
    ): "a process hears of a request once, and what makes an "
    "order undecided is that reply, or a start, after which none comes",
    (
        OrderState.ABSENT,
        OrderEvent.DOUBT,
    ): "an order is proved absent once it is undecided, and then its reply is over",
    (OrderState.EXPIRED, OrderEvent.GONE): "an order whose end was heard is not asked for",
    (OrderState.REFUSED, OrderEvent.GONE): "what was refused never was on the book, to be archived",
    (
        OrderState.CANCELED,
        OrderEvent.GONE,
    ): "an order that is over is not asked for: it takes a second "
    "answer that is on its way, and many thousands of seeds",
    (OrderState.ABSENT, OrderEvent.GONE): "the same",
}
"""Rows that the runtime does not bring about, or hardly, and why. The table has them for any."""


MONEY = (
    *(f"fee of a {side} in {asset}" for side in ORDERS for asset in ("base", "a third asset")),
    "fee of a sell in quote",
    "fees valued late",
    "fees without a value",
    "dust carried",
    "symbols delisted",
)
"""What can become of commission and of rests."""


REFUSALS = (
    "Halted",
    "BidStale",
    "MaxExposure",
    "MaxOpenCycles",
    "MaxOrdersPerMinute",
    "Cooldown",
)
LIMITS = (
    *(f"buys refused: {reason}" for reason in REFUSALS),
    *(f"halts by a person: {what}" for what in OnLimit),
    "halts by a daily loss",
    "halts by a drawdown",
    "daily losses that a new day ended",
    "halts that outlive their limit",
    "two limits in force",
)
"""What can become of buys where the account is limited."""


def missing(tally: Tally) -> list[str]:
    """Return what a run did not see and should have."""
    due = [_row(pair) for pair in order_states.TRANSITIONS if pair not in IMPOSSIBLE]
    due += [f"fault: {fault}" for fault in FAULTS]
    due += MONEY
    due += LIMITS
    due += [f"fault and leg: {fault}, {leg}" for fault, leg in _pairs()]
    return [what for what in due if not tally[what]]


@contextmanager
def transitions_counted(tally: Tally) -> Iterator[None]:
    """Count each use of a row of the orders' transition table."""
    table = order_states.TRANSITIONS
    names = {pair: _row(pair) for pair in table}

    class Counted(dict[tuple[OrderState, OrderEvent], OrderState]):
        def __getitem__(self, pair: tuple[OrderState, OrderEvent]) -> OrderState:
            state = super().__getitem__(pair)
            tally[names[pair]] += 1
            return state

    order_states.TRANSITIONS = Counted(table)
    try:
        yield
    finally:
        order_states.TRANSITIONS = table


def _pairs() -> Iterator[tuple[str, str]]:
    return ((fault, leg) for fault, legs in LEGS.items() for leg in legs)


def _row(pair: tuple[OrderState, OrderEvent]) -> str:
    state, news = pair
    return f"transition: {state} and {news.name}"
