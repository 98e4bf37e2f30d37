"""User data events and market streams, key by key."""

import json
from typing import Any

import pytest

from paper_exchange.core.events import Step
from paper_exchange.core.market import MarketQuote
from paper_exchange.protocol import render
from paper_exchange.protocol.connection import ConnectionOptions
from paper_exchange.protocol.streams import MOST_STREAMS, StreamHub, StreamSession, shutdown_event
from paper_exchange.protocol.text import Millis, dumps
from unit.paper_exchange.clients import START, Client, D

REPORT = {
    "e": "executionReport", "E": START + 7, "s": "XRPUSDT", "c": "mine", "S": "BUY", "o": "LIMIT",
    "f": "GTC", "q": "100.00000000", "p": "0.50000000", "P": "0.00000000", "F": "0.00000000",
    "g": -1, "C": "", "x": "NEW", "X": "NEW", "r": "NONE", "i": 1, "l": "0.00000000",
    "z": "0.00000000", "L": "0.00000000", "n": "0", "N": None, "T": START, "t": -1, "I": 1,
    "w": True, "m": False, "M": False, "O": START, "Z": "0.00000000", "Y": "0.00000000",
    "Q": "0.00000000", "W": START, "V": "EXPIRE_MAKER",
}  # fmt: skip


@pytest.fixture
def steps() -> list[Step]:
    return []


@pytest.fixture
def client(steps: list[Step]) -> Client:
    made = Client()
    made.venue.listen(steps.append)
    return made


def shown(step: Step) -> list[Any]:
    return [render.account_event(event, START + 7) for event in step.events]


class TestUserData:
    def test_a_placed_order_is_reported_and_its_lock_shown(
        self, client: Client, steps: list[Step]
    ) -> None:
        client.order(newClientOrderId="mine")
        assert shown(steps[-1]) == [
            REPORT,
            {
                "e": "outboundAccountPosition",
                "E": START + 7,
                "u": START,
                "B": [
                    {"a": "XRP", "f": "1000.00000000", "l": "0.00000000"},
                    {"a": "USDT", "f": "950.00000000", "l": "50.00000000"},
                ],
            },
        ]

    def test_a_fill_is_reported_with_its_trade(self, client: Client, steps: list[Step]) -> None:
        client.order(newClientOrderId="mine")
        client.now += 3
        client.trade("0.49", "40")
        trade = {
            "x": "TRADE", "X": "PARTIALLY_FILLED", "l": "40.00000000", "z": "40.00000000",
            "L": "0.50000000", "n": "0.04000000", "N": "XRP", "T": START + 3, "t": 1, "I": 2,
            "m": True, "M": True, "Z": "20.00000000", "Y": "20.00000000",
        }  # fmt: skip
        assert shown(steps[-1])[0] == REPORT | trade

    def test_a_cancel_is_reported_under_its_own_id(self, client: Client, steps: list[Step]) -> None:
        client.order(newClientOrderId="mine")
        client.signed("order.cancel", symbol="XRPUSDT", orderId=1, newClientOrderId="gone")
        canceled = {"x": "CANCELED", "X": "CANCELED", "c": "gone", "C": "mine", "I": 2, "w": False}
        assert shown(steps[-1])[0] == REPORT | canceled

    def test_an_expiry_says_why(self, client: Client, steps: list[Step]) -> None:
        client.order(newClientOrderId="mine", timeInForce="IOC")
        kinds = [(event["x"], event["X"], event.get("eR")) for event in shown(steps[-1])[:2]]
        assert kinds == [
            ("NEW", "NEW", None),
            ("EXPIRED", "EXPIRED", "UNFILLED_IOC_QUANTITY_EXPIRED"),
        ]

    def test_a_taker_is_told_that_it_took(self, client: Client, steps: list[Step]) -> None:
        client.order("SELL", "0.5", "60", key="key-b")
        client.order("BUY", "0.5", "60")
        events = shown(steps[-1])
        taken = [(e["S"], e["x"], e["m"], e["w"]) for e in events if e["e"] == "executionReport"]
        assert taken == [
            ("BUY", "NEW", False, True),
            ("BUY", "TRADE", False, False),
            ("SELL", "TRADE", True, False),
        ]

    def test_a_deposit_is_a_balance_update(self, client: Client) -> None:
        step = client.venue.engine.deposit(START, "a", "BNB", D("-0.0") + D("1.5"))
        assert shown(step)[0] == {
            "e": "balanceUpdate",
            "E": START + 7,
            "a": "BNB",
            "d": "1.50000000",
            "T": START,
        }

    def test_an_event_is_pushed_with_its_subscription(self) -> None:
        assert render.subscribed(3, {"e": "x"}) == {"subscriptionId": 3, "event": {"e": "x"}}

    def test_the_shutdown_has_no_subscription(self) -> None:
        assert render.server_shutdown(START) == {"event": {"e": "serverShutdown", "E": START}}


class Listener:
    """A stream connection and what it was sent."""

    def __init__(self, hub: StreamHub, url: str = "/ws") -> None:
        self.sent: list[Any] = []
        options = ConnectionOptions.of(url)
        self.hub = hub
        self.session = StreamSession(
            lambda text: self.sent.append(json.loads(text)),
            combined=options.is_combined,
            micros=options.micros,
        )
        hub.subscribe(self.session, options.streams)

    def ask(self, method: str, params: Any = None, number: Any = 1) -> Any:
        message = {"method": method, "params": params, "id": number}
        return json.loads(self.hub.control(self.session, json.dumps(message)))


class TestStreams:
    @pytest.fixture
    def hub(self, client: Client) -> StreamHub:
        made = StreamHub(lambda: client.now + 1)
        client.venue.listen(made.publish)
        return made

    def test_a_trade_has_wall_time_and_consecutive_ids(
        self, client: Client, hub: StreamHub
    ) -> None:
        listener = Listener(hub, "/ws/xrpusdt@trade")
        client.trade("0.5", "10")
        client.trade("0.51", "20", seller_aggressed=False)
        assert listener.sent[0] == {
            "e": "trade", "E": START + 1, "s": "XRPUSDT", "t": 1, "p": "0.50000000",
            "q": "10.00000000", "T": START, "m": True, "M": True,
        }  # fmt: skip
        assert [event["t"] for event in listener.sent] == [1, 2]

    def test_an_aggregate_trade_names_its_trades(self, client: Client, hub: StreamHub) -> None:
        listener = Listener(hub, "/ws/xrpusdt@aggTrade")
        client.trade("0.5", "10")
        assert listener.sent == [
            {
                "e": "aggTrade", "E": START + 1, "s": "XRPUSDT", "a": 1, "p": "0.50000000",
                "q": "10.00000000", "f": 1, "l": 1, "T": START, "m": True, "M": True,
            }
        ]  # fmt: skip

    def test_a_book_ticker_has_neither_type_nor_time(self, client: Client, hub: StreamHub) -> None:
        listener = Listener(hub, "/ws/btcusdt@bookTicker")
        quote = MarketQuote("BTCUSDT", D("99.99"), D(1), D("100.01"), D(2))
        client.venue.publish(client.venue.engine.quote(START, quote))
        assert listener.sent == [
            {
                "u": 1, "s": "BTCUSDT", "b": "99.99000000", "B": "1.00000000",
                "a": "100.01000000", "A": "2.00000000",
            }
        ]  # fmt: skip

    def test_a_combined_connection_names_the_stream(self, client: Client, hub: StreamHub) -> None:
        listener = Listener(hub, "/stream?streams=xrpusdt@trade/btcusdt@trade")
        client.trade("0.5", "10")
        assert listener.sent[0]["stream"] == "xrpusdt@trade"
        assert listener.sent[0]["data"]["t"] == 1

    def test_microseconds_on_request(self, client: Client, hub: StreamHub) -> None:
        micro = Listener(hub, "/ws/xrpusdt@trade?timeUnit=MICROSECOND")
        milli = Listener(hub, "/ws/xrpusdt@trade")
        client.trade("0.5", "10")
        assert micro.sent[0]["T"] == START * 1000
        assert milli.sent[0]["T"] == START
        assert micro.sent[0]["t"] == 1

    def test_subscriptions_change_and_are_listed(self, client: Client, hub: StreamHub) -> None:
        listener = Listener(hub, "/ws/0")
        assert listener.ask("SUBSCRIBE", ["xrpusdt@trade"], "a-1") == {"result": None, "id": "a-1"}
        assert listener.ask("SUBSCRIBE", ["xrpusdt@trade", "nope@trade"])["result"] is None
        listed = listener.ask("LIST_SUBSCRIPTIONS", number=None)
        assert listed == {"result": ["xrpusdt@trade", "nope@trade"], "id": None}
        client.trade("0.5", "10")
        assert len(listener.sent) == 1, "subscribing twice does not double the stream"
        assert listener.ask("UNSUBSCRIBE", ["xrpusdt@trade", "never@had"])["result"] is None
        client.trade("0.5", "10")
        assert len(listener.sent) == 1

    def test_a_closed_connection_gets_nothing(self, client: Client, hub: StreamHub) -> None:
        listener = Listener(hub, "/ws/xrpusdt@trade")
        hub.close(listener.session)
        client.trade("0.5", "10")
        assert listener.sent == []

    def test_combined_is_a_property(self, client: Client, hub: StreamHub) -> None:
        listener = Listener(hub, "/ws/xrpusdt@trade")
        assert listener.ask("GET_PROPERTY", ["combined"])["result"] is False
        assert listener.ask("SET_PROPERTY", ["combined", True])["result"] is None
        assert listener.ask("GET_PROPERTY", ["combined"])["result"] is True
        client.trade("0.5", "10")
        assert listener.sent[0]["stream"] == "xrpusdt@trade"

    @pytest.mark.parametrize(
        ("method", "params", "code"),
        [
            ("NONSENSE", [], 2),
            ("SUBSCRIBE", "xrpusdt@trade", 2),
            ("SUBSCRIBE", [["x"]], 2),
            ("SUBSCRIBE", [f"{n}@trade" for n in range(MOST_STREAMS + 1)], 2),
            ("SET_PROPERTY", ["combined"], 2),
            ("SET_PROPERTY", ["combined", "yes"], 1),
            ("SET_PROPERTY", ["colour", True], 0),
            ("GET_PROPERTY", ["colour"], 0),
        ],
    )
    def test_bad_commands_are_refused(
        self, hub: StreamHub, method: str, params: Any, code: int
    ) -> None:
        reply = Listener(hub).ask(method, params, 9)
        assert (reply["id"], reply["error"]["code"]) == (9, code)

    @pytest.mark.parametrize(("text", "code"), [("{", 3), ("[]", 2), ("5", 2)])
    def test_what_is_no_command_is_refused(self, hub: StreamHub, text: str, code: int) -> None:
        listener = Listener(hub)
        assert json.loads(hub.control(listener.session, text))["error"]["code"] == code

    def test_the_shutdown_is_wrapped_like_data(self, hub: StreamHub) -> None:
        raw, combined = Listener(hub, "/ws").session, Listener(hub, "/stream").session
        event = {"e": "serverShutdown", "E": START}
        assert json.loads(shutdown_event(START, raw)) == event
        assert json.loads(shutdown_event(START, combined)) == {
            "stream": "!serverShutdown",
            "data": event,
        }


@pytest.mark.parametrize(
    ("url", "streams", "api", "stream", "combined"),
    [
        ("/ws-api/v3", (), True, False, False),
        ("/ws", (), False, True, False),
        ("/ws/0", (), False, True, False),
        ("/ws/a@trade/b@trade", ("a@trade", "b@trade"), False, True, False),
        ("/ws/a%40trade", ("a@trade",), False, True, False),
        ("/stream", (), False, True, True),
        ("/stream?streams=a@trade/b@trade", ("a@trade", "b@trade"), False, True, True),
        ("/stream/ws/1", (), False, True, False),
        ("/other", (), False, False, False),
    ],
)
def test_a_url_says_what_a_connection_is_for(
    url: str, streams: tuple[str, ...], api: bool, stream: bool, combined: bool
) -> None:
    options = ConnectionOptions.of(url)
    assert options.streams == streams
    assert (options.is_api, options.is_stream, options.is_combined) == (api, stream, combined)


def test_only_times_are_shown_in_microseconds() -> None:
    value = {"serverTime": Millis(5), "count": 5, "rows": [{"T": Millis(7), "ok": True}]}
    assert json.loads(dumps(value)) == {
        "serverTime": 5,
        "count": 5,
        "rows": [{"T": 7, "ok": True}],
    }
    assert json.loads(dumps(value, micros=True)) == {
        "serverTime": 5000,
        "count": 5,
        "rows": [{"T": 7000, "ok": True}],
    }
