"""One cluster of three nodes, made by kind."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localcluster import processes
from localcluster.failure import LocalClusterError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from localcluster.console import Console
    from localcluster.docker import Docker

READY_SECONDS = 180
"""How long three fresh nodes may take until the API server calls them Ready."""
RESUME_SECONDS = 60
"""How long nodes that were stopped may take to come back before they are replaced."""
POLL_SECONDS = 1.0
LEASES = "jsonpath={range .items[*]}{.metadata.name}={.spec.renewTime} {end}"
"""How kubectl is asked for each node's name and its latest sign of life."""
CONTROL_PLANE = "{name}-control-plane"
"""What kind calls the container of the first control plane."""


@dataclass(frozen=True, slots=True)
class KindCluster:
    """The cluster `name` in one engine, whether it exists or not."""

    name: str
    docker: Docker
    console: Console

    @property
    def control_plane(self) -> str:
        """The container that the API server runs in."""
        return CONTROL_PLANE.format(name=self.name)

    @property
    def network(self) -> str:
        """The Docker network of this cluster alone, so that it goes when the cluster goes."""
        return f"kind-{self.name}"

    @property
    def _environment(self) -> Mapping[str, str]:
        return {**self.docker.environment, "KIND_EXPERIMENTAL_DOCKER_NETWORK": self.network}

    def nodes(self) -> dict[str, str]:
        """Return the containers of its nodes and their states."""
        return self.docker.containers(f"label=io.x-k8s.kind.cluster={self.name}")

    def workers(self) -> list[str]:
        """Return the nodes that pods are scheduled on."""
        return sorted(node for node in self.nodes() if node != self.control_plane)

    def create(self, kind: Path, config: Path, image: str, kubeconfig: Path) -> None:
        """Make it; its kubeconfig is written to a file of its own."""
        argv: list[str | Path] = [kind, "create", "cluster", "--name", self.name, "--image", image]
        argv += ["--config", config, "--kubeconfig", kubeconfig]
        with self.console.step(f"creating the cluster {self.name} of {image}"):
            processes.stream(argv, self.console, env=self._environment, shown=_is_progress)

    def stay_down(self) -> None:
        """Let the engine's start not bring the nodes back: `resume` does, when they are wanted."""
        self.docker.check("update", "--restart=no", *self.nodes())

    def resume(self) -> bool:
        """Start nodes that were stopped and thaw those that were frozen; tell if there were any."""
        states = sorted(self.nodes().items())
        for node, state in states:
            if state == "paused":
                self.docker.check("unpause", node)
            elif state != "running":
                self.console.say(f"starting the node {node}, which was {state}")
                self.docker.check("start", node)
        return any(state != "running" for _, state in states)

    def export_kubeconfig(self, kind: Path, kubeconfig: Path) -> None:
        """Write the kubeconfig again, as the cluster is reached now."""
        command: list[str | Path] = [kind, "export", "kubeconfig", "--name", self.name]
        processes.check([*command, "--kubeconfig", kubeconfig], env=self._environment)

    def wait_until_ready(self, kubectl: Sequence[str | Path], seconds: float) -> bool:
        """Wait until every node is Ready; False if it does not come to that.

        An API server that is still starting refuses connections, and is asked again.
        """
        deadline = time.monotonic() + seconds
        wait = [*kubectl, "wait", "nodes", "--all", "--for=condition=Ready"]
        with self.console.step("waiting for the nodes to be Ready"):
            while (left := deadline - time.monotonic()) > 0:
                if processes.capture([*wait, f"--timeout={left:.0f}s"], timeout=left + 1).ok:
                    return True
                time.sleep(POLL_SECONDS)
            return False

    def wait_until_heard(self, kubectl: Sequence[str | Path], seconds: float) -> bool:
        """Wait until every node has renewed its lease; False if it does not come to that.

        Nodes that were stopped all at once are Ready on record: nobody was left to miss them.
        """
        deadline = time.monotonic() + seconds
        ask = [*kubectl, "get", "leases", "--namespace", "kube-node-lease", "--output", LEASES]
        first: set[str] = set()
        with self.console.step("waiting to hear from the nodes"):
            while (left := deadline - time.monotonic()) > 0:
                leases = set(processes.capture(ask, timeout=left + 1).out.split())
                first = first or leases
                if leases and not leases & first:
                    return True
                time.sleep(POLL_SECONDS)
            return False

    def delete(self) -> None:
        """Remove its containers, their volumes and its network."""
        nodes = self.nodes()
        if nodes:
            with self.console.step(f"deleting the cluster {self.name}"):
                self.docker.check("rm", "--force", "--volumes", *nodes)
        if self.docker.capture("network", "inspect", self.network).ok:
            self.docker.check("network", "rm", self.network)

    def load(self, kind: Path, references: list[str]) -> None:
        """Put images into the workers, those that are not there yet."""
        workers = self.workers()
        if not workers:
            raise LocalClusterError(f"there is no cluster {self.name} to load images into")
        missing = {node: self._missing(node, references) for node in workers}
        wanted = sorted({reference for each in missing.values() for reference in each})
        if not wanted:
            self.console.say("the nodes have all images")
            return
        argv: list[str | Path] = [kind, "load", "docker-image", *wanted, "--name", self.name]
        argv += ["--nodes", ",".join(node for node in workers if missing[node])]
        with self.console.step(f"loading into the nodes: {', '.join(wanted)}"):
            processes.check(argv, env=self._environment)

    def _missing(self, node: str, references: list[str]) -> list[str]:
        out = self.docker.check("exec", node, "ctr", "-n", "k8s.io", "images", "ls", "-q")
        held = set(out.split())
        return [each for each in references if full_name(each) not in held]


def full_name(reference: str) -> str:
    """Spell an image reference as containerd does."""
    first, slash, _ = reference.partition("/")
    if not slash:
        return f"docker.io/library/{reference}"
    has_registry = "." in first or ":" in first or first == "localhost"
    return reference if has_registry else f"docker.io/{reference}"


def _is_progress(line: str) -> bool:
    """Return whether kind reports a step as done or failed; the rest is advice and decoration."""
    return line.lstrip().startswith(("✓", "✗", "ERROR"))
