"""The nodes as what they are here: containers that can be frozen, stopped and looked into."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from kind.kubectl import STATE, Kubectl, KubectlError, eventually
from kind.operating import OperatorProcess

NODE_BACK_S = 120
"""How long a node, or the API server, may take to be itself again."""
WORKERS = Kubectl("default")
TABLES = ("iptables", "ip6tables")
"""A kubelet that cannot reach the API server by one address tries the other one."""
TO_API_SERVER = ("--protocol", "tcp", "--dport", "6443")
FROM_API_SERVER = ("--protocol", "tcp", "--sport", "6443")
CUTS = (
    ("OUTPUT", TO_API_SERVER),
    ("FORWARD", TO_API_SERVER),
    ("INPUT", FROM_API_SERVER),
    ("FORWARD", FROM_API_SERVER),
)
"""Both ways: what the API server sends on an open connection arrives, though nobody answers."""


@dataclass(frozen=True, slots=True)
class Loss:
    """How Docker takes a node away, and brings it back."""

    down: tuple[str, ...]
    up: str


FROZEN = Loss(("pause",), "unpause")
STOPPED = Loss(("stop", "--time=1"), "start")


def docker(*arguments: str) -> str:
    """Give Docker a command; returns what it printed."""
    host = json.loads((STATE / "cluster.json").read_text())["docker_host"]
    engine = os.environ | ({"DOCKER_HOST": host} if host else {})
    done = subprocess.run(
        ["docker", *arguments], env=engine, check=True, capture_output=True, text=True
    )
    return done.stdout


def node(role: str) -> str:
    """Return the name of the node with a role."""
    (found,) = WORKERS.list("nodes", "-l", f"role={role}")
    name: str = found["metadata"]["name"]
    return name


def control_plane() -> str:
    """Return the name of the node that the API server runs on."""
    (found,) = WORKERS.list("nodes", "-l", "node-role.kubernetes.io/control-plane")
    name: str = found["metadata"]["name"]
    return name


@contextmanager
def away(name: str, loss: Loss) -> Iterator[None]:
    """Take a node away, and bring it back."""
    docker(*loss.down, name)
    try:
        yield
    finally:
        docker(loss.up, name)
        eventually(_answers, within=NODE_BACK_S, what="the API server answers")
        _await_ready(name)


@contextmanager
def cut_off(name: str) -> Iterator[None]:
    """Keep a node and its pods from the API server, and from nothing else: what runs there goes on.

    Kubernetes calls it lost as it does any other; it is back at the end.
    """
    rules = [(table, *rule) for table in TABLES for rule in CUTS]
    for table, chain, port in rules:
        docker("exec", name, table, "--insert", chain, *port, "--jump", "DROP")
    try:
        yield
    finally:
        for table, chain, port in rules:
            docker("exec", name, table, "--delete", chain, *port, "--jump", "DROP")
        _await_ready(name)


def _await_ready(name: str) -> None:
    WORKERS.run("wait", f"node/{name}", "--for=condition=Ready", f"--timeout={NODE_BACK_S}s")


@contextmanager
def leaders_on_both_workers(operator: OperatorProcess) -> Iterator[str]:
    """Let leaders run on both workers, for now on the one that may be lost, which it yields."""
    losable, other = node("trading"), node("platform")
    for each in (losable, other):
        WORKERS.run("label", "node", each, "test-leaders=yes")
    WORKERS.run("cordon", other)
    operator.end()
    operator.start(selector={"test-leaders": "yes"})
    try:
        yield losable
    finally:
        let_in(other)
        for each in (losable, other):
            WORKERS.run("label", "node", each, "test-leaders-")
        operator.end()
        operator.start()


@contextmanager
def cordoned(name: str) -> Iterator[None]:
    """Keep new pods from a node, until the end at the latest."""
    WORKERS.run("cordon", name)
    try:
        yield
    finally:
        let_in(name)


def let_in(name: str) -> None:
    """Let pods onto a node that was cordoned."""
    WORKERS.run("uncordon", name)


def _answers() -> bool:
    try:
        return bool(WORKERS.run("get", "--raw", "/readyz", "--request-timeout=5s"))
    except KubectlError:
        return False


def kill_leader(name: str, namespace: str) -> None:
    """Kill the process of a leader on its node, as the kernel would: nobody asks it."""
    script = (
        "for entry in /proc/[0-9]*; do "
        f"if tr '\\0' '\\n' <$entry/environ 2>/dev/null | grep -qx 'SYMBOL_TRADER_NAME={name}' && "
        f"tr '\\0' '\\n' <$entry/environ | grep -qx 'SYMBOL_TRADER_NAMESPACE={namespace}'; "
        "then kill -9 ${entry#/proc/}; fi; done"
    )
    docker("exec", node("trading"), "bash", "-c", script)
