"""A cluster of one namespace in memory: what the operator relies on, no more.

It keeps the promises of the API server that matter here: names are unique, deletes and status
writes look at the uid, a pod with a node ends only when its kubelet says so, and a finished or
unscheduled pod goes at once.
"""

import copy
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from symbol_operator.cluster import ConflictError, NotFoundError, RefusedError
from symbol_operator.news import News
from symbol_operator.observation import Document
from tradingsymbol_api.names import (
    LABEL_FENCES,
    LABEL_MANAGED_BY,
    LABEL_RESOURCE,
    OPERATOR_MANAGER,
)
from tradingsymbol_api.status import CONDITION_OWNER, FIELD_OWNER
from unit.operator.objects import NOW, node, timestamp

GRACE = timedelta(seconds=20)


class FakeCluster:
    """Holds TradingSymbols and pods by name, and remembers what was done."""

    def __init__(self) -> None:
        self.now = NOW
        self.symbols: dict[str, dict[str, Any]] = {}
        self.pods: dict[str, dict[str, Any]] = {}
        self.nodes: dict[str, dict[str, Any]] = {"node-1": node()}
        self.writes: list[str] = []
        self.events: dict[str, News] = {}
        self.refusal: Exception | None = None
        self.ending = False
        self.called_again: list[object] = []
        """Symbols that the operator wants to look at again."""
        self.at_large: set[str] = set()
        """Pods that were given up and whose leaders may trade on: nobody has taken their epoch."""
        self._uids = 0

    # What the operator does.

    async def namespace_ending(self, name: str) -> bool:
        del name
        return self.ending

    async def resource(self, namespace: str, name: str) -> Document | None:
        del namespace
        return copy.deepcopy(self.symbols.get(name))

    async def pod(self, namespace: str, resource: str) -> Document | None:
        del namespace
        return copy.deepcopy(self.pods.get(f"{resource}-leader"))

    async def node(self, name: str) -> Document | None:
        return copy.deepcopy(self.nodes.get(name))

    async def resources(self, namespace: str) -> list[Document]:
        del namespace
        return copy.deepcopy(list(self.symbols.values()))

    async def leader_pods(self, namespace: str) -> AsyncIterator[Document]:
        del namespace
        for pod in copy.deepcopy(list(self.pods.values())):
            if pod["metadata"]["labels"].get(LABEL_MANAGED_BY) == OPERATOR_MANAGER:
                yield pod

    async def fences(self, namespace: str, resource: str) -> tuple[Document, ...]:
        del namespace
        return tuple(copy.deepcopy([*self._fences(resource)]))

    async def create_pod(self, pod: Mapping[str, Any]) -> None:
        name = pod["metadata"]["name"]
        if self.refusal is not None:
            raise self.refusal
        if name in self.pods:
            raise ConflictError(f"pod {name} exists")
        self.writes.append("fence" if LABEL_FENCES in pod["metadata"]["labels"] else "create")
        created = copy.deepcopy(dict(pod))
        created["metadata"] |= {"uid": self.new_uid(), "creationTimestamp": timestamp(self.now)}
        created["status"] = {"phase": "Pending"}
        self.pods[name] = created

    async def delete_pod(self, namespace: str, resource: str, uid: str, *, force: bool) -> None:
        del namespace
        name = f"{resource}-leader"
        pod = self.pods.get(name)
        if pod is None:
            return
        if pod["metadata"]["uid"] != uid:
            raise ConflictError(f"pod {name} is another one")
        self.writes.append("force" if force else "delete")
        finished = pod["status"]["phase"] in {"Succeeded", "Failed"}
        if force and not finished:
            self.at_large.add(uid)
        if force or finished or "nodeName" not in pod["spec"]:
            del self.pods[name]
        else:
            pod["metadata"].setdefault("deletionTimestamp", timestamp(self.now + GRACE))

    async def delete_fence(self, namespace: str, name: str, uid: str) -> None:
        del namespace
        if name in self.pods and self.pods[name]["metadata"]["uid"] == uid:
            self.writes.append("delete fence")
            del self.pods[name]

    async def apply_status(self, document: Mapping[str, Any], manager: str) -> None:
        metadata = document["metadata"]
        symbol = self.symbols.get(metadata["name"])
        if symbol is None:
            raise NotFoundError(metadata["name"])
        if symbol["metadata"]["uid"] != metadata["uid"]:
            raise ConflictError(f"{metadata['name']} is another one")
        self.writes.append(f"status of {manager}")
        symbol["status"] = merged(symbol.get("status", {}), document.get("status", {}), manager)

    async def set_finalizers(self, resource: Document, finalizers: Sequence[str]) -> None:
        name = resource["metadata"]["name"]
        metadata = self.symbols[name]["metadata"]
        if metadata["resourceVersion"] != resource["metadata"]["resourceVersion"]:
            raise ConflictError(f"{name} has changed")
        self.writes.append("finalizers")
        metadata["finalizers"] = list(finalizers)
        self._changed(name)

    async def tell(self, resource: Document, news: News, now: datetime, instance: str) -> None:
        del now, instance
        if self.ending:
            raise RefusedError("the namespace is being terminated")
        self.events.setdefault(news.name(resource), news)

    # What users, leaders and nodes do.

    def new_uid(self) -> str:
        self._uids += 1
        return f"uid-{self._uids}"

    def create_symbol(self, name: str, status: object = "on", **spec: object) -> None:
        metadata = {
            "namespace": "trading",
            "name": name,
            "uid": self.new_uid(),
            "generation": 1,
            "resourceVersion": "1",
        }
        self.symbols[name] = {
            "apiVersion": "tradingsymbol.dev/v1alpha1",
            "kind": "TradingSymbol",
            "metadata": metadata,
            "spec": {"budget": 100, "exchange": "paper", "status": status, **spec},
        }

    def switch(self, name: str, status: str) -> None:
        symbol = self.symbols[name]
        if symbol["spec"]["status"] != status:
            symbol["spec"]["status"] = status
            symbol["metadata"]["generation"] += 1

    def delete_symbol(self, name: str, *finalizers: str) -> None:
        """Delete it as a user does; `finalizers` are Kubernetes' own."""
        metadata = self.symbols[name]["metadata"]
        metadata["deletionTimestamp"] = timestamp(self.now)
        metadata["finalizers"] = [*metadata.get("finalizers", ()), *finalizers]
        self._changed(name)

    def annotate(self, name: str, key: str, value: str) -> None:
        self.symbols[name]["metadata"].setdefault("annotations", {})[key] = value
        self._changed(name)

    def _changed(self, name: str) -> None:
        """Count a change; a deleted resource that nothing holds is gone."""
        metadata = self.symbols[name]["metadata"]
        metadata["resourceVersion"] = str(int(metadata["resourceVersion"]) + 1)
        if "deletionTimestamp" in metadata and not metadata.get("finalizers"):
            del self.symbols[name]

    def run(self, name: str) -> None:
        """Have the node start the leader, and the leader report."""
        pod = self.pods[f"{name}-leader"]
        # A leader takes the epoch first of all.
        self.at_large.clear()
        pod["spec"]["nodeName"] = "node-1"
        pod["status"] = {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True"}],
        }

    def _fences(self, name: str) -> list[dict[str, Any]]:
        labels = {LABEL_FENCES, LABEL_RESOURCE}
        pods = (pod for pod in self.pods.values() if labels <= pod["metadata"]["labels"].keys())
        return [pod for pod in pods if pod["metadata"]["labels"][LABEL_RESOURCE] == name]

    def end_fences(self, name: str, phase: str = "Succeeded") -> None:
        """Have the fences that run take the epochs that they are there for, or fail."""
        words = '{"cause": "fenced"}' if phase == "Succeeded" else ""
        for pod in self._fences(name):
            if pod["status"]["phase"] == "Pending":
                ended = {"terminated": {"exitCode": 0, "message": words}}
                pod["status"] = {"phase": phase, "containerStatuses": [{"state": ended}]}
                if words:
                    self.at_large.discard(pod["metadata"]["labels"][LABEL_FENCES])

    def finish(self, name: str, phase: str = "Failed", words: str = "") -> None:
        """Have the leader end; a terminating pod goes with that."""
        pod = self.pods[f"{name}-leader"]
        if "deletionTimestamp" in pod["metadata"]:
            del self.pods[f"{name}-leader"]
            return
        ended = {"terminated": {"exitCode": 0, "message": words}}
        pod["status"] = {"phase": phase, "containerStatuses": [{"state": ended}]}


def merged(status: dict[str, Any], part: Mapping[str, Any], manager: str) -> dict[str, Any]:
    """Apply a manager's part of a status as the API server does."""
    kept = {name: value for name, value in status.items() if FIELD_OWNER.get(name) != manager}
    others = [
        item for item in status.get("conditions", ()) if CONDITION_OWNER[item["type"]] != manager
    ]
    result = {**kept, **copy.deepcopy(dict(part))}
    conditions = [*others, *part.get("conditions", ())]
    result.pop("conditions", None)
    return result | ({"conditions": conditions} if conditions else {})
