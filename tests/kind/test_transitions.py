"""All that people may ask of a symbol, one thing after the other, whatever its pod is doing.

Each sequence of three has a symbol of its own, and all of them run at once. Whatever came before,
in the end what was asked last is the case. `TRANSITIONS=all` runs every sequence.
"""

import os
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any

import pytest

from kind.kubectl import POLL_SECONDS, Kubectl, condition, eventually, manifest
from kind.operating import OperatorProcess

ACTIONS = ("on", "off", "shutdown", "delete", "re-create")
PHASES = ("at once", "Pending", "Running", "Terminating")
"""What the next step waits for, a moment, for not every step leads there."""
SEQUENCES = list(product(ACTIONS, repeat=3))
PHASE_S = 4.0
SETTLE_S = 240.0
AT_ONCE = 8
SHARE = 25
SEED = 1


def sequences() -> list[tuple[str, ...]]:
    """Return all sequences, or a share in which each step follows each other one."""
    if os.environ.get("TRANSITIONS") == "all":
        return SEQUENCES
    chance = random.Random(SEED)
    return [(first, second, chance.choice(ACTIONS)) for first, second in product(ACTIONS, repeat=2)]


def name_of(number: int) -> str:
    """Return the symbol of a sequence; some leaders take long to end."""
    return f"slow-walk-{number}" if number % 3 == 0 else f"walk-{number}"


def step(kubectl: Kubectl, name: str, action: str) -> None:
    """Do what a person does, whether the resource is there or not."""
    match action:
        case "delete":
            kubectl.run("delete", "tsym", name, "--ignore-not-found", "--wait=false")
        case "re-create":
            kubectl.run("delete", "tsym", name, "--ignore-not-found", "--timeout=60s")
            kubectl.apply(manifest(name, "on"))
        case _ if kubectl.find("tsym", name) is None:
            kubectl.apply(manifest(name, action))
        case _:
            kubectl.patch(name, action)


def phase(pod: dict[str, Any] | None) -> str:
    """Return where a pod is in its life."""
    if pod is None:
        return "none"
    return "Terminating" if "deletionTimestamp" in pod["metadata"] else str(pod["status"]["phase"])


def wait_for(kubectl: Kubectl, name: str, wanted: str) -> str:
    """Wait until the pod is there, or a moment has passed; return where it is."""
    until = time.monotonic() + (0 if wanted == "at once" else PHASE_S)
    while (found := phase(kubectl.leader(name))) != wanted and time.monotonic() < until:
        time.sleep(POLL_SECONDS)
    return found


def walk(kubectl: Kubectl, number: int, actions: tuple[str, ...]) -> list[str]:
    """Take all steps; return what was done, and when."""
    chance = random.Random(f"{SEED} {actions}")
    name, done = name_of(number), []
    for action in actions:
        step(kubectl, name, action)
        done.append(f"{action} ({wait_for(kubectl, name, chance.choice(PHASES))})")
    return done


def settled(kubectl: Kubectl, name: str) -> Callable[[], bool]:
    """Tell whether what was asked last is the case, and nothing else."""

    def probe() -> bool:
        symbol, pod = kubectl.find("tsym", name), kubectl.leader(name)
        if symbol is None:
            return pod is None
        status = symbol.get("status", {})
        if status.get("observedGeneration") != symbol["metadata"]["generation"]:
            return False
        if condition(symbol, "Ready").get("status") != "True":
            return False
        if symbol["spec"]["status"] in {"on", True}:
            uid = pod and pod["metadata"]["uid"]
            return phase(pod) == "Running" and status.get("leader", {}).get("uid") == uid
        return symbol["spec"]["status"] in {"off", False} and pod is None

    return probe


@pytest.mark.usefixtures("tidy")
def test_whatever_was_asked_before_what_was_asked_last_is_the_case(
    kubectl: Kubectl, operator: OperatorProcess
) -> None:
    walks = list(enumerate(sequences()))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        trails = list(pool.map(lambda numbered: walk(kubectl, *numbered), walks))
    for (number, _), trail in zip(walks, trails, strict=True):
        name = name_of(number)
        eventually(settled(kubectl, name), within=SETTLE_S, what=f"{name}: {', '.join(trail)}")
    assert operator.alive
    assert len(trails) >= SHARE
    for pod in kubectl.list("pods"):
        resource = pod["metadata"]["name"].removesuffix("-leader")
        assert kubectl.find("tsym", resource), f"a leader without a resource: {resource}"
