"""The TradingSymbol as a file: edits are settings updates, a done shutdown writes off into it."""

import asyncio
import errno
import os
import re
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path

import yaml

from symbol_trader.core.limits import AccountLimit, LimitInForce, LimitReport
from symbol_trader.core.settings import TradingStatus
from symbol_trader.desired import Desired, SwitchOffOutcome
from symbol_trader.errors import InvalidInput, Unavailable
from symbol_trader.report import Report
from symbol_trader.resource.translation import desired_of
from tradingsymbol_api.documents import MisleadingNumberError, load_document
from tradingsymbol_api.spec import InvalidResourceError, TradingSymbol, parse_resource

POLL_S = 0.25

Stamp = tuple[int, int, int]
"""What a write to the file changes: its time of modification in ns, its inode, its bytes."""

_NOT_REPLACEABLE = {errno.EBUSY, errno.EXDEV, errno.EACCES, errno.EPERM, errno.EROFS}
"""A file that is a mount point, or in a folder that may not be written to."""

_SHUTDOWN = re.compile(r"""(\bstatus:\s*)(["']?)shutdown\2(?![\w"'])""")


class InvalidFile(InvalidInput):
    """The file is no TradingSymbol; the text names the field and the remedy."""


def read_file(path: Path) -> TradingSymbol:
    """Read a TradingSymbol from a YAML file. Raises `InvalidFile`."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as exc:
        raise InvalidFile(f"{path}: {exc.strerror}") from exc
    except UnicodeError as exc:
        raise InvalidFile(f"{path} is not UTF-8: {exc}") from exc
    return _parse(path, text)


def _parse(path: Path, text: str) -> TradingSymbol:
    try:
        return parse_resource(load_document(text), refuse_unknown=True)
    except (InvalidResourceError, MisleadingNumberError) as exc:
        raise InvalidFile(f"{path}: {exc}") from exc
    except (yaml.YAMLError, ValueError) as exc:
        # A date that does not exist is a plain ValueError to PyYAML.
        raise InvalidFile(f"{path} is not YAML: {exc}") from exc


class FileResource:
    """A file that is read again when it changes. `warn` is told about unreadable edits."""

    def __init__(self, path: Path, warn: Callable[[str], None]) -> None:
        """Serve one file."""
        self._path = path
        self._warn = warn
        self._generation = 0

    async def changes(self) -> AsyncIterator[Desired]:
        """Yield what the file asks for, now and each time that it is written.

        An edit that cannot be read is warned about, and the last good one stays in force.
        Raises `InvalidFile` if the file cannot be read at the start.
        """
        stamp, resource = self._stamp(), read_file(self._path)
        follows = ""
        while True:
            self._generation += 1
            revision = _revision(stamp)
            yield replace(
                desired_of(resource),
                generation=self._generation,
                revision=revision,
                follows=follows,
            )
            follows = revision
            stamp, resource = await self._next(stamp)

    async def report(self, report: Report) -> None:
        """Write nothing: the log has it all, and the file belongs to the user."""

    async def limits(self) -> AsyncIterator[tuple[AccountLimit, ...]]:
        """Yield once that there is none: limits are resources of a cluster, or rows."""
        yield ()
        await asyncio.Event().wait()

    async def limit_exists(self, name: str, uid: str) -> bool:
        """Return that nothing is there."""
        del name, uid
        return False

    async def report_limit(self, report: LimitReport) -> None:
        """Write nothing: there is no such resource."""

    async def tell_deleted(self, limit: LimitInForce) -> None:
        """Tell nobody: the log has it."""

    async def switch_off(self) -> SwitchOffOutcome:
        """Write off into the file, leaving everything else in it as it is.

        What is written is made of the one text that was seen to ask for shutdown; an edit that
        comes in between wins. While a person has broken the file, it raises `Unavailable`.
        """
        try:
            old = self._path.read_bytes()
            text = old.decode()
            if _parse(self._path, text).spec.status.value != TradingStatus.SHUTDOWN.value:
                return SwitchOffOutcome.SUPERSEDED
            written = self._write(old, text)
        except (InvalidFile, OSError, UnicodeError) as exc:
            raise Unavailable(f"off cannot be written: {exc}") from exc
        return SwitchOffOutcome.WRITTEN if written else SwitchOffOutcome.SUPERSEDED

    def _write(self, old: bytes, text: str) -> bool:
        try:
            return self._replace(old, self._switched_off(text, 0).encode())
        except OSError as exc:
            if exc.errno not in _NOT_REPLACEABLE:
                raise
        return self._overwrite(old, self._switched_off(text, len(old)).encode())

    def _switched_off(self, text: str, length: int) -> str:
        """Return the text with off in it, filled up to a length in bytes if one is given."""
        edited = _SHUTDOWN.sub(_padded_off if length else r'\1"off"', text, count=1)
        if _parse(self._path, edited).spec.status.value == TradingStatus.OFF.value:
            return edited
        rewritten = _rewritten(text)
        return rewritten + "\n" * (length - len(rewritten.encode()))

    async def close(self) -> None:
        """Nothing is held open."""

    async def _next(self, stamp: Stamp) -> tuple[Stamp, TradingSymbol]:
        while True:
            await asyncio.sleep(POLL_S)
            now = self._stamp()
            if now == stamp:
                continue
            stamp = now
            try:
                return stamp, read_file(self._path)
            except InvalidFile as exc:
                self._warn(str(exc))

    def _stamp(self) -> Stamp:
        try:
            found = self._path.stat()
        except OSError:
            return (0, 0, 0)
        return found.st_mtime_ns, found.st_ino, found.st_size

    def _replace(self, old: bytes, new: bytes) -> bool:
        """Put a whole new file in the old one's place: a reader sees one or the other.

        Return whether it was done: not if the file no longer says what it said.
        """
        beside = self._path.with_name(f".{self._path.name}.off")
        try:
            with beside.open("wb") as file:
                file.write(new)
                file.flush()
                os.fsync(file.fileno())
            beside.chmod(self._path.stat().st_mode)
            if self._path.read_bytes() != old:
                return False
            beside.replace(self._path)
        finally:
            with suppress(OSError):
                beside.unlink()
        return True

    def _overwrite(self, old: bytes, new: bytes) -> bool:
        """Write into a file that cannot be replaced: it is mounted singly, or its folder read-only.

        `new` is no shorter, so that nothing has to be cut off before or after it is written, and
        only the bytes that differ are touched, by one system call: a reader who comes in the
        middle of it finds a value that is no status, and refuses it.
        Return whether it was done: not if the file no longer says what it said.
        """
        begin, end = _differing(old, new)
        with self._path.open("r+b", buffering=0) as file:
            if file.read() != old:
                return False
            file.seek(begin)
            if file.write(new[begin:end]) != end - begin:
                raise OSError(errno.ENOSPC, f"{self._path}: only partly written")
            os.fsync(file.fileno())
        return True


def _padded_off(found: re.Match[str]) -> str:
    """Return off in as many bytes as shutdown takes."""
    return (found[1] + '"off"').ljust(len(found[0]))


def _differing(old: bytes, new: bytes) -> tuple[int, int]:
    """Return where in `new` what differs begins and ends."""
    places = [at for at, (a, b) in enumerate(zip_longest(old, new)) if a != b]
    return places[0], places[-1] + 1


def _revision(stamp: Stamp) -> str:
    """Name a state of the file that a later process finds as well."""
    return "/".join(map(str, stamp[:2]))


def _rewritten(text: str) -> str:
    """Set off by way of the YAML document, where the text does not show it in one piece."""
    document = yaml.safe_load(text)
    document["spec"]["status"] = "off"
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
