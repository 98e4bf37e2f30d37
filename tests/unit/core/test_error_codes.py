"""The table of error codes: what each that the protocol names means, by hand from its pages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbol_trader.core.error_codes import CODES, UNKNOWN, ErrorClass, meaning
from symbol_trader.core.reasons import Reason

FINAL, BLOCKED, UNDECIDED = ErrorClass.FINAL, ErrorClass.BLOCKED, ErrorClass.UNDECIDED
RETRY, STOP, WAIT = ErrorClass.RETRY, ErrorClass.STOP, ErrorClass.WAIT

LOST = (UNDECIDED, RETRY)
WRONG = (FINAL, FINAL)
REFUSED_KEY = (STOP, STOP)
LIMITED = (WAIT, WAIT)

PROTOCOL: dict[int, tuple[ErrorClass, ErrorClass]] = {
    # 10xx
    -1000: LOST,
    -1001: LOST,
    -1002: REFUSED_KEY,
    -1003: LIMITED,
    -1006: LOST,
    -1007: LOST,
    -1008: (UNDECIDED, WAIT),
    -1010: WRONG,
    -1013: WRONG,
    -1014: WRONG,
    -1015: LIMITED,
    -1016: WRONG,
    -1020: WRONG,
    -1021: (BLOCKED, RETRY),
    -1022: REFUSED_KEY,
    -1033: WRONG,
    -1034: LIMITED,
    -1035: WRONG,
    # 11xx
    -1100: WRONG,
    -1101: WRONG,
    -1102: WRONG,
    -1103: WRONG,
    -1104: WRONG,
    -1105: WRONG,
    -1106: WRONG,
    -1108: WRONG,
    -1111: WRONG,
    -1112: WRONG,
    -1114: WRONG,
    -1115: WRONG,
    -1116: WRONG,
    -1117: WRONG,
    -1118: WRONG,
    -1119: WRONG,
    -1120: WRONG,
    -1121: WRONG,
    -1122: WRONG,
    -1125: WRONG,
    -1127: WRONG,
    -1128: WRONG,
    -1130: WRONG,
    -1134: WRONG,
    -1135: WRONG,
    -1139: WRONG,
    -1145: WRONG,
    -1151: WRONG,
    -1152: WRONG,
    -1153: WRONG,
    -1155: WRONG,
    -1158: WRONG,
    -1160: WRONG,
    -1161: WRONG,
    -1165: WRONG,
    -1166: WRONG,
    -1168: WRONG,
    -1169: WRONG,
    -1170: WRONG,
    -1171: WRONG,
    -1172: WRONG,
    -1173: WRONG,
    -1174: WRONG,
    -1175: WRONG,
    -1176: WRONG,
    -1177: WRONG,
    -1178: WRONG,
    -1179: WRONG,
    -1180: WRONG,
    -1181: LIMITED,
    -1182: WRONG,
    -1183: WRONG,
    -1184: WRONG,
    -1185: WRONG,
    -1186: WRONG,
    -1187: WRONG,
    -1188: WRONG,
    -1189: WRONG,
    -1190: WRONG,
    -1191: WRONG,
    -1194: WRONG,
    -1196: WRONG,
    -1197: WRONG,
    -1198: WRONG,
    -1199: WRONG,
    # 12xx
    -1210: WRONG,
    -1211: WRONG,
    -1220: WRONG,
    -1221: WRONG,
    -1222: WRONG,
    -1223: WRONG,
    -1224: WRONG,
    -1225: WRONG,
    # 20xx
    -2010: WRONG,
    -2011: WRONG,
    -2013: WRONG,
    -2014: REFUSED_KEY,
    -2015: REFUSED_KEY,
    -2016: WRONG,
    -2021: (UNDECIDED, FINAL),
    -2022: WRONG,
    -2026: WRONG,
    -2035: WRONG,
    -2036: WRONG,
    -2038: WRONG,
    -2039: WRONG,
    -2042: WRONG,
    -2043: WRONG,
}
"""Code -> what it means for orders and cancels, and for reads, where the message says no more."""


@pytest.mark.parametrize("code", PROTOCOL)
def test_every_code_of_the_protocol_has_its_class(code: int) -> None:
    said = meaning(code, "")

    assert said is not UNKNOWN
    assert (said.orders, said.reads) == PROTOCOL[code]
    assert said.text


def test_the_table_has_no_code_that_the_protocol_does_not_name() -> None:
    assert set(CODES) == set(PROTOCOL)


@given(st.integers(-9999, 9999).filter(lambda code: code not in PROTOCOL), st.text())
def test_an_unknown_code_leaves_an_order_undecided_and_lets_a_read_wait(
    code: int, message: str
) -> None:
    said = meaning(code, message)

    assert said is UNKNOWN
    assert (said.orders, said.reads) == (UNDECIDED, WAIT)
    assert not said.passes


@given(st.sampled_from(sorted(PROTOCOL)), st.text())
def test_whatever_the_message_a_code_has_a_class_for_each_kind_of_request(
    code: int, message: str
) -> None:
    said = meaning(code, message)

    assert said.orders in {FINAL, BLOCKED, UNDECIDED, STOP, WAIT}
    assert said.reads in {FINAL, RETRY, STOP, WAIT}


ENGINE = (-1010, -2010, -2011, -2038, -1013)


@pytest.mark.parametrize("code", ENGINE)
@pytest.mark.parametrize(
    ("message", "error", "reason"),
    [
        ("Filter failure: MAX_NUM_ORDERS", BLOCKED, "FilterFailure"),
        ("Filter failure: PERCENT_PRICE_BY_SIDE", BLOCKED, "FilterFailure"),
        (
            "Account has insufficient balance for requested action.",
            BLOCKED,
            "InsufficientBalance",
        ),
        ("Market is closed.", BLOCKED, "SymbolNotTrading"),
        ("This action is disabled on this account.", STOP, "AccountRestricted"),
        ("This account may not place or cancel orders.", STOP, "AccountRestricted"),
        ("This symbol is not permitted for this account.", STOP, "AccountRestricted"),
        ("This symbol is restricted for this account.", STOP, "AccountRestricted"),
        ("WebSocket API trading is not enabled.", STOP, "AccountRestricted"),
    ],
)
def test_what_the_engine_refuses_is_told_apart_by_its_message(
    code: int, message: str, error: ErrorClass, reason: str
) -> None:
    said = meaning(code, message)

    assert (said.orders, said.reason) == (error, reason)


@pytest.mark.parametrize(
    ("code", "message", "error"),
    [
        (-2010, "Duplicate order sent.", UNDECIDED),
        (-1010, "Duplicate order sent.", UNDECIDED),
        (-2011, "Duplicate order sent.", FINAL),
        (-1013, "Duplicate order sent.", FINAL),
        (-2010, "Price * QTY is zero or less.", FINAL),
        (-2010, "Order would immediately match and take.", FINAL),
        (-2010, "Unsupported order combination", FINAL),
        (-2010, "Pegged orders are not supported for this symbol.", FINAL),
        (-1013, "This symbol does not allow the specified self-trade prevention mode.", FINAL),
        (-2011, "Order was not canceled due to cancel restrictions.", FINAL),
        (-2038, "Order amend (quantity increase) is not supported.", FINAL),
    ],
)
def test_some_messages_belong_to_some_codes(code: int, message: str, error: ErrorClass) -> None:
    """A duplicate is an order: no id is used twice, so it may be the one that was sent."""
    assert meaning(code, message).orders is error


@pytest.mark.parametrize(
    ("code", "message", "denies"),
    [
        (-2011, "Unknown order sent.", True),
        (-2011, "Order was not canceled due to cancel restrictions.", False),
        (-2010, "Unknown order sent.", False),
    ],
)
def test_an_order_is_not_open_where_its_cancel_is_told_so(
    code: int, message: str, *, denies: bool
) -> None:
    assert meaning(code, message).denies_order is denies


@pytest.mark.parametrize(
    ("code", "reason", "passes", "refresh"),
    [
        (-1003, Reason.RATE_LIMITED, True, False),
        (-1015, Reason.RATE_LIMITED, True, False),
        (-1021, Reason.LATE, True, False),
        (-1013, Reason.FILTER_FAILURE, False, True),
        (-1121, Reason.UNKNOWN_SYMBOL, False, False),
        (-2015, Reason.BAD_CREDENTIALS, False, False),
        (-2010, Reason.ORDER_REFUSED, False, False),
    ],
)
def test_a_refusal_has_a_reason_that_says_what_to_do(
    code: int, reason: Reason, *, passes: bool, refresh: bool
) -> None:
    said = meaning(code, "words")

    assert (said.reason, said.passes, said.needs_refresh) == (reason, passes, refresh)


def test_a_closed_market_has_the_symbol_read_again() -> None:
    assert meaning(-2010, "Market is closed.").needs_refresh
