"""Helm for tests: the program on PATH, or one built with Go into the cache."""

import os
import shutil
import subprocess
from pathlib import Path

VERSION = "v3.22.0"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trading-operator"
BUILT = CACHE / "bin" / f"helm-{VERSION}"
PACKAGED_GO = CACHE / "go" / "bin" / "go"
"""Where the local cluster puts a Go toolchain if there is none."""


class HelmMissing(Exception):  # noqa: N818 - a state of the machine
    """There is no Helm; the text says how to get it."""


def find_program() -> Path:
    """Return the program. Raises `HelmMissing`."""
    if found := shutil.which("helm"):
        return Path(found)
    if BUILT.exists():
        return BUILT
    raise HelmMissing("helm is not on the PATH: install Helm 3.17 or newer, or Go to build it with")


def build() -> None:
    """Build it. Raises `HelmMissing` where there is no Go toolchain."""
    go = shutil.which("go") or (str(PACKAGED_GO) if PACKAGED_GO.exists() else None)
    if go is None:
        raise HelmMissing("neither helm nor Go is on the PATH")
    BUILT.parent.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"GOBIN": str(BUILT.parent), "CGO_ENABLED": "0"}
    subprocess.run(
        [go, "install", f"helm.sh/helm/v3/cmd/helm@{VERSION}"], env=environment, check=True
    )
    BUILT.with_name("helm").replace(BUILT)
