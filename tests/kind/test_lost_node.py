"""A node that freezes: its leader is given up and another takes over, on another node."""

import json
import os
import subprocess
from collections.abc import Iterator

import pytest

from kind.kubectl import STATE, Kubectl, condition, eventually, manifest
from kind.operating import OperatorProcess

pytestmark = [pytest.mark.timeout(420), pytest.mark.usefixtures("tidy")]

NOTICED_SECONDS = 180.0
"""Kubernetes calls a silent node lost after 50 s; the taint is tolerated for 10 s."""


def docker(*arguments: str) -> None:
    host = json.loads((STATE / "cluster.json").read_text())["docker_host"]
    engine = os.environ | ({"DOCKER_HOST": host} if host else {})
    subprocess.run(["docker", *arguments], env=engine, check=True, capture_output=True)


@pytest.fixture
def trading_everywhere(kubectl: Kubectl) -> Iterator[str]:
    """Let leaders run on both workers, and return the one that may be frozen."""
    nodes = {node["metadata"]["labels"].get("role"): node for node in kubectl.list("nodes")}
    platform = nodes["platform"]["metadata"]["name"]
    kubectl.run("label", "node", platform, "test-leaders=yes")
    frozen: str = nodes["trading"]["metadata"]["name"]
    kubectl.run("label", "node", frozen, "test-leaders=yes")
    kubectl.run("cordon", platform)
    yield frozen
    kubectl.run("uncordon", platform)
    for node in (platform, frozen):
        kubectl.run("label", "node", node, "test-leaders-")


def test_the_leader_of_a_frozen_node_is_replaced_elsewhere(
    kubectl: Kubectl, operator: OperatorProcess, trading_everywhere: str
) -> None:
    operator.end()
    operator.start(selector={"test-leaders": "yes"})
    kubectl.apply(manifest("frozen", "on"))
    eventually(lambda: condition(kubectl.symbol("frozen"), "Ready").get("status") == "True")
    former = kubectl.leader("frozen")
    assert former is not None
    assert former["spec"]["nodeName"] == trading_everywhere
    kubectl.run("uncordon", elsewhere(kubectl, trading_everywhere))

    docker("pause", trading_everywhere)
    try:
        eventually(
            lambda: node_of(kubectl, "frozen") not in {None, trading_everywhere},
            within=NOTICED_SECONDS,
            what="the leader moves",
        )
        eventually(lambda: condition(kubectl.symbol("frozen"), "Ready").get("status") == "True")
        assert "does not answer" in kubectl.events("frozen")["NodeLost"]
    finally:
        docker("unpause", trading_everywhere)
        operator.end()
        operator.start()
    kubectl.run("wait", "--for=condition=Ready", f"node/{trading_everywhere}", "--timeout=60s")
    # The old pod is gone for good: its name belongs to the new one.
    assert node_of(kubectl, "frozen") != trading_everywhere


def elsewhere(kubectl: Kubectl, node: str) -> str:
    """Find the other node that leaders may run on."""
    names = [item["metadata"]["name"] for item in kubectl.list("nodes", "-l", "test-leaders=yes")]
    (other,) = set(names) - {node}
    return str(other)


def node_of(kubectl: Kubectl, name: str) -> str | None:
    node: str | None = ((kubectl.leader(name) or {}).get("spec") or {}).get("nodeName")
    return node
