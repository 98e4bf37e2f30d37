"""Reading recordings line by line, with refusals that name file and line."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from paper_exchange.market.source import SourceError


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield numbered lines of a plain or gzip-compressed text file; raise `SourceError`."""
    number = 0
    try:
        with _open(path) as file:
            for number, line in enumerate(file, start=1):
                yield number, line.rstrip("\r\n")
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as exc:
        raise SourceError(f"{path}:{number + 1}: cannot be read: {exc}") from exc


def _open(path: Path) -> IO[str]:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rt", encoding="utf-8") if packed else path.open(encoding="utf-8")
