"""How symbols switched on and off compare with the API server alone, over several rounds."""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from bench.requests import told

Row = tuple[str, str, str]


class Floor(NamedTuple):
    """What the API server alone takes."""

    created_s: float
    """Until the last pod was bound to its node: that is work for the API server, too."""
    deleted_s: float
    """From the first deletion of a pod until the last one is gone."""


class Flip(NamedTuple):
    """All symbols switched from off to on or back."""

    seconds: float
    """From the first write until the last pod exists, or is gone."""
    cpu_s: float
    """Of the operator and for each symbol, until all is told."""
    requests: Mapping[str, float]
    """Of the operator and for each symbol, until all is told, by kind."""


@dataclass
class Rounds:
    """What was measured, time after time: one run's floor may be twice another's."""

    floors: list[Floor] = field(default_factory=list)
    flips: dict[str, list[Flip]] = field(default_factory=dict)

    @property
    def created_s(self) -> float:
        """The floor of creation."""
        return statistics.median(floor.created_s for floor in self.floors)

    @property
    def deleted_s(self) -> float:
        """The floor of deletion."""
        return statistics.median(floor.deleted_s for floor in self.floors)

    def rows(self, name: str, floor_s: float, goal: float) -> list[Row]:
        """Say how one of the flips went."""
        flips = self.flips[name]
        seconds = statistics.median(flip.seconds for flip in flips)
        cpu_s = statistics.median(flip.cpu_s for flip in flips)
        asked = {
            kind: statistics.median(flip.requests[kind] for flip in flips)
            for kind in flips[0].requests
        }
        return [
            (name, f"{seconds:.1f} s", f"{seconds / floor_s:.2f}x, goal: {goal}x"),
            ("  CPU of the operator per symbol", f"{cpu_s * 1e3:.1f} ms", "goal: 7 ms"),
            ("  requests per symbol", told(asked), "goal: 4, no reads"),
        ]
