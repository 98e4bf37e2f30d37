"""The archive that krew installs: made for this machine, and unpacked as krew does it."""

import hashlib
import platform
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any, Final

import yaml

from krew.manifest import NAME
from krew.platforms import PLATFORMS, Platform

MACHINES: Final = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
PYTHON: Final = f"{sys.version_info.major}.{sys.version_info.minor}"
URL: Final = "https://downloads.example.com/v0.1.0"
MACHINES_PYTHON: Final = Path(sys.base_prefix) / "bin"
"""Where the machine's Python is, which has none of our packages."""


def make(folder: Path) -> None:
    """Make the archive and the manifest as `make krew` does, for this machine alone."""
    options = ["--url", URL, "--out", str(folder), "--platform", str(_this_machine())]
    subprocess.run([sys.executable, "-m", "krew", *options, "--python", PYTHON], check=True)


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read the manifest; krew wants the file to have the plug-in's name."""
    found: dict[str, Any] = yaml.safe_load((folder / f"{NAME}.yaml").read_text())
    return found


def unpack(folder: Path) -> Path:
    """Unpack the archive, and link the program, by the manifest; return the program."""
    manifest = read_manifest(folder)
    (entry,) = manifest["spec"]["platforms"]
    archive = folder / str(entry["uri"]).rpartition("/")[2]
    assert hashlib.sha256(archive.read_bytes()).hexdigest() == entry["sha256"]
    store = folder / "store" / NAME / manifest["spec"]["version"]
    with tarfile.open(archive) as tar:
        tar.extractall(store, filter="data")
    link = folder / "bin" / f"kubectl-{manifest['metadata']['name'].replace('-', '_')}"
    link.parent.mkdir()
    link.symlink_to(store / entry["bin"])
    return link


def _this_machine() -> Platform:
    here = (platform.system().lower(), MACHINES[platform.machine()])
    return next(each for each in PLATFORMS if (each.system, each.machine) == here)
