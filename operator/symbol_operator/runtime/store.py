"""The cluster as the operator knows it: reads from memory, and writes that the memory learns from.

What is read from the API server is put into the memory, too: nothing is decided from it and then
decided again from something older.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from symbol_operator.observe.labels import is_leader_pod
from symbol_operator.observe.node import node_lost, node_suspect
from symbol_operator.observe.symbol import observe_lifecycle
from symbol_operator.observe.view import View
from symbol_operator.runtime.api import Page
from symbol_operator.runtime.errors import NotFoundError, RefusedError
from symbol_operator.runtime.memory import Key, Memory, Objects
from tradingsymbol_api.names import leader_pod_name
from tradingsymbol_api.reading import Document, holds, text


class ClusterPort(Protocol):
    """What reconciling needs of a cluster; `cluster.Cluster` says what each does."""

    async def namespace_ending(self, name: str) -> bool: ...
    async def resource(self, namespace: str, name: str) -> Document | None: ...
    async def pod(self, namespace: str, resource: str) -> Document | None: ...
    async def node(self, name: str) -> Document | None: ...
    def resources(self, namespace: str) -> AsyncIterator[Page]: ...
    def leader_pods(self, namespace: str) -> AsyncIterator[Page]: ...
    async def fences(self, namespace: str, resource: str) -> list[Document]: ...
    async def create_pod(self, pod: Mapping[str, Any]) -> Document: ...
    async def delete_fence(self, namespace: str, name: str, uid: str) -> Document: ...
    async def delete_pod(
        self, namespace: str, resource: str, uid: str, *, force: bool
    ) -> Document: ...
    async def write_status(self, patch: Mapping[str, Any]) -> Document: ...
    async def set_finalizers(self, resource: Document, finalizers: Sequence[str]) -> Document: ...
    async def set_managed_fields(
        self, resource: Document, entries: Sequence[Mapping[str, Any]]
    ) -> Document: ...


class Store:
    """Reads and writes TradingSymbols and their leader pods."""

    def __init__(
        self,
        cluster: ClusterPort,
        memory: Memory,
        clock: Callable[[], datetime],
        require: Callable[[str], None],
    ) -> None:
        """Take what raises a ClusterError if nothing may be written in a namespace any more."""
        self._require = require
        self._cluster = cluster
        self._clock = clock
        self.memory = memory

    def known(self, key: Key) -> View:
        """Return what is known of a symbol, without asking anybody."""
        pod = self.memory.pods.find(key.namespace, leader_pod_name(key.name))
        resource = self.memory.resources.find(*key)
        return View(resource, pod, fences=self.memory.fences_of(key))

    async def view(self, key: Key, *, fresh: bool) -> View:
        """Return what is known of a symbol; if `fresh`, after reading its pod and its resource.

        The node of a pod that does not end and a namespace that a deletion holds up have no
        watch: they are read.

        Raises:
            ClusterError: the API server could not be asked.

        """
        view = await self._read(key) if fresh else self.known(key)
        lost = False
        if view.pod is not None and node_suspect(view.pod, self._clock()):
            lost = node_lost(await self._cluster.node(text(view.pod, "spec", "nodeName")))
        held_up = view.resource is not None and observe_lifecycle(view.resource).held_up
        ending = held_up and await self._cluster.namespace_ending(key.namespace)
        if fresh and lost:
            await self._read_fences(key)
        return View(view.resource, view.pod, lost, ending, self.memory.fences_of(key))

    async def _read_fences(self, key: Key) -> None:
        """Learn whether one that was created is there, whatever became of the answer."""
        for fence in await self._cluster.fences(*key):
            self.memory.fences.put(fence)

    async def _read(self, key: Key) -> View:
        memory, name = self.memory, leader_pod_name(key.name)
        # The order matters: an ended leader has written before it ended.
        before = memory.pods.version(key.namespace, name)
        pod = await self._pod(key)
        _learn(memory.pods, key.namespace, name, pod if _is_leader(pod) else None, before)
        before = memory.resources.version(*key)
        resource = await self._cluster.resource(*key)
        _learn(memory.resources, *key, resource, before)
        return View(resource, pod)

    async def _pod(self, key: Key) -> Document | None:
        try:
            return await self._cluster.pod(*key)
        except RefusedError:
            # A namespace that is being deleted loses its Roles before the resources that our
            # finalizer keeps. Its pods go with it: nobody has to see to them.
            if not await self._cluster.namespace_ending(key.namespace):
                raise
            return None

    async def compare(self, namespace: str) -> list[Document]:
        """Compare the memory with lists of everything; returns the resources that are gone.

        Raises:
            ClusterError: the API server could not be asked.

        """
        memory = self.memory
        # Pods first, for the same reason as in a single read.
        names, version = await _take(self._cluster.leader_pods(namespace), memory.kind_of)
        for objects in (memory.pods, memory.fences):
            objects.compare(namespace, names, version)
        pages = self._cluster.resources(namespace)
        names, version = await _take(pages, lambda _: memory.resources)
        return memory.resources.compare(namespace, names, version)

    async def create_pod(self, pod: Mapping[str, Any]) -> None:
        """Create a leader pod or a fence; raises as `Cluster.create_pod` does."""
        self._require(pod["metadata"]["namespace"])
        created = await self._cluster.create_pod(pod)
        if (objects := self.memory.kind_of(created)) is not None:
            objects.put(created)

    async def delete_fence(self, key: Key, name: str, uid: str) -> None:
        """Delete the fence with this uid; raises as `Cluster.delete_fence` does."""
        self._require(key.namespace)
        fences = self.memory.fences
        before = fences.version(key.namespace, name)
        try:
            fences.end(await self._cluster.delete_fence(key.namespace, name, uid))
        except NotFoundError:
            _learn(fences, key.namespace, name, None, before)

    async def delete_pod(self, key: Key, uid: str, *, force: bool) -> None:
        """Delete the leader pod with this uid; raises as `Cluster.delete_pod` does."""
        self._require(key.namespace)
        name, pods = leader_pod_name(key.name), self.memory.pods
        before = pods.version(key.namespace, name)
        try:
            deleted = await self._cluster.delete_pod(*key, uid, force=force)
        except NotFoundError:
            _learn(pods, key.namespace, name, None, before)
            return
        at_once = force or not holds(deleted, "metadata", "deletionTimestamp")
        if at_once and not holds(deleted, "metadata", "finalizers"):
            pods.end(deleted)
        else:
            pods.put(deleted)

    async def write_status(self, key: Key, patch: Mapping[str, Any]) -> None:
        """Write the status; raises ConflictError where the resource is no longer as it was."""
        await self._write(key, lambda: self._cluster.write_status(patch))

    async def set_finalizers(self, key: Key, resource: Document, names: Sequence[str]) -> None:
        """Replace the finalizers; raises ConflictError where it is no longer as it was."""
        await self._write(key, lambda: self._cluster.set_finalizers(resource, names))

    async def set_owners(
        self, key: Key, resource: Document, entries: Sequence[Mapping[str, Any]]
    ) -> None:
        """Replace who owns which field; raises ConflictError where it is no longer as it was."""
        await self._write(key, lambda: self._cluster.set_managed_fields(resource, entries))

    async def _write(self, key: Key, write: Callable[[], Awaitable[Document]]) -> None:
        """Learn from the answer to a write; a resource that went meanwhile takes it along."""
        self._require(key.namespace)
        before = self.memory.resources.version(*key)
        try:
            self.memory.resources.put(await write())
        except NotFoundError:
            _learn(self.memory.resources, *key, None, before)


def _is_leader(pod: Document | None) -> bool:
    """Return whether lists and watches show this pod, too: only then can it be remembered."""
    return pod is not None and is_leader_pod(pod)


def _learn(
    objects: Objects, namespace: str, name: str, found: Document | None, before: int
) -> None:
    """Remember what a request found; `before` is up to which version the name was known then."""
    if found is not None:
        objects.put(found)
    elif objects.version(namespace, name) == before:
        objects.absent(namespace, name, before)


async def _take(
    pages: AsyncIterator[Page], where: Callable[[Document], Objects | None]
) -> tuple[set[str], int]:
    """Remember all objects of a list; returns their names, and its version."""
    names: set[str] = set()
    version = 0
    async for page in pages:
        version = version or page.version
        for item in page.items:
            names.add(text(item, "metadata", "name"))
            if (objects := where(item)) is not None:
                objects.put(item)
    return names, version
