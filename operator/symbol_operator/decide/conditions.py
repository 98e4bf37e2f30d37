"""What the operator's conditions say about a symbol. Nothing here has side effects.

One situation is found, and Ready, Reconciling and Stalled all follow from it: Ready is what
people and `kubectl wait` look at, the other two are kstatus' way of saying whether waiting
helps.
"""

from dataclasses import dataclass
from typing import Final

from symbol_operator.decide.plan import LEADING, UPDATABLE, Desired, Plan, Step
from symbol_operator.observe.fence import LostPod
from symbol_operator.observe.pod import LeaderPod, PodState, Problem, missing_secret
from tradingsymbol_api.conditions import ConditionType, Finding, OperatorReason
from tradingsymbol_api.names import ANNOTATION_ABANDON, PROXY_URL_KEY
from tradingsymbol_api.values import TradingStatus

SETTLED: Final = frozenset({OperatorReason.LEADER_READY, OperatorReason.STOPPED})
"""What was asked for is the case."""
STALLED: Final = frozenset(
    {
        OperatorReason.CANNOT_START,
        OperatorReason.CRASH_LOOPING,
        OperatorReason.CREATE_REFUSED,
        OperatorReason.EXCHANGE_REFUSED,
        OperatorReason.FOREIGN_POD,
        OperatorReason.IMAGE_UNAVAILABLE,
        OperatorReason.INTERNAL_ERROR,
        OperatorReason.INVALID_SPEC,
        OperatorReason.NAMESPACE_LEAVING,
        OperatorReason.SECRET_MISSING,
        OperatorReason.UNKNOWN_EXCHANGE,
    }
)
"""Somebody has to change something; the operator carries on by itself once it is changed."""


@dataclass(frozen=True, slots=True)
class Situation:
    """How things stand, in one reason."""

    reason: OperatorReason
    message: str

    def findings(self) -> tuple[Finding, Finding, Finding]:
        """Return it as the conditions Ready, Reconciling and Stalled."""
        settled, stalled = self.reason in SETTLED, self.reason in STALLED
        return (
            Finding(ConditionType.READY, settled, self.reason, self.message),
            self._aspect(ConditionType.RECONCILING, holds=not settled and not stalled),
            self._aspect(ConditionType.STALLED, holds=stalled),
        )

    def _aspect(self, kind: ConditionType, *, holds: bool) -> Finding:
        if not holds:
            return Finding(kind, status=False, reason=OperatorReason.AS_ASKED)
        return Finding(kind, status=True, reason=self.reason, message=self.message)


@dataclass(frozen=True, slots=True)
class ProxySecret:
    """The Secret without which the kubelet starts no leader, for the advice how to create it."""

    namespace: str
    name: str = ""
    """Empty where the exchange is reached without one."""

    @property
    def creation(self) -> str:
        """Return the command that creates it."""
        return (
            f"kubectl create secret generic {self.name} --namespace {self.namespace} "
            f"--from-literal={PROXY_URL_KEY}=http://user:password@host:port"
        )


def find_situation(
    desired: Desired, pod: LeaderPod, planned: Plan, blocker: Problem | None, proxy: ProxySecret
) -> Situation:
    """Sum up how things stand once `planned` is carried out.

    `pod` is the pod as last seen, `blocker` what keeps a leader from being created.
    """
    if desired not in LEADING:
        return _no_leader(desired, pod, planned)
    if blocker is not None:
        return Situation(blocker.reason, blocker.message)
    if pod.state in UPDATABLE and planned.step is not Step.UPDATE:
        return _alive(desired, pod, proxy)
    if desired is Desired.FINISH and pod.state is PodState.DRAINED:
        return Situation(OperatorReason.DELETING, "Nothing is open: the resource may go.")
    return _not_yet(pod, planned)


def _no_leader(desired: Desired, pod: LeaderPod, planned: Plan) -> Situation:
    asked = "Off" if desired is Desired.OFF else "Being deleted"
    if planned.unfenced:
        return Situation(OperatorReason.FENCING, f"{asked}: {may_trade_on(planned.unfenced[0])}")
    if desired is Desired.END:
        return Situation(OperatorReason.DELETING, "The resource is being deleted.")
    return _off(pod)


def may_trade_on(lost: LostPod) -> str:
    """Return the sentence that a leader that was given up may still trade."""
    why = f" ({lost.why_not_fenced})" if lost.why_not_fenced else ""
    return (
        f"pod {lost.name} may trade on at node {lost.node}, which does not answer, until a fence "
        f"has taken its epoch{why}."
    )


def _off(pod: LeaderPod) -> Situation:
    if pod.state in {PodState.NONE, PodState.FOREIGN}:
        return Situation(OperatorReason.STOPPED, "Off: no leader pod runs.")
    return Situation(OperatorReason.STOPPING, f"Off: waiting for pod {pod.name} to end.")


def leaving(situation: Situation, desired: TradingStatus) -> Situation:
    """Return why no leader runs where one is desired: its namespace is being left."""
    if situation.reason is not OperatorReason.STOPPED or desired is TradingStatus.OFF:
        return situation
    return Situation(
        OperatorReason.NAMESPACE_LEAVING,
        f"No leader runs, though {desired} is desired: the operator is leaving this namespace.",
    )


def _alive(desired: Desired, pod: LeaderPod, proxy: ProxySecret) -> Situation:
    if pod.problem is not None:
        return Situation(pod.problem.reason, _advice(pod.problem, proxy))
    if pod.state is PodState.PENDING:
        return Situation(OperatorReason.STARTING, f"Pod {pod.name} is starting.")
    if not pod.ready:
        return Situation(OperatorReason.LEADER_NOT_READY, _not_ready(pod))
    if desired is Desired.FINISH:
        return Situation(
            OperatorReason.DELETING,
            f"Being deleted: pod {pod.name} does first what spec.deletionPolicy says; condition "
            f"ShuttingDown says what it waits for. Annotate {ANNOTATION_ABANDON}=true to let "
            "the orders rest.",
        )
    if desired is Desired.SHUTDOWN:
        return Situation(
            OperatorReason.DRAINING,
            f"Shutdown: pod {pod.name} finishes what is open, then switches the symbol off.",
        )
    return Situation(OperatorReason.LEADER_READY, f"Pod {pod.name} leads.{_age(pod)}")


def _not_ready(pod: LeaderPod) -> str:
    if pod.trades:
        return (
            f"The leader in pod {pod.name} can trade, and the pod is not ready: a container beside "
            "the leader's is not, or the node does not answer."
        )
    return f"Pod {pod.name} runs and cannot trade yet; condition Degraded says why."


def _age(pod: LeaderPod) -> str:
    """Return in what a leader pod is outdated, and how to get a new one; empty if it is not."""
    if not pod.outdated:
        return ""
    return (
        f" It is not what would be created now: {pod.outdated}. Delete it to have it replaced, or "
        "wait: spec.updateStrategy says which."
    )


def _advice(problem: Problem, proxy: ProxySecret) -> str:
    """Return the kubelet's message, and what to do about it."""
    if not proxy.name or missing_secret(problem.message) != proxy.name:
        return problem.message
    return f"{problem.message}. Create it: {proxy.creation}"


def _not_yet(pod: LeaderPod, planned: Plan) -> Situation:
    """Return why a leader is desired and none is alive, or none that stays."""
    if planned.step is Step.UPDATE:
        text = f"Pod {pod.name} is being replaced: {pod.outdated}."
        return Situation(OperatorReason.REPLACING, text)
    if planned.wake_at is not None:
        return Situation(
            OperatorReason.BACKING_OFF,
            f"{planned.backoff.failures} leader pods ended too early in a row; "
            f"the next one is created at {planned.wake_at:%H:%M:%S} UTC.",
        )
    if planned.step is Step.CREATE:
        return Situation(OperatorReason.STARTING, "A leader pod is being created.")
    reason, text = NOT_YET[pod.state]
    message = text.format(pod=pod.name, node=pod.node)
    return Situation(reason, f"{message} ({pod.outcome})" if pod.outcome else message)


NOT_YET: Final = {
    PodState.FOREIGN: (
        OperatorReason.FOREIGN_POD,
        "Pod {pod} is not this operator's, and a leader needs its name: delete or rename it.",
    ),
    PodState.ORPHANED: (
        OperatorReason.REPLACING,
        "Pod {pod} belongs to an earlier resource of this name and is deleted first.",
    ),
    PodState.TERMINATING: (
        OperatorReason.REPLACING,
        "Waiting for the earlier pod {pod} to end; then a new one is created.",
    ),
    PodState.LOST: (
        OperatorReason.NODE_LOST,
        "Node {node} does not answer; pod {pod} is replaced on another node.",
    ),
    PodState.UNKNOWN: (
        OperatorReason.NODE_LOST,
        "Node {node} does not report the state of pod {pod}.",
    ),
    **dict.fromkeys(
        (PodState.DRAINED, PodState.FENCED, PodState.COMPLETED, PodState.FAILED),
        (OperatorReason.REPLACING, "Pod {pod} ended and is replaced."),
    ),
}
