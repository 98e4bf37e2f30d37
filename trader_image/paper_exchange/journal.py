"""The exchange's record: a file of JSON lines, one per engine step, and the history before it.

The first line is the header: format version, instance id, and what is left to the history.  Every
other line is a batch of entries that happened together; a batch is whole or absent.  Each line
ends with a CRC-32 of its text, so that any damage is noticed.  A line without its newline is the
trace of a killed writer: nothing in it was ever acknowledged, and it is dropped.  Damage anywhere
else is refused with the file and line.

    {"journal":"paper-exchange","version":2,"instance":"9f…","created":1700000000000,
     "history":{"size":0,"entries":0,"batches":0},"crc":"…"}
    {"n":1,"at":1700000000005,"entries":[{"k":"accepted",…}],"crc":"…"}

A journal that has grown is compacted: what still matters of its batches is appended to the
history (`journal_history`) and made durable, and a new journal that begins behind them takes the
old one's name.  Whenever a writer dies, the name leads to one journal and the history that it
needs.

`read` gives an auditor orders and fills without the engine's API.
"""

import fcntl
import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

from paper_exchange.core.entries import Entry, EntryError, decode, encode
from paper_exchange.core.orders import Fill, Order
from paper_exchange.core.state import Balance, State
from paper_exchange.journal_format import (
    Compacted,
    Header,
    JournalError,
    checked,
    header_line,
    line,
    parse_header,
    whole_lines,
    write_whole,
    writing,
)
from paper_exchange.journal_history import History, replay_history

__all__ = ["Audit", "FileJournal", "Header", "Journal", "JournalError", "MemoryJournal", "read"]

MEBIBYTE = 1 << 20

COMPACT_AFTER = 16 * MEBIBYTE
"""Bytes of journal after which it is compacted, unless told otherwise: a second's reading."""

LONG = 32 * MEBIBYTE
"""Bytes of journal of which a start says how far it has been read, and how often it says so."""

log = logging.getLogger(__name__)


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

    def __init__(self, path: Path, descriptor: int, *, fsync: bool, compact_after: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self._fsync = fsync
        self._compact_after = compact_after
        self._failed = False
        self._count = 0
        self._size = 0

    @classmethod
    def open(
        cls,
        path: Path,
        new: Header,
        state: State,
        *,
        fsync: bool = False,
        compact_after: int = COMPACT_AFTER,
    ) -> Self:
        """Open or create the file and replay it into `state`.

        `new` is the header for a file that does not exist yet.  With `fsync` an append survives
        a power cut too, not only the death of the process.  A file of more than `compact_after`
        bytes is compacted, now and whenever it has grown so far.  Raises `JournalError`.
        """
        path = path.resolve()  # what a link leads to is replaced, not the link
        journal = cls(path, _locked(path), fsync=fsync, compact_after=compact_after)
        try:
            journal._recover(new, state)
        except BaseException:
            journal.close()
            raise
        return journal

    def append(self, at: int, entries: Iterable[Entry]) -> None:
        """Write one batch with one system call; raise `JournalError` if it is not all written.

        Nothing can be appended after a failure: it might stand behind half a line.
        """
        if self._failed:
            raise JournalError(f"{self._path}: an earlier line could not be written")
        written = [(entry, encode(entry)) for entry in entries]
        batch = {"n": self._count + 1, "at": at, "entries": [values for _, values in written]}
        self._failed = True
        self._write(line(batch))
        self._count += 1
        self._history.add(written)
        self._compact_if_long()
        self._failed = False

    def close(self) -> None:
        """Release the file and its lock."""
        os.close(self._descriptor)

    def _write(self, text: bytes) -> None:
        write_whole(self._path, self._descriptor, text)
        if self._fsync:
            with writing(self._path):
                os.fsync(self._descriptor)
        self._size += len(text)

    def _recover(self, new: Header, state: State) -> None:
        with writing(_successor(self._path)):
            _successor(self._path).unlink(missing_ok=True)
        lines = whole_lines(self._path)
        first = next(lines, None)
        if first is None:
            self._begin(new)
            return
        self.header, compacted = parse_header(self._path, first)
        replay_history(self._path, compacted, state)
        self._history = History(self._path, compacted)
        self._count, self._size = compacted.batches, len(first)
        for size, entries in _told(self._path, _replay(self._path, lines, self._count, state)):
            self._count += 1
            self._size += size
            self._history.add(entries)
        self._cut(self._size)  # drop what a killed writer left behind
        self._compact_if_long()

    def _begin(self, header: Header) -> None:
        self._cut(0)
        self.header = header
        self._history = History(self._path, Compacted())
        self._write(header_line(header, Compacted()))

    def _cut(self, size: int) -> None:
        with writing(self._path):
            os.ftruncate(self._descriptor, size)

    def _compact_if_long(self) -> None:
        if self._size > self._compact_after:
            before = self._size
            self._compact(self._history.complete(self._count))
            log.info(
                "compacted %.1f MiB of journal; its history has %.1f MiB",
                before / MEBIBYTE,
                self._history.size / MEBIBYTE,
            )

    def _compact(self, compacted: Compacted) -> None:
        """Put a journal that begins behind the history in this one's place."""
        text = header_line(self.header, compacted)
        new = _successor(self._path)
        with writing(new):
            descriptor = _begun(new, text)
        try:
            with writing(self._path):
                new.replace(self._path)
                _sync_folder(self._path.parent)
        except BaseException:
            os.close(descriptor)
            new.unlink(missing_ok=True)
            raise
        os.close(self._descriptor)
        self._descriptor, self._size = descriptor, len(text)


def read(path: Path) -> Audit:
    """Read a journal and its history, also while its exchange is running.

    Raises `JournalError` for a file that is missing, damaged or not a journal.
    """
    state = State()
    lines = whole_lines(path)
    header, compacted = parse_header(path, next(lines, None))
    replay_history(path, compacted, state)
    for _ in _replay(path, lines, compacted.batches, state):
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


Batch = tuple[int, list[tuple[Entry, dict[str, Any]]]]
"""Its bytes, and its entries with their values as they are written."""


def _replay(path: Path, lines: Iterator[bytes], before: int, state: State) -> Iterator[Batch]:
    """Carry out the lines behind a header that leaves `before` batches to the history."""
    for number, text in enumerate(lines, start=1):
        try:
            batch = checked(text)
            if batch["n"] != before + number:
                raise EntryError(f"batch {batch['n']} where {before + number} was expected")
            entries = [(decode(values), values) for values in batch["entries"]]
            for entry, _ in entries:
                state.apply(entry)
        except (KeyError, TypeError, ValueError) as exc:
            raise JournalError(f"{path}:{number + 1}: damaged journal line: {exc}") from exc
        yield len(text), entries


def _told(path: Path, batches: Iterator[Batch]) -> Iterator[Batch]:
    """Log how far a long journal has been read: a person may be waiting for it."""
    total = path.stat().st_size
    done, said = 0, -LONG if total >= LONG else total
    for batch in batches:
        if done >= said + LONG:
            said = done
            log.info("reading %s: %d of %d MiB", path, done // MEBIBYTE, total // MEBIBYTE)
        done += batch[0]
        yield batch


def _successor(path: Path) -> Path:
    return path.with_name(f"{path.name}.new")


def _locked(path: Path) -> int:
    """Open a journal for this process alone."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as exc:
        raise JournalError(f"{path}: cannot be opened: {exc.strerror}") from exc
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.path.samestat(os.fstat(descriptor), path.stat()):  # compacted just now
            raise BlockingIOError
    except OSError as exc:
        os.close(descriptor)
        raise JournalError(f"{path}: another exchange is using this journal") from exc
    return descriptor


def _begun(path: Path, text: bytes) -> int:
    """Make a journal of one durable line, locked before anyone can find it by its name."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        write_whole(path, descriptor, text)
        os.fsync(descriptor)
    except BaseException:
        os.close(descriptor)
        path.unlink(missing_ok=True)
        raise
    return descriptor


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
