"""Payloads in Binance's shapes, made for the tests."""

from decimal import Decimal
from typing import Any

from symbol_trader.core.orders import CancelIntent, ClientOrderId, Intent, Side, TraderId

SYMBOL = "XRPUSDT"
ORDER_ID = ClientOrderId("tsym-abcdef-0000000000001-b1")
CANCEL_ID = ClientOrderId("tsym-abcdef-0000000000001-b1c1")

INTENT = Intent(
    client_order_id=ORDER_ID,
    trader_id=TraderId("0000000000001"),
    side=Side.BUY,
    attempt=1,
    price=Decimal("0.50000000"),
    quantity=Decimal("40.0"),
    timestamp_ms=1_700_000_000_000,
    recv_window_ms=3000,
)
CANCEL = CancelIntent(
    cancel_id=CANCEL_ID,
    client_order_id=ORDER_ID,
    trader_id=TraderId("0000000000001"),
    attempt=1,
    timestamp_ms=1_700_000_001_000,
    recv_window_ms=3000,
    reason="a test",
)


def order(**changes: Any) -> dict[str, Any]:
    """Make the facts that replies about an order share."""
    return {
        "symbol": SYMBOL,
        "orderId": 101,
        "orderListId": -1,
        "clientOrderId": ORDER_ID,
        "price": "0.50000000",
        "origQty": "40.00000000",
        "executedQty": "0.00000000",
        "origQuoteOrderQty": "0.00000000",
        "cummulativeQuoteQty": "0.00000000",
        "status": "NEW",
        "timeInForce": "GTC",
        "type": "LIMIT",
        "side": "BUY",
        "selfTradePreventionMode": "EXPIRE_MAKER",
        **changes,
    }


def placed(**changes: Any) -> dict[str, Any]:
    """Make the reply to order.place, FULL."""
    times = {"transactTime": 1_700_000_000_123, "workingTime": 1_700_000_000_123}
    return order(**{**times, "fills": [], **changes})


def filled() -> dict[str, Any]:
    """Make the reply to an order.place that found its whole quantity on the book."""
    fill = {"commissionAsset": "XRP", "commission": "0.01000000"}
    return placed(
        status="FILLED",
        executedQty="40.00000000",
        cummulativeQuoteQty="19.90000000",
        fills=[
            {"price": "0.49000000", "qty": "10.00000000", "tradeId": 7, **fill},
            {"price": "0.50000000", "qty": "30.00000000", "tradeId": 8, **fill},
        ],
    )


def canceled(**changes: Any) -> dict[str, Any]:
    """Make the reply to order.cancel."""
    ids = {"origClientOrderId": ORDER_ID, "clientOrderId": CANCEL_ID}
    return order(**{**ids, "status": "CANCELED", "transactTime": 1_700_000_002_000, **changes})


def trade(trade_id: int, **changes: Any) -> dict[str, Any]:
    """Make one entry of myTrades."""
    return {
        "symbol": SYMBOL,
        "id": trade_id,
        "orderId": 101,
        "orderListId": -1,
        "price": "0.50000000",
        "qty": "10.00000000",
        "quoteQty": "5.00000000",
        "commission": "0.01000000",
        "commissionAsset": "XRP",
        "time": 1_700_000_002_000,
        "isBuyer": True,
        "isMaker": True,
        "isBestMatch": True,
        **changes,
    }


def rates(maker: str, taker: str, buyer: str, seller: str) -> dict[str, str]:
    """Make one part of a commission."""
    return {"maker": maker, "taker": taker, "buyer": buyer, "seller": seller}


def account(**changes: Any) -> dict[str, Any]:
    """Make the reply to account.status."""
    return {
        "makerCommission": 10,
        "takerCommission": 10,
        "commissionRates": rates("0.00100000", "0.00150000", "0.00000000", "0.00010000"),
        "canTrade": True,
        "balances": [
            {"asset": "XRP", "free": "10.50000000", "locked": "0.00000000"},
            {"asset": "USDT", "free": "950.00000000", "locked": "20.00000000"},
        ],
        "uid": 354937868,
        **changes,
    }


def commission() -> dict[str, Any]:
    """Make the reply to account.commission."""
    return {
        "symbol": SYMBOL,
        "standardCommission": rates("0.00100000", "0.00120000", "0.00000000", "0.00000000"),
        "specialCommission": rates("0.00050000", "0.00000000", "0.00000000", "0.00000000"),
        "taxCommission": rates("0.00000000", "0.00000000", "0.00001000", "0.00002000"),
        "discount": {"enabledForAccount": True, "discountAsset": "BNB", "discount": "0.75"},
    }


PRICE_FILTER = {
    "filterType": "PRICE_FILTER",
    "minPrice": "0.00010000",
    "maxPrice": "1000.00000000",
    "tickSize": "0.00010000",
}
LOT_SIZE = {
    "filterType": "LOT_SIZE",
    "minQty": "0.10000000",
    "maxQty": "9000.00000000",
    "stepSize": "0.10000000",
}
NOTIONAL = {
    "filterType": "NOTIONAL",
    "minNotional": "5.00000000",
    "maxNotional": "9000000.00000000",
    "applyMinToMarket": True,
}


def exchange_info(*filters: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Make the reply to exchangeInfo."""
    symbol = {
        "symbol": SYMBOL,
        "status": "TRADING",
        "baseAsset": "XRP",
        "quoteAsset": "USDT",
        "filters": list(filters or (PRICE_FILTER, LOT_SIZE, NOTIONAL)),
    }
    return {"timezone": "UTC", "rateLimits": [], "symbols": [{**symbol, **changes}]}


def report(**changes: Any) -> dict[str, Any]:
    """Make an executionReport: the order was taken, unless changed."""
    return {
        "e": "executionReport",
        "E": 1_700_000_002_001,
        "s": SYMBOL,
        "c": ORDER_ID,
        "C": "",
        "S": "BUY",
        "o": "LIMIT",
        "f": "GTC",
        "q": "40.00000000",
        "p": "0.50000000",
        "x": "NEW",
        "X": "NEW",
        "r": "NONE",
        "i": 101,
        "l": "0.00000000",
        "z": "0.00000000",
        "L": "0.00000000",
        "n": "0",
        "N": None,
        "T": 1_700_000_002_000,
        "t": -1,
        "I": 55,
        "w": True,
        "m": False,
        "O": 1_700_000_000_123,
        "Z": "0.00000000",
        "Y": "0.00000000",
        **changes,
    }


TRADE_REPORT = report(
    x="TRADE",
    X="PARTIALLY_FILLED",
    l="10.00000000",
    z="10.00000000",
    L="0.50000000",
    n="0.01000000",
    N="XRP",
    t=777,
    m=True,
    Z="5.00000000",
    Y="5.00000000",
)

POSITION = {
    "e": "outboundAccountPosition",
    "E": 1_700_000_002_001,
    "u": 1_700_000_002_000,
    "B": [{"a": "USDT", "f": "950.00000000", "l": "30.00000000"}],
}


def public_trade(trade_id: int, price: str, **changes: Any) -> dict[str, Any]:
    """Make one event of the @trade stream."""
    return {
        "e": "trade",
        "E": 1_700_000_003_001,
        "s": SYMBOL,
        "t": trade_id,
        "p": price,
        "q": "12.00000000",
        "T": 1_700_000_003_000,
        "m": True,
        "M": True,
        **changes,
    }
