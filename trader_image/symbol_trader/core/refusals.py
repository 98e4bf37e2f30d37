"""What a refusal means: Binance's code and message -> the reason that people are shown.

Source: Binance Spot, errors.md.
"""

from symbol_trader.core.reasons import Reason
from symbol_trader.core.replies import Refused

_REASONS = {
    -1003: Reason.RATE_LIMITED,
    -1015: Reason.RATE_LIMITED,
    -1013: Reason.FILTER_FAILURE,
    -1021: Reason.LATE,
    -1121: Reason.UNKNOWN_SYMBOL,
    -1022: Reason.BAD_CREDENTIALS,
    -2014: Reason.BAD_CREDENTIALS,
    -2015: Reason.BAD_CREDENTIALS,
}

_ENGINE_MESSAGES = {
    "insufficient balance": Reason.INSUFFICIENT_BALANCE,
    "Market is closed": Reason.SYMBOL_NOT_TRADING,
    "Filter failure": Reason.FILTER_FAILURE,
}
"""-2010 says in its message why the engine refused."""

_PASSING = {"-1003", "-1015", "-1021"}
"""Too much at once, or too late."""

_DUPLICATE = "Duplicate order sent"
_UNKNOWN = "Unknown order sent"


def refusal_reason(refusal: Refused) -> Reason:
    """Return the reason that people are shown."""
    for text, reason in _ENGINE_MESSAGES.items():
        if text in refusal.message:
            return reason
    return _REASONS.get(refusal.code, Reason.ORDER_REFUSED)


def reason_on_record(refusal: Refused) -> str:
    """Return what an order's row keeps of its refusal."""
    return f"{refusal.code} {refusal.message}"


def passes(on_record: str) -> bool:
    """Return whether a refusal says nothing against the order: the same one may be taken later."""
    return on_record.split(" ", 1)[0] in _PASSING


def needs_refresh(reason: Reason) -> bool:
    """Return whether the symbol's filters and status must be read again before another attempt."""
    return reason in {Reason.FILTER_FAILURE, Reason.SYMBOL_NOT_TRADING}


def is_doubt(code: int, message: str) -> bool:
    """Return whether a refusal says that an order under this id is open: then it may be ours."""
    return code == -2010 and _DUPLICATE in message  # noqa: PLR2004 - Binance's code


def is_denial(message: str) -> bool:
    """Return whether a cancel was refused since no such order is open."""
    return _UNKNOWN in message
