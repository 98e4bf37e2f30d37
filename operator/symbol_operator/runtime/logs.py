"""The log: which object a line concerns stands in fields of its own, whoever wrote the line.

A look runs within `concerning`, so its lines and those of libraries that it calls name its symbol.
`name` cannot be handed to the standard library as an extra field: there it is the logger's.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, NamedTuple

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

LINE: Final = "[%(asctime)s] %(name)-20.20s [%(levelname)-8.8s] %(message)s"
JSON: Final = "json"
KOPF_ATTRIBUTES: Final = ("k8s_ref", "k8s_skip", "settings")
"""What kopf (read at 1.45.2) attaches to a line about an object; the first is the object."""
SEVERITIES: Final = (
    (logging.DEBUG, "debug"),
    (logging.INFO, "info"),
    (logging.WARNING, "warn"),
    (logging.ERROR, "error"),
)
"""Up to which level a line is how severe, in the words of JSON logs; beyond, it is `fatal`."""


class Subject(NamedTuple):
    """What a line concerns."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


_SUBJECT: ContextVar[Subject | None] = ContextVar("subject", default=None)


@contextmanager
def concerning(namespace: str, name: str) -> Iterator[None]:
    """Have each line that is logged meanwhile, by this task, name this object."""
    token = _SUBJECT.set(Subject(namespace, name))
    try:
        yield
    finally:
        _SUBJECT.reset(token)


def take_over(log_format: str, *, verbose: bool) -> None:
    """Set up all logging of the process, to standard error; `json` is for machines."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Json() if log_format == JSON else _Text(LINE))
    logging.basicConfig(
        handlers=[handler], level=logging.DEBUG if verbose else logging.INFO, force=True
    )
    # asyncio logs what kopf leaves behind when it ends.
    logging.getLogger("asyncio").propagate = False
    logging.getLogger("asyncio").handlers[:] = [logging.NullHandler()]
    if not verbose:
        # That a handler has put a name into a queue tells nobody anything.
        logging.getLogger("kopf.objects").setLevel(logging.WARNING)
        # Each attempt of each watch; what is not served, and why, is told once.
        logging.getLogger("kopf._cogs.clients").setLevel(logging.CRITICAL)


def _subject(record: logging.LogRecord) -> Subject | None:
    """Return what a line concerns, as the line itself says, or else the task that logs it."""
    of_kopf = getattr(record, KOPF_ATTRIBUTES[0], None)
    if isinstance(of_kopf, dict):
        return Subject(str(of_kopf.get("namespace") or ""), str(of_kopf.get("name") or ""))
    return _SUBJECT.get()


class _Text(logging.Formatter):
    """For people: the object goes before the message."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the standard library's
        if subject := _subject(record):
            record.message = f"{subject}: {record.message}"
        return super().formatMessage(record)


class _Json(JsonFormatter):
    """For machines: an object per line, with the fields that kopf's own format has."""

    def __init__(self) -> None:
        super().__init__(timestamp=True, reserved_attrs=[*RESERVED_ATTRS, *KOPF_ATTRIBUTES])

    def add_fields(
        self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]
    ) -> None:
        super().add_fields(log_data, record, message_dict)
        log_data["severity"] = next(
            (word for level, word in SEVERITIES if record.levelno <= level), "fatal"
        )
        if subject := _subject(record):
            log_data |= subject._asdict()
