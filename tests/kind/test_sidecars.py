"""Leaders beside a sidecar that others add to each pod, as a service mesh does.

What ends is the leader; what runs beside it runs on until its pod is deleted. The kubelet says so,
and nothing else can.
"""

import json
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from kind.kubectl import PROJECT, Kubectl, condition, eventually, manifest
from kind.operating import OperatorProcess, prepare_namespace
from kind.trading import image
from support.authorities import authority_in
from support.injector import PORT

SIDECAR = "a-proxy"
"""The kubelet tells of containers in the order of their names: it comes before the leader."""
PROGRAM = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
while True:
    signal.pause()
"""
CONFINED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
INJECTOR = """\
apiVersion: v1
kind: Service
metadata: {{name: injector}}
spec:
  selector: {{app: injector}}
  ports: [{{port: 443, targetPort: {port}}}]
---
apiVersion: v1
kind: Pod
metadata: {{name: injector, labels: {{app: injector}}}}
spec:
  automountServiceAccountToken: false
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    seccompProfile: {{type: RuntimeDefault}}
  containers:
  - name: injector
    image: {image}
    command: [python3, /files/injector.py, /files/tls.crt, /files/tls.key, /files/sidecar.json]
    readinessProbe: {{tcpSocket: {{port: {port}}}, periodSeconds: 1}}
    securityContext:
      allowPrivilegeEscalation: false
      capabilities: {{drop: [ALL]}}
    volumeMounts: [{{name: files, mountPath: /files, readOnly: true}}]
  volumes: [{{name: files, secret: {{secretName: injector}}}}]
"""


@pytest.fixture(scope="module")
def meshed(
    stub_image: str, run_name: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kubectl]:
    """Return kubectl in a trading namespace in which each leader pod gets a sidecar."""
    system = prepare_namespace(f"{run_name}-mesh", secrets=False)
    authority = authority_in(tmp_path_factory.mktemp("mesh"))
    shown = authority.certify(f"injector.{system.namespace}.svc")
    files = {
        "injector.py": (PROJECT / "tests" / "support" / "injector.py").read_bytes(),
        "sidecar.json": json.dumps(sidecar(stub_image)).encode(),
        "tls.crt": shown.certificate.read_bytes(),
        "tls.key": shown.key.read_bytes(),
    }
    data = {name: b64encode(content).decode() for name, content in files.items()}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "injector"}, "data": data}
    system.apply(yaml.safe_dump(secret))
    system.apply(INJECTOR.format(image=image("symbol-trader"), port=PORT))
    system.run("wait", "pod/injector", "--for=condition=Ready", "--timeout=60s")
    kubectl = prepare_namespace(f"{run_name}-meshed")
    system.apply(yaml.safe_dump(webhook(system, kubectl, authority.file.read_bytes())))
    yield kubectl
    system.run("delete", "mutatingwebhookconfiguration", system.namespace)
    for namespace in (kubectl, system):
        namespace.run("delete", "namespace", namespace.namespace, "--wait=false")


def sidecar(reference: str) -> dict[str, Any]:
    """Write a container that runs until it is told to end."""
    command = ["python3", "-c", PROGRAM]
    return {
        "name": SIDECAR,
        "image": reference,
        "command": command,
        "securityContext": CONFINED,
    }


def webhook(system: Kubectl, meshed: Kubectl, authority: bytes) -> dict[str, Any]:
    """Have the API server ask the injector about each pod of the meshed namespace."""
    here = {"kubernetes.io/metadata.name": meshed.namespace}
    service = {"namespace": system.namespace, "name": "injector", "path": "/"}
    asked = {
        "name": "injector.tests.tradingsymbol.dev",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "clientConfig": {"service": service, "caBundle": b64encode(authority).decode()},
        "namespaceSelector": {"matchLabels": here},
        "rules": [
            {
                "apiGroups": [""],
                "apiVersions": ["v1"],
                "operations": ["CREATE"],
                "resources": ["pods"],
            }
        ],
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": system.namespace},
        "webhooks": [asked],
    }


@pytest.fixture(scope="module")
def operator(
    stub_image: str, meshed: Kubectl, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorProcess]:
    """Run an operator for the meshed namespace."""
    process = OperatorProcess(stub_image, [meshed.namespace], tmp_path_factory.mktemp("operator"))
    process.start()
    yield process
    assert process.end() == 0, process.log
    assert "Traceback" not in process.log, process.log


def reason(kubectl: Kubectl, name: str) -> str:
    return str(condition(kubectl.symbol(name), "Ready").get("reason"))


def started(kubectl: Kubectl, name: str, **spec: object) -> str:
    """Switch a symbol on; returns the uid of its leader pod, beside whose leader a sidecar runs."""
    kubectl.apply(manifest(name, "on", **spec))
    eventually(lambda: reason(kubectl, name) == "LeaderReady", what=name)
    pod = kubectl.leader(name)
    assert pod is not None
    status = pod["status"]
    told = [*status["containerStatuses"], *status.get("initContainerStatuses", ())]
    assert {item["name"] for item in told if item["state"].get("running")} == {"leader", SIDECAR}
    return str(pod["metadata"]["uid"])


def stopped(kubectl: Kubectl, name: str) -> bool:
    return kubectl.leader(name) is None and reason(kubectl, name) == "Stopped"


@pytest.mark.usefixtures("operator")
@pytest.mark.parametrize("kind", ["plain", "native"])
def test_a_drained_leader_ends_its_pods_work(meshed: Kubectl, kind: str) -> None:
    name = f"{kind}-drains"
    started(meshed, name)

    meshed.patch(name, "shutdown")
    eventually(lambda: stopped(meshed, name), what=name)

    assert meshed.symbol(name)["spec"]["status"] == "off"
    assert meshed.events(name)["LeaderStopped"].endswith("the shutdown is done")


@pytest.mark.usefixtures("operator")
@pytest.mark.parametrize("kind", ["plain", "native"])
def test_a_deletion_that_waits_for_its_leader_waits_for_no_sidecar(
    meshed: Kubectl, kind: str
) -> None:
    name = f"{kind}-deleted"
    started(meshed, name, deletionPolicy="Drain")

    meshed.run("delete", "tsym", name, "--timeout=60s")
    eventually(lambda: meshed.leader(name) is None, what=name)


@pytest.mark.usefixtures("operator")
def test_a_leader_that_ended_is_replaced_though_a_sidecar_runs_on(meshed: Kubectl) -> None:
    """Switched on again between the leader's off and the end of its pod."""
    uid = started(meshed, "plain-again")

    meshed.patch("plain-again", "shutdown")
    eventually(lambda: meshed.symbol("plain-again")["spec"]["status"] == "off")
    meshed.patch("plain-again", "on")

    def replaced() -> bool:
        pod = meshed.leader("plain-again")
        return pod is not None and pod["metadata"]["uid"] != uid

    eventually(replaced)
    eventually(lambda: reason(meshed, "plain-again") == "LeaderReady")
