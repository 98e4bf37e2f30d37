"""A node that does not exist: kwok plays its kubelet."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import yaml

from kind.kubectl import KUBECONFIG, STATE, Kubectl
from support.go import KWOK, ensure

NODE = "bench-fake"
LEASE = "--node-lease-duration-seconds=40"
"""Without a lease kwok shows that its node is alive more rarely than Kubernetes expects."""
SELECTOR = {"kwok.x-k8s.io/node": "fake"}


@contextmanager
def fake_node() -> Iterator[None]:
    """Let kwok play the kubelet of one node."""
    cluster = Kubectl("default")
    node = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": NODE, "labels": SELECTOR, "annotations": SELECTOR},
        "spec": {"taints": []},
    }
    selector = ",".join(f"{key}={value}" for key, value in SELECTOR.items())
    options = (f"--kubeconfig={KUBECONFIG}", f"--manage-nodes-with-annotation-selector={selector}")
    with (STATE / "kwok.log").open("wb") as log:
        process = subprocess.Popen(
            [ensure(KWOK), *options, "--manage-all-nodes=false", LEASE],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        cluster.apply(yaml.safe_dump(node))
        cluster.run("wait", "--for=condition=Ready", f"node/{NODE}", "--timeout=60s")
        yield
    finally:
        process.terminate()
        cluster.run("delete", "node", NODE, "--ignore-not-found")
        process.wait(30)
