"""The exchange's record: an append-only file of JSON lines, one per engine step.

The first line is the header: format version and instance id.  Every other line is a batch of
entries that happened together; a batch is whole or absent.  Each line ends with a CRC-32 of its
text, so that any damage is noticed.  A line without its newline is the trace of a killed writer:
nothing in it was ever acknowledged, and it is dropped.  Damage anywhere else is refused with the
file and line.

    {"journal":"paper-exchange","version":1,"instance":"9f…","created":1700000000000,"crc":"…"}
    {"n":1,"at":1700000000005,"entries":[{"k":"accepted",…}],"crc":"…"}

`read` gives an auditor orders and fills without the engine's API.
"""

import fcntl
import json
import os
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

from paper_exchange.core.entries import Entry, EntryError, decode, encode
from paper_exchange.core.orders import Fill, Order
from paper_exchange.core.state import Balance, State

FORMAT = "paper-exchange"
VERSION = 1


class JournalError(Exception):
    """The journal cannot be used; the message names the file, and the line where there is one."""


@dataclass(frozen=True, slots=True)
class Header:
    """Who this exchange is.  A journal that is made anew is another exchange."""

    instance: str
    created: int


@dataclass(frozen=True, slots=True)
class Audit:
    """What a journal says happened: orders by (symbol, order id), fills in order of time."""

    instance: str
    orders: dict[tuple[str, int], Order]
    fills: tuple[Fill, ...]
    balances: dict[tuple[str, str], Balance]
    """Free and locked by (account, asset)."""


class Journal(Protocol):
    """Where an exchange writes; `append` returns only once a killed process would not lose it."""

    @property
    def header(self) -> Header:
        """The header line."""

    def append(self, at: int, entries: Iterable[Entry]) -> None:
        """Write one batch."""

    def close(self) -> None:
        """Give the file back."""


class MemoryJournal:
    """A journal that lives as long as the process: for simulations and tests."""

    def __init__(self, header: Header) -> None:
        self.header = header
        self.batches: list[tuple[int, list[Entry]]] = []

    def append(self, at: int, entries: Iterable[Entry]) -> None:
        """Keep one batch."""
        self.batches.append((at, list(entries)))

    def close(self) -> None:
        """Nothing is held."""


class FileJournal:
    """The journal in a file, owned by one process at a time."""

    def __init__(
        self, path: Path, descriptor: int, header: Header, count: int, *, fsync: bool
    ) -> None:
        self._path = path
        self._descriptor = descriptor
        self._count = count
        self._fsync = fsync
        self._failed = False
        self.header = header

    @classmethod
    def open(cls, path: Path, new: Header, state: State, *, fsync: bool = False) -> Self:
        """Open or create the file and replay it into `state`.

        `new` is the header for a file that does not exist yet.  With `fsync` an append survives
        a power cut too, not only the death of the process.  Raises `JournalError`.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as exc:
            raise JournalError(f"{path}: cannot be opened: {exc.strerror}") from exc
        try:
            header, count = _recover(path, descriptor, new, state)
        except BaseException:
            os.close(descriptor)
            raise
        return cls(path, descriptor, header, count, fsync=fsync)

    def append(self, at: int, entries: Iterable[Entry]) -> None:
        """Write one batch with one system call; raise `JournalError` if it is not all written.

        Nothing can be appended after a failure: it might stand behind half a line.
        """
        if self._failed:
            raise JournalError(f"{self._path}: an earlier line could not be written")
        self._count += 1
        batch = {"n": self._count, "at": at, "entries": [encode(entry) for entry in entries]}
        self._failed = True
        _write(self._path, self._descriptor, batch)
        if self._fsync:
            os.fsync(self._descriptor)
        self._failed = False

    def close(self) -> None:
        """Release the file and its lock."""
        os.close(self._descriptor)


def read(path: Path) -> Audit:
    """Read a journal, also while its exchange is running.

    Raises `JournalError` for a file that is missing, damaged or not a journal.
    """
    state = State()
    lines = _whole_lines(path)
    header = _header(path, next(lines, None))
    for _ in _replay(path, lines, state):
        pass
    return audit(header, state)


def audit(header: Header, state: State) -> Audit:
    """Lay a state out for comparison."""
    fills = [fill for book in state.books.values() for fill in book.fills]
    return Audit(
        instance=header.instance,
        orders={
            (symbol, order.order_id): order
            for symbol, book in state.books.items()
            for order in book.orders.values()
        },
        fills=tuple(sorted(fills, key=lambda fill: (fill.time, fill.symbol, fill.trade_id))),
        balances={
            (name, asset): balance
            for name, account in state.accounts.items()
            for asset, balance in account.balances.items()
        },
    )


def _recover(path: Path, descriptor: int, new: Header, state: State) -> tuple[Header, int]:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        raise JournalError(f"{path}: another exchange is using this journal") from exc
    whole = 0
    lines = _whole_lines(path)
    first = next(lines, None)
    if first is None:
        os.ftruncate(descriptor, 0)
        _write(path, descriptor, _header_line(new))
        return new, 0
    header, whole, count = _header(path, first), len(first), 0
    for line, _ in _replay(path, lines, state):
        whole += len(line)
        count += 1
    os.ftruncate(descriptor, whole)  # drop what a killed writer left behind
    return header, count


def _whole_lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    return  # it is being written; what comes next would be its other half
                yield line
    except OSError as exc:
        raise JournalError(f"{path}: cannot be read: {exc.strerror}") from exc


def _replay(path: Path, lines: Iterator[bytes], state: State) -> Iterator[tuple[bytes, int]]:
    for number, line in enumerate(lines, start=1):
        try:
            batch = _checked(line)
            if batch["n"] != number:
                raise EntryError(f"batch {batch['n']} where {number} was expected")
            for values in batch["entries"]:
                state.apply(decode(values))
        except (KeyError, TypeError, ValueError) as exc:
            raise JournalError(f"{path}:{number + 1}: damaged journal line: {exc}") from exc
        yield line, number


def _header(path: Path, line: bytes | None) -> Header:
    try:
        values = _checked(line or b"")
        if values["journal"] != FORMAT or values["version"] != VERSION:
            raise ValueError(f"version {values['version']!r}")  # noqa: TRY301
        return Header(str(values["instance"]), int(values["created"]))
    except (KeyError, TypeError, ValueError) as exc:
        raise JournalError(
            f"{path}:1: not a journal of this exchange (version {VERSION}): {exc}"
        ) from exc


def _header_line(header: Header) -> dict[str, Any]:
    return {
        "journal": FORMAT,
        "version": VERSION,
        "instance": header.instance,
        "created": header.created,
    }


def _write(path: Path, descriptor: int, values: dict[str, Any]) -> None:
    line = _line(values)
    try:
        written = os.write(descriptor, line)
    except OSError as exc:
        raise JournalError(f"{path}: cannot be written: {exc.strerror}") from exc
    if written != len(line):
        raise JournalError(f"{path}: only {written} of {len(line)} bytes were written")


def _line(values: dict[str, Any]) -> bytes:
    body = json.dumps(values, separators=(",", ":"))[:-1].encode()
    return b'%s,"crc":"%08x"}\n' % (body, zlib.crc32(body))


_CRC_LENGTH = len(b',"crc":"00000000"}\n')


def _checked(line: bytes) -> dict[str, Any]:
    body = line[:-_CRC_LENGTH]
    if line != b'%s,"crc":"%08x"}\n' % (body, zlib.crc32(body)):
        raise ValueError("checksum does not match")
    values: dict[str, Any] = json.loads(line)
    return values
