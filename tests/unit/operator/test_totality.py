"""Whatever stands in an object: no look and no survey fails, and off still ends the leader."""

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubectl_trading.symbols import Symbol
from kubectl_trading.table import table
from support.anything import ANYTHING, SHALLOW
from symbol_operator.decide.census import take_census
from symbol_operator.observe.managed_fields import status_writer
from symbol_operator.observe.node import node_lost, node_suspect
from symbol_operator.observe.pod import observe_pod
from symbol_operator.observe.symbol import observe_symbol
from symbol_operator.runtime import operate
from symbol_operator.runtime.handlers import make_registry
from tradingsymbol_api.names import FINALIZER
from unit.operator.fake_cluster import FakeCluster, copied
from unit.operator.objects import NOW, container, pod, resource, terminated, waiting
from unit.operator.test_reconcile import KEY, operator_of
from unit.operator.test_rights import deaf, no_login

Path = tuple[str | int, ...]

STATUS = {
    "requested": "on",
    "symbol": "XRPUSDT",
    "observedGeneration": 1,
    "leader": {"pod": "xrpusdt-leader", "uid": "uid-0", "node": "node-1"},
    "traders": 2,
    "openOrders": 1,
    "ordersInDoubt": 0,
    "profit": "1",
    "quoteAsset": "USDT",
    "unvaluedFees": {"BNB": "1"},
    "epoch": 1,
    "conditions": [
        {
            "type": kind,
            "status": "True",
            "reason": "Why",
            "message": "so",
            "observedGeneration": 1,
            "lastTransitionTime": "2026-01-01T12:00:00Z",
        }
        for kind in ("Ready", "Stalled", "Degraded", "Trading")
    ],
}


def paths(document: object, path: Path = ()) -> Iterator[Path]:
    """Name every place in a document."""
    items: Any = ()
    if isinstance(document, dict):
        items = document.items()
    elif isinstance(document, list):
        items = enumerate(document)
    for name, value in items:
        yield (*path, name)
        yield from paths(value, (*path, name))


def put(document: Any, path: Path, value: object) -> None:
    for name in path[:-1]:
        document = document[name]
    document[path[-1]] = value


def symbol() -> dict[str, Any]:
    """Make a resource that has all that one can have."""
    found = resource(
        symbol="XRPUSDT",
        chunks=5,
        buyDownInterval="0.1%",
        maxBuyAge="12h",
        shutdown={"deadline": "1h", "unfilledBuys": "Wait"},
        deletionPolicy="Drain",
        updateStrategy="WhenIdle",
    )
    found["metadata"] |= {
        "resourceVersion": "1",
        "annotations": {"tradingsymbol.dev/abandon-orders": "false"},
        "finalizers": [FINALIZER],
        "labels": {"a": "b"},
    }
    return copied({**found, "status": STATUS})


def leader(phase: str = "Running", state: dict[str, Any] | None = None) -> dict[str, Any]:
    """Make a leader pod that has all that one can have."""
    statuses = container(
        state or waiting("CrashLoopBackOff"),
        lastState=terminated(1, '{"cause": "x"}'),
        restartCount=3,
    )
    return pod(phase, containerStatuses=statuses, reason="r", message="m", uid="uid-9")


IDENTITY = {("metadata", name) for name in ("namespace", "name", "uid", "resourceVersion")}
"""What the API server sees to; and a pod without its labels, or that terminates, is not ended."""
NOT_OURS = {("metadata", "labels"), ("metadata", "labels", "app.kubernetes.io/managed-by")}
IN_RESOURCE = sorted(set(paths(symbol())) - IDENTITY - {("metadata",)}, key=str)
IN_POD = sorted(set(paths(leader())) - IDENTITY - NOT_OURS - {("metadata",)}, key=str)


EXAMPLES = 100
WORDS = st.fixed_dictionaries({"cause": SHALLOW, "message": SHALLOW}).map(json.dumps)
PHASES = ["Running", "Succeeded", "Failed", "Unknown"]


@contextmanager
def as_deep_as_the_operator() -> Iterator[None]:
    """Read documents as deep as the operator does."""
    before = sys.getrecursionlimit()
    operate._read_deep_documents()
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def cluster_of(found: dict[str, Any], leads: dict[str, Any]) -> FakeCluster:
    cluster = FakeCluster()
    cluster.symbols["xrpusdt"] = found
    cluster.pods["xrpusdt-leader"] = leads
    return cluster


def look_at(cluster: FakeCluster) -> None:
    with as_deep_as_the_operator():
        asyncio.run(looked_at(cluster))


async def looked_at(cluster: FakeCluster) -> None:
    """Look at it as it is, then switched off: the leader goes."""
    operator = operator_of(cluster)
    await operator.survey("trading")
    await operator.reconcile(KEY)
    spec = cluster.symbols["xrpusdt"]["spec"]
    if isinstance(spec, dict):
        spec["status"] = "off"
    for _ in range(2):
        await operator.reconcile(KEY)
    left = cluster.pods.get("xrpusdt-leader", {"metadata": {"deletionTimestamp": "soon"}})
    assert left["metadata"].get("deletionTimestamp"), "switched off, it is on its way out"
    await operator.survey("trading")


@settings(deadline=None, max_examples=EXAMPLES)
@given(st.sampled_from(IN_RESOURCE), ANYTHING)
def test_anything_may_stand_in_a_resource(path: Path, value: Any) -> None:
    found = symbol()
    put(found, path, value)
    look_at(cluster_of(found, leader()))


@settings(deadline=None, max_examples=EXAMPLES)
@given(
    st.sampled_from(IN_POD),
    ANYTHING,
    st.sampled_from(PHASES),
)
def test_anything_may_stand_in_a_pod(path: Path, value: Any, phase: str) -> None:
    leads = leader(phase)
    put(leads, path, value)
    look_at(cluster_of(symbol(), leads))


@settings(deadline=None, max_examples=EXAMPLES)
@given(ANYTHING | WORDS)
def test_a_leader_may_leave_any_words(words: Any) -> None:
    leads = leader("Succeeded", {"terminated": {"exitCode": 0, "message": words}})
    look_at(cluster_of(symbol(), leads))


@settings(deadline=None, max_examples=EXAMPLES)
@given(st.sampled_from([(), ("status",), ("status", "conditions")]), ANYTHING)
def test_anything_may_stand_in_a_node(path: Path, value: Any) -> None:
    cluster = cluster_of(symbol(), leader("Unknown"))
    cluster.nodes["node-1"] = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    put(cluster.nodes, ("node-1", *path), value)

    assert node_lost(value) in {True, False}
    look_at(cluster)


@settings(deadline=None, max_examples=EXAMPLES)
@given(st.sampled_from(["symbols", "pods"]), ANYTHING, st.sampled_from(PHASES))
def test_any_time_of_a_deletion_is_read(kind: str, value: Any, phase: str) -> None:
    cluster = cluster_of(symbol(), leader(phase))
    (found,) = getattr(cluster, kind).values()
    found["metadata"]["deletionTimestamp"] = value
    with as_deep_as_the_operator():
        asyncio.run(surveyed(cluster))


async def surveyed(cluster: FakeCluster) -> None:
    operator = operator_of(cluster)
    await operator.survey("trading")
    await operator.reconcile(KEY)


@settings(deadline=None, max_examples=EXAMPLES)
@given(ANYTHING)
def test_each_parser_takes_anything(value: Any) -> None:
    observe_pod(value, "r1", node_lost=False)
    node_suspect(value, NOW)
    status_writer(value)
    observe_symbol(value)
    take_census([value], 0)
    table([Symbol.of(value)], namespaces=True)


@pytest.mark.parametrize(
    ("message", "outcome"),
    [
        ("[" * 4000, "exit code 0: ["),
        ('{"cause": []}', "exit code 0"),
        ('{"cause": NaN, "message": 1}', "exit code 0"),
        ('{"message": "\\ud800"}', "exit code 0: ?"),
        ("9" * 5000, "exit code 0: 9"),
        ("null", "exit code 0: null"),
    ],
)
def test_last_words_that_are_none(message: str, outcome: str) -> None:
    ended = leader("Succeeded", {"terminated": {"exitCode": 0, "message": message}})

    assert outcome in observe_pod(ended, "r1", node_lost=False).outcome


def test_who_wrote_is_unknown_where_an_entry_names_nobody() -> None:
    found = resource()
    fields: dict[str, Any] = {"f:spec": {"f:status": {}}}
    found["metadata"]["managedFields"] = [
        {"fieldsV1": fields, "time": "2026-01-01T11:59:00Z", "manager": "kubectl"},
        {"fieldsV1": fields, "time": "2026-01-01T11:59:00Z"},
    ]
    assert status_writer(found) == "kubectl"
    found["metadata"]["managedFields"][1]["time"] = "2026-01-01T12:00:00Z"
    assert status_writer(found) is None


@settings(deadline=None, max_examples=EXAMPLES)
@given(
    st.sampled_from(["tradingsymbols", "pods"]),
    st.sampled_from([None, "ADDED", "MODIFIED", "DELETED"]),
    ANYTHING,
    ANYTHING,
)
def test_an_event_may_be_of_anything(plural: str, kind: Any, body: Any, metadata: Any) -> None:
    registry = make_registry(deaf(), no_login)
    handlers: list[Any] = list(registry._watching.get_all_handlers())
    (handle,) = [h.fn for h in handlers if plural in {h.selector.plural, h.selector.any_name}]
    for document in (body, {"metadata": metadata}, {"metadata": {"labels": metadata}}):
        asyncio.run(handle(event={"type": kind, "object": document}))


async def test_a_pod_that_names_no_resource_leads_for_nobody() -> None:
    cluster = cluster_of(symbol(), leader())
    cluster.pods["xrpusdt-leader"]["metadata"]["labels"]["tradingsymbol.dev/name"] = ""

    assert await operator_of(cluster).survey("trading") == {KEY}
