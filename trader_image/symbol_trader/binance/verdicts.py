"""What an answer means: carried out, definitely not, or nobody knows. One table, with reasons.

The one dangerous mistake is to take an order that may exist for one that does not. So a code means
"not carried out" only where the documentation or the order of its checks says so; a status of
500 and above always means "unknown", whatever code comes with it (errors.md; web-socket-api.md,
"Status codes").
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from symbol_trader.binance.envelope import OK, Answer, NoReply, Reply
from symbol_trader.binance.errors import BAN_S
from symbol_trader.binance.fields import PayloadError
from symbol_trader.core.replies import Accepted, Outcome, Refused, Unknown

TOO_MUCH_WEIGHT = -1003
TOO_MANY_CONNECTIONS = -1034
NO_SUCH_ORDER = -2013
ORDER_ARCHIVED = -2026
"""It ended long ago without a fill, and is not kept."""
UNKNOWN_SYMBOL = -1121
ALREADY_SUBSCRIBED = -2035

_REJECTED_BY_ENGINE = -2010
_DUPLICATE = "Duplicate order sent."
_IP_BANNED = 418
_TOO_MANY_REQUESTS = 429
_CLIENT_ERRORS = range(400, 500)


class Kind(Enum):
    """What an answer means, and with it what a request that only reads does next."""

    DONE = auto()
    """Carried out."""
    REFUSED = auto()
    """Not carried out; the same request would be refused again."""
    LATE = auto()
    """Not carried out: the timestamp is outside the window. The clock is to be measured again."""
    LIMITED = auto()
    """Not carried out: too many requests. Wait before asking again."""
    BUSY = auto()
    """It may have been carried out: nothing documented says that it was not. Wait as well."""
    CREDENTIALS = auto()
    """Not carried out: the key or the signature is refused."""
    UNDECIDED = auto()
    """It may have been carried out."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer means, and why, for people."""

    kind: Kind
    reason: str


_UNKNOWN = (Kind.UNDECIDED, Kind.BUSY)

BY_CODE = {
    -1000: Verdict(Kind.UNDECIDED, "an unknown error inside the exchange"),
    -1001: Verdict(Kind.UNDECIDED, "the exchange lost touch with itself"),
    -1006: Verdict(Kind.UNDECIDED, "execution status unknown"),
    -1007: Verdict(Kind.UNDECIDED, "execution status unknown"),
    -1002: Verdict(Kind.CREDENTIALS, "the key may not do this"),
    -1022: Verdict(
        Kind.CREDENTIALS, "the signature does not match: is the API secret the one of this key?"
    ),
    -2014: Verdict(Kind.CREDENTIALS, "the API key has a wrong format: was it copied completely?"),
    -2015: Verdict(
        Kind.CREDENTIALS,
        "the API key is refused: does it belong to this environment (paper, testnet, live), "
        "may it trade spot, and is this address among those it allows?",
    ),
    TOO_MUCH_WEIGHT: Verdict(Kind.LIMITED, "over the request limit"),
    -1008: Verdict(Kind.BUSY, "the exchange is overloaded"),
    -1015: Verdict(Kind.LIMITED, "over the order limit"),
    TOO_MANY_CONNECTIONS: Verdict(Kind.LIMITED, "too many connections"),
    -1021: Verdict(Kind.LATE, "the request was outside its time window"),
}
"""Codes that mean something other than a plain refusal."""


def judge(answer: Answer) -> Verdict:
    """Return what an answer means."""
    if isinstance(answer, NoReply):
        return Verdict(Kind.UNDECIDED, answer.why)
    if answer.status == OK:
        return Verdict(Kind.DONE, "carried out")
    if answer.status not in _CLIENT_ERRORS:
        return Verdict(Kind.UNDECIDED, f"status {answer.status}: execution status unknown")
    if (answer.code, answer.message) == (_REJECTED_BY_ENGINE, _DUPLICATE):
        # No id of ours is used twice, so an open order that has it *is* the one that was sent.
        return Verdict(Kind.UNDECIDED, "an order with this id is on the order book already")
    verdict = BY_CODE.get(answer.code, Verdict(Kind.REFUSED, "refused"))
    if verdict.kind is Kind.REFUSED and answer.status in (_TOO_MANY_REQUESTS, _IP_BANNED):
        return Verdict(Kind.LIMITED, "over the request limit")
    return verdict


def outcome(answer: Answer, accepted: Callable[[Any], Accepted]) -> Outcome:
    """Return what became of an order or a cancel; `accepted` reads the result.

    A result that cannot be read leaves it unknown what was done.
    """
    verdict = judge(answer)
    if verdict.kind in _UNKNOWN or isinstance(answer, NoReply):
        return Unknown(explain(answer, verdict))
    if verdict.kind is not Kind.DONE:
        return Refused(answer.code, answer.message)
    try:
        return accepted(answer.result)
    except PayloadError as exc:
        return Unknown(str(exc))


def explain(answer: Answer, verdict: Verdict) -> str:
    """Return what was answered and what it means, as text."""
    if isinstance(answer, NoReply):
        return verdict.reason
    return f"{answer.code} {answer.message} ({verdict.reason})"


def hold_s(answer: Reply, now_ms: int | None) -> float | None:
    """Return for how long nothing may be asked, if the answer says so; `now_ms` is exchange time.

    Going on costs a ban of the address, for minutes at first and for days in the end. -1015 counts
    orders, not requests, and does not hold up anything else.
    """
    if answer.retry_after_ms is None or now_ms is None:
        return BAN_S if answer.code == TOO_MANY_CONNECTIONS else None
    limits = {TOO_MUCH_WEIGHT, TOO_MANY_CONNECTIONS}
    banned = answer.status == _IP_BANNED or answer.code in limits
    return (answer.retry_after_ms - now_ms) / 1000 if banned else None
