"""The methods that ask what an account has: its orders, trades, balances and user data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paper_exchange import accounts
from paper_exchange.core import errors
from paper_exchange.core.errors import ExchangeError
from paper_exchange.protocol import render, render_orders
from paper_exchange.protocol.calls import commission_of, find_order, limit, open_orders, span

if TYPE_CHECKING:
    from paper_exchange.protocol.calls import Call
    from paper_exchange.protocol.render_orders import Json


def order_status(call: Call) -> Json:
    """Answer `order.status`."""
    order = find_order(call, ExchangeError(-2013, "Order does not exist."))
    if order.archived:
        raise errors.archived()
    return render_orders.order_status(order)


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
        if order.account == call.account and not order.archived
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
        venue.engine.fees.rates,
        omit_zero=bool(call.params.flag("omitZeroBalances")),
    )


def account_commission(call: Call) -> Json:
    """Answer `account.commission`."""
    symbol = call.params.symbol()
    call.book()
    return commission_of(call, symbol)


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
        del active[ended]
    return {}


def subscriptions(call: Call) -> list[Json]:
    """Answer `session.subscriptions`."""
    return [{"subscriptionId": number} for number in call.session.subscriptions]
