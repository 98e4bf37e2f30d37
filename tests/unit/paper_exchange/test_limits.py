"""Limits as Binance counts them: weights, orders, raw requests, connections, messages, bans."""

from typing import Any

import pytest

from paper_exchange.core.errors import ExchangeError
from paper_exchange.protocol import rest
from paper_exchange.protocol.limits import DAY, Limits, LimitSettings, MessageRate
from paper_exchange.protocol.methods import METHODS
from paper_exchange.protocol.params import Params
from unit.paper_exchange.clients import START, Client, error

MINUTE = 60_000
HERE, THERE = "10.0.0.1", "10.0.0.2"


@pytest.mark.parametrize(
    ("method", "params", "weight"),
    [
        ("ping", {}, 1),
        ("time", {}, 1),
        ("exchangeInfo", {}, 20),
        ("executionRules", {}, 40),
        ("executionRules", {"symbol": "X"}, 2),
        ("executionRules", {"symbols": ["X", "Y"]}, 4),
        ("executionRules", {"symbols": ["X"] * 50}, 40),
        ("executionRules", {"symbols": "nonsense"}, 2),
        ("referencePrice", {"symbol": "X"}, 2),
        ("referencePrice.calculation", {"symbol": "X"}, 2),
        ("avgPrice", {"symbol": "X"}, 2),
        ("ticker.price", {"symbol": "X"}, 2),
        ("ticker.price", {}, 4),
        ("ticker.book", {"symbol": "X"}, 2),
        ("ticker.book", {"symbols": ["X"]}, 4),
        ("trades.recent", {"symbol": "X"}, 25),
        ("klines", {"symbol": "X"}, 2),
        ("order.place", {}, 1),
        ("order.test", {}, 1),
        ("order.test", {"computeCommissionRates": False}, 1),
        ("order.test", {"computeCommissionRates": "true"}, 20),
        ("order.cancel", {}, 1),
        ("openOrders.cancelAll", {}, 1),
        ("order.amend.keepPriority", {}, 4),
        ("order.amendments", {}, 4),
        ("order.status", {}, 4),
        ("openOrders.status", {"symbol": "X"}, 6),
        ("openOrders.status", {}, 80),
        ("allOrders", {}, 20),
        ("myTrades", {}, 20),
        ("myTrades", {"orderId": "5"}, 5),
        ("myPreventedMatches", {"orderId": "5"}, 20),
        ("myPreventedMatches", {"preventedMatchId": "5"}, 2),
        ("account.status", {}, 20),
        ("account.commission", {}, 20),
        ("account.rateLimits.orders", {}, 40),
        ("myFilters", {}, 40),
        ("userDataStream.subscribe.signature", {}, 2),
        ("userDataStream.unsubscribe", {}, 2),
        ("session.subscriptions", {}, 2),
    ],
)
def test_a_request_weighs_what_is_documented(
    method: str, params: dict[str, Any], weight: int
) -> None:
    assert METHODS[method].weight(Params(params)) == weight


def test_an_amendment_costs_its_weight_and_no_order() -> None:
    client = Client()
    client.order()
    reply = client.signed("order.amend.keepPriority", symbol="XRPUSDT", orderId=1, newQty="50")
    assert [(item["rateLimitType"], item["count"]) for item in reply["rateLimits"]] == [
        ("REQUEST_WEIGHT", 4)
    ]
    counts = client.signed("account.rateLimits.orders")["result"]
    assert [(item["interval"], item["count"]) for item in counts] == [("SECOND", 1), ("DAY", 1)]


def test_the_reply_to_an_order_counts_that_order() -> None:
    client = Client()
    counts = [[item["count"] for item in client.order()["rateLimits"][:2]] for _ in range(2)]
    assert counts == [[1, 1], [2, 2]]


def test_a_refused_cancel_weighs_what_is_documented() -> None:
    client = Client()
    client.signed("order.cancel", symbol="XRPUSDT", orderId=1)
    assert client.call("ping")["rateLimits"][0]["count"] == 2


def test_an_order_that_is_late_only_at_the_engine_counts() -> None:
    client = Client()
    text = '{"id":1,"method":"order.place","params":%s}'
    terms = {"symbol": "XRPUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    signed = client.sign("key-a", price="0.5", quantity="100", **terms)
    request = client.api.parse(text % str(signed).replace("'", '"'))
    arrived, client.now = client.now, client.now + 5001
    assert client.api.answer(client.session, request, arrived).body["error"]["code"] == -1021
    client.now += 1
    counts = client.signed("account.rateLimits.orders")["result"]
    assert [item["count"] for item in counts] == [1, 1]


def test_orders_are_counted_by_account_over_keys_and_addresses() -> None:
    client = Client(limits=LimitSettings(orders=2))
    client.order()
    client.session.address = THERE
    client.order(key="key-a2")
    assert error(client.order())[0] == -1015
    assert client.order(key="key-b")["status"] == 200


def test_the_day_has_a_limit_of_its_own_until_midnight() -> None:
    client = Client(limits=LimitSettings(orders_a_day=1))
    client.order()
    client.now += 10_000
    refused = client.order()
    assert (refused["status"], error(refused)) == (
        429,
        (-1015, "Too many new orders; current limit is 1 orders per 1 DAY."),
    )
    assert refused["error"]["data"]["retryAfter"] == (START // DAY + 1) * DAY
    client.now = (START // DAY + 1) * DAY
    assert client.order()["status"] == 200


def test_requests_are_counted_whatever_they_weigh() -> None:
    client = Client(limits=LimitSettings(raw_requests=2))
    assert client.order()["status"] == 200  # weighs nothing
    assert client.call("ping")["status"] == 200
    refused = client.call("ping")
    assert (refused["status"], error(refused)) == (429, (-1003, "Too many requests queued."))
    wait = refused["error"]["data"]["retryAfter"]
    assert wait == (START // (5 * MINUTE) + 1) * 5 * MINUTE
    client.now = wait
    assert client.call("ping")["status"] == 200


def refuse(client: Client, times: int) -> list[int]:
    """Ask too much so many times; return the replies' statuses."""
    return [client.call("exchangeInfo")["status"] for _ in range(times)]


class TestBans:
    @pytest.fixture
    def client(self) -> Client:
        """Return a client that has used up its weight."""
        made = Client(limits=LimitSettings(weight=20, ban_after=3))
        made.now = START // MINUTE * MINUTE
        assert refuse(made, 1) == [200]
        return made

    def test_who_does_not_back_off_is_banned_for_two_minutes(self, client: Client) -> None:
        start = client.now
        assert refuse(client, 4) == [429, 429, 429, 418]
        refused = client.call("ping")
        until = start + 2 * MINUTE
        words = (
            f"Way too much request weight used; IP banned until {until}. Please use WebSocket "
            "Streams for live updates to avoid bans."
        )
        assert (refused["status"], error(refused)) == (418, (-1003, words))
        assert refused["error"]["data"] == {"serverTime": start, "retryAfter": until}
        client.session.address = THERE
        assert client.call("ping")["status"] == 200
        client.session.address, client.now = HERE, until
        assert client.call("ping")["status"] == 200

    def test_each_ban_is_twice_as_long_up_to_three_days(self, client: Client) -> None:
        lengths = []
        for _ in range(13):
            refuse(client, 5)
            until = client.call("ping")["error"]["data"]["retryAfter"]
            lengths.append(until - client.now)
            client.now = until
        assert lengths[:3] == [2 * MINUTE, 4 * MINUTE, 8 * MINUTE]
        assert lengths[-1] == 3 * DAY

    def test_refusals_of_another_minute_do_not_count(self, client: Client) -> None:
        for _ in range(3):
            assert refuse(client, 3)[-1] == 429
            client.now += MINUTE
            assert refuse(client, 1) == [200]

    def test_the_reply_that_bans_ends_the_connections(self, client: Client) -> None:
        request = client.api.parse('{"id":1,"method":"exchangeInfo"}')
        replies = [client.api.answer(client.session, request, client.now) for _ in range(5)]
        assert [reply.closes for reply in replies] == [False, False, False, True, False]

    def test_nobody_is_banned_where_that_is_switched_off(self) -> None:
        client = Client(limits=LimitSettings(weight=20, ban_after=0))
        assert set(refuse(client, 50)[1:]) == {429}


class TestConnections:
    def test_attempts_are_counted_by_address_and_service(self) -> None:
        limits = Limits(LimitSettings(connections=2))
        for _ in range(2):
            limits.connect(HERE, "requests", START)
        with pytest.raises(ExchangeError) as refused:
            limits.connect(HERE, "requests", START)
        assert (refused.value.code, refused.value.status) == (-1034, 429)
        assert refused.value.message == (
            "Too many connection attempts from IP; current limit is 2 per '5 MINUTE'."
        )
        limits.connect(HERE, "streams", START)
        limits.connect(THERE, "requests", START)
        limits.connect(HERE, "requests", START + 5 * MINUTE)

    def test_a_refusal_says_in_seconds_when_to_come_back(self) -> None:
        limits = Limits(LimitSettings(connections=1))
        now = START // (5 * MINUTE) * 5 * MINUTE + 1
        limits.connect(HERE, "requests", now)
        with pytest.raises(ExchangeError) as refused:
            limits.connect(HERE, "requests", now)
        answer = rest.refused(refused.value, now)
        assert (answer.status, answer.headers) == (429, {"Retry-After": "300"})

    def test_messages_are_counted_by_the_second(self) -> None:
        rate = MessageRate()
        assert [rate.exceeds(2, START) for _ in range(3)] == [False, False, True]
        assert not rate.exceeds(2, START + 1000)
        assert not any(rate.exceeds(0, START) for _ in range(9))


def test_limits_can_be_changed_and_what_was_counted_stays_counted() -> None:
    client = Client()
    client.call("exchangeInfo")
    changed = LimitSettings(10, 11, 12, 13, 14, 15, 16)
    client.api.limits.change(changed)
    assert client.api.limits.settings == changed
    shown = client.call("ping")
    assert (shown["status"], shown["rateLimits"][0]["count"]) == (429, 21)


def test_rest_tells_the_weight_that_is_used() -> None:
    client = Client(limits=LimitSettings(weight=25))
    first = rest.get(client.api, HERE, "/api/v3/exchangeInfo", "")
    second = rest.get(client.api, HERE, "/api/v3/exchangeInfo", "")
    assert first is not None
    assert second is not None
    assert (first.status, first.headers) == (200, {"X-MBX-USED-WEIGHT-1M": "20"})
    assert (second.status, second.headers["X-MBX-USED-WEIGHT-1M"]) == (429, "40")
    assert 0 < int(second.headers["Retry-After"]) <= 60
