"""The door to the API server: what is sent, and what is made of each answer."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web
from prometheus_client import CollectorRegistry

from support.serving import serving
from symbol_operator.decide.events import EventNote, EventReason
from symbol_operator.runtime.acting import namespace_of
from symbol_operator.runtime.api import Page, _document
from symbol_operator.runtime.cluster import Cluster, connect
from symbol_operator.runtime.errors import (
    ClusterError,
    ConflictError,
    NotFoundError,
    RefusedError,
    UnavailableError,
)
from symbol_operator.runtime.memory import Key
from symbol_operator.runtime.request_metrics import (
    CODES,
    METHODS,
    NO_ANSWER,
    PREFIX,
    RequestMetrics,
)
from unit.operator.objects import NOW, fence, pod, resource


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, as the server saw it."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


class ApiServer:
    """Answers every request with the next of its answers, and remembers the requests."""

    def __init__(self, *answers: tuple[int, object]) -> None:
        self.answers = list(answers)
        self.asked: list[Asked] = []

    async def answer(self, request: web.Request) -> web.Response:
        text = await request.text()
        self.asked.append(
            Asked(
                request.method,
                request.path,
                dict(request.query),
                dict(request.headers),
                json.loads(text) if text else None,
            )
        )
        status, body = self.answers.pop(0)
        return web.json_response(body, status=status)


@asynccontextmanager
async def served(
    server: ApiServer, folder: Path, registry: CollectorRegistry | None = None
) -> AsyncIterator[Cluster]:
    """Connect to `server` by a kubeconfig file, as a developer does."""
    measure = RequestMetrics(registry or CollectorRegistry()).measure
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", server.answer)
    async with (
        serving(application) as address,
        connect(str(kubeconfig(folder, address)), measure) as cluster,
    ):
        yield cluster


def kubeconfig(folder: Path, server: str) -> Path:
    path = folder / "kubeconfig"
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "it",
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        "clusters": [{"name": "it", "cluster": {"server": server}}],
        "users": [{"name": "it", "user": {"token": "secret-token"}}],
    }
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def problem(status: int, message: str = "because") -> tuple[int, object]:
    return status, {"kind": "Status", "message": message}


async def test_reads_ask_for_the_latest_state(tmp_path: Path) -> None:
    server = ApiServer((200, resource()), (200, pod()), (200, {"kind": "Node"}))

    async with served(server, tmp_path) as cluster:
        assert await cluster.resource("trading", "xrpusdt") == resource()
        assert await cluster.pod("trading", "xrpusdt") == pod()
        assert await cluster.node("node-1") == {"kind": "Node"}

    base = "/apis/tradingsymbol.dev/v1alpha1/namespaces/trading/tradingsymbols"
    assert [asked.path for asked in server.asked] == [
        f"{base}/xrpusdt",
        "/api/v1/namespaces/trading/pods/xrpusdt-leader",
        "/api/v1/nodes/node-1",
    ]
    # A resourceVersion would allow the server to answer from its cache.
    assert all(asked.query == {} for asked in server.asked)
    assert server.asked[0].headers["User-Agent"] == "symbol-operator"
    assert server.asked[0].headers["Authorization"] == "Bearer secret-token"


async def test_what_does_not_exist_is_none(tmp_path: Path) -> None:
    server = ApiServer(*[problem(404)] * 3)

    async with served(server, tmp_path) as cluster:
        assert await cluster.resource("trading", "absent") is None
        assert await cluster.pod("trading", "absent") is None
        assert await cluster.node("absent") is None


async def test_lists_are_read_to_their_last_page(tmp_path: Path) -> None:
    server = ApiServer(
        (
            200,
            {
                "metadata": {"continue": "more", "resourceVersion": "8"},
                "items": [pod(uid="1"), pod(uid="2")],
            },
        ),
        (200, {"metadata": {"resourceVersion": "8"}, "items": [pod(uid="3")]}),
        (200, {"metadata": {"resourceVersion": "9"}, "items": []}),
    )

    async with served(server, tmp_path) as cluster:
        pods = [
            (item["metadata"]["uid"], page.version)
            async for page in cluster.leader_pods("trading")
            for item in page.items
        ]
        assert [page async for page in cluster.resources("trading")] == [Page([], 9)]

    assert pods == [("1", 8), ("2", 8), ("3", 8)]
    first, second, third = server.asked
    selector = (
        "app.kubernetes.io/name=symbol-trader,app.kubernetes.io/managed-by=symbol-operator,"
        "tradingsymbol.dev/name"
    )
    assert first.query == {"labelSelector": selector, "limit": "500"}
    assert second.query == {**first.query, "continue": "more"}
    assert third.path.endswith("/tradingsymbols")


async def test_whether_the_resource_is_known_is_no_namespaces_affair(tmp_path: Path) -> None:
    """A namespace that is away keeps no other from being served."""
    others = {"groups": [{"name": "apps"}]}
    server = ApiServer((200, others), (200, {"groups": [{"name": "tradingsymbol.dev"}]}))

    async with served(server, tmp_path) as cluster:
        with pytest.raises(NotFoundError):
            await cluster.find_api()
        await cluster.find_api()

    assert [asked.path for asked in server.asked] == ["/apis", "/apis"]


async def test_a_delete_names_the_pod_by_its_uid(tmp_path: Path) -> None:
    server = ApiServer((200, {}), (200, {}), problem(404))

    async with served(server, tmp_path) as cluster:
        await cluster.delete_pod("trading", "xrpusdt", "p1", force=False)
        await cluster.delete_pod("trading", "xrpusdt", "p1", force=True)
        with pytest.raises(NotFoundError):
            await cluster.delete_pod("trading", "xrpusdt", "p1", force=False)

    graceful, forced, _ = (asked.body for asked in server.asked)
    assert graceful == {"preconditions": {"uid": "p1"}}
    assert forced == {"preconditions": {"uid": "p1"}, "gracePeriodSeconds": 0}


async def test_fences_are_those_of_one_symbol_and_go_at_once(tmp_path: Path) -> None:
    server = ApiServer((200, {"items": [fence()], "metadata": {}}), (200, {}))

    async with served(server, tmp_path) as cluster:
        assert await cluster.fences("trading", "xrpusdt") == [fence()]
        await cluster.delete_fence("trading", "xrpusdt-fence-p1", "f1")

    listed, deleted = server.asked
    wanted = "tradingsymbol.dev/fences,tradingsymbol.dev/name=xrpusdt"
    assert listed.query["labelSelector"] == wanted
    assert deleted.path == "/api/v1/namespaces/trading/pods/xrpusdt-fence-p1"
    assert deleted.body == {"preconditions": {"uid": "f1"}, "gracePeriodSeconds": 0}


async def test_an_event_may_regard_the_namespace(tmp_path: Path) -> None:
    """Of a resource that is gone."""
    server = ApiServer((201, {}))
    event = EventNote(EventReason.NODE_LOST, "lost", warning=True, about="p1")

    async with served(server, tmp_path) as cluster:
        await cluster.tell(namespace_of(Key("trading", "xrpusdt")), event, NOW, "operator-1")

    regarding = server.asked[0].body["regarding"]
    assert (regarding["kind"], regarding["apiVersion"]) == ("Namespace", "v1")
    assert regarding["name"] == regarding["namespace"] == "trading"


async def test_a_status_is_merged_into_the_version_that_was_seen(tmp_path: Path) -> None:
    metadata = {"namespace": "trading", "name": "xrpusdt", "uid": "r1", "resourceVersion": "7"}
    patch = {"metadata": metadata, "status": {"traders": None}}
    server = ApiServer((200, resource()), problem(409, "it has changed"))

    async with served(server, tmp_path) as cluster:
        assert await cluster.write_status(patch) == resource()
        with pytest.raises(ConflictError):
            await cluster.write_status(patch)

    asked, _ = server.asked
    assert asked.method == "PATCH"
    assert asked.path.endswith("/tradingsymbols/xrpusdt/status")
    assert asked.query == {"fieldManager": "symbol-operator"}
    assert asked.headers["Content-Type"] == "application/merge-patch+json"
    assert asked.body == patch


async def test_metadata_is_written_to_the_resource_as_it_was_read(tmp_path: Path) -> None:
    server = ApiServer((200, {}), (200, {}), problem(404), problem(409))
    read = resource()
    read["metadata"]["resourceVersion"] = "7"

    async with served(server, tmp_path) as cluster:
        await cluster.set_finalizers(read, ["a"])
        await cluster.set_managed_fields(read, [{"manager": "alice"}])
        for refusal in (NotFoundError, ConflictError):
            with pytest.raises(refusal):
                await cluster.set_managed_fields(read, [])

    first, second = server.asked[:2]
    kept = {"uid": "r1", "resourceVersion": "7"}
    assert (first.method, first.query) == ("PATCH", {"fieldManager": "symbol-operator"})
    assert first.path.endswith("/tradingsymbols/xrpusdt")
    assert first.headers["Content-Type"] == "application/merge-patch+json"
    assert first.body == {"metadata": {**kept, "finalizers": ["a"]}}
    assert second.body == {"metadata": {**kept, "managedFields": [{"manager": "alice"}]}}


async def test_a_pod_is_created_in_its_namespace(tmp_path: Path) -> None:
    server = ApiServer((201, pod()))

    async with served(server, tmp_path) as cluster:
        await cluster.create_pod(pod())

    assert server.asked[0].path == "/api/v1/namespaces/trading/pods"
    assert server.asked[0].query == {"fieldValidation": "Strict"}
    assert server.asked[0].body == pod()


async def test_an_event_regards_the_resource_and_is_told_once(tmp_path: Path) -> None:
    server = ApiServer((201, {}), problem(409, "exists"))
    event = EventNote(EventReason.LEADER_REPLACED, "x" * 2000, warning=True)

    async with served(server, tmp_path) as cluster:
        await cluster.tell(resource(), event, NOW, "operator-1")
        await cluster.tell(resource(), event, NOW, "operator-1")

    event = server.asked[0].body
    assert server.asked[0].path == "/apis/events.k8s.io/v1/namespaces/trading/events"
    assert event["regarding"]["uid"] == "r1"
    assert event["regarding"]["kind"] == "TradingSymbol"
    assert (event["type"], event["reason"]) == ("Warning", "LeaderReplaced")
    assert event["eventTime"] == "2026-01-01T12:00:00.000000Z"
    assert len(event["note"]) == 1024
    assert event["metadata"]["name"] == server.asked[1].body["metadata"]["name"]


async def test_the_cluster_is_known_by_its_system_namespace(tmp_path: Path) -> None:
    server = ApiServer((200, {"metadata": {"uid": "c1"}}))

    async with served(server, tmp_path) as cluster:
        assert await cluster.identity() == "c1"


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (problem(400), RefusedError, "because"),
        (problem(401), UnavailableError, "because"),
        (problem(403), RefusedError, "because"),
        (problem(404), NotFoundError, "because"),
        (problem(409), ConflictError, "because"),
        (problem(422), RefusedError, "because"),
        (problem(429), UnavailableError, "because"),
        (problem(500), UnavailableError, "because"),
        ((503, "no object"), UnavailableError, "HTTP status 503"),
        ((503, {}), UnavailableError, "HTTP status 503"),
    ],
)
async def test_each_failure_has_its_kind_and_the_servers_words(
    tmp_path: Path, answer: tuple[int, object], error: type[ClusterError], message: str
) -> None:
    async with served(ApiServer(answer), tmp_path) as cluster:
        with pytest.raises(error, match=message):
            await cluster.create_pod(pod())


async def test_a_server_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    # Port 9 is the discard service's, which nobody runs.
    async with connect(str(kubeconfig(tmp_path, "http://127.0.0.1:9"))) as cluster:
        with pytest.raises(UnavailableError, match="/api/v1/nodes/node-1"):
            await cluster.node("node-1")


async def test_without_a_kubeconfig_or_a_pod_there_is_no_cluster(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(ClusterError, match="no cluster to connect to"):
        async with connect(None):
            pass


async def test_a_kubeconfig_that_leads_nowhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(ClusterError, match="no cluster to connect to"):
        async with connect(str(path)):
            pass


async def test_a_server_that_does_not_answer_in_time_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("symbol_operator.runtime.api.REQUEST_TIMEOUT_SECONDS", 0.05)
    server = ApiServer()
    forever = asyncio.Event()

    async def hang(request: web.Request) -> web.Response:
        del request
        await forever.wait()
        return web.Response()

    server.answer = hang  # type: ignore[method-assign]  # replaced for the test
    async with served(server, tmp_path) as cluster:
        with pytest.raises(UnavailableError):
            await cluster.node("node-1")
        forever.set()


@pytest.mark.parametrize("answer", [[], "text", None, 1])
async def test_an_answer_that_is_no_object_is_no_answer(tmp_path: Path, answer: object) -> None:
    server = ApiServer((200, answer))

    async with served(server, tmp_path) as cluster:
        with pytest.raises(UnavailableError):
            await cluster.resource("trading", "xrpusdt")


async def test_an_answer_that_is_no_json_is_no_answer() -> None:
    """What a proxy in between says, for one."""
    with pytest.raises(UnavailableError):
        _document(b"<html>")


@pytest.mark.parametrize("answer", [{}, {"kind": "Status"}])
async def test_a_list_without_items_is_no_empty_one(tmp_path: Path, answer: object) -> None:
    """Else all symbols would seem to be gone."""
    async with served(ApiServer((200, answer)), tmp_path) as cluster:
        with pytest.raises(UnavailableError):
            await anext(cluster.resources("trading"))


@pytest.mark.parametrize("answer", [{}, {"metadata": []}, {"metadata": {"uid": 1}}])
async def test_a_cluster_without_identity_is_waited_for(tmp_path: Path, answer: object) -> None:
    async with served(ApiServer((200, answer)), tmp_path) as cluster:
        with pytest.raises(UnavailableError):
            await cluster.identity()


def requests(registry: CollectorRegistry) -> dict[tuple[str, str], float]:
    """Return how many requests were counted by method and code, without those that were not."""
    (family,) = [each for each in registry.collect() if each.name == f"{PREFIX}_requests"]
    counts = {
        (sample.labels["method"], sample.labels["code"]): sample.value
        for sample in family.samples
        if sample.name.endswith("_total")
    }
    return {labels: count for labels, count in counts.items() if count}


async def test_requests_are_counted_by_method_and_code(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    server = ApiServer(
        (200, resource()), (404, {}), problem(403), problem(409), (201, {}), problem(418)
    )

    async with served(server, tmp_path, registry) as cluster:
        await cluster.resource("trading", "xrpusdt")
        await cluster.pod("trading", "xrpusdt")
        with pytest.raises(RefusedError):
            await cluster.lease("trading", "lease")
        with pytest.raises(ConflictError):
            await cluster.create_pod(pod())
        await cluster.create_pod(pod())
        with pytest.raises(UnavailableError):
            await cluster.delete_pod("trading", "xrpusdt", "p1", force=False)

    assert requests(registry) == {
        ("GET", "200"): 1,
        ("GET", "404"): 1,
        ("GET", "403"): 1,
        ("POST", "409"): 1,
        ("POST", "201"): 1,
        ("DELETE", "418"): 1,
    }
    seconds = f"{PREFIX}_request_duration_seconds_count"
    assert registry.get_sample_value(seconds, {"verb": "GET"}) == 3
    assert registry.get_sample_value(seconds, {"verb": "PATCH"}) == 0


async def test_a_request_that_is_not_answered_is_counted_as_such(tmp_path: Path) -> None:
    """Nobody listens there; and a request that takes too long is given up."""
    registry = CollectorRegistry()
    measure = RequestMetrics(registry).measure
    access = str(kubeconfig(tmp_path, "http://127.0.0.1:1"))
    async with connect(access, measure) as cluster:
        with pytest.raises(UnavailableError):
            await cluster.node("node-1")
    assert requests(registry) == {("GET", NO_ANSWER): 1}

    async def never(_: web.Request) -> web.Response:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    asked = asyncio.Event()
    silent = web.Application()
    silent.router.add_route("*", "/{path:.*}", never)
    async with (
        serving(silent) as address,
        connect(str(kubeconfig(tmp_path, address)), measure) as cluster,
    ):
        asking = asyncio.create_task(cluster.node("node-1"))
        await asked.wait()
        asking.cancel()
        await asyncio.wait([asking])
    assert requests(registry) == {("GET", NO_ANSWER): 2}


def test_what_may_come_is_counted_from_0_on() -> None:
    """Of a counter that begins at 1, `rate()` does not see the first."""
    registry = CollectorRegistry()
    RequestMetrics(registry)
    for method in METHODS:
        for code in CODES:
            labels = {"method": method, "code": code}
            assert registry.get_sample_value(f"{PREFIX}_requests_total", labels) == 0
