"""The local cluster that `sh cluster` blocks run on: this clone's, with the demonstration."""

import os
import subprocess
from typing import Final

from docwalk.pages import Block, Kind, Page
from docwalk.workplace import PROJECT, Workplace
from localcluster.folders import Folders, locate
from localcluster.record import Record, read

DEMONSTRATION: Final = Block(1, Kind.CLUSTER, "make demo\n")
"""What a page finds: it brings that back, whatever the page before has done."""
FOLDERS: Final = locate(project=PROJECT)


def find_cluster(folders: Folders = FOLDERS) -> Record | None:
    """Return this clone's cluster; None unless it is up and has had images."""
    record = read(folders.state)
    ready = record and record.complete and folders.image_references.exists()
    return record if ready and _answers(folders) else None


def _answers(folders: Folders) -> bool:
    kubectl = (folders.tools / "kubectl", "--kubeconfig", folders.kubeconfig)
    ask = (*kubectl, "--cache-dir", folders.kubectl_cache, "--request-timeout=10s", "get", "nodes")
    return subprocess.run(ask, capture_output=True, check=False).returncode == 0


def blocks(page: Page) -> list[Block]:
    """Return what is run of a page on the cluster; nothing if it has no such block."""
    found = page.walk(Kind.CLUSTER)
    return [DEMONSTRATION, *found] if found else []


def environment(place: Workplace, cluster: Record, folders: Folders = FOLDERS) -> dict[str, str]:
    """Return what a reader's shell has in which kubectl means the local cluster."""
    ours = place.environment()
    host = {"DOCKER_HOST": cluster.docker_host} if cluster.docker_host else {}
    return {
        **ours,
        **host,
        "KUBECONFIG": str(folders.kubeconfig),
        "KUBECACHEDIR": str(folders.kubectl_cache),
        "PATH": os.pathsep.join([str(folders.tools), ours["PATH"]]),
        "TRADING_CLUSTER": cluster.name,
    }
