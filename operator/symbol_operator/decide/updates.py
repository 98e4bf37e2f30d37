"""When a leader pod is replaced by one with the operator's present configuration.

Nothing here has side effects, but for what `UpdateSlots` remembers.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar

from symbol_operator.observe.pod import template_hash
from tradingsymbol_api.reading import Document, mapping, shown, text

Key = TypeVar("Key", bound=Hashable)

OLDER: Final = "it was created by another version or configuration of the operator"

KEYS: Final = ("mountPath", "name")
"""What tells entries of a list apart: a volume may be mounted twice."""


def outdated(pod: Document, wanted: Document) -> str:
    """Return in what a leader pod differs from the one that is wanted now; empty if in nothing.

    The digests are compared first: the API server fills in defaults that nobody asked for.
    """
    if template_hash(pod) == template_hash(wanted):
        return ""
    return _difference(wanted["spec"], mapping(pod, "spec"), "spec") or OLDER


def _difference(wanted: Any, found: Any, path: str) -> str:
    """Find the first thing that is wanted and not found."""
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        pairs = ((f"{path}.{name}", value, found.get(name)) for name, value in wanted.items())
    elif _is_list(wanted) and _is_list(found) and (key := _key(wanted)):
        # Admission adds entries of its own: the volume of a token, a sidecar.
        there = {text(item, key): item for item in found}
        pairs = ((f"{path}[{n}]", item, there.get(item[key])) for n, item in enumerate(wanted))
    elif _is_list(wanted) and _is_list(found) and len(wanted) == len(found):
        pairs = ((f"{path}[{n}]", *both) for n, both in enumerate(zip(wanted, found, strict=True)))
    else:
        # Nothing wanted and nothing there are the same.
        alike = wanted == found or not (wanted or found)
        return "" if alike else f"{path} is {_plain(found)}, not {_plain(wanted)}"
    differences = (_difference(value, other, place) for place, value, other in pairs)
    return next(filter(None, differences), "")


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else shown(value)


def _key(entries: Sequence[Any]) -> str:
    """Return what tells the entries of a list apart, as Kubernetes' own merging does."""
    named = [entry if isinstance(entry, Mapping) else {} for entry in entries]
    return next((key for key in KEYS if named and all(key in entry for entry in named)), "")


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


class UpdateSlots(Generic[Key]):
    """Which leaders are updated now: few at a time.

    A slot is taken until the new leader is ready. So a failed update stops the rollout: the others
    wait.
    """

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._taken: set[Key] = set()
        self._waiting: dict[Key, None] = {}

    def free(self, key: Key) -> bool:
        """Return whether this one has a slot, or one is free for it."""
        return key in self._taken or len(self._taken) < self._at_once

    def take(self, key: Key) -> None:
        """Note that this one is updated now."""
        self._taken.add(key)
        self._waiting.pop(key, None)

    def wait(self, key: Key) -> None:
        """Note that this one waits for a slot."""
        self._waiting[key] = None

    def taken(self, key: Key) -> bool:
        """Return whether this one is updated now."""
        return key in self._taken

    @property
    def waiting(self) -> list[Key]:
        """Those that wait for a slot."""
        return list(self._waiting)

    def end(self, key: Key) -> Key | None:
        """Note that this one needs no slot (any more); return the one to look at next, if any."""
        self._waiting.pop(key, None)
        if key not in self._taken:
            return None
        self._taken.remove(key)
        return next(iter(self._waiting), None)

    def end_all(self, concerned: Callable[[Key], bool]) -> list[Key]:
        """Note that none of these needs a slot any more; return those to look at next, if any."""
        keys = [key for key in (*self._taken, *self._waiting) if concerned(key)]
        for key in keys:
            self._waiting.pop(key, None)
        freed = [key for key in keys if key in self._taken]
        self._taken.difference_update(freed)
        return list(self._waiting)[: len(freed)]
