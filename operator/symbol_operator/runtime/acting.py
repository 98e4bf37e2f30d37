"""Carrying out a decision: what changes the world first, then what is said about it."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from symbol_operator.decide.certainty import unsure
from symbol_operator.decide.conditions import SETTLED, may_trade_on
from symbol_operator.decide.decision import Context, Decision
from symbol_operator.decide.events import EventNote, EventReason, refused
from symbol_operator.decide.fencing import CreateFence, DeleteFence
from symbol_operator.decide.manifests import fence_manifest, pod_manifest
from symbol_operator.decide.pace import Pace
from symbol_operator.decide.plan import LEADING, Action, CreatePod, DeletePod, Desired, SetFinalizer
from symbol_operator.decide.reporting import after_refusal
from symbol_operator.observe.node import overdue_at
from symbol_operator.observe.pod import Problem
from symbol_operator.observe.symbol import ObservedSymbol, finalizers
from symbol_operator.observe.view import View
from symbol_operator.runtime.errors import NotFoundError, RefusedError
from symbol_operator.runtime.memory import Key
from symbol_operator.runtime.rollout import Rollout
from symbol_operator.runtime.store import Store
from tradingsymbol_api.conditions import OperatorReason
from tradingsymbol_api.reading import Document

logger = logging.getLogger(__name__)

REFUSED_RETRY_SECONDS: Final = 30.0
"""Time to the next attempt at a pod that the API server refuses."""
RECHECK_SECONDS: Final = 60.0
"""Time to the next look where something is waited for that no watch tells."""


class FenceRefused(Exception):  # noqa: N818 - a state of the world, not a mistake
    """The API server did not take a fence, so its leader is not given up."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class Actor:
    """Carries decisions out, one symbol at a time."""

    def __init__(
        self,
        store: Store,
        context: Context,
        slots: Rollout,
        *,
        clock: Callable[[], datetime],
        tell: Callable[[Document, EventNote, datetime], None],
        pace: Pace[Key],
    ) -> None:
        """Write by `store`; `tell`, `clock` and `pace` are those of the reconciler."""
        self._store = store
        self._context = context
        self._slots = slots
        self._clock = clock
        self._post = tell
        self._pace = pace

    async def carry_out(
        self, key: Key, view: View, decision: Decision, *, urgent: bool
    ) -> float | None:
        """Do what is decided, and say so; returns the seconds to the next look, if there is one.

        A report is left to a look that is not `urgent`.

        Raises:
            ClusterError: the API server could not be told; try again.

        """
        # Nobody looks again at a resource that was let go: if this is cut off, nobody would tell.
        early = [n for n in decision.events if n.reason is EventReason.ORDERS_REST]
        subject = view.resource or namespace_of(key)
        self.tell(subject, early)
        try:
            problem = await self._act(key, view, decision)
        except FenceRefused as exc:
            return await self._tell_refusal(key, decision.symbol, exc.problem)
        self.tell(subject, [n for n in decision.events if n not in early])
        if problem is not None:
            return await self._tell_refusal(key, decision.symbol, problem)
        if not decision.planned.actions:
            return await self._report_in_time(key, view, decision, urgent=urgent)
        self._pace.acted(key, self._clock())
        return self._next_look(view, decision, self._pace.wait(key, self._clock(), settled=False))

    async def _report_in_time(
        self, key: Key, view: View, decision: Decision, *, urgent: bool
    ) -> float | None:
        """Report what the status lacks, if that is due; returns when to look again."""
        if view.resource is None or (decision.status is None and decision.owners is None):
            return self._next_look(view, decision)
        settled = decision.situation.reason in SETTLED
        wait = self._pace.wait(key, self._clock(), settled=settled)
        if wait > 0 or urgent:
            return self._next_look(view, decision, wait)
        if decision.owners is not None:
            self._pace.reported(key, self._clock())
            await self._store.set_owners(key, view.resource, decision.owners)
            wait = self._pace.wait(key, self._clock(), settled=True)
            return self._next_look(view, decision, wait)
        if decision.status is not None:
            await self.report(key, decision.status)
        return self._next_look(view, decision)

    async def _act(self, key: Key, view: View, decision: Decision) -> Problem | None:
        """Carry out the actions; returns why the pod was refused, if it was.

        Raises `FenceRefused` before a leader is given up whose epoch nobody would take.
        """
        problem: Problem | None = None
        for action in decision.planned.actions:
            desired, state = decision.desired.status, decision.pod.state
            logger.info("wanted %s, leader pod %s: %s", desired, state, action)
            if isinstance(action, CreatePod):
                problem = await self._create(key, decision)
            elif isinstance(action, CreateFence):
                await self._fence(view, desired, action)
            else:
                await self.do(key, view, action)
        return problem

    async def do(self, key: Key, view: View, action: Action) -> None:
        """Carry out an action that creates nothing."""
        match action:
            case DeletePod():
                await self._store.delete_pod(key, action.uid, force=action.force)
            case DeleteFence():
                await self._store.delete_fence(key, action.name, action.uid)
            case SetFinalizer() if view.resource is not None:
                names = finalizers(view.resource, kept=action.kept)
                await self._store.set_finalizers(key, view.resource, names)

    async def _fence(self, view: View, desired: Desired, action: CreateFence) -> None:
        try:
            await self._store.create_pod(fence_manifest(action, view, desired))
        except (RefusedError, NotFoundError) as exc:
            logger.warning("the fence of pod %s was refused: %s", action.of.uid, exc)
            # A leader that is wanted takes the epoch itself, and is not kept waiting for this.
            if desired not in LEADING:
                text = f"Not given up: {may_trade_on(action.of)} The fence was refused: {exc}"
                raise FenceRefused(Problem(OperatorReason.CREATE_REFUSED, text)) from exc

    async def _create(self, key: Key, decision: Decision) -> Problem | None:
        if decision.planned.withdraws and decision.status is not None:
            # Later it could not be told from what the new leader reports.
            await self.report(key, decision.status)
        try:
            takes_slot = self._slots.taken(key)
            pod = pod_manifest(decision, self._context, takes_slot=takes_slot)
            await self._store.create_pod(pod)
        except (RefusedError, NotFoundError) as exc:
            return Problem(OperatorReason.CREATE_REFUSED, f"The leader pod was refused: {exc}")
        return None

    async def _tell_refusal(
        self, key: Key, symbol: ObservedSymbol | None, problem: Problem
    ) -> float:
        """Say that a pod could not be created; returns when to try again."""
        self._slots.end(key)
        subject = symbol.document if symbol else namespace_of(key)
        self.tell(subject, [*refused(symbol, problem)])
        status = after_refusal(symbol, problem, self._clock()) if symbol else None
        if status is not None:
            await self.report(key, status)
        return REFUSED_RETRY_SECONDS

    async def report(self, key: Key, patch: Document) -> None:
        """Write the status."""
        self._pace.reported(key, self._clock())
        await self._store.write_status(key, patch)

    def tell(self, resource: Document, events: Sequence[EventNote]) -> None:
        """Have Events posted about a resource."""
        for event in events:
            self._post(resource, event, self._clock())

    def _next_look(
        self, view: View, decision: Decision, report: float | None = None
    ) -> float | None:
        """Return the seconds until an action is due, or the `report`, if there is one."""
        planned = decision.planned
        moments = (planned.wake_at, planned.fences_at, overdue_at(view.pod))
        waits = [(moment - self._clock()).total_seconds() for moment in moments if moment]
        future = [wait for wait in waits if wait > 0]
        if unsure(view, decision, self._clock()):
            future.append(RECHECK_SECONDS)
        if report is not None:
            future.append(report)
        return min(future) if future else None


def namespace_of(key: Key) -> Document:
    """Return what Events are about where the resource is gone.

    It names itself as its namespace: the API server takes Events into that of their subject alone.
    """
    metadata = {"name": key.namespace, "namespace": key.namespace, "uid": ""}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
