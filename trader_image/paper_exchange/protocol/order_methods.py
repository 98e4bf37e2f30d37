"""The methods that place, test, cancel and amend orders."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from paper_exchange.core import admission, errors, interventions
from paper_exchange.core.entries import SelfMatched
from paper_exchange.core.errors import ExchangeError
from paper_exchange.core.events import ExecutionReport, Step
from paper_exchange.core.money import ZERO, fixed
from paper_exchange.core.orders import NewOrder, Order, OrderType, SelfTrade, Side, TimeInForce
from paper_exchange.protocol import render_orders
from paper_exchange.protocol.calls import commission_of, find_order, open_orders

if TYPE_CHECKING:
    from paper_exchange.core.fees import FeeRates
    from paper_exchange.core.state import PreventedMatch
    from paper_exchange.protocol.calls import Call
    from paper_exchange.protocol.params import Params
    from paper_exchange.protocol.render_orders import Json


class ResponseType(StrEnum):
    """How much a reply to a new order says."""

    ACK = "ACK"
    RESULT = "RESULT"
    FULL = "FULL"


UNSUPPORTED = {
    "STOP_LOSS": "Stop loss",
    "STOP_LOSS_LIMIT": "Stop loss limit",
    "TAKE_PROFIT": "Take profit",
    "TAKE_PROFIT_LIMIT": "Take profit limit",
    "icebergQty": "Iceberg",
    "trailingDelta": "Trailing stop",
    "pegPriceType": "Pegged",
}
"""Order types and parameters of orders that are not taken, and how refusals name them."""

UNNEEDED = {
    OrderType.LIMIT: ("stopPrice",),
    OrderType.LIMIT_MAKER: ("stopPrice", "timeInForce"),
    OrderType.MARKET: ("stopPrice", "timeInForce", "price"),
}
"""What belongs to orders of other types: who sends it means one of them."""


def place(call: Call) -> Json:
    """Answer `order.place`."""
    request = _new_order(call)
    answer = _response_type(call.params, request.type)
    call.api.limits.check_orders(call.account, call.now)
    order, call.step = call.api.venue.engine.place(call.now, call.account, request)
    if answer is ResponseType.ACK:
        return render_orders.ack(order)
    if answer is ResponseType.RESULT:
        return render_orders.result(order)
    fills = [event.fill for event in call.step.events
             if isinstance(event, ExecutionReport) and event.fill
             and event.order.order_id == order.order_id]  # fmt: skip
    group = call.api.venue.engine.trade_groups.of(call.account)
    return render_orders.full(order, fills, _prevented(call), group)


def _prevented(call: Call) -> list[PreventedMatch]:
    """Return the matches of a new order that self-trade prevention kept from happening."""
    entries = call.step.entries if call.step else ()
    count = sum(isinstance(entry, SelfMatched) for entry in entries)
    return call.book().prevented_matches[-count:] if count else []


def test(call: Call) -> Json:
    """Answer `order.test`."""
    request = _new_order(call)
    _response_type(call.params, request.type)
    admission.check(call.api.venue.engine, call.now, call.account, request)
    if not call.params.flag("computeCommissionRates"):
        return {}
    shown = commission_of(call, request.symbol)
    commission = call.api.venue.engine.fees.commission(call.account, request.symbol)
    return {
        "standardCommissionForOrder": _pair(commission.standard, request.side),
        "specialCommissionForOrder": _pair(commission.special, request.side),
        "taxCommissionForOrder": _pair(commission.tax, request.side),
        "discount": shown["discount"],
    }


def _pair(rates: FeeRates, side: Side) -> Json:
    """Return rates for one order: those of its side are in those of either role."""
    return {
        "maker": fixed(rates.of(side, is_maker=True)),
        "taker": fixed(rates.of(side, is_maker=False)),
    }


def cancel(call: Call) -> Json:
    """Answer `order.cancel`. By a client id it is the present one that counts."""
    unknown = errors.cancel_rejected(errors.UNKNOWN_ORDER)
    order = find_order(call, unknown)
    if not call.params.has("orderId") and order.client_order_id != call.params.text(
        "origClientOrderId"
    ):
        raise unknown
    _check_restriction(call.params, order)
    return _cancel_one(call, order, call.params.client_id("newClientOrderId"))


def _cancel_one(call: Call, order: Order, new_id: str | None) -> Json:
    engine = call.api.venue.engine
    canceled, step = engine.cancel(call.now, order, new_id or call.api.new_id())
    call.step = call.step or Step(call.now)
    call.step.extend(step)
    return render_orders.canceled(canceled, order.client_order_id)


def cancel_all(call: Call) -> list[Json]:
    """Answer `openOrders.cancelAll`."""
    mine = open_orders(call, [call.book()])
    if not mine:
        raise errors.cancel_rejected(errors.UNKNOWN_ORDER)
    return [_cancel_one(call, order, None) for order in mine]


def amend(call: Call) -> Json:
    """Answer `order.amend.keepPriority`."""
    order = find_order(call, errors.amend_rejected(errors.UNKNOWN_ORDER))
    quantity = call.params.amount("newQty")
    name = call.params.client_id("newClientOrderId") or call.api.new_id()
    amended, call.step = interventions.amend(call.api.venue.engine, call.now, order, quantity, name)
    execution_id = call.api.venue.engine.book(order.symbol).last_execution_id
    return render_orders.amended(amended, order.client_order_id, execution_id)


def _check_restriction(params: Params, order: Order) -> None:
    if not params.has("cancelRestrictions"):
        return
    wanted = {"ONLY_NEW": "NEW", "ONLY_PARTIALLY_FILLED": "PARTIALLY_FILLED"}
    status = wanted.get(params.text("cancelRestrictions"))
    if status is None:
        raise ExchangeError(-1145, "Invalid cancelRestrictions")
    if order.is_open and order.status != status:
        raise errors.cancel_rejected("Order was not canceled due to cancel restrictions.")


def _new_order(call: Call) -> NewOrder:
    params = call.params
    symbol = params.symbol()
    side = params.choice("side", Side, ExchangeError(-1117, "Invalid side."))
    _check_supported(params)
    kind = params.choice("type", OrderType, ExchangeError(-1116, "Invalid orderType."))
    _check_needed(params, kind)
    return NewOrder(
        symbol=symbol,
        side=side,
        type=kind,
        time_in_force=_time_in_force(params, kind),
        price=ZERO if kind is OrderType.MARKET else params.amount("price"),
        quantity=ZERO if _by_value(params, kind) else params.amount("quantity"),
        quote_quantity=params.amount("quoteOrderQty") if _by_value(params, kind) else ZERO,
        client_order_id=params.client_id("newClientOrderId") or call.api.new_id(),
        self_trade=_self_trade(call, symbol),
    )


def _check_supported(params: Params) -> None:
    """Refuse what Binance knows and no symbol of this exchange takes, in Binance's words."""
    asked = [str(params.values.get("type"))]
    asked += [name for name in UNSUPPORTED if params.has(name)]
    for name in asked:
        if name in UNSUPPORTED:
            raise ExchangeError(
                -1013, f"{UNSUPPORTED[name]} orders are not supported for this symbol."
            )


def _check_needed(params: Params, kind: OrderType) -> None:
    for name in UNNEEDED[kind]:
        if params.has(name):
            raise ExchangeError(-1106, f"Parameter '{name}' sent when not required.")


def _by_value(params: Params, kind: OrderType) -> bool:
    return kind is OrderType.MARKET and params.has("quoteOrderQty")


def _time_in_force(params: Params, kind: OrderType) -> TimeInForce:
    if kind is OrderType.LIMIT:
        refusal = ExchangeError(-1115, "Invalid timeInForce.")
        return params.choice("timeInForce", TimeInForce, refusal)
    return TimeInForce.GTC


def _self_trade(call: Call, symbol: str) -> SelfTrade:
    if call.params.has("selfTradePreventionMode"):
        refusal = errors.self_trade_mode()
        return call.params.choice("selfTradePreventionMode", SelfTrade, refusal)
    return call.api.venue.engine.symbol(symbol).self_trades.default


def _response_type(params: Params, kind: OrderType) -> ResponseType:
    if params.has("newOrderRespType"):
        refusal = ExchangeError(-1130, "Data sent for parameter 'newOrderRespType' is not valid.")
        return params.choice("newOrderRespType", ResponseType, refusal)
    return ResponseType.ACK if kind is OrderType.LIMIT_MAKER else ResponseType.FULL
