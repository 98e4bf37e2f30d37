"""Looking at symbols: read, decide, have it carried out. The loop that everything feeds.

Whatever happened, the question is the same: what is, and what should be. So nothing here
depends on having seen every event, and a run that was cut off anywhere is finished by the
next one.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Final

from symbol_operator.decide.census import take_census
from symbol_operator.decide.certainty import is_updated, must_be_sure
from symbol_operator.decide.decision import Context, Decision, decide
from symbol_operator.decide.events import EventNote, gone
from symbol_operator.decide.pace import Pace
from symbol_operator.decide.plan import NO_BACKOFF, Backoff
from symbol_operator.decide.rescue import after_failure, rescue
from symbol_operator.observe.node import node_suspect, overdue_at
from symbol_operator.observe.symbol import observe_lifecycle, observe_symbol
from symbol_operator.observe.view import View
from symbol_operator.runtime.acting import Actor
from symbol_operator.runtime.errors import ClusterError, ConflictError
from symbol_operator.runtime.memory import Key
from symbol_operator.runtime.metrics import Metrics
from symbol_operator.runtime.rollout import Rollout
from symbol_operator.runtime.store import Store
from tradingsymbol_api.reading import Document, text

logger = logging.getLogger(__name__)

CONFLICT_RETRY_SECONDS: Final = 0.2
"""Time to the next look after somebody else was quicker."""
AT_ONCE: Final = 50
"""Symbols that are compared before other tasks may run."""
POD_SETTLES_SECONDS: Final = 0.25
"""Time from a change of a pod to the look at it: a pod that starts changes several times."""


class Reconciler:
    """Brings symbols to what they ask for, one look at a time."""

    def __init__(
        self,
        store: Store,
        context: Context,
        metrics: Metrics,
        *,
        clock: Callable[[], datetime],
        tell: Callable[[Document, EventNote, datetime], None],
        again: Callable[[Key], None],
        pace: Pace[Key],
        acts: Callable[[str], bool],
    ) -> None:
        """Work on what `store` knows.

        `tell` is called with what an Event is to tell of a resource, and when it happened; `again`
        with a symbol that may be updated now. `pace` says when reports are due, and
        `acts` whether this operator is the one that acts in a namespace.
        """
        self._store = store
        self._context = context
        self._metrics = metrics
        self._clock = clock
        self._pace = pace
        self._acts = acts
        self._doubted: set[Key] = set()
        self._backoffs: dict[Key, Backoff] = {}
        self._left: dict[str, str] = {}
        self._slots = Rollout(context.settings.updates_at_once, self._served, again)
        self._actor = Actor(store, context, self._slots, clock=clock, tell=tell, pace=pace)

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
        view = await self._store.view(key, fresh=sure)
        decision = self._decide(key, view, self._clock())
        if not sure and must_be_sure(decision):
            view = await self._store.view(key, fresh=True)
            decision = self._decide(key, view, self._clock())
        self._doubted.discard(key)
        self._remember(key, decision.planned.backoff)
        self._slots.follow(key, decision)
        return await self._actor.carry_out(key, view, decision, urgent=urgent)

    async def _contain(self, key: Key, error: Exception) -> None:
        """Do what must be done about a symbol that the operator fails at, and say that it does."""
        self._slots.end(key)
        view = await self._store.view(key, fresh=True)
        for action in rescue(view, self._context.settings):
            logger.warning("%r: %s", error, action)
            await self._actor.do(key, view, action)
        if (status := after_failure(view, error, self._clock())) is not None:
            await self._actor.report(key, status)

    def report_deleted(self, resource: Document) -> None:
        """Tell which orders of a deleted resource rest on the exchange, as it was last seen."""
        acts = self._acts(text(resource, "metadata", "namespace"))
        symbol = observe_symbol(resource)
        if acts and symbol is not None and (event := gone(symbol)):
            self._actor.tell(resource, (event,))

    def free_slots(self, namespace: str) -> None:
        """Free the slots of a namespace that is not served, for others to be updated."""
        self._slots.leave(namespace)

    async def survey(self, namespace: str) -> set[Key]:
        """Compare all symbols and leader pods of a namespace with what they should be.

        Returns those that need a look: also pods whose resource is gone, and whatever an
        event should have told and did not.

        Raises:
            ClusterError: the API server could not be asked.

        """
        for resource in await self._compare(namespace):
            self.report_deleted(resource)
        memory, found = self._store.memory, set[Key]()
        names = sorted(memory.symbols(namespace))
        await self._find_slots(namespace, names)
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
            self._slots.not_listed(namespace)
            raise
        self._slots.listed(namespace)
        return gone

    async def _find_slots(self, namespace: str, names: Sequence[str]) -> None:
        """Learn from the cluster, once, which leaders are being updated: a start frees no slot."""
        if not self._acts(namespace) or self._slots.knows(namespace):
            return
        for count, key in enumerate(Key(namespace, name) for name in names):
            with contextlib.suppress(Exception):  # the look fails for this one alone, and says so
                view = self._store.known(key)
                if is_updated(self._decide(key, view, self._clock())):
                    self._slots.take(key)
            if count % AT_ONCE == 0:
                await asyncio.sleep(0)
        self._slots.learned(namespace)

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
            logger.info("Namespace %s %s", namespace, said, extra={"namespace": namespace})

    def _needs_look(self, key: Key, view: View) -> bool:
        """Return whether anything follows, or might from what a list does not tell."""
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
        # Only a look can say how long to wait, for a moment or for a slot.
        waits = decision.waits_for_slot or decision.planned.wake_at is not None
        return waits or not decision.idle

    def _decide(self, key: Key, view: View, now: datetime) -> Decision:
        slot = self._slots.may_update(key)
        return decide(view, self._context, self._backoff(key), now, slot=slot)

    def _served(self) -> Iterator[str]:
        """List the namespaces in which this operator acts."""
        return filter(self._acts, self._context.settings.all_namespaces)

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

        self._slots.end_all(gone)
        self._pace.forget(gone)
        self._doubted = {key for key in self._doubted if not gone(key)}
        self._backoffs = {key: each for key, each in self._backoffs.items() if not gone(key)}
