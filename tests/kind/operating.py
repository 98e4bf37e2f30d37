"""The operator as a process against the cluster, with leaders that trade nothing."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from kind.kubectl import KUBECONFIG, PROJECT, STATE, Kubectl, eventually

STUB = Path(__file__).parent / "stub"
CLUSTER = PROJECT / "hack" / "cluster.py"
STOP_SECONDS = 15
ON_TRADING_NODE = {"role": "trading"}


def load_stub() -> str:
    """Build the image of the leader that trades nothing; returns its reference on the nodes."""
    base = json.loads((STATE / "images.json").read_text())["symbol-operator"]
    content = b"".join(path.read_bytes() for path in sorted(STUB.iterdir()) if path.is_file())
    digest = hashlib.sha256(base.encode() + content).hexdigest()[:12]
    reference = f"stub-leader:{digest}"
    host = json.loads((STATE / "cluster.json").read_text())["docker_host"]
    engine = os.environ | ({"DOCKER_HOST": host} if host else {}) | {"DOCKER_BUILDKIT": "0"}
    build = ["docker", "build", "--tag", reference, "--build-arg", f"BASE={base}", str(STUB)]
    subprocess.run(build, env=engine, check=True, capture_output=True)
    load = [sys.executable, str(CLUSTER), "load", reference]
    subprocess.run(load, check=True, capture_output=True)
    return reference


NOWHERE = "ws://nowhere:9443"
NO_DATABASE = "postgresql://nowhere/trading"
PROXY_SECRET = "exchange-proxy"
"""What the entry `proxied` names. No leader starts without it."""


def prepare_namespace(
    namespace: str, *, secrets: bool = True, database: str = NO_DATABASE
) -> Kubectl:
    """Make a trading namespace as an installation does."""
    kubectl = Kubectl(namespace)
    folder = STATE / "namespaces" / namespace
    folder.mkdir(parents=True, exist_ok=True)
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": namespace,
        "components": ["../../../manifests/components/trading-namespace"],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    kubectl.run("apply", "-k", str(folder))
    kubectl.apply(election_rights(namespace))
    if secrets:
        create_secrets(kubectl, database)
    return kubectl


def election_rights(namespace: str) -> str:
    """Write the rights that elect an operator, for one whose own namespace is this one."""
    text = (PROJECT / "manifests" / "base" / "rbac.yaml").read_text(encoding="utf-8")
    found = [d for d in yaml.safe_load_all(text) if d["kind"] in {"Role", "RoleBinding"}]
    for document in found:
        document["metadata"]["namespace"] = namespace
    return yaml.safe_dump_all(found)


def create_secrets(kubectl: Kubectl, database: str = NO_DATABASE) -> None:
    """Create the Secrets that a leader needs."""
    key = ("--from-literal=api-key=paper", "--from-literal=api-secret=paper-secret")
    kubectl.run("create", "secret", "generic", "paper-credentials", *key)
    url = f"--from-literal=url={database}"
    kubectl.run("create", "secret", "generic", "trading-database", url)


def prepare_operator(kubeconfig: Path) -> Path:
    """Give the operator the rights of an installation; writes a kubeconfig with no others."""
    base = PROJECT / "manifests" / "base"
    system = Kubectl("trading-system")
    system.run("apply", "-f", str(base / "namespace.yaml"), "-f", str(base / "rbac.yaml"))
    token = system.run("create", "token", "symbol-operator", "--duration=8h")
    return kubeconfig_with(token, kubeconfig)


def kubeconfig_with(token: str, path: Path) -> Path:
    """Write a kubeconfig whose user has this token and nothing else; returns the path."""
    document = yaml.safe_load(KUBECONFIG.read_text(encoding="utf-8"))
    for user in document["users"]:
        user["user"] = {"token": token}
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def exchange_entry(name: str, environment: str, exchange: str, **more: object) -> dict[str, Any]:
    """Write an exchange entry that leads to this exchange."""
    return {
        "name": name,
        "environment": environment,
        "apiUrl": f"{exchange}/ws-api/v3",
        "streamUrl": exchange,
        "secret": f"{name}-credentials",
        **more,
    }


class OperatorProcess:
    """The operator as a developer runs it, with the rights that it has in a cluster."""

    def __init__(
        self,
        image: str,
        namespaces: list[str],
        folder: Path,
        *,
        exchange: str = NOWHERE,
        entries: Sequence[Mapping[str, Any]] = (),
        resync_s: int | None = 10,
        pod: str = "",
        leader: Mapping[str, Any] | None = None,
    ) -> None:
        """Configure it; `pod` tells the replicas of an installation apart.

        Its exchange entries lead to `exchange`, unless there are `entries`. `leader` is what else
        is configured of leader pods.
        Whoever kills it and starts it anew has restarted the container of one pod.
        """
        self.pod = pod or f"operator-of-{namespaces[0]}"
        self._own = namespaces[0]
        self.kubeconfig = prepare_operator(folder / f"{self.pod}.kubeconfig")
        self._log = folder / f"{self.pod}.log"
        self._config = folder / f"{self.pod}.yaml"
        self._process: subprocess.Popen[bytes] | None = None
        self._image = image
        self._leader = dict(leader or {})
        usual = (
            exchange_entry("paper", "paper", exchange),
            exchange_entry("binance", "live", exchange),
            exchange_entry("proxied", "paper", exchange, proxySecret=PROXY_SECRET),
        )
        self._configuration: dict[str, Any] = {
            "namespaces": list(namespaces),
            "exchanges": [dict(entry) for entry in entries or usual],
            "httpPort": 0,
        }
        if resync_s is not None:
            self._configuration["resyncSeconds"] = resync_s

    def leave(self, namespace: str) -> None:
        """Configure it to leave a namespace, from its next start on."""
        self._configuration["namespaces"].remove(namespace)
        self._configuration["leavingNamespaces"] = [namespace]

    @property
    def log(self) -> str:
        """All that it has said; nothing before it was started."""
        return self._log.read_text(encoding="utf-8") if self._log.exists() else ""

    def start(self, image: str = "", selector: Mapping[str, str] = ON_TRADING_NODE) -> None:
        """Start it, and wait until it watches; leaders have this image, on such nodes."""
        said = len(self.log)
        self.launch(image, selector)
        eventually(
            lambda: "Initial authentication has finished" in self.log[said:], what="operator starts"
        )

    def launch(self, image: str = "", selector: Mapping[str, str] = ON_TRADING_NODE) -> None:
        """Start it, without waiting for anything."""
        own = {"image": image or self._image, "nodeSelector": dict(selector)}
        leader = {**self._leader, **own}
        self._config.write_text(yaml.safe_dump({**self._configuration, "leader": leader}))
        options = [f"--kubeconfig={self.kubeconfig}", f"--config={self._config}"]
        options += [f"--pod={self.pod}", f"--pod-namespace={self._own}"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "symbol_operator", "run", *options],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            )

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it by a signal; returns its exit code."""
        assert self._process is not None
        self._process.send_signal(number)
        code = self._process.wait(timeout=STOP_SECONDS)
        self._process = None
        return code

    def kill(self) -> None:
        """Kill it, without waiting for its end; from any thread."""
        process = self._process
        if process is not None:
            process.kill()

    def reap(self) -> None:
        """Wait for the end of one that was killed."""
        if self._process is not None:
            self._process.wait(timeout=STOP_SECONDS)
            self._process = None

    def endpoint(self, path: str) -> tuple[int, str]:
        """Ask one of its endpoints; returns status and text."""
        port = re.findall(r"Serving .*\('[0.:]+', (\d+)", self.log)[-1]
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as exc:
            return exc.code, exc.read().decode()

    @property
    def pid(self) -> int:
        """The process id of one that runs."""
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it runs and has not ended by itself."""
        return self._process is not None and self._process.poll() is None
