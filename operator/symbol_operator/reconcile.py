"""Carrying out decisions: read, decide, act, report. The loop that everything feeds.

Whatever happened, the question is the same: what is, and what should be. So nothing here
depends on having seen every event, and a run that was cut off anywhere is finished by the
next one.
"""

import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol

from symbol_operator.census import take_census
from symbol_operator.cluster import ConflictError, NotFoundError, RefusedError
from symbol_operator.conditions import may_trade_on
from symbol_operator.decision import (
    Context,
    Decision,
    View,
    after_refusal,
    decide,
    fence_manifest,
    finalizers,
    holds_up_deletion,
    pod_manifest,
)
from symbol_operator.fencing import CreateFence, DeleteFence
from symbol_operator.metrics import Metrics
from symbol_operator.news import EventReason, News, gone, refused
from symbol_operator.observation import (
    Document,
    Trouble,
    is_fence,
    node_lost,
    node_suspect,
    overdue_at,
)
from symbol_operator.plan import (
    LEADING,
    NO_BACKOFF,
    Backoff,
    ClearTraderStatus,
    CreatePod,
    DeletePod,
    SetFinalizer,
    Step,
    Wish,
)
from symbol_operator.updates import Turns
from tradingsymbol_api.names import LABEL_RESOURCE, OPERATOR_MANAGER, TRADER_MANAGER
from tradingsymbol_api.status import OperatorReason, status_document

logger = logging.getLogger(__name__)

CONFLICT_RETRY_SECONDS: Final = 0.2
"""Time to the next look after somebody else was quicker."""
REFUSED_RETRY_SECONDS: Final = 30.0
"""Time to the next attempt at a pod that the API server refuses."""
POD_SETTLES_SECONDS: Final = 0.25
"""Time from a change of a pod to the look at it: a pod that starts changes several times."""


class Key(NamedTuple):
    """A TradingSymbol by name: the next resource of that name is the same piece of work."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class FenceRefused(Exception):  # noqa: N818 - a state of the world, not a mistake
    """The API server did not take a fence, so its leader is not given up."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.message)
        self.trouble = trouble


class ClusterPort(Protocol):
    """What reconciling needs of a cluster; `cluster.Cluster` says what each does."""

    async def namespace_ending(self, name: str) -> bool: ...
    async def resource(self, namespace: str, name: str) -> Document | None: ...
    async def pod(self, namespace: str, resource: str) -> Document | None: ...
    async def node(self, name: str) -> Document | None: ...
    async def resources(self, namespace: str) -> list[Document]: ...
    def leader_pods(self, namespace: str) -> AsyncIterator[Document]: ...
    async def fences(self, namespace: str, resource: str) -> tuple[Document, ...]: ...
    async def create_pod(self, pod: Mapping[str, Any]) -> None: ...
    async def delete_pod(self, namespace: str, resource: str, uid: str, *, force: bool) -> None: ...
    async def delete_fence(self, namespace: str, name: str, uid: str) -> None: ...
    async def apply_status(self, document: Mapping[str, Any], manager: str) -> None: ...
    async def set_finalizers(self, resource: Document, finalizers: Sequence[str]) -> None: ...
    async def tell(self, resource: Document, news: News, now: datetime, instance: str) -> None: ...


class Reconciler:
    """Brings symbols to what they ask for, one look at a time."""

    def __init__(
        self,
        cluster: ClusterPort,
        context: Context,
        metrics: Metrics,
        *,
        clock: Callable[[], datetime],
        instance: str,
        again: Callable[[Key], None],
    ) -> None:
        """Work on a cluster. `again` is called with a symbol whose turn to be updated has come."""
        self._cluster = cluster
        self._context = context
        self._metrics = metrics
        self._clock = clock
        self._instance = instance
        self._again = again
        self._backoffs: dict[Key, Backoff] = {}
        self._fenced: set[Key] = set()
        self._surveyed: set[str] = set()
        """Namespaces of which is known which symbols have fences: the others are not asked for."""
        self._turns = Turns[Key](context.settings.updates_at_once)

    async def reconcile(self, key: Key) -> float | None:
        """Look at one symbol and do what is to be done.

        Returns the seconds after which to look again even if no event tells.

        Raises:
            ClusterError: the API server could not be asked or told; try again.

        """
        with self._metrics.reconciling() as result:
            view = await self._read(key)
            decision = self._decide(key, view, self._clock())
            self._remember(key, decision.planned.backoff)
            self._take_turns(key, decision)
            try:
                return await self._carry_out(key, view, decision)
            except ConflictError:
                result.conflict()
                return CONFLICT_RETRY_SECONDS

    async def mourn(self, resource: Document) -> None:
        """Tell what rests on the exchange of a resource that went, as it was last seen."""
        if news := gone(resource):
            await self._tell(resource, (news,))

    async def survey(self, namespace: str) -> set[Key]:
        """Compare all symbols and leader pods of a namespace with what they should be.

        Returns those that need a look: also pods whose resource is gone, and whatever an
        event should have told and did not.

        Raises:
            ClusterError: the API server could not be asked.

        """
        resources = {
            Key(namespace, item["metadata"]["name"]): item
            for item in await self._cluster.resources(namespace)
        }
        found: set[Key] = set()
        led: set[Key] = set()
        fenced: set[Key] = set()
        # Pods are an order of magnitude larger: they are not kept.
        async for pod in self._cluster.leader_pods(namespace):
            key = Key(namespace, _owner_name(pod))
            if is_fence(pod):
                fenced.add(key)
                continue
            led.add(key)
            if self._needs_look(key, View(resources.get(key), pod)):
                found.add(key)
        self._metrics.counted(namespace, take_census(resources.values(), len(led)))
        self._forget_all_but(namespace, set(resources))
        self._fenced |= fenced
        self._surveyed.add(namespace)
        alone = resources.keys() - led
        return (
            found
            | fenced
            | {key for key in alone if self._needs_look(key, View(resources[key], None))}
        )

    def _needs_look(self, key: Key, view: View) -> bool:
        """Tell whether anything follows, or might from what a list does not tell."""
        if overdue_at(view.pod) or (view.resource and holds_up_deletion(view.resource)):
            return True
        now = self._clock()
        return node_suspect(view.pod, now) or not self._decide(key, view, now).idle

    def _decide(self, key: Key, view: View, now: datetime) -> Decision:
        turn = self._turns.free(key)
        return decide(view, self._context, self._backoff(key), now, turn=turn)

    def _take_turns(self, key: Key, decision: Decision) -> None:
        """Hand the turn to be updated on once the new leader is ready, or none is wanted."""
        if decision.planned.step is Step.UPDATE:
            self._turns.take(key)
        elif decision.waits_for_turn:
            self._turns.wait(key)
        elif decision.pod.ready or decision.request.wish not in LEADING:
            following = self._turns.end(key)
            if following is not None:
                self._again(following)

    async def _read(self, key: Key) -> View:
        # The order matters: an ended leader has written before it ended.
        pod = await self._cluster.pod(*key)
        resource = await self._cluster.resource(*key)
        lost = False
        if pod is not None and node_suspect(pod, self._clock()):
            lost = node_lost(await self._cluster.node(pod["spec"]["nodeName"]))
        fences: tuple[Document, ...] = ()
        if lost or key in self._fenced or key.namespace not in self._surveyed:
            fences = await self._cluster.fences(*key)
        self._note_fences(key, any_left=bool(fences))
        held_up = resource is not None and holds_up_deletion(resource)
        ending = held_up and await self._cluster.namespace_ending(key.namespace)
        return View(resource, pod, lost, ending, fences)

    def _note_fences(self, key: Key, *, any_left: bool) -> None:
        (self._fenced.add if any_left else self._fenced.discard)(key)

    async def _carry_out(self, key: Key, view: View, decision: Decision) -> float | None:
        # Nothing can be told of a resource that was let go: if this is cut off, nobody would.
        early = [n for n in decision.news if n.reason is EventReason.ORDERS_REST]
        subject = view.resource or namespace_of(key)
        await self._tell(subject, early)
        try:
            trouble = await self._act(key, view, decision)
        except FenceRefused as exc:
            return await self._tell_refusal(subject, view.resource, exc.trouble, ())
        news = [n for n in decision.news if n not in early]
        if trouble is not None:
            return await self._tell_refusal(subject, view.resource, trouble, news)
        await self._tell(subject, news)
        if decision.planned.creates:
            # What can be said of a new pod changes in moments: one report will do.
            return POD_SETTLES_SECONDS
        if decision.status is not None:
            await self._report(decision.status, OPERATOR_MANAGER)
        return self._next_look(view, decision)

    async def _act(self, key: Key, view: View, decision: Decision) -> Trouble | None:
        """Carry out the actions; returns why the pod was refused, if it was.

        Raises `FenceRefused` before a leader is given up whose epoch nobody would take.
        """
        trouble: Trouble | None = None
        for action in decision.planned.actions:
            wish, state = decision.request.wish, decision.pod.state
            logger.info("%s: wanted %s, leader pod %s: %s", key, wish, state, action)
            match action:
                case DeletePod():
                    await self._cluster.delete_pod(*key, action.uid, force=action.force)
                case SetFinalizer() if view.resource is not None:
                    names = finalizers(view.resource, kept=action.kept)
                    await self._cluster.set_finalizers(view.resource, names)
                case ClearTraderStatus(target, kept):
                    await self._report(status_document(target, kept), TRADER_MANAGER)
                case CreateFence():
                    await self._fence(key, view, wish, action)
                case DeleteFence():
                    await self._cluster.delete_fence(key.namespace, action.name, action.uid)
                case CreatePod():
                    trouble = await self._create(decision)
        return trouble

    async def _fence(self, key: Key, view: View, wish: Wish, action: CreateFence) -> None:
        self._note_fences(key, any_left=True)
        try:
            await self._cluster.create_pod(fence_manifest(action, view, wish))
        except (RefusedError, NotFoundError) as exc:
            logger.warning("%s: the fence of pod %s was refused: %s", key, action.of.uid, exc)
            # A leader that is wanted takes the epoch itself, and is not kept waiting for this.
            if wish not in LEADING:
                text = f"Not given up: {may_trade_on(action.of)} The fence was refused: {exc}"
                raise FenceRefused(Trouble(OperatorReason.CREATE_REFUSED, text)) from exc

    async def _create(self, decision: Decision) -> Trouble | None:
        try:
            await self._cluster.create_pod(pod_manifest(decision, self._context))
        except (RefusedError, NotFoundError) as exc:
            return Trouble(OperatorReason.CREATE_REFUSED, f"The leader pod was refused: {exc}")
        return None

    async def _tell_refusal(
        self,
        subject: Document,
        resource: Document | None,
        trouble: Trouble,
        news: Sequence[News],
    ) -> float:
        """Say that a pod could not be created; returns when to try again."""
        await self._tell(subject, [*news, *refused(subject, trouble)])
        status = after_refusal(resource, trouble, self._clock()) if resource else None
        if status is not None:
            await self._report(status, OPERATOR_MANAGER)
        return REFUSED_RETRY_SECONDS

    async def _report(self, document: Mapping[str, Any], manager: str) -> None:
        try:
            await self._cluster.apply_status(document, manager)
        except NotFoundError:
            # The resource went meanwhile, and its status with it.
            return

    async def _tell(self, resource: Document, all_news: Sequence[News]) -> None:
        for news in all_news:
            try:
                await self._cluster.tell(resource, news, self._clock(), self._instance)
            except RefusedError as exc:
                # A namespace that is being deleted takes no Events.
                name = resource["metadata"]["name"]
                logger.warning("%s: %s: %s (%s)", name, news.reason, news.note, exc)

    def _next_look(self, view: View, decision: Decision) -> float | None:
        planned = decision.planned
        moments = (planned.wake_at, planned.fences_at, overdue_at(view.pod))
        waits = [(moment - self._clock()).total_seconds() for moment in moments if moment]
        future = [wait for wait in waits if wait > 0]
        return min(future) if future else None

    def _backoff(self, key: Key) -> Backoff:
        return self._backoffs.get(key, NO_BACKOFF)

    def _remember(self, key: Key, backoff: Backoff) -> None:
        if backoff == NO_BACKOFF:
            self._backoffs.pop(key, None)
        else:
            self._backoffs[key] = backoff

    def _forget_all_but(self, namespace: str, present: set[Key]) -> None:
        gone = {key for key in self._backoffs if key.namespace == namespace} - present
        for key in gone:
            del self._backoffs[key]


def namespace_of(key: Key) -> Document:
    """Return what Events are about where the resource is gone.

    It names itself as its namespace: the API server takes Events into that of their subject alone.
    """
    metadata = {"name": key.namespace, "namespace": key.namespace, "uid": ""}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def _owner_name(pod: Document) -> str:
    return str(pod["metadata"]["labels"][LABEL_RESOURCE])
