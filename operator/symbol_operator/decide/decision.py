"""From what was read to all that follows from it. Nothing here has side effects.

`decide` is used twice: for a look at one symbol, and then its decision is carried out; and after
a comparison of everything, and then only whether there is something to carry out counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from symbol_operator.decide.conditions import Situation, find_situation, leaving
from symbol_operator.decide.desired import DesiredState, is_left, read_desired
from symbol_operator.decide.events import EventNote, fencing_events, find_events
from symbol_operator.decide.plan import LEADING, Backoff, Desired, Plan, plan
from symbol_operator.decide.reporting import report_patch
from symbol_operator.decide.specs import Specs
from symbol_operator.decide.updates import outdated
from symbol_operator.observe.fence import observe_fence
from symbol_operator.observe.managed_fields import disowned, put_right
from symbol_operator.observe.pod import LeaderPod, PodState, observe_pod
from symbol_operator.observe.symbol import ObservedSymbol, observe_symbol
from symbol_operator.observe.view import View
from symbol_operator.settings import OperatorSettings
from tradingsymbol_api.reading import Document
from tradingsymbol_api.values import DeletionPolicy, UpdateStrategy


@dataclass(frozen=True)
class Context:
    """What all decisions share."""

    settings: OperatorSettings
    cluster: str
    """What identifies the cluster: the uid of its namespace kube-system."""

    @cached_property
    def specs(self) -> Specs:
        """What was found out about specs under these settings."""
        return Specs(self.settings, self.cluster)


@dataclass(frozen=True, slots=True)
class Decision:
    """All that follows from a view."""

    symbol: ObservedSymbol | None
    """The resource, None if there is none."""
    desired: DesiredState
    pod: LeaderPod
    planned: Plan
    situation: Situation
    events: tuple[EventNote, ...]
    status: Mapping[str, Any] | None
    """A merge patch of the status, None if the resource says all of it already."""
    waits_for_slot: bool = False
    """The leader is to be updated as soon as others have been."""
    owners: Sequence[Mapping[str, Any]] | None = None
    """Who is to own which field of the resource, None if that is as it should be."""

    @property
    def idle(self) -> bool:
        """Whether nothing follows."""
        return not self.planned.actions and self.status is None and self.owners is None

    @property
    def needs_no_slot(self) -> bool:
        """Whether no update of the leader is under way: it is ready and stays, or is not wanted."""
        stays = self.pod.ready and self.pod.state is not PodState.TERMINATING
        return stays or self.desired.status not in LEADING


def decide(
    view: View, context: Context, backoff: Backoff, now: datetime, *, slot: bool = True
) -> Decision:
    """Decide what to do about one symbol and what to say about it. No side effects.

    `slot` says that a leader that trades may be updated now.
    """
    symbol = observe_symbol(view.resource)
    desired = read_desired(symbol, context.specs, namespace_ending=view.namespace_ending)
    left = symbol is not None and is_left(symbol.life, context.settings)
    if left:
        desired = replace(desired, status=Desired.OFF)
    pod = observe_pod(view.pod, symbol.uid if symbol else None, node_lost=view.node_lost)
    pod = replace(pod, outdated=_outdated(view.pod, pod, desired, context))
    update = _may_be_updated(symbol, desired, pod)
    planned = plan(
        desired.status,
        pod,
        now=now,
        backoff=backoff,
        blocked=desired.blocker is not None,
        reported=symbol is not None and symbol.reported.led,
        # A deletion that nobody is there to finish must not wait.
        finishes=not left and _policy(symbol) is not DeletionPolicy.STOP,
        kept=symbol is not None and symbol.life.kept,
        update=update and (slot or not pod.trades),
        fences=[observe_fence(fence) for fence in view.fences],
    )
    situation = find_situation(desired.status, pod, planned, desired.blocker, desired.leader.proxy)
    if symbol is None:
        told = tuple(fencing_events(desired.status, pod, planned, deleted=True))
        return Decision(None, desired, pod, planned, situation, told, None)
    if left:
        situation = leaving(situation, symbol.life.desired)
    events = find_events(symbol, desired.status, pod, planned, situation)
    patch = report_patch(
        symbol,
        pod,
        situation,
        now,
        environment=desired.leader.environment,
        withdraws=planned.withdraws,
    )
    waits = update and pod.trades and not slot
    owners = put_right(symbol.document) if disowned(symbol.document) else None
    return Decision(symbol, desired, pod, planned, situation, events, patch, waits, owners)


def _policy(symbol: ObservedSymbol | None) -> DeletionPolicy:
    return symbol.life.policy if symbol else DeletionPolicy.STOP


def _outdated(
    found: Document | None, pod: LeaderPod, desired: DesiredState, context: Context
) -> str:
    """Return in what the pod differs from the one that would be created now."""
    digest = desired.leader.digest
    if found is None or not digest or digest == pod.template_hash:
        return ""
    return outdated(found, context.specs.pod(desired.leader))


def _may_be_updated(symbol: ObservedSymbol | None, desired: DesiredState, pod: LeaderPod) -> bool:
    """Return whether an outdated leader may be replaced: at once if not trading, else when idle.

    One that is asked to end waits for the replies to what it has sent, so nothing is in flight
    then but what is in doubt already.
    """
    spec = desired.leader.symbol
    if not pod.outdated or symbol is None or spec is None or desired.status not in LEADING:
        return False
    if not pod.trades:
        return True
    automatic = spec.spec.update_strategy is UpdateStrategy.WHEN_IDLE
    return automatic and not symbol.reported.in_doubt
