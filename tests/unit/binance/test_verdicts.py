"""What answers mean. An order that may exist is never taken for one that does not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbol_trader.binance import replies
from symbol_trader.binance.envelope import Answer, NoReply, Reply
from symbol_trader.binance.verdicts import BY_CODE, Kind, hold_s, judge, outcome
from symbol_trader.core.replies import Accepted, Refused, Unknown
from unit.binance import payloads
from unit.binance.payloads import ORDER_ID, SYMBOL


def accepted(result: Any) -> Accepted:
    return replies.placed(result, SYMBOL, ORDER_ID)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Reply(200, {}), Kind.DONE),
        (Reply(400, code=-2010, message="Account has insufficient balance"), Kind.REFUSED),
        (Reply(400, code=-2010, message="Duplicate order sent."), Kind.UNDECIDED),
        (Reply(400, code=-1013, message="Filter failure: PRICE_FILTER"), Kind.REFUSED),
        (Reply(400, code=-2011, message="Unknown order sent."), Kind.REFUSED),
        (Reply(400, code=-1021, message="outside of the recvWindow."), Kind.LATE),
        (Reply(400, code=-1000, message="unknown"), Kind.UNDECIDED),
        (Reply(400, code=-1001, message="disconnected"), Kind.UNDECIDED),
        (Reply(400, code=-1006, message="unexpected response"), Kind.UNDECIDED),
        (Reply(408, code=-1007, message="timeout"), Kind.UNDECIDED),
        (Reply(500, code=-2010, message="any code"), Kind.UNDECIDED),
        (Reply(503, code=-1008, message="overloaded"), Kind.UNDECIDED),
        (Reply(429, code=-1008, message="overloaded"), Kind.BUSY),
        (Reply(429, code=-1003, message="too much"), Kind.LIMITED),
        (Reply(429, code=-1015, message="too many orders"), Kind.LIMITED),
        (Reply(418, code=-1003, message="banned"), Kind.LIMITED),
        (Reply(429, code=-9999, message="a new code"), Kind.LIMITED),
        (Reply(403, code=-9999, message="firewall"), Kind.REFUSED),
        (Reply(401, code=-2015, message="Invalid API-key"), Kind.CREDENTIALS),
        (Reply(400, code=-2014, message="bad format"), Kind.CREDENTIALS),
        (Reply(400, code=-1022, message="bad signature"), Kind.CREDENTIALS),
        (Reply(302, code=-9999, message="not documented"), Kind.UNDECIDED),
        (NoReply("the connection was lost"), Kind.UNDECIDED),
    ],
    ids=str,
)
def test_the_table(answer: Answer, kind: Kind) -> None:
    assert judge(answer).kind is kind


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
    assert BY_CODE[code].reason.endswith("?")


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (Reply(429, code=-1003, retry_after_ms=9_000), 8),
        (Reply(418, code=-1003, retry_after_ms=9_000), 8),
        (Reply(418, code=-9999, retry_after_ms=9_000), 8),
        (Reply(429, code=-1034, retry_after_ms=9_000), 8),
        (Reply(429, code=-1034), 120),
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
