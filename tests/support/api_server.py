"""One TradingSymbol on an API server that can go away: what a leader sees of Kubernetes.

`python -m support.api_server ADDRESS lead …` is the leader of a pod, told where that server is.
"""

import asyncio
import json
import sys
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiohttp import web
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration

from support.processes import Bot, Running, Venue, free_port, start
from support.serving import serving
from symbol_trader.__main__ import main as symbol_trader
from symbol_trader.resource.api_server import ApiServerResource
from symbol_trader.resource.outage import Tell
from tradingsymbol_api.names import API_VERSION, GROUP, LIMIT_KIND, LIMIT_PLURAL, PLURAL, VERSION

NAMESPACE, NAME = "trading", "xrpusdt"
_LIST = f"/apis/{GROUP}/{VERSION}/namespaces/{NAMESPACE}/{PLURAL}"
_OBJECT = f"{_LIST}/{NAME}"
_EVENTS = f"/apis/events.k8s.io/v1/namespaces/{NAMESPACE}/events"
_LIMITS = f"/apis/{GROUP}/{VERSION}/namespaces/{NAMESPACE}/{LIMIT_PLURAL}"


@dataclass(slots=True)
class ApiServer:
    """Serves one resource: its watch, its status, and JSON patches that test what they replace.

    And TradingLimits: their list, their watch, and each of them.
    """

    spec: dict[str, Any]
    status: dict[str, Any] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    limits: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By name."""
    told_events: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Events that were posted, by name: one is taken once."""
    _events: list[dict[str, Any]] = field(default_factory=list)
    """What happened to limits, in order; a list's resourceVersion is how many of them it knows."""
    _generation: int = 1
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _open: AsyncExitStack | None = None

    @property
    def address(self) -> str:
        """Return where it listens."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen (again)."""
        app = web.Application()
        app.add_routes(
            [
                web.get(_LIST, self._watch),
                web.patch(_OBJECT, self._patch),
                web.patch(f"{_OBJECT}/status", self._patch_status),
                web.get(_LIMITS, self._list_limits),
                web.get(f"{_LIMITS}/{{name}}", self._get_limit),
                web.patch(f"{_LIMITS}/{{name}}/status", self._patch_limit_status),
                web.post(_EVENTS, self._take_event),
            ]
        )
        self._open = AsyncExitStack()
        await self._open.enter_async_context(serving(app, self.port))

    async def stop(self) -> None:
        """Go away: nobody listens, and connections are closed."""
        if self._open is not None:
            was_open, self._open = self._open, None
            async with self._changed:
                self._changed.notify_all()
            await was_open.aclose()

    async def ask(self, **spec: Any) -> None:
        """Change the resource, as a person does."""
        async with self._changed:
            self.spec |= spec
            self._generation += 1
            self._changed.notify_all()

    async def limit(self, name: str, **spec: Any) -> None:
        """Write a limit, as a person does."""
        known = self.limits.get(name)
        uid = known["metadata"]["uid"] if known else uuid4().hex
        generation = known["metadata"]["generation"] + 1 if known else 1
        metadata = {
            "name": name,
            "namespace": NAMESPACE,
            "uid": uid,
            "generation": generation,
            "creationTimestamp": "2026-01-01T00:00:00Z",
        }
        document = {
            "apiVersion": API_VERSION,
            "kind": LIMIT_KIND,
            "metadata": metadata,
            "spec": {"exchange": "paper", **spec},
            "status": known["status"] if known else {},
        }
        self.limits[name] = document
        await self._happened("MODIFIED" if known else "ADDED", document)

    async def delete_limit(self, name: str) -> None:
        """Delete a limit, as a person does."""
        await self._happened("DELETED", self.limits.pop(name))

    async def _happened(self, kind: str, document: dict[str, Any]) -> None:
        async with self._changed:
            self._events.append({"type": kind, "object": document})
            self._changed.notify_all()

    async def _list_limits(self, request: web.Request) -> web.StreamResponse:
        if "watch" not in request.query:
            metadata = {"resourceVersion": str(len(self._events))}
            return web.json_response({"metadata": metadata, "items": [*self.limits.values()]})
        response = web.StreamResponse()
        await response.prepare(request)
        told = int(request.query["resourceVersion"])
        # A leader that was killed reads no more.
        with suppress(ConnectionResetError):
            while self._open is not None:
                for event in self._events[told:]:
                    await response.write(json.dumps(event).encode() + b"\n")
                told = len(self._events)
                async with self._changed:
                    await self._changed.wait()
        return response

    async def _get_limit(self, request: web.Request) -> web.Response:
        if found := self.limits.get(request.match_info["name"]):
            return web.json_response(found)
        return web.json_response({"message": "not found"}, status=404)

    async def _patch_limit_status(self, request: web.Request) -> web.Response:
        document = self.limits[request.match_info["name"]]
        document["status"] = json.loads(await request.text()).get("status", {})
        await self._happened("MODIFIED", document)
        return web.json_response(document)

    async def _take_event(self, request: web.Request) -> web.Response:
        event = json.loads(await request.text())
        name = event["metadata"]["name"]
        if name in self.told_events:
            return web.json_response({"message": "already exists"}, status=409)
        self.told_events[name] = event
        return web.json_response(event, status=201)

    def reasons_of_events(self, kind: str) -> list[str]:
        """Return the reasons of all Events about objects of a kind, in order."""
        events = self.told_events.values()
        return [one["reason"] for one in events if one["regarding"]["kind"] == kind]

    def told(self, field: str, default: Any = None) -> Any:
        """Return a field of the status as it was last written."""
        return self.status.get(field, default)

    def condition(self, kind: str) -> dict[str, Any]:
        """Return a condition as it was last written; empty before it was."""
        conditions = self.told("conditions", [])
        return next((one for one in conditions if one["type"] == kind), {})

    def _document(self) -> dict[str, Any]:
        metadata = {
            "name": NAME,
            "namespace": NAMESPACE,
            "uid": "5e1f",
            "generation": self._generation,
            "resourceVersion": str(self._generation),
        }
        kind = {"apiVersion": f"{GROUP}/{VERSION}", "kind": "TradingSymbol"}
        return kind | {"metadata": metadata, "spec": self.spec, "status": self.status}

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        kind = "ADDED"
        with suppress(ConnectionResetError):
            while self._open is not None:
                line = json.dumps({"type": kind, "object": self._document()})
                await response.write(line.encode() + b"\n")
                kind = "MODIFIED"
                async with self._changed:
                    await self._changed.wait()
        return response

    async def _patch(self, request: web.Request) -> web.Response:
        for step in await request.json():
            *_, parent, name = step["path"].split("/")
            holder = self._document()["metadata"] if parent == "metadata" else self.spec
            if step["op"] == "test" and holder[name] != step["value"]:
                return web.json_response({"message": "the test failed"}, status=422)
            if step["op"] == "replace":
                await self.ask(**{name: step["value"]})
        return web.json_response(self._document())

    async def _patch_status(self, request: web.Request) -> web.Response:
        async with self._changed:
            self.status = json.loads(await request.text()).get("status", {})
            self._changed.notify_all()
        return web.json_response(self._document())


async def start_leader(
    api_server: ApiServer,
    market: Venue,
    database: str,
    word: Path,
    *flags: str,
    program: str = "support.api_server",
    **environment: str,
) -> Running:
    """Start a leader as its pod does; `word` is where it says why it ended."""
    identity = {"cluster": "c1", "namespace": NAMESPACE, "name": NAME, "pod": "p1"}
    # A pod's uid takes an epoch once: each start is another pod.
    identity |= {"pod-uid": uuid4().hex, "termination-log": str(word)}
    bot = Bot(word, market, database)
    return await start(
        *(program, api_server.address, "lead"),
        *(f"--{name}={value}" for name, value in identity.items()),
        *flags,
        environment={**bot.environment, **environment},
    )


def main() -> None:
    """Run the program with its API server at the address given first."""
    address = sys.argv.pop(1)

    def connect(namespace: str, name: str, warn: Tell) -> ApiServerResource:
        configuration = Configuration()
        configuration.host = address
        return ApiServerResource(ApiClient(configuration), namespace, name, warn)

    ApiServerResource.in_cluster = connect  # type: ignore[method-assign]  # replaced for the test
    symbol_trader()


if __name__ == "__main__":
    main()
