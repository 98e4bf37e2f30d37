"""A recording of a market, as far as it has to be understood before the exchange gets it."""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localcluster.failure import LocalClusterError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SIZE_MAX = 64 * 1024 * 1024
"""Bytes. It is sent through the API server, and the exchange reads it whole before it opens."""
DIGEST_LENGTH = 12
_PACKED = b"\x1f\x8b"
_ZIP = b"PK"
_HEADERS = ("agg_trade_id", "id,")
_CSV = re.compile(r"\d+,[\d.]+,[\d.]+,(?:\d+,\d+|[\d.]+),(\d+),(?i:true|false)(,.*)?")
"""An aggregate of trades, or one trade."""
_RAW = re.compile(r"(\d+) \{.*\}")
_TRADED = re.compile(r'@trade".*?"s":"([A-Z0-9]+)"')
_NANOSECONDS = 1e9
_MILLISECONDS = 1e3
_MICROSECONDS_FROM = 10**14
"""Larger times of a CSV are microseconds: as milliseconds they would lie in the year 5138."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording that can be played."""

    name: str
    """The file's."""
    content: bytes
    symbol: str
    seconds: float
    """From its first to its last line, in the market's time."""

    @property
    def digest(self) -> str:
        """Tells recordings apart, whatever their files are called."""
        return hashlib.sha256(self.content).hexdigest()[:DIGEST_LENGTH]


def load(path: Path, symbol: str | None) -> Recording:
    """Read and check a recording; `symbol` chooses one, or names that of a CSV.

    Raises:
        LocalClusterError: it cannot be played; the message says why.

    """
    content = _content(path)
    lines = _text(path, content).splitlines()
    if not lines:
        raise LocalClusterError(f"{path}: the recording is empty")
    if _RAW.fullmatch(lines[0]):
        return _raw(path, content, lines, symbol)
    return _csv(path, content, lines, symbol)


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > SIZE_MAX:
            raise LocalClusterError(f"{path}: larger than {SIZE_MAX // 1024**2} MiB")
        return path.read_bytes()
    except OSError as exc:
        raise LocalClusterError(f"{path}: cannot be read: {exc.strerror}") from exc


def _text(path: Path, content: bytes) -> str:
    try:
        return _unpacked(path, content).decode()
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, ValueError) as exc:
        raise LocalClusterError(f"{path}: damaged, or no recording: {exc}") from exc


def _unpacked(path: Path, content: bytes) -> bytes:
    if content.startswith(_PACKED):
        return gzip.decompress(content)
    if not content.startswith(_ZIP):
        return content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = [info for info in archive.infolist() if not info.is_dir()]
        if len(files) != 1:
            raise LocalClusterError(f"{path}: {len(files)} files in the zip; give one with one CSV")
        return archive.read(files[0])


def _csv(path: Path, content: bytes, lines: Sequence[str], symbol: str | None) -> Recording:
    first = 1 if lines[0].startswith(_HEADERS) else 0
    times = [
        int(_matched(_CSV, path, number, line).group(1))
        for number, line in enumerate(lines[first:], start=first + 1)
    ]
    if not times:
        raise LocalClusterError(f"{path}: no trade in the recording")
    if symbol is None:
        raise LocalClusterError(f"{path}: a CSV does not say its symbol; add SYMBOL=…")
    unit = _MILLISECONDS**2 if times[-1] >= _MICROSECONDS_FROM else _MILLISECONDS
    return Recording(path.name, content, symbol, (times[-1] - times[0]) / unit)


def _raw(path: Path, content: bytes, lines: Sequence[str], symbol: str | None) -> Recording:
    times = [
        int(_matched(_RAW, path, number, line).group(1))
        for number, line in enumerate(lines, start=1)
    ]
    traded = list(dict.fromkeys(found.group(1) for found in map(_TRADED.search, lines) if found))
    if not traded:
        raise LocalClusterError(f"{path}: no trade in the recording")
    if symbol is not None and symbol not in traded:
        raise LocalClusterError(f"{path}: no trade of {symbol}, only of {', '.join(traded)}")
    seconds = (times[-1] - times[0]) / _NANOSECONDS
    return Recording(path.name, content, symbol or traded[0], seconds)


def _matched(pattern: re.Pattern[str], path: Path, number: int, line: str) -> re.Match[str]:
    match = pattern.fullmatch(line)
    if match is None:
        raise LocalClusterError(
            f"{path}:{number}: neither a CSV of trades nor a recorded stream: {line[:60]!r}"
        )
    return match
