"""Base images made of Debian packages, for a machine that reaches no image registry."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from localcluster import build_inputs, machine, processes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localcluster.console import Console
    from localcluster.docker import Docker

SUITE = "bookworm"
"""The Debian release, the one that the ordinary images are made of, too."""
CA_BUNDLE = "etc/ssl/certs/ca-certificates.crt"
"""Where Debian keeps the certificate authorities that it trusts."""

_LEFT_OUT = (
    "usr/share/doc/*",
    "usr/share/info/*",
    "usr/share/locale/*",
    "usr/share/man/*",
    "var/cache/*",
    "var/lib/apt/lists/*",
    "var/log/*",
)


@dataclass(frozen=True, slots=True)
class DebianRoot:
    """A root file system of packages, to be imported as an image."""

    repository: str
    packages: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    """Glob patterns of what the image can do without."""
    trusts_as_this_machine: bool = False
    """Whether the image trusts this machine's certificate authorities instead of Debian's."""

    def reference(self) -> str:
        """Name the image: after the recipe and the files that are put into it."""
        recipe = "\n".join([SUITE, *self.packages, "-", *_LEFT_OUT, *self.left_out])
        return (
            f"{self.repository}:{build_inputs.content_hash({**self._files(), '': recipe.encode()})}"
        )

    def _files(self) -> dict[str, bytes]:
        bundle = ca_bundle(os.environ) if self.trusts_as_this_machine else b""
        return {CA_BUNDLE: bundle} if bundle else {}

    def make(self, docker: Docker, cache: Path, console: Console) -> str:
        """Make the image; returns its reference."""
        machine.need_debootstrap(console)
        reference = self.reference()
        with (
            console.step(f"making {reference} of Debian packages"),
            tempfile.TemporaryDirectory(dir=cache) as folder,
        ):
            self._make(reference, Path(folder) / "root", docker, cache)
        return reference

    def _make(self, reference: str, root: Path, docker: Docker, cache: Path) -> None:
        packages = cache / "debs"
        packages.mkdir(exist_ok=True)
        processes.check(
            [
                "debootstrap",
                "--variant=minbase",
                f"--cache-dir={packages}",
                f"--include={','.join(self.packages)}",
                SUITE,
                root,
            ]
        )
        for pattern in (*_LEFT_OUT, *self.left_out):
            for path in root.glob(pattern):
                _remove(path)
        for name, content in self._files().items():
            (root / name).write_bytes(content)
        archive = root.with_suffix(".tar")
        processes.check(["tar", "-C", root, "-cf", archive, "."])
        docker.check("import", str(archive), reference)


def ca_bundle(environ: Mapping[str, str]) -> bytes:
    """Read the certificate authorities that pip trusts here; empty where no file names them."""
    named = environ.get("PIP_CERT") or environ.get("SSL_CERT_FILE")
    file = Path(named or f"/{CA_BUNDLE}")
    return file.read_bytes() if file.is_file() else b""


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
