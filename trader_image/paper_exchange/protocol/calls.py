"""One admitted request in execution, and what its method may ask of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

from paper_exchange.core.errors import ExchangeError
from paper_exchange.protocol import render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from paper_exchange.core.events import Step
    from paper_exchange.core.orders import Order
    from paper_exchange.core.state import Book
    from paper_exchange.protocol.api import Api
    from paper_exchange.protocol.params import Params
    from paper_exchange.protocol.render_orders import Json
    from paper_exchange.protocol.session import ApiSession
    from paper_exchange.protocol.weights import Weight

DEFAULT_PAGE = 500
"""Rows of a reply where the request does not say."""
LONGEST_SPAN = 86_400_000
"""Milliseconds between startTime and endTime, at most."""
T = TypeVar("T")


class Security(Enum):
    """Who may call a method: everyone, whoever signs, or whoever is logged on."""

    NONE = "NONE"
    SIGNED = "SIGNED"
    SESSION = "SESSION"
    """Only on a session that is logged on, and without a time of its own."""


@dataclass(slots=True)
class Call:
    """One admitted request in execution."""

    api: Api
    session: ApiSession
    params: Params
    account: str
    now: int
    step: Step | None = None

    def book(self) -> Book:
        """Return the book of the request's symbol."""
        return self.api.venue.engine.book(self.params.symbol())


@dataclass(frozen=True, slots=True)
class Method:
    """A method: its function, whether it is signed, what it weighs.

    One that is `free_if_done` weighs nothing when it succeeds.  One that `shows_orders` counts
    unfilled orders, and its replies tell how many there are.
    """

    run: Callable[[Call], Any]
    security: Security
    weight: Weight
    free_if_done: bool = False
    shows_orders: bool = False


def commission_of(call: Call, symbol: str) -> Json:
    """Return `account.commission` of the request's account."""
    fees = call.api.venue.engine.fees
    discount = render.discount(
        for_account=fees.bnb.pays(call.account),
        for_symbol=fees.has_bnb_price(symbol),
        factor=fees.bnb.discount,
    )
    return render.account_commission(symbol, fees.commission(call.account, symbol), discount)


def span(call: Call, rows: list[T], time: Callable[[T], int]) -> list[T]:
    """Return the page of `rows` between startTime and endTime; raise -1127 for over 24 hours."""
    start, end = call.params.integer("startTime"), call.params.integer("endTime")
    if start is not None and end is not None and end - start > LONGEST_SPAN:
        raise ExchangeError(-1127, "More than 24 hours between startTime and endTime.")
    chosen = [
        row
        for row in rows
        if (start is None or time(row) >= start) and (end is None or time(row) <= end)
    ]
    return chosen[: limit(call)] if start is not None else chosen[-limit(call) :]


def limit(call: Call) -> int:
    """Return how many rows a reply may have; raise -1130 for a limit of none."""
    asked = call.params.integer("limit")
    if asked == 0:
        raise ExchangeError(-1130, "Data sent for parameter 'limit' is not valid.")
    return min(asked or DEFAULT_PAGE, call.api.page_limit)


def asked_symbols(call: Call) -> list[str] | None:
    """Return the symbols that symbol or symbols name, None for all; raise -1128 for both."""
    if call.params.has("symbol") and call.params.has("symbols"):
        raise ExchangeError(-1128, "Combination of optional parameters invalid.")
    return [call.params.symbol()] if call.params.has("symbol") else call.params.names("symbols")


def find_order(call: Call, unknown: ExchangeError) -> Order:
    """Return the account's order that orderId or origClientOrderId name.

    Every name that the order ever had finds it, unless another order took the name since.
    Raises -1102, -2039 or `unknown`.
    """
    book, params = call.book(), call.params
    order_id, client_id = params.integer("orderId"), params.client_id("origClientOrderId")
    if order_id is None and client_id is None:
        raise ExchangeError(
            -1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"
        )
    if order_id is None:
        order_id = book.by_client_id.get((call.account, client_id or ""))
    order = book.orders.get(order_id or 0)
    if order is None or order.account != call.account:
        raise unknown
    if client_id and not _is_name(book, order, client_id):
        raise ExchangeError(-2039, "orderId and origClientOrderId do not belong together.")
    return order


def _is_name(book: Book, order: Order, client_id: str) -> bool:
    current = client_id in {order.client_order_id, order.original_client_order_id}
    return current or book.by_client_id.get((order.account, client_id)) == order.order_id


def open_orders(call: Call, books: Iterable[Book]) -> list[Order]:
    """Return the account's open orders of these books by symbol and id."""
    return sorted(
        (
            order
            for book in books
            for side in book.resting.values()
            for order in side.values()
            if order.account == call.account
        ),
        key=lambda order: (order.symbol, order.order_id),
    )
