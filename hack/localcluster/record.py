"""What this clone remembers about its cluster, for itself and for whoever works with it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FILE = "cluster.json"
"""The record's name in the clone's state folder."""


@dataclass(frozen=True, slots=True)
class Record:
    """The cluster of this clone."""

    name: str
    docker_host: str | None
    """DOCKER_HOST; None where the user's own settings lead to the engine."""
    node_image: str
    complete: bool
    """False while it is being made: what is there then is not to be relied on."""


def read(state: Path) -> Record | None:
    """Return the record, or None where there is none."""
    file = state / FILE
    return Record(**json.loads(file.read_text())) if file.exists() else None


def write(state: Path, record: Record) -> None:
    """Keep the record; what was there before is replaced whole."""
    state.mkdir(exist_ok=True)
    fresh = state / (FILE + ".new")
    fresh.write_text(json.dumps(asdict(record), indent=2) + "\n")
    fresh.replace(state / FILE)


def forget(state: Path) -> None:
    """Drop the record."""
    (state / FILE).unlink(missing_ok=True)
