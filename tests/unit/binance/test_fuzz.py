"""Whatever comes: never a crash, each request hears one thing, and no order is a wrong one.

Messages of the documented shapes are cut, filled with values that nobody would send, repeated and
mixed; what is understood of them reaches a leader whose books are checked after every event.
"""

import json
import logging
from collections.abc import Iterable, Iterator
from copy import deepcopy
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbol_trader.binance import replies, symbols
from symbol_trader.binance.envelope import Answer, NoReply, Reply
from symbol_trader.binance.fields import DIGITS_MAX, Fields, PayloadError, parse
from symbol_trader.binance.session import Answered, Retired, Revoked, Session, UserData
from symbol_trader.binance.surprises import DETAILS_MAX, Surprise, Surprises
from symbol_trader.binance.verdicts import outcome
from symbol_trader.core.events import LeaderEvent, PlaceReplied
from symbol_trader.core.money import ZERO
from symbol_trader.core.orders import ClientOrderId
from unit.binance import examples, payloads
from unit.binance.payloads import ORDER_ID, SYMBOL
from unit.core.desk import Desk

STRANGE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(10**40), 10**40),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.sampled_from(
        ["", "NaN", "Infinity", "1e99", "1e999999999", "-0", "9" * 30, "0." + "3" * 40, "٣"]
    ),
    st.text(max_size=20),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
"""Values that no field should have."""

FRAMES: list[dict[str, Any]] = [
    *({"subscriptionId": 0, "event": event} for event in examples.REPORTS.values()),
    *({"subscriptionId": 0, "event": event} for event in examples.EVENTS.values()),
    *examples.ERRORS.values(),
    {"id": 1, "status": 200, "result": {"serverTime": 1}, "rateLimits": examples.LIMITS},
    {"id": 2, "status": 200, "result": examples.AMENDED},
]


def places(value: object) -> Iterator[tuple[Any, Any]]:
    """Yield each place in a JSON value, as its container and the key there."""
    children: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        children = value.items()
    elif isinstance(value, list):
        children = enumerate(value)
    for key, child in children:
        yield value, key
        yield from places(child)


@st.composite
def damaged(draw: st.DrawFn, frames: st.SearchStrategy[Any]) -> Any:
    """Take a message and remove, replace or rename something in it, or leave it as it is."""
    frame = deepcopy(draw(frames))
    for _ in range(draw(st.integers(0, 3))):
        found = list(places(frame))
        if not found:
            break
        container, key = draw(st.sampled_from(found))
        if isinstance(container, dict) and draw(st.booleans()):
            del container[key]
        else:
            container[key] = draw(STRANGE)
    return frame


texts = st.one_of(
    st.text(),
    st.binary(),
    damaged(st.sampled_from(FRAMES)).map(json.dumps),
    damaged(st.sampled_from(FRAMES)).map(lambda frame: json.dumps(frame)[:-1]),
    st.sampled_from(["[" * 100_000, "9" * 5_000, '{"a":' * 50_000, "null", "{}", '{"id":{}}']),
)


@given(texts)
def test_a_message_is_an_object_or_unreadable(text: str | bytes) -> None:
    try:
        found: object = parse(text)
    except PayloadError as exc:
        found = exc
    assert isinstance(found, Fields) or len(str(found)) < 500


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@given(st.lists(texts, max_size=10))
def test_a_session_survives_everything_and_each_request_hears_one_thing(
    messages: list[str | bytes],
) -> None:
    surprises = Surprises()
    session = Session(SYMBOL, surprises)
    asked = {session.request("time", {})[0] for _ in range(3)}
    heard = [session.receive(text) for text in messages]
    heard += session.lost("the end")

    answered = [item.request_id for item in heard if isinstance(item, Answered)]
    assert sorted(answered) == sorted(asked)
    assert all(
        item is None or isinstance(item, Answered | UserData | Retired | Revoked) for item in heard
    )
    ended = [item for item in heard if isinstance(item, Retired)]
    assert bool(ended) <= (session.ended is not None)


def readers(result: Any) -> Iterator[Any]:
    """Read a result as each of the replies that are asked for."""
    for read in (
        lambda: replies.server_time_ms(result),
        lambda: replies.account(result),
        lambda: replies.commission(result),
        lambda: replies.account_commission(result),
        lambda: replies.last_trade(result),
        lambda: replies.candle(result),
        lambda: replies.best_bid(result, SYMBOL),
        lambda: replies.best_bids(result, (SYMBOL,)),
        lambda: replies.placed(result, SYMBOL, ORDER_ID),
        lambda: replies.canceled(result, SYMBOL, payloads.CANCEL),
        lambda: replies.order_status(result, SYMBOL, ORDER_ID),
        lambda: replies.order_by_id(result, SYMBOL),
        lambda: replies.open_orders(result, SYMBOL),
        lambda: replies.trades(result, SYMBOL),
        lambda: symbols.symbol_info(result, SYMBOL),
        lambda: symbols.asset_limits(result),
        lambda: symbols.reference_price(result, SYMBOL),
        lambda: symbols.average_price(result, 5),
        lambda: symbols.last_price(result, SYMBOL),
    ):
        try:
            yield read()
        except PayloadError:
            continue


RESULTS: list[Any] = [
    {"serverTime": 1},
    payloads.account(),
    payloads.commission(),
    [{"id": 1, "price": "0.5", "time": 1}],
    [[1, "0.5", "0.6", "0.4", "0.5", "9", 2]],
    {"symbol": SYMBOL, "bidPrice": "0.5"},
    *examples.ORDERS.values(),
    payloads.canceled(),
    *examples.QUERIED.values(),
    list(examples.QUERIED.values()),
    [payloads.trade(1), payloads.trade(2)],
    examples.EXCHANGE_INFO,
    {"assetFilters": [{"filterType": "MAX_ASSET", "asset": "XRP", "limit": "1"}]},
    {"symbol": SYMBOL, "referencePrice": "0.5", "timestamp": 1},
    {"mins": 5, "price": "0.5", "closeTime": 1},
]


@given(damaged(st.sampled_from(RESULTS)) | STRANGE)
def test_every_reply_is_read_or_unreadable(result: Any) -> None:
    for _ in readers(result):
        pass


@given(st.integers(0, 10**DIGITS_MAX - 1), st.integers(0, DIGITS_MAX))
def test_numbers_of_thirty_digits_are_exact(digits: int, places_: int) -> None:
    text = f"{digits:0{places_ + 1}d}"
    text = f"{text[: len(text) - places_]}.{text[len(text) - places_ :]}"
    number = Fields({"x": text}, "test").decimal("x")

    assert number * number == number**2
    assert int(number.scaleb(places_)) == digits


@pytest.mark.parametrize("value", ["1e31", "9" * 31, "0." + "1" * 31, 10**31])
def test_longer_numbers_are_unreadable(value: object) -> None:
    with pytest.raises(PayloadError, match="at most 30 digits"):
        Fields({"x": value}, "test").decimal("x")


@pytest.mark.parametrize("value", [2**63, -(2**63), 10**40])
def test_ids_and_times_are_of_64_bits(value: int) -> None:
    with pytest.raises(PayloadError, match="a whole number"):
        Fields({"x": value}, "test").integer("x")


@pytest.mark.parametrize("value", [-1, 253_402_300_800_000])
def test_a_time_is_one_that_a_calendar_has(value: int) -> None:
    with pytest.raises(PayloadError, match="a time"):
        Fields({"x": value}, "test").time_ms("x")


def test_a_flood_of_surprises_is_counted_and_does_not_fill_the_log() -> None:
    surprises = Surprises()
    session = Session(SYMBOL, surprises)
    for number in range(5 * DETAILS_MAX):
        session.receive(json.dumps({"event": {"e": f"kind {number}"}}))

    assert surprises.counts[Surprise.UNKNOWN_EVENT] == 5 * DETAILS_MAX


# --- and a leader behind it ---------------------------------------------------------------------


def frames_about(desk: Desk) -> st.SearchStrategy[Any]:
    """Make messages about the orders that a leader has, and damage them."""
    orders = [order.intent for trader in desk.leader.traders for order in trader.orders]
    names = [intent.client_order_id for intent in orders] or [ClientOrderId("nobody")]
    facts = {
        intent.client_order_id: {
            "S": str(intent.side),
            "p": str(intent.price),
            "q": str(intent.quantity),
            "O": intent.timestamp_ms,
        }
        for intent in orders
    }
    reports = [
        report | {"c": name, "C": "", "i": number_of(name)} | facts.get(name, {})
        for name in names
        for report in examples.REPORTS.values()
    ]
    return st.sampled_from([{"subscriptionId": 0, "event": event} for event in reports])


def number_of(name: str) -> int:
    """Return an id that the exchange can have given this order alone."""
    return int.from_bytes(sha256(name.encode()).digest()[:6])


def understood(desk: Desk, frame: Any) -> LeaderEvent | None:
    """Return what a session makes of a message, as the leader hears of it."""
    session = Session(SYMBOL, Surprises())
    for order in (o.intent for t in desk.leader.traders for o in t.orders):
        session.request(order.client_order_id, {})
    heard = session.receive(json.dumps(frame))
    return heard.event if isinstance(heard, UserData) else None


@settings(max_examples=60)
@given(st.data())
def test_no_message_leads_a_leader_to_a_wrong_order(data: st.DataObject) -> None:
    """Orders stay within the budget and within what was received; the leader goes on deciding."""
    desk = Desk()
    desk.price("2")
    for _ in range(data.draw(st.integers(1, 8))):
        frame = data.draw(damaged(frames_about(desk)))
        for _ in range(data.draw(st.integers(1, 2))):
            event = understood(desk, frame)
            if event is not None:
                desk.tell(event)
        desk.price(data.draw(st.sampled_from(["2", "1.9", "2.2"])))
        desk.wait(data.draw(st.sampled_from([0, 1_000, 60_000])))
    # That no order goes beyond the budget is checked when it is placed: later it may be reported to
    # have cost whatever somebody writes.
    assert all(o.intent.price > ZERO for t in desk.leader.traders for o in t.orders)


@settings(max_examples=60)
@given(st.data())
def test_no_reply_to_an_order_leads_to_a_wrong_one(data: st.DataObject) -> None:
    desk = Desk()
    desk.price("2")
    intent = desk.order
    order = payloads.placed(
        clientOrderId=intent.client_order_id,
        price=str(intent.price),
        origQty=str(intent.quantity),
        transactTime=intent.timestamp_ms,
    )
    result = data.draw(damaged(st.just(order)) | STRANGE)
    status = data.draw(st.sampled_from([200, 400, 409, 418, 429, 500]))
    code = data.draw(st.integers(-3000, -1000))
    answer = Reply(status, result, code, data.draw(st.text(max_size=5)))
    answers: list[Answer] = [answer, NoReply("lost")]
    told = data.draw(st.sampled_from(answers))

    desk.tell(
        PlaceReplied(
            intent.client_order_id,
            outcome(told, lambda r: replies.placed(r, SYMBOL, intent.client_order_id)),
        )
    )
    desk.price("2")
    assert desk.leader.committed_quote <= desk.settings.budget
