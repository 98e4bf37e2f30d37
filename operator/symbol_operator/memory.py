"""What is known of the cluster: the newest version seen of each object. No I/O, no clock.

Events tell, and so do the answers to the operator's own requests. These have no common order: the
answer to a write may come after the event of what happened next. So of two versions of an object
the newer one counts, by its `resourceVersion`. Of objects of one kind these are numbers that grow
with each change, deletions included; those of different kinds are never compared. What is gone is
therefore remembered by the version of its end, or by that of a list that lacks it: an older
version that comes late does not bring it back.

Objects are kept as text, which takes a tenth of the memory and which nobody can change.
"""

import json
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from typing import Any, NamedTuple

from tradingsymbol_api.names import LABEL_RESOURCE, leader_pod_name

Document = Mapping[str, Any]
"""An object as the API server writes it."""


class _Known(NamedTuple):
    version: int
    mark: Hashable
    text: str


def version_of(document: Document) -> int:
    """Return the version of an object, which grows with each change."""
    return int(document["metadata"]["resourceVersion"])


def _nothing(_: Document) -> Hashable:
    return None


def _all(document: Document) -> Document:
    return document


class Objects:
    """Objects of one kind."""

    def __init__(
        self,
        mark: Callable[[Document], Hashable] = _nothing,
        keep: Callable[[Document], Document] = _all,
    ) -> None:
        """Remember of each object what `keep` returns; `mark` is what `changed` compares."""
        self._mark = mark
        self._keep = keep
        self._known: dict[tuple[str, str], _Known] = {}
        self._ends: dict[tuple[str, str], int] = {}
        self._listed: dict[str, int] = {}

    def put(self, document: Document) -> bool:
        """Take a version of an object; returns whether what its mark says is new.

        One that is not newer than what is known is left alone.
        """
        metadata, version = document["metadata"], version_of(document)
        key = metadata["namespace"], metadata["name"]
        if version <= self.version(*key):
            return False
        former, mark = self._known.get(key), self._mark(document)
        text = json.dumps(self._keep(document), separators=(",", ":"))
        self._known[key] = _Known(version, mark, text)
        self._ends.pop(key, None)
        return former is None or former.mark != mark

    def end(self, document: Document) -> None:
        """Forget an object whose end is of this version; a later one of its name stays."""
        metadata = document["metadata"]
        self.absent(metadata["namespace"], metadata["name"], version_of(document))

    def absent(self, namespace: str, name: str, version: int) -> None:
        """Note that there was no such object at this version, or after."""
        key = namespace, name
        if version < self.version(*key):
            return
        self._known.pop(key, None)
        if version > self._listed.get(namespace, 0):
            self._ends[key] = version

    def version(self, namespace: str, name: str) -> int:
        """Return the version up to which this name is known, 0 if nothing is known of it."""
        key = namespace, name
        if (known := self._known.get(key)) is not None:
            return known.version
        return max(self._ends.get(key, 0), self._listed.get(namespace, 0))

    def find(self, namespace: str, name: str) -> Document | None:
        """Return the newest version of an object, None if none is known."""
        known = self._known.get((namespace, name))
        return json.loads(known.text) if known else None

    def names(self, namespace: str) -> Iterator[str]:
        """Yield the names of all objects that are known in a namespace."""
        yield from [name for inside, name in self._known if inside == namespace]

    def compare(self, namespace: str, present: Collection[str], version: int) -> list[Document]:
        """Compare with the names in a complete list of this version, whose objects were taken.

        Returns what is gone, as it was last seen: nobody had told.
        """
        missing = [
            key
            for key, known in self._known.items()
            if key[0] == namespace and key[1] not in present and known.version <= version
        ]
        gone = [json.loads(self._known.pop(key).text) for key in missing]
        self._listed[namespace] = max(version, self._listed.get(namespace, 0))
        self._ends = {
            key: end for key, end in self._ends.items() if end > self._listed.get(key[0], 0)
        }
        return gone

    def listed(self, namespace: str) -> bool:
        """Return whether what is not known in a namespace does not exist, for all that is known."""
        return namespace in self._listed


class Memory:
    """The TradingSymbols and leader pods that are known."""

    def __init__(self, mark: Callable[[Document], Hashable] = _nothing) -> None:
        """Take what `mark` returns for what a resource asks for."""
        self.resources = Objects(mark)
        self.pods = Objects(keep=_without_managers)

    def complete(self, namespace: str) -> bool:
        """Return whether all objects in a namespace were listed at least once.

        Before, one that is not known may exist.
        """
        return self.resources.listed(namespace) and self.pods.listed(namespace)

    def symbols(self, namespace: str) -> set[str]:
        """Return the names of TradingSymbols that exist, or have a leader pod."""
        suffix = len(leader_pod_name(""))
        led = {name[:-suffix] for name in self.pods.names(namespace)}
        return led | set(self.resources.names(namespace))


def is_leader_pod(pod: Document) -> bool:
    """Return whether a pod has the name and the label of a leader."""
    metadata = pod["metadata"]
    resource = metadata.get("labels", {}).get(LABEL_RESOURCE)
    return resource is not None and metadata["name"] == leader_pod_name(resource)


def _without_managers(pod: Document) -> Document:
    """Leave out who wrote which field of a pod: nobody asks, and it is a third of the object."""
    metadata = {k: v for k, v in pod["metadata"].items() if k != "managedFields"}
    return {**pod, "metadata": metadata}
