"""Connections in virtual time: the paper exchange's own protocol behind sockets that are none.

Days of connections cannot be had with real sockets. What is not real is the way of the bytes: no
TCP, no WebSocket frames, and so no pings. Everything above is production code on either side.
"""

import asyncio
import json
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, ConnectionClosedOK
from websockets.frames import Close, CloseCode

from paper_exchange.core.errors import ExchangeError
from paper_exchange.protocol.api import Api
from paper_exchange.protocol.connection import ConnectionOptions
from paper_exchange.protocol.limits import BANNED, REQUESTS
from paper_exchange.protocol.maintenance import UNAVAILABLE, Maintenance
from paper_exchange.shell.connections import Connections
from paper_exchange.shell.outbox import Outbox
from symbol_trader.binance.errors import ConnectionsLimited
from symbol_trader.binance.settings import BinanceSettings
from symbol_trader.errors import ExchangeUnavailable

if TYPE_CHECKING:
    from websockets.asyncio.server import ServerConnection

ADDRESS = "192.0.2.1"
WAY_S = 0.005
"""How long a message is on its way."""
LIFE_S = 86_400.0
"""How long the exchange lets a connection live."""


class End:
    """One end of a connection, as the libraries show theirs."""

    def __init__(self, address: str = ADDRESS) -> None:
        self.remote_address = (address, 1)
        self.other: End
        self.transport = SimpleNamespace(abort=self.abort, pause_reading=lambda: None)
        self._messages: deque[str] = deque()
        self._closed: ConnectionClosed | None = None
        self._changed = asyncio.Event()

    async def send(self, text: str) -> None:
        """Send a message to the other end."""
        if self._closed is not None:
            raise self._closed
        asyncio.get_running_loop().call_later(WAY_S, self.other.arrive, text)

    def arrive(self, text: str) -> None:
        """Take in a message."""
        if self._closed is None:
            self._messages.append(text)
            self._changed.set()

    async def recv(self) -> str:
        """Return the next message; raise once the connection is closed and all are read."""
        while not self._messages:
            if self._closed is not None:
                raise self._closed
            self._changed.clear()
            await self._changed.wait()
        return self._messages.popleft()

    async def __aiter__(self) -> AsyncIterator[str]:
        while True:
            yield await self.recv()

    async def close(self, code: int = CloseCode.NORMAL_CLOSURE) -> None:
        """Close with a closing handshake."""
        if self._closed is None:
            frame = Close(code, "")
            self.end(ConnectionClosedOK(None, frame))
            goodbye = ConnectionClosedOK(frame, frame, rcvd_then_sent=True)
            asyncio.get_running_loop().call_later(WAY_S, self.other.end, goodbye)

    def abort(self) -> None:
        """Cut the connection without a word."""
        for end in (self, self.other):
            end.end(ConnectionClosedError(None, None))

    def end(self, closed: ConnectionClosed) -> None:
        """Take in that the connection is over."""
        self._closed = self._closed or closed
        self._changed.set()

    @property
    def is_open(self) -> bool:
        """Return whether it stands."""
        return self._closed is None


@dataclass(slots=True)
class Open:
    """A connection that stands: its server's end, and what serves it."""

    server: End
    is_api: bool
    task: asyncio.Task[None]


class Wires:
    """All connections of an exchange, and its own count of them."""

    def __init__(self, api: Api, connections: Connections) -> None:
        self.api = api
        self.connections = connections
        self.maintenance = Maintenance()
        self.attempts_s: list[float] = []
        """When somebody tried to connect, by the exchange's clock."""
        self.placed: Counter[str] = Counter()
        """How often each order was asked for, by its client id, over all connections."""
        self.replies: Counter[int] = Counter()
        """How many replies had which status."""
        self.refused: Counter[int] = Counter()
        """How many connections were refused, by the exchange's code."""
        self.expired = 0
        """Connections that lived until the exchange closed them."""
        self.most_used: dict[str, tuple[int, int]] = {}
        """The most that was ever used of each limit, and the limit, as replies say it."""
        self.stream_messages = 0
        """What was sent over market streams."""
        self.unheeded = 0
        """Requests and connections that came during a ban of which the client had been told."""
        self.before: Callable[[dict[str, Any]], None] = lambda _: None
        """Is called with each request before it is answered."""
        self._told: dict[str, _Told] = {}
        self._open: list[Open] = []

    async def dial(self, url: str, _: BinanceSettings, __: int = 0) -> ClientConnection:
        """Open a connection in place of `sockets.dial`."""
        loop = asyncio.get_running_loop()
        self.attempts_s.append(loop.time())
        await asyncio.sleep(WAY_S)
        options, now_ms = ConnectionOptions.of(urlsplit(url).path), self.api.venue.clock()
        service = str(options.service)
        try:
            self.maintenance.check(now_ms)
            self._heed(service)
            self.api.limits.connect(ADDRESS, service, now_ms)
        except ExchangeError as exc:
            raise self._refusal(exc, service) from exc
        client, server = End(), _Watched(self, is_api=options.is_api)
        client.other, server.other = server, client
        task = loop.create_task(self._serve(server, options))
        self._open.append(Open(server, options.is_api, task))
        loop.call_later(LIFE_S, self._expire, server)
        return cast("ClientConnection", client)

    def _refusal(self, error: ExchangeError, service: str) -> ExchangeUnavailable:
        """Count a connection that is refused; return what the client makes of the answer."""
        self.refused[error.code] += 1
        text = f"it answered HTTP {error.status} instead of a WebSocket"
        if error.status == UNAVAILABLE:
            return ExchangeUnavailable(text)
        pause_ms = self._tell_of_ban(error.data or {}, service)
        return ConnectionsLimited(text, pause_ms / 1000)

    def _tell_of_ban(self, data: Mapping[str, Any], service: str) -> int:
        """Note until when a client is told to leave a service alone; return how long that is."""
        now_ms, until_ms = self.api.venue.clock(), int(data["retryAfter"])
        self._told.setdefault(service, _Told(now_ms, until_ms))
        return until_ms - now_ms

    def _heed(self, service: str) -> None:
        """Count what comes during a ban of which the client knows."""
        now_ms, told = self.api.venue.clock(), self._told.get(service)
        if told and now_ms >= told.until_ms:
            del self._told[service]
        elif told and now_ms > told.at_ms + 2 * WAY_S * 1000:
            self.unheeded += 1

    async def _serve(self, server: End, options: ConnectionOptions) -> None:
        connection = cast("ServerConnection", server)
        outbox = Outbox(connection)
        writer = asyncio.create_task(outbox.run())
        try:
            await self.connections.serve(connection, outbox, options)
        finally:
            writer.cancel()
            self._open = [one for one in self._open if one.server is not server]

    def _expire(self, server: End) -> None:
        if server.is_open:
            self.expired += 1
            self._close([server])

    def standing(self) -> list[End]:
        """Return the servers' ends of all connections that stand."""
        return [one.server for one in self._open]

    def cut(self, *, api: bool) -> None:
        """Cut the connections of a service without a word."""
        for one in list(self._open):
            if one.is_api is api:
                one.server.abort()

    @staticmethod
    def _close(ends: list[End]) -> None:
        for end in ends:
            asyncio.ensure_future(end.close(CloseCode.GOING_AWAY))  # noqa: RUF006 - it does not wait

    def announce_and_close(self, after_s: float) -> None:
        """Announce the end of all connections that stand now, and close them later."""
        self.connections.say_shutdown()
        asyncio.get_running_loop().call_later(after_s, self._close, self.standing())

    def heard(self, text: str) -> None:
        """Count what is asked for."""
        request: dict[str, Any] = json.loads(text)
        self._heed(REQUESTS)
        if request["method"] == "order.place":
            self.placed[request["params"]["newClientOrderId"]] += 1
        self.before(request)

    def answered(self, text: str) -> None:
        """Count what is answered, and what it says of limits."""
        message: dict[str, Any] = json.loads(text)
        if "status" not in message:
            return
        self.replies[message["status"]] += 1
        if message["status"] == BANNED:
            self._tell_of_ban(message["error"]["data"], REQUESTS)
        for said in message.get("rateLimits", ()):
            name = f"{said['rateLimitType']} {said['intervalNum']} {said['interval']}"
            used = max(said["count"], self.most_used.get(name, (0, 0))[0])
            self.most_used[name] = used, said["limit"]


@dataclass(frozen=True, slots=True)
class _Told:
    """When the client was told of a ban, and until when it lasts."""

    at_ms: int
    until_ms: int


class _Watched(End):
    """A server's end of which the exchange keeps count."""

    def __init__(self, wires: Wires, *, is_api: bool) -> None:
        super().__init__()
        self._wires = wires
        self._is_api = is_api

    async def send(self, text: str) -> None:
        if self._is_api:
            self._wires.answered(text)
        await super().send(text)

    def arrive(self, text: str) -> None:
        if self._is_api:
            self._wires.heard(text)
        else:
            self._wires.stream_messages += 1
        super().arrive(text)
