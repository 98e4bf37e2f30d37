"""An archive: the plug-in, the packages that it needs, and what starts it."""

import gzip
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from krew.platforms import Platform

PROJECT: Final = Path(__file__).parents[2]
REQUIREMENTS: Final = PROJECT / "requirements" / "kubectl.txt"
PROGRAM: Final = "kubectl-trading_symbols"
"""krew writes the hyphens of a plug-in's name as underscores; kubectl reads them so."""
OURS: Final = (PROJECT / "operator" / "kubectl_trading", PROJECT / "crds" / "tradingsymbol_api")
UNUSED: Final = frozenset(
    {"aiohappyeyeballs", "aiohttp", "aiohttp_retry", "aiosignal", "attr", "attrs", "frozenlist"}
    | {"multidict", "propcache", "yarl"}
)
"""Packages of `kubernetes.aio` alone, which the plug-in does not load."""
EXECUTABLE, READABLE = 0o755, 0o644


def build(platform: Platform, pythons: Sequence[str], version: str, archive: Path) -> None:
    """Write the archive for a platform and versions of Python, such as 3.11."""
    with TemporaryDirectory() as made:
        root, installed = Path(made) / "root", Path(made) / "installed"
        folders = {python: installed / python for python in pythons}
        for python, folder in folders.items():
            _install(platform, python, folder)
        share(folders, root)
        for package in OURS:
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(package, root / "lib" / package.name, ignore=ignored)
        _write_metadata(root / "lib", version)
        shutil.copy(PROJECT / "LICENSE", root)
        shutil.copy(Path(__file__).with_name("launcher.py"), root / PROGRAM)
        (root / PROGRAM).chmod(EXECUTABLE)
        pack(root, archive)


def share(folders: dict[str, Path], root: Path) -> None:
    """Move what is compiled into `lib-PYTHON`, and the rest, which all have, into `lib`."""
    for python, folder in folders.items():
        for entry in sorted(folder.iterdir()):
            home = root / (f"lib-{python}" if _is_compiled(entry) else "lib")
            home.mkdir(parents=True, exist_ok=True)
            if not (home / entry.name).exists():
                entry.rename(home / entry.name)


def pack(root: Path, archive: Path) -> None:
    """Write a folder's files; the same files make the same archive."""
    with (
        archive.open("wb") as raw,
        gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed,
        tarfile.open(mode="w", fileobj=packed) as tar,
    ):
        for path in sorted(root.rglob("*")):
            if path.is_file():
                tar.add(path, str(path.relative_to(root)), filter=_anonymous)


def _install(platform: Platform, python: str, folder: Path) -> None:
    """Install the locked packages as they are for another machine, but for what is not used."""
    options = [f"--platform={tag}" for tag in platform.tags]
    options += [f"--python-version={python}", "--implementation=cp", "--only-binary=:all:"]
    subprocess.run(  # noqa: S603 - no shell
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *(*options, "--no-deps", "--no-compile", "--require-hashes"),
            *("--target", str(folder), "--requirement", str(REQUIREMENTS)),
        ],
        check=True,
    )
    for entry in list(folder.iterdir()):
        if entry.name == "bin" or entry.name.partition("-")[0] in UNUSED:
            shutil.rmtree(entry)
    shutil.rmtree(folder / "kubernetes" / "aio")


def _write_metadata(library: Path, version: str) -> None:
    """Let the plug-in find its version."""
    metadata = library / f"trading_operator-{version}.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text(f"Metadata-Version: 2.1\nName: trading-operator\nVersion: {version}\n")


def _is_compiled(entry: Path) -> bool:
    return any(path.suffix == ".so" for path in (entry, *entry.rglob("*")))


def _anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Leave out whose file it was, and when."""
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    entry.mode = EXECUTABLE if entry.mode & 0o100 else READABLE
    return entry
