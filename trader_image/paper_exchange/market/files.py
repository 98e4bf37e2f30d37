"""Reading recordings line by line, with refusals that name file and line."""

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from paper_exchange.market.source import SourceError

_GZIP = b"\x1f\x8b"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
"""A zip with files, and one without."""

_SHOWN = 3
"""Names of a zip's files that a refusal shows."""


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield numbered lines of a text file: plain, gzip-compressed, or alone in a zip.

    Raises `SourceError`.
    """
    number = 0
    try:
        with _open(path) as file:
            for number, line in enumerate(file, start=1):
                yield number, line.rstrip("\r\n")
    except (zipfile.BadZipFile, RuntimeError, EOFError, zlib.error) as exc:
        # RuntimeError is a zip's way to say that it is encrypted, or packed by an unknown method.
        raise SourceError(
            f"{path}:{number + 1}: cannot be read: {exc}: download it again, or unpack it"
        ) from exc
    except (OSError, UnicodeDecodeError) as exc:
        raise SourceError(f"{path}:{number + 1}: cannot be read: {exc}") from exc


@contextmanager
def _open(path: Path) -> Iterator[IO[str]]:
    with path.open("rb") as file:
        start = file.read(len(_ZIP[0]))
        file.seek(0)
        if start in _ZIP:
            with zipfile.ZipFile(file) as archive, archive.open(_only(path, archive)) as packed:
                yield io.TextIOWrapper(packed, encoding="utf-8")
        elif start.startswith(_GZIP):
            with gzip.open(file, "rt", encoding="utf-8") as packed:
                yield packed
        else:
            yield io.TextIOWrapper(file, encoding="utf-8")


def _only(path: Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """Return the one file of a zip; several are refused: their order would be unknown."""
    files = [info for info in archive.infolist() if not info.is_dir()]
    if len(files) == 1:
        return files[0]
    if not files:
        raise SourceError(f"{path}: there is no file in the zip: give one with one CSV in it")
    names = [info.filename for info in files[:_SHOWN]] + ["…"] * (len(files) > _SHOWN)
    raise SourceError(
        f"{path}: there are {len(files)} files in the zip ({', '.join(names)}): unpack it, and "
        "give each as a recording, in order"
    )
