"""JSON as the protocol needs it: numbers keep their text, times know that they are times."""

import json
from typing import Any


class NumberText(str):
    """A JSON number as it was written, told apart from a JSON string.

    A signature covers the text that was sent, byte for byte.
    """

    __slots__ = ()


class Millis(int):
    """A time in milliseconds; a connection may ask for microseconds instead."""

    __slots__ = ()


def loads(text: str) -> Any:
    """Parse JSON, numbers as `NumberText`; raise `ValueError`."""
    return json.loads(text, parse_float=NumberText, parse_int=NumberText, parse_constant=NumberText)


def dumps(value: object, *, micros: bool = False) -> str:
    """Write compact JSON, with times in microseconds if asked."""
    shown = in_micros(value) if micros else value
    return json.dumps(shown, separators=(",", ":"), ensure_ascii=False)


def in_micros(value: object) -> object:
    """Return the value with every time in microseconds."""
    if isinstance(value, Millis):
        return value * 1000
    if isinstance(value, dict):
        return {key: in_micros(item) for key, item in value.items()}
    return [in_micros(item) for item in value] if isinstance(value, list) else value


def echo(value: object) -> int | str | None:
    """Return a request's id with the type it was sent with."""
    if isinstance(value, NumberText):
        return int(value) if value.lstrip("-").isdigit() else str(value)
    return value if isinstance(value, str) else None


def signed_text(value: object) -> str:
    """Return a parameter's value as it stands in a signature payload."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str) else dumps(value)
