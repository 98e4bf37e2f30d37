"""What the operator asks of the API server, counted by the API server itself.

Its metrics do not name who sent a request, but for the flow of priority and fairness that the
request went through. So the operator gets flows of its own, of its usual priority.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import yaml

from kind.kubectl import Kubectl

PREFIX: Final = "bench-"
READS: Final = "reads"
WRITES: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "pods": ("", ("pods",)),
    "statuses": ("tradingsymbol.dev", ("tradingsymbols", "tradingsymbols/status")),
    "events": ("events.k8s.io", ("events",)),
}
"""Group and resources of what the operator writes, by the name of the flow."""
DISPATCHED: Final = re.compile(
    rf'apiserver_flowcontrol_dispatched_requests_total{{flow_schema="{PREFIX}(\w+)",'
    r"[^}]*} (\S+)"
)

Counts = Mapping[str, float]


def _flow(name: str, group: str, resources: tuple[str, ...], verbs: list[str]) -> dict[str, Any]:
    account = {"name": "symbol-operator", "namespace": "trading-system"}
    rule = {
        "subjects": [{"kind": "ServiceAccount", "serviceAccount": account}],
        "resourceRules": [
            {
                "verbs": verbs,
                "apiGroups": [group],
                "resources": list(resources),
                "namespaces": ["*"],
                "clusterScope": True,
            }
        ],
    }
    return {
        "apiVersion": "flowcontrol.apiserver.k8s.io/v1",
        "kind": "FlowSchema",
        "metadata": {"name": PREFIX + name},
        "spec": {
            "matchingPrecedence": 500,
            "priorityLevelConfiguration": {"name": "workload-low"},
            "distinguisherMethod": {"type": "ByUser"},
            "rules": [rule],
        },
    }


@contextmanager
def counted_apart() -> Iterator[None]:
    """Give the operator's requests flows of their own."""
    cluster = Kubectl("default")
    writing = ["create", "update", "patch", "delete"]
    flows = [
        _flow(READS, "*", ("*",), ["get", "list"]),
        *(_flow(name, group, kinds, writing) for name, (group, kinds) in WRITES.items()),
    ]
    names = [flow["metadata"]["name"] for flow in flows]
    try:
        cluster.apply(yaml.safe_dump_all(flows))
        cluster.run("wait", "flowschema", *names, "--for=condition=Dangling=False")
        yield
    finally:
        cluster.run("delete", "flowschema", *names, "--ignore-not-found")


def numbers(metrics: str) -> dict[str, float]:
    """Read how many requests went through each flow, from the API server's metrics."""
    return {name: float(number) for name, number in DISPATCHED.findall(metrics)}


def per_symbol(before: Counts, after: Counts, symbols: int) -> dict[str, float]:
    """Return how many requests each symbol took, by flow."""
    names = (READS, *WRITES)
    return {name: (after.get(name, 0) - before.get(name, 0)) / symbols for name in names}


def told(found: Counts) -> str:
    """Say how many requests there were, and of what."""
    parts = (f"{number:.2f} {name}" for name, number in found.items())
    return f"{sum(found.values()):.2f} ({', '.join(parts)})"
