"""The methods that ask what an account has: its orders, trades, balances and user data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paper_exchange import accounts
from paper_exchange.core import errors
from paper_exchange.core.errors import ExchangeError
from paper_exchange.protocol import render, render_orders
from paper_exchange.protocol.calls import commission_of, find_order, limit, open_orders, span
from paper_exchange.protocol.limits import DAY

if TYPE_CHECKING:
    from paper_exchange.core.orders import Order
    from paper_exchange.protocol.calls import Call
    from paper_exchange.protocol.render_orders import Json


ARCHIVED_AFTER = 90 * DAY
"""Milliseconds after which an order that ended without execution is archived."""


def order_status(call: Call) -> Json:
    """Answer `order.status`."""
    order = find_order(call, ExchangeError(-2013, "Order does not exist."))
    if _is_archived(order, call.now):
        raise errors.archived()
    return render_orders.order_status(order)


def _is_archived(order: Order, now: int) -> bool:
    """Return whether an order is told by its code alone: it ended long ago without execution."""
    old = not order.is_open and not order.executed and now - order.updated > ARCHIVED_AFTER
    return order.archived or old


def open_orders_status(call: Call) -> list[Json]:
    """Answer `openOrders.status`."""
    books = call.api.venue.engine.state.books
    chosen = [call.book()] if call.params.has("symbol") else books.values()
    return [render_orders.order_status(order) for order in open_orders(call, chosen)]


def all_orders(call: Call) -> list[Json]:
    """Answer `allOrders`."""
    first = call.params.integer("orderId")
    orders = [
        order
        for order in call.book().orders.values()
        if order.account == call.account and not _is_archived(order, call.now)
    ]
    if first is not None:
        page = [order for order in orders if order.order_id >= first][: limit(call)]
    else:
        page = span(call, orders, lambda order: order.created)
    return [render_orders.order_status(order) for order in page]


def my_trades(call: Call) -> list[Json]:
    """Answer `myTrades`."""
    book, params = call.book(), call.params
    order_id, first = params.integer("orderId"), params.integer("fromId")
    timed = params.has("startTime") or params.has("endTime")
    if timed and first is not None:
        raise ExchangeError(-1128, "Combination of optional parameters invalid.")
    fills = book.fills if order_id is None else book.fills_by_order.get(order_id, [])
    mine = [fill for fill in fills if fill.account == call.account]
    if first is not None:
        page = [fill for fill in mine if fill.trade_id >= first][: limit(call)]
    else:
        page = span(call, mine, lambda fill: fill.time)
    return [render_orders.my_trade(fill) for fill in page]


def account_status(call: Call) -> Json:
    """Answer `account.status`."""
    venue = call.api.venue
    return render.account(
        venue.engine.state.accounts[call.account],
        accounts.uid(venue.instance, call.account),
        venue.engine.fees.commission(call.account).standard,
        venue.engine.trade_groups.of(call.account),
        omit_zero=bool(call.params.flag("omitZeroBalances")),
    )


def account_commission(call: Call) -> Json:
    """Answer `account.commission`."""
    symbol = call.params.symbol()
    call.book()
    return commission_of(call, symbol)


def order_rate_limits(call: Call) -> list[Json]:
    """Answer `account.rateLimits.orders`."""
    return call.api.limits.orders_used(call.account, call.now)


def amendments(call: Call) -> list[Json]:
    """Answer `order.amendments`."""
    params, unknown = call.params, ExchangeError(-2013, "Order does not exist.")
    order_id = params.integer("orderId")
    if order_id is None:
        raise errors.missing("orderId")
    order, first = find_order(call, unknown), params.integer("fromExecutionId") or 0
    found = call.book().amendments.get(order_id, [])
    page = [change for change in found if change.execution_id >= first][: limit(call)]
    return [render_orders.amendment(order.symbol, change) for change in page]


def prevented_matches(call: Call) -> list[Json]:
    """Answer `myPreventedMatches`: by the match's number or by one of its orders."""
    params, book = call.params, call.book()
    number, order_id = params.integer("preventedMatchId"), params.integer("orderId")
    if (number is None) is (order_id is None):
        raise ExchangeError(-1128, "Combination of optional parameters invalid.")
    first = params.integer("fromPreventedMatchId") or 0
    found = [
        match
        for match in book.prevented_matches
        if call.account in match.accounts
        and match.number >= first
        and (match.number == number or order_id in match.order_ids)
    ]
    group = call.api.venue.engine.trade_groups.of(call.account)
    return [render_orders.prevented_match(match, group) for match in found[: limit(call)]]


def subscribe(call: Call) -> Json:
    """Answer `userDataStream.subscribe.signature`."""
    if call.account in call.session.subscriptions.values():
        raise ExchangeError(-2035, "User Data Stream subscription is already active.")
    return {"subscriptionId": call.session.subscribe(call.account)}


def unsubscribe(call: Call) -> Json:
    """Answer `userDataStream.unsubscribe`."""
    number = call.params.integer("subscriptionId")
    active = call.session.subscriptions
    if not active or (number is not None and number not in active):
        raise ExchangeError(-2036, "User Data Stream subscription is not active.")
    for ended in list(active) if number is None else [number]:
        call.session.end(ended)
    return {}


def subscriptions(call: Call) -> list[Json]:
    """Answer `session.subscriptions`."""
    return [{"subscriptionId": number} for number in call.session.subscriptions]
