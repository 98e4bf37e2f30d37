"""Certificates: an authority of a test's own, and what servers show that it knows."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


@dataclass(frozen=True)
class Certificate:
    """What a server shows, and its key: PEM files."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class Authority:
    """An authority of this test, and the certificates that it has given."""

    folder: Path

    @property
    def file(self) -> Path:
        """Return its own certificate, which clients are told to believe."""
        return self.folder / "ca.crt"

    def certify(self, name: str) -> Certificate:
        """Make what a server of this name or address shows."""
        key, request, certificate = (
            self.folder / f"{name}.{kind}" for kind in ("key", "csr", "crt")
        )
        kind = "IP" if name[0].isdigit() else "DNS"
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={kind}:{name}\nauthorityKeyIdentifier=keyid\n")
        _openssl("req", "-new", *_KEY, "-subj", "/CN=a server", "-keyout", key, "-out", request)
        signing = ("-CA", self.file, "-CAkey", self.folder / "ca.key", "-CAcreateserial")
        given = ("-days", "2", "-extfile", extensions, "-out", certificate)
        _openssl("x509", "-req", "-in", request, *signing, *given)
        return Certificate(certificate, key)


def authority_in(folder: Path) -> Authority:
    """Make an authority whose files are in this folder."""
    made = Authority(folder)
    usage = ("-addext", "keyUsage=critical,keyCertSign")
    files = ("-keyout", folder / "ca.key", "-out", made.file)
    _openssl("req", "-x509", *_KEY, "-subj", "/CN=an authority", "-days", "2", *usage, *files)
    return made


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)
