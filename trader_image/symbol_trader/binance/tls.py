"""Whose certificates are believed: the system's authorities, and those of a file."""

import ssl
from functools import lru_cache
from pathlib import Path

from symbol_trader.errors import ExchangeUnavailable
from tradingsymbol_api.pod import CA_FOLDERS, Variable


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
    raise ExchangeUnavailable(f"{ca_file}: {why}; {_remedy(ca_file)}")


def _remedy(ca_file: Path) -> str:
    """Return what helps; a leader's pod has the file in a folder named after its object."""
    if ca_file.is_relative_to(CA_FOLDERS):
        return (
            f"put the certificates (PEM) under the key {ca_file.name} of the ConfigMap or Secret "
            f"{ca_file.parent.name}, or correct caConfigMap or caSecret of the exchange entry"
        )
    option = Variable.EXCHANGE_CA_FILE
    return f"provide the file, or correct {option.flag} ({option.env})"


@lru_cache(maxsize=2)
def _context(ca_file: Path | None, _changed_ns: int) -> ssl.SSLContext:
    """Load authorities: those of the system cost tens of milliseconds and a megabyte."""
    context = ssl.create_default_context()
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context
