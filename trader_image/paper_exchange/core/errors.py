"""Refusals with Binance's codes and messages (spot API errors and filters documentation)."""

from typing import Any


class ConfigError(Exception):
    """The exchange was asked to start with something that cannot work; says what."""


class ExchangeError(Exception):
    """A request that is answered by an error; nothing was changed by it."""

    def __init__(
        self, code: int, message: str, *, status: int = 400, data: dict[str, Any] | None = None
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.data = data
        self.request_id: int | str | None = None
        """Whose refusal it is, where only the refusal knows."""
        self.closes = False
        """Whether the connections of whoever asked are ended."""


def bad_key() -> ExchangeError:
    """Refuse a key that is unknown, or may not do what is asked."""
    return ExchangeError(-2015, "Invalid API-key, IP, or permissions for action.")


def bad_signature() -> ExchangeError:
    """Refuse a request that its key has not signed."""
    return ExchangeError(-1022, "Signature for this request is not valid.")


def filter_failure(name: str) -> ExchangeError:
    """Refuse what a symbol's static filter forbids."""
    return ExchangeError(-1013, f"Filter failure: {name}")


def rejected(message: str) -> ExchangeError:
    """Refuse a new order inside the engine."""
    return ExchangeError(-2010, message)


def self_trade_mode() -> ExchangeError:
    """Refuse a mode of self-trade prevention that the symbol does not allow."""
    return ExchangeError(
        -1013, "This symbol does not allow the specified self-trade prevention mode."
    )


def cancel_rejected(message: str) -> ExchangeError:
    """Refuse a cancel inside the engine."""
    return ExchangeError(-2011, message)


def amend_rejected(message: str) -> ExchangeError:
    """Refuse an amendment inside the engine."""
    return ExchangeError(-2038, message)


def archived() -> ExchangeError:
    """Refuse to show an order that ended without execution long ago."""
    return ExchangeError(
        -2026,
        "Order was canceled or expired with no executed qty over 90 days ago and has been "
        "archived.",
    )


def invalid_symbol() -> ExchangeError:
    """Refuse a symbol that is not traded here."""
    return ExchangeError(-1121, "Invalid symbol.")


def missing(name: str) -> ExchangeError:
    """Refuse the absence of a mandatory parameter."""
    return ExchangeError(
        -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
    )


def illegal(name: str, pattern: str) -> ExchangeError:
    """Refuse a value that its parameter's pattern does not allow."""
    return ExchangeError(
        -1100, f"Illegal characters found in parameter '{name}'; legal range is '{pattern}'."
    )


def too_precise(name: str) -> ExchangeError:
    """Refuse a number with more decimals than any asset has."""
    return ExchangeError(-1111, f"Parameter '{name}' has too much precision.")


INSUFFICIENT_BALANCE = "Account has insufficient balance for requested action."
DUPLICATE_ORDER = "Duplicate order sent."
WOULD_TAKE = "Order would immediately match and take."
MARKET_CLOSED = "Market is closed."
UNKNOWN_ORDER = "Unknown order sent."
QUANTITY_INCREASE = "Order amend (quantity increase) is not supported."
NO_CHANGE = "The requested action would change no state; rejecting"
NOTHING_LEFT = "Price * QTY is zero or less."
