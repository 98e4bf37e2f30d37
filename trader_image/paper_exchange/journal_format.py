"""The journal's text: a header line and batches, each a line of JSON that ends with its CRC-32."""

import json
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FORMAT = "paper-exchange"
VERSION = 2
FIRST_VERSION = 1
"""It knew no history: the file began with the exchange's first batch."""


class JournalError(Exception):
    """The journal cannot be used; the message names the file, and the line where there is one."""


@dataclass(frozen=True, slots=True)
class Header:
    """Who this exchange is.  A new journal is another exchange."""

    instance: str
    created: int


@dataclass(frozen=True, slots=True)
class Compacted:
    """What a journal leaves to its history file: the first `size` bytes of it.

    They hold `entries` entries, which stand for the exchange's first `batches` batches.
    """

    size: int = 0
    entries: int = 0
    batches: int = 0


def header_line(header: Header, compacted: Compacted) -> bytes:
    """Return the first line of a journal."""
    return line(
        {
            "journal": FORMAT,
            "version": VERSION,
            "instance": header.instance,
            "created": header.created,
            "history": {
                "size": compacted.size,
                "entries": compacted.entries,
                "batches": compacted.batches,
            },
        }
    )


def parse_header(path: Path, text: bytes | None) -> tuple[Header, Compacted]:
    """Read the first line of a journal; raise `JournalError` if it is not one."""
    try:
        values = checked(text or b"")
        if values["journal"] != FORMAT or values["version"] not in (FIRST_VERSION, VERSION):
            raise ValueError(f"version {values['version']!r}")  # noqa: TRY301 - it is caught where all such are
        left = values["history"] if values["version"] == VERSION else {}
        return Header(str(values["instance"]), int(values["created"])), Compacted(**left)
    except (KeyError, TypeError, ValueError) as exc:
        raise JournalError(
            f"{path}:1: not a journal of this exchange (version {VERSION}): {exc}"
        ) from exc


def line(values: dict[str, Any]) -> bytes:
    """Return values as one line with its checksum."""
    body = json.dumps(values, separators=(",", ":"))[:-1].encode()
    return b'%s,"crc":"%08x"}\n' % (body, zlib.crc32(body))


_CRC_LENGTH = len(b',"crc":"00000000"}\n')


def checked(text: bytes) -> dict[str, Any]:
    """Return the values of a line; raise `ValueError` if it is damaged."""
    body = text[:-_CRC_LENGTH]
    if text != b'%s,"crc":"%08x"}\n' % (body, zlib.crc32(body)):
        raise ValueError("checksum does not match")
    values: dict[str, Any] = json.loads(text)
    return values


def whole_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file up to one that is still being written; raise `JournalError`."""
    try:
        with path.open("rb") as file:
            for text in file:
                if not text.endswith(b"\n"):
                    return  # it is being written; what comes next would be its other half
                yield text
    except OSError as exc:
        raise JournalError(f"{path}: cannot be read: {exc.strerror}") from exc


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the system's refusals into `JournalError` with the file's name."""
    try:
        yield
    except OSError as exc:
        raise JournalError(f"{path}: cannot be written: {exc.strerror}") from exc


def write_whole(path: Path, descriptor: int, data: bytes) -> None:
    """Write with one system call; raise `JournalError` if it is not all written."""
    with writing(path):
        written = os.write(descriptor, data)
    if written != len(data):
        raise JournalError(f"{path}: only {written} of {len(data)} bytes were written")
