"""From what was read to all that follows from it. Nothing here has side effects.

`decide` is used twice: for a look at one symbol, and then its decision is carried out; and after
a comparison of everything, and then only whether there is something to carry out counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from symbol_operator.decide.conditions import Situation, find_situation, leaving
from symbol_operator.decide.fence_pod import fence_pod
from symbol_operator.decide.fencing import CreateFence
from symbol_operator.decide.news import News, fencing_news, find_news
from symbol_operator.decide.plan import (
    FORCING,
    LEADING,
    Action,
    Backoff,
    DeletePod,
    Plan,
    SetFinalizer,
    Step,
    Wish,
    plan,
)
from symbol_operator.decide.specs import NOTHING, Asked, Specs
from symbol_operator.decide.updates import in_doubt, outdated, template_hash
from symbol_operator.observe.fence import observe_fence
from symbol_operator.observe.managed_fields import disowned, put_right
from symbol_operator.observe.node import node_suspect
from symbol_operator.observe.pod import NO_POD, LeaderPod, PodState, Trouble, observe_pod
from symbol_operator.settings import OperatorSettings
from tradingsymbol_api.names import (
    ANNOTATION_TAKES_TURN,
    FINALIZER,
    LABEL_MANAGED_BY,
    OPERATOR_MANAGER,
)
from tradingsymbol_api.reading import Document, holds, mapping, number, text, texts
from tradingsymbol_api.spec import (
    DeletionPolicy,
    UpdateStrategy,
    finishes_first,
    requested_status,
)
from tradingsymbol_api.status import (
    LeaderStatus,
    OperatorReason,
    OperatorStatus,
    Target,
    conditions_of,
    leader_report,
    says_the_same,
    status_document,
    status_patch,
)

AFTER_AN_END: Final = frozenset({Step.REPLACE, Step.REPLACE_LATER})
"""Steps that follow from the end of a pod."""
LED: Final = frozenset({"on", "shutdown"})
"""Values of `status.requested` under which a leader was there, or about to be."""


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
class View:
    """What was read of one symbol. The pod was read before the resource."""

    resource: Document | None
    pod: Document | None
    node_lost: bool = False
    namespace_ending: bool = False
    """The namespace is being deleted: no leader will be created in it."""
    fences: tuple[Document, ...] = ()
    """Fences of lost leaders; they are read where there may be one."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a resource asks for, and what stands in the way of a leader."""

    wish: Wish
    asked: Asked = NOTHING

    @property
    def blocker(self) -> Trouble | None:
        """Why no leader may be created, None if nothing is in the way."""
        return self.asked.blocker


@dataclass(frozen=True, slots=True)
class Decision:
    """All that follows from a view."""

    request: Request
    pod: LeaderPod
    planned: Plan
    situation: Situation
    news: tuple[News, ...]
    status: Mapping[str, Any] | None
    """A merge patch of the status, None if the resource says all of it already."""
    waits_for_turn: bool = False
    """The leader is to be updated as soon as others have been."""
    owners: Sequence[Mapping[str, Any]] | None = None
    """Who is to own which field of the resource, None if that is as it should be."""

    @property
    def idle(self) -> bool:
        """Whether nothing follows."""
        return not self.planned.actions and self.status is None and self.owners is None

    @property
    def needs_no_turn(self) -> bool:
        """Whether no update of the leader is under way: it is ready and stays, or is not wanted."""
        stays = self.pod.ready and self.pod.state is not PodState.TERMINATING
        return stays or self.request.wish not in LEADING


def decide(
    view: View, context: Context, backoff: Backoff, now: datetime, *, turn: bool = True
) -> Decision:
    """Decide what to do about one symbol and what to say about it. No side effects.

    `turn` says that a leader that trades may be updated now.
    """
    request = read_request(view, context.specs)
    left = _is_left(view.resource, context.settings)
    if left:
        request = replace(request, wish=Wish.OFF)
    owner = text(view.resource, "metadata", "uid") if view.resource else None
    pod = observe_pod(view.pod, owner, node_lost=view.node_lost)
    pod = replace(pod, outdated=_outdated(view.pod, request, context))
    update = _may_be_updated(view.resource, request, pod)
    planned = plan(
        request.wish,
        pod,
        now=now,
        backoff=backoff,
        blocked=request.blocker is not None,
        reported=_reported(view.resource),
        # A deletion that nobody is there to finish must not wait.
        finishes=not left and _policy(view.resource) is not DeletionPolicy.STOP,
        kept=FINALIZER in _finalizers(view.resource),
        update=update and (turn or not pod.ready),
        fences=[observe_fence(fence) for fence in view.fences],
    )
    situation = find_situation(request.wish, pod, planned, request.blocker, request.asked.secrets)
    if view.resource is None:
        told = tuple(fencing_news(request.wish, pod, planned, deleted=True))
        return Decision(request, pod, planned, situation, told, None)
    if left:
        situation = leaving(situation, requested_status(view.resource))
    news = find_news(view.resource, request.wish, pod, planned, situation)
    patch = _status(view.resource, pod, situation, now, withdraws=planned.withdraws)
    waits = update and pod.ready and not turn
    owners = put_right(view.resource) if disowned(view.resource) else None
    return Decision(request, pod, planned, situation, news, patch, waits, owners)


def _is_left(resource: Document | None, settings: OperatorSettings) -> bool:
    """Return whether a resource is to be left as it is; a deletion under way is finished first."""
    if resource is None or holds(resource, "metadata", "deletionTimestamp"):
        return False
    return text(resource, "metadata", "namespace") in settings.leaving_namespaces


def _outdated(found: Document | None, request: Request, context: Context) -> str:
    """Say in what the pod differs from the one that would be created now."""
    digest = request.asked.digest
    if found is None or not digest or digest == template_hash(found):
        return ""
    return outdated(found, context.specs.pod(request.asked))


def _may_be_updated(resource: Document | None, request: Request, pod: LeaderPod) -> bool:
    """Tell whether an outdated leader may make way: at once if it does not trade, else when idle.

    One that is asked to end waits for the replies to what it has sent, so nothing is in flight
    then but what is in doubt already.
    """
    symbol = request.asked.symbol
    if not pod.outdated or symbol is None or request.wish not in LEADING:
        return False
    if not pod.ready:
        return True
    automatic = symbol.spec.update_strategy is UpdateStrategy.WHEN_IDLE
    return automatic and not in_doubt(mapping(resource, "status"))


def after_refusal(resource: Document, trouble: Trouble, now: datetime) -> Mapping[str, Any] | None:
    """Make the patch of the status anew once the leader pod was refused. No side effects."""
    return _status(resource, NO_POD, Situation(trouble.reason, trouble.message), now)


def _reported(resource: Document | None) -> bool:
    """Return whether the status holds more of a leader's report than its ledger."""
    return bool(leader_report(mapping(resource, "status")))


def _target(resource: Document) -> Target:
    metadata = mapping(resource, "metadata")
    return Target(text(metadata, "namespace"), text(metadata, "name"), text(metadata, "uid"))


def pod_manifest(
    decision: Decision, context: Context, *, takes_turn: bool = False
) -> dict[str, Any]:
    """Build the pod that `decision` wants created. No side effects.

    `takes_turn` says that it follows one that was ready, in an update.
    """
    pod = context.specs.pod(decision.request.asked)
    if not takes_turn:
        return pod
    metadata = pod["metadata"]
    annotations = {**metadata["annotations"], ANNOTATION_TAKES_TURN: "true"}
    return {**pod, "metadata": {**metadata, "annotations": annotations}}


def is_updated(view: View, decision: Decision) -> bool:
    """Return whether a leader that led is on its way to be updated, as the cluster shows.

    Its pod ends, or has ended, or the next one has not led yet: one that has, and is not ready any
    more, has some other trouble. No side effects.
    """
    pod = decision.pod
    if decision.request.wish not in LEADING:
        return False
    if pod.state is PodState.TERMINATING:
        return bool(pod.outdated)
    if pod.state is PodState.NONE:
        return decision.planned.creates and holds(view.resource, "status", "leader")
    marked = text(view.pod, "metadata", "annotations", ANNOTATION_TAKES_TURN) == "true"
    return marked and not pod.ready and not number(view.resource, "status", "epoch")


def must_be_sure(view: View, decision: Decision) -> bool:
    """Return whether what follows may be carried out only after reading the pod and the resource.

    The watches of pods and of resources have no common order: the end of a pod may be known before
    what its leader wrote before it ended, and a pod before its resource. To act on the one
    without the other may start a leader for a symbol that is off, end one that is wanted, give up
    one that has ended well, or let a resource go whose leader has not finished. No side effects.
    """
    planned = decision.planned
    if planned.step in AFTER_AN_END or planned.step in FORCING:
        return True
    if SetFinalizer(kept=False) in planned.actions:
        return True
    if decision.pod.state is PodState.ORPHANED:
        return True
    # A pod that is not there any more has ended, too.
    led = text(view.resource, "status", "requested") in LED
    return planned.creates and led


def fence_manifest(action: CreateFence, view: View, wish: Wish) -> dict[str, Any]:
    """Build the fence that `action` wants created. No side effects.

    Where a leader is wanted, it is to go on with what the lost one holds: nothing is released.
    """
    found = (*view.fences, *filter(None, (view.pod,)))
    (source,) = (pod for pod in found if text(pod, "metadata", "uid") == action.source)
    return fence_pod(source, action.of, release=wish not in LEADING)


def unsure(view: View, decision: Decision, now: datetime) -> bool:
    """Return whether something is waited for that no watch tells. No side effects."""
    if view.resource is not None and holds_up_deletion(view.resource):
        return True
    if node_suspect(view.pod, now) or decision.pod.state is PodState.FOREIGN:
        return True
    return bool(decision.pod.outdated) and decision.planned.step is not Step.UPDATE


def rescue(view: View, settings: OperatorSettings) -> tuple[Action, ...]:
    """Decide what must be done about a symbol for which `decide` fails. No side effects.

    It reads as little as can be: a symbol must be stoppable, and a resource must be able to go,
    whatever else is wrong with them or with us.
    """
    wish = Wish.OFF if _is_left(view.resource, settings) else _wish(view)
    runs = _is_ours(view.pod) and not holds(view.pod, "metadata", "deletionTimestamp")
    actions: list[Action] = []
    if wish is Wish.END and FINALIZER in _finalizers(view.resource):
        actions.append(SetFinalizer(kept=False))
    if wish in {Wish.OFF, Wish.END} and runs:
        actions.append(DeletePod(text(view.pod, "metadata", "uid")))
    return tuple(actions)


def _is_ours(pod: Document | None) -> bool:
    return text(pod, "metadata", "labels", LABEL_MANAGED_BY) == OPERATOR_MANAGER


def after_failure(view: View, error: Exception, now: datetime) -> Mapping[str, Any] | None:
    """Make the patch of the status of a symbol for which `decide` fails. No side effects."""
    if view.resource is None:
        return None
    message = (
        f"The operator fails at this ({type(error).__name__}) and tries again ever more slowly; "
        "its log says where. Switched off, its leader is stopped all the same."
    )
    metadata = mapping(view.pod, "metadata")
    unknown = LeaderPod(PodState.UNKNOWN, text(metadata, "name"), text(metadata, "uid"))
    pod = unknown if _is_ours(view.pod) else NO_POD
    return _status(view.resource, pod, Situation(OperatorReason.INTERNAL_ERROR, message), now)


def _wish(view: View) -> Wish:
    resource = view.resource
    if resource is None:
        return Wish.END
    if mapping(resource, "metadata").get("deletionTimestamp"):
        finishes = finishes_first(mapping(resource, "metadata"), _policy(resource))
        return Wish.FINISH if finishes and not view.namespace_ending else Wish.END
    return Wish(requested_status(resource).value)


def read_request(view: View, specs: Specs) -> Request:
    """Read what a resource asks for."""
    if view.resource is None:
        return Request(_wish(view))
    # What can be read of an invalid one still counts: a symbol must be stoppable in any case.
    return Request(_wish(view), specs.read(view.resource))


def _status(
    resource: Document,
    pod: LeaderPod,
    situation: Situation,
    now: datetime,
    *,
    withdraws: bool = False,
) -> Mapping[str, Any] | None:
    """Make a merge patch of the status, None if it would change nothing."""
    target = _target(resource)
    generation = number(resource, "metadata", "generation")
    present = mapping(resource, "status")
    part = OperatorStatus(
        requested=requested_status(resource),
        symbol=text(resource, "spec", "symbol") or target.name.upper(),
        observed_generation=generation,
        leader=LeaderStatus(pod=pod.name, uid=pod.uid, node=pod.node) if pod.leads else None,
    )
    conditions = conditions_of(
        OPERATOR_MANAGER, situation.findings(), generation=generation, now=now, status=present
    )
    document = status_document(target, part, conditions)
    if not withdraws and says_the_same(OPERATOR_MANAGER, document, present):
        return None
    return status_patch(document, resource, withdrawn=withdraws)


def is_held(resource: Document) -> bool:
    """Return whether our finalizer is on a resource. No side effects."""
    return FINALIZER in _finalizers(resource)


def holds_up_deletion(resource: Document) -> bool:
    """Tell whether a resource that is being deleted waits for us. No side effects."""
    deleted = holds(resource, "metadata", "deletionTimestamp")
    return deleted and FINALIZER in _finalizers(resource)


def finalizers(resource: Document, *, kept: bool) -> list[str]:
    """List what the finalizers of a resource are to be. No side effects."""
    others = [name for name in _finalizers(resource) if name != FINALIZER]
    return [*others, FINALIZER] if kept else others


def _finalizers(resource: Document | None) -> list[str]:
    return texts(resource, "metadata", "finalizers")


def _policy(resource: Document | None) -> DeletionPolicy:
    """Read spec.deletionPolicy alone; one that cannot be read lets the resource go."""
    try:
        return DeletionPolicy(text(resource, "spec", "deletionPolicy"))
    except ValueError:
        return DeletionPolicy.STOP
