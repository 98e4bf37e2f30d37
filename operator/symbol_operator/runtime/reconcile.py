"""Carrying out decisions: read, decide, act, report. The loop that everything feeds.

Whatever happened, the question is the same: what is, and what should be. So nothing here
depends on having seen every event, and a run that was cut off anywhere is finished by the
next one.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from symbol_operator.decide.census import take_census
from symbol_operator.decide.certainty import is_updated, must_be_sure, unsure
from symbol_operator.decide.conditions import SETTLED, may_trade_on
from symbol_operator.decide.decision import Context, Decision, decide
from symbol_operator.decide.fencing import CreateFence, DeleteFence
from symbol_operator.decide.manifests import fence_manifest, pod_manifest
from symbol_operator.decide.news import EventReason, News, gone, refused
from symbol_operator.decide.pace import Pace
from symbol_operator.decide.plan import (
    LEADING,
    NO_BACKOFF,
    Action,
    Backoff,
    CreatePod,
    DeletePod,
    SetFinalizer,
    Step,
    Wish,
)
from symbol_operator.decide.reporting import after_refusal
from symbol_operator.decide.rescue import after_failure, rescue
from symbol_operator.decide.updates import Turns
from symbol_operator.observe.node import node_suspect, overdue_at
from symbol_operator.observe.pod import Trouble
from symbol_operator.observe.symbol import (
    ObservedSymbol,
    finalizers,
    observe_lifecycle,
    observe_symbol,
)
from symbol_operator.observe.view import View
from symbol_operator.runtime.errors import ClusterError, ConflictError, NotFoundError, RefusedError
from symbol_operator.runtime.memory import Key
from symbol_operator.runtime.metrics import Metrics
from symbol_operator.runtime.store import Store
from tradingsymbol_api.reading import Document, text
from tradingsymbol_api.status import OperatorReason

logger = logging.getLogger(__name__)

CONFLICT_RETRY_SECONDS: Final = 0.2
"""Time to the next look after somebody else was quicker."""
REFUSED_RETRY_SECONDS: Final = 30.0
"""Time to the next attempt at a pod that the API server refuses."""
RECHECK_SECONDS: Final = 60.0
"""Time to the next look where something is waited for that no watch tells."""
AT_ONCE: Final = 50
"""Symbols that are compared before others get their turn."""
POD_SETTLES_SECONDS: Final = 0.25
"""Time from a change of a pod to the look at it: a pod that starts changes several times."""


class FenceRefused(Exception):  # noqa: N818 - a state of the world, not a mistake
    """The API server did not take a fence, so its leader is not given up."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.message)
        self.trouble = trouble


class Reconciler:
    """Brings symbols to what they ask for, one look at a time."""

    def __init__(
        self,
        store: Store,
        context: Context,
        metrics: Metrics,
        *,
        clock: Callable[[], datetime],
        tell: Callable[[Document, News, datetime], None],
        again: Callable[[Key], None],
        pace: Pace[Key],
        acts: Callable[[str], bool],
    ) -> None:
        """Work on what `store` knows.

        `tell` is called with what an Event is to tell of a resource, and when it happened; `again`
        with a symbol whose turn to be updated has come. `pace` says when reports are due, and
        `acts` whether this operator is the one that acts in a namespace.
        """
        self._store = store
        self._context = context
        self._metrics = metrics
        self._clock = clock
        self._post = tell
        self._again = again
        self._pace = pace
        self._acts = acts
        self._doubted: set[Key] = set()
        self._backoffs: dict[Key, Backoff] = {}
        self._left: dict[str, str] = {}
        self._turns = Turns[Key](context.settings.updates_at_once)
        self._turns_known: set[str] = set()
        self._unlisted: set[str] = set()
        """Namespaces whose last comparison failed."""

    async def reconcile(self, key: Key, urgent: bool = False) -> float | None:
        """Look at one symbol and do what is to be done.

        What changes the world is done at once; a report is left to a look that is not `urgent`.
        Returns the seconds after which to look again even if no event tells.

        Raises:
            ClusterError: the API server could not be asked or told; try again.
            Exception: something about this symbol is beyond the operator; try again, later.

        """
        if not self._acts(key.namespace) or not self._store.memory.complete(key.namespace):
            # Another one acts; or what is not known may exist. What needs a look is found later.
            return None
        with self._metrics.reconciling() as result:
            try:
                return await self._look(key, urgent=urgent)
            except ConflictError:
                self._doubted.add(key)
                result.conflict()
                return CONFLICT_RETRY_SECONDS
            except ClusterError:
                # A write may have been carried out all the same.
                self._doubted.add(key)
                raise
            except Exception as exc:
                await self._contain(key, exc)
                raise

    async def _look(self, key: Key, *, urgent: bool) -> float | None:
        sure = key in self._doubted
        view = await self._store.view(key, afresh=sure)
        decision = self._decide(key, view, self._clock())
        if not sure and must_be_sure(decision):
            view = await self._store.view(key, afresh=True)
            decision = self._decide(key, view, self._clock())
        self._doubted.discard(key)
        self._remember(key, decision.planned.backoff)
        self._take_turns(key, decision)
        return await self._carry_out(key, view, decision, urgent=urgent)

    async def _contain(self, key: Key, error: Exception) -> None:
        """Do what must be done about a symbol that the operator fails at, and say that it does."""
        self._end_turn(key)
        view = await self._store.view(key, afresh=True)
        for action in rescue(view, self._context.settings):
            logger.warning("%s: %r: %s", key, error, action)
            await self._do(key, view, action)
        if (status := after_failure(view, error, self._clock())) is not None:
            await self._report(key, status)

    def mourn(self, resource: Document) -> None:
        """Tell what rests on the exchange of a resource that went, as it was last seen."""
        acts = self._acts(text(resource, "metadata", "namespace"))
        symbol = observe_symbol(resource)
        if acts and symbol is not None and (news := gone(symbol)):
            self._tell(resource, (news,))

    def end_turns(self, namespace: str) -> None:
        """Let no symbol of a namespace that is not served keep others from being updated."""
        self._turns_known.discard(namespace)
        for key in self._turns.end_all(lambda key: key.namespace == namespace):
            self._again(key)

    async def survey(self, namespace: str) -> set[Key]:
        """Compare all symbols and leader pods of a namespace with what they should be.

        Returns those that need a look: also pods whose resource is gone, and whatever an
        event should have told and did not.

        Raises:
            ClusterError: the API server could not be asked.

        """
        for resource in await self._compare(namespace):
            self.mourn(resource)
        memory, found = self._store.memory, set[Key]()
        names = sorted(memory.symbols(namespace))
        await self._find_turns(namespace, names)
        for count, name in enumerate(names):
            key = Key(namespace, name)
            if self._needs_look(key, self._store.known(key)):
                found.add(key)
            if count % AT_ONCE == 0:
                await asyncio.sleep(0)
        if self._acts(namespace):
            self._count(namespace, names)
        self._forget_all_but(namespace, set(memory.resources.names(namespace)))
        return found

    async def _compare(self, namespace: str) -> list[Document]:
        try:
            gone = await self._store.compare(namespace)
        except ClusterError:
            if namespace not in self._unlisted:
                self._unlisted.add(namespace)
                self._wake_waiting()
            raise
        self._unlisted.discard(namespace)
        return gone

    def _wake_waiting(self) -> None:
        for key in self._turns.waiting:
            self._again(key)

    async def _find_turns(self, namespace: str, names: Sequence[str]) -> None:
        """Learn from the cluster, once, which leaders are being updated: a start is no new turn."""
        if not self._acts(namespace) or namespace in self._turns_known:
            return
        for count, key in enumerate(Key(namespace, name) for name in names):
            with contextlib.suppress(Exception):  # the look fails for this one alone, and says so
                view = self._store.known(key)
                if is_updated(self._decide(key, view, self._clock())):
                    self._turns.take(key)
            if count % AT_ONCE == 0:
                await asyncio.sleep(0)
        self._turns_known.add(namespace)
        self._wake_waiting()

    def _may_update(self, key: Key) -> bool:
        """Tell whether it is this one's turn; nobody's before all that are taken are known.

        A namespace that cannot be listed keeps no other waiting.
        """
        told = self._turns_known | self._unlisted
        served = filter(self._acts, self._context.settings.all_namespaces)
        return told.issuperset(served) and self._turns.free(key)

    def _count(self, namespace: str, names: Sequence[str]) -> None:
        memory = self._store.memory
        leaving = namespace in self._context.settings.leaving_namespaces
        known = (memory.resources.find(namespace, name) for name in names)
        resources = [item for item in known if item is not None]
        leaders = sum(1 for _ in memory.pods.names(namespace))
        self._metrics.counted(namespace, take_census(resources, leaders, leaving=leaving))
        if leaving:
            held = sum(1 for item in resources if observe_lifecycle(item).kept)
            self._tell_left(namespace, leaders, held)

    def _tell_left(self, namespace: str, leaders: int, held: int) -> None:
        """Log once how far a namespace that is being left is."""
        if leaders or held:
            said = f"is being left: {leaders} leader pods, {held} resources with our finalizer"
        else:
            said = "holds nothing of ours any more: take it off leavingNamespaces"
        if self._left.get(namespace) != said:
            self._left[namespace] = said
            logger.info("Namespace %s %s", namespace, said)

    def _needs_look(self, key: Key, view: View) -> bool:
        """Tell whether anything follows, or might from what a list does not tell."""
        try:
            return self._may_need_look(key, view)
        except Exception:  # noqa: BLE001 - the look fails for this one alone, and says so
            return True

    def _may_need_look(self, key: Key, view: View) -> bool:
        if overdue_at(view.pod) or (view.resource and observe_lifecycle(view.resource).held_up):
            return True
        if view.fences:
            return True
        now = self._clock()
        if node_suspect(view.pod, now):
            return True
        decision = self._decide(key, view, now)
        # Who waits, for a moment or for a turn, is known to the look that has to wait.
        waits = decision.waits_for_turn or decision.planned.wake_at is not None
        return waits or not decision.idle

    def _decide(self, key: Key, view: View, now: datetime) -> Decision:
        turn = self._may_update(key)
        return decide(view, self._context, self._backoff(key), now, turn=turn)

    def _take_turns(self, key: Key, decision: Decision) -> None:
        """Hand the turn to be updated on once the new leader is ready, or none is wanted."""
        if decision.planned.step is Step.UPDATE:
            # One that is not ready is taken down by nobody.
            if decision.pod.ready:
                self._turns.take(key)
        elif decision.waits_for_turn:
            self._turns.wait(key)
        elif decision.needs_no_turn:
            self._end_turn(key)

    def _end_turn(self, key: Key) -> None:
        following = self._turns.end(key)
        if following is not None:
            self._again(following)

    async def _carry_out(
        self, key: Key, view: View, decision: Decision, *, urgent: bool
    ) -> float | None:
        # Nobody looks again at a resource that was let go: if this is cut off, nobody would tell.
        early = [n for n in decision.news if n.reason is EventReason.ORDERS_REST]
        subject = view.resource or namespace_of(key)
        self._tell(subject, early)
        try:
            trouble = await self._act(key, view, decision)
        except FenceRefused as exc:
            return await self._tell_refusal(key, decision.symbol, exc.trouble)
        self._tell(subject, [n for n in decision.news if n not in early])
        if trouble is not None:
            return await self._tell_refusal(key, decision.symbol, trouble)
        if not decision.planned.actions:
            return await self._report_in_time(key, view, decision, urgent=urgent)
        self._pace.acted(key, self._clock())
        return self._pace.wait(key, self._clock(), settled=False)

    async def _report_in_time(
        self, key: Key, view: View, decision: Decision, *, urgent: bool
    ) -> float | None:
        """Report what the status lacks, if that is due; returns when to look again."""
        if view.resource is None or (decision.status is None and decision.owners is None):
            return self._next_look(view, decision)
        settled = decision.situation.reason in SETTLED
        wait = self._pace.wait(key, self._clock(), settled=settled)
        if wait > 0 or urgent:
            return wait
        if decision.owners is not None:
            self._pace.reported(key, self._clock())
            await self._store.set_owners(key, view.resource, decision.owners)
            return self._pace.wait(key, self._clock(), settled=True)
        if decision.status is not None:
            await self._report(key, decision.status)
        return self._next_look(view, decision)

    async def _act(self, key: Key, view: View, decision: Decision) -> Trouble | None:
        """Carry out the actions; returns why the pod was refused, if it was.

        Raises `FenceRefused` before a leader is given up whose epoch nobody would take.
        """
        trouble: Trouble | None = None
        for action in decision.planned.actions:
            wish, state = decision.request.wish, decision.pod.state
            logger.info("%s: wanted %s, leader pod %s: %s", key, wish, state, action)
            if isinstance(action, CreatePod):
                trouble = await self._create(key, decision)
            elif isinstance(action, CreateFence):
                await self._fence(key, view, wish, action)
            else:
                await self._do(key, view, action)
        return trouble

    async def _do(self, key: Key, view: View, action: Action) -> None:
        match action:
            case DeletePod():
                await self._store.delete_pod(key, action.uid, force=action.force)
            case DeleteFence():
                await self._store.delete_fence(key, action.name, action.uid)
            case SetFinalizer() if view.resource is not None:
                names = finalizers(view.resource, kept=action.kept)
                await self._store.set_finalizers(key, view.resource, names)

    async def _fence(self, key: Key, view: View, wish: Wish, action: CreateFence) -> None:
        try:
            await self._store.create_pod(fence_manifest(action, view, wish))
        except (RefusedError, NotFoundError) as exc:
            logger.warning("%s: the fence of pod %s was refused: %s", key, action.of.uid, exc)
            # A leader that is wanted takes the epoch itself, and is not kept waiting for this.
            if wish not in LEADING:
                text = f"Not given up: {may_trade_on(action.of)} The fence was refused: {exc}"
                raise FenceRefused(Trouble(OperatorReason.CREATE_REFUSED, text)) from exc

    async def _create(self, key: Key, decision: Decision) -> Trouble | None:
        if decision.planned.withdraws and decision.status is not None:
            # Later it could not be told from what the new leader reports.
            await self._report(key, decision.status)
        try:
            takes_turn = self._turns.taken(key)
            pod = pod_manifest(decision, self._context, takes_turn=takes_turn)
            await self._store.create_pod(pod)
        except (RefusedError, NotFoundError) as exc:
            return Trouble(OperatorReason.CREATE_REFUSED, f"The leader pod was refused: {exc}")
        return None

    async def _tell_refusal(
        self, key: Key, symbol: ObservedSymbol | None, trouble: Trouble
    ) -> float:
        """Say that a pod could not be created; returns when to try again."""
        self._end_turn(key)
        subject = symbol.document if symbol else namespace_of(key)
        self._tell(subject, [*refused(symbol, trouble)])
        status = after_refusal(symbol, trouble, self._clock()) if symbol else None
        if status is not None:
            await self._report(key, status)
        return REFUSED_RETRY_SECONDS

    async def _report(self, key: Key, patch: Document) -> None:
        self._pace.reported(key, self._clock())
        await self._store.write_status(key, patch)

    def _tell(self, resource: Document, all_news: Sequence[News]) -> None:
        for news in all_news:
            self._post(resource, news, self._clock())

    def _next_look(self, view: View, decision: Decision) -> float | None:
        planned = decision.planned
        moments = (planned.wake_at, planned.fences_at, overdue_at(view.pod))
        waits = [(moment - self._clock()).total_seconds() for moment in moments if moment]
        future = [wait for wait in waits if wait > 0]
        if unsure(view, decision, self._clock()):
            future.append(RECHECK_SECONDS)
        return min(future) if future else None

    def _backoff(self, key: Key) -> Backoff:
        return self._backoffs.get(key, NO_BACKOFF)

    def _remember(self, key: Key, backoff: Backoff) -> None:
        if backoff == NO_BACKOFF:
            self._backoffs.pop(key, None)
        else:
            self._backoffs[key] = backoff

    def _forget_all_but(self, namespace: str, present: set[str]) -> None:
        def gone(key: Key) -> bool:
            return key.namespace == namespace and key.name not in present

        for key in self._turns.end_all(gone):
            self._again(key)
        self._pace.forget(gone)
        self._doubted = {key for key in self._doubted if not gone(key)}
        self._backoffs = {key: each for key, each in self._backoffs.items() if not gone(key)}


def namespace_of(key: Key) -> Document:
    """Return what Events are about where the resource is gone.

    It names itself as its namespace: the API server takes Events into that of their subject alone.
    """
    metadata = {"name": key.namespace, "namespace": key.namespace, "uid": ""}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
