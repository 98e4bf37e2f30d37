"""The pod that has the leader's name, as the operator sees it. No side effects."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from symbol_operator.observe.containers import (
    container_status,
    is_done,
    last_end,
    other_statuses,
    termination_message,
)
from symbol_operator.observe.labels import is_ours
from tradingsymbol_api.conditions import OperatorReason
from tradingsymbol_api.environments import ENVIRONMENTS, Environment
from tradingsymbol_api.names import (
    ANNOTATION_TAKES_SLOT,
    ANNOTATION_TEMPLATE_HASH,
    LEADER_CONTAINER,
)
from tradingsymbol_api.pod import Cause, Variable
from tradingsymbol_api.reading import (
    Document,
    mapping,
    number,
    objects,
    parse_time,
    text,
)

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
    """Ended well: the shutdown is done and the leader has switched the symbol off."""
    FENCED = "fenced"
    """Ended because a later leader has taken over."""
    COMPLETED = "completed"
    """Ended well and did not say why."""
    FAILED = "failed"
    """Evicted, or ended with its node."""
    UNKNOWN = "unknown"
    """The node does not report its state."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a pod makes no progress."""

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
    """All of it is, and its node answers."""
    trades: bool = False
    """Its leader says that it can trade, whatever runs beside it."""
    lingers: bool = False
    """Its leader has ended well and something beside it runs: a deletion takes its time."""
    created: datetime | None = None
    outcome: str = ""
    """For people: how it ended, if it has."""
    problem: Problem | None = None
    outdated: str = ""
    """In what it differs from a leader pod as the operator would create it now."""
    template_hash: str = ""
    """Digest of what the operator asked for when it created it."""
    takes_slot: bool = False
    """It follows a ready one in an update."""
    environment: Environment | None = None
    """Whose money its leader trades, by what it was told; None where that cannot be read."""

    @property
    def leads(self) -> bool:
        """Whether it is a leader pod of the resource, in whatever state."""
        return self.state not in {PodState.NONE, PodState.FOREIGN, PodState.ORPHANED}


NO_POD: Final = LeaderPod(PodState.NONE)


def observe_pod(pod: Document | None, owner_uid: str | None, *, node_lost: bool) -> LeaderPod:
    """Read the pod that has the leader's name.

    `owner_uid` is the uid of the present resource, None if there is none; `node_lost` says
    that the pod's node does not answer.
    """
    if pod is None:
        return NO_POD
    state = _state(pod, owner_uid, node_lost=node_lost)
    container = container_status(pod, LEADER_CONTAINER)
    ready = text(condition(pod, "Ready"), "status") == "True"
    return LeaderPod(
        state=state,
        name=text(pod, "metadata", "name"),
        uid=text(pod, "metadata", "uid"),
        node=text(pod, "spec", "nodeName") or None,
        ready=ready,
        trades=ready or container.get("ready") is True,
        lingers=state in ENDED_WELL and not is_over(pod),
        created=parse_time(text(pod, "metadata", "creationTimestamp")),
        outcome=_outcome(pod, container),
        problem=find_problem(pod, LEADER_CONTAINER),
        template_hash=template_hash(pod),
        takes_slot=text(pod, "metadata", "annotations", ANNOTATION_TAKES_SLOT) == "true",
        environment=_environment(pod),
    )


def _environment(pod: Document) -> Environment | None:
    told = {
        text(variable, "value")
        for container in objects(pod, "spec", "containers")
        if text(container, "name") == LEADER_CONTAINER
        for variable in objects(container, "env")
        if text(variable, "name") == Variable.EXCHANGE_ENVIRONMENT.env
    }
    return next((known for known in ENVIRONMENTS if known in told), None)


def template_hash(pod: Document) -> str:
    """Return the digest of what the operator asked for when it created a pod."""
    return text(pod, "metadata", "annotations", ANNOTATION_TEMPLATE_HASH)


def _state(pod: Document, owner_uid: str | None, *, node_lost: bool) -> PodState:
    if not is_ours(pod):
        return PodState.FOREIGN
    phase = text(pod, "status", "phase") or "Pending"
    # A terminating pod may have ended already; it is still there, and its end no failure.
    if mapping(pod, "metadata").get("deletionTimestamp"):
        return PodState.LOST if node_lost else PodState.TERMINATING
    if phase == "Unknown":
        return PodState.LOST if node_lost else PodState.UNKNOWN
    if owner_uid is None or _controller_uid(pod) != owner_uid:
        return PodState.ORPHANED
    # Its work ends with the leader, whatever runs beside it, or ends badly there.
    container = container_status(pod, LEADER_CONTAINER)
    if phase == "Succeeded" or is_done(container):
        return ended_well(container)
    return PHASES.get(phase, PodState.UNKNOWN)


def is_over(pod: Document) -> bool:
    """Return whether all containers of a pod have ended: then it goes as soon as it is deleted."""
    return text(pod, "status", "phase") in {"Failed", "Succeeded"}


PHASES: Final = {
    "Pending": PodState.PENDING,
    "Running": PodState.RUNNING,
    "Failed": PodState.FAILED,
}
CAUSES: Final[Mapping[str, PodState]] = {
    Cause.DRAINED: PodState.DRAINED,
    Cause.FENCED: PodState.FENCED,
}
ENDED_WELL: Final = frozenset({*CAUSES.values(), PodState.COMPLETED})


def _controller_uid(pod: Document) -> str | None:
    owners = objects(pod, "metadata", "ownerReferences")
    return next((text(owner, "uid") for owner in owners if owner.get("controller")), None)


def ended_well(container: Document) -> PodState:
    """Return how a leader or a fence ended that ended well, by its termination message."""
    return CAUSES.get(text(termination_message(container), "cause"), PodState.COMPLETED)


def condition(found: Document, kind: str) -> Document:
    """Find a condition of a pod or node."""
    conditions = objects(found, "status", "conditions")
    return next((item for item in conditions if text(item, "type") == kind), {})


def _outcome(pod: Document, container: Document) -> str:
    """Return how the pod, or its container the last time, ended; for people."""
    end = last_end(container)
    words = text(termination_message(container), "message") or text(end, "reason")
    parts = [text(pod, "status", "reason"), text(pod, "status", "message")]
    if end:
        parts.append(f"exit code {number(end, 'exitCode')}" + (f": {words}" if words else ""))
    return ": ".join(part for part in parts if part)


def find_problem(pod: Document, own: str) -> Problem | None:
    """Find why a pod makes no progress, None if it does; `own` is the name of our container."""
    if (problem := _container_problem(pod, container_status(pod, own))) is not None:
        return problem
    scheduled = condition(pod, "PodScheduled")
    if text(scheduled, "status") == "False":
        return Problem(OperatorReason.UNSCHEDULABLE, text(scheduled, "message"))
    beside = (_problem_beside(pod, each) for each in other_statuses(pod, own))
    return next(filter(None, beside), None)


def _problem_beside(pod: Document, container: Document) -> Problem | None:
    """Find what is the matter with a container that others have added: it may hold up ours."""
    problem = _container_problem(pod, container)
    if problem is None:
        return None
    return Problem(problem.reason, f"Container {text(container, 'name')}: {problem.message}")


def _container_problem(pod: Document, container: Document) -> Problem | None:
    waiting = mapping(container, "state", "waiting")
    reason, message = text(waiting, "reason"), text(waiting, "message")
    if reason in IMAGE_REASONS:
        return Problem(OperatorReason.IMAGE_UNAVAILABLE, message or reason)
    if reason in START_REASONS:
        return _cannot_start(message or reason)
    if _crash_loops(container, reason):
        return Problem(OperatorReason.CRASH_LOOPING, _crash_message(pod, container))
    return None


def _cannot_start(message: str) -> Problem:
    """Distinguish a missing Secret, or key of one, from the kubelet's other refusals."""
    if missing_secret(message):
        return Problem(OperatorReason.SECRET_MISSING, message)
    return Problem(OperatorReason.CANNOT_START, message)


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
    restarts = number(container, "restartCount")
    crashed = number(last_end(container), "exitCode") != 0
    return crashed and restarts >= CRASH_LOOP_RESTARTS and not container.get("ready", False)


def _crash_message(pod: Document, container: Document) -> str:
    return f"{number(container, 'restartCount')} restarts; the last one: {_outcome(pod, container)}"
