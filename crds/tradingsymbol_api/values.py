"""The values of a spec: how they are written, what they mean and what is refused.

A bound is one constant, which the readers here and the schema of `fields.py` both use.

Money and intervals are `Decimal` and come as text. A YAML float is refused, since it is no
longer the number that was written.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeVar

from tradingsymbol_api.names import RESOURCE_NAME_LENGTH_MAX
from tradingsymbol_api.reading import shown

CHUNKS_MAX: Final = 100
"""Most traders of one symbol; an exchange account may hold some 200 orders per symbol."""
BUDGET_MAX: Final = 10**15
"""Budgets stay below this, so that a budget with its decimals fits all exact arithmetic."""

NAME_PATTERN: Final = "[a-z0-9]([a-z0-9-]*[a-z0-9])?"
EXCHANGE_PATTERN: Final = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
BUDGET_PATTERN: Final = r"[0-9]{1,15}(\.[0-9]{1,18})?"
FRACTION_PATTERN: Final = r"(0(\.[0-9]{1,12})?|[0-9]{1,2}(\.[0-9]{1,10})?%)"
PERCENT_PATTERN: Final = r"([0-9]{1,2}(\.[0-9]{1,10})?|100)%"
DURATION_PATTERN: Final = "([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?"
TEXT_LENGTH_MAX: Final = 40
"""Longest text of a number or duration; the API server wants a bound to price its checks."""

NAME_RULE: Final = f"must be at most {RESOURCE_NAME_LENGTH_MAX} characters of a-z, 0-9 and -"
EXCHANGE_RULE: Final = "must be the name of an exchange entry of the operator: a-z, 0-9 and -"
BUDGET_RULE: Final = (
    'must be an amount of quote currency above 0 and below 10^15: 100, or "100.50" in quotes'
)
FRACTION_RULE: Final = (
    'must be from 0 to less than 100 %, as a percentage (0.1%) or a decimal in quotes ("0.001")'
)
SIGNED_FRACTION_RULE: Final = (
    "must be between -100 % and 100 %, both excluded, "
    'as a percentage (0.1%) or a decimal in quotes ("0.001")'
)
DURATION_RULE: Final = "must be a duration above 0 in hours, minutes and seconds: 12h, 90m, 1h30m"
CHUNKS_RULE: Final = f"must be a whole number from 1 to {CHUNKS_MAX}"
COUNT_MAX: Final = 100_000
"""Largest limit of a number of cycles or orders; an account cannot come near it."""
COUNT_RULE: Final = f"must be a whole number from 1 to {COUNT_MAX}"
MOMENT_RULE: Final = "must be a moment such as 2026-01-31T12:00:00Z"
SWITCH_RULE: Final = "must be true or false, without quotes"
DRAWDOWN_RULE: Final = (
    'must be an amount of quote currency above 0 and below 10^15 (200, or "200.50" in quotes), '
    "or a percentage of maxExposure above 0 and up to 100%: 10%"
)
ASSET_RULE: Final = "must be the name of an asset as the exchange writes it: USDT, not usdt"


class TradingStatus(StrEnum):
    """What a user asks of a symbol."""

    ON = "on"
    OFF = "off"
    SHUTDOWN = "shutdown"


class UnfilledBuys(StrEnum):
    """What a shutdown does with buys that have not filled."""

    WAIT = "Wait"
    CANCEL = "Cancel"


class AtDeadline(StrEnum):
    """What becomes of unfinished cycles when a shutdown reaches its deadline."""

    HOLD = "Hold"
    SELL = "Sell"


class DeletionPolicy(StrEnum):
    """What becomes of open orders when the resource is deleted."""

    STOP = "Stop"
    CANCEL_ORDERS = "CancelOrders"
    DRAIN = "Drain"


class UpdateStrategy(StrEnum):
    """When a running leader is replaced by one with the operator's present configuration."""

    WHEN_IDLE = "WhenIdle"
    MANUAL = "Manual"


class OnLimit(StrEnum):
    """What leaders do once a limit is reached or trading is halted."""

    NO_BUYS = "NoBuys"
    CANCEL_BUYS = "CancelBuys"
    SHUTDOWN = "Shutdown"


class Resume(StrEnum):
    """What ends the halt that a daily loss leads to."""

    MANUAL = "Manual"
    NEXT_DAY = "NextDay"


@dataclass(frozen=True, slots=True)
class Drawdown:
    """How far a result may fall below its highest: an amount of quote, or a part of the exposure.

    Exactly one of the two is set.
    """

    amount: Decimal | None = None
    fraction: Decimal | None = None
    """Of `maxExposure`, as a fraction of 1."""

    def of(self, exposure: Decimal | None) -> Decimal | None:
        """Return the amount; None where a part is meant, and there is no exposure to take it of."""
        if self.fraction is None:
            return self.amount
        return None if exposure is None else self.fraction * exposure


Choice = TypeVar("Choice", bound=StrEnum)


def parse_status(value: object) -> TradingStatus:
    """Read `spec.status`: a bare `on` or `off` is a boolean to YAML 1.1 readers.

    Raises:
        ValueError: `value` is none of on, off, shutdown, true and false.

    """
    if isinstance(value, bool):
        return TradingStatus.ON if value else TradingStatus.OFF
    return one_of(TradingStatus)(value)


def parse_budget(value: object) -> Decimal:
    """Read an amount of quote currency, an integer or text.

    Raises:
        ValueError: `value` is a float, not an amount, not above 0 or too large.

    """
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole and not isinstance(value, str):
        raise ValueError(BUDGET_RULE)
    text = str(value)
    if not re.fullmatch(BUDGET_PATTERN, text) or Decimal(text) == 0:
        raise ValueError(BUDGET_RULE)
    return Decimal(text)


def parse_fraction(value: object) -> Decimal:
    """Read an interval of 0 or more as a fraction of 1: `0.1%` and `"0.001"` are the same.

    Raises:
        ValueError: `value` is no such text, negative, or 100 % and more.

    """
    if not isinstance(value, str) or not re.fullmatch(FRACTION_PATTERN, value):
        raise ValueError(FRACTION_RULE)
    return _fraction(value)


def parse_signed_fraction(value: object) -> Decimal:
    """Read an interval between -100 % and 100 % as a fraction of 1.

    Raises:
        ValueError: `value` is no such text, or 100 % and more in either direction.

    """
    if not isinstance(value, str) or not re.fullmatch(f"-?{FRACTION_PATTERN}", value):
        raise ValueError(SIGNED_FRACTION_RULE)
    return _fraction(value)


def parse_duration(value: object) -> timedelta:
    """Read a duration such as `12h`, `90m` or `1h30m`.

    Raises:
        ValueError: `value` is no such text, or nothing but zeros.

    """
    match = re.fullmatch(DURATION_PATTERN, value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(DURATION_RULE)
    hours, minutes, seconds = (int(part[:-1]) if part else 0 for part in match.groups())
    duration = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    if not duration:
        raise ValueError(DURATION_RULE)
    return duration


def parse_drawdown(value: object) -> Drawdown:
    """Read an amount of quote currency, or a percentage of what may be exposed.

    Raises:
        ValueError: `value` is neither, not above 0, or more than 100 %.

    """
    if isinstance(value, str) and re.fullmatch(PERCENT_PATTERN, value):
        if fraction := _fraction(value):
            return Drawdown(fraction=fraction)
        raise ValueError(DRAWDOWN_RULE)
    try:
        return Drawdown(amount=parse_budget(value))
    except ValueError as exc:
        raise ValueError(DRAWDOWN_RULE) from exc


def parse_switch(value: object) -> bool:
    """Read true or false.

    Raises:
        ValueError: `value` is neither; a text that looks like one is not taken for it.

    """
    if not isinstance(value, bool):
        raise ValueError(SWITCH_RULE)  # noqa: TRY004 - pydantic wants a ValueError
    return value


def parse_moment(value: object) -> datetime:
    """Read a moment as RFC 3339 writes it: 2026-01-31T12:00:00Z.

    Raises:
        ValueError: `value` is none, or does not say in which zone it is.

    """
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError(MOMENT_RULE)
    return moment


def whole_number(most: int, rule: str) -> Callable[[object], int]:
    """Make a reader for a whole number from 1 to `most`."""

    def parse(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
            raise ValueError(rule)
        return value

    return parse


def one_of(choices: type[Choice]) -> Callable[[object], Choice]:
    """Make a reader for one of `choices` whose refusal lists them."""

    def parse(value: object) -> Choice:
        if value not in list(choices):
            raise ValueError(f"must be one of {', '.join(choices)}, not {shown(value)}")
        return choices(str(value))

    return parse


def matching(pattern: str, rule: str) -> Callable[[object], str]:
    """Make a reader for text that matches all of `pattern`."""

    def parse(value: object) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ValueError(rule)
        return value

    return parse


def _fraction(text: str) -> Decimal:
    return Decimal(text[:-1]).scaleb(-2) if text.endswith("%") else Decimal(text)
