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
from collections.abc import Callable, Collection, Hashable, Iterator
from typing import NamedTuple

from symbol_operator.observe.labels import SUFFIX, is_fence, is_leader_pod, resource_of
from tradingsymbol_api.reading import Document, mapping, text


class Key(NamedTuple):
    """A TradingSymbol by name: the next resource of that name is the same piece of work."""

    namespace: str
    name: str


class _Known(NamedTuple):
    version: int
    mark: Hashable
    text: str


def version_of(document: Document) -> int:
    """Return the version of an object or list, which grows with each change; 0 if it has none."""
    version = text(document, "metadata", "resourceVersion")
    return int(version) if version.isdecimal() else 0


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
        self._known: dict[Key, _Known] = {}
        self._ends: dict[Key, int] = {}
        self._listed: dict[str, int] = {}

    def put(self, document: Document) -> bool:
        """Take a version of an object; returns whether what its mark says is new.

        One that is not newer than what is known is left alone.
        """
        key, version = _key(document), version_of(document)
        if version <= self.version(*key):
            return False
        former, mark = self._known.get(key), self._mark(document)
        kept = json.dumps(self._keep(document), separators=(",", ":"))
        self._known[key] = _Known(version, mark, kept)
        self._ends.pop(key, None)
        return former is None or former.mark != mark

    def end(self, document: Document) -> None:
        """Forget an object whose end is of this version; a later one of its name stays."""
        self.absent(*_key(document), version_of(document))

    def absent(self, namespace: str, name: str, version: int) -> None:
        """Note that there was no such object at this version, or after."""
        key = Key(namespace, name)
        if version < self.version(*key):
            return
        self._known.pop(key, None)
        if version > self._listed.get(namespace, 0):
            self._ends[key] = version

    def version(self, namespace: str, name: str) -> int:
        """Return the version up to which this name is known, 0 if nothing is known of it."""
        key = Key(namespace, name)
        if (known := self._known.get(key)) is not None:
            return known.version
        return max(self._ends.get(key, 0), self._listed.get(namespace, 0))

    def find(self, namespace: str, name: str) -> Document | None:
        """Return the newest version of an object, None if none is known."""
        known = self._known.get(Key(namespace, name))
        return _document(known) if known else None

    def names(self, namespace: str) -> Iterator[str]:
        """Yield the names of all objects that are known in a namespace."""
        yield from [key.name for key in self._known if key.namespace == namespace]

    def compare(self, namespace: str, present: Collection[str], version: int) -> list[Document]:
        """Compare with the names in a complete list of this version, whose objects were taken.

        Returns what is gone, as it was last seen: nobody had told.
        """
        missing = [
            key
            for key, known in self._known.items()
            if key.namespace == namespace and key.name not in present and known.version <= version
        ]
        gone = [_document(self._known.pop(key)) for key in missing]
        self._listed[namespace] = max(version, self._listed.get(namespace, 0))
        self._ends = {
            key: end for key, end in self._ends.items() if end > self._listed.get(key.namespace, 0)
        }
        return gone

    def listed(self, namespace: str) -> bool:
        """Return whether what is not known in a namespace does not exist, for all that is known."""
        return namespace in self._listed


class Memory:
    """The TradingSymbols, leader pods and fences that are known."""

    def __init__(self, mark: Callable[[Document], Hashable] = _nothing) -> None:
        """Take what `mark` returns for what a resource asks for."""
        self.resources = Objects(mark)
        self.pods = Objects(version_of, _without_managers)
        self.fences = Objects(version_of, _without_managers)

    def complete(self, namespace: str) -> bool:
        """Return whether all objects in a namespace were listed at least once.

        Before, one that is not known may exist.
        """
        return self.resources.listed(namespace) and self.pods.listed(namespace)

    def symbols(self, namespace: str) -> set[str]:
        """Return the names of TradingSymbols that exist, or have a leader pod or a fence."""
        led = {name.removesuffix(SUFFIX) for name in self.pods.names(namespace)}
        fenced = {resource_of(fence) for fence in self._fences(namespace)}
        return led | fenced | set(self.resources.names(namespace))

    def fences_of(self, key: Key) -> tuple[Document, ...]:
        """Return the fences of a symbol's lost leaders."""
        found = self._fences(key.namespace)
        return tuple(fence for fence in found if resource_of(fence) == key.name)

    def kind_of(self, pod: Document) -> Objects | None:
        """Return where a pod with a leader's labels belongs, None if it is neither."""
        if is_fence(pod):
            return self.fences
        return self.pods if is_leader_pod(pod) else None

    def _fences(self, namespace: str) -> Iterator[Document]:
        found = (self.fences.find(namespace, name) for name in self.fences.names(namespace))
        yield from (fence for fence in found if fence is not None)


def _key(document: Document) -> Key:
    return Key(text(document, "metadata", "namespace"), text(document, "metadata", "name"))


def _document(known: _Known) -> Document:
    document: Document = json.loads(known.text)
    return document


def _without_managers(pod: Document) -> Document:
    """Leave out who wrote which field of a pod: nobody asks, and it is a third of the object."""
    metadata = {k: v for k, v in mapping(pod, "metadata").items() if k != "managedFields"}
    return {**pod, "metadata": metadata}
