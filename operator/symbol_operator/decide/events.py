"""Which Events to tell. Nothing here has side effects.

An Event tells of something that just happened. What the resource's status already said when
the operator looked is old, so neither a resync nor a restart of the operator repeats it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from symbol_operator.decide.conditions import STALLED, Situation
from symbol_operator.decide.fencing import DeleteFence
from symbol_operator.decide.plan import (
    LEADING,
    CreatePod,
    DeletePod,
    Desired,
    Plan,
    SetFinalizer,
    Step,
)
from symbol_operator.observe.pod import NO_POD, LeaderPod, PodState, Problem
from symbol_operator.observe.symbol import ObservedSymbol, ReportedStatus
from tradingsymbol_api.conditions import OperatorReason
from tradingsymbol_api.events import event_name
from tradingsymbol_api.names import LEADER_FIELD_MANAGER
from tradingsymbol_api.reading import Document, mapping, number
from tradingsymbol_api.values import DeletionPolicy, TradingStatus


class EventReason(StrEnum):
    """Reasons of Events that are not reasons of conditions."""

    LEADER_STARTED = "LeaderStarted"
    LEADER_STOPPED = "LeaderStopped"
    LEADER_REPLACED = "LeaderReplaced"
    ALREADY_STOPPED = "AlreadyStopped"
    SHUTDOWN_CANCELED = "ShutdownCanceled"
    NODE_LOST = "NodeLost"
    LEADER_FENCED = "LeaderFenced"
    ORDERS_REST = "OrdersRest"


@dataclass(frozen=True, slots=True)
class EventNote:
    """What one Event tells about a resource."""

    reason: EventReason | OperatorReason
    note: str
    warning: bool = False
    about: str = ""
    """What it concerns besides the resource, such as a pod's uid."""

    def name(self, resource: Document) -> str:
        """Name of the Event: telling the same twice is refused as a duplicate."""
        # A pod is replaced once: that it was deleted is not told again if it was told why.
        if self.reason is EventReason.LEADER_REPLACED:
            return event_name(resource, self.reason, self.about)
        generation = number(mapping(resource, "metadata"), "generation")
        return event_name(resource, self.reason, self.about, generation, self.note)


COMING: Final = frozenset({PodState.PENDING, PodState.RUNNING})
"""A pod that leads, or is about to."""
WARNED: Final = STALLED | {OperatorReason.UNSCHEDULABLE}
"""Situations that are worth a warning when they begin."""


def find_events(
    symbol: ObservedSymbol, desired: Desired, pod: LeaderPod, planned: Plan, situation: Situation
) -> tuple[EventNote, ...]:
    """Find what happened since the resource's status was written.

    `pod` is the pod as it was before `planned` was carried out.
    """
    return (
        *_request_events(symbol, desired, pod),
        *_deletion_events(symbol, desired, planned),
        *_pod_events(symbol, desired, pod, planned),
        *fencing_events(desired, pod, planned),
        *_warnings(situation, pod, symbol.reported),
    )


def _request_events(
    symbol: ObservedSymbol, desired: Desired, pod: LeaderPod
) -> Iterator[EventNote]:
    before = symbol.reported
    change = (before.requested, desired)
    known = pod.uid == before.leader_uid
    if change == (TradingStatus.OFF, Desired.SHUTDOWN) and pod.state is PodState.NONE:
        yield EventNote(
            EventReason.ALREADY_STOPPED,
            "Shutdown of a stopped symbol: a leader finishes what is on record, if anything, "
            "and switches the symbol off",
        )
    if change == (TradingStatus.SHUTDOWN, Desired.ON) and pod.state in COMING and known:
        yield EventNote(
            EventReason.SHUTDOWN_CANCELED, f"Switched on during shutdown{_by_whom(symbol)}"
        )


def _deletion_events(
    symbol: ObservedSymbol, desired: Desired, planned: Plan
) -> Iterator[EventNote]:
    """Tell of a deletion that should have waited and does not."""
    if desired is Desired.END and SetFinalizer(kept=False) in planned.actions:
        orders = _orders(symbol.reported.open_orders)
        note = f"Goes before its leader has finished: {orders} on the exchange and stay on record"
        yield EventNote(EventReason.ORDERS_REST, note, warning=True)


def fencing_events(
    desired: Desired, pod: LeaderPod, planned: Plan, *, deleted: bool = False
) -> Iterator[EventNote]:
    """Tell that a leader may still trade, and that it can trade no more.

    `deleted` says that its resource is gone, so that it is told of the namespace.
    """
    whose = "Its TradingSymbol is deleted. " if deleted else ""
    for action in planned.actions:
        if isinstance(action, DeletePod) and action.force and desired not in LEADING:
            note = (
                f"{whose}Node {pod.node} does not answer: pod {pod.name} is given up, and may "
                "trade on there until a fence has taken its epoch"
            )
            yield EventNote(EventReason.NODE_LOST, note, warning=True, about=pod.uid)
        elif isinstance(action, DeleteFence) and action.done:
            lost = action.of
            note = f"{whose}Pod {lost.name} trades no more on node {lost.node}: it is fenced"
            yield EventNote(EventReason.LEADER_FENCED, note, about=lost.uid)


def gone(symbol: ObservedSymbol) -> EventNote | None:
    """Return which orders rest after a deletion that did not wait; None if that was told before."""
    orders, life = symbol.reported.open_orders, symbol.life
    waited = life.deleting and life.policy is not DeletionPolicy.STOP
    if not orders or waited:
        return None
    note = f"Deleted: {_orders(orders)} on the exchange and stay on record"
    return EventNote(EventReason.ORDERS_REST, note)


def refused(symbol: ObservedSymbol | None, problem: Problem) -> Iterator[EventNote]:
    """Tell that the leader pod was refused, if that is new."""
    situation = Situation(problem.reason, problem.message)
    return _warnings(situation, NO_POD, symbol.reported if symbol else None)


def _orders(count: int) -> str:
    return "1 order rests" if count == 1 else f"{count or 'no'} orders rest"


def _pod_events(
    symbol: ObservedSymbol, desired: Desired, pod: LeaderPod, planned: Plan
) -> Iterator[EventNote]:
    """Tell of a pod that goes, and of one that came since, where none went or none was told of.

    What came is told at the look after its creation, with the rest of what is said about it.
    """
    before = symbol.reported
    wanted = desired in LEADING
    new = _newly_wanted(desired, before)
    for action in planned.actions:
        if isinstance(action, DeletePod) and wanted and pod.leads and not new:
            yield _replaced(pod, planned)
        elif isinstance(action, DeletePod) and not action.force and _stops(desired, pod):
            yield _stopped(symbol, pod)
        elif isinstance(action, CreatePod) and pod.state is PodState.NONE and before.names_leader:
            yield _vanished(before)
    if wanted and new and pod.state in COMING and pod.uid != before.leader_uid:
        whom = _by_whom(symbol) if desired is Desired.ON else ""
        note = f"Created a leader pod: {desired}{whom}"
        yield EventNote(EventReason.LEADER_STARTED, note, about=pod.uid)


def _stops(desired: Desired, pod: LeaderPod) -> bool:
    return desired is Desired.OFF and pod.leads


def _newly_wanted(desired: Desired, before: ReportedStatus) -> bool:
    """Return whether a leader is wanted, and no earlier one is or was to do the same."""
    refused_before = before.ready_reason == OperatorReason.CREATE_REFUSED
    resumed = before.requested == TradingStatus.SHUTDOWN and desired is Desired.ON
    return before.requested in {"", TradingStatus.OFF} or resumed or refused_before


def _replaced(pod: LeaderPod, planned: Plan) -> EventNote:
    if pod.state is PodState.LOST:
        note = f"Node {pod.node} does not answer: pod {pod.name} is given up and replaced"
        return EventNote(EventReason.NODE_LOST, note, warning=True, about=pod.uid)
    if planned.step is Step.UPDATE:
        note = f"Pod {pod.name} is being replaced: {pod.outdated}"
        return EventNote(EventReason.LEADER_REPLACED, note, about=pod.uid)
    when = f" at {planned.wake_at:%H:%M:%S} UTC" if planned.wake_at else ""
    note = f"Pod {pod.name} ended ({pod.outcome or pod.state}) and is replaced{when}"
    return EventNote(EventReason.LEADER_REPLACED, note, warning=True, about=pod.uid)


def _stopped(symbol: ObservedSymbol, pod: LeaderPod) -> EventNote:
    # A leader that has switched the symbol off may still be ending.
    drained = pod.state is PodState.DRAINED or symbol.status_writer == LEADER_FIELD_MANAGER
    why = "the shutdown is done" if drained else "switched off"
    if symbol.life.desired is not TradingStatus.OFF:
        why = "the operator is leaving the namespace"
    return EventNote(EventReason.LEADER_STOPPED, f"Deleted pod {pod.name}: {why}", about=pod.uid)


def _vanished(before: ReportedStatus) -> EventNote:
    note = f"Pod {before.leader_pod} was deleted; created a new one"
    return EventNote(EventReason.LEADER_REPLACED, note, about=before.leader_uid)


def _by_whom(symbol: ObservedSymbol) -> str:
    return f", by {symbol.status_writer}" if symbol.status_writer else ""


def _warnings(
    situation: Situation, pod: LeaderPod, before: ReportedStatus | None
) -> Iterator[EventNote]:
    known = before is not None and situation.reason == before.ready_reason
    if situation.reason in WARNED and not known:
        yield EventNote(situation.reason, situation.message, warning=True, about=pod.uid)
