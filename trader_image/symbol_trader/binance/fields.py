"""Reading foreign JSON: a value of the right kind, or an error that names the field.

Numbers with a fraction are parsed as `Decimal`; no float exists in this package. Fields that we do
not know are no error: Binance adds some every few months.
"""

import json
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

_WHITESPACE = " \t\n\r"
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]{1,2})?")
_SHORT = re.compile(r"[0-9]{1,15}(\.[0-9]{1,15})?")
"""How Binance writes nearly all numbers: what is so short needs no other look."""
DIGITS_MAX = 30
"""The longest number that is read: none that is meant has so many digits before the point, or
after it, and products of two of them are exact still."""
_INTEGER_MAX = 2**63 - 1
"""The largest whole number: ids and times are of 64 bits."""
_TIME_MAX_MS = 253_402_300_799_999
"""The last millisecond of the year 9999."""
_API_KEY = re.compile(r'("apiKey"\s*:\s*)"[^"]*"?')
_EXCERPT_READ = 1_000
"""Characters of a message that are looked at to show its beginning."""
_TEXT_SHOWN_MAX = 60
"""Characters of an offending value that an error shows."""


class PayloadError(Exception):
    """The exchange sent something that cannot be read; `field` is the path of what offends."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(field, problem)
        self.field = field
        self.problem = problem

    def __str__(self) -> str:
        return f"unreadable payload: {self.field}: {self.problem}"


def parse(text: str | bytes) -> "Fields":
    """Parse one message, of UTF-8 if it is binary. Raises `PayloadError` unless it is an object."""
    try:
        text = (text if isinstance(text, str) else text.decode()).strip(_WHITESPACE)
        value, end = _DECODER.raw_decode(text)
    except (ValueError, ArithmeticError, RecursionError) as exc:
        raise PayloadError("message", "not JSON") from exc
    if end != len(text):
        raise PayloadError("message", "not JSON")
    return Fields(value, "message")


class Fields:
    """A JSON object of a message, and the path at which it was found."""

    __slots__ = ("_path", "_values")

    def __init__(self, value: object, path: str) -> None:
        """Wrap `value`. Raises `PayloadError` unless it is an object."""
        if not isinstance(value, dict):
            raise PayloadError(path, f"an object was expected, not {_shown(value)}")
        self._values: dict[str, Any] = value
        self._path = path

    def __contains__(self, name: str) -> bool:
        return self._values.get(name) is not None

    def __str__(self) -> str:
        """Return the object as it came, cut short, for the log."""
        return _shown(self._values)

    def get(self, name: str) -> Any:
        """Return a field as it came, None where it is missing."""
        return self._values.get(name)

    @property
    def names(self) -> Iterable[str]:
        """Return the names of all fields."""
        return self._values.keys()

    def error(self, name: str, problem: str) -> PayloadError:
        """Make the error that says what is wrong with a field."""
        return PayloadError(f"{self._path}.{name}", problem)

    def raw(self, name: str) -> Any:
        """Return a field as it came. Raises `PayloadError` if it is missing."""
        if name not in self._values:
            raise self.error(name, "missing")
        return self._values[name]

    def text(self, name: str) -> str:
        """Return a string."""
        value = self._values.get(name)
        if isinstance(value, str) and _is_text(value):
            return value
        raise self._unexpected(name, "a string")

    def integer(self, name: str) -> int:
        """Return a whole number of 64 bits."""
        value = self._values.get(name)
        if type(value) is int and -_INTEGER_MAX <= value <= _INTEGER_MAX:
            return value
        raise self._unexpected(name, "a whole number")

    def time_ms(self, name: str) -> int:
        """Return a time in milliseconds since 1970."""
        value = self.integer(name)
        if 0 <= value <= _TIME_MAX_MS:
            return value
        raise self._unexpected(name, "a time in milliseconds")

    def flag(self, name: str) -> bool:
        """Return true or false."""
        value = self._values.get(name)
        if isinstance(value, bool):
            return value
        raise self._unexpected(name, "true or false")

    def decimal(self, name: str) -> Decimal:
        """Return an exact number; Binance writes them as strings."""
        value = self._values.get(name)
        if isinstance(value, str):
            if _SHORT.fullmatch(value):
                return Decimal(value)
            if _NUMBER.fullmatch(value):
                value = Decimal(value)
        if not isinstance(value, int | Decimal) or isinstance(value, bool):
            raise self._unexpected(name, "a decimal")
        number = Decimal(value)
        if not _is_short(number):
            raise self._unexpected(name, f"a decimal of at most {DIGITS_MAX} digits")
        return number

    def amount(self, name: str) -> Decimal:
        """Return an exact number that is not negative: a price, a quantity, a limit."""
        value = self._values.get(name)
        if isinstance(value, str) and _SHORT.fullmatch(value):
            return Decimal(value)
        number = self.decimal(name)
        if number < 0:
            raise self._unexpected(name, "a number that is not negative")
        return number

    def child(self, name: str) -> "Fields":
        """Return a nested object."""
        return Fields(self.raw(name), f"{self._path}.{name}")

    def children(self, name: str) -> Iterator["Fields"]:
        """Yield the objects of a nested array."""
        return objects(self.raw(name), f"{self._path}.{name}")

    def _unexpected(self, name: str, expected: str) -> PayloadError:
        """Make the error for a value of another kind. Raises it for a field that is missing."""
        return self.error(name, f"{expected} was expected, not {_shown(self.raw(name))}")


def objects(value: object, path: str) -> Iterator[Fields]:
    """Yield the objects of an array. Raises `PayloadError` unless it is an array of objects."""
    if not isinstance(value, list):
        raise PayloadError(path, f"an array was expected, not {_shown(value)}")
    return (Fields(item, f"{path}[{index}]") for index, item in enumerate(value))


def excerpt(text: str | bytes) -> str:
    """Return the beginning of a message, for the log, without the key that a logon answers."""
    return _cut(_API_KEY.sub(r"\1…", repr(text[:_EXCERPT_READ])))


def _is_text(value: str) -> bool:
    """Return whether a string can be logged and recorded: JSON has NUL, and halves of letters."""
    if value.isascii():
        return "\0" not in value
    return not any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in value)


def _is_short(number: Decimal) -> bool:
    """Return whether a number has few enough digits before the point, and after it."""
    exponent = number.as_tuple().exponent
    before, after = number.adjusted() + 1, -int(exponent)
    return max(before, after, len(number.as_tuple().digits)) <= DIGITS_MAX


def _refuse_constant(name: str) -> object:
    """Refuse NaN and Infinity, which Python's parser would let through."""
    raise ValueError(name)


_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse_constant)


def _shown(value: object) -> str:
    return _cut(repr(value))


def _cut(text: str) -> str:
    return text if len(text) <= _TEXT_SHOWN_MAX else f"{text[:_TEXT_SHOWN_MAX]}…"
