"""Faults on purpose, over real sockets: what is executed, what is answered, what is told."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from paper_exchange.faults import COURSES, EventFault, Faults, RequestFault, Rule, fault_named
from paper_exchange.shell.admin_client import AdminRefusedError, call
from paper_exchange.shell.server import PaperExchange, serve
from unit.paper_exchange.clients import CONFIG
from unit.paper_exchange.sockets import Socket, limit, sealed, socket, trade

SILENCE_S = 0.3
"""How long nothing must come where nothing may come."""
POSITION = "outboundAccountPosition"
EVENTS = ["NEW", POSITION]


@pytest.fixture
async def exchange() -> AsyncIterator[PaperExchange]:
    async with serve(CONFIG) as running:
        yield running


@pytest.fixture
async def client(exchange: PaperExchange) -> AsyncIterator[Socket]:
    """Return a client that has subscribed to its account."""
    async with socket(exchange) as connected:
        await connected.signed("userDataStream.subscribe.signature")
        yield connected


async def disturb(exchange: PaperExchange, fault: str, target: str = "*", **params: Any) -> None:
    await call(exchange.admin_url, "fault", {"fault": fault, "target": target, **params})


def executed(exchange: PaperExchange) -> int:
    return len(exchange.venue.engine.book("XRPUSDT").orders)


async def post_order(client: Socket, price: str = "0.5") -> None:
    await client.post("order.place", **sealed("key-a", limit("BUY", price, "100")))


async def heard(client: Socket) -> list[str]:
    """Name what comes until nothing comes any more: reply, error code, or the event's kind."""
    found: list[str] = []
    try:
        while True:
            async with asyncio.timeout(SILENCE_S):
                found.append(_kind(json.loads(await client.connection.recv())))
    except TimeoutError:
        return found


def _kind(message: Any) -> str:
    if "error" in message:
        return str(message["error"]["code"])
    if "event" in message:
        return str(message["event"].get("x", message["event"]["e"]))
    return "reply"


@pytest.mark.parametrize(
    ("fault", "orders", "expected"),
    [
        ("request-lost", 0, []),
        ("request-delayed", 1, ["reply", *EVENTS]),
        ("reply-lost", 1, EVENTS),
        ("reply-delayed", 1, [*EVENTS, "reply"]),
        ("event-first", 1, [*EVENTS, "reply"]),
        ("timeout", 0, ["-1007"]),
        ("timeout-executed", 1, [*EVENTS, "-1007"]),
        ("refused", 0, ["-1000"]),
        ("stall", 1, []),
    ],
)
async def test_what_happens_to_a_disturbed_order(
    exchange: PaperExchange, client: Socket, fault: str, orders: int, expected: list[str]
) -> None:
    await disturb(exchange, fault, "order.place", delayMs=100)
    await post_order(client)
    assert await heard(client) == expected
    assert executed(exchange) == orders


@pytest.mark.parametrize(("fault", "orders"), [("disconnect", 0), ("disconnect-executed", 1)])
async def test_a_connection_that_is_cut_says_nothing(
    exchange: PaperExchange, fault: str, orders: int
) -> None:
    async with socket(exchange) as client:
        await disturb(exchange, fault, "order.place")
        await post_order(client)
        with pytest.raises(ConnectionClosed) as ended:
            await client.connection.recv()
    assert ended.value.rcvd is None, "there is no closing handshake"
    assert executed(exchange) == orders


def test_every_fault_of_a_request_has_its_course() -> None:
    assert set(COURSES) == set(RequestFault) - {RequestFault.REQUEST_DELAYED}


async def test_a_delayed_request_is_judged_by_when_it_arrives(
    exchange: PaperExchange, client: Socket
) -> None:
    await disturb(exchange, "request-delayed", "order.place", delayMs=150)
    params = {**limit("BUY", "0.5", "100"), "recvWindow": 100}
    await client.post("order.place", **sealed("key-a", params))
    assert await heard(client) == ["-1021"]


async def test_a_delayed_request_arrives_though_its_connection_is_gone(
    exchange: PaperExchange,
) -> None:
    async with socket(exchange) as client:
        await disturb(exchange, "request-delayed", "order.place", delayMs=100)
        await post_order(client)
        await client.call("ping")
    assert executed(exchange) == 0
    await asyncio.sleep(0.15)
    assert executed(exchange) == 1


async def test_other_requests_go_on_meanwhile(exchange: PaperExchange, client: Socket) -> None:
    await disturb(exchange, "reply-delayed", "order.place", delayMs=60_000)
    await post_order(client)
    assert (await client.call("ping"))["status"] == 200


async def test_a_refusal_says_what_it_is_told_to(exchange: PaperExchange, client: Socket) -> None:
    await disturb(exchange, "refused", "order.status", code=-2013, message="Order does not exist.")
    refused = await client.signed("order.status", symbol="XRPUSDT", orderId=1)
    assert refused["error"] == {"code": -2013, "msg": "Order does not exist."}
    assert refused["status"] == 400


async def test_a_limited_rate_says_until_when(exchange: PaperExchange, client: Socket) -> None:
    await disturb(exchange, "refused", "time", code=-1003, retryAfterMs=5_000)
    refused = await client.call("time")
    assert refused["status"] == 429
    assert 0 < refused["error"]["data"]["retryAfter"] - time.time() * 1000 <= 5_000


@pytest.mark.parametrize(
    ("fault", "target", "expected"),
    [
        ("event-lost", "NEW", ["reply", POSITION]),
        ("event-lost", POSITION, ["reply", "NEW"]),
        ("event-twice", "NEW", ["reply", "NEW", "NEW", POSITION]),
        ("event-delayed", "NEW", ["reply", POSITION, "NEW"]),
        ("event-swapped", "NEW", ["reply", POSITION, "NEW"]),
    ],
)
async def test_what_happens_to_a_disturbed_event(
    exchange: PaperExchange, client: Socket, fault: str, target: str, expected: list[str]
) -> None:
    await disturb(exchange, fault, target, delayMs=50)
    await post_order(client)
    assert await heard(client) == expected
    await post_order(client)
    assert await heard(client) == ["reply", *EVENTS], "a rule acts once"


async def test_a_rule_lets_pass_and_then_acts_as_often_as_told(
    exchange: PaperExchange, client: Socket
) -> None:
    await disturb(exchange, "timeout", "time", skip=2, times=2)
    codes = [(await client.call("time"))["status"] for _ in range(6)]
    assert codes == [200, 200, 504, 504, 200, 200]
    (shown,) = (await call(exchange.admin_url, "faults"))["faults"]
    assert shown == {"fault": "timeout", "target": "time", "skip": 0, "times": 2, "hits": 2}


async def test_a_rule_for_ever_ends_when_the_rules_are_cleared(
    exchange: PaperExchange, client: Socket
) -> None:
    await disturb(exchange, "timeout", "time", times=0)
    assert {(await client.call("time"))["status"] for _ in range(5)} == {504}
    await call(exchange.admin_url, "clear-faults")
    assert (await client.call("time"))["status"] == 200


@pytest.mark.parametrize("command", ["cut", "stall"])
@pytest.mark.parametrize("channel", ["all", "api", "streams"])
async def test_connections_are_disturbed_by_channel(
    exchange: PaperExchange, client: Socket, command: str, channel: str
) -> None:
    api, streams = channel != "streams", channel != "api"
    async with connect(f"{exchange.stream_url}/ws/xrpusdt@trade") as stream:
        await stream.ping()
        answer = await call(exchange.admin_url, command, {"channel": channel})
        assert answer == {"connections": api + streams}
        trade(exchange, "0.5", "1")
        with suppress(ConnectionClosed):
            await client.connection.send('{"id": 1, "method": "ping"}')
        assert (await _alive(client.connection), await _alive(stream)) == (not api, not streams)


async def _alive(connection: Any) -> bool:
    """Return whether anything comes."""
    try:
        async with asyncio.timeout(SILENCE_S):
            await connection.recv()
    except (TimeoutError, ConnectionClosed):
        return False
    return True


async def test_user_data_alone_can_end(exchange: PaperExchange, client: Socket) -> None:
    assert await call(exchange.admin_url, "end-user-data") == {"subscriptions": 1}
    await post_order(client)
    assert await heard(client) == ["eventStreamTerminated", "reply"]


async def test_who_unsubscribes_is_told_that_the_stream_is_over(client: Socket) -> None:
    await client.post("userDataStream.unsubscribe")
    assert await heard(client) == ["reply", "eventStreamTerminated"]
    await post_order(client)
    assert await heard(client) == ["reply"]


async def test_a_shutdown_can_be_announced_and_not_come(
    exchange: PaperExchange, client: Socket
) -> None:
    assert await call(exchange.admin_url, "announce-shutdown") == {"connections": 1}
    assert await heard(client) == ["serverShutdown"]
    assert (await client.call("ping"))["status"] == 200


async def test_pages_filters_and_the_clock_change(exchange: PaperExchange, client: Socket) -> None:
    for price in ("0.3", "0.31", "0.32"):
        await client.order("BUY", price, "100")
    await call(exchange.admin_url, "page-limit", {"rows": 2})
    orders = await client.signed("allOrders", symbol="XRPUSDT", orderId=0)
    assert len(orders["result"]) == 2

    changes = {"symbol": "XRPUSDT", "filters": {"tickSize": "0.01"}}
    await call(exchange.admin_url, "filters", changes)
    refused = await client.order("BUY", "0.305", "100")
    assert refused["error"]["msg"] == "Filter failure: PRICE_FILTER"

    await call(exchange.admin_url, "clock-skew", {"ms": 60_000})
    assert (await client.order("BUY", "0.3", "100"))["error"]["code"] == -1021


@pytest.mark.parametrize(
    ("command", "params", "text"),
    [
        ("fault", {"fault": "nonsense"}, "event-twice"),
        ("fault", {"fault": "timeout", "skip": -1}, "negative"),
        ("cut", {"channel": "tube"}, "streams"),
        ("page-limit", {"rows": 0}, "positive"),
    ],
)
async def test_what_cannot_be_done_is_refused(
    exchange: PaperExchange, command: str, params: dict[str, Any], text: str
) -> None:
    with pytest.raises(AdminRefusedError, match=text):
        await call(exchange.admin_url, command, params)


def test_the_first_rule_that_fits_acts() -> None:
    faults = Faults()
    faults.add(Rule(RequestFault.TIMEOUT, "time"))
    faults.add(Rule(RequestFault.REFUSED))
    faults.add(Rule(EventFault.LOST))
    acted = [faults.of_request("time", 0) for _ in range(3)]
    assert [rule.fault if rule else None for rule in acted] == ["timeout", "refused", None]
    assert faults.of_event("NEW", 0) is not None
    assert fault_named("event-lost") is EventFault.LOST
