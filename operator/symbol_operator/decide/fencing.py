"""What a leader whose node is lost calls for: a fence. No side effects.

To delete a pod whose node does not answer removes the object and ends no process: the leader may
trade on until somebody takes its epoch. A new leader does, but none may come, or none that gets as
far. So each pod that is given up gets a fence, a pod elsewhere whose only work is that. The fences
are the memory of it: one goes when it has done its work, and not before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from symbol_operator.observe.fence import Fence, FenceState, LostPod
from symbol_operator.observe.pod import LeaderPod

AGAIN_AFTER: Final = timedelta(seconds=10)
"""Time from the creation of a fence that failed to the next one."""


@dataclass(frozen=True, slots=True)
class CreateFence:
    """Create the fence of a lost leader."""

    of: LostPod
    source: str
    """Uid of the pod that it is made from: the lost one, or a fence that failed."""

    def __str__(self) -> str:
        return f"fence pod {self.of.uid}"


@dataclass(frozen=True, slots=True)
class DeleteFence:
    """Delete a fence: it has done its work, or failed and has a successor."""

    of: LostPod
    name: str
    uid: str
    done: bool

    def __str__(self) -> str:
        return f"delete fence {self.name}"


@dataclass(frozen=True, slots=True)
class FencePlan:
    """What to do about fences."""

    creates: tuple[CreateFence, ...] = ()
    deletes: tuple[DeleteFence, ...] = ()
    unfenced: tuple[LostPod, ...] = ()
    """Leaders that may trade on."""
    wake_at: datetime | None = None


def plan_fences(given_up: LeaderPod | None, fences: Sequence[Fence], now: datetime) -> FencePlan:
    """Decide about the fences of a symbol. `given_up` is the leader pod, if it is given up now."""
    ordered = sorted(fences, key=lambda fence: fence.of.uid)
    parts = [
        _plan_for_one(list(group), now)
        for _, group in groupby(ordered, key=lambda fence: fence.of.uid)
    ]
    if given_up is not None and all(fence.of.uid != given_up.uid for fence in fences):
        lost = LostPod(given_up.uid, given_up.name, given_up.node or "unknown")
        parts.append(FencePlan(creates=(CreateFence(lost, lost.uid),), unfenced=(lost,)))
    return FencePlan(
        tuple(create for part in parts for create in part.creates),
        tuple(delete for part in parts for delete in part.deletes),
        tuple(lost for part in parts for lost in part.unfenced),
        min((part.wake_at for part in parts if part.wake_at), default=None),
    )


def _plan_for_one(fences: Sequence[Fence], now: datetime) -> FencePlan:
    """Decide about the fences of one lost pod, of which there is one at least."""
    done = [fence for fence in fences if fence.state is FenceState.DONE]
    working = [fence for fence in fences if fence.state is FenceState.WORKING]
    spent = [fence for fence in fences if fence.state is FenceState.SPENT]
    if done:
        return FencePlan(deletes=tuple(map(_delete, [*working, *spent, *done])))
    if working:
        return FencePlan(deletes=tuple(map(_delete, spent)), unfenced=(working[0].of,))
    # Its successor is made from it, so it goes once that is there.
    last = max(spent, key=lambda fence: (fence.created, fence.uid))
    if now < (due := last.created + AGAIN_AFTER):
        return FencePlan(unfenced=(last.of,), wake_at=due)
    return FencePlan(creates=(CreateFence(last.of, last.uid),), unfenced=(last.of,))


def _delete(fence: Fence) -> DeleteFence:
    return DeleteFence(fence.of, fence.name, fence.uid, fence.state is FenceState.DONE)
