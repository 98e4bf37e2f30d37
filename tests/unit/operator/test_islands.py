"""What one namespace, or the operator's own load, does to the others: nothing."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from support.serving import serving
from symbol_operator.decide.lease import Candidacy
from symbol_operator.runtime.cluster import connect
from symbol_operator.runtime.election import ELECTION, Tenancy
from symbol_operator.runtime.errors import RefusedError, UnavailableError
from symbol_operator.runtime.health import Watches
from symbol_operator.runtime.metrics import Metrics
from symbol_operator.runtime.namespaces import NEEDED, Namespaces
from tradingsymbol_api.names import CLAIM_LEASE
from unit.operator.fake_cluster import FakeCluster
from unit.operator.fake_leases import FakeLeases
from unit.operator.objects import NOW
from unit.operator.test_cluster import kubeconfig
from unit.operator.test_election import ELECTION_KEY, NAMES, Replica
from unit.operator.test_lapses import SlowLeases
from unit.operator.test_reconcile import KEY, NEWER_IN_TWO, operator_of, running
from unit.runtime.virtual import run


async def refused(_: str) -> Any:
    raise RefusedError("pods is forbidden")


async def test_a_namespace_that_cannot_be_listed_keeps_no_other_from_its_updates(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its claim may be renewed all the same, while its lists are refused or time out."""
    cluster = FakeCluster()
    cluster.create_symbol("xrpusdt")
    await running(cluster, operator_of(cluster))
    operator = operator_of(cluster, NEWER_IN_TWO)
    await operator.reconcile(KEY)
    assert "deletionTimestamp" not in cluster.pods["xrpusdt-leader"]["metadata"]

    monkeypatch.setattr(operator._store, "compare", refused)
    with pytest.raises(RefusedError):
        await operator.survey("second")
    assert cluster.called_again == [KEY]
    await operator.reconcile(KEY)
    assert "deletionTimestamp" in cluster.pods["xrpusdt-leader"]["metadata"]


def test_no_namespace_is_called_served_that_is_not_claimed() -> None:
    """A claim that was being renewed as the election was lost counts as confirmed forever."""

    async def played() -> None:
        leases = SlowLeases()
        replica = Replica(leases, "first")
        namespaces = Namespaces(NAMES, Watches(NEEDED, NAMES), Metrics(), lambda *_: None)
        replica.authority._acting = namespaces.acting
        replica.authority._claimed = namespaces.claimed
        for name in NAMES:
            for kind in NEEDED:
                namespaces.stood(kind, name)
        replica.start()
        await asyncio.sleep(74.5)
        assert replica.over == set(NAMES)
        leases.down = {CLAIM_LEASE}  # the renewal at 75 s hangs
        await asyncio.sleep(1)
        spec = {"holderIdentity": "second", "leaseDurationSeconds": 12, "renewTime": "x"}
        leases.put(*ELECTION_KEY, spec)
        for n in range(30):  # it acts for a minute, in which our own claims lapse
            await asyncio.sleep(2)
            leases.put(*ELECTION_KEY, {**spec, "renewTime": f"{n}"})
        assert not replica.authority.acts
        for name in NAMES:  # another installation takes what nobody renews
            leases.put(name, CLAIM_LEASE, {**spec, "holderIdentity": "else/symbol-operator"})
        leases.put(*ELECTION_KEY, {})  # claims are answered late, or not at all for 2 s
        for _ in range(60):
            await asyncio.sleep(0.05)
            if replica.authority.acts:
                break
        assert replica.authority.acts
        said = {name for name in NAMES if namespaces.served(name)}
        assert said <= replica.over, f"{said} served, {replica.over} claimed"
        replica.kill()

    run(played())


def test_who_acts_is_named() -> None:
    """Its Lease was deleted a moment ago: ` acts` names nobody."""

    async def played() -> None:
        leases = FakeLeases()
        spec = {"holderIdentity": "second", "leaseDurationSeconds": 12, "renewTime": "x"}
        leases.put(*ELECTION_KEY, spec)
        replica = Replica(leases, "first")
        replica.start()
        await asyncio.sleep(1)
        del leases.held[ELECTION_KEY]
        await asyncio.sleep(3)
        replica.kill()
        assert (False, " acts") not in replica.said, replica.said

    run(played())


async def test_a_renewal_does_not_queue_behind_the_operators_own_requests(tmp_path: Path) -> None:
    """All share 32 connections. An API server that takes 1.6 s for an answer is slow, not away."""

    async def slow(request: web.Request) -> web.Response:
        await request.read()
        await asyncio.sleep(0.01 if "leases" in request.path else 1.6)
        metadata = {"name": "symbol-operator", "namespace": "s", "resourceVersion": "1"}
        document = {"metadata": metadata, "spec": {}}
        return web.Response(text=json.dumps(document), content_type="application/json")

    server = web.Application()
    server.router.add_route("*", "/{path:.*}", slow)
    loop = asyncio.get_running_loop()
    measure = Metrics().requests.measure
    async with serving(server) as url, connect(str(kubeconfig(tmp_path, url)), measure) as cluster:
        candidacy = Candidacy("me", ELECTION, monotonic=loop.time, clock=lambda: NOW)
        tenancy = Tenancy(cluster, "s", "symbol-operator", candidacy, loop.time)
        await tenancy.attempt()
        assert tenancy.held

        async def work() -> None:
            while True:
                await cluster.pod("trading", "xrpusdt")

        workers = [asyncio.create_task(work()) for _ in range(100)]  # settings.workers, at most
        await asyncio.sleep(0.5)
        failures = []
        for _ in range(3):
            try:
                await tenancy.attempt()
            except UnavailableError as exc:
                failures.append(str(exc))
            await asyncio.sleep(0.2)
        for worker in workers:
            worker.cancel()
        await asyncio.wait(workers)
        assert not failures, failures
