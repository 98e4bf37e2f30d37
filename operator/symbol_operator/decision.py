"""From what was read to all that follows from it. Nothing here has side effects.

`decide` is used twice: on fresh reads, and then its decision is carried out; and on lists of
everything, and then only whether there is something to carry out counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from symbol_operator.conditions import SecretNames, Situation, find_situation
from symbol_operator.fence_pod import fence_pod
from symbol_operator.fencing import CreateFence
from symbol_operator.news import News, fencing_news, find_news
from symbol_operator.observation import (
    NO_POD,
    Document,
    LeaderPod,
    Trouble,
    observe_fence,
    observe_pod,
)
from symbol_operator.plan import LEADING, Backoff, ClearTraderStatus, Plan, Wish, plan
from symbol_operator.pod import leader_pod
from symbol_operator.settings import SUPPORTED_ENVIRONMENTS, ExchangeEntry, OperatorSettings
from symbol_operator.updates import in_doubt, outdated
from tradingsymbol_api.names import FINALIZER, OPERATOR_MANAGER, TRADER_MANAGER
from tradingsymbol_api.spec import (
    DeletionPolicy,
    InvalidResourceError,
    TradingStatus,
    TradingSymbol,
    UpdateStrategy,
    finishes_first,
    parse_resource,
    parse_status,
)
from tradingsymbol_api.status import (
    LeaderStatus,
    OperatorReason,
    OperatorStatus,
    Target,
    conditions_of,
    lasting_status,
    says_the_same,
    status_document,
)


@dataclass(frozen=True, slots=True)
class Context:
    """What all decisions share."""

    settings: OperatorSettings
    cluster: str
    """What identifies the cluster: the uid of its namespace kube-system."""


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


NO_SECRETS: Final = SecretNames("", "", "")


@dataclass(frozen=True, slots=True)
class Request:
    """What a resource asks for, and what stands in the way of a leader."""

    wish: Wish
    symbol: TradingSymbol | None = None
    """None where the resource is missing or invalid."""
    blocker: Trouble | None = None
    secrets: SecretNames = NO_SECRETS


@dataclass(frozen=True, slots=True)
class Decision:
    """All that follows from a view."""

    request: Request
    pod: LeaderPod
    planned: Plan
    situation: Situation
    news: tuple[News, ...]
    status: Mapping[str, Any] | None
    """The operator's status document, None if the resource says all of it already."""
    waits_for_turn: bool = False
    """The leader is to be updated as soon as others have been."""

    @property
    def idle(self) -> bool:
        """Whether nothing follows."""
        return not self.planned.actions and self.status is None


def decide(
    view: View, context: Context, backoff: Backoff, now: datetime, *, turn: bool = True
) -> Decision:
    """Decide what to do about one symbol and what to say about it. No side effects.

    `turn` says that a leader that trades may be updated now.
    """
    request = read_request(view, context.settings)
    owner = view.resource["metadata"]["uid"] if view.resource else None
    pod = observe_pod(view.pod, owner, node_lost=view.node_lost)
    pod = replace(pod, outdated=_outdated(view.pod, request, context))
    update = _may_be_updated(view.resource, request, pod)
    planned = plan(
        request.wish,
        pod,
        now=now,
        backoff=backoff,
        blocked=request.blocker is not None,
        report=_report(view.resource),
        finishes=_policy(view.resource) is not DeletionPolicy.STOP,
        kept=FINALIZER in _finalizers(view.resource),
        update=update and (turn or not pod.ready),
        fences=[observe_fence(fence) for fence in view.fences],
    )
    situation = find_situation(request.wish, pod, planned, request.blocker, request.secrets)
    if view.resource is None:
        told = tuple(fencing_news(request.wish, pod, planned, deleted=True))
        return Decision(request, pod, planned, situation, told, None)
    news = find_news(view.resource, request.wish, pod, planned, situation)
    document = _status(view.resource, pod, situation, now)
    waits = update and pod.ready and not turn
    return Decision(request, pod, planned, situation, news, document, waits)


def _outdated(found: Document | None, request: Request, context: Context) -> str:
    """Say in what the pod differs from the one that would be created now."""
    if found is None or request.symbol is None or request.blocker is not None:
        return ""
    return outdated(found, _manifest(request.symbol, context))


def _may_be_updated(resource: Document | None, request: Request, pod: LeaderPod) -> bool:
    """Tell whether an outdated leader may make way: at once if it does not trade, else when idle.

    One that is asked to end waits for the replies to what it has sent, so nothing is in flight
    then but what is in doubt already.
    """
    if not pod.outdated or request.symbol is None or request.wish not in LEADING:
        return False
    if not pod.ready:
        return True
    automatic = request.symbol.spec.update_strategy is UpdateStrategy.WHEN_IDLE
    return automatic and not in_doubt((resource or {}).get("status"))


def after_refusal(resource: Document, trouble: Trouble, now: datetime) -> Mapping[str, Any] | None:
    """Make the status document anew once the leader pod was refused. No side effects."""
    return _status(resource, NO_POD, Situation(trouble.reason, trouble.message), now)


def _report(resource: Document | None) -> ClearTraderStatus | None:
    """Return how to withdraw a leader's report; None if the status holds nothing but its ledger."""
    if resource is None:
        return None
    status = resource.get("status")
    withdrawal = ClearTraderStatus(_target(resource), lasting_status(status))
    document = status_document(withdrawal.target, withdrawal.kept)
    return None if says_the_same(TRADER_MANAGER, document, status) else withdrawal


def _target(resource: Document) -> Target:
    metadata = resource["metadata"]
    return Target(metadata["namespace"], metadata["name"], metadata["uid"])


def pod_manifest(decision: Decision, context: Context) -> dict[str, Any]:
    """Build the pod that `decision` wants created. No side effects."""
    if decision.request.symbol is None:
        raise ValueError("a blocked request creates no pod")
    return _manifest(decision.request.symbol, context)


def fence_manifest(action: CreateFence, view: View, wish: Wish) -> dict[str, Any]:
    """Build the fence that `action` wants created. No side effects.

    Where a leader is wanted, it is to go on with what the lost one holds: nothing is released.
    """
    found = (*view.fences, *filter(None, (view.pod,)))
    (source,) = (pod for pod in found if pod["metadata"]["uid"] == action.source)
    return fence_pod(source, action.of, release=wish not in LEADING)


def _manifest(symbol: TradingSymbol, context: Context) -> dict[str, Any]:
    entry = context.settings.exchange(symbol.spec.exchange)
    if entry is None:
        raise ValueError("a blocked request creates no pod")
    return leader_pod(symbol, entry, context.settings, context.cluster)


def read_request(view: View, settings: OperatorSettings) -> Request:
    """Read what a resource asks for. No side effects."""
    resource = view.resource
    if resource is None:
        return Request(Wish.END)
    wish = Wish(_requested(resource).value)
    if resource["metadata"].get("deletionTimestamp"):
        finishes = finishes_first(resource["metadata"], _policy(resource))
        wish = Wish.FINISH if finishes and not view.namespace_ending else Wish.END
    try:
        symbol = parse_resource(resource)
    except InvalidResourceError as exc:
        # What can be read of it still counts: a symbol must be stoppable in any case.
        return Request(wish, blocker=Trouble(OperatorReason.INVALID_SPEC, f"{exc}."))
    entry = settings.exchange(symbol.spec.exchange)
    secrets = SecretNames(
        symbol.metadata.namespace, entry.secret if entry else "", settings.database_secret
    )
    return Request(wish, symbol, _blocker(symbol, entry, settings), secrets)


def _blocker(
    symbol: TradingSymbol, entry: ExchangeEntry | None, settings: OperatorSettings
) -> Trouble | None:
    if entry is None:
        names = ", ".join(entry.name for entry in settings.exchanges) or "none"
        return Trouble(
            OperatorReason.UNKNOWN_EXCHANGE,
            f"spec.exchange {symbol.spec.exchange} is no entry of the operator's exchange list "
            f"({names}).",
        )
    if entry.environment not in SUPPORTED_ENVIRONMENTS:
        return Trouble(
            OperatorReason.EXCHANGE_REFUSED,
            f"Exchange {entry.name} is {entry.environment}: this version trades on paper only.",
        )
    return None


def _status(
    resource: Document, pod: LeaderPod, situation: Situation, now: datetime
) -> Mapping[str, Any] | None:
    """Make the operator's status document, None if the resource has all of it."""
    metadata, spec = resource["metadata"], resource.get("spec", {})
    generation = metadata.get("generation", 0)
    present = resource.get("status")
    part = OperatorStatus(
        requested=_requested(resource),
        symbol=spec.get("symbol") or metadata["name"].upper(),
        observed_generation=generation,
        leader=LeaderStatus(pod=pod.name, uid=pod.uid, node=pod.node) if pod.leads else None,
    )
    conditions = conditions_of(
        OPERATOR_MANAGER, situation.findings(), generation=generation, now=now, status=present
    )
    document = status_document(_target(resource), part, conditions)
    return None if says_the_same(OPERATOR_MANAGER, document, present) else document


def holds_up_deletion(resource: Document) -> bool:
    """Tell whether a resource that is being deleted waits for us. No side effects."""
    return "deletionTimestamp" in resource["metadata"] and FINALIZER in _finalizers(resource)


def finalizers(resource: Document, *, kept: bool) -> list[str]:
    """List what the finalizers of a resource are to be. No side effects."""
    others = [name for name in _finalizers(resource) if name != FINALIZER]
    return [*others, FINALIZER] if kept else others


def _finalizers(resource: Document | None) -> list[str]:
    return list(resource["metadata"].get("finalizers", ())) if resource else []


def _policy(resource: Document | None) -> DeletionPolicy:
    """Read spec.deletionPolicy alone; one that cannot be read lets the resource go."""
    try:
        return DeletionPolicy((resource or {}).get("spec", {})["deletionPolicy"])
    except (ValueError, KeyError):
        return DeletionPolicy.STOP


def _requested(resource: Document) -> TradingStatus:
    """Read spec.status alone; one that cannot be read does not let anything trade."""
    try:
        return parse_status(resource["spec"].get("status", TradingStatus.OFF))
    except (ValueError, KeyError):
        return TradingStatus.OFF
