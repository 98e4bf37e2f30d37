"""The running operator: watches, workers, resync and endpoints, from start to stop."""

import asyncio
import gc
import logging
import sys
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from functools import partial
from typing import Final

import kopf

from symbol_operator.decide.decision import Context
from symbol_operator.decide.lease import Candidacy, LeaseTiming
from symbol_operator.decide.pace import Pace
from symbol_operator.runtime.cluster import Cluster, connect
from symbol_operator.runtime.election import CLAIM, ELECTION, Authority, Tenancy
from symbol_operator.runtime.errors import ClusterError
from symbol_operator.runtime.event_queue import EventQueue
from symbol_operator.runtime.handlers import Listener, make_registry, make_settings, relevant
from symbol_operator.runtime.health import Progress, Watches, serve
from symbol_operator.runtime.logs import concerning
from symbol_operator.runtime.memory import Key, Memory
from symbol_operator.runtime.metrics import Metrics
from symbol_operator.runtime.namespaces import NEEDED, Namespaces, compare_one, look
from symbol_operator.runtime.reconcile import POD_SETTLES_SECONDS, Reconciler
from symbol_operator.runtime.resync import keep_comparing
from symbol_operator.runtime.session import Session
from symbol_operator.runtime.store import Store
from symbol_operator.runtime.workqueue import WorkQueue
from symbol_operator.settings import Identity, OperatorSettings
from tradingsymbol_api.names import CLAIM_LEASE, ELECTION_LEASE

logger = logging.getLogger(__name__)

API_RETRY_SECONDS: Final = 2.0
"""Time between two attempts to find the resource served, at start."""
FLUSH_SECONDS: Final = 3.0
"""How long a stop waits for Events to be posted."""
API_NESTING_MAX: Final = 10_000
"""Deepest document that the API server takes."""
STACK_DEPTH: Final = 1000
"""Python's own bound, for what reads the document."""
GARBAGE_THRESHOLDS: Final = (20_000, 10, 10)
"""Python's own look for cyclic garbage after every 700 new objects. Each event and answer brings
hundreds, which reference counts free: the search took 30 % of the operator's CPU."""


async def run(settings: OperatorSettings, identity: Identity, *, kubeconfig: str | None) -> None:
    """Operate until told to stop by SIGINT or SIGTERM.

    Raises:
        ClusterError: there is no cluster to connect to.

    """
    _read_deep_documents()
    metrics, progress = Metrics(), Progress(time.monotonic)
    watches = Watches(NEEDED, settings.all_namespaces)
    async with (
        connect(kubeconfig, metrics.requests.measure) as cluster,
        serve(settings.http_port, watches, progress, metrics),
    ):
        uid = await _await_api(cluster)
        logger.info("Operating on cluster %s as %s", uid, identity.installation)
        _search_garbage_rarely()
        await _operate(
            cluster,
            Context(settings, uid),
            identity,
            metrics=metrics,
            progress=progress,
            watches=watches,
            kubeconfig=kubeconfig,
        )


async def _await_api(cluster: Cluster) -> str:
    """Wait until TradingSymbols are known; returns the cluster's identity.

    kopf looks once which kinds of resources there are. Whether one may be read in a namespace,
    and whether there is that namespace, is that namespace's own affair.
    """
    while True:
        try:
            await cluster.find_api()
            return await cluster.identity()
        except ClusterError as exc:
            logger.warning("Waiting for the cluster and its TradingSymbols: %s", exc)
        await asyncio.sleep(API_RETRY_SECONDS)


async def _operate(
    cluster: Cluster,
    context: Context,
    identity: Identity,
    *,
    metrics: Metrics,
    progress: Progress,
    watches: Watches,
    kubeconfig: str | None,
) -> None:
    settings = context.settings
    names = settings.all_namespaces

    def again(key: Key) -> None:
        queue.add(key)

    def has_listed(namespace: str) -> None:
        if event := listed.get(namespace):
            event.set()

    def refused(why: str) -> None:
        watches.not_electable = why

    def changed(namespace: str, served: bool) -> None:
        if served:
            listed[namespace].set()
        else:
            reconciler.free_slots(namespace)

    events = EventQueue(
        lambda resource, event, happened: cluster.tell(resource, event, happened, identity.pod),
        metrics.events_dropped.inc,
    )
    memory = Memory(relevant)
    namespaces = Namespaces(names, watches, metrics, changed)
    authority = _authority(cluster, identity, names, namespaces, refused)
    reconciler = Reconciler(
        Store(cluster, memory, _now, authority.require),
        context,
        metrics,
        clock=_now,
        tell=events.add,
        again=again,
        pace=Pace(),
        acts=authority.over,
    )
    queue = WorkQueue(
        partial(look, reconciler.reconcile, namespaces),
        expected=ClusterError,
        concerning=lambda key: concerning(*key),
        metrics=metrics.queue,
    )
    listed = {name: asyncio.Event() for name in names}
    session = Session(
        kubeconfig, namespaces.stood, namespaces.fell, has_listed, metrics.requests.measure
    )
    listener = Listener(
        memory,
        changed=queue.add,
        pod_changed=lambda key: queue.add_after(key, POD_SETTLES_SECONDS),
        gone=reconciler.report_deleted,
    )
    registry = make_registry(listener, session.open)

    def compare(namespace: str) -> Coroutine[None, None, None]:
        survey = partial(reconciler.survey, namespace)
        ending = partial(cluster.namespace_ending, namespace)
        return keep_comparing(
            partial(compare_one, namespace, survey, ending, namespaces, queue.add),
            listed[namespace],
            progress,
            settings.resync_seconds,
        )

    async with asyncio.TaskGroup() as tasks:
        background = [
            *(tasks.create_task(compare(name)) for name in names),
            *(tasks.create_task(queue.work()) for _ in range(settings.workers)),
            tasks.create_task(events.work()),
            tasks.create_task(authority.keep_elected()),
            *(tasks.create_task(authority.keep_claimed(name)) for name in names),
        ]
        await _watch(registry, names)
        queue.close()
        await events.flush(FLUSH_SECONDS)
        for task in background:
            task.cancel()
    # Nothing is on its way any more.
    await authority.resign()


def _authority(
    cluster: Cluster,
    identity: Identity,
    names: tuple[str, ...],
    namespaces: Namespaces,
    refused: Callable[[str], None],
) -> Authority:
    def tenancy(namespace: str, name: str, holder: str, timing: LeaseTiming) -> Tenancy:
        candidacy = Candidacy(holder, timing, monotonic=time.monotonic, clock=_now)
        return Tenancy(cluster, namespace, name, candidacy, time.monotonic)

    election = tenancy(identity.namespace, ELECTION_LEASE, identity.pod, ELECTION)
    claims = {name: tenancy(name, CLAIM_LEASE, identity.installation, CLAIM) for name in names}
    return Authority(
        election, claims, acting=namespaces.acting, claimed=namespaces.claimed, refused=refused
    )


def _read_deep_documents() -> None:
    """Have JSON read as deep as the API server takes it.

    Else a single object, in a list or a watch, would end that of all: its owners may nest its
    managedFields as they like. A level takes less than 200 bytes of the stack's 8 MiB.
    """
    sys.setrecursionlimit(API_NESTING_MAX + STACK_DEPTH)


def _now() -> datetime:
    return datetime.now(UTC)


def _search_garbage_rarely() -> None:
    """Leave what was imported out of the search, and search when there may be something."""
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)


async def _watch(registry: kopf.OperatorRegistry, namespaces: tuple[str, ...]) -> None:
    # The peering is off, and everything that kopf could write with it.
    await kopf.operator(
        registry=registry, settings=make_settings(), namespaces=namespaces, standalone=True
    )
