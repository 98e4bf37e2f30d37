"""What the subcommands do."""

from __future__ import annotations

import json
import shlex
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from localcluster import deploying, locks, machine, nodeimage, record
from localcluster import folders as places
from localcluster.cluster_registry import ClusterRegistry, Situation, Verdict, judge
from localcluster.docker import Docker
from localcluster.docker_discovery import Finder
from localcluster.failure import LocalClusterError
from localcluster.images import Builder
from localcluster.kindcluster import READY_SECONDS, RESUME_SECONDS, KindCluster
from localcluster.record import Record
from localcluster.tools import Toolbox

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from localcluster.console import Console
    from localcluster.folders import Folders

_CALL = "python3 hack/cluster.py"


@dataclass(frozen=True, slots=True)
class Commands:
    """The subcommands, for the clone that `folders` belongs to."""

    folders: Folders
    console: Console

    @property
    def _finder(self) -> Finder:
        return Finder(self.folders, self.console)

    @property
    def _toolbox(self) -> Toolbox:
        return Toolbox(self.folders.cache, self.console)

    @property
    def _registry(self) -> ClusterRegistry:
        return ClusterRegistry(self.folders.cache / "clusters")

    def up(self, name: str) -> None:
        """Make the cluster, or bring back what there is of it; returns once its nodes are Ready."""
        with self._alone():
            known = record.read(self.folders.state)
            if known is not None and known.name != name:
                raise LocalClusterError(
                    f"this clone has the cluster {known.name!r}; `down` it before making {name!r}."
                )
            docker = self._finder.find_or_start(known.docker_host if known else None)
            self._up(KindCluster(name, docker, self.console), known)
        self.console.say(f'the cluster {name} is ready; to use it: eval "$({_CALL} env)"')

    def _up(self, cluster: KindCluster, known: Record | None) -> None:
        kind = self._toolbox.kind()
        verdict = self._judge(cluster, known)
        if verdict is Verdict.REUSE and self._resumed(cluster, kind):
            return
        cluster.delete()
        self._create(cluster, kind)

    def _judge(self, cluster: KindCluster, known: Record | None) -> Verdict:
        clone = str(self.folders.clone)
        owner = self._registry.owner(cluster.name) or (clone if known else None)
        situation = Situation(
            exists=bool(cluster.nodes()),
            owner=owner,
            owner_keeps_it=owner is not None and _keeps(owner, cluster.name),
            complete=known is not None and known.complete,
        )
        verdict = judge(situation, clone)
        if verdict is Verdict.REFUSE_OTHER_CLONE:
            raise LocalClusterError(
                f"the cluster {cluster.name!r} belongs to the clone {owner}; `down` it there, or "
                "choose another name (--name, TRADING_CLUSTER)."
            )
        if verdict is Verdict.REFUSE_STRANGER:
            raise LocalClusterError(
                f"there is a cluster {cluster.name!r} that this project did not make; "
                "choose another name (--name, TRADING_CLUSTER)."
            )
        return verdict

    def _resumed(self, cluster: KindCluster, kind: Path) -> bool:
        were_away = cluster.resume()
        cluster.export_kubeconfig(kind, self.folders.kubeconfig)
        self._link_tools(cluster, kind)
        heard = not were_away or cluster.wait_until_heard(self.kubectl(), RESUME_SECONDS)
        ready = heard and cluster.wait_until_ready(self.kubectl(), RESUME_SECONDS)
        if not ready:
            self.console.say(
                "the cluster does not come back; it is created again, and starts empty"
            )
        return ready

    def _create(self, cluster: KindCluster, kind: Path) -> None:
        toolbox = self._toolbox
        image = nodeimage.find_or_make(cluster.docker, self.folders, toolbox, self.console)
        if machine.is_linux():
            machine.raise_inotify_limits(self.console)
        self._registry.claim(cluster.name, str(self.folders.clone))
        made = Record(cluster.name, cluster.docker.host, image, complete=False)
        record.write(self.folders.state, made)
        config = self.folders.plan
        cluster.create(kind, config, image, self.folders.kubeconfig)
        if cluster.docker.host == self._finder.engine.docker.host:
            # Our engine starts for whatever clone asks; another's cluster would share the machine.
            cluster.stay_down()
        self._link_tools(cluster, kind)
        ready = cluster.wait_until_ready(self.kubectl(), READY_SECONDS)
        if not ready:
            raise LocalClusterError(f"not all nodes are Ready after {READY_SECONDS} s")
        record.write(self.folders.state, replace(made, complete=True))

    def _link_tools(self, cluster: KindCluster, kind: Path) -> None:
        built = self.folders.node_build / "bin" / "kubectl"
        kubectl = self._toolbox.kubectl(cluster.docker, cluster.control_plane, built)
        self.folders.tools.mkdir(parents=True, exist_ok=True)
        for name, tool in (("kubectl", kubectl), ("kind", kind)):
            link = self.folders.tools / name
            link.unlink(missing_ok=True)
            link.symlink_to(tool)

    def kubectl(self) -> list[str | Path]:
        """Begin a kubectl command line that leaves the user's own files alone."""
        options: list[str | Path] = ["--kubeconfig", self.folders.kubeconfig]
        return [self.folders.tools / "kubectl", *options, "--cache-dir", self.folders.kubectl_cache]

    def images(self) -> str:
        """Build this project's images and load them; return and write down their references."""
        with self._alone():
            cluster = self._cluster()
            references = Builder(cluster.docker, self.folders, self.console).build()
            cluster.load(self.folders.tools / "kind", list(references.values()))
            text = json.dumps(references, indent=2) + "\n"
            self.folders.image_references.write_text(text)
        return text

    def deploy(self, market: Sequence[str] = ()) -> None:
        """Install the demonstration: database, paper exchange, operator, trading namespaces.

        `market`: more arguments for the paper exchange.
        """
        with self._alone():
            self._cluster()
            if not self.folders.image_references.exists():
                raise LocalClusterError(f"there are no images yet; build them: {_CALL} images")
            references = json.loads(self.folders.image_references.read_text())
            deploying.deploy(
                self.kubectl(), self.folders.deployment, references, market, self.console
            )

    def load(self, references: list[str]) -> None:
        """Load other images that the engine holds into the cluster."""
        with self._alone():
            self._cluster().load(self.folders.tools / "kind", references)

    def env(self) -> None:
        """Print shell commands after which kubectl, kind and docker mean this cluster."""
        known = self._known()
        variables = {
            "KUBECONFIG": str(self.folders.kubeconfig),
            "KUBECACHEDIR": str(self.folders.kubectl_cache),
        }
        if known.docker_host is not None:
            variables["DOCKER_HOST"] = known.docker_host
        for name, value in variables.items():
            print(f"export {name}={shlex.quote(value)}")  # noqa: T201 - the result
        print(f'export PATH={shlex.quote(str(self.folders.tools))}:"$PATH"')  # noqa: T201 - the result

    def down(self, name: str) -> None:
        """Delete the cluster, and end the own engine once nothing runs on it."""
        with self._alone():
            known = record.read(self.folders.state)
            target = known.name if known else name
            for docker in self._dockers_to_clear(known):
                cluster = KindCluster(target, docker, self.console)
                if self._judge(cluster, known) is not Verdict.CREATE:
                    cluster.delete()
            self._registry.release(target)
            self._forget()
        self._finder.engine.stop_if_idle(self.console)
        self.console.say(
            f"the cluster {target} is gone; built images and tools stay in Docker "
            f"and in {self.folders.cache}"
        )

    def _dockers_to_clear(self, known: Record | None) -> list[Docker]:
        """Where the cluster is on record, or without a record, wherever it may be."""
        if known is None:
            return self._finder.answering()
        return [self._finder.find_or_start(known.docker_host)]

    def _forget(self) -> None:
        for file in (self.folders.kubeconfig, self.folders.image_references):
            file.unlink(missing_ok=True)
        for link in ("kubectl", "kind"):
            (self.folders.tools / link).unlink(missing_ok=True)
        if self.folders.tools.exists():
            self.folders.tools.rmdir()
        for folder in (self.folders.kubectl_cache, self.folders.deployment):
            shutil.rmtree(folder, ignore_errors=True)
        record.forget(self.folders.state)

    def _known(self) -> Record:
        known = record.read(self.folders.state)
        if known is None or not known.complete:
            raise LocalClusterError(f"there is no cluster yet; make it: {_CALL} up")
        return known

    def _cluster(self) -> KindCluster:
        known = self._known()
        docker = Docker(known.docker_host)
        if not docker.answers():
            raise LocalClusterError(f"its Docker does not answer; bring it back: {_CALL} up")
        return KindCluster(known.name, docker, self.console)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One command at a time in this clone; the engine stays while it works."""
        self.folders.cache.mkdir(parents=True, exist_ok=True)
        self.folders.state.mkdir(exist_ok=True)
        waiting = "another command works on this clone's cluster; waiting for it"
        with (
            locks.exclusive(self.folders.state / "lock", lambda: self.console.say(waiting)),
            self._finder.engine.in_use(),
        ):
            yield


def _keeps(clone: str, name: str) -> bool:
    """Return whether a clone is still there and has the cluster `name` on record."""
    known = record.read(Path(clone) / places.STATE)
    return known is not None and known.name == name
