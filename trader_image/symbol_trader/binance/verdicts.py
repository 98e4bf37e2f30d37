"""What an answer means: carried out, definitely not, or nobody knows.

What each error code means is in the core's table (`core.error_codes`). Here is what the status adds
to it: one of 500 and above always means "unknown", whatever code comes with it (errors.md;
web-socket-api.md, "Status codes").
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from symbol_trader.binance.envelope import OK, Answer, NoReply, Reply
from symbol_trader.binance.errors import BAN_MAX_S, BAN_S
from symbol_trader.binance.fields import PayloadError
from symbol_trader.core.error_codes import (
    TOO_MANY_CONNECTIONS,
    TOO_MANY_ORDERS,
    TOO_MUCH_WEIGHT,
    UNKNOWN,
    ErrorClass,
    meaning,
)
from symbol_trader.core.reasons import Reason
from symbol_trader.core.replies import Accepted, Outcome, Refused, Unknown

_IP_BANNED = 418
_LIMITED = {429, _IP_BANNED}
_CLIENT_ERRORS = range(400, 500)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer means for an order or a cancel, for a read, and why, for people.

    `late`: the timestamp was outside its window, so the clock is to be measured again. `limited`:
    too much was asked. `known` is false for an error code that no table has.
    """

    orders: ErrorClass | None
    """None where it was carried out."""
    reads: ErrorClass | None
    reason: str
    late: bool = False
    limited: bool = False
    known: bool = True


def judge(answer: Answer) -> Verdict:
    """Return what an answer means."""
    if isinstance(answer, NoReply):
        return _unanswered(answer.why)
    if answer.status == OK:
        return Verdict(None, None, "carried out")
    if answer.status not in _CLIENT_ERRORS:
        return _unanswered(f"status {answer.status}: execution status unknown")
    said = meaning(answer.code, answer.message)
    known = said is not UNKNOWN
    return Verdict(
        said.orders,
        said.reads,
        said.text,
        late=said.reason is Reason.LATE,
        limited=said.limited or (not known and answer.status in _LIMITED),
        known=known,
    )


def _unanswered(why: str) -> Verdict:
    return Verdict(ErrorClass.UNDECIDED, ErrorClass.RETRY, why)


def outcome(answer: Answer, accepted: Callable[[Any], Accepted]) -> Outcome:
    """Return what became of an order or a cancel; `accepted` reads the result.

    A result that cannot be read leaves it unknown what was done.
    """
    verdict = judge(answer)
    if verdict.orders is ErrorClass.UNDECIDED or isinstance(answer, NoReply):
        return Unknown(explain(answer, verdict))
    if verdict.orders is not None:
        return Refused(answer.code, answer.message)
    try:
        return accepted(answer.result)
    except PayloadError as exc:
        return Unknown(str(exc))


def explain(answer: Answer, verdict: Verdict) -> str:
    """Return what was answered and what it means."""
    if isinstance(answer, NoReply):
        return verdict.reason
    return f"{answer.code} {answer.message} ({verdict.reason})"


def hold_s(answer: Reply, now_ms: int | None) -> float | None:
    """Return for how long nothing may be asked, if the answer says so; `now_ms` is exchange time.

    Going on costs a ban of the address, for minutes at first and for days in the end. -1015 counts
    orders, not requests, and does not hold up anything else.
    """
    if answer.retry_after_ms is None or now_ms is None:
        banned = answer.status == _IP_BANNED or answer.code == TOO_MANY_CONNECTIONS
        return BAN_S if banned else None
    limits = {TOO_MUCH_WEIGHT, TOO_MANY_CONNECTIONS}
    banned = answer.status == _IP_BANNED or answer.code in limits
    return min((answer.retry_after_ms - now_ms) / 1000, BAN_MAX_S) if banned else None


def hold_orders_s(answer: Reply, now_ms: int | None) -> float | None:
    """Return for how long the exchange takes no orders of the account, if the answer says so."""
    if answer.code != TOO_MANY_ORDERS or answer.retry_after_ms is None or now_ms is None:
        return None
    return min((answer.retry_after_ms - now_ms) / 1000, BAN_MAX_S)
