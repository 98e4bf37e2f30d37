"""Replies and events have the shape of the protocol's own examples, field by field.

The examples are those of the WebSocket API's, the user data stream's and the STP FAQ's pages, with
values of ours.  They know nothing of any client.
"""

import json
from dataclasses import replace
from typing import Any

import pytest

from paper_exchange.core.fees import BnbFees
from paper_exchange.core.price_range import PriceRange, Reference
from paper_exchange.core.symbols import override
from paper_exchange.protocol import render
from unit.paper_exchange.clients import ACCOUNTS, START, Client, D

LIMIT = {
    "rateLimitType": "REQUEST_WEIGHT",
    "interval": "MINUTE",
    "intervalNum": 1,
    "limit": 6000,
    "count": 3,
}
COUNTS = [
    {**LIMIT, "rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10},
    {**LIMIT, "rateLimitType": "ORDERS", "interval": "DAY"},
    LIMIT,
]
ACK = {
    "symbol": "XRPUSDT",
    "orderId": 12,
    "orderListId": -1,
    "clientOrderId": "x-1",
    "transactTime": 1_700_000_000_001,
}
STATE = {
    "price": "0.50000000",
    "origQty": "100.00000000",
    "executedQty": "0.00000000",
    "origQuoteOrderQty": "0.00000000",
    "cummulativeQuoteQty": "0.00000000",
    "status": "NEW",
    "timeInForce": "GTC",
    "type": "LIMIT",
    "side": "BUY",
}
MODE = {"selfTradePreventionMode": "NONE"}
RESULT = ACK | STATE | {"workingTime": 1_700_000_000_001} | MODE
FILL = {
    "price": "0.50000000",
    "qty": "20.00000000",
    "commission": "0.02000000",
    "commissionAsset": "XRP",
    "tradeId": 9,
}
STATUS = {
    "symbol": "XRPUSDT",
    "orderId": 12,
    "orderListId": -1,
    "clientOrderId": "x-1",
    **STATE,
    "stopPrice": "0.00000000",
    "icebergQty": "0.00000000",
    "time": 1_700_000_000_001,
    "updateTime": 1_700_000_000_001,
    "isWorking": True,
    "workingTime": 1_700_000_000_001,
    **MODE,
}
RATES = {"maker": "0.001", "taker": "0.001", "buyer": "0", "seller": "0"}
DISCOUNT = {
    "enabledForAccount": True,
    "enabledForSymbol": True,
    "discountAsset": "BNB",
    "discount": "0.75000000",
}
REPLIES: dict[str, Any] = {
    "time": {"serverTime": 1_700_000_000_001},
    "avgPrice": {"mins": 5, "price": "0.50000000", "closeTime": 1_700_000_000_001},
    "executionRules": {
        "symbolRules": [
            {
                "symbol": "XRPUSDT",
                "rules": [
                    {
                        "ruleType": "PRICE_RANGE",
                        "bidLimitMultUp": "1.01",
                        "bidLimitMultDown": "0.99",
                        "askLimitMultUp": "1.01",
                        "askLimitMultDown": "0.99",
                    }
                ],
            }
        ]
    },
    "referencePrice": {
        "symbol": "XRPUSDT",
        "referencePrice": "0.50000000",
        "timestamp": 1_700_000_000_001,
    },
    "referencePrice.calculation": {
        "symbol": "XRPUSDT",
        "calculationType": "EXTERNAL",
        "externalCalculationId": 42,
    },
    "order.place ACK": ACK,
    "order.place RESULT": RESULT,
    "order.place FULL": RESULT | {"fills": [FILL]},
    "order.place STP": RESULT
    | {
        "fills": [],
        "preventedMatches": [
            {
                "preventedMatchId": 3,
                "makerSymbol": "XRPUSDT",
                "makerOrderId": 12,
                "price": "0.20000000",
                "takerPreventedQuantity": "0.20000000",
                "makerPreventedQuantity": "0.20000000",
            }
        ],
        "tradeGroupId": 1,
        "preventedQuantity": "0.20000000",
    },
    "order.test": {},
    "order.test rates": {
        "standardCommissionForOrder": {"maker": "0.001", "taker": "0.001"},
        "specialCommissionForOrder": {"maker": "0.001", "taker": "0.001"},
        "taxCommissionForOrder": {"maker": "0.001", "taker": "0.001"},
        "discount": DISCOUNT,
    },
    "order.cancel": ACK | {"origClientOrderId": "x-1"} | STATE | MODE,
    "order.amend.keepPriority": {
        "transactTime": 1_700_000_000_001,
        "executionId": 16,
        "amendedOrder": {
            "symbol": "XRPUSDT",
            "orderId": 12,
            "orderListId": -1,
            "origClientOrderId": "x-1",
            "clientOrderId": "x-2",
            "price": "0.50000000",
            "qty": "50.00000000",
            "executedQty": "0.00000000",
            "preventedQty": "0.00000000",
            "quoteOrderQty": "0.00000000",
            "cumulativeQuoteQty": "0.00000000",
            "status": "NEW",
            "timeInForce": "GTC",
            "type": "LIMIT",
            "side": "BUY",
            "workingTime": 1_700_000_000_001,
            **MODE,
        },
    },
    "order.amendments": [
        {
            "symbol": "XRPUSDT",
            "orderId": 12,
            "executionId": 16,
            "origClientOrderId": "x-1",
            "newClientOrderId": "x-2",
            "origQty": "100.00000000",
            "newQty": "50.00000000",
            "time": 1_700_000_000_001,
        }
    ],
    "order.status": STATUS,
    "order.status STP": STATUS | {"preventedMatchId": 0, "preventedQuantity": "1.20000000"},
    "order.status expired": STATUS | {"expiryReason": "INSUFFICIENT_LIQUIDITY"},
    "openOrders.status": [STATUS],
    "allOrders": [STATUS],
    "openOrders.cancelAll": [ACK | {"origClientOrderId": "x-1"} | STATE | MODE],
    "myTrades": [
        {
            "symbol": "XRPUSDT",
            "id": 9,
            "orderId": 12,
            "orderListId": -1,
            "price": "0.50000000",
            "qty": "20.00000000",
            "quoteQty": "10.00000000",
            "commission": "0.02000000",
            "commissionAsset": "XRP",
            "time": 1_700_000_000_001,
            "isBuyer": True,
            "isMaker": False,
            "isBestMatch": True,
        }
    ],
    "myPreventedMatches": [
        {
            "symbol": "XRPUSDT",
            "preventedMatchId": 1,
            "takerOrderId": 5,
            "makerSymbol": "XRPUSDT",
            "makerOrderId": 3,
            "tradeGroupId": 1,
            "selfTradePreventionMode": "EXPIRE_MAKER",
            "price": "1.10000000",
            "makerPreventedQuantity": "1.30000000",
            "transactTime": 1_700_000_000_001,
        }
    ],
    "account.commission": {
        "symbol": "XRPUSDT",
        "standardCommission": RATES,
        "specialCommission": RATES,
        "taxCommission": RATES,
        "discount": DISCOUNT,
    },
    "account.status": {
        "makerCommission": 15,
        "takerCommission": 15,
        "buyerCommission": 0,
        "sellerCommission": 0,
        "canTrade": True,
        "canWithdraw": True,
        "canDeposit": True,
        "commissionRates": RATES,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": 1_700_000_000_001,
        "accountType": "SPOT",
        "balances": [{"asset": "BTC", "free": "0.00000000", "locked": "0.00000000"}],
        "permissions": ["SPOT"],
        "uid": 354937868,
        "tradeGroupId": 1,
    },
    "account.rateLimits.orders": COUNTS[:2],
    "myFilters": {
        "exchangeFilters": [{"filterType": "EXCHANGE_MAX_NUM_ORDERS", "maxNumOrders": 1000}],
        "symbolFilters": [{"filterType": "MAX_NUM_ORDER_LISTS", "maxNumOrderLists": 20}],
        "assetFilters": [{"filterType": "MAX_ASSET", "asset": "USDT", "limit": "42.00000000"}],
    },
    "exchangeInfo": {
        "timezone": "UTC",
        "serverTime": 1_700_000_000_001,
        "rateLimits": [{key: value for key, value in LIMIT.items() if key != "count"}],
        "exchangeFilters": [{"filterType": "EXCHANGE_MAX_NUM_ORDERS", "maxNumOrders": 1000}],
        "symbols": [
            {
                "symbol": "XRPUSDT",
                "status": "TRADING",
                "baseAsset": "XRP",
                "baseAssetPrecision": 8,
                "quoteAsset": "USDT",
                "quotePrecision": 8,
                "quoteAssetPrecision": 8,
                "baseCommissionPrecision": 8,
                "quoteCommissionPrecision": 8,
                "orderTypes": ["LIMIT"],
                "icebergAllowed": True,
                "ocoAllowed": True,
                "otoAllowed": True,
                "opoAllowed": True,
                "quoteOrderQtyMarketAllowed": True,
                "allowTrailingStop": True,
                "cancelReplaceAllowed": True,
                "amendAllowed": False,
                "pegInstructionsAllowed": True,
                "isSpotTradingAllowed": True,
                "isMarginTradingAllowed": True,
                "filters": [
                    {
                        "filterType": "PRICE_FILTER",
                        "minPrice": "0.00010000",
                        "maxPrice": "100.00000000",
                        "tickSize": "0.00010000",
                    }
                ],
                "permissions": [],
                "permissionSets": [["SPOT"]],
                "defaultSelfTradePreventionMode": "NONE",
                "allowedSelfTradePreventionModes": ["NONE"],
            }
        ],
        "sors": [],
    },
}
REPORT = {
    "e": "executionReport",
    "E": 1_700_000_000_001,
    "s": "XRPUSDT",
    "c": "x-1",
    "S": "BUY",
    "o": "LIMIT",
    "f": "GTC",
    "q": "1.00000000",
    "p": "0.50000000",
    "P": "0.00000000",
    "F": "0.00000000",
    "g": -1,
    "C": "",
    "x": "NEW",
    "X": "NEW",
    "r": "NONE",
    "i": 12,
    "l": "0.00000000",
    "z": "0.00000000",
    "L": "0.00000000",
    "n": "0",
    "N": None,
    "T": 1_700_000_000_001,
    "t": -1,
    "I": 77,
    "w": True,
    "m": False,
    "M": False,
    "O": 1_700_000_000_001,
    "Z": "0.00000000",
    "Y": "0.00000000",
    "Q": "0.00000000",
    "W": 1_700_000_000_001,
    "V": "NONE",
}
TRADED = REPORT | {"N": "XRP"}
PREVENTED = REPORT | {
    "v": 3,
    "A": "3.00000000",
    "B": "3.00000000",
    "u": 1,
    "U": 37,
    "Cs": "XRPUSDT",
    "pl": "2.00000000",
    "pL": "0.10000000",
    "pY": "0.20000000",
}
POSITION = {
    "e": "outboundAccountPosition",
    "E": 1_700_000_000_001,
    "u": 1_700_000_000_001,
    "B": [{"a": "USDT", "f": "1.00000000", "l": "0.00000000"}],
}


def shape(value: Any) -> Any:
    """Return a value's fields and the JSON types of what is in them; of a list, its first one's."""
    if isinstance(value, dict):
        return {name: shape(item) for name, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value[:1]]
    return type(value).__name__


@pytest.fixture
def client() -> Client:
    """Return a client of an exchange on which every optional field has something to say."""
    made = Client(
        accounts=tuple(replace(account, trade_group=1) for account in ACCOUNTS),
        bnb_fees=BnbFees(everyone=True, prices={"USDT": D(600)}),
        filters={
            "exchange": {"EXCHANGE_MAX_NUM_ORDERS": {"maxNumOrders": 1000}},
            "assets": {"USDT": "900"},
        },
    )
    engine = made.venue.engine
    engine.references.ranges["XRPUSDT"] = PriceRange(D("1.5"), D("0.5"), D("1.5"), D("0.5"))
    engine.references.known["XRPUSDT"] = Reference(D("0.5"), START)
    return made


def result(client: Client, name: str) -> Any:
    """Bring about what an example is about and return the result of its method."""
    method, _, case = name.partition(" ")
    return PREPARED.get(name, PREPARED.get(method, plain))(client, method, case)["result"]


def plain(client: Client, method: str, _: str) -> Any:
    unsigned = method in {"time", "avgPrice", "executionRules", "exchangeInfo"}
    if unsigned or method.startswith("referencePrice"):
        return client.call(method, **({} if method == "time" else {"symbol": "XRPUSDT"}))
    return client.signed(method, symbol="XRPUSDT")


def placed(client: Client, _: str, case: str) -> Any:
    if case == "FULL":
        client.order("SELL", "0.5", "20", key="key-b", selfTradePreventionMode="NONE")
    if case == "STP":
        client.order("SELL", "0.5", "100", newOrderRespType="ACK")
        return client.order(selfTradePreventionMode="DECREMENT")
    return client.order(newOrderRespType=case, selfTradePreventionMode="NONE")


def of_test(client: Client, method: str, case: str) -> Any:
    terms: dict[str, Any] = {
        "symbol": "XRPUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
    }
    more: dict[str, Any] = {"price": "0.5", "quantity": "100", "computeCommissionRates": bool(case)}
    return client.signed(method, **terms, **more)


def of_order(client: Client, method: str, _: str) -> Any:
    client.order()
    return client.signed(method, symbol="XRPUSDT", orderId=1)


def of_orders(client: Client, method: str, _: str) -> Any:
    client.order()
    return client.signed(method, symbol="XRPUSDT")


def amended(client: Client, method: str, _: str) -> Any:
    client.order()
    reply = client.signed("order.amend.keepPriority", symbol="XRPUSDT", orderId=1, newQty="50")
    if method == "order.amendments":
        return client.signed(method, symbol="XRPUSDT", orderId=1)
    return reply


def of_prevented(client: Client, method: str, _: str) -> Any:
    client.order("SELL", "0.5", "100")
    client.order()
    return client.signed(method, symbol="XRPUSDT", orderId=1)


def of_expired(client: Client, method: str, _: str) -> Any:
    client.order(timeInForce="IOC")
    return client.signed(method, symbol="XRPUSDT", orderId=1)


def of_trade(client: Client, method: str, _: str) -> Any:
    client.order("SELL", "0.5", "100", key="key-b")
    client.order(selfTradePreventionMode="NONE")
    return client.signed(method, symbol="XRPUSDT")


PREPARED = {
    "order.place": placed,
    "order.test": of_test,
    "order.cancel": of_order,
    "order.status": of_order,
    "order.status STP": of_prevented,
    "order.status expired": of_expired,
    "order.amend.keepPriority": amended,
    "order.amendments": amended,
    "openOrders.status": of_orders,
    "openOrders.cancelAll": of_orders,
    "allOrders": of_orders,
    "myTrades": of_trade,
    "myPreventedMatches": of_prevented,
}


@pytest.mark.parametrize("name", REPLIES)
def test_a_result_has_the_documented_shape(client: Client, name: str) -> None:
    expected = REPLIES[name]
    shown = result(client, name)
    if name == "myFilters":  # which filters there are differs; every one has a test of its own
        expected = expected | {"symbolFilters": shown["symbolFilters"]}
    assert shape(shown) == shape(expected)


@pytest.mark.parametrize(
    ("method", "limits"), [("order.place", COUNTS), ("order.cancel", [LIMIT]), ("time", [LIMIT])]
)
def test_a_reply_has_the_documented_envelope(
    client: Client, method: str, limits: list[Any]
) -> None:
    reply = PREPARED.get(method, plain)(client, method, "ACK")
    assert list(reply) == ["id", "status", "result", "rateLimits"]
    told = [{**limit, "limit": 0, "count": 0} for limit in reply["rateLimits"]]
    assert told == [{**limit, "limit": 0, "count": 0} for limit in limits]


def test_an_error_has_the_documented_shape(client: Client) -> None:
    client.api.limits.ban(START + 60_000)
    reply = client.call("time")
    assert shape(reply) == shape(
        {
            "id": 1,
            "status": 418,
            "error": {
                "code": -1003,
                "msg": "Way too much request weight used; …",
                "data": {"serverTime": 1_700_000_000_001, "retryAfter": 1_700_000_000_002},
            },
            "rateLimits": [LIMIT],
        }
    )


def events(client: Client) -> list[Any]:
    """Have every event that is said from now on."""
    said: list[Any] = []
    client.venue.listen(
        lambda step: said.extend(
            json.loads(json.dumps(render.account_event(e, START))) for e in step.events
        )
    )
    return said


def test_execution_reports_have_the_documented_shape(client: Client) -> None:
    said = events(client)
    client.order()
    client.trade("0.4", "40")
    client.signed("order.amend.keepPriority", symbol="XRPUSDT", orderId=1, newQty="90")
    client.order("SELL", "0.4", "20", selfTradePreventionMode="EXPIRE_BOTH")
    client.order("BUY", "0.4", "100", timeInForce="IOC")
    shown = [event for event in said if event["e"] == "executionReport"]
    assert [event["x"] for event in shown] == [
        "NEW",
        "TRADE",
        "REPLACED",
        "NEW",
        "TRADE_PREVENTION",
        "TRADE_PREVENTION",
        "NEW",
        "EXPIRED",
    ]
    expected = [REPORT, TRADED, REPORT, REPORT, PREVENTED, PREVENTED, REPORT]
    assert [shape(event) for event in shown[:7]] == [shape(event) for event in expected]
    assert shape(shown[7]) == shape(REPORT | {"eR": "UNFILLED_IOC_QUANTITY_EXPIRED"})


def test_other_events_have_the_documented_shape(client: Client) -> None:
    said = events(client)
    client.venue.carry_out(client.venue.engine.deposit(START, "a", "USDT", D(5)))
    change = {"e": "balanceUpdate", "E": START, "a": "USDT", "d": "5.00000000", "T": START}
    assert said[0] == change
    assert shape(said[1]) == shape(POSITION)
    assert render.server_shutdown(START) == {"event": {"e": "serverShutdown", "E": START}}
    assert render.stream_terminated(START) == {"e": "eventStreamTerminated", "E": START}


def test_a_symbol_that_never_had_a_reference_price_is_told_as_documented(client: Client) -> None:
    never = {"code": -2043, "msg": "This symbol doesn't have a reference price."}
    assert client.call("referencePrice", symbol="BTCUSDT")["result"] == never
    refused = client.call("referencePrice.calculation", symbol="BTCUSDT")
    assert (refused["status"], refused["error"]) == (400, never)
    client.venue.engine.references.known["BTCUSDT"] = Reference(None, START)
    assert client.call("referencePrice", symbol="BTCUSDT")["result"] == {
        "symbol": "BTCUSDT",
        "referencePrice": None,
        "timestamp": START,
    }


def test_a_multiplier_that_is_not_set_is_absent(client: Client) -> None:
    client.venue.engine.references.ranges["XRPUSDT"] = PriceRange(bid_limit_mult_up=D("1.0001"))
    rules = client.call("executionRules", symbols=["XRPUSDT", "BTCUSDT"])["result"]
    assert rules == {
        "symbolRules": [
            {
                "symbol": "XRPUSDT",
                "rules": [{"ruleType": "PRICE_RANGE", "bidLimitMultUp": "1.0001"}],
            },
            {"symbol": "BTCUSDT", "rules": []},
        ]
    }


def test_my_filters_shows_what_exchange_info_does_and_the_limits_of_its_assets(
    client: Client,
) -> None:
    engine = client.venue.engine
    engine.limits = engine.limits.limited("BTC", "1")
    engine.symbols["XRPUSDT"] = override(
        engine.symbols["XRPUSDT"], {"MAX_POSITION": {"maxPosition": "7"}}
    )
    mine = client.signed("myFilters", symbol="XRPUSDT")["result"]
    shown = client.call("exchangeInfo", symbol="XRPUSDT")["result"]
    assert mine["symbolFilters"] == shown["symbols"][0]["filters"]
    assert mine["exchangeFilters"] == shown["exchangeFilters"]
    assert [limit["asset"] for limit in mine["assetFilters"]] == ["USDT"]
