"""Every message that the documentation shows an example of, with values of our own.

The shapes are those of web-socket-api.md, user-data-stream.md and web-socket-streams.md.
"""

from typing import Any

from unit.binance import payloads
from unit.binance.payloads import ORDER_ID, SYMBOL

Json = dict[str, Any]
T = 1_770_000_000_000

CONDITIONAL = {
    "icebergQty": "0.00000000",
    "stopPrice": "0.00000000",
    "strategyId": 4,
    "strategyType": 1_000_001,
    "trailingDelta": 10,
    "trailingTime": -1,
    "usedSor": True,
    "workingFloor": "SOR",
    "pegPriceType": "PRIMARY_PEG",
    "pegOffsetType": "PRICE_LEVEL",
    "pegOffsetValue": 5,
    "peggedPrice": "0.50000000",
    "expiryReason": "NONE",
}
"""Fields that an order's reply has where they apply: those of pegged orders among them."""

PREVENTED = {
    "preventedMatchId": 0,
    "preventedQuantity": "3.00000000",
    "preventedMatches": [
        {
            "preventedMatchId": 0,
            "makerOrderId": 5,
            "makerSymbol": SYMBOL,
            "makerPreventedQuantity": "3.00000000",
        }
    ],
}

ORDERS: dict[str, Json] = {
    "limit": payloads.placed(),
    "filled at once": payloads.filled(),
    "with all conditional fields": payloads.placed(**CONDITIONAL),
    "prevented": payloads.placed(status="EXPIRED_IN_MATCH", **PREVENTED),
    "price range": payloads.placed(
        status="EXPIRED", expiryReason="EXECUTION_RULE_PRICE_RANGE_EXCEEDED"
    ),
}
"""Results of `order.place`."""

QUERIED: dict[str, Json] = {
    name: {**order, "time": T, "updateTime": T, "isWorking": True, "workingTime": T}
    for name, order in {
        "limit": payloads.order(),
        "pegged": payloads.order(**CONDITIONAL),
        "prevented": payloads.order(status="EXPIRED_IN_MATCH", **PREVENTED),
        "market order of another hand": payloads.order(
            clientOrderId="web_1", type="MARKET", price="0.00000000", status="FILLED"
        ),
        "leg of a list": payloads.order(orderListId=7, type="STOP_LOSS_LIMIT", status="NEW"),
        "old, its quote unknown": payloads.order(cummulativeQuoteQty="-1.00000000"),
    }.items()
}
"""Entries of `order.status`, `openOrders.status`."""

REPORTS: dict[str, Json] = {
    "new": payloads.report(),
    "trade": payloads.TRADE_REPORT,
    "canceled": payloads.report(x="CANCELED", X="CANCELED", c="cancel-1", C=ORDER_ID),
    "replaced": payloads.report(x="REPLACED", c="new-name", C=ORDER_ID, q="15.00000000"),
    "rejected": payloads.report(x="REJECTED", X="REJECTED", r="INSUFFICIENT_BALANCES", i=-1),
    "expired by the price range": payloads.report(
        x="EXPIRED", X="EXPIRED", eR="EXECUTION_RULE_PRICE_RANGE_EXCEEDED"
    ),
    "prevented": payloads.report(
        x="TRADE_PREVENTION",
        X="EXPIRED_IN_MATCH",
        v=3,
        A="3.00000000",
        B="3.00000000",
        u=1,
        U=37,
        Cs=SYMBOL,
        pl="2.10000000",
        pL="0.10000000",
        pY="0.21000000",
    ),
    "pegged": payloads.report(gP="PRIMARY_PEG", gOT="PRICE_LEVEL", gOV=2, gp="0.50000000"),
    "trailing": payloads.report(d=4, D=T, j=1, J=1_000_001, W=T, V="EXPIRE_MAKER"),
    "allocated": payloads.report(b="ONE_PARTY_TRADE_REPORT", a=1234, k="SOR", uS=True),
}
"""Reports of the user data stream, of our hands and of others."""

EVENTS: dict[str, Json] = {
    "balances": payloads.POSITION,
    "a difference": {"e": "balanceUpdate", "E": T, "a": "USDT", "d": "-5.00000000", "T": T},
    "a lock": {"e": "externalLockUpdate", "E": T, "a": "USDT", "d": "1.00000000", "T": T},
    "a list": {
        "e": "listStatus",
        "E": T,
        "s": SYMBOL,
        "g": 2,
        "c": "OCO",
        "l": "EXEC_STARTED",
        "L": "EXECUTING",
        "r": "NONE",
        "C": "list-1",
        "T": T,
        "O": [{"s": SYMBOL, "i": 17, "c": "leg-1"}, {"s": SYMBOL, "i": 18, "c": "leg-2"}],
    },
    "another symbol": payloads.report(s="BTCUSDT"),
}
"""Other events of the user data stream."""

ENDINGS: dict[str, Json] = {
    "the server": {"e": "serverShutdown", "E": T},
    "the stream": {"e": "eventStreamTerminated", "E": T},
}

LIMITS = [
    {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 50, "count": 1},
    {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 160_000, "count": 9},
    {
        "rateLimitType": "REQUEST_WEIGHT",
        "interval": "MINUTE",
        "intervalNum": 1,
        "limit": 6000,
        "count": 12,
    },
]

ERRORS: dict[str, Json] = {
    "poor": {
        "id": 1,
        "status": 400,
        "error": {"code": -2010, "msg": "Account has insufficient balance."},
        "rateLimits": LIMITS,
    },
    "limited": {
        "id": 1,
        "status": 429,
        "error": {
            "code": -1003,
            "msg": "Too much request weight used.",
            "data": {"serverTime": T, "retryAfter": T + 1_000},
        },
        "rateLimits": LIMITS,
    },
    "revoked": {"id": None, "status": 401, "error": {"code": -2015, "msg": "Invalid API-key."}},
    "not understood": {"id": None, "status": 400, "error": {"code": -1135, "msg": "Invalid."}},
}

WHOLE_SYMBOL: Json = {
    "symbol": SYMBOL,
    "status": "TRADING",
    "baseAsset": "XRP",
    "baseAssetPrecision": 8,
    "quoteAsset": "USDT",
    "quotePrecision": 8,
    "quoteAssetPrecision": 8,
    "baseCommissionPrecision": 8,
    "quoteCommissionPrecision": 8,
    "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
    "icebergAllowed": True,
    "pegInstructionsAllowed": True,
    "filters": [
        payloads.PRICE_FILTER,
        payloads.LOT_SIZE,
        payloads.NOTIONAL | {"applyMaxToMarket": False, "avgPriceMins": 5},
        {"filterType": "ICEBERG_PARTS", "limit": 100},
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": "0.00000000",
            "maxQty": "100.00000000",
            "stepSize": "0.00000000",
        },
        {
            "filterType": "TRAILING_DELTA",
            "minTrailingAboveDelta": 10,
            "maxTrailingAboveDelta": 2000,
            "minTrailingBelowDelta": 10,
            "maxTrailingBelowDelta": 2000,
        },
        {
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": "5",
            "bidMultiplierDown": "0.2",
            "askMultiplierUp": "5",
            "askMultiplierDown": "0.2",
            "avgPriceMins": 5,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
        {"filterType": "MAX_NUM_ORDER_LISTS", "maxNumOrderLists": 20},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5},
        {"filterType": "MAX_NUM_ICEBERG_ORDERS", "maxNumIcebergOrders": 5},
        {"filterType": "MAX_NUM_ORDER_AMENDS", "maxNumOrderAmends": 10},
        {"filterType": "MAX_POSITION", "maxPosition": "1000.00000000"},
    ],
    "permissions": [],
    "permissionSets": [["SPOT", "MARGIN"]],
    "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
    "allowedSelfTradePreventionModes": ["NONE", "EXPIRE_TAKER", "DECREMENT", "TRANSFER"],
}

EXCHANGE_INFO: Json = {
    "timezone": "UTC",
    "serverTime": T,
    "rateLimits": [{k: v for k, v in limit.items() if k != "count"} for limit in LIMITS],
    "exchangeFilters": [
        {"filterType": "EXCHANGE_MAX_NUM_ORDERS", "maxNumOrders": 1000},
        {"filterType": "EXCHANGE_MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 200},
        {"filterType": "EXCHANGE_MAX_NUM_ICEBERG_ORDERS", "maxNumIcebergOrders": 10_000},
        {"filterType": "EXCHANGE_MAX_NUM_ORDER_LISTS", "maxNumOrderLists": 20},
    ],
    "symbols": [WHOLE_SYMBOL],
    "sors": [{"baseAsset": "XRP", "symbols": [SYMBOL]}],
}

AMENDED: Json = {
    "transactTime": T,
    "executionId": 16,
    "amendedOrder": {"symbol": SYMBOL, "orderId": 101, "qty": "0.00080000", "status": "NEW"},
}
"""A result of `order.amend.keepPriority`, which is not asked for here."""
