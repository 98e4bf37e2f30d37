"""What requests weigh, as documented. Source: web-socket-api.md, "Weight" of each method."""

from typing import Final

from symbol_trader.binance.signing import Params

CONNECTION: Final = 2
"""Opening a connection to the WebSocket API."""

_WEIGHTS: Final = {
    "time": 1,
    "exchangeInfo": 20,
    "session.logon": 2,
    "userDataStream.subscribe": 2,
    "userDataStream.subscribe.signature": 2,
    "account.status": 20,
    "account.commission": 20,
    "myFilters": 40,
    "referencePrice": 2,
    "avgPrice": 2,
    "ticker.price": 2,
    "ticker.book": 2,
    "klines": 2,
    "trades.recent": 25,
    "trades.aggregate": 4,
    "openOrders.status": 6,
    "order.status": 4,
    "allOrders": 20,
    "myTrades": 20,
}
"""The weight of each method that is asked here, for one symbol."""
_TRADES_OF_AN_ORDER: Final = 5
_BOOKS_OF_SEVERAL: Final = 4


def weight_of(method: str, params: Params) -> int:
    """Return what a request that only reads weighs. Raises `KeyError` for what is never asked."""
    if method == "myTrades" and "orderId" in params:
        return _TRADES_OF_AN_ORDER
    if method == "ticker.book" and "symbols" in params:
        return _BOOKS_OF_SEVERAL
    return _WEIGHTS[method]
