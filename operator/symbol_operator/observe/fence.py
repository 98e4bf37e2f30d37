"""The fences of lost leaders, as the operator sees them. No side effects."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from symbol_operator.observe.containers import FENCE_CONTAINER, container_status, is_done
from symbol_operator.observe.pod import PodState, ended_well, find_problem
from tradingsymbol_api.names import (
    ANNOTATION_LOST_NODE,
    LABEL_FENCES,
    LABEL_RESOURCE,
    leader_pod_name,
)
from tradingsymbol_api.reading import Document, holds, mapping, parse_time, text

ALIVE: Final = frozenset({"Pending", "Running"})


class FenceState(StrEnum):
    """How far a fence has come."""

    WORKING = "working"
    """Starting, or running: it waits for the record where that is away."""
    DONE = "done"
    SPENT = "spent"
    """It ended, or is ending, and has not done its work."""


@dataclass(frozen=True, slots=True)
class LostPod:
    """A leader pod that was given up with its node."""

    uid: str
    name: str
    node: str
    why_not_fenced: str = ""
    """For people: what keeps its fence from starting."""


@dataclass(frozen=True, slots=True)
class Fence:
    """A pod that takes the epoch of a lost leader."""

    name: str
    uid: str
    of: LostPod
    state: FenceState
    created: datetime


def observe_fence(pod: Document) -> Fence:
    """Read a fence."""
    metadata = mapping(pod, "metadata")
    problem = find_problem(pod, FENCE_CONTAINER)
    lost = LostPod(
        text(metadata, "labels", LABEL_FENCES),
        leader_pod_name(text(metadata, "labels", LABEL_RESOURCE)),
        text(metadata, "annotations", ANNOTATION_LOST_NODE) or "unknown",
        problem.message if problem else "",
    )
    created = parse_time(text(metadata, "creationTimestamp")) or datetime.min.replace(tzinfo=UTC)
    name, uid = text(metadata, "name"), text(metadata, "uid")
    return Fence(name, uid, lost, _fence_state(pod), created)


def _fence_state(pod: Document) -> FenceState:
    phase = text(pod, "status", "phase") or "Pending"
    container = container_status(pod, FENCE_CONTAINER)
    # Whatever others have added may run on.
    if is_done(container) and ended_well(container) is PodState.FENCED:
        return FenceState.DONE
    going = holds(pod, "metadata", "deletionTimestamp")
    ended = is_done(container) or phase not in ALIVE
    return FenceState.SPENT if going or ended else FenceState.WORKING
