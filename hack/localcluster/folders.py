"""Where things are kept: what belongs to this clone, and what outlives it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PROJECT = Path(__file__).resolve().parents[2]
"""The root of the repository that this file is part of."""
STATE = ".cluster"
"""The folder, in a clone's root, of what belongs to that clone alone."""


@dataclass(frozen=True, slots=True)
class Folders:
    """The folders that this tool writes to. Nothing else of the user's is ever changed."""

    project: Path
    """The repository."""
    cache: Path
    """Shared by all clones of the project: the kind binary, built images, the own engine."""

    @property
    def state(self) -> Path:
        """What belongs to this clone alone: kubeconfig, links to tools, records of what runs."""
        return self.project / STATE

    @property
    def clone(self) -> Path:
        """Whose cluster it is: a copy of a clone that links to its state shares its cluster."""
        return self.state.resolve().parent

    @property
    def kubeconfig(self) -> Path:
        """The cluster's own kubeconfig; the user's stays as it was."""
        return self.state / "kubeconfig"

    @property
    def kubectl_cache(self) -> Path:
        """What kubectl remembers of the API; its default is a folder of the user's."""
        return self.state / "kubectl-cache"

    @property
    def tools(self) -> Path:
        """Links to the kubectl and kind that fit this cluster."""
        return self.state / "bin"

    @property
    def image_references(self) -> Path:
        """JSON: the image names of the manifests and the references that were built for them."""
        return self.state / "images.json"

    @property
    def deployment(self) -> Path:
        """The kustomization of what was deployed last."""
        return self.state / "deploy"

    @property
    def plan(self) -> Path:
        """The cluster's nodes, as kind reads them."""
        return self.project / "hack" / "kind.yaml"

    @property
    def node_recipe(self) -> Path:
        """What a node image is built of where no registry is reached."""
        return self.project / "hack" / "offline" / "node"

    @property
    def engine(self) -> Path:
        """The own Docker engine, where one has to be started."""
        return self.cache / "engine"

    @property
    def node_build(self) -> Path:
        """What a self-built node image is made of."""
        return self.cache / "node"


def locate(environ: Mapping[str, str] = os.environ, project: Path = PROJECT) -> Folders:
    """Return the folders of this clone; the cache follows XDG_CACHE_HOME."""
    root = environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Folders(project=project, cache=Path(root).absolute() / "trading-operator")
