"""Leases in memory: names are unique, and a write looks at the version, as at the API server."""

import copy
from typing import Any

from symbol_operator.runtime.errors import ConflictError, NotFoundError
from tradingsymbol_api.reading import Document


class FakeLeases:
    """Holds Leases by namespace and name."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], dict[str, Any]] = {}
        self.failure: Exception | None = None
        self.quicker: dict[tuple[str, str], dict[str, Any]] = {}
        """Leases that somebody else has created by the time that we do."""
        self.asked: list[str] = []
        self._version = 0

    async def lease(self, namespace: str, name: str) -> Document | None:
        self._ask("get")
        return copy.deepcopy(self.held.get((namespace, name)))

    async def create_lease(self, namespace: str, name: str, spec: Document) -> Document:
        self._ask("create")
        self.held |= self.quicker
        if (namespace, name) in self.held:
            raise ConflictError(f'leases "{name}" already exists')
        return self.put(namespace, name, spec)

    async def write_lease(self, lease: Document, spec: Document) -> Document:
        self._ask("write")
        metadata = lease["metadata"]
        found = self.held.get((metadata["namespace"], metadata["name"]))
        if found is None:
            raise NotFoundError(f'leases "{metadata["name"]}" not found')
        if found["metadata"]["resourceVersion"] != metadata["resourceVersion"]:
            raise ConflictError("the object has been modified")
        merged = {k: v for k, v in {**found["spec"], **spec}.items() if v is not None}
        return self.put(metadata["namespace"], metadata["name"], merged)

    def put(self, namespace: str, name: str, spec: Document) -> Document:
        """Have a Lease be so, whoever did it."""
        self._version += 1
        metadata = {"namespace": namespace, "name": name, "resourceVersion": str(self._version)}
        self.held[namespace, name] = {"metadata": metadata, "spec": dict(spec)}
        return copy.deepcopy(self.held[namespace, name])

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if self.failure:
            raise self.failure
