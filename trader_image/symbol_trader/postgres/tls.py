"""Which file that TLS needs cannot be used, and why: the driver's own errors name no file.

What is read here is what asyncpg reads for a URL, by its rules: PostgreSQL, libpq, "SSL Support".
"""

import os
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from symbol_trader.postgres import urls

_ENCRYPTED: Final = {"allow", "prefer", "require", "verify-ca", "verify-full"}
_VERIFIED: Final = {"require", "verify-ca", "verify-full"}
_DEFAULTS: Final = {
    "sslrootcert": "root.crt",
    "sslcrl": "root.crl",
    "sslcert": "postgresql.crt",
    "sslkey": "postgresql.key",
}
_CONTENTS: Final = {
    "sslrootcert": "certificates in PEM form",
    "sslcrl": "a revocation list in PEM form",
    "sslcert": "a certificate in PEM form and its key, encrypted with sslpassword if at all",
}


@dataclass(frozen=True, slots=True)
class _File:
    """A file, and the parameter or variable that names it."""

    kind: str
    named_by: str
    path: Path


def unusable_file(url: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """Return which file of `url` or of the environment is unusable, and the remedy; None if none.

    A file may be mounted later, so this is worth asking again before each connection.
    """
    files = {file.kind: file for file in _files(urls.parameters(url), environ)}
    for file in files.values():
        if why := _unreadable(file.path):
            return _sentence(file, why)
    for kind in ("sslrootcert", "sslcrl"):
        if kind in files and not _loads_authority(files[kind].path):
            return _sentence(files[kind], f"it does not hold {_CONTENTS[kind]}")
    certificate, key = files.get("sslcert"), files.get("sslkey")
    password = urls.parameters(url).get("sslpassword", "")
    if certificate and not _loads_chain(certificate.path, key.path if key else None, password):
        with_key = f", with the key in {key.path}" if key else ""
        why = f"it does not hold {_CONTENTS['sslcert']}{with_key}"
        return _sentence(certificate, why)
    return None


def _files(parameters: Mapping[str, str], environ: Mapping[str, str]) -> Iterator[_File]:
    mode = parameters.get("sslmode") or environ.get("PGSSLMODE") or "prefer"
    if mode.replace("_", "-") not in _ENCRYPTED:
        return
    verified = mode.replace("_", "-") in _VERIFIED
    for kind, default in _DEFAULTS.items():
        if kind in {"sslrootcert", "sslcrl"} and not verified:
            continue
        variable = f"PG{kind.upper()}"
        if path := parameters.get(kind):
            yield _File(kind, f"{kind} in the database URL", Path(path))
        elif path := environ.get(variable):
            yield _File(kind, f"the environment variable {variable}", Path(path))
        elif (found := _home(environ) / default).exists():
            yield _File(kind, f"the default of {kind}", found)


def _home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("HOME", "/")) / ".postgresql"


def _unreadable(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            file.read(1)
    except OSError as exc:
        return exc.strerror or type(exc).__name__
    return None


def _loads_authority(path: Path) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except OSError:  # an SSLError is one
        return False
    return True


def _loads_chain(certificate: Path, key: Path | None, password: str) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_cert_chain(certificate, keyfile=key, password=lambda: password)
    except OSError:
        return False
    return True


def _sentence(file: _File, why: str) -> str:
    return f"{file.path}: {why}; provide the file, or correct {file.named_by}"
