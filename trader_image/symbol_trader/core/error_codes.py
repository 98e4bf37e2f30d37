"""Every error code of Binance Spot: what it says of an order or a cancel, and of a read.

This is the only table of codes. The one dangerous mistake is to take an order that may exist for
one that does not. So a code means "not carried out" only where the documentation, or the order in
which the exchange checks, says so. A code that is not here leaves an order undecided.

Where one code has several meanings, its rows are told apart by a part of the message, and the last
row has none. Source: Binance Spot, errors.md of July 2026 and its corrections; what only the FIX
and SBE interfaces answer is here as well, for the documentation does not separate them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final

from symbol_trader.core.reasons import Reason

TOO_MUCH_WEIGHT: Final = -1003
TOO_MANY_ORDERS: Final = -1015
TOO_MANY_CONNECTIONS: Final = -1034
UNKNOWN_SYMBOL: Final = -1121
REJECTED_BY_ENGINE: Final = -2010
NO_SUCH_ORDER: Final = -2013
ORDER_ARCHIVED: Final = -2026
"""It ended long ago without a fill, and is not kept."""
ALREADY_SUBSCRIBED: Final = -2035
NO_REFERENCE_PRICE: Final = -2043


class ErrorClass(Enum):
    """What follows from an error."""

    FINAL = auto()
    """Not carried out. The same request would be refused again: it has to be another one."""
    BLOCKED = auto()
    """Not carried out. The same request may be taken once something has changed."""
    UNDECIDED = auto()
    """It may have been carried out: the exchange has to be asked. Orders and cancels alone."""
    RETRY = auto()
    """Nothing was read; the same question may be asked again at once. Reads alone."""
    STOP = auto()
    """Not carried out, nor will anything else be: stop trading until a person has acted."""
    WAIT = auto()
    """Not carried out. Ask again later, not at once."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an error says: `orders` for orders and cancels, `reads` for what only reads."""

    orders: ErrorClass
    reads: ErrorClass
    text: str
    """What it means and what helps, for people."""
    reason: Reason = Reason.ORDER_REFUSED
    """Why an order was refused, as conditions say it."""
    says: str = ""
    """The part of the message by which this row is told from the others of its code."""
    denies_order: bool = False
    """The order that was to be canceled is not open: it is over, or never was."""

    @property
    def passes(self) -> bool:
        """Return whether it says nothing against the order: the same one may be taken later."""
        return self.reason in {Reason.RATE_LIMITED, Reason.LATE}

    @property
    def limited(self) -> bool:
        """Return whether too much was asked: to go on asking leads to a ban of the address."""
        return self.reason is Reason.RATE_LIMITED

    @property
    def needs_refresh(self) -> bool:
        """Return whether the symbol's filters and status must be read again."""
        return self.reason in {Reason.FILTER_FAILURE, Reason.SYMBOL_NOT_TRADING}


UNKNOWN: Final = Meaning(
    ErrorClass.UNDECIDED, ErrorClass.WAIT, "this program does not know the code"
)
"""What a code means that is not in the table."""


def _both(error: ErrorClass, text: str, reason: Reason = Reason.ORDER_REFUSED) -> Meaning:
    return Meaning(error, error, text, reason)


def _final(text: str) -> Meaning:
    return _both(ErrorClass.FINAL, text)


def _undecided(text: str) -> Meaning:
    return Meaning(ErrorClass.UNDECIDED, ErrorClass.RETRY, text)


def _limited(text: str) -> Meaning:
    return _both(ErrorClass.WAIT, text, Reason.RATE_LIMITED)


def _refused_key(text: str) -> Meaning:
    return _both(ErrorClass.STOP, text, Reason.BAD_CREDENTIALS)


def _order(
    says: str,
    text: str,
    reason: Reason,
    error: ErrorClass = ErrorClass.BLOCKED,
    *,
    denies_order: bool = False,
) -> Meaning:
    return Meaning(error, ErrorClass.FINAL, text, reason, says, denies_order)


def _restricted(says: str) -> Meaning:
    text = "the account may not do this: ask the exchange's support"
    return _order(says, text, Reason.ACCOUNT_RESTRICTED, ErrorClass.STOP)


_MESSAGES: Final = (
    _order("Filter failure", "a filter of the symbol is not met", Reason.FILTER_FAILURE),
    _order("insufficient balance", "the account has too little", Reason.INSUFFICIENT_BALANCE),
    _order("Market is closed", "the symbol is not trading", Reason.SYMBOL_NOT_TRADING),
    _restricted("This action is disabled on this account"),
    _restricted("This account may not place or cancel orders"),
    _restricted("This symbol is not permitted for this account"),
    _restricted("This symbol is restricted for this account"),
    _restricted("API trading is not enabled"),
)
"""What the messages of the matching engine, and of the checks before it, say."""

# No id of ours is used twice, so an open order that has it *is* the one that was sent.
_DUPLICATE: Final = _order(
    "Duplicate order sent",
    "an order with this id is on the order book already",
    Reason.ORDER_REFUSED,
    ErrorClass.UNDECIDED,
)
_NOT_OPEN: Final = _order(
    "Unknown order sent",
    "no such order is open",
    Reason.ORDER_REFUSED,
    ErrorClass.FINAL,
    denies_order=True,
)
_NOT_SENT_BY_US: Final = _final("it is about requests that this program does not send")


def _for_all(codes: Iterable[int], meaning: Meaning) -> dict[int, tuple[Meaning, ...]]:
    return dict.fromkeys(codes, (meaning,))


CODES: Final[Mapping[int, tuple[Meaning, ...]]] = {
    # The exchange itself: an order may have gone through.
    -1000: (_undecided("an unknown error inside the exchange"),),
    -1001: (_undecided("the exchange lost touch with itself"),),
    -1006: (_undecided("execution status unknown"),),
    -1007: (_undecided("execution status unknown"),),
    # Nothing documented says that an order was not carried out.
    -1008: (Meaning(ErrorClass.UNDECIDED, ErrorClass.WAIT, "the exchange is overloaded"),),
    # Keys.
    -1002: (_refused_key("the key may not do this"),),
    -1022: (_refused_key("the signature does not match: is the API secret the one of this key?"),),
    -2014: (_refused_key("the API key has a wrong format: was it copied completely?"),),
    -2015: (
        _refused_key(
            "the API key is refused: does it belong to this environment (paper, demo, testnet, "
            "live), may it trade spot, and is this address among those it allows?"
        ),
    ),
    # Limits. -1015 counts orders alone, -1181 messages of the FIX interface.
    TOO_MUCH_WEIGHT: (_limited("over the request limit"),),
    TOO_MANY_ORDERS: (_limited("over the order limit"),),
    TOO_MANY_CONNECTIONS: (_limited("too many connections"),),
    -1181: (_limited("too many messages"),),
    # Time. An order or a cancel is never sent again, so its attempt is over.
    -1021: (
        Meaning(
            ErrorClass.BLOCKED,
            ErrorClass.RETRY,
            "the request was outside its time window",
            Reason.LATE,
        ),
    ),
    # The order or the cancel, judged by its message.
    -1010: (*_MESSAGES, _DUPLICATE, _NOT_OPEN, _final("refused by the exchange's engine")),
    -1013: (*_MESSAGES, replace(_final("invalid order"), reason=Reason.FILTER_FAILURE)),
    REJECTED_BY_ENGINE: (*_MESSAGES, _DUPLICATE, _final("refused by the exchange's engine")),
    -2011: (*_MESSAGES, _NOT_OPEN, _final("the cancel was refused")),
    -2038: (*_MESSAGES, _NOT_OPEN, _final("the amendment was refused")),
    -2021: (
        Meaning(ErrorClass.UNDECIDED, ErrorClass.FINAL, "one of cancel and order was carried out"),
    ),
    -2022: (_final("neither cancel nor order was carried out"),),
    # What was asked for.
    UNKNOWN_SYMBOL: (_both(ErrorClass.FINAL, "the symbol is unknown", Reason.UNKNOWN_SYMBOL),),
    -1220: (_final("the symbol has another status than was asked for"),),
    NO_SUCH_ORDER: (_final("the order does not exist"),),
    ORDER_ARCHIVED: (_final("the order ended long ago without a fill"),),
    -2039: (_final("order id and client order id are of different orders"),),
    NO_REFERENCE_PRICE: (_final("the symbol has no reference price"),),
    -2016: (_final("there is no trading window of the symbol"),),
    -1112: (_final("nobody offers anything"),),
    -1016: (_final("the service is no longer available"),),
    # The user data stream.
    ALREADY_SUBSCRIBED: (_final("already subscribed on this connection"),),
    -2036: (_final("not subscribed on this connection"),),
    -2042: (_final("no more subscriptions on this connection"),),
    -1125: (_final("the listen key does not exist"),),
    # Mistakes in a request.
    -1014: (_final("this combination of order parameters is not supported"),),
    -1020: (_final("this operation is not supported"),),
    **_for_all(
        (-1100, -1101, -1102, -1103, -1104, -1105, -1106, -1108, -1111, -1114, -1115, -1116, -1117),
        _final("a parameter of the request is wrong"),
    ),
    **_for_all(
        (-1118, -1119, -1120, -1122, -1127, -1128, -1130, -1134, -1135, -1139, -1145, -1151),
        _final("a parameter of the request is wrong"),
    ),
    **_for_all((-1182, -1194), _final("a parameter of the request is wrong")),
    # Order lists, pegged orders, and the FIX and SBE interfaces.
    **_for_all((-1158, -1160, -1165, -1166, -1168, -1196, -1197, -1198, -1199), _NOT_SENT_BY_US),
    **_for_all((-1210, -1211, -1222, -1223, -1224, -1225), _NOT_SENT_BY_US),
    **_for_all((-1033, -1035, -1152, -1153, -1155, -1161, -1169), _NOT_SENT_BY_US),
    **_for_all((-1170, -1171, -1172, -1173, -1174, -1175, -1176), _NOT_SENT_BY_US),
    **_for_all((-1177, -1178, -1179, -1180, -1183, -1184, -1185), _NOT_SENT_BY_US),
    **_for_all((-1186, -1187, -1188, -1189, -1190, -1191, -1221), _NOT_SENT_BY_US),
}
"""Code -> its rows; the first whose text is in the message counts."""


def meaning(code: int, message: str) -> Meaning:
    """Return what an error says; `UNKNOWN` for a code that is not in the table."""
    rows = CODES.get(code, (UNKNOWN,))
    return next(row for row in rows if row.says in message)
