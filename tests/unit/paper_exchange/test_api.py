"""The WebSocket API: envelope, security, errors, every method's reply."""

import json
from typing import Any

import pytest

from paper_exchange.accounts import AccountConfig, Key
from paper_exchange.protocol.limits import LimitSettings
from unit.paper_exchange.clients import START, Client, D, error

NO_LIMITS = LimitSettings(
    weight=0, orders=0, orders_a_day=0, raw_requests=0, connections=0, messages=0, ban_after=0
)
INVALID_KEY = (-2015, "Invalid API-key, IP, or permissions for action.")


@pytest.fixture
def client() -> Client:
    return Client()


class TestEnvelope:
    @pytest.mark.parametrize("request_id", [7, "7", "a-b", None])
    def test_an_id_is_echoed_with_its_type(self, client: Client, request_id: object) -> None:
        reply = client.send(json.dumps({"id": request_id, "method": "ping"}))
        assert reply["id"] == request_id
        assert type(reply["id"]) is type(request_id)
        assert (reply["status"], reply["result"]) == (200, {})

    def test_a_version_prefix_is_ignored(self, client: Client) -> None:
        assert client.call("v3/time")["result"] == {"serverTime": START}

    def test_rate_limits_come_by_default(self, client: Client) -> None:
        assert client.call("ping")["rateLimits"] == [
            {
                "rateLimitType": "REQUEST_WEIGHT",
                "interval": "MINUTE",
                "intervalNum": 1,
                "limit": 6000,
                "count": 1,
            }
        ]
        assert "rateLimits" in client.call("nonsense")

    @pytest.mark.parametrize("value", [False, "false"])
    def test_rate_limits_can_be_refused_per_request(self, client: Client, value: object) -> None:
        assert "rateLimits" not in client.call("ping", returnRateLimits=value)

    def test_a_request_overrides_the_connections_wish(self, client: Client) -> None:
        client.session.return_rate_limits = False
        assert "rateLimits" not in client.call("ping")
        assert "rateLimits" in client.call("ping", returnRateLimits=True)

    @pytest.mark.parametrize("text", ["", "{", "[]", "5", '"x"', "{'id':1}"])
    def test_what_is_no_request_is_refused(self, client: Client, text: str) -> None:
        reply = client.send(text)
        assert (reply["id"], reply["status"]) == (None, 400)
        assert error(reply) == (-1135, "Invalid JSON Request")

    def test_params_must_be_an_object(self, client: Client) -> None:
        reply = client.send('{"id":"x","method":"ping","params":[]}')
        assert reply["id"] == "x"
        assert error(reply) == (
            -1135,
            "Invalid 'params' in JSON request; expected an object.",
        )

    def test_a_method_must_be_named(self, client: Client) -> None:
        assert error(client.send('{"id":1}'))[0] == -1135
        assert error(client.send('{"id":1,"method":[]}'))[0] == -1135

    def test_an_unknown_method_is_refused(self, client: Client) -> None:
        reply = client.call("order.nonsense")
        assert (reply["status"], error(reply)[0]) == (400, -1100)


class TestSecurity:
    def test_an_unknown_key_is_refused(self, client: Client) -> None:
        params = {**client.sign("key-a"), "apiKey": "key-x"}
        assert error(client.call("account.status", **params)) == INVALID_KEY

    def test_a_wrong_signature_is_refused(self, client: Client) -> None:
        params = {**client.sign("key-a"), "signature": "0" * 64}
        assert error(client.call("account.status", **params)) == (
            -1022,
            "Signature for this request is not valid.",
        )

    @pytest.mark.parametrize("name", ["apiKey", "signature", "timestamp"])
    def test_security_parameters_are_mandatory(self, client: Client, name: str) -> None:
        params = {key: value for key, value in client.sign("key-a").items() if key != name}
        assert error(client.call("account.status", **params)) == (
            -1102,
            f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.",
        )

    @pytest.mark.parametrize(
        ("offset", "window", "accepted"),
        [
            (0, None, True),
            (-5000, None, True),
            (-5001, None, False),
            (999, None, True),
            (1000, None, False),
            (-100, "100", True),
            (-101, "100", False),
            (-6000, "6000.346", True),
            (-60000, "60000", True),
            (-60001, "60000", False),
        ],
    )
    def test_the_receive_window_is_kept(
        self, client: Client, offset: int, window: str | None, accepted: bool
    ) -> None:
        reply = client.signed("account.status", timestamp=str(START + offset), recvWindow=window)
        if accepted:
            assert reply["status"] == 200
        else:
            assert error(reply)[0] == -1021

    def test_late_and_early_have_their_own_words(self, client: Client) -> None:
        late = client.signed("account.status", timestamp=START - 6000)
        early = client.signed("account.status", timestamp=START + 2000)
        assert error(late)[1] == "Timestamp for this request is outside of the recvWindow."
        assert error(early)[1] == (
            "Timestamp for this request was 1000ms ahead of the server's time."
        )

    def test_microseconds_are_understood(self, client: Client) -> None:
        assert client.signed("account.status", timestamp=START * 1000)["status"] == 200
        assert error(client.signed("account.status", timestamp=START * 1000 - 6_000_000))[0] == (
            -1021
        )

    @pytest.mark.parametrize("window", ["60000.1", "-1"])
    def test_a_window_has_bounds(self, client: Client, window: str) -> None:
        assert error(client.signed("account.status", recvWindow=window))[0] == -1131

    def test_a_window_is_a_number(self, client: Client) -> None:
        assert error(client.signed("account.status", recvWindow="soon"))[0] == -1100
        assert error(client.signed("account.status", timestamp="soon"))[0] == -1100

    def test_the_window_is_judged_again_just_before_execution(self, client: Client) -> None:
        """A request that was in time at arrival but is late when its turn comes is refused."""
        params = client.sign("key-a", symbol="XRPUSDT", orderId=1)
        request = client.api.parse(
            json.dumps({"id": 1, "method": "order.cancel", "params": params})
        )
        arrived, client.now = client.now, client.now + 5001
        reply = client.api.answer(client.session, request, arrived)
        assert reply.body["error"]["code"] == -1021

    def test_two_keys_of_one_account_see_the_same(self, client: Client) -> None:
        client.order()
        replies = [
            client.signed("openOrders.status", key=key)["result"]
            for key in ("key-a", "key-a2", "key-b")
        ]
        assert replies[0] == replies[1] != []
        assert replies[2] == []


class TestLimits:
    def test_weight_is_counted_per_address_and_minute(self, client: Client) -> None:
        client.call("exchangeInfo")
        assert client.call("ping")["rateLimits"][0]["count"] == 21
        client.session.address = "10.0.0.2"
        assert client.call("ping")["rateLimits"][0]["count"] == 1
        client.now += 60_000
        assert client.call("ping")["rateLimits"][0]["count"] == 1

    def test_too_much_weight_is_refused_with_the_time_to_wait(self) -> None:
        client = Client(limits=LimitSettings(weight=40))
        client.call("exchangeInfo")
        assert client.call("exchangeInfo")["status"] == 200
        refused = client.call("ping")
        assert refused["status"] == 429
        assert error(refused)[0] == -1003
        assert refused["error"]["data"] == {
            "serverTime": START,
            "retryAfter": (START // 60_000 + 1) * 60_000,
        }

    def test_successful_order_requests_weigh_nothing(self, client: Client) -> None:
        placed = client.order()
        counts = {limit["rateLimitType"]: limit["count"] for limit in placed["rateLimits"]}
        assert counts["REQUEST_WEIGHT"] == 0
        assert error(client.order(price="-1"))
        assert client.call("ping")["rateLimits"][0]["count"] == 2

    def test_unfilled_orders_are_counted_and_fills_give_credit(self, client: Client) -> None:
        def count() -> list[int]:
            reply = client.signed("account.rateLimits.orders")
            return [item["count"] for item in reply["result"]]

        for _ in range(7):
            client.order()
        assert count() == [7, 7]
        client.trade("0.4", "50")
        assert count() == [2, 2]
        client.trade("0.4", "10")  # not its first fill
        assert count() == [2, 2]

    def test_too_many_orders_are_refused(self) -> None:
        client = Client(limits=LimitSettings(orders=2))
        client.order()
        client.order()
        refused = client.order()
        assert refused["status"] == 429
        assert error(refused) == (
            -1015,
            "Too many new orders; current limit is 2 orders per 10 SECOND.",
        )
        assert refused["error"]["data"]["retryAfter"] == START + 10_000
        client.now += 10_000
        assert client.order()["status"] == 200

    def test_a_limit_of_zero_is_none(self) -> None:
        client = Client(limits=NO_LIMITS)
        assert client.order()["rateLimits"] == []
        assert client.call("exchangeInfo")["result"]["rateLimits"] == []


class TestMarketData:
    def test_exchange_info_lists_symbols_and_filters(self, client: Client) -> None:
        info = client.call("exchangeInfo")["result"]
        assert [symbol["symbol"] for symbol in info["symbols"]] == ["XRPUSDT", "BTCUSDT"]
        xrp = info["symbols"][0]
        assert (xrp["status"], xrp["baseAsset"], xrp["quoteAsset"]) == ("TRADING", "XRP", "USDT")
        filters = {item["filterType"]: item for item in xrp["filters"]}
        assert filters["PRICE_FILTER"]["tickSize"] == "0.00010000"
        assert filters["LOT_SIZE"]["stepSize"] == "0.10000000"
        assert filters["NOTIONAL"]["minNotional"] == "5.00000000"
        assert filters["MAX_NUM_ORDERS"]["maxNumOrders"] == 200
        assert [item["rateLimitType"] for item in info["rateLimits"]] == [
            "REQUEST_WEIGHT",
            "ORDERS",
            "ORDERS",
            "RAW_REQUESTS",
            "CONNECTIONS",
        ]

    @pytest.mark.parametrize(
        ("params", "names"),
        [
            ({"symbol": "BTCUSDT"}, ["BTCUSDT"]),
            ({"symbols": ["BTCUSDT", "XRPUSDT"]}, ["BTCUSDT", "XRPUSDT"]),
            ({"symbols": '["BTCUSDT"]'}, ["BTCUSDT"]),
        ],
    )
    def test_symbols_can_be_asked_for(
        self, client: Client, params: dict[str, Any], names: list[str]
    ) -> None:
        info = client.call("exchangeInfo", **params)["result"]
        assert [symbol["symbol"] for symbol in info["symbols"]] == names

    @pytest.mark.parametrize(
        ("params", "code"),
        [
            ({"symbol": "NOPE"}, -1121),
            ({"symbols": ["XRPUSDT", "NOPE"]}, -1121),
            ({"symbols": "NOPE"}, -1100),
            ({"symbols": [None]}, -1100),
            ({"symbols": {}}, -1100),
            ({"symbol": "xrp/usdt"}, -1100),
            ({"symbol": "XRPUSDT", "symbols": ["XRPUSDT"]}, -1128),
        ],
    )
    def test_symbols_that_are_none_are_refused(
        self, client: Client, params: dict[str, Any], code: int
    ) -> None:
        assert error(client.call("exchangeInfo", **params))[0] == code

    def test_the_last_price_is_the_last_trades(self, client: Client) -> None:
        client.trade("0.5", "10")
        price = {"symbol": "XRPUSDT", "price": "0.50000000"}
        assert client.call("ticker.price", symbol="XRPUSDT")["result"] == price
        assert client.call("ticker.price", symbols=["XRPUSDT"])["result"] == [price]
        assert client.call("ticker.price")["result"] == [price]

    def test_a_symbol_that_never_traded_has_no_price(self, client: Client) -> None:
        assert error(client.call("ticker.price", symbol="BTCUSDT"))[0] == -1121

    def test_the_best_bid_and_ask_are_shown_where_known(self, client: Client) -> None:
        client.trade("0.5", "10")
        assert client.call("ticker.book", symbol="XRPUSDT")["result"] == {
            "symbol": "XRPUSDT",
            "bidPrice": "0.50000000",
            "bidQty": "0.00000000",
            "askPrice": "0.00000000",
            "askQty": "0.00000000",
        }
        assert len(client.call("ticker.book")["result"]) == 2

    def test_recent_trades_are_shown(self, client: Client) -> None:
        client.trade("0.5", "10")
        client.trade("0.51", "20", seller_aggressed=False)
        trades = client.call("trades.recent", symbol="XRPUSDT", limit=1)["result"]
        assert trades == [
            {
                "id": 2,
                "price": "0.51000000",
                "qty": "20.00000000",
                "quoteQty": "10.20000000",
                "time": START,
                "isBuyerMaker": False,
                "isBestMatch": True,
            }
        ]

    def test_aggregated_trades_are_shown(self, client: Client) -> None:
        for price in ("0.5", "0.51", "0.52"):
            client.trade(price, "10")
        method = "trades.aggregate"

        def asked(**params: int) -> list[int]:
            result = client.call(method, symbol="XRPUSDT", **params)["result"]
            return [row["a"] for row in result]

        assert client.call(method, symbol="XRPUSDT", fromId=2, limit=1)["result"] == [
            {
                "a": 2,
                "p": "0.51000000",
                "q": "10.00000000",
                "f": 2,
                "l": 2,
                "T": START,
                "m": True,
                "M": True,
            }
        ]
        assert asked() == asked(startTime=START, endTime=START) == [1, 2, 3]
        assert asked(limit=1) == [3]
        assert asked(startTime=START, limit=2) == [1, 2]
        assert asked(startTime=START + 1) == asked(endTime=START - 1) == []
        refused = client.call(method, symbol="XRPUSDT", fromId=2, startTime=START)
        assert refused["error"]["code"] == -1128


class TestPlacing:
    def test_a_full_reply_is_the_default(self, client: Client) -> None:
        placed = client.order(newClientOrderId="mine")["result"]
        assert placed == {
            "symbol": "XRPUSDT",
            "orderId": 1,
            "orderListId": -1,
            "clientOrderId": "mine",
            "transactTime": START,
            "price": "0.50000000",
            "origQty": "100.00000000",
            "executedQty": "0.00000000",
            "origQuoteOrderQty": "0.00000000",
            "cummulativeQuoteQty": "0.00000000",
            "status": "NEW",
            "timeInForce": "GTC",
            "type": "LIMIT",
            "side": "BUY",
            "workingTime": START,
            "selfTradePreventionMode": "EXPIRE_MAKER",
            "fills": [],
        }

    def test_result_and_ack_say_less(self, client: Client) -> None:
        result = client.order(newOrderRespType="RESULT")["result"]
        ack = client.order(newOrderRespType="ACK")["result"]
        assert "fills" not in result
        assert set(ack) == {
            "symbol", "orderId", "orderListId", "clientOrderId", "transactTime",
        }  # fmt: skip

    def test_limit_maker_answers_ack(self, client: Client) -> None:
        placed = client.order(type="LIMIT_MAKER", timeInForce=None)["result"]
        assert "status" not in placed

    def test_an_id_is_made_up_if_none_is_given(self, client: Client) -> None:
        ids = {client.order()["result"]["clientOrderId"] for _ in range(3)}
        assert len(ids) == 3

    def test_bare_numbers_are_accepted(self, client: Client) -> None:
        assert client.order(price=0.5, quantity=100)["status"] == 200

    def test_fills_at_once_are_in_the_reply(self, client: Client) -> None:
        client.order("SELL", "0.5", "60", key="key-b")
        placed = client.order("BUY", "0.52", "100")["result"]
        assert placed["status"] == "PARTIALLY_FILLED"
        assert placed["cummulativeQuoteQty"] == "30.00000000"
        assert placed["fills"] == [
            {
                "price": "0.50000000",
                "qty": "60.00000000",
                "commission": "0.06000000",
                "commissionAsset": "XRP",
                "tradeId": 1,
            }
        ]

    @pytest.mark.parametrize(
        ("changes", "code", "message"),
        [
            ({"symbol": None}, -1102, "Mandatory parameter 'symbol'"),
            ({"symbol": "NOPE"}, -1121, "Invalid symbol."),
            ({"side": None}, -1102, "Mandatory parameter 'side'"),
            ({"side": "HOLD"}, -1117, "Invalid side."),
            ({"type": "ANY"}, -1116, "Invalid orderType."),
            ({"timeInForce": None}, -1102, "Mandatory parameter 'timeInForce'"),
            ({"timeInForce": "GTX"}, -1115, "Invalid timeInForce."),
            ({"type": "LIMIT_MAKER"}, -1106, "Parameter 'timeInForce' sent when not required."),
            ({"price": None}, -1102, "Mandatory parameter 'price'"),
            ({"price": ""}, -1102, "Mandatory parameter 'price'"),
            ({"price": "half"}, -1100, "Illegal characters found in parameter 'price'"),
            ({"price": "1e-1"}, -1100, "Illegal characters found in parameter 'price'"),
            ({"price": "-0.5"}, -1100, "Illegal characters found in parameter 'price'"),
            ({"price": "0"}, -1013, "Invalid price."),
            ({"price": float("nan")}, -1100, "Illegal characters found in parameter 'price'"),
            ({"quantity": "9" * 20}, -1100, "Illegal characters found in parameter 'quantity'"),
            ({"quantity": None}, -1102, "Mandatory parameter 'quantity'"),
            ({"quantity": "1.000000001"}, -1111, "Parameter 'quantity' has too much precision."),
            ({"quantity": "1.05"}, -1013, "Filter failure: LOT_SIZE"),
            ({"price": "0.50001"}, -1013, "Filter failure: PRICE_FILTER"),
            ({"quantity": "1"}, -1013, "Filter failure: NOTIONAL"),
            ({"quantity": "2000.1"}, -2010, "Account has insufficient balance"),
            (
                {"newClientOrderId": "not an id"},
                -1100,
                "Illegal characters found in parameter 'newClientOrderId'; "  # noqa: ISC004 - one message of two lines
                "legal range is '^[a-zA-Z0-9-_]{1,36}$'.",
            ),
            ({"newClientOrderId": "x" * 37}, -1100, "Illegal characters"),
            ({"newOrderRespType": "MORE"}, -1130, "Data sent for parameter 'newOrderRespType'"),
            ({"icebergQty": "10"}, -1013, "Iceberg orders are not supported for this symbol."),
            ({"type": "STOP_LOSS_LIMIT", "stopPrice": "1"}, -1013, "Stop loss limit orders are"),
            ({"stopPrice": "1"}, -1106, "Parameter 'stopPrice' sent when not required."),
            (
                {"type": "MARKET", "timeInForce": None},
                -1106,
                "Parameter 'price' sent when not required.",
            ),
            ({"pegPriceType": "PRIMARY_PEG"}, -1013, "Pegged orders are not supported"),
            ({"selfTradePreventionMode": "MAYBE"}, -1013, "This symbol does not allow"),
        ],
    )
    def test_a_bad_order_is_refused(
        self, client: Client, changes: dict[str, Any], code: int, message: str
    ) -> None:
        for method in ("order.place", "order.test"):
            base = {
                "symbol": "XRPUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC",
                "price": "0.5", "quantity": "100",
            }  # fmt: skip
            reply = client.signed(method, **{**base, **changes})
            assert reply["error"]["code"] == code
            assert reply["error"]["msg"].startswith(message)
        assert client.signed("allOrders", symbol="XRPUSDT")["result"] == []

    def test_a_duplicate_client_id_is_refused(self, client: Client) -> None:
        client.order(newClientOrderId="mine")
        assert error(client.order(newClientOrderId="mine")) == (-2010, "Duplicate order sent.")

    def test_a_market_order_can_be_given_by_value(self, client: Client) -> None:
        client.order("SELL", "0.5", "60", key="key-b")
        market: dict[str, Any] = {
            "type": "MARKET",
            "timeInForce": None,
            "price": None,
            "quantity": None,
        }
        placed = client.order(**market, quoteOrderQty="10")["result"]
        assert (placed["status"], placed["executedQty"]) == ("FILLED", "20.00000000")
        assert placed["origQuoteOrderQty"] == "10.00000000"

    def test_a_tested_order_is_not_placed(self, client: Client) -> None:
        params = {
            "symbol": "XRPUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC",
            "price": "0.5", "quantity": "100",
        }  # fmt: skip
        assert client.signed("order.test", **params)["result"] == {}
        shown = client.signed("order.test", computeCommissionRates="true", **params)["result"]
        assert shown["standardCommissionForOrder"] == {
            "maker": "0.00100000",
            "taker": "0.00100000",
        }
        assert client.signed("allOrders", symbol="XRPUSDT")["result"] == []
        assert error(client.signed("order.test", computeCommissionRates="so", **params))[0] == (
            -1102
        )


class TestCancelling:
    def test_a_cancel_renames_and_reports(self, client: Client) -> None:
        client.order(newClientOrderId="mine")
        client.trade("0.49", "40")
        canceled = client.signed(
            "order.cancel", symbol="XRPUSDT", origClientOrderId="mine", newClientOrderId="gone"
        )["result"]
        assert canceled["origClientOrderId"] == "mine"
        assert canceled["clientOrderId"] == "gone"
        assert (canceled["status"], canceled["executedQty"]) == ("CANCELED", "40.00000000")
        assert "workingTime" not in canceled

    def test_the_order_is_found_by_both_its_ids_afterwards(self, client: Client) -> None:
        client.order(newClientOrderId="mine")
        client.signed("order.cancel", symbol="XRPUSDT", orderId=1, newClientOrderId="gone")
        for name in ("mine", "gone"):
            found = client.signed("order.status", symbol="XRPUSDT", origClientOrderId=name)
            assert found["result"]["orderId"] == 1
            assert found["result"]["status"] == "CANCELED"

    def test_what_is_not_open_is_unknown(self, client: Client) -> None:
        unknown = (-2011, "Unknown order sent.")
        assert error(client.signed("order.cancel", symbol="XRPUSDT", orderId=1)) == unknown
        client.order()
        assert error(client.signed("order.cancel", key="key-b", symbol="XRPUSDT", orderId=1)) == (
            unknown
        )
        client.signed("order.cancel", symbol="XRPUSDT", orderId=1)
        assert error(client.signed("order.cancel", symbol="XRPUSDT", orderId=1)) == unknown

    def test_one_of_the_ids_is_needed_and_both_must_agree(self, client: Client) -> None:
        client.order(newClientOrderId="mine")
        assert error(client.signed("order.cancel", symbol="XRPUSDT"))[0] == -1102
        both = client.signed("order.cancel", symbol="XRPUSDT", orderId=1, origClientOrderId="other")
        assert error(both)[0] == -2039

    def test_restrictions_are_kept(self, client: Client) -> None:
        client.order()
        cancel: dict[str, Any] = {"symbol": "XRPUSDT", "orderId": 1}
        refused = client.signed(
            "order.cancel", cancelRestrictions="ONLY_PARTIALLY_FILLED", **cancel
        )
        assert error(refused) == (
            -2011,
            "Order was not canceled due to cancel restrictions.",
        )
        assert error(client.signed("order.cancel", cancelRestrictions="X", **cancel))[0] == -1145
        done = client.signed("order.cancel", cancelRestrictions="ONLY_NEW", **cancel)
        assert done["status"] == 200

    def test_all_open_orders_of_a_symbol_can_be_cancelled(self, client: Client) -> None:
        for _ in range(3):
            client.order()
        client.order(key="key-b")
        gone = client.signed("openOrders.cancelAll", symbol="XRPUSDT")["result"]
        assert [order["orderId"] for order in gone] == [1, 2, 3]
        assert error(client.signed("openOrders.cancelAll", symbol="XRPUSDT"))[0] == -2011
        assert len(client.signed("openOrders.status", key="key-b")["result"]) == 1


class TestQueries:
    def test_order_status_shows_everything(self, client: Client) -> None:
        client.order(newClientOrderId="mine")
        client.now += 5
        client.trade("0.49", "40")
        assert client.signed("order.status", symbol="XRPUSDT", orderId="1")["result"] == {
            "symbol": "XRPUSDT",
            "orderId": 1,
            "orderListId": -1,
            "clientOrderId": "mine",
            "price": "0.50000000",
            "origQty": "100.00000000",
            "executedQty": "40.00000000",
            "origQuoteOrderQty": "0.00000000",
            "cummulativeQuoteQty": "20.00000000",
            "status": "PARTIALLY_FILLED",
            "timeInForce": "GTC",
            "type": "LIMIT",
            "side": "BUY",
            "stopPrice": "0.00000000",
            "icebergQty": "0.00000000",
            "time": START,
            "updateTime": START + 5,
            "isWorking": True,
            "workingTime": START,
            "selfTradePreventionMode": "EXPIRE_MAKER",
        }

    def test_an_order_that_is_not_there_does_not_exist(self, client: Client) -> None:
        missing = (-2013, "Order does not exist.")
        wanted: list[dict[str, Any]] = [{"orderId": 1}, {"origClientOrderId": "mine"}]
        for ids in wanted:
            assert error(client.signed("order.status", symbol="XRPUSDT", **ids)) == missing
        client.order(newClientOrderId="mine")
        other = client.signed(
            "order.status", key="key-b", symbol="XRPUSDT", origClientOrderId="mine"
        )
        assert error(other) == missing

    def test_open_orders_of_one_or_all_symbols(self, client: Client) -> None:
        client.order()
        client.order(symbol="BTCUSDT", price="100", quantity="0.1")
        count = {
            symbol: len(client.signed("openOrders.status", symbol=symbol)["result"])
            for symbol in ("XRPUSDT", "BTCUSDT", None)
        }
        assert count == {"XRPUSDT": 1, "BTCUSDT": 1, None: 2}

    def test_all_orders_are_paged_by_id_and_by_time(self, client: Client) -> None:
        for _ in range(5):
            client.order()
            client.now += 1000

        def ids(**params: Any) -> list[int]:
            rows = client.signed("allOrders", symbol="XRPUSDT", **params)["result"]
            return [row["orderId"] for row in rows]

        assert ids() == [1, 2, 3, 4, 5]
        assert ids(limit=2) == [4, 5]
        assert ids(orderId=2, limit=3) == [2, 3, 4]
        assert ids(startTime=START + 1000, limit=2) == [2, 3]
        assert ids(endTime=START + 3000, limit=2) == [3, 4]
        assert ids(startTime=START + 1000, endTime=START + 2000) == [2, 3]

    def test_my_trades_are_paged_by_id_order_and_time(self, client: Client) -> None:
        client.order(quantity="30")
        client.order(quantity="30")
        for _ in range(6):
            client.trade("0.49", "10")
            client.now += 1000

        def ids(**params: Any) -> list[int]:
            rows = client.signed("myTrades", symbol="XRPUSDT", **params)["result"]
            return [row["id"] for row in rows]

        assert ids() == [1, 2, 3, 4, 5, 6]
        assert ids(limit=2) == [5, 6]
        assert ids(fromId=3, limit=2) == [3, 4]
        assert ids(orderId=2) == [4, 5, 6]
        assert ids(orderId=2, fromId=5) == [5, 6]
        assert ids(orderId=9) == []
        assert ids(startTime=START + 4000) == [5, 6]
        assert ids(endTime=START, limit=5) == [1]
        assert client.signed("myTrades", key="key-b", symbol="XRPUSDT")["result"] == []

    def test_a_trade_is_shown_to_the_last_digit(self, client: Client) -> None:
        client.order(price="0.5001", quantity="100")
        client.trade("0.49", "33.3")
        assert client.signed("myTrades", symbol="XRPUSDT")["result"] == [
            {
                "symbol": "XRPUSDT",
                "id": 1,
                "orderId": 1,
                "orderListId": -1,
                "price": "0.50010000",
                "qty": "33.30000000",
                "quoteQty": "16.65333000",
                "commission": "0.03330000",
                "commissionAsset": "XRP",
                "time": START,
                "isBuyer": True,
                "isMaker": True,
                "isBestMatch": True,
            }
        ]

    @pytest.mark.parametrize(
        ("params", "code"),
        [
            ({"fromId": 1, "startTime": START}, -1128),
            ({"startTime": START, "endTime": START + 86_400_001}, -1127),
            ({"limit": 0}, -1130),
            ({"limit": "many"}, -1100),
            ({"symbol": "NOPE"}, -1121),
        ],
    )
    def test_bad_queries_are_refused(
        self, client: Client, params: dict[str, Any], code: int
    ) -> None:
        assert error(client.signed("myTrades", **{"symbol": "XRPUSDT", **params}))[0] == code

    def test_the_page_limit_is_a_setting(self) -> None:
        client = Client(page_limit=3)
        for _ in range(5):
            client.order()
        rows = client.signed("allOrders", symbol="XRPUSDT", orderId=1, limit=1000)["result"]
        assert [row["orderId"] for row in rows] == [1, 2, 3]

    def test_the_account_is_shown(self, client: Client) -> None:
        client.order()
        account = client.signed("account.status")["result"]
        assert account["balances"] == [
            {"asset": "BTC", "free": "1000.00000000", "locked": "0.00000000"},
            {"asset": "USDT", "free": "950.00000000", "locked": "50.00000000"},
            {"asset": "XRP", "free": "1000.00000000", "locked": "0.00000000"},
        ]
        assert account["commissionRates"]["maker"] == "0.00100000"
        assert account["makerCommission"] == 10
        assert 0 < account["uid"] < 2**53

    def test_zero_balances_can_be_left_out(self, client: Client) -> None:
        engine = client.venue.engine
        engine.deposit(START, "a", "BTC", D(-1000))
        shown = client.signed("account.status", omitZeroBalances="true")["result"]["balances"]
        assert [balance["asset"] for balance in shown] == ["USDT", "XRP"]

    def test_every_traded_asset_is_listed(self) -> None:
        client = Client(accounts=(AccountConfig("a", (Key("key-a", "secret-a"),), ()),))
        client.venue.engine.deposit(START, "a", "DOGE", D(1))
        balances = client.signed("account.status")["result"]["balances"]
        assert [row["asset"] for row in balances] == ["BTC", "DOGE", "USDT", "XRP"]

    def test_uids_differ_by_account_and_by_instance(self, client: Client) -> None:
        uids = {
            exchange.signed("account.status", key=key)["result"]["uid"]
            for exchange in (client, Client())
            for key in ("key-a", "key-b")
        }
        same = client.signed("account.status", key="key-a2")["result"]["uid"]
        assert len(uids) == 4
        assert same in uids

    def test_commission_rates_are_shown(self, client: Client) -> None:
        shown = client.signed("account.commission", symbol="XRPUSDT")["result"]
        assert shown["standardCommission"] == {
            "maker": "0.00100000",
            "taker": "0.00100000",
            "buyer": "0.00000000",
            "seller": "0.00000000",
        }
        assert not shown["discount"]["enabledForAccount"]
        assert error(client.signed("account.commission", symbol="NOPE"))[0] == -1121


class TestSubscriptions:
    def test_one_subscription_per_account_and_connection(self, client: Client) -> None:
        method = "userDataStream.subscribe.signature"
        assert client.signed(method)["result"] == {"subscriptionId": 0}
        assert error(client.signed(method))[0] == -2035
        assert error(client.signed(method, key="key-a2"))[0] == -2035
        assert client.signed(method, key="key-b")["result"] == {"subscriptionId": 1}
        listed = client.call("session.subscriptions")["result"]
        assert listed == [{"subscriptionId": 0}, {"subscriptionId": 1}]

    def test_unsubscribing_one_or_all(self, client: Client) -> None:
        subscribe, unsubscribe = (
            "userDataStream.subscribe.signature",
            "userDataStream.unsubscribe",
        )
        client.signed(subscribe)
        client.signed(subscribe, key="key-b")
        assert client.call(unsubscribe, subscriptionId=0)["result"] == {}
        assert error(client.call(unsubscribe, subscriptionId=0))[0] == -2036
        assert client.signed(subscribe)["result"] == {"subscriptionId": 2}
        assert client.call(unsubscribe)["result"] == {}
        assert error(client.call(unsubscribe))[0] == -2036
        assert client.call("session.subscriptions")["result"] == []
