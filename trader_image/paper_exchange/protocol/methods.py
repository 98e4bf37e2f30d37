"""The methods of the WebSocket API, one function each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from paper_exchange import accounts
from paper_exchange.core import errors
from paper_exchange.core.errors import ExchangeError
from paper_exchange.core.events import ExecutionReport, Step
from paper_exchange.core.money import ZERO, fixed
from paper_exchange.core.orders import NewOrder, Order, OrderType, SelfTrade, Side, TimeInForce
from paper_exchange.protocol import render
from paper_exchange.protocol.text import Millis

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from paper_exchange.core.state import Book
    from paper_exchange.protocol.api import Api
    from paper_exchange.protocol.params import Params
    from paper_exchange.protocol.render import Json
    from paper_exchange.protocol.session import ApiSession

DEFAULT_PAGE = 500
"""Rows of a reply where the request does not say."""
LONGEST_SPAN = 86_400_000
"""Milliseconds between startTime and endTime, at most."""
T = TypeVar("T")


class Security(Enum):
    """Whether a method must be signed."""

    NONE = "NONE"
    SIGNED = "SIGNED"


class ResponseType(StrEnum):
    """How much a reply to a new order says."""

    ACK = "ACK"
    RESULT = "RESULT"
    FULL = "FULL"


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
    """A method: its function, whether it is signed, what it weighs."""

    run: Callable[[Call], Any]
    security: Security
    base_weight: int
    weight_without_symbol: int | None = None
    is_order: bool = False

    def weight(self, params: Params) -> int:
        """Return what a request weighs."""
        if self.weight_without_symbol is not None and not params.has("symbol"):
            return self.weight_without_symbol
        return self.base_weight


# -- general and market data -----------------------------------------------------------------


def _ping(_: Call) -> Json:
    return {}


def _time(call: Call) -> Json:
    return {"serverTime": Millis(call.now)}


def exchange_info(call: Call) -> Json:
    """Return the traded symbols with their filters and the exchange's limits."""
    engine = call.api.venue.engine
    names = _asked_symbols(call) or list(engine.symbols)
    return {
        "timezone": "UTC",
        "serverTime": Millis(call.now),
        "rateLimits": call.api.limits.describe(),
        "exchangeFilters": [],
        "symbols": [render.symbol_info(engine.symbol(name), engine.status[name]) for name in names],
        "sors": [],
    }


def _ticker_price(call: Call) -> Json | list[Json]:
    return _for_symbols(call, _price)


def _price(call: Call, name: str) -> Json | None:
    recent = call.api.venue.recent[call.api.venue.engine.symbol(name).name]
    last = recent[-1].price if recent else call.api.venue.engine.book(name).price
    return None if last is None else {"symbol": name, "price": fixed(last)}


def _ticker_book(call: Call) -> Json | list[Json]:
    return _for_symbols(call, _best)


def _best(call: Call, name: str) -> Json:
    engine = call.api.venue.engine
    top = engine.top(engine.symbol(name).name)
    return render.book_ticker(name, top.bid, top.ask)


def _recent_trades(call: Call) -> list[Json]:
    name = call.params.symbol()
    call.book()
    trades = list(call.api.venue.recent[name])[-_limit(call) :]
    return [render.recent_trade(trade) for trade in trades]


def _asked_symbols(call: Call) -> list[str] | None:
    if call.params.has("symbol") and call.params.has("symbols"):
        raise ExchangeError(-1128, "Combination of optional parameters invalid.")
    return [call.params.symbol()] if call.params.has("symbol") else call.params.names("symbols")


def _for_symbols(call: Call, show: Callable[[Call, str], Json | None]) -> Json | list[Json]:
    names = _asked_symbols(call)
    if call.params.has("symbol") and names:
        shown = show(call, names[0])
        if shown is None:
            raise errors.invalid_symbol()
        return shown
    every = (show(call, name) for name in names or call.api.venue.engine.symbols)
    return [shown for shown in every if shown is not None]


# -- orders ----------------------------------------------------------------------------------


def _place(call: Call) -> Json:
    request = _new_order(call)
    answer = _response_type(call.params, request.type)
    call.api.limits.check_orders(call.account, call.now)
    order, call.step = call.api.venue.engine.place(call.now, call.account, request)
    if answer is ResponseType.ACK:
        return render.ack(order)
    if answer is ResponseType.RESULT:
        return render.result(order)
    fills = [event.fill for event in call.step.events
             if isinstance(event, ExecutionReport) and event.fill
             and event.order.order_id == order.order_id]  # fmt: skip
    return render.full(order, fills)


def _test(call: Call) -> Json:
    request = _new_order(call)
    _response_type(call.params, request.type)
    call.api.venue.engine.check(call.account, request)
    if not call.params.flag("computeCommissionRates"):
        return {}
    shown = render.account_commission(request.symbol, call.api.venue.engine.rules.fees)
    return {
        "standardCommissionForOrder": _pair(shown["standardCommission"]),
        "specialCommissionForOrder": _pair(shown["specialCommission"]),
        "taxCommissionForOrder": _pair(shown["taxCommission"]),
        "discount": shown["discount"],
    }


def _pair(rates: Json) -> Json:
    return {"maker": rates["maker"], "taker": rates["taker"]}


def _cancel(call: Call) -> Json:
    order = _find(call, errors.cancel_rejected(errors.UNKNOWN_ORDER))
    _check_restriction(call.params, order)
    return _cancel_one(call, order, call.params.client_id("newClientOrderId"))


def _cancel_one(call: Call, order: Order, new_id: str | None) -> Json:
    engine = call.api.venue.engine
    canceled, step = engine.cancel(call.now, order, new_id or call.api.new_id())
    call.step = call.step or Step(call.now)
    call.step.extend(step)
    return render.canceled(canceled, order.client_order_id)


def _cancel_all(call: Call) -> list[Json]:
    mine = _open_orders(call, [call.book()])
    if not mine:
        raise errors.cancel_rejected(errors.UNKNOWN_ORDER)
    return [_cancel_one(call, order, None) for order in mine]


def _check_restriction(params: Params, order: Order) -> None:
    if not params.has("cancelRestrictions"):
        return
    wanted = {"ONLY_NEW": "NEW", "ONLY_PARTIALLY_FILLED": "PARTIALLY_FILLED"}
    status = wanted.get(params.text("cancelRestrictions"))
    if status is None:
        raise ExchangeError(-1145, "Invalid cancelRestrictions")
    if order.is_open and order.status != status:
        raise errors.cancel_rejected("Order was not canceled due to cancel restrictions.")


def _order_status(call: Call) -> Json:
    return render.order_status(_find(call, ExchangeError(-2013, "Order does not exist.")))


def _open_orders_status(call: Call) -> list[Json]:
    books = call.api.venue.engine.state.books
    chosen = [call.book()] if call.params.has("symbol") else books.values()
    return [render.order_status(order) for order in _open_orders(call, chosen)]


def _open_orders(call: Call, books: Iterable[Book]) -> list[Order]:
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


def _all_orders(call: Call) -> list[Json]:
    first = call.params.integer("orderId")
    orders = [order for order in call.book().orders.values() if order.account == call.account]
    if first is not None:
        page = [order for order in orders if order.order_id >= first][: _limit(call)]
    else:
        page = _span(call, orders, lambda order: order.created)
    return [render.order_status(order) for order in page]


def _my_trades(call: Call) -> list[Json]:
    book, params = call.book(), call.params
    order_id, first = params.integer("orderId"), params.integer("fromId")
    timed = params.has("startTime") or params.has("endTime")
    if timed and first is not None:
        raise ExchangeError(-1128, "Combination of optional parameters invalid.")
    fills = book.fills if order_id is None else book.fills_by_order.get(order_id, [])
    mine = [fill for fill in fills if fill.account == call.account]
    if first is not None:
        page = [fill for fill in mine if fill.trade_id >= first][: _limit(call)]
    else:
        page = _span(call, mine, lambda fill: fill.time)
    return [render.my_trade(fill) for fill in page]


def _span(call: Call, rows: list[T], time: Callable[[T], int]) -> list[T]:
    start, end = call.params.integer("startTime"), call.params.integer("endTime")
    if start is not None and end is not None and end - start > LONGEST_SPAN:
        raise ExchangeError(-1127, "More than 24 hours between startTime and endTime.")
    chosen = [
        row
        for row in rows
        if (start is None or time(row) >= start) and (end is None or time(row) <= end)
    ]
    return chosen[: _limit(call)] if start is not None else chosen[-_limit(call) :]


def _limit(call: Call) -> int:
    asked = call.params.integer("limit")
    if asked == 0:
        raise ExchangeError(-1130, "Data sent for parameter 'limit' is not valid.")
    return min(asked or DEFAULT_PAGE, call.api.page_limit)


def _find(call: Call, unknown: ExchangeError) -> Order:
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
    if client_id and client_id not in {order.client_order_id, order.original_client_order_id}:
        raise ExchangeError(-2039, "orderId and origClientOrderId do not belong together.")
    return order


def _new_order(call: Call) -> NewOrder:
    params = call.params
    symbol = params.symbol()
    side = params.choice("side", Side, ExchangeError(-1117, "Invalid side."))
    kind = params.choice("type", OrderType, ExchangeError(-1116, "Invalid orderType."))
    return NewOrder(
        symbol=symbol,
        side=side,
        type=kind,
        time_in_force=_time_in_force(params, kind),
        price=ZERO if kind is OrderType.MARKET else params.amount("price"),
        quantity=ZERO if _by_value(params, kind) else params.amount("quantity"),
        quote_quantity=params.amount("quoteOrderQty") if _by_value(params, kind) else ZERO,
        client_order_id=params.client_id("newClientOrderId") or call.api.new_id(),
        self_trade=_self_trade(params),
    )


def _by_value(params: Params, kind: OrderType) -> bool:
    return kind is OrderType.MARKET and params.has("quoteOrderQty")


def _time_in_force(params: Params, kind: OrderType) -> TimeInForce:
    if kind is OrderType.LIMIT:
        refusal = ExchangeError(-1115, "Invalid timeInForce.")
        return params.choice("timeInForce", TimeInForce, refusal)
    if params.has("timeInForce"):
        raise ExchangeError(-1106, "Parameter 'timeInForce' sent when not required.")
    return TimeInForce.GTC


def _self_trade(params: Params) -> SelfTrade:
    if not params.has("selfTradePreventionMode"):
        return SelfTrade.EXPIRE_MAKER
    refusal = ExchangeError(
        -1013, "This symbol does not allow the specified self-trade prevention mode."
    )
    return params.choice("selfTradePreventionMode", SelfTrade, refusal)


def _response_type(params: Params, kind: OrderType) -> ResponseType:
    if params.has("newOrderRespType"):
        refusal = ExchangeError(-1130, "Data sent for parameter 'newOrderRespType' is not valid.")
        return params.choice("newOrderRespType", ResponseType, refusal)
    return ResponseType.ACK if kind is OrderType.LIMIT_MAKER else ResponseType.FULL


# -- account ---------------------------------------------------------------------------------


def _account_status(call: Call) -> Json:
    venue = call.api.venue
    return render.account(
        venue.engine.state.accounts[call.account],
        accounts.uid(venue.instance, call.account),
        venue.engine.rules.fees,
        omit_zero=bool(call.params.flag("omitZeroBalances")),
    )


def _account_commission(call: Call) -> Json:
    symbol = call.params.symbol()
    call.book()
    return render.account_commission(symbol, call.api.venue.engine.rules.fees)


# -- user data -------------------------------------------------------------------------------


def _subscribe(call: Call) -> Json:
    if call.account in call.session.subscriptions.values():
        raise ExchangeError(-2035, "User Data Stream subscription is already active.")
    return {"subscriptionId": call.session.subscribe(call.account)}


def _unsubscribe(call: Call) -> Json:
    number = call.params.integer("subscriptionId")
    active = call.session.subscriptions
    if not active or (number is not None and number not in active):
        raise ExchangeError(-2036, "User Data Stream subscription is not active.")
    for ended in list(active) if number is None else [number]:
        del active[ended]
    return {}


def _subscriptions(call: Call) -> list[Json]:
    return [{"subscriptionId": number} for number in call.session.subscriptions]


METHODS: dict[str, Method] = {
    "ping": Method(_ping, Security.NONE, 1),
    "time": Method(_time, Security.NONE, 1),
    "exchangeInfo": Method(exchange_info, Security.NONE, 20),
    "ticker.price": Method(_ticker_price, Security.NONE, 2, 4),
    "ticker.book": Method(_ticker_book, Security.NONE, 2, 4),
    "trades.recent": Method(_recent_trades, Security.NONE, 25),
    "order.place": Method(_place, Security.SIGNED, 1, is_order=True),
    "order.test": Method(_test, Security.SIGNED, 1),
    "order.cancel": Method(_cancel, Security.SIGNED, 1, is_order=True),
    "openOrders.cancelAll": Method(_cancel_all, Security.SIGNED, 1, is_order=True),
    "order.status": Method(_order_status, Security.SIGNED, 4),
    "openOrders.status": Method(_open_orders_status, Security.SIGNED, 6, 80),
    "allOrders": Method(_all_orders, Security.SIGNED, 20),
    "myTrades": Method(_my_trades, Security.SIGNED, 20),
    "account.status": Method(_account_status, Security.SIGNED, 20),
    "account.commission": Method(_account_commission, Security.SIGNED, 20),
    "userDataStream.subscribe.signature": Method(_subscribe, Security.SIGNED, 2),
    "userDataStream.unsubscribe": Method(_unsubscribe, Security.NONE, 2),
    "session.subscriptions": Method(_subscriptions, Security.NONE, 2),
}
