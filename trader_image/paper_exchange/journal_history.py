"""The journal's history: what of old batches still matters, compressed.

An outside price, a place in a queue or a position in the source that a later entry replaces says
nothing about the state any more.  Everything that accounts did is kept.  The file is appended to
and never rewritten: a sequence of gzip members, each one JSON array of entries.  How much of it
counts says the journal's header; what is behind that was written by somebody who was killed.
"""

import gzip
import io
import json
import logging
import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

from paper_exchange.core.entries import Entry, decode
from paper_exchange.core.events import replaced_by_later
from paper_exchange.core.state import State
from paper_exchange.journal_format import Compacted, JournalError, write_whole, writing

CHUNK = 4096
"""Entries in one member: the exchange stands still for some 30 ms while one is compressed."""

LEVEL = 6
"""Of compression: entries shrink to less than a tenth."""

LONG = 100_000
"""Entries of which a start says that it reads them: it takes seconds."""

Values = dict[str, Any]

log = logging.getLogger(__name__)


def history_of(journal: Path) -> Path:
    """Return where a journal's history is."""
    return journal.with_name(f"{journal.name}.history")


class Pending:
    """Entries that the history does not have yet, without those that a later one replaces."""

    def __init__(self) -> None:
        self._kept: dict[object, Values] = {}
        self._numbers = count()

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, entry: Entry, values: Values) -> None:
        """Keep an entry, and nothing that it replaces."""
        key = replaced_by_later(entry)
        if key is None:
            key = next(self._numbers)
        else:
            self._kept.pop(key, None)  # the order of what is kept is that of writing
        self._kept[key] = values

    def take(self) -> list[Values]:
        """Return the entries in order, and forget them."""
        taken = list(self._kept.values())
        self._kept.clear()
        return taken


class History:
    """The history file of a running exchange, whose journal it has locked."""

    def __init__(self, journal: Path, compacted: Compacted) -> None:
        """Go on behind what the journal's header says; raise `JournalError`."""
        self._path = history_of(journal)
        self._pending = Pending()
        self._size = compacted.size
        self._entries = compacted.entries
        with writing(self._path), suppress(FileNotFoundError):
            os.truncate(self._path, self._size)

    @property
    def size(self) -> int:
        """Bytes that have been written to it."""
        return self._size

    def add(self, entries: Iterable[tuple[Entry, Values]]) -> None:
        """Take the entries of one batch; a chunk of them is written at once.

        Raises `JournalError`.
        """
        for entry, values in entries:
            self._pending.add(entry, values)
        if len(self._pending) >= CHUNK:
            self._append(fsync=False)

    def complete(self, batches: int) -> Compacted:
        """Make everything durable that was added; return what the journal may leave to it."""
        self._append(fsync=True)
        return Compacted(self._size, self._entries, batches)

    def _append(self, *, fsync: bool) -> None:
        taken = self._pending.take()
        data = _member(taken) if taken else b""
        with writing(self._path):
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            write_whole(self._path, descriptor, data)
            if fsync:
                with writing(self._path):
                    os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self._size += len(data)
        self._entries += len(taken)


def replay_history(journal: Path, compacted: Compacted, state: State) -> None:
    """Carry out what a journal leaves to its history.

    Raises `JournalError` for a history that is missing, damaged or of another journal.
    """
    path = history_of(journal)
    read = 0
    if compacted.entries >= LONG:
        log.info("reading %s: %d entries", path, compacted.entries)
    try:
        for values in _members(path, compacted.size):
            state.apply(decode(values))
            read += 1
        if read != compacted.entries:
            raise ValueError(f"{read} entries where {compacted.entries} were expected")  # noqa: TRY301 - it is caught where all such are
    except FileNotFoundError as exc:
        raise JournalError(
            f"{path}: missing: it belongs to {journal.name} and holds the orders and trades "
            "from before; put it back beside it"
        ) from exc
    except (OSError, EOFError, zlib.error, KeyError, TypeError, ValueError) as exc:
        raise JournalError(f"{path}: damaged history, after entry {read}: {exc}") from exc


def _member(entries: list[Values]) -> bytes:
    text = json.dumps(entries, separators=(",", ":")) + "\n"
    return gzip.compress(text.encode(), LEVEL, mtime=0)


def _members(path: Path, size: int) -> Iterator[object]:
    if not size:
        return
    with path.open("rb") as file:
        packed = io.BytesIO(file.read(size))  # small beside the state that it becomes
    with gzip.open(packed) as members:
        for text in members:
            yield from json.loads(text)
