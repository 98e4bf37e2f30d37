"""What answers mean. An order that may exist is never taken for one that does not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbol_trader.binance import replies
from symbol_trader.binance.envelope import Answer, NoReply, Reply
from symbol_trader.binance.verdicts import hold_s, judge, outcome
from symbol_trader.core.error_codes import ErrorClass, meaning
from symbol_trader.core.replies import Accepted, Refused, Unknown
from unit.binance import payloads
from unit.binance.payloads import ORDER_ID, SYMBOL

FINAL, BLOCKED, UNDECIDED = ErrorClass.FINAL, ErrorClass.BLOCKED, ErrorClass.UNDECIDED
RETRY, STOP, WAIT = ErrorClass.RETRY, ErrorClass.STOP, ErrorClass.WAIT


def accepted(result: Any) -> Accepted:
    return replies.placed(result, SYMBOL, ORDER_ID)


@pytest.mark.parametrize(
    ("answer", "orders", "reads"),
    [
        (Reply(200, {}), None, None),
        (Reply(400, code=-2010, message="Account has insufficient balance"), BLOCKED, FINAL),
        (Reply(400, code=-2010, message="Duplicate order sent."), UNDECIDED, FINAL),
        (Reply(400, code=-1000, message="unknown"), UNDECIDED, RETRY),
        (Reply(408, code=-1007, message="timeout"), UNDECIDED, RETRY),
        (Reply(500, code=-2010, message="any code"), UNDECIDED, RETRY),
        (Reply(503, code=-1008, message="overloaded"), UNDECIDED, RETRY),
        (Reply(429, code=-1008, message="overloaded"), UNDECIDED, WAIT),
        (Reply(429, code=-1003, message="too much"), WAIT, WAIT),
        (Reply(418, code=-1003, message="banned"), WAIT, WAIT),
        (Reply(429, code=-9999, message="a new code"), UNDECIDED, WAIT),
        (Reply(403, code=-9999, message="firewall"), UNDECIDED, WAIT),
        (Reply(400, code=-9999, message="a new code"), UNDECIDED, WAIT),
        (Reply(401, code=-2015, message="Invalid API-key"), STOP, STOP),
        (Reply(302, code=-9999, message="not documented"), UNDECIDED, RETRY),
        (NoReply("the connection was lost"), UNDECIDED, RETRY),
    ],
    ids=str,
)
def test_status_and_code_say_what_an_answer_means(
    answer: Answer, orders: ErrorClass | None, reads: ErrorClass | None
) -> None:
    verdict = judge(answer)

    assert (verdict.orders, verdict.reads) == (orders, reads)


def test_some_answers_say_more() -> None:
    assert judge(Reply(400, code=-1021, message="outside of the recvWindow.")).late
    assert judge(Reply(429, code=-1003, message="too much")).limited
    assert judge(Reply(418, code=-9999, message="a new code")).limited
    assert not judge(Reply(429, code=-9999, message="a new code")).known
    assert judge(Reply(500, code=-9999, message="any code")).known


@given(st.integers(500, 599), st.integers(-9999, -1), st.text())
def test_a_status_of_500_and_above_is_never_a_refusal(status: int, code: int, text: str) -> None:
    assert isinstance(outcome(Reply(status, code=code, message=text), accepted), Unknown)


@given(st.integers(400, 499), st.sampled_from([-1000, -1001, -1006, -1007, -1008]))
def test_codes_of_unknown_execution_are_never_a_refusal(status: int, code: int) -> None:
    assert isinstance(outcome(Reply(status, code=code, message=""), accepted), Unknown)


def test_an_order_that_was_taken() -> None:
    assert outcome(Reply(200, payloads.placed()), accepted) == accepted(payloads.placed())


@pytest.mark.parametrize("code", [-1021, -1003, -1015, -2010, -2015, -1121])
def test_a_definite_no_keeps_the_exchanges_code_and_words(code: int) -> None:
    assert outcome(Reply(400, code=code, message="words"), accepted) == Refused(code, "words")


def test_an_acceptance_that_cannot_be_read_is_unknown() -> None:
    result = outcome(Reply(200, {"symbol": SYMBOL}), accepted)

    assert isinstance(result, Unknown)
    assert "order.place" in result.why


def test_the_unknown_says_why() -> None:
    answer = Reply(408, code=-1007, message="Timeout waiting for response.")

    assert outcome(answer, accepted) == Unknown(
        "-1007 Timeout waiting for response. (execution status unknown)"
    )
    assert outcome(NoReply("gone"), accepted) == Unknown("gone")


@pytest.mark.parametrize("code", [-2014, -2015, -1022])
def test_a_refused_key_comes_with_a_remedy(code: int) -> None:
    assert meaning(code, "").text.endswith("?")


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (Reply(429, code=-1003, retry_after_ms=9_000), 8),
        (Reply(418, code=-1003, retry_after_ms=9_000), 8),
        (Reply(418, code=-9999, retry_after_ms=9_000), 8),
        (Reply(429, code=-1034, retry_after_ms=9_000), 8),
        (Reply(429, code=-1034), 120),
        (Reply(418, code=-1003), 120),
        (Reply(429, code=-1003), None),
        (Reply(429, code=-1015, retry_after_ms=9_000), None),
    ],
    ids=str,
)
def test_requests_are_held_back_as_long_as_the_exchange_asks(
    answer: Reply, seconds: int | None
) -> None:
    assert hold_s(answer, 1_000) == seconds


def test_too_many_connections_hold_requests_back_before_the_clock_is_known() -> None:
    assert hold_s(Reply(429, code=-1034, retry_after_ms=9_000), None) == 120
    assert hold_s(Reply(429, code=-1003, retry_after_ms=9_000), None) is None
