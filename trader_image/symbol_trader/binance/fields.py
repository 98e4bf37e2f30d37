"""Reading foreign JSON: a value of the right kind, or an error that names the field.

Numbers with a fraction are parsed as `Decimal`; no float exists in this package. Fields that we do
not know are no error: Binance adds some every few months.
"""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]{1,2})?")
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
    """Parse one message. Raises `PayloadError` unless it is a JSON object."""
    try:
        value = json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, ArithmeticError, RecursionError) as exc:
        raise PayloadError("message", "not JSON") from exc
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
        value = self.raw(name)
        if not isinstance(value, str):
            raise self._unexpected(name, "a string")
        return value

    def integer(self, name: str) -> int:
        """Return a whole number."""
        value = self.raw(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._unexpected(name, "a whole number")
        return value

    def flag(self, name: str) -> bool:
        """Return true or false."""
        value = self.raw(name)
        if not isinstance(value, bool):
            raise self._unexpected(name, "true or false")
        return value

    def decimal(self, name: str) -> Decimal:
        """Return an exact number; Binance writes them as strings."""
        value = self.raw(name)
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            return Decimal(value)
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            return Decimal(value)
        raise self._unexpected(name, "a decimal")

    def child(self, name: str) -> "Fields":
        """Return a nested object."""
        return Fields(self.raw(name), f"{self._path}.{name}")

    def children(self, name: str) -> Iterator["Fields"]:
        """Yield the objects of a nested array."""
        return objects(self.raw(name), f"{self._path}.{name}")

    def _unexpected(self, name: str, expected: str) -> PayloadError:
        return self.error(name, f"{expected} was expected, not {_shown(self._values[name])}")


def objects(value: object, path: str) -> Iterator[Fields]:
    """Yield the objects of an array. Raises `PayloadError` unless it is an array of objects."""
    if not isinstance(value, list):
        raise PayloadError(path, f"an array was expected, not {_shown(value)}")
    return (Fields(item, f"{path}[{index}]") for index, item in enumerate(value))


def _refuse_constant(name: str) -> object:
    """Refuse NaN and Infinity, which Python's parser would let through."""
    raise ValueError(name)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _TEXT_SHOWN_MAX else f"{text[:_TEXT_SHOWN_MAX]}…"
