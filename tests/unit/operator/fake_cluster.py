"""A cluster of one namespace in memory: what the operator relies on, no more.

It keeps the promises of the API server that matter here: names are unique, each change gets a
version, deletes and status writes look at the uid, status writes at the version, too, a pod with a
node ends only when its kubelet says so, and a finished or unscheduled pod goes at once.

Tests change its objects as they like: what differs from what was shown before is a new version.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from symbol_operator.decide.events import EventNote
from symbol_operator.runtime.api import Page
from symbol_operator.runtime.errors import ConflictError, NotFoundError, RefusedError
from symbol_operator.runtime.memory import Memory
from tradingsymbol_api.names import (
    LABEL_FENCES,
    LABEL_MANAGED_BY,
    LABEL_RESOURCE,
    OPERATOR_FIELD_MANAGER,
)
from tradingsymbol_api.reading import Document, mapping, text
from unit.operator.objects import NOW, container, node, terminated, timestamp

T = TypeVar("T")
GRACE = timedelta(seconds=20)


class FakeCluster:
    """Holds TradingSymbols and pods by name, and remembers what was done."""

    def __init__(self) -> None:
        self.now = NOW
        self.symbols: dict[str, dict[str, Any]] = {}
        self.pods: dict[str, dict[str, Any]] = {}
        self.nodes: dict[str, dict[str, Any]] = {"node-1": node()}
        self.writes: list[str] = []
        self.events: dict[str, EventNote] = {}
        self.refusal: Exception | None = None
        self.ending = False
        self.roles = True
        """Whether the operator still has its rights in the namespace."""
        self.called_again: list[object] = []
        """Symbols that the operator wants to look at again."""
        self.reads: list[str] = []
        """Reads of a pod or a resource by its name."""
        self.at_large: set[str] = set()
        """Pods that were given up and whose leaders may trade on: nobody has taken their epoch."""
        self._uids = 0
        self._version = 0
        self._last: dict[tuple[str, str], dict[str, Any]] = {}

    # What the operator does.

    async def namespace_ending(self, name: str) -> bool:
        del name
        return self.ending

    async def resource(self, namespace: str, name: str) -> Document | None:
        del namespace
        self.reads.append("resource")
        return self._shown(self.symbols, name)

    async def pod(self, namespace: str, resource: str) -> Document | None:
        del namespace
        if not self.roles:
            raise RefusedError("pods are forbidden")
        self.reads.append("pod")
        return self._shown(self.pods, f"{resource}-leader")

    async def node(self, name: str) -> Document | None:
        return copied(self.nodes.get(name))

    async def resources(self, namespace: str) -> AsyncIterator[Page]:
        del namespace
        for page in self._pages(self.symbols, list(self.symbols)):
            yield page

    async def leader_pods(self, namespace: str) -> AsyncIterator[Page]:
        del namespace
        for page in self._pages(self.pods, [name for name in self.pods if self._is_ours(name)]):
            yield page

    async def fences(self, namespace: str, resource: str) -> list[Document]:
        del namespace
        names = [fence["metadata"]["name"] for fence in self._fences(resource)]
        return [self._found(self.pods, name) for name in names]

    def _pages(self, objects: dict[str, dict[str, Any]], names: list[str]) -> list[Page]:
        """List objects in pages of two."""
        found: list[Document] = [
            document for name in names if (document := self._shown(objects, name))
        ]
        self._version += 1
        pages = [found[at : at + 2] for at in range(0, len(found), 2)] or [[]]
        return [Page(page, self._version) for page in pages]

    def _is_ours(self, name: str) -> bool:
        return (
            text(self.pods[name], "metadata", "labels", LABEL_MANAGED_BY) == OPERATOR_FIELD_MANAGER
        )

    def _shown(self, objects: dict[str, dict[str, Any]], name: str) -> dict[str, Any] | None:
        """Show an object, in a new version if it has changed since it was shown last."""
        if (document := objects.get(name)) is None:
            return None
        metadata = document["metadata"]
        kind = "pods" if objects is self.pods else "symbols"
        if self._last.get((kind, name)) != document:
            self._version += 1
            metadata["resourceVersion"] = str(self._version)
            self._last[kind, name] = copied(document)
        return copied(document)

    def tell_all(self, memory: Memory) -> None:
        """Have the watches tell what has changed since they told last."""
        for name in list(self.symbols):
            memory.resources.put(self._found(self.symbols, name))
        for name in list(self.pods):
            pod = self._found(self.pods, name)
            if self._is_ours(name) and (objects := memory.kind_of(pod)) is not None:
                objects.put(pod)
        for kind, name in list(self._last):
            if name not in (self.pods if kind == "pods" else self.symbols):
                ended = self._ended(kind, name)
                objects = memory.kind_of(ended) if kind == "pods" else memory.resources
                if objects is not None:
                    objects.end(ended)

    def _ended(self, kind: str, name: str) -> dict[str, Any]:
        """Show an object that is gone: its end is a version, too."""
        self._version += 1
        document = self._last.pop((kind, name))
        document["metadata"]["resourceVersion"] = str(self._version)
        return document

    async def create_pod(self, pod: Mapping[str, Any]) -> Document:
        name = pod["metadata"]["name"]
        if self.refusal is not None:
            raise self.refusal
        if name in self.pods:
            raise ConflictError(f"pod {name} exists")
        self.writes.append("fence" if LABEL_FENCES in pod["metadata"]["labels"] else "create")
        created = copied(dict(pod))
        created["metadata"] |= {"uid": self.new_uid(), "creationTimestamp": timestamp(self.now)}
        created["status"] = {"phase": "Pending"}
        self.pods[name] = created
        return self._found(self.pods, name)

    def _found(self, objects: dict[str, dict[str, Any]], name: str) -> Document:
        found = self._shown(objects, name)
        assert found is not None
        return found

    async def delete_pod(self, namespace: str, resource: str, uid: str, *, force: bool) -> Document:
        del namespace
        name = f"{resource}-leader"
        pod = self.pods.get(name)
        if pod is None:
            raise NotFoundError(name)
        if pod["metadata"]["uid"] != uid:
            raise ConflictError(f"pod {name} is another one")
        self.writes.append("force" if force else "delete")
        finished = text(pod, "status", "phase") in {"Succeeded", "Failed"}
        if force and not finished:
            self.at_large.add(uid)
        if force or finished or not text(pod, "spec", "nodeName"):
            self._found(self.pods, name)
            del self.pods[name]
            return self._ended("pods", name)
        pod["metadata"].setdefault("deletionTimestamp", timestamp(self.now + GRACE))
        return self._found(self.pods, name)

    async def delete_fence(self, namespace: str, name: str, uid: str) -> Document:
        del namespace
        if name not in self.pods or self.pods[name]["metadata"]["uid"] != uid:
            raise NotFoundError(name)
        self.writes.append("delete fence")
        self._found(self.pods, name)
        del self.pods[name]
        return self._ended("pods", name)

    async def write_status(self, patch: Mapping[str, Any]) -> Document:
        name = patch["metadata"]["name"]
        self._check(name, patch["metadata"])
        self.writes.append("status")
        symbol = self.symbols[name]
        symbol["status"] = merged(mapping(symbol, "status"), patch["status"])
        return self._found(self.symbols, name)

    async def set_finalizers(self, resource: Document, finalizers: Sequence[str]) -> Document:
        name = resource["metadata"]["name"]
        self._check(name, resource["metadata"])
        self.writes.append("finalizers")
        self.symbols[name]["metadata"]["finalizers"] = list(finalizers)
        found = self._found(self.symbols, name)
        self._let_go(name)
        return found

    async def set_managed_fields(
        self, resource: Document, entries: Sequence[Mapping[str, Any]]
    ) -> Document:
        name = resource["metadata"]["name"]
        self._check(name, resource["metadata"])
        self.writes.append("owners")
        self.symbols[name]["metadata"]["managedFields"] = list(entries)
        return self._found(self.symbols, name)

    def _check(self, name: str, expected: Mapping[str, Any]) -> None:
        """Refuse a write to another resource, or to another version, than was read."""
        found = self._shown(self.symbols, name)
        if found is None:
            raise NotFoundError(name)
        for precondition in ("uid", "resourceVersion"):
            if found["metadata"][precondition] != expected[precondition]:
                raise ConflictError(f"{name} has changed")

    def tell(self, resource: Document, event: EventNote, happened: datetime) -> None:
        """Take an Event, as the operator's queue does."""
        del happened
        self.events.setdefault(event.name(resource), event)

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

    def change(self, name: str, **spec: object) -> None:
        """Change what is asked for."""
        self.symbols[name]["spec"] |= spec
        self.symbols[name]["metadata"]["generation"] += 1

    def delete_symbol(self, name: str, *finalizers: str) -> None:
        """Delete it as a user does; `finalizers` are Kubernetes' own."""
        metadata = self.symbols[name]["metadata"]
        metadata["deletionTimestamp"] = timestamp(self.now)
        metadata["finalizers"] = [*metadata.get("finalizers", ()), *finalizers]
        self._let_go(name)

    def annotate(self, name: str, key: str, value: str) -> None:
        self.symbols[name]["metadata"].setdefault("annotations", {})[key] = value
        self._let_go(name)

    def _let_go(self, name: str) -> None:
        """Have a deleted resource that nothing holds be gone."""
        metadata = self.symbols[name]["metadata"]
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
                ended = container(terminated(0 if words else 1, words), name="fence")
                pod["status"] = {"phase": phase, "containerStatuses": ended}
                if words:
                    self.at_large.discard(pod["metadata"]["labels"][LABEL_FENCES])

    def finish(self, name: str, phase: str = "Failed", words: str = "") -> None:
        """Have the leader end; a terminating pod goes with that."""
        pod = self.pods[f"{name}-leader"]
        if "deletionTimestamp" in pod["metadata"]:
            del self.pods[f"{name}-leader"]
            return
        ended = container(terminated(0 if phase == "Succeeded" else 1, words))
        pod["status"] = {"phase": phase, "containerStatuses": ended}

    def finish_beside_a_sidecar(self, name: str, words: str) -> None:
        """Have the leader end well, and something that others have added run on."""
        sidecar = {"name": "proxy", "ready": True, "state": {"running": {}}}
        self.pods[f"{name}-leader"]["status"] = {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "False"}],
            "containerStatuses": [sidecar, *container(terminated(0, words), ready=False)],
        }


def copied(document: T) -> T:
    """Copy what an API server sends: JSON, and nothing of ours."""
    copy: T = json.loads(json.dumps(document))
    return copy


def merged(present: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Apply a merge patch as RFC 7386 has it."""
    result = dict(present)
    for name, value in patch.items():
        if isinstance(value, Mapping):
            before = result.get(name)
            result[name] = merged(before if isinstance(before, Mapping) else {}, value)
        elif value is None:
            result.pop(name, None)
        else:
            result[name] = copied(value)
    return result
