"""Between the operator and the real API server: tells what passes, and lets it go wrong.

Sieve's method: an operator is correct if it gets to the same end when it is killed after any of its
writes, when it hears late or nothing of changes, and when what it reads is not the latest.
"""

import asyncio
import contextlib
import json
import socket
import threading
import urllib.parse
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp import web

from kind.api_server import access
from support.serving import serving

WRITES = frozenset({"POST", "PATCH", "PUT", "DELETE"})
BAD_REQUEST = 400
EXPIRED = b'{"type":"ERROR","object":{"kind":"Status","code":410}}\n'
HOP_BY_HOP = frozenset({"connection", "content-length", "host", "transfer-encoding"})
FAREWELL_S = 60
"""asyncio itself gives TLS 30 seconds to say goodbye, then ends the connection."""


class Socket(socket.socket):
    """Tells when it is closed.

    aiohttp ends an answer that was broken off, a watch say, with TLS's goodbye and then forgets the
    connection: nothing else tells when that is over.
    """

    def __init__(self, family: int, kind: int, protocol: int) -> None:
        super().__init__(family, kind, protocol)
        self.closed = asyncio.Event()

    def close(self) -> None:
        """Close it."""
        super().close()
        self.closed.set()


@dataclass
class Faults:
    """What goes wrong for now."""

    after_write: Callable[[], None] | None = None
    """Called when a write was carried out, before its answer is passed on."""
    watch_delay_s: float = 0.0
    drop_every: int = 0
    """Of the events of watches every so many are lost."""
    stale: bool = False
    """Reads are answered with what the one before them should have been answered."""
    leases_away: bool = False
    """Requests about Leases are not answered as long as this lasts."""
    answers_wait: threading.Event | None = None
    """Answers to writes are held back until this is set."""
    hidden: str = ""
    """Neither lists nor watches show an object of this name."""


@dataclass
class Proxy:
    """Passes requests on to the project's API server; runs in a thread of its own."""

    faults: Faults = field(default_factory=Faults)
    writes: list[str] = field(default_factory=list)
    """The writes that were carried out, Leases aside: method and path."""
    reads: int = 0
    """How many requests only read, watches aside."""
    lost: int = 0
    """How many events of watches were dropped."""
    outdated: int = 0
    """How many reads were answered with something older."""
    address: str = ""
    _events: int = 0
    _watches: set[web.StreamResponse] = field(default_factory=set)
    _sockets: list[Socket] = field(default_factory=list)
    _listable: threading.Event = field(default_factory=threading.Event)
    _former: dict[str, tuple[int, bytes]] = field(default_factory=dict)

    def start(self) -> None:
        """Listen, on any free port."""
        self._listable.set()
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), daemon=True)
        self._thread.start()
        assert ready.wait(30), "the proxy does not listen"

    def stop(self) -> None:
        """Close all connections."""
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(2 * FAREWELL_S)
        assert not self._thread.is_alive(), "the proxy does not end"

    @contextlib.contextmanager
    def watches_lost(self) -> Iterator[None]:
        """End all watches as too old, and have nothing listed until this is over."""
        self._listable.clear()
        asyncio.run_coroutine_threadsafe(self._expire(), self._loop).result(30)
        try:
            yield
        finally:
            self._listable.set()

    async def _expire(self) -> None:
        for response in self._watches:
            await response.write(EXPIRED)

    def lead_here(self, kubeconfig: Path) -> None:
        """Let whoever uses a kubeconfig come by here."""
        document = yaml.safe_load(kubeconfig.read_text())
        document["clusters"][0]["cluster"] = {"server": self.address}
        kubeconfig.write_text(yaml.safe_dump(document))

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        server = access()
        timeout = aiohttp.ClientTimeout(total=None)
        connector = aiohttp.TCPConnector(ssl=server.trust, socket_factory=self._socket)
        async with aiohttp.ClientSession(
            server.address, connector=connector, timeout=timeout
        ) as self._upstream:
            application = web.Application(client_max_size=16 * 2**20)
            application.router.add_route("*", "/{path:.*}", self._pass_on)
            async with serving(application) as self.address:
                ready.set()
                await self._over.wait()
            await connector.close(abort_ssl=True)
        # A loop that ends before its connections leaves them open for ever.
        async with asyncio.timeout(FAREWELL_S):
            for made in self._sockets:
                await made.closed.wait()

    def _socket(self, address: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, *_ = address
        self._sockets.append(Socket(family, kind, protocol))
        return self._sockets[-1]

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        if "limit" in request.query:
            await asyncio.to_thread(self._listable.wait)
        if self.faults.leases_away and "/leases/" in request.path:
            return web.Response(status=503)
        headers = {k: v for k, v in request.headers.items() if k.lower() not in HOP_BY_HOP}
        body = await request.read()
        async with self._upstream.request(
            request.method,
            request.rel_url,
            headers=headers,
            data=body or None,
            skip_auto_headers=["Content-Type"],
        ) as answer:
            if "watch" in request.query:
                return await self._watch(request, answer)
            found = answer.status, await answer.read()
        if request.method in WRITES:
            # A refused one, such as an Event that exists, changed nothing.
            if found[0] < BAD_REQUEST:
                self._written(request)
            if self.faults.answers_wait and "/leases" not in request.path:
                await asyncio.to_thread(self.faults.answers_wait.wait)
        else:
            self.reads += 1
            found = self._read(str(request.rel_url), found)
        status, content = found
        return web.Response(status=status, body=content, content_type="application/json")

    def _written(self, request: web.Request) -> None:
        if "/leases" in request.path:
            return
        self.writes.append(f"{request.method} {urllib.parse.unquote(request.path)}")
        if self.faults.after_write:
            self.faults.after_write()

    def _hides(self, item: dict[str, Any]) -> bool:
        return bool(item.get("metadata", {}).get("name") == (self.faults.hidden or None))

    def _without_hidden(self, content: bytes) -> bytes:
        listed = json.loads(content)
        if "items" not in listed:
            return content
        items = [item for item in listed["items"] if not self._hides(item)]
        return json.dumps({**listed, "items": items}).encode()

    def _read(self, url: str, found: tuple[int, bytes]) -> tuple[int, bytes]:
        if self.faults.hidden:
            return found[0], self._without_hidden(found[1])
        former = self._former.get(url, found)
        self._former[url] = found
        if not self.faults.stale or former == found:
            return found
        self.outdated += 1
        return former

    async def _watch(
        self, request: web.Request, answer: aiohttp.ClientResponse
    ) -> web.StreamResponse:
        response = web.StreamResponse(status=answer.status)
        response.content_type = "application/json"
        # One who watches may end at any time.
        with contextlib.suppress(ConnectionResetError):
            await response.prepare(request)
            self._watches.add(response)
            async for line in _lines(answer):
                if self.faults.hidden and self._hides(json.loads(line)["object"]):
                    continue
                self._events += 1
                if self.faults.drop_every and self._events % self.faults.drop_every == 0:
                    self.lost += 1
                    continue
                await asyncio.sleep(self.faults.watch_delay_s)
                await response.write(line)
        self._watches.discard(response)
        return response


async def _lines(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Yield the lines of a stream, however long."""
    rest = b""
    async for chunk, _ in answer.content.iter_chunks():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line + b"\n"


def outcome(document: dict[str, Any] | None, pod: dict[str, Any] | None) -> dict[str, Any]:
    """Return what of a symbol and its pod must be the same whatever went wrong on the way."""
    if document is None:
        return {"resource": None, "pod": pod is not None}
    told = document["status"]  # a leader may have written before the operator did
    conditions = {c["type"]: (c["status"], c["reason"]) for c in told.get("conditions", ())}
    return {
        "asked": document["spec"]["status"],
        "conditions": {k: v for k, v in conditions.items() if k in {"Ready", "Stalled"}},
        "finalizers": document["metadata"].get("finalizers", []),
        "seen": told.get("observedGeneration") == document["metadata"]["generation"],
        "pod": pod is not None and "deletionTimestamp" not in pod["metadata"],
    }
