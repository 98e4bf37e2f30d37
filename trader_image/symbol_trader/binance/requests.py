"""What we ask of Binance: the parameters of each method, without key and signature.

An order's parameters are exactly its intent's: the intent was committed with them, and the promise
that a late request is refused rests on its timestamp and recvWindow. Source of the names:
web-socket-api.md.
"""

import json
from collections.abc import Collection

from symbol_trader.binance.signing import Params
from symbol_trader.core.money import plain
from symbol_trader.core.orders import CancelIntent, Intent
from symbol_trader.core.replies import TradeGap

TRADES_PAGE = 1000
"""Trades per page of `myTrades`, the most that Binance allows."""

NEWEST_TRADES = 100
"""Trades in the newest page: it is read often, and rarely are there so many new ones."""

AGGREGATES_PAGE = 1000
"""Trades per page of `trades.aggregate`, the most that Binance allows."""

_MINUTE_MS = 60_000
_EVENT_LATE_MS = 1_000


def place(intent: Intent, symbol: str) -> Params:
    """Parameters of `order.place`. FULL asks for the fills that happen at once."""
    return {
        "symbol": symbol,
        "side": intent.side.value,
        "type": "LIMIT",
        "timeInForce": intent.time_in_force.value,
        "price": plain(intent.price),
        "quantity": plain(intent.quantity),
        "newClientOrderId": intent.client_order_id,
        "newOrderRespType": "FULL",
        "timestamp": intent.timestamp_ms,
        "recvWindow": intent.recv_window_ms,
    }


def cancel(intent: CancelIntent, symbol: str) -> Params:
    """Parameters of `order.cancel`. The cancel has its own id, else the order gets a random one.

    An amendment may have renamed the order, so it goes by the exchange's id where that is known.
    """
    named: Params = {"origClientOrderId": intent.client_order_id}
    return {
        "symbol": symbol,
        **(named if intent.order_id is None else {"orderId": intent.order_id}),
        "newClientOrderId": intent.cancel_id,
        "timestamp": intent.timestamp_ms,
        "recvWindow": intent.recv_window_ms,
    }


def order_status(client_order_id: str, symbol: str) -> Params:
    """Parameters of `order.status`."""
    return {"symbol": symbol, "origClientOrderId": client_order_id}


def order_by_id(order_id: int, symbol: str) -> Params:
    """Parameters of `order.status` by the exchange's id."""
    return {"symbol": symbol, "orderId": order_id}


def books(symbols: Collection[str]) -> Params:
    """Parameters of `ticker.book` for several symbols: a list, as JSON in a text."""
    return {"symbols": json.dumps(sorted(symbols), separators=(",", ":"), ensure_ascii=False)}


def klines(symbol: str, time_ms: int) -> Params:
    """Parameters of `klines`: the candle of the minute that holds a time, or the last before it."""
    end_ms = time_ms - time_ms % _MINUTE_MS + _MINUTE_MS - 1
    return {"symbol": symbol, "interval": "1m", "endTime": end_ms, "limit": 1}


def aggregate_trades(symbol: str, gap: TradeGap) -> Params:
    """Parameters of `trades.aggregate`: the first page of those around missed trades.

    Event times may be later than those of the trades, by which the exchange looks.
    """
    return {
        "symbol": symbol,
        "startTime": gap.after_ms - _EVENT_LATE_MS,
        "endTime": gap.before_ms,
        "limit": AGGREGATES_PAGE,
    }


def aggregate_trades_from(symbol: str, number: int) -> Params:
    """Parameters of `trades.aggregate`: a page from the id of an aggregated trade on."""
    return {"symbol": symbol, "fromId": number, "limit": AGGREGATES_PAGE}


def my_trades(symbol: str, from_id: int | None, order_id: int | None) -> Params:
    """Parameters of `myTrades`: from a trade id on, or the newest page."""
    page = NEWEST_TRADES if from_id is None else TRADES_PAGE
    params: dict[str, str | int | bool] = {"symbol": symbol, "limit": page}
    if from_id is not None:
        params["fromId"] = from_id
    if order_id is not None:
        params["orderId"] = order_id
    return params


def stamped(params: Params, timestamp_ms: int, recv_window_ms: int) -> Params:
    """Add the time to a request that only reads; orders and cancels carry their intent's."""
    return {**params, "timestamp": timestamp_ms, "recvWindow": recv_window_ms}
