"""Binance's JSON shapes for orders, fills and execution reports.

Times are wall-clock milliseconds, marked so that they can be shown in microseconds.
"""

from collections.abc import Iterable
from typing import Any

from paper_exchange.core.entries import SelfMatched
from paper_exchange.core.events import Execution, ExecutionReport, Prevention
from paper_exchange.core.money import ZERO, fixed, times
from paper_exchange.core.orders import ExpiryReason, Fill, Order, Side
from paper_exchange.core.state import Amendment, PreventedMatch
from paper_exchange.core.trade_groups import NO_TRADE_GROUP
from paper_exchange.protocol.text import Millis

Json = dict[str, Any]

NOTHING = fixed(ZERO)


def ack(order: Order) -> Json:
    """Return the least reply to an accepted order."""
    return {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.client_order_id,
        "transactTime": Millis(order.updated),
    }


def result(order: Order) -> Json:
    """Return the reply that also says what became of the order.

    Unlike queries it names prevented matches in a list of their own, if at all.
    """
    state = {name: value for name, value in _state(order).items() if name != "preventedMatchId"}
    return ack(order) | state | {"workingTime": Millis(order.created)} | _mode(order)


def full(
    order: Order,
    fills: Iterable[Fill],
    prevented: Iterable[PreventedMatch] = (),
    trade_group: int = NO_TRADE_GROUP,
) -> Json:
    """Return the reply with the fills that happened at once, and those that were prevented."""
    shown = result(order) | {"fills": [_fill(fill) for fill in fills]}
    matches = [_prevented_now(match) for match in prevented]
    if not matches:
        return shown
    group = {} if trade_group == NO_TRADE_GROUP else {"tradeGroupId": trade_group}
    return shown | {"preventedMatches": matches} | group


def prevented_match(match: PreventedMatch, trade_group: int) -> Json:
    """Return a row of `myPreventedMatches`."""
    entry = match.entry
    return {
        "symbol": entry.symbol,
        "preventedMatchId": match.number,
        "takerOrderId": entry.taker_order_id,
        "makerSymbol": entry.symbol,
        "makerOrderId": entry.maker_order_id,
        "tradeGroupId": trade_group,
        "selfTradePreventionMode": str(entry.mode),
        "price": fixed(entry.price),
        **_losses(entry),
        "transactTime": Millis(entry.time),
    }


def _prevented_now(match: PreventedMatch) -> Json:
    """Return a prevented match as the reply to the order that would have taken shows it."""
    entry = match.entry
    return {
        "preventedMatchId": match.number,
        "makerSymbol": entry.symbol,
        "makerOrderId": entry.maker_order_id,
        "price": fixed(entry.price),
        **_losses(entry),
    }


def _losses(entry: SelfMatched) -> Json:
    """Return what either side lost; who lost nothing is not named."""
    lost = {
        "takerPreventedQuantity": entry.taker_loss,
        "makerPreventedQuantity": entry.maker_loss,
    }
    return {name: fixed(quantity) for name, quantity in lost.items() if quantity}


def amendment(symbol: str, change: Amendment) -> Json:
    """Return a row of `order.amendments`."""
    return {
        "symbol": symbol,
        "orderId": change.order_id,
        "executionId": change.execution_id,
        "origClientOrderId": change.old_client_order_id,
        "newClientOrderId": change.new_client_order_id,
        "origQty": fixed(change.old_quantity),
        "newQty": fixed(change.new_quantity),
        "time": Millis(change.time),
    }


def canceled(order: Order, original_id: str) -> Json:
    """Return the reply to a cancel; `original_id` is the id that was cancelled."""
    head = {"symbol": order.symbol, "origClientOrderId": original_id}
    return head | ack(order) | _state(order) | _mode(order)


def amended(order: Order, original_id: str, execution_id: int) -> Json:
    """Return the reply to an amendment; `original_id` is the id before it.

    Its names differ from other replies: qty, preventedQty, and cumulativeQuoteQty with one m.
    """
    state = _state(order)
    return {
        "transactTime": Millis(order.updated),
        "executionId": execution_id,
        "amendedOrder": {
            "symbol": order.symbol,
            "orderId": order.order_id,
            "orderListId": -1,
            "origClientOrderId": original_id,
            "clientOrderId": order.client_order_id,
            "price": state["price"],
            "qty": state["origQty"],
            "executedQty": state["executedQty"],
            "preventedQty": fixed(order.prevented),
            "quoteOrderQty": state["origQuoteOrderQty"],
            "cumulativeQuoteQty": state["cummulativeQuoteQty"],
            **{name: state[name] for name in ("status", "timeInForce", "type", "side")},
            "workingTime": Millis(order.created),
            **_mode(order),
        },
    }


def order_status(order: Order) -> Json:
    """Return an order as queries show it."""
    return {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.client_order_id,
        **_state(order),
        "stopPrice": NOTHING,
        "icebergQty": NOTHING,
        "time": Millis(order.created),
        "updateTime": Millis(order.updated),
        "isWorking": True,
        "workingTime": Millis(order.created),
        **_mode(order),
    }


def my_trade(fill: Fill) -> Json:
    """Return a fill as `myTrades` shows it."""
    return {
        "symbol": fill.symbol,
        "id": fill.trade_id,
        "orderId": fill.order_id,
        "orderListId": -1,
        "price": fixed(fill.price),
        "qty": fixed(fill.quantity),
        "quoteQty": fixed(fill.quote_quantity),
        "commission": fixed(fill.commission),
        "commissionAsset": fill.commission_asset,
        "time": Millis(fill.time),
        "isBuyer": fill.side is Side.BUY,
        "isMaker": fill.is_maker,
        "isBestMatch": True,
    }


def execution_report(report: ExecutionReport, now: int) -> Json:
    """Return an `executionReport` with all its mandatory keys."""
    order, fill = report.order, report.fill
    resting = order.is_open and (fill is None or fill.is_maker) and order.price > ZERO
    event = {
        "e": "executionReport",
        "E": Millis(now),
        "s": order.symbol,
        "c": order.client_order_id,
        "S": str(order.side),
        "o": str(order.type),
        "f": str(order.time_in_force),
        "q": fixed(order.quantity),
        "p": fixed(order.price),
        "P": NOTHING,
        "F": NOTHING,
        "g": -1,
        "C": report.renamed_from,
        "x": str(report.execution),
        "X": str(order.status),
        "r": "NONE",
        "i": order.order_id,
        "l": fixed(fill.quantity) if fill else NOTHING,
        "z": fixed(order.executed),
        "L": fixed(fill.price) if fill else NOTHING,
        "n": fixed(fill.commission) if fill else "0",
        "N": fill.commission_asset if fill else None,
        "T": Millis(report.time),
        "t": fill.trade_id if fill else -1,
        "I": report.execution_id,
        "w": resting,
        "m": bool(fill and fill.is_maker),
        "M": fill is not None,
        "O": Millis(order.created),
        "Z": fixed(order.quote_executed),
        "Y": fixed(fill.quote_quantity) if fill else NOTHING,
        "Q": fixed(order.quote_quantity),
        "W": Millis(order.created),
        "V": str(order.self_trade),
    }
    if report.execution is Execution.EXPIRED and order.expiry_reason is not ExpiryReason.NONE:
        event["eR"] = str(order.expiry_reason)
    return event | _prevention(order, report.prevention)


def _prevention(order: Order, prevention: Prevention | None) -> Json:
    """Return what a report says about self-trade prevention, if there was any."""
    if order.prevented_match is None:
        return {}
    shown: Json = {"v": order.prevented_match, "A": fixed(order.prevented)}
    if prevention:
        shown |= {
            "B": fixed(prevention.quantity),
            "u": prevention.trade_group,
            "U": prevention.counter_order_id,
            "Cs": order.symbol,
            "pl": fixed(prevention.execution_quantity),
            "pL": fixed(prevention.price),
            "pY": fixed(times(prevention.price, prevention.execution_quantity)),
        }
    return shown


def _state(order: Order) -> Json:
    state: Json = {
        "price": fixed(order.price),
        "origQty": fixed(order.quantity),
        "executedQty": fixed(order.executed),
        "origQuoteOrderQty": fixed(order.quote_quantity),
        "cummulativeQuoteQty": fixed(order.quote_executed),
        "status": str(order.status),
        "timeInForce": str(order.time_in_force),
        "type": str(order.type),
        "side": str(order.side),
    }
    if order.expiry_reason is not ExpiryReason.NONE:
        state["expiryReason"] = str(order.expiry_reason)
    if order.prevented_match is not None:
        state["preventedMatchId"] = order.prevented_match
        state["preventedQuantity"] = fixed(order.prevented)
    return state


def _mode(order: Order) -> Json:
    return {"selfTradePreventionMode": str(order.self_trade)}


def _fill(fill: Fill) -> Json:
    return {
        "price": fixed(fill.price),
        "qty": fixed(fill.quantity),
        "commission": fixed(fill.commission),
        "commissionAsset": fill.commission_asset,
        "tradeId": fill.trade_id,
    }
