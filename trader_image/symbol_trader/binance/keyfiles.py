"""The folder that a key is mounted in, as the kubelet keeps it, or a person."""

import logging
from pathlib import Path
from typing import Final

from symbol_trader.binance.keys import Key, read_key
from symbol_trader.errors import BadCredentials
from tradingsymbol_api.names import API_KEY_FILE, API_SECRET_FILE, PRIVATE_KEY_FILE

log = logging.getLogger(__name__)

_FILES: Final = (API_KEY_FILE, PRIVATE_KEY_FILE, API_SECRET_FILE)
_BYTES_MAX: Final = 16_384
"""Far more than any key has."""


class KeyFolder:
    """A folder with the files of one key. `advice` says how to bring them there."""

    def __init__(self, path: Path, advice: str) -> None:
        self._path = path
        self._advice = advice
        self._warned = False
        self._unreadable = ""

    def read(self) -> Key:
        """Return the key that the folder holds now. Raises `BadCredentials`."""
        try:
            key = read_key(self._contents())
        except BadCredentials as exc:
            raise BadCredentials(f"{exc} ({self._advice})") from None
        if not key.logs_on and not self._warned:
            self._warned = True
            log.warning("the key is of the kind HMAC, which Binance calls deprecated; use Ed25519")
        return key

    def replaces(self, key: Key) -> bool:
        """Return whether the folder holds another key. One that cannot be read replaces none."""
        try:
            replaced, problem = self.read() != key, ""
        except BadCredentials as exc:
            replaced, problem = False, str(exc)
        if problem and problem != self._unreadable:
            log.warning("the key that is in use goes on, the one in its folder is bad: %s", problem)
        self._unreadable = problem
        return replaced

    def _contents(self) -> dict[str, bytes]:
        """Read what there is. The kubelet changes all files at once, by the link `..data`."""
        try:
            folder = self._path / (self._path / "..data").readlink()
        except OSError:
            folder = self._path
        return {name: content for name in _FILES if (content := _read(folder / name)) is not None}


def _read(file: Path) -> bytes | None:
    try:
        with file.open("rb") as opened:
            return opened.read(_BYTES_MAX)
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise BadCredentials(f"{file} cannot be read: {exc.strerror}") from None
