"""An API server as kopf sees it: it lists and watches two kinds in some namespaces.

What goes wrong is told to it: a real one cannot be had to answer so on demand.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from support.serving import serving
from tradingsymbol_api.names import GROUP, PLURAL, VERSION

CUT = "cut"
"""The connection ends without an answer."""
PAGE = "page"
"""The answer is a web page."""
GARBLED = "garbled"
"""The stream ends in the middle of a line."""

Fault = int | str | dict[str, Any]
"""A status to answer with, one of the above, or a Status with which a stream fails."""

KINDS = {"v1": {"pods": "Pod", "namespaces": "Namespace"}, VERSION: {PLURAL: "TradingSymbol"}}


def status(code: int, message: str = "") -> dict[str, Any]:
    """Make the API server's own words for what went wrong."""
    return {"kind": "Status", "code": code, "message": message or f"refused with {code}"}


class FakeApi:
    """Answers lists and watches; `faults` are spent on requests first, by kind and namespace."""

    def __init__(self) -> None:
        self.faults: dict[tuple[str, str], list[Fault]] = defaultdict(list)
        """Of lists and watches; a fault of a stream waits for the next watch."""
        self.always: dict[tuple[str, str], Fault] = {}
        """Faults that do not pass."""
        self.expires: set[tuple[str, str]] = set()
        """Lists whose second page is gone once, and forever for who asks for that page."""
        self.token = ""
        """The token that is taken; without one any is."""
        self.address = ""
        self._streams: dict[tuple[str, str], asyncio.Queue[bytes]] = defaultdict(asyncio.Queue)

    def happens(self, kind: str, namespace: str, event: str, document: dict[str, Any]) -> None:
        """Tell of an event by whatever watch there is, or will be."""
        line = json.dumps({"type": event, "object": document}, separators=(",", ":"))
        self._streams[kind, namespace].put_nowait(line.encode() + b"\n")

    def ends(self, kind: str, namespace: str) -> None:
        """Let a watch end as after its time."""
        self._streams[kind, namespace].put_nowait(b"")

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        """Serve; yields the address."""
        application = web.Application()
        application.router.add_get("/api", self._versions)
        application.router.add_get("/apis", self._groups)
        application.router.add_get("/api/{version}", self._kinds)
        application.router.add_get(f"/apis/{GROUP}/{{version}}", self._kinds)
        for root in ("/api/v1", f"/apis/{GROUP}/{VERSION}"):
            path = root + "/namespaces/{namespace}/{kind}"
            application.router.add_get(path, self._answer)
        application.router.add_route("*", "/{path:.*}", self.answer_others)
        async with serving(application) as self.address:
            yield self.address

    async def answer_others(self, request: web.Request) -> web.StreamResponse:
        """Answer what is not asked by watches: there is nothing else."""
        return web.json_response(status(404, f"{request.path} not found"), status=404)

    async def _versions(self, _: web.Request) -> web.Response:
        return web.json_response({"versions": ["v1"]})

    async def _groups(self, _: web.Request) -> web.Response:
        version = {"version": VERSION}
        group = {"name": GROUP, "versions": [version], "preferredVersion": version}
        return web.json_response({"groups": [group]})

    async def _kinds(self, request: web.Request) -> web.Response:
        kinds = KINDS[request.match_info["version"]]
        rest = {"singularName": "", "namespaced": True, "verbs": ["list", "watch"]}
        found = [{"name": name, "kind": kind, **rest} for name, kind in kinds.items()]
        return web.json_response({"resources": found})

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        watch = (request.match_info["kind"], request.match_info["namespace"])
        fault = self._refusal(request, watch) or self._fault(watch, "watch" in request.query)
        if isinstance(fault, int):
            # A proxy may write a date there.
            headers = {"Retry-After": "Fri, 27 Nov 2026 00:00:00 GMT"} if fault == 429 else {}
            return web.json_response(status(fault), status=fault, headers=headers)
        if fault == PAGE:
            return web.Response(text="<p>Sign in</p>", content_type="text/html")
        if fault == CUT:
            assert request.transport
            request.transport.close()
            return web.Response()
        if "watch" not in request.query:
            more = "page-2" if watch in self.expires else ""
            metadata = {"resourceVersion": "1", "continue": more}
            return web.json_response({"items": [], "metadata": metadata})
        return await self._stream(request, watch, fault)

    def _refusal(self, request: web.Request, watch: tuple[str, str]) -> int | None:
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return 401
        if "continue" in request.query:
            self.expires.discard(watch)
            return 410
        return None

    def _fault(self, watch: tuple[str, str], streams: bool) -> Fault | None:
        if watch in self.always:
            return self.always[watch]
        faults = self.faults[watch]
        of_stream = bool(faults) and (isinstance(faults[0], dict) or faults[0] == GARBLED)
        return faults.pop(0) if faults and (streams or not of_stream) else None

    async def _stream(
        self, request: web.Request, watch: tuple[str, str], fault: Fault | None
    ) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_type = "application/json"
        await response.prepare(request)
        if isinstance(fault, dict):
            event = json.dumps({"type": "ERROR", "object": fault}, separators=(",", ":"))
            await response.write(event.encode() + b"\n")
        elif fault == GARBLED:
            await response.write(b'{"type":"ADDED","obj')
        else:
            while line := await self._streams[watch].get():
                await response.write(line)
        return response
