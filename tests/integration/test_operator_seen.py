"""The operator as a process: what a scrape and its log show of a symbol that it cannot start.

The API server is a fake: a real one cannot be had to fail on demand.
"""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from aiohttp import web
from prometheus_client.parser import text_string_to_metric_families

from support.processes import Running, free_port, start, until
from tradingsymbol_api.build import COMMIT_VARIABLE
from tradingsymbol_api.names import PLURAL
from unit.operator.fake_api import FakeApi, status
from unit.operator.objects import resource
from unit.operator.test_session import write_kubeconfig

NAMESPACE = "trading"
CONFIG = {
    "namespaces": [NAMESPACE],
    "exchanges": [
        {
            "name": "paper",
            "environment": "paper",
            "apiUrl": "ws://paper-exchange:9443/ws-api/v3",
            "streamUrl": "ws://paper-exchange:9443",
            "secret": "paper-credentials",
        }
    ],
    "leader": {"image": "symbol-trader:1"},
}


class FailingApi(FakeApi):
    """Holds Leases and one symbol that is on, and fails at each pod that is created."""

    def __init__(self) -> None:
        super().__init__()
        self._symbol = resource()
        self._symbol["metadata"]["resourceVersion"] = "7"
        self.happens(PLURAL, NAMESPACE, "ADDED", self._symbol)
        self._leases: dict[str, dict[str, Any]] = {}

    async def answer_others(self, request: web.Request) -> web.StreamResponse:
        path, body = request.path, await request.read()
        if path.endswith("/namespaces/kube-system"):
            return web.json_response({"metadata": {"name": "kube-system", "uid": "cluster-1"}})
        if path.endswith(f"/{PLURAL}/xrpusdt"):
            return web.json_response(self._symbol)
        if "/leases" in path:
            return self._lease(request.method, path, json.loads(body or b"{}"))
        if request.method == "POST" and path.endswith("/pods"):
            return web.json_response(status(500, "etcd is away"), status=500)
        if request.method == "POST" and path.endswith("/events"):
            return web.json_response(json.loads(body), status=201)
        return await super().answer_others(request)

    def _lease(self, method: str, path: str, body: dict[str, Any]) -> web.Response:
        if method == "POST":
            *_, namespace, _ = path.split("/")
            path += "/" + body["metadata"]["name"]
            metadata = {"name": body["metadata"]["name"], "namespace": namespace}
            self._leases[path] = {**body, "metadata": {**metadata, "resourceVersion": "1"}}
        if path not in self._leases:
            return web.json_response(status(404), status=404)
        if method == "PATCH":
            self._leases[path]["spec"] |= body["spec"]
        return web.json_response(self._leases[path])


class Operator:
    """The process, and where it serves."""

    def __init__(self, running: Running, port: int) -> None:
        self.running = running
        self._url = f"http://127.0.0.1:{port}/metrics"

    async def scrape(self) -> str:
        """Return the metrics as Prometheus gets them."""
        async with aiohttp.ClientSession() as session, session.get(self._url) as answer:
            assert answer.status == 200
            return await answer.text()

    async def value(self, name: str, **labels: str) -> float | None:
        """Return the value of one series, None if there is none."""
        families = text_string_to_metric_families(await self.scrape())
        samples = (sample for family in families for sample in family.samples)
        found = [each.value for each in samples if each.name == name and each.labels == labels]
        return found[0] if found else None


@pytest.fixture
async def api() -> AsyncIterator[FailingApi]:
    """Serve."""
    api = FailingApi()
    async with api.serve():
        yield api


@pytest.fixture
async def operator(api: FailingApi, tmp_path: Path) -> AsyncIterator[Operator]:
    """Run the operator until it has failed at the symbol."""
    port = free_port()
    config = tmp_path / "operator.yaml"
    config.write_text(yaml.safe_dump({**CONFIG, "httpPort": port}))
    kubeconfig = write_kubeconfig(tmp_path / "kubeconfig", api.address)
    running = await start(
        "symbol_operator",
        "run",
        f"--config={config}",
        f"--kubeconfig={kubeconfig}",
        "--log-format=json",
        environment={COMMIT_VARIABLE: "0123abc"},
    )
    try:
        # It is started from nothing, which takes seconds of a core.
        await running.said("trying again", within_s=180)
        yield Operator(running, port)
    finally:
        await running.kill()


async def test_what_a_scrape_shows(operator: Operator) -> None:
    prefix = "symbol_operator"

    async def twice() -> bool:
        return (await operator.value(f"{prefix}_reconciles_total", result="error") or 0) >= 2

    await until(twice)
    assert await operator.value(f"{prefix}_reconciles_total", result="conflict") == 0
    assert (await operator.value(f"{prefix}_workqueue_adds_total") or 0) >= 2
    assert (await operator.value(f"{prefix}_workqueue_retries_total") or 0) >= 2
    assert (await operator.value(f"{prefix}_workqueue_queue_duration_seconds_count") or 0) >= 2
    assert await operator.value(f"{prefix}_workqueue_depth") == 0
    requests = f"{prefix}_rest_client_requests_total"
    assert (await operator.value(requests, method="POST", code="500") or 0) >= 2
    assert await operator.value(requests, method="PATCH", code="409") == 0
    seconds = f"{prefix}_rest_client_request_duration_seconds_count"
    assert (await operator.value(seconds, verb="POST") or 0) >= 2
    assert (await operator.value("process_resident_memory_bytes") or 0) > 1e6
    assert f'{prefix}_build_info{{commit="0123abc",' in await operator.scrape()


async def test_each_line_is_json_and_what_concerns_the_symbol_names_it(operator: Operator) -> None:
    # The first line is Python's about how the tests fork.
    found = [line for line in operator.running.lines if not line.startswith("<frozen runpy>")]
    lines = [json.loads(line) for line in found]

    about = [line for line in lines if "name" in line]
    assert {(line["namespace"], line["name"]) for line in about} == {(NAMESPACE, "xrpusdt")}
    said = [line["message"] for line in about]
    assert any(message.startswith("wanted on, leader pod none") for message in said), said
    assert any("etcd is away" in message for message in said), said
    (served,) = [line for line in lines if line["message"] == f"Namespace {NAMESPACE} is served"]
    assert served["namespace"] == NAMESPACE
