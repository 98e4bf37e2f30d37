"""Typed reading of request parameters: clients send strings, numbers, or JSON in strings."""

import json
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, TypeVar

from paper_exchange.core import errors
from paper_exchange.core.errors import ExchangeError
from paper_exchange.core.money import ASSET_DECIMALS, ZERO, decimals
from paper_exchange.core.symbols import may_be_name
from paper_exchange.protocol.text import NumberText

CLIENT_ID = r"^[a-zA-Z0-9-_]{1,36}$"
_DECIMAL = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
_INTEGER = r"^[0-9]{1,20}$"
_SYMBOL = r"^[\w\-._&&[^a-z]]{1,50}$"
_LARGEST = Decimal(10) ** 18

E = TypeVar("E", bound=StrEnum)


class Params:
    """The parameters of one request."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values

    def has(self, name: str) -> bool:
        """Return whether a parameter was sent and is neither null nor empty."""
        return self.values.get(name) not in {None, ""} if _hashable(self, name) else True

    def text(self, name: str) -> str:
        """Return a mandatory text; raise -1102."""
        value = self.values.get(name)
        if not isinstance(value, str) or not value:
            raise errors.missing(name)
        return str(value)

    def symbol(self) -> str:
        """Return the mandatory symbol; raise -1100 for what no symbol can be."""
        value = self.text("symbol")
        if not may_be_name(value):
            raise errors.illegal("symbol", _SYMBOL)
        return value

    def client_id(self, name: str) -> str | None:
        """Return an optional client order id; raise -1100."""
        if not self.has(name):
            return None
        value = self.text(name)
        if not re.fullmatch(r"[a-zA-Z0-9\-_]{1,36}", value):
            raise errors.illegal(name, CLIENT_ID)
        return value

    def amount(self, name: str) -> Decimal:
        """Return a mandatory positive number; raise -1100, -1102, -1111 or -1013."""
        value = _decimal(name, self.values.get(name))
        if decimals(value) > ASSET_DECIMALS:
            raise errors.too_precise(name)
        if value <= ZERO:
            raise ExchangeError(-1013, f"Invalid {name}.")
        if value >= _LARGEST:
            raise errors.illegal(name, _DECIMAL)
        return value

    def integer(self, name: str) -> int | None:
        """Return an optional non-negative whole number; raise -1100."""
        if not self.has(name):
            return None
        value = self.values[name]
        if not isinstance(value, str) or not re.fullmatch(r"[0-9]{1,19}", value):
            raise errors.illegal(name, _INTEGER)
        return int(value)

    def choice(self, name: str, kind: type[E], refusal: ExchangeError) -> E:
        """Return a mandatory member of an enumeration; raise -1102 or the given refusal."""
        value = self.text(name)
        try:
            return kind(value)
        except ValueError as exc:
            raise refusal from exc

    def flag(self, name: str) -> bool | None:
        """Return an optional boolean, also as text; raise -1102."""
        value = self.values.get(name)
        if value is None or isinstance(value, bool):
            return value
        if str(value).lower() in {"true", "false"}:
            return str(value).lower() == "true"
        raise errors.missing(name)

    def names(self, name: str) -> list[str] | None:
        """Return an optional list of texts, also as JSON in a string; raise -1100."""
        value = self.values.get(name)
        if value is None:
            return None
        try:
            found = json.loads(value) if isinstance(value, str) else value
        except ValueError as exc:
            raise errors.illegal(name, "a list of symbols") from exc
        if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
            raise errors.illegal(name, "a list of symbols")
        return [str(item) for item in found]


def _hashable(params: Params, name: str) -> bool:
    return not isinstance(params.values.get(name), list | dict)


def _decimal(name: str, value: object) -> Decimal:
    if not isinstance(value, str) or not value:
        raise errors.missing(name)
    if not isinstance(value, NumberText) and not re.fullmatch(_DECIMAL, value):
        raise errors.illegal(name, _DECIMAL)
    try:
        number = Decimal(value)
    except InvalidOperation as exc:
        raise errors.illegal(name, _DECIMAL) from exc
    if not number.is_finite():
        raise errors.illegal(name, _DECIMAL)
    return number
