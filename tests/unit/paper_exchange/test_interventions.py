"""Orders that are amended, cut by self-trade prevention, archived, or forgotten."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from paper_exchange.core import interventions
from paper_exchange.core.engine import SymbolStatus
from paper_exchange.core.entries import decode, encode
from paper_exchange.core.orders import OrderStatus
from paper_exchange.protocol.render import account_event
from paper_exchange.shell.admin_client import AdminRefusedError, call
from paper_exchange.shell.server import PaperExchange, serve
from unit.paper_exchange.builders import FUNDS, NOW, D, Market, content, replayed
from unit.paper_exchange.clients import CONFIG, START, Client, error
from unit.paper_exchange.sockets import Socket, socket, trade


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def market() -> Market:
    return Market()


def amend(client: Client, quantity: str = "60", **more: Any) -> Any:
    asked = {"symbol": "XRPUSDT", "orderId": 1, "newQty": quantity, **more}
    return client.signed("order.amend.keepPriority", **asked)


def status(client: Client, **named: Any) -> Any:
    return client.signed("order.status", symbol="XRPUSDT", **named)


class TestAmend:
    def test_the_reply_has_the_documented_shape(self, client: Client) -> None:
        client.order(newClientOrderId="mine")
        client.now += 5
        assert amend(client, newClientOrderId="mine")["result"] == {
            "transactTime": START + 5,
            "executionId": 2,
            "amendedOrder": {
                "symbol": "XRPUSDT",
                "orderId": 1,
                "orderListId": -1,
                "origClientOrderId": "mine",
                "clientOrderId": "mine",
                "price": "0.50000000",
                "qty": "60.00000000",
                "executedQty": "0.00000000",
                "preventedQty": "0.00000000",
                "quoteOrderQty": "0.00000000",
                "cumulativeQuoteQty": "0.00000000",
                "status": "NEW",
                "timeInForce": "GTC",
                "type": "LIMIT",
                "side": "BUY",
                "workingTime": START,
                "selfTradePreventionMode": "EXPIRE_MAKER",
            },
        }

    def test_the_order_gets_a_random_name_and_keeps_the_old_one_for_queries(
        self, client: Client
    ) -> None:
        client.order(newClientOrderId="mine")
        renamed = amend(client)["result"]["amendedOrder"]["clientOrderId"]
        again = amend(client, "50")["result"]["amendedOrder"]["clientOrderId"]
        assert len({"mine", renamed, again}) == 3
        for name in ("mine", renamed, again):
            found = status(client, origClientOrderId=name)["result"]
            assert (found["orderId"], found["clientOrderId"]) == (1, again)
            assert found["origQty"] == "50.00000000"

    def test_the_old_name_is_free_again(self, client: Client) -> None:
        client.order(newClientOrderId="mine")
        amend(client)
        assert client.order(newClientOrderId="mine")["result"]["orderId"] == 2
        assert status(client, origClientOrderId="mine")["result"]["orderId"] == 2

    @pytest.mark.parametrize(
        ("quantity", "refusal"),
        [
            ("101", (-2038, "Order amend (quantity increase) is not supported.")),
            ("100", (-2038, "The requested action would change no state; rejecting")),
            ("40", (-2038, "Price * QTY is zero or less.")),
            ("60.05", (-1013, "Filter failure: LOT_SIZE")),
            ("0", (-1013, "Invalid newQty.")),
        ],
    )
    def test_what_cannot_be_amended_stays_as_it_is(
        self, client: Client, quantity: str, refusal: tuple[int, str]
    ) -> None:
        client.order()
        client.trade("0.4", "40")
        before = content(client.venue.engine.state)
        assert error(amend(client, quantity)) == refusal
        assert content(client.venue.engine.state) == before

    def test_an_amended_order_keeps_to_the_least_value(self, client: Client) -> None:
        client.order()
        assert error(amend(client, "9")) == (-1013, "Filter failure: NOTIONAL")

    def test_only_open_orders_can_be_amended(self, client: Client) -> None:
        assert error(amend(client)) == (-2038, "Unknown order sent.")
        client.order()
        client.signed("order.cancel", symbol="XRPUSDT", orderId=1)
        assert error(amend(client)) == (-2038, "Unknown order sent.")

    def test_a_halted_symbol_amends_nothing(self, client: Client) -> None:
        client.order()
        client.venue.engine.status["XRPUSDT"] = SymbolStatus.HALT
        assert error(amend(client)) == (-2038, "Market is closed.")

    def test_a_name_in_use_is_refused(self, client: Client) -> None:
        client.order()
        client.order(newClientOrderId="other")
        refused = amend(client, newClientOrderId="other")
        assert error(refused) == (-2038, "Duplicate order sent.")

    def test_ten_amendments_are_enough(self, client: Client) -> None:
        client.order()
        codes = [amend(client, str(99 - n))["status"] for n in range(11)]
        assert codes == [200] * 10 + [400]
        assert error(amend(client, "50")) == (-2038, "Filter failure: MAX_NUM_ORDER_AMENDS")

    def test_another_accounts_order_is_not_there(self, client: Client) -> None:
        client.order()
        assert error(amend(client, key="key-b"))[0] == -2038

    def test_the_symbol_says_that_it_can_be_done(self, client: Client) -> None:
        (symbol,) = client.call("exchangeInfo", symbol="XRPUSDT")["result"]["symbols"]
        assert symbol["amendAllowed"]
        assert {"filterType": "MAX_NUM_ORDER_AMENDS", "maxNumOrderAmends": 10} in symbol["filters"]

    def test_it_keeps_its_place_before_later_orders(self, market: Market) -> None:
        first, second = market.place("BUY", "10.00", 5), market.place("BUY", "10.00", 5)
        market.keep(interventions.amend(market.engine, NOW, first, D(4), "n")[1])
        market.sell("9.99", 5)
        assert market.executed(first, second) == [4, 1]
        assert market.order(first).status is OrderStatus.FILLED

    def test_what_it_no_longer_needs_is_free(self, market: Market) -> None:
        order = market.place("BUY", "10.00", 5)
        market.keep(interventions.amend(market.engine, NOW, order, D(2), "n")[1])
        assert market.balance("a", "USDT") == (FUNDS - 20, 20)

    def test_the_report_is_replaced_and_its_status_unchanged(self, market: Market) -> None:
        order = market.place("BUY", "10.00", 5, name_="mine")
        market.sell("9.00", 2)
        market.keep(interventions.amend(market.engine, NOW, market.order(order), D(4), "n")[1])
        report, position = [account_event(event, NOW) for event in market.last.events]
        told = {key: report[key] for key in ("x", "X", "c", "C", "q", "z", "w", "t")}
        assert told == {
            "x": "REPLACED",
            "X": "PARTIALLY_FILLED",
            "c": "n",
            "C": "mine",
            "q": "4.00000000",
            "z": "2.00000000",
            "w": True,
            "t": -1,
        }
        assert position["e"] == "outboundAccountPosition"


def prevent(market: Market, order: Any, quantity: Decimal, **more: Any) -> None:
    now = market.order(order)
    step = interventions.prevent(
        market.engine, NOW, now, quantity, **{"counter_order_id": 7, **more}
    )
    market.keep(step)


class TestPrevention:
    def test_an_order_that_fills_the_rest_is_filled_with_less_than_its_quantity(
        self, market: Market
    ) -> None:
        order = market.place("BUY", "10.00", 5)
        prevent(market, order, D(2))
        assert market.order(order).status is OrderStatus.NEW
        assert market.balance("a", "USDT") == (FUNDS - 30, 30)
        market.sell("9.00", 9)
        ended = market.order(order)
        assert ended.status is OrderStatus.FILLED
        assert (ended.executed, ended.quantity) == (D(3), D(5))
        assert market.balance("a", "USDT") == (FUNDS - 30, 0)

    @pytest.mark.parametrize("end", ["EXPIRED_IN_MATCH", "FILLED"])
    def test_an_order_of_which_the_rest_is_prevented_ends_as_told(
        self, market: Market, end: str
    ) -> None:
        order = market.place("BUY", "10.00", 5)
        market.sell("9.00", 2)
        prevent(market, order, D(3), end=OrderStatus(end))
        ended = market.order(order)
        assert ended.status == OrderStatus(end)
        assert (ended.executed, ended.prevented) == (D(2), D(3))
        assert market.balance("a", "USDT") == (FUNDS - 20, 0)

    def test_the_report_says_what_was_prevented(self, market: Market) -> None:
        order = market.place("BUY", "10.00", 5)
        prevent(market, order, D(1))
        prevent(market, order, D(2))
        report = account_event(market.last.events[0], NOW)
        told = ("x", "X", "A", "B", "U", "u", "Cs", "pl", "pL", "pY", "v")
        assert {key: report[key] for key in told} == {
            "x": "TRADE_PREVENTION",
            "X": "NEW",
            "A": "3.00000000",
            "B": "2.00000000",
            "U": 7,
            "u": -1,
            "Cs": "XRPUSDT",
            "pl": "2.00000000",
            "pL": "10.00000000",
            "pY": "20.00000000",
            "v": 1,
        }

    def test_queries_say_it_and_say_nothing_where_nothing_was_prevented(
        self, client: Client
    ) -> None:
        client.order()
        assert "preventedQuantity" not in status(client, orderId=1)["result"]
        engine = client.venue.engine
        order = engine.book("XRPUSDT").orders[1]
        client.venue.carry_out(
            interventions.prevent(engine, START, order, D(30), counter_order_id=0)
        )
        found = status(client, orderId=1)["result"]
        assert (found["preventedQuantity"], found["preventedMatchId"]) == ("30.00000000", 0)
        assert found["origQty"] == "100.00000000"

    def test_an_expired_order_says_how_much_of_it_was_prevented(self, client: Client) -> None:
        client.order("SELL", "0.5", "100", newOrderRespType="ACK")
        client.order("BUY", "0.5", "100")
        found = status(client, orderId=1)["result"]
        assert (found["status"], found["preventedQuantity"]) == (
            "EXPIRED_IN_MATCH",
            "100.00000000",
        )

    @pytest.mark.parametrize("quantity", ["0", "5.1", "0.05"])
    def test_no_more_than_what_is_left_can_be_prevented(
        self, market: Market, quantity: str
    ) -> None:
        order = market.place("BUY", "10.00", 5)
        with pytest.raises(Exception, match="LOT_SIZE"):
            prevent(market, order, D(quantity))


class TestArchive:
    def archive(self, client: Client, order_id: int) -> None:
        engine = client.venue.engine
        order = engine.book("XRPUSDT").orders[order_id]
        client.venue.carry_out(interventions.archive(engine, START, order))

    def test_an_archived_order_is_told_by_its_code_alone(self, client: Client) -> None:
        client.order(newClientOrderId="mine")
        client.signed("order.cancel", symbol="XRPUSDT", orderId=1)
        self.archive(client, 1)
        for named in ({"orderId": 1}, {"origClientOrderId": "mine"}):
            assert error(status(client, **named))[0] == -2026
        refused = client.signed("order.cancel", symbol="XRPUSDT", orderId=1)
        assert error(refused) == (-2011, "Unknown order sent.")
        assert client.signed("allOrders", symbol="XRPUSDT")["result"] == []

    def test_what_is_open_or_has_executed_is_not_archived(self, client: Client) -> None:
        client.order()
        with pytest.raises(Exception, match="without execution"):
            self.archive(client, 1)
        client.trade("0.4", "40")
        client.signed("order.cancel", symbol="XRPUSDT", orderId=1)
        with pytest.raises(Exception, match="without execution"):
            self.archive(client, 1)


class TestForget:
    @pytest.fixture
    def reset(self, client: Client) -> Client:
        """Return a client whose account's orders are gone: one was open, one partly filled."""
        client.order(newClientOrderId="mine")
        client.trade("0.4", "40")
        client.order("BUY", "0.3", "100")
        client.order("BUY", "0.3", "100", key="key-b")
        engine = client.venue.engine
        client.venue.carry_out(interventions.forget(engine, START, "a"))
        return client

    def test_nothing_of_the_account_is_there_any_more(self, reset: Client) -> None:
        for named in ({"orderId": 1}, {"origClientOrderId": "mine"}, {"orderId": 2}):
            assert error(status(reset, **named)) == (-2013, "Order does not exist.")
        for method in ("openOrders.status", "allOrders", "myTrades"):
            assert reset.signed(method, symbol="XRPUSDT")["result"] == []
        refused = reset.signed("order.cancel", symbol="XRPUSDT", orderId=2)
        assert error(refused) == (-2011, "Unknown order sent.")

    def test_others_keep_what_is_theirs(self, reset: Client) -> None:
        open_now = reset.signed("openOrders.status", key="key-b", symbol="XRPUSDT")["result"]
        assert [order["orderId"] for order in open_now] == [3]

    def test_what_was_locked_is_free_and_names_can_be_used(self, reset: Client) -> None:
        rows = reset.signed("account.status")["result"]["balances"]
        assert {row["locked"] for row in rows} == {"0.00000000"}
        assert reset.order(newClientOrderId="mine")["result"]["orderId"] == 4


def test_all_of_it_is_there_again_after_a_restart(market: Market) -> None:
    orders = [market.place("BUY", "10.00", 5) for _ in range(3)]
    market.keep(interventions.amend(market.engine, NOW, orders[0], D(4), "n")[1])
    prevent(market, orders[1], D(2))
    market.cancel(orders[2])
    market.keep(interventions.archive(market.engine, NOW, market.order(orders[2])))
    market.place("BUY", "9.00", 5, account="b")
    market.keep(interventions.forget(market.engine, NOW, "b"))
    written = [decode(encode(entry)) for entry in market.entries]
    assert content(replayed(written)) == content(market.state)


@pytest.fixture
async def exchange() -> AsyncIterator[PaperExchange]:
    async with serve(CONFIG) as running:
        yield running


@pytest.fixture
async def listener(exchange: PaperExchange) -> AsyncIterator[Socket]:
    """Return a client that has subscribed to its account."""
    async with socket(exchange) as connected:
        await connected.signed("userDataStream.subscribe.signature")
        yield connected


async def test_an_administrator_does_it_to_orders(
    exchange: PaperExchange, listener: Socket
) -> None:
    await listener.order("BUY", "0.5", "100")
    asked: dict[str, Any] = {"symbol": "XRPUSDT", "orderId": 1}
    shown = await call(exchange.admin_url, "amend", {**asked, "quantity": "80"})
    assert shown["clientOrderId"].startswith("web_")
    assert Decimal(shown["quantity"]) == 80
    await call(exchange.admin_url, "prevent", {**asked, "quantity": "30"})
    trade(exchange, "0.4", "1000")
    kinds = []
    while "TRADE" not in kinds:
        event = await listener.event()
        kinds += [event["x"]] if event["e"] == "executionReport" else []
    assert kinds == ["NEW", "REPLACED", "TRADE_PREVENTION", "TRADE"]
    assert (event["X"], event["z"], event["q"]) == ("FILLED", "50.00000000", "80.00000000")

    await listener.order("BUY", "0.3", "100")
    await call(exchange.admin_url, "prevent", {**asked, "orderId": 2})
    await call(exchange.admin_url, "archive", {**asked, "orderId": 2})
    told = await listener.signed("order.status", symbol="XRPUSDT", orderId=2)
    assert told["error"]["code"] == -2026
    await call(exchange.admin_url, "forget", {"account": "a"})
    told = await listener.signed("order.status", symbol="XRPUSDT", orderId=2)
    assert told["error"]["code"] == -2013


@pytest.mark.parametrize(
    ("command", "params", "text"),
    [
        ("amend", {"orderId": 9, "quantity": "1"}, "no such order"),
        ("amend", {"orderId": 1, "quantity": "200"}, "-2038"),
        ("prevent", {"orderId": 1, "end": "NEW"}, "end must be"),
        ("archive", {"orderId": 1}, "without execution"),
        ("forget", {"account": "nobody"}, "unknown account"),
    ],
)
async def test_what_cannot_be_done_is_refused(
    exchange: PaperExchange, listener: Socket, command: str, params: dict[str, Any], text: str
) -> None:
    await listener.order("BUY", "0.3", "100")
    with pytest.raises(AdminRefusedError, match=text):
        await call(exchange.admin_url, command, {"symbol": "XRPUSDT", **params})


class TestHistories:
    """What was amended, prevented and archived can be asked for later."""

    def test_amendments_come_in_order_from_an_execution_on(self, client: Client) -> None:
        client.order(newClientOrderId="mine")
        for quantity in ("80", "60", "40"):
            amend(client, quantity, newClientOrderId=f"at-{quantity}")
        asked: dict[str, Any] = {"symbol": "XRPUSDT", "orderId": 1}
        rows = client.signed("order.amendments", **asked)["result"]
        assert [(row["origClientOrderId"], row["newClientOrderId"]) for row in rows] == [
            ("mine", "at-80"),
            ("at-80", "at-60"),
            ("at-60", "at-40"),
        ]
        second = rows[1]["executionId"]
        later = client.signed("order.amendments", **asked, fromExecutionId=second, limit=1)
        assert later["result"] == [rows[1]]
        assert error(client.signed("order.amendments", symbol="XRPUSDT"))[0] == -1102
        assert error(client.signed("order.amendments", symbol="XRPUSDT", orderId=9))[0] == -2013

    def test_prevented_matches_are_found_by_number_and_by_either_order(
        self, client: Client
    ) -> None:
        client.order("SELL", "0.5", "100")
        client.order("SELL", "0.5", "200")
        client.order()

        def found(**asked: Any) -> list[int]:
            rows = client.signed("myPreventedMatches", symbol="XRPUSDT", **asked)["result"]
            return [row["preventedMatchId"] for row in rows]

        assert found(orderId=3) == [0, 1]
        assert found(orderId=2) == [1]
        assert found(preventedMatchId=0) == [0]
        assert found(orderId=3, fromPreventedMatchId=1) == [1]
        assert found(orderId=3, limit=1) == [0]
        other: dict[str, Any] = {"symbol": "XRPUSDT", "orderId": 3}
        assert client.signed("myPreventedMatches", key="key-b", **other)["result"] == []
        wrong: tuple[dict[str, Any], ...] = ({}, {"orderId": 3, "preventedMatchId": 0})
        for asked in wrong:
            refused = client.signed("myPreventedMatches", symbol="XRPUSDT", **asked)
            assert error(refused)[0] == -1128

    def test_a_reset_of_one_account_takes_its_prevented_matches(self, client: Client) -> None:
        client.order("SELL", "0.5", "100")
        client.order()
        engine = client.venue.engine
        client.venue.carry_out(interventions.forget(engine, START, "a"))
        assert engine.book("XRPUSDT").prevented_matches == []

    def test_an_order_without_execution_is_archived_after_90_days(self, client: Client) -> None:
        client.order()
        client.signed("order.cancel", symbol="XRPUSDT", orderId=1)
        client.order()
        client.now += 90 * 86_400_000
        assert status(client, orderId=1)["result"]["status"] == "CANCELED"
        client.now += 1
        assert error(status(client, orderId=1))[0] == -2026
        rows = client.signed("allOrders", symbol="XRPUSDT", orderId=1)["result"]
        assert [row["orderId"] for row in rows] == [2]
        assert status(client, orderId=2)["result"]["status"] == "NEW"
