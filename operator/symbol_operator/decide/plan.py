"""What to do about a symbol's leader pod: one table, and the little around it.

The table has a row for each state of the pod and a column for each desired status. It knows no API,
no clock and no memory; what it needs of them comes as arguments. No side effects.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from symbol_operator.decide.fencing import CreateFence, DeleteFence, plan_fences
from symbol_operator.observe.fence import Fence, LostPod
from symbol_operator.observe.pod import LeaderPod, PodState

BACKOFF_FIRST: Final = timedelta(seconds=10)
"""Wait before the second replacement in a row; the first is immediate."""
BACKOFF_MAX: Final = timedelta(minutes=5)
"""Longest wait before a replacement."""
BACKOFF_RESET: Final = timedelta(minutes=10)
"""A leader pod that lived this long does not count as one of a series of failures."""


class Desired(StrEnum):
    """What a leader is to do, and whether there is to be one."""

    ON = "on"
    OFF = "off"
    SHUTDOWN = "shutdown"
    FINISH = "finish"
    """The resource is being deleted, once its leader has done what `deletionPolicy` says."""
    END = "end"
    """The resource is gone or on its way."""


class Step(StrEnum):
    """What the table answers."""

    KEEP = "keep"
    """Do nothing: it is as it should be, or an event will tell when it goes on."""
    CREATE = "create"
    DELETE = "delete"
    REPLACE = "replace"
    """Delete and create at once: the pod has ended, or nobody will end it."""
    REPLACE_LATER = "replace later"
    """Delete now; create at once the first time, ever later if it keeps happening."""
    UPDATE = "update"
    """Delete a pod of an earlier configuration; its end leads to the new one."""
    FORCE_DELETE = "force delete"
    FORCE_REPLACE = "force replace"


@dataclass(frozen=True, slots=True)
class CreatePod:
    """Create the leader pod."""

    def __str__(self) -> str:
        return "create a leader pod"


@dataclass(frozen=True, slots=True)
class DeletePod:
    """Delete the pod with this uid, and no later one of its name."""

    uid: str
    force: bool = False
    """Do not wait for its node. What may still run there trades on until its epoch is taken."""

    def __str__(self) -> str:
        return f"{'give up' if self.force else 'delete'} pod {self.uid}"


@dataclass(frozen=True, slots=True)
class SetFinalizer:
    """Let our finalizer keep the resource, or let the resource go."""

    kept: bool

    def __str__(self) -> str:
        return "keep the resource until its leader has finished" if self.kept else "let it go"


Action = CreatePod | DeletePod | SetFinalizer | CreateFence | DeleteFence


@dataclass(frozen=True, slots=True)
class Backoff:
    """How a symbol's leader pods have failed lately."""

    failures: int = 0
    last_uid: str = ""
    """The failed pod counted last: seeing it again is no further failure."""
    not_before: datetime | None = None
    """When the next leader pod may be created."""


NO_BACKOFF: Final = Backoff()


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do, and when to look again if no event tells."""

    step: Step
    actions: tuple[Action, ...]
    backoff: Backoff
    wake_at: datetime | None = None
    withdraws: bool = False
    """The leader whose report the status holds is gone: it is to be withdrawn."""
    unfenced: tuple[LostPod, ...] = ()
    """Former leaders that may trade on, on nodes that do not answer."""
    fences_at: datetime | None = None
    """When to look at the fences again if no event tells."""

    @property
    def creates(self) -> bool:
        """Whether a leader pod is to be created."""
        return CreatePod() in self.actions


TABLE: Final = {
    # Desired.ON, Desired.OFF, Desired.SHUTDOWN, Desired.FINISH, Desired.END
    PodState.NONE: (Step.CREATE, Step.KEEP, Step.CREATE, Step.CREATE, Step.KEEP),
    # Not ours to touch; the condition says who has to move.
    PodState.FOREIGN: (Step.KEEP, Step.KEEP, Step.KEEP, Step.KEEP, Step.KEEP),
    # It may still run: gone first, then a new one.
    PodState.ORPHANED: (Step.DELETE, Step.DELETE, Step.DELETE, Step.DELETE, Step.DELETE),
    PodState.PENDING: (Step.KEEP, Step.DELETE, Step.KEEP, Step.KEEP, Step.DELETE),
    PodState.RUNNING: (Step.KEEP, Step.DELETE, Step.KEEP, Step.KEEP, Step.DELETE),
    # On again while the old pod terminates: its end is an event, and then it is NONE.
    PodState.TERMINATING: (Step.KEEP, Step.KEEP, Step.KEEP, Step.KEEP, Step.KEEP),
    PodState.LOST: (
        Step.FORCE_REPLACE,
        Step.FORCE_DELETE,
        Step.FORCE_REPLACE,
        Step.FORCE_REPLACE,
        Step.FORCE_DELETE,
    ),
    # This shutdown was requested after the drained leader had switched the symbol off: the pod
    # is read before the resource, so that off is not still to come.
    # A drained leader has nothing open: that is what a resource that is deleted waits for.
    PodState.DRAINED: (Step.REPLACE, Step.DELETE, Step.REPLACE, Step.KEEP, Step.DELETE),
    **dict.fromkeys(
        (PodState.FENCED, PodState.COMPLETED, PodState.FAILED),
        (Step.REPLACE_LATER, Step.DELETE, Step.REPLACE_LATER, Step.REPLACE_LATER, Step.DELETE),
    ),
    # The node may come back; the resync sees when it is lost.
    PodState.UNKNOWN: (Step.KEEP, Step.DELETE, Step.KEEP, Step.KEEP, Step.DELETE),
}
LEADING: Final = frozenset({Desired.ON, Desired.SHUTDOWN, Desired.FINISH})
"""What needs a leader."""
COLUMNS: Final = (Desired.ON, Desired.OFF, Desired.SHUTDOWN, Desired.FINISH, Desired.END)
CREATING: Final = frozenset({Step.CREATE, Step.REPLACE, Step.REPLACE_LATER, Step.FORCE_REPLACE})
DELETING: Final = frozenset(Step) - {Step.KEEP, Step.CREATE}
_FINISHED: Final = (Desired.FINISH, PodState.DRAINED)
UPDATABLE: Final = frozenset({PodState.PENDING, PodState.RUNNING})
FORCING: Final = frozenset({Step.FORCE_DELETE, Step.FORCE_REPLACE})


def plan(
    desired: Desired,
    pod: LeaderPod,
    *,
    now: datetime,
    backoff: Backoff = NO_BACKOFF,
    blocked: bool = False,
    reported: bool = False,
    finishes: bool = False,
    kept: bool = False,
    update: bool = False,
    fences: Sequence[Fence] = (),
) -> Plan:
    """Decide what to do about the leader pod. No side effects.

    `blocked` says that no leader may be created now, whatever is desired; `reported` that the
    status holds a leader's report. `finishes` says that a deletion shall wait
    for the leader, `kept` that our finalizer is there to see to it. `update` says that a leader
    of an earlier configuration may be replaced now. `fences` are those of lost leaders.
    """
    step = TABLE[pod.state][COLUMNS.index(desired)]
    if update and step is Step.KEEP and pod.state in UPDATABLE:
        step = Step.UPDATE
    backoff = _backoff(step, desired, pod, backoff, now)
    # The name of a pod that lingers is taken; its end is an event.
    creates = step in CREATING and not blocked and not pod.lingers
    waits = creates and backoff.not_before is not None and now < backoff.not_before
    actions: list[Action] = []
    keep = finishes and desired is not Desired.END and (desired, pod.state) != _FINISHED
    if keep != kept:
        actions.append(SetFinalizer(keep))
    fencing = plan_fences(pod if step in FORCING else None, fences, now)
    # Before the pod goes: nothing else tells that it was there.
    actions.extend(fencing.creates)
    if step in DELETING:
        actions.append(DeletePod(pod.uid, force=step in FORCING))
    withdraws = reported and desired is not Desired.END and (step in CREATING or not pod.leads)
    if creates and not waits:
        actions.append(CreatePod())
    actions.extend(fencing.deletes)
    wake_at = backoff.not_before if waits else None
    return Plan(
        step, tuple(actions), backoff, wake_at, withdraws, fencing.unfenced, fencing.wake_at
    )


def _backoff(
    step: Step, desired: Desired, pod: LeaderPod, backoff: Backoff, now: datetime
) -> Backoff:
    if desired in {Desired.OFF, Desired.END}:
        return NO_BACKOFF
    if step is not Step.REPLACE_LATER or pod.uid == backoff.last_uid:
        return backoff
    lived_long = pod.created is not None and now - pod.created >= BACKOFF_RESET
    failures = 1 if lived_long else backoff.failures + 1
    return Backoff(failures, pod.uid, now + backoff_delay(failures))


def backoff_delay(failures: int) -> timedelta:
    """Time from the last of `failures` failures in a row to the next leader pod."""
    if failures <= 1:
        return timedelta()
    # The shift is bounded, so that no count of failures overflows a timedelta.
    return min(BACKOFF_FIRST * (1 << min(failures - 2, 16)), BACKOFF_MAX)
