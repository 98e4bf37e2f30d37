"""The TradingSymbol as a file: edits are settings updates, a done shutdown writes off into it."""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from tempfile import NamedTemporaryFile

import yaml

from symbol_trader.core.settings import TradingStatus
from symbol_trader.ports import Desired, OffOutcome, Report, Unavailable
from symbol_trader.resource.wishes import desired_of
from tradingsymbol_api.documents import MisleadingNumberError, load_document
from tradingsymbol_api.spec import InvalidResourceError, TradingSymbol, parse_resource

POLL_S = 0.25
_SHUTDOWN = re.compile(r"""(\bstatus:\s*)(["']?)shutdown\2(?![\w"'])""")


class InvalidFile(Exception):  # noqa: N818 - as the ports' states of the world
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
        """Say nothing: the log tells the story, and the file is the user's."""

    async def write_off(self) -> OffOutcome:
        """Write off into the file, leaving everything else in it as it is.

        What is written is made of the one text that was seen to ask for shutdown; an edit that
        comes meanwhile wins. A file that a person has broken is waited for.
        """
        try:
            text = self._path.read_text(encoding="utf-8")
            if _parse(self._path, text).spec.status.value != TradingStatus.SHUTDOWN.value:
                return OffOutcome.SUPERSEDED
            replaced = self._replace(text, self._switched_off(text))
        except (InvalidFile, OSError, UnicodeError) as exc:
            raise Unavailable(f"off cannot be written: {exc}") from exc
        return OffOutcome.WRITTEN if replaced else OffOutcome.SUPERSEDED

    def _switched_off(self, text: str) -> str:
        edited = _SHUTDOWN.sub(r'\1"off"', text, count=1)
        if _parse(self._path, edited).spec.status.value == TradingStatus.OFF.value:
            return edited
        return _rewritten(text)

    async def close(self) -> None:
        """Nothing is held open."""

    async def _next(self, stamp: tuple[int, int]) -> tuple[tuple[int, int], TradingSymbol]:
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

    def _stamp(self) -> tuple[int, int]:
        try:
            found = self._path.stat()
        except OSError:
            return (0, 0)
        return found.st_mtime_ns, found.st_ino

    def _replace(self, old: str, text: str) -> bool:
        """Put a whole new file in the old one's place: a reader sees one or the other.

        Tell whether it was done: not if the file no longer says what it said.
        """
        with NamedTemporaryFile("w", encoding="utf-8", dir=self._path.parent, delete=False) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new = Path(file.name)
        new.chmod(self._path.stat().st_mode)
        if self._path.read_text(encoding="utf-8") != old:
            new.unlink()
            return False
        new.replace(self._path)
        return True


def _revision(stamp: tuple[int, int]) -> str:
    """Name a state of the file that a later process finds as well."""
    return "/".join(map(str, stamp))


def _rewritten(text: str) -> str:
    """Set off by way of the YAML document, where the text does not show it in one piece."""
    document = yaml.safe_load(text)
    document["spec"]["status"] = "off"
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
