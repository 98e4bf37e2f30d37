"""The image that the cluster's nodes run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localcluster import build_inputs, machine, processes

if TYPE_CHECKING:
    from localcluster.console import Console
    from localcluster.docker import Docker
    from localcluster.folders import Folders
    from localcluster.tools import Toolbox

ORDINARY = (
    "kindest/node:v1.35.0@sha256:452d707d4862f52530247495d180205e029056831160e22870e37e3f6c1ac31f"
)
"""The kind project's image of the Kubernetes minor version that this project is tested with."""
OWN = "trading-node"
"""The repository of images that are built here, tagged by the hash of their recipe."""

KEPT_TAGS = 2
"""So many self-built node images are kept, a gigabyte each."""


def find_or_make(docker: Docker, folders: Folders, toolbox: Toolbox, console: Console) -> str:
    """Return a node image that the engine holds: fetched if possible, else built."""
    recipe = folders.node_recipe
    own = f"{OWN}:{build_inputs.content_hash(build_inputs.files_below(recipe, ['.']))}"
    for known in (ORDINARY, own):
        if docker.has_image(known):
            return known
    if docker.pull(ORDINARY, console):
        return ORDINARY
    _build(own, docker, folders, toolbox, console)
    docker.drop_old(own, KEPT_TAGS)
    return own


def _build(
    reference: str, docker: Docker, folders: Folders, toolbox: Toolbox, console: Console
) -> None:
    machine.need_debootstrap(console)
    folders.node_build.mkdir(parents=True, exist_ok=True)
    go = toolbox.go()
    with console.step("building a node image; the first time takes 10 to 20 minutes"):
        processes.stream(
            [folders.node_recipe / "build.sh", reference, folders.node_build],
            console,
            env={**docker.environment, **processes.path_with(go.parent)},
        )
