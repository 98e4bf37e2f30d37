"""The session machine: every request hears exactly one thing, whatever the socket does."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbol_trader.binance.envelope import NoReply, Reply
from symbol_trader.binance.rate_limit import Counted, Use
from symbol_trader.binance.session import Announced, Answered, Retired, Revoked, Session, UserData
from symbol_trader.binance.surprises import Surprise, Surprises
from unit.binance import payloads
from unit.binance.payloads import SYMBOL


def result(request_id: int, value: Any) -> str:
    return json.dumps({"id": request_id, "status": 200, "result": value, "rateLimits": []})


def event(payload: Any) -> str:
    return json.dumps({"subscriptionId": 0, "event": payload})


def open_session(requests: int = 0, surprises: Surprises | None = None) -> Session:
    session = Session(SYMBOL, surprises)
    for _ in range(requests):
        session.request("time", {})
    return session


def test_a_request_has_an_id_of_its_own() -> None:
    session = open_session()

    (first, text), (second, _) = (session.request("time", {}), session.request("ping", {"x": "1"}))

    assert first != second
    assert json.loads(text) == {"id": first, "method": "time", "params": {}}


def test_a_reply_finds_its_request() -> None:
    assert open_session(1).receive(result(1, {"a": "b"})) == Answered(1, Reply(200, {"a": "b"}))


def test_an_error_finds_its_request_with_all_it_says() -> None:
    error = {"code": -1003, "msg": "too much", "data": {"serverTime": 1, "retryAfter": 99}}
    limits = [
        {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 9, "count": 1},
        {
            "rateLimitType": "REQUEST_WEIGHT",
            "interval": "MINUTE",
            "intervalNum": 1,
            "limit": 6000,
            "count": 6001,
        },
    ]
    text = json.dumps({"id": 1, "status": 429, "error": error, "rateLimits": limits})

    assert open_session(1).receive(text) == Answered(
        1,
        Reply(
            429,
            code=-1003,
            message="too much",
            retry_after_ms=99,
            server_time_ms=1,
            uses=(
                Use(Counted.ORDERS, 1, 9, 86_400_000),
                Use(Counted.WEIGHT, 6001, 6000, 60_000),
            ),
        ),
    )


def test_an_error_may_come_with_other_data() -> None:
    error = {"code": -2010, "msg": "no", "data": {"serverTime": 1}}

    heard = open_session(1).receive(json.dumps({"id": 1, "status": 400, "error": error}))

    assert heard == Answered(1, Reply(400, code=-2010, message="no", server_time_ms=1))


@given(st.permutations([1, 2, 3, 4, 5]))
def test_replies_may_come_in_any_order(order: list[int]) -> None:
    session = open_session(5)

    heard = [session.receive(result(request_id, request_id)) for request_id in order]

    assert heard == [Answered(request_id, Reply(200, request_id)) for request_id in order]


@pytest.mark.parametrize(
    ("request_id", "detail"),
    [
        (1, "a reply to a request that is over: 1"),
        (2, "a reply to a request that is never sent: 2"),
        (0, "a reply to a request that is never sent: 0"),
    ],
)
def test_a_reply_that_nobody_waits_for_is_counted_and_logged(
    request_id: int, detail: str, caplog: pytest.LogCaptureFixture
) -> None:
    surprises = Surprises()
    session = open_session(1, surprises)
    session.give_up(1)

    assert session.receive(result(request_id, {})) is None
    assert surprises.counts[Surprise.UNMATCHED_REPLY] == 1
    assert detail in caplog.text
    assert session.ended is None


def test_a_reply_that_cannot_be_read_is_no_reply() -> None:
    surprises = Surprises()
    heard = open_session(1, surprises).receive('{"id": 1, "status": 400}')

    assert surprises.counts[Surprise.UNREADABLE] == 1

    assert heard == Answered(
        1, NoReply("the reply to time is an unreadable payload: message.error: missing")
    )


def test_user_data_is_news() -> None:
    heard = open_session().receive(event(payloads.report()))

    assert isinstance(heard, UserData)


def test_user_data_of_other_symbols_is_no_news() -> None:
    assert open_session().receive(event(payloads.report(s="BTCUSDT"))) is None


def test_an_announced_end_calls_for_another_session_and_this_one_goes_on() -> None:
    session = open_session(1)

    heard = session.receive(event({"e": "serverShutdown", "E": 1}))

    assert heard == Announced()
    assert session.ended is None


def test_the_end_of_the_stream_retires_the_session() -> None:
    session = open_session(1)

    heard = session.receive(event({"e": "eventStreamTerminated", "E": 1}))

    assert isinstance(heard, Retired)
    assert session.ended == heard.why
    with pytest.raises(ValueError, match="after the end"):
        session.request("time", {})


def test_a_retired_session_still_hears_the_replies_that_are_due() -> None:
    session = open_session(1)
    session.retire("renewal")

    assert session.receive(result(1, {})) == Answered(1, Reply(200, {}))


def test_a_revoked_key_is_told_from_other_errors_that_name_no_request() -> None:
    text = '{"id":null,"status":401,"error":{"code":-2015,"msg":"Invalid API-key."}}'

    assert open_session().receive(text) == Revoked("the exchange reports -2015 Invalid API-key.")


def test_an_error_that_belongs_to_no_request_is_counted() -> None:
    text = '{"id":null,"status":400,"error":{"code":-1135,"msg":"Invalid JSON."}}'
    surprises = Surprises()

    assert open_session(0, surprises).receive(text) is None
    assert surprises.counts[Surprise.UNMATCHED_REPLY] == 1


@pytest.mark.parametrize("text", ['{"hello": 1}', event({"e": "somethingNew"})])
def test_a_message_of_an_unknown_kind_is_counted(text: str) -> None:
    surprises = Surprises()
    session = open_session(0, surprises)

    assert session.receive(text) is None
    assert surprises.counts[Surprise.UNKNOWN_EVENT] == 1
    assert session.ended is None


@pytest.mark.parametrize("kind", ["balanceUpdate", "listStatus", "externalLockUpdate"])
def test_known_events_of_no_concern_are_no_surprise(kind: str) -> None:
    surprises = Surprises()

    assert open_session(0, surprises).receive(event({"e": kind})) is None
    assert not any(surprises.counts.values())


@pytest.mark.parametrize(
    "text",
    ["{", '{"id": "text", "status": 200}', event({"e": "executionReport", "s": SYMBOL}), event([])],
    ids=["not-json", "foreign-id", "cut-report", "no-event"],
)
def test_what_cannot_be_read_may_have_been_news_and_retires_the_session(text: str) -> None:
    surprises = Surprises()
    heard = open_session(0, surprises).receive(text)

    assert surprises.counts[Surprise.UNREADABLE] == 1

    assert isinstance(heard, Retired)
    assert heard.why.startswith("unreadable payload: ")


def test_every_waiting_request_hears_of_the_loss_once() -> None:
    session = open_session(3)
    session.receive(result(2, {}))

    assert session.lost("cut") == (
        Answered(1, NoReply("no reply to time: cut")),
        Answered(3, NoReply("no reply to time: cut")),
    )
    assert session.lost("again") == ()


def test_the_first_reason_stays() -> None:
    session = open_session()
    session.retire("renewal")
    session.lost("cut")

    assert session.ended == "renewal"


@given(st.data())
def test_a_request_hears_exactly_one_thing(data: st.DataObject) -> None:
    """Replies in any order, some twice, some never; then the connection is lost."""
    session = open_session(6)
    replies = data.draw(st.lists(st.integers(1, 6), max_size=12))

    heard = [session.receive(result(request_id, None)) for request_id in replies]
    heard += session.lost("cut")

    ids = sorted(item.request_id for item in heard if isinstance(item, Answered))
    assert ids == [1, 2, 3, 4, 5, 6]
