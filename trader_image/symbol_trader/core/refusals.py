"""What a refusal means: Binance's code and message -> the reason that people are shown.

Source: Binance Spot, errors.md.
"""

from symbol_trader.core.replies import Refused

_REASONS = {
    -1003: "RateLimited",
    -1015: "RateLimited",
    -1013: "FilterFailure",
    -1021: "Late",
    -1121: "UnknownSymbol",
    -1022: "BadCredentials",
    -2014: "BadCredentials",
    -2015: "BadCredentials",
}

_ENGINE_MESSAGES = {
    "insufficient balance": "InsufficientBalance",
    "Market is closed": "SymbolNotTrading",
    "Filter failure": "FilterFailure",
}
"""-2010 says in its message why the engine refused."""

_PASSING = {"-1003", "-1015", "-1021"}
"""Too much at once, or too late."""

_DUPLICATE = "Duplicate order sent"


def refusal_reason(refusal: Refused) -> str:
    """Return the reason, in CamelCase as conditions have it."""
    for text, reason in _ENGINE_MESSAGES.items():
        if text in refusal.message:
            return reason
    return _REASONS.get(refusal.code, "OrderRefused")


def reason_on_record(refusal: Refused) -> str:
    """Return what an order's row keeps of its refusal."""
    return f"{refusal.code} {refusal.message}"


def passes(on_record: str) -> bool:
    """Tell whether a refusal says nothing against the order: the same one may be taken later."""
    return on_record.split(" ", 1)[0] in _PASSING


def needs_refresh(reason: str) -> bool:
    """Tell whether the symbol's filters and status must be read again before another attempt."""
    return reason in {"FilterFailure", "SymbolNotTrading"}


def is_doubt(code: int, message: str) -> bool:
    """Tell whether a refusal says that an order under this id is open: then it may be ours."""
    return code == -2010 and _DUPLICATE in message  # noqa: PLR2004 - Binance's code
