"""RBAC grants what the programs call, and nothing else.

Every method by which a program reaches the API server is called against a server that only
remembers; what it was asked for is what the roles have to name.
"""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import kopf
import pytest
import yaml
from aiohttp import web
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration

from support.serving import serving
from symbol_operator.decide.events import EventNote, EventReason
from symbol_operator.runtime.api import Api
from symbol_operator.runtime.cluster import Cluster
from symbol_operator.runtime.handlers import Listener, make_registry
from symbol_operator.runtime.memory import Memory
from symbol_trader.core.limits import LimitInForce, LimitReport
from symbol_trader.report import Report
from symbol_trader.resource.api_server import ApiServerResource
from tradingsymbol_api.names import CLAIM_LEASE, ELECTION_LEASE, GROUP, LIMIT_PLURAL, PLURAL
from tradingsymbol_api.status import Target, status_document

Right = tuple[str, str, str]
"""Verb, API group, resource with its subresource."""

MANIFESTS = Path(__file__).parents[3] / "manifests"
BASE_ROLES = MANIFESTS / "base" / "rbac.yaml"
NAMESPACE_ROLES = MANIFESTS / "components" / "trading-namespace"
VERBS = {"POST": "create", "PATCH": "patch", "DELETE": "delete"}
OWNER_REFERENCES: Right = ("update", GROUP, f"{PLURAL}/finalizers")
"""Asked for by an admission plug-in, not by a call: see the role."""
DISCOVERY: Right = ("get", "", "apis")
"""Which groups there are: everybody may know (`system:discovery`)."""
RESOURCE: dict[str, Any] = {
    "apiVersion": f"{GROUP}/v1alpha1",
    "kind": "TradingSymbol",
    "metadata": {
        "namespace": "trading",
        "name": "xrpusdt",
        "uid": "uid-1",
        "resourceVersion": "7",
        "generation": 2,
    },
    "spec": {"budget": 100, "status": "shutdown"},
}

LIMIT: dict[str, Any] = {
    "apiVersion": f"{GROUP}/v1alpha1",
    "kind": "TradingLimit",
    "metadata": {"namespace": "trading", "name": "all", "uid": "uid-2", "generation": 1},
    "spec": {"exchange": "paper", "halt": True},
}

LEASE = {"metadata": {"namespace": "trading", "name": CLAIM_LEASE, "resourceVersion": "7"}}


def right(method: str, path: str, query: dict[str, str]) -> Right:
    """Translate a request as the API server's authorizer does."""
    parts = path.strip("/").split("/")
    if parts == ["apis"]:
        return DISCOVERY
    group, parts = ("", parts[2:]) if parts[0] == "api" else (parts[1], parts[3:])
    if parts[0] == "namespaces" and len(parts) > 2:
        parts = parts[2:]
    kind, name, sub = (*parts, "", "")[:3]
    verb = VERBS.get(method) or ("get" if name else "watch" if "watch" in query else "list")
    return verb, group, f"{kind}/{sub}" if sub else kind


@asynccontextmanager
async def remembering(rights: set[Right]) -> AsyncIterator[ApiClient]:
    """Serve an API server that remembers what it was asked for, and a client of it."""

    async def answer(request: web.Request) -> web.Response:
        asked = right(request.method, request.path, dict(request.query))
        rights.add(asked)
        if asked[0] == "watch":
            seen = LIMIT if asked[2] == LIMIT_PLURAL else RESOURCE
            return web.json_response({"type": "ADDED", "object": seen})
        return web.json_response({**RESOURCE, "items": [], "groups": [{"name": GROUP}]})

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    async with serving(application) as address:
        configuration = Configuration()
        configuration.host = address
        async with ApiClient(configuration) as client:
            yield client


def rules_of(role: str, *files: Path) -> list[dict[str, Any]]:
    """Return the rules of the roles of this name."""
    documents = [item for file in files for item in yaml.safe_load_all(file.read_text())]
    return [
        rule
        for item in documents
        if item["kind"] in {"Role", "ClusterRole"} and item["metadata"]["name"] == role
        for rule in item["rules"]
    ]


def granted(role: str, *files: Path) -> set[Right]:
    """Return what the roles of this name allow."""
    return {
        (verb, group, resource)
        for rule in rules_of(role, *files)
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }


def calls(cluster: Cluster) -> dict[str, Callable[[], Awaitable[object]]]:
    """Return a call of each method of the operator's door."""
    pod = {"metadata": {"namespace": "trading", "name": "xrpusdt-leader"}}
    target = Target("trading", "xrpusdt", "uid-1")
    event = EventNote(EventReason.LEADER_STARTED, "started", about="uid-1")
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return {
        "identity": cluster.identity,
        "find_api": cluster.find_api,
        "namespace_ending": lambda: cluster.namespace_ending("trading"),
        "resource": lambda: cluster.resource("trading", "xrpusdt"),
        "pod": lambda: cluster.pod("trading", "xrpusdt"),
        "node": lambda: cluster.node("worker"),
        "resources": lambda: anext(cluster.resources("trading"), None),
        "leader_pods": lambda: anext(cluster.leader_pods("trading"), None),
        "fences": lambda: cluster.fences("trading", "xrpusdt"),
        "delete_fence": lambda: cluster.delete_fence("trading", "xrpusdt-fence-p1", "uid-3"),
        "create_pod": lambda: cluster.create_pod(pod),
        "delete_pod": lambda: cluster.delete_pod("trading", "xrpusdt", "uid-2", force=False),
        "write_status": lambda: cluster.write_status(status_document(target)),
        "set_finalizers": lambda: cluster.set_finalizers(RESOURCE, []),
        "set_managed_fields": lambda: cluster.set_managed_fields(RESOURCE, []),
        "lease": lambda: cluster.lease("trading", CLAIM_LEASE),
        "create_lease": lambda: cluster.create_lease("trading", CLAIM_LEASE, {}),
        "write_lease": lambda: cluster.write_lease(LEASE, {}),
        "tell": lambda: cluster.tell(RESOURCE, event, now, "operator"),
    }


def deaf() -> Listener:
    """Return a listener that wakes nobody."""
    nothing: Any = lambda _: None  # noqa: E731 - its type is anything
    return Listener(Memory(), changed=nothing, pod_changed=nothing, gone=nothing)


async def no_login(**_: object) -> kopf.AiohttpSession:
    """Log in nowhere."""
    raise NotImplementedError


def watched() -> set[Right]:
    """Return what kopf needs for the operator's handlers."""
    registry = make_registry(deaf(), no_login)
    selectors = registry._watching.get_all_selectors()
    kinds = {(s.group or "", s.any_name or s.plural) for s in selectors}
    return {(verb, group, str(kind)) for group, kind in kinds for verb in ("list", "watch")}


async def test_the_operator_may_do_what_it_does_and_no_more() -> None:
    used: set[Right] = set()
    async with remembering(used) as client:
        methods = calls(Cluster(Api(client), Api(client)))
        for call in methods.values():
            await call()

    public = inspect.getmembers(Cluster, inspect.isfunction)
    assert methods.keys() == {name for name, _ in public if not name.startswith("_")}
    in_namespaces = granted("symbol-operator", BASE_ROLES, NAMESPACE_ROLES / "operator.yaml")
    assert in_namespaces == (used - {DISCOVERY}) | watched() | {OWNER_REFERENCES}


def test_the_operator_holds_the_same_rights_to_both_of_its_leases() -> None:
    """And to no other that is there already."""
    for role, file, name in (
        ("symbol-operator-election", BASE_ROLES, ELECTION_LEASE),
        ("symbol-operator", NAMESPACE_ROLES / "operator.yaml", CLAIM_LEASE),
    ):
        rules = [rule for rule in rules_of(role, file) if rule["resources"] == ["leases"]]
        by_name = {verb: rule.get("resourceNames") for rule in rules for verb in rule["verbs"]}
        assert by_name == {"get": [name], "patch": [name], "create": None}


def test_outside_the_trading_namespaces_the_operator_creates_and_deletes_nothing() -> None:
    everywhere = granted("symbol-operator", BASE_ROLES)
    assert {verb for verb, _, _ in everywhere} == {"get", "patch"}
    assert "pods" not in {kind for _, _, kind in everywhere}
    assert {(group, kind) for verb, group, kind in everywhere if verb == "patch"} == {
        (GROUP, PLURAL)
    }


def _fail(event: str, why: str) -> None:
    pytest.fail(f"{event}: {why}")


async def test_a_leader_may_do_what_it_does_and_no_more() -> None:
    used: set[Right] = set()
    async with remembering(used) as client:
        resource = ApiServerResource(client, "trading", "xrpusdt", _fail)
        async for _ in resource.changes():
            break
        await resource.report(Report(generation=2, epoch=1, trading=True, draining=False))
        await resource.switch_off()
        async for limits in resource.limits():
            if limits:
                break
        await resource.limit_exists("all", "uid-1")
        in_force = LimitInForce("uid-2", 1, "c1", "trading", "all")
        await resource.report_limit(LimitReport(in_force, "paper", "1", 1, 1, (), ()))
        await resource.tell_deleted(in_force)

    assert granted("symbol-trader", NAMESPACE_ROLES / "leader.yaml") == used
