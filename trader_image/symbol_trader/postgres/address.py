"""Where the record is: a URL that is given, or a file that holds it and may change.

A URL holds a password. A file is read before each connection, so that a changed password is taken
up by the next one, and nothing has to be restarted.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from symbol_trader.errors import DatabaseUnavailable

BYTES_MAX: Final = 16_384
"""Far more than any URL has."""


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """A URL, or the file that holds one; `advice` says how to bring the file there."""

    url: str = field(default="", repr=False)
    file: Path | None = None
    advice: str = ""

    def read(self) -> str:
        """Return the URL as it is now. Raises `DatabaseUnavailable` where its file has none."""
        if self.file is None:
            return self.url
        try:
            with self.file.open("rb") as opened:
                url = opened.read(BYTES_MAX).decode().strip()
        except OSError as exc:
            raise self._unusable(f"cannot be read: {exc.strerror}") from None
        except UnicodeDecodeError:
            # Its text would quote what it is.
            raise self._unusable("holds no text") from None
        if not url:
            raise self._unusable("is empty")
        return url

    def _unusable(self, why: str) -> DatabaseUnavailable:
        return DatabaseUnavailable(f"the database URL's file {self.file} {why} ({self.advice})")
