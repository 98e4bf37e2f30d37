"""Whose cluster is whose: clones of the project share a Docker, and names in it."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class Verdict(enum.Enum):
    """What to do about a cluster name."""

    CREATE = "create"
    REUSE = "reuse"
    REPLACE = "delete what is left of it, then create"
    REFUSE_OTHER_CLONE = "another clone of this project uses it"
    REFUSE_STRANGER = "something else made it"


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known about a cluster name."""

    exists: bool
    """Containers of a cluster of this name are there, running or not."""
    owner: str | None
    """The clone that claimed the name last."""
    owner_keeps_it: bool
    """That clone is still there, and its record says that it has a cluster."""
    complete: bool
    """This clone's record says that it finished creating the cluster."""


def judge(situation: Situation, clone: str) -> Verdict:
    """Never touch what others use; never leave a half-made cluster of our own in the way."""
    if not situation.exists:
        return Verdict.CREATE
    if situation.owner is None:
        return Verdict.REFUSE_STRANGER
    if situation.owner == clone:
        return Verdict.REUSE if situation.complete else Verdict.REPLACE
    return Verdict.REFUSE_OTHER_CLONE if situation.owner_keeps_it else Verdict.REPLACE


@dataclass(frozen=True, slots=True)
class ClusterRegistry:
    """The claims of all clones: one small file per cluster name."""

    folder: Path

    def owner(self, name: str) -> str | None:
        """Return the root folder of the clone that claimed `name` last."""
        file = self.folder / name
        return file.read_text() if file.exists() else None

    def claim(self, name: str, clone: str) -> None:
        """Write down that `name` is this clone's."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(clone)

    def release(self, name: str) -> None:
        """Forget who had `name`."""
        (self.folder / name).unlink(missing_ok=True)
