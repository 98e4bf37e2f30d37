"""What the operator makes of the objects it reads. Nothing here has side effects."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from tradingsymbol_api.names import (
    ANNOTATION_LOST_NODE,
    LABEL_FENCES,
    LABEL_MANAGED_BY,
    LABEL_RESOURCE,
    OPERATOR_MANAGER,
    leader_pod_name,
)
from tradingsymbol_api.status import OperatorReason

Document = Mapping[str, Any]
"""An object as the API server writes it."""

OVERDUE_AFTER: Final = timedelta(seconds=5)
"""How long past its grace period a terminating pod may remain before its node is suspected."""
CRASH_LOOP_RESTARTS: Final = 2
"""Restarts from which on a container that is not ready counts as crash-looping."""
IMAGE_REASONS: Final = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"}
)
START_REASONS: Final = frozenset(
    {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}
)


class PodState(StrEnum):
    """Where the pod with the leader's name is in its life."""

    NONE = "none"
    """No such pod."""
    FOREIGN = "foreign"
    """Somebody else's pod has the name."""
    ORPHANED = "orphaned"
    """A leader pod of an earlier resource of this name, or of none."""
    PENDING = "pending"
    RUNNING = "running"
    TERMINATING = "terminating"
    LOST = "lost"
    """Terminating or unknown on a node that does not answer: nobody will finish this."""
    DRAINED = "drained"
    """Ended well: the shutdown is done and the leader has written off."""
    FENCED = "fenced"
    """Ended because a later leader has taken over."""
    COMPLETED = "completed"
    """Ended well without telling why."""
    FAILED = "failed"
    """Evicted, or ended with its node."""
    UNKNOWN = "unknown"
    """The node does not say."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a pod gets nowhere."""

    reason: OperatorReason
    message: str


@dataclass(frozen=True, slots=True)
class LeaderPod:
    """The pod with the leader's name, as far as decisions depend on it."""

    state: PodState
    name: str = ""
    uid: str = ""
    node: str | None = None
    ready: bool = False
    created: datetime | None = None
    outcome: str = ""
    """For people: how it ended, if it has."""
    trouble: Trouble | None = None
    outdated: str = ""
    """In what it differs from a leader pod as the operator would create it now."""

    @property
    def leads(self) -> bool:
        """Whether it is a leader pod of the resource, in whatever state."""
        return self.state not in {PodState.NONE, PodState.FOREIGN, PodState.ORPHANED}


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


NO_POD: Final = LeaderPod(PodState.NONE)


def observe_pod(pod: Document | None, owner_uid: str | None, *, node_lost: bool) -> LeaderPod:
    """Read the pod that has the leader's name.

    `owner_uid` is the uid of the present resource, None if there is none; `node_lost` says
    that the pod's node does not answer.
    """
    if pod is None:
        return NO_POD
    metadata = pod["metadata"]
    state = _state(pod, owner_uid, node_lost=node_lost)
    return LeaderPod(
        state=state,
        name=metadata["name"],
        uid=metadata["uid"],
        node=pod.get("spec", {}).get("nodeName"),
        ready=_condition(pod, "Ready").get("status") == "True",
        created=parse_time(metadata.get("creationTimestamp")),
        outcome=_outcome(pod),
        trouble=_trouble(pod),
    )


def is_fence(pod: Document) -> bool:
    """Whether a pod with a leader's labels is the fence of one."""
    return LABEL_FENCES in pod["metadata"]["labels"]


def observe_fence(pod: Document) -> Fence:
    """Read a fence."""
    metadata = pod["metadata"]
    labels, trouble = metadata["labels"], _trouble(pod)
    lost = LostPod(
        labels[LABEL_FENCES],
        leader_pod_name(labels[LABEL_RESOURCE]),
        metadata.get("annotations", {}).get(ANNOTATION_LOST_NODE, "unknown"),
        trouble.message if trouble else "",
    )
    created = parse_time(metadata.get("creationTimestamp")) or datetime.min.replace(tzinfo=UTC)
    return Fence(metadata["name"], metadata["uid"], lost, _fence_state(pod), created)


def _fence_state(pod: Document) -> FenceState:
    phase = pod.get("status", {}).get("phase", "Pending")
    if phase == "Succeeded" and _succeeded(pod) is PodState.FENCED:
        return FenceState.DONE
    going = "deletionTimestamp" in pod["metadata"]
    return FenceState.SPENT if going or phase not in ALIVE else FenceState.WORKING


def _state(pod: Document, owner_uid: str | None, *, node_lost: bool) -> PodState:
    metadata = pod["metadata"]
    if metadata.get("labels", {}).get(LABEL_MANAGED_BY) != OPERATOR_MANAGER:
        return PodState.FOREIGN
    phase = pod.get("status", {}).get("phase", "Pending")
    # A terminating pod may have ended already; it is still there, and its end no failure.
    if metadata.get("deletionTimestamp"):
        return PodState.LOST if node_lost else PodState.TERMINATING
    if phase == "Unknown":
        return PodState.LOST if node_lost else PodState.UNKNOWN
    if owner_uid is None or _controller_uid(metadata) != owner_uid:
        return PodState.ORPHANED
    return _succeeded(pod) if phase == "Succeeded" else PHASES[phase]


PHASES: Final = {
    "Pending": PodState.PENDING,
    "Running": PodState.RUNNING,
    "Failed": PodState.FAILED,
}
ALIVE: Final = frozenset({"Pending", "Running"})
CAUSES: Final = {"drained": PodState.DRAINED, "fenced": PodState.FENCED}


def _controller_uid(metadata: Document) -> str | None:
    owners = metadata.get("ownerReferences", ())
    return next((owner["uid"] for owner in owners if owner.get("controller")), None)


def _succeeded(pod: Document) -> PodState:
    return CAUSES.get(_last_words(pod).get("cause", ""), PodState.COMPLETED)


def _last_words(pod: Document) -> Document:
    """Read the termination message of the leader, or nothing where it left none."""
    text = _terminated(_container(pod)).get("message", "")
    try:
        words = json.loads(text)
    except ValueError:
        return {"message": text}
    return words if isinstance(words, dict) else {"message": text}


def _container(pod: Document) -> Document:
    """Find the status of the pod's one container."""
    statuses: list[Document] = pod.get("status", {}).get("containerStatuses") or [{}]
    return statuses[0]


def _terminated(container: Document) -> Document:
    """Find how the container ended last."""
    states = (container.get("state", {}), container.get("lastState", {}))
    return next((state["terminated"] for state in states if "terminated" in state), {})


def _condition(pod: Document, kind: str) -> Document:
    conditions = pod.get("status", {}).get("conditions", ())
    return next((item for item in conditions if item["type"] == kind), {})


def _outcome(pod: Document) -> str:
    """Tell how the pod, or its container the last time, ended."""
    status = pod.get("status", {})
    end = _terminated(_container(pod))
    words = str(_last_words(pod).get("message", "")) or end.get("reason", "")
    parts = [status.get("reason", ""), status.get("message", "")]
    if end:
        parts.append(f"exit code {end.get('exitCode')}" + (f": {words}" if words else ""))
    return ": ".join(part for part in parts if part)


def _trouble(pod: Document) -> Trouble | None:
    container = _container(pod)
    waiting = container.get("state", {}).get("waiting", {})
    reason, message = waiting.get("reason", ""), waiting.get("message", "")
    if reason in IMAGE_REASONS:
        return Trouble(OperatorReason.IMAGE_UNAVAILABLE, message or reason)
    if reason in START_REASONS:
        return _cannot_start(message or reason)
    if _crash_loops(container, reason):
        return Trouble(OperatorReason.CRASH_LOOPING, _crash_message(pod, container))
    scheduled = _condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        return Trouble(OperatorReason.UNSCHEDULABLE, scheduled.get("message", ""))
    return None


def _cannot_start(message: str) -> Trouble:
    """Tell a missing Secret, or key of one, from the kubelet's other refusals."""
    if missing_secret(message):
        return Trouble(OperatorReason.SECRET_MISSING, message)
    return Trouble(OperatorReason.CANNOT_START, message)


MISSING_SECRET: Final = re.compile(
    r'secret "(?P<name>[^"]+)" not found|key \S+ in Secret [^/\s]+/(?P<of_key>\S+)'
)


def missing_secret(message: str) -> str | None:
    """Find the name of the Secret that the kubelet misses, or misses a key in."""
    match = MISSING_SECRET.search(message)
    return (match["name"] or match["of_key"]) if match else None


def _crash_loops(container: Document, waiting_reason: str) -> bool:
    if waiting_reason == "CrashLoopBackOff":
        return True
    # Between two crashes it runs for a moment; that is no recovery.
    restarts = container.get("restartCount", 0)
    crashed = _terminated(container).get("exitCode", 0) != 0
    return crashed and restarts >= CRASH_LOOP_RESTARTS and not container.get("ready", False)


def _crash_message(pod: Document, container: Document) -> str:
    return f"{container.get('restartCount', 0)} restarts; the last one: {_outcome(pod)}"


def node_suspect(pod: Document | None, now: datetime) -> bool:
    """Whether the pod's state raises the question whether its node still answers."""
    if pod is None or not pod.get("spec", {}).get("nodeName"):
        return False
    if pod.get("status", {}).get("phase") == "Unknown":
        return True
    deadline = parse_time(pod["metadata"].get("deletionTimestamp"))
    if deadline is None:
        return False
    # A taint that the pod does not tolerate, such as not-ready and unreachable.
    evicted = _condition(pod, "DisruptionTarget").get("reason") == "DeletionByTaintManager"
    return evicted or now > deadline + OVERDUE_AFTER


def overdue_at(pod: Document | None) -> datetime | None:
    """When a terminating pod begins to raise that question, None if it is not terminating."""
    deadline = parse_time(pod["metadata"].get("deletionTimestamp")) if pod else None
    return deadline + OVERDUE_AFTER if deadline else None


def node_lost(node: Document | None) -> bool:
    """Whether the node is gone or not ready."""
    if node is None:
        return True
    conditions = node.get("status", {}).get("conditions", ())
    return not any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)


def parse_time(text: str | None) -> datetime | None:
    """Read a time of the API server."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) if text else None


def status_writer(resource: Document) -> str | None:
    """Find the field manager that wrote `spec.status` last."""
    writers = [
        (entry.get("time", ""), entry.get("manager"))
        for entry in resource["metadata"].get("managedFields", ())
        if not entry.get("subresource")
        and "f:status" in entry.get("fieldsV1", {}).get("f:spec", {})
    ]
    return max(writers)[1] if writers else None
