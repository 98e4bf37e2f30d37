"""Programs that are built with Go into the cache where they are not on PATH."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trading-operator"
PACKAGED = CACHE / "go" / "bin" / "go"
"""Where the local cluster puts a Go toolchain if there is none."""


class ProgramMissing(Exception):  # noqa: N818 - a state of the machine
    """A program is not there; the text says how to get it."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program in Go."""

    name: str
    package: str
    version: str

    def find(self) -> Path:
        """Return where it is. Raises `ProgramMissing`."""
        if found := shutil.which(self.name):
            return Path(found)
        if self._built.exists():
            return self._built
        raise ProgramMissing(
            f"{self.name} is not on the PATH: install {self.name} {self.version}, "
            "or Go to build it with"
        )

    def build(self) -> None:
        """Build it. Raises `ProgramMissing` where there is no Go toolchain."""
        go = shutil.which("go") or (str(PACKAGED) if PACKAGED.exists() else None)
        if go is None:
            raise ProgramMissing(f"neither {self.name} nor Go is on the PATH")
        self._built.parent.mkdir(parents=True, exist_ok=True)
        environment = os.environ | {"GOBIN": str(self._built.parent), "CGO_ENABLED": "0"}
        install = [go, "install", f"{self.package}@{self.version}"]
        subprocess.run(install, env=environment, check=True)
        self._built.with_name(self.name).replace(self._built)

    @property
    def _built(self) -> Path:
        return CACHE / "bin" / f"{self.name}-{self.version}"


HELM = Program("helm", "helm.sh/helm/v3/cmd/helm", "v3.22.0")
KWOK = Program("kwok", "sigs.k8s.io/kwok/cmd/kwok", "v0.7.0")
"""Plays the kubelet of nodes that do not exist."""


def ensure(program: Program) -> Path:
    """Return where a program is, once it was built if need be. Raises `ProgramMissing`."""
    try:
        return program.find()
    except ProgramMissing:
        print(f"building {program.name} (some minutes)", flush=True)
        program.build()
        return program.find()
