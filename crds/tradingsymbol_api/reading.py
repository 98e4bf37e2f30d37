"""Reading objects that others wrote: the API server's, and what people and pods left in them.

Every reader is total: where something else stands than was asked for, or nothing, it returns
the empty value of the type. No side effects.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from reprlib import Repr
from typing import Any, Final

Document = Mapping[str, Any]
"""An object as the API server writes it."""

NUMBER_MAX: Final = 2**63 - 1
"""Largest number of Kubernetes' API; another one is nobody's."""
SHOWN_LENGTH_MAX: Final = 200
"""Longest text, and most items of a list or mapping, that is shown of a value."""
SHOWN_DEPTH_MAX: Final = 6


def mapping(document: object, *path: str) -> Document:
    """Return the object at `path`, an empty one if there is none."""
    value = _at(document, path)
    return value if isinstance(value, Mapping) else {}


def objects(document: object, *path: str) -> list[Document]:
    """Return the objects in the list at `path`; what is no object is left out."""
    return [item for item in _list_at(document, path) if isinstance(item, Mapping)]


def texts(document: object, *path: str) -> list[str]:
    """Return the texts in the list at `path`; what is no text is left out."""
    return [_encodable(item) for item in _list_at(document, path) if isinstance(item, str)]


def text(document: object, *path: str) -> str:
    """Return the text at `path`, such that it can be written as UTF-8."""
    value = _at(document, path)
    return _encodable(value) if isinstance(value, str) else ""


def number(document: object, *path: str) -> int:
    """Return the whole number at `path`, 0 if there is none of 64 bits."""
    value = _at(document, path)
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and abs(value) <= NUMBER_MAX else 0


def holds(document: object, *path: str) -> bool:
    """Return whether anything stands at `path`, if only null."""
    return path[-1] in mapping(document, *path[:-1])


def parse_time(moment: str) -> datetime | None:
    """Return a time of the API server, None if it is none."""
    try:
        return datetime.strptime(moment, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def shown(value: object) -> str:
    """Write a value as Python does, however long, deep or odd it is."""
    return _encodable(_SHORT.repr(value))


def _short() -> Repr:
    short = Repr()
    short.maxlevel = SHOWN_DEPTH_MAX
    short.maxlist = short.maxdict = short.maxtuple = SHOWN_LENGTH_MAX
    short.maxstring = short.maxlong = short.maxother = SHOWN_LENGTH_MAX
    return short


_SHORT: Final = _short()


def _at(document: object, path: tuple[str, ...]) -> Any:
    for name in path:
        if not isinstance(document, Mapping):
            return None
        document = document.get(name)
    return document


def _list_at(document: object, path: tuple[str, ...]) -> list[Any]:
    value = _at(document, path)
    return list(value) if isinstance(value, list | tuple) else []


def _encodable(value: str) -> str:
    """Replace lone surrogates, which JSON can hold and UTF-8 cannot."""
    return value if value.isascii() else value.encode(errors="replace").decode()
