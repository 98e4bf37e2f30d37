"""Whose certificates are believed: the system's authorities, and those of a file."""

import ssl
from functools import lru_cache
from pathlib import Path

from symbol_trader.errors import ExchangeUnavailable


def trusted(ca_file: Path | None) -> ssl.SSLContext:
    """Return what checks the exchange's certificate and name, for WebSocket and REST alike.

    The system's authorities are those of OpenSSL, which `SSL_CERT_FILE` and `SSL_CERT_DIR` change.
    A file is read again once it has changed. Raises `ExchangeUnavailable` if it is no good:
    somebody may correct it.
    """
    if ca_file is None:
        return _context(None, 0)
    try:
        return _context(ca_file, ca_file.stat().st_mtime_ns)
    except ssl.SSLError:
        why = "it does not hold certificates in PEM form"
    except OSError as exc:
        why = exc.strerror or type(exc).__name__
    raise ExchangeUnavailable(
        f"{ca_file}: {why}; provide the file, or correct --exchange-ca-file "
        "(SYMBOL_TRADER_EXCHANGE_CA_FILE)"
    )


@lru_cache(maxsize=2)
def _context(ca_file: Path | None, _changed_ns: int) -> ssl.SSLContext:
    """Load authorities: those of the system cost tens of milliseconds and a megabyte."""
    context = ssl.create_default_context()
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context
