"""A WebSocket server whose every answer is scripted, faults included."""

import asyncio
import json
import ssl
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request as HttpRequest
from websockets.http11 import Response


@dataclass(frozen=True)
class Request:
    """One request and the connection on which it came."""

    id: int
    method: str
    params: dict[str, Any]
    connection: ServerConnection


Answer = Callable[[Request], Awaitable[None]]


def reply(result: Any) -> Answer:
    """Answer with a result."""

    async def answer(request: Request) -> None:
        await send(request.connection, id=request.id, status=200, result=result, rateLimits=[])

    return answer


def refuse(status: int, code: int, message: str = "no", **data: int) -> Answer:
    """Answer with an error."""
    error = {"code": code, "msg": message, **({"data": data} if data else {})}

    async def answer(request: Request) -> None:
        await send(request.connection, id=request.id, status=status, error=error)

    return answer


def raw(text: str) -> Answer:
    """Answer with exactly this text."""

    async def answer(request: Request) -> None:
        await request.connection.send(text)

    return answer


def push(event: dict[str, Any]) -> Answer:
    """Send user data."""

    async def answer(request: Request) -> None:
        await send(request.connection, subscriptionId=0, event=event)

    return answer


async def silence(request: Request) -> None:
    """Answer nothing: the reply is lost."""


async def hang_up(request: Request) -> None:
    """Cut the connection without a word."""
    request.connection.transport.abort()


def both(*answers: Answer) -> Answer:
    """Answer with one thing after the other."""

    async def answer(request: Request) -> None:
        for each in answers:
            await each(request)

    return answer


async def send(connection: ServerConnection, **message: Any) -> None:
    """Write one message."""
    await connection.send(json.dumps(message))


class ScriptedExchange:
    """The script of a server, and what it heard.

    A method answers with its script's entries one after the other, and with the last forever.
    """

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[Request] = []
        self.connections: list[ServerConnection] = []
        self._scripts: dict[str, deque[Answer]] = {}
        self._heard: dict[str, asyncio.Queue[Request]] = defaultdict(asyncio.Queue)
        self.on("time", self._time)
        self.on("userDataStream.subscribe.signature", reply({"subscriptionId": 0}))

    def on(self, method: str, *answers: Answer) -> None:
        """Script a method."""
        self._scripts[method] = deque(answers)

    async def heard(self, method: str) -> Request:
        """Wait for the next request of a method."""
        return await self._heard[method].get()

    def asked(self, method: str) -> list[dict[str, Any]]:
        """Return the parameters of all requests of a method so far."""
        return [request.params for request in self.requests if request.method == method]

    async def push(self, event: dict[str, Any]) -> None:
        """Send user data on the newest connection."""
        await send(self.connections[-1], subscriptionId=0, event=event)

    async def serve(self, connection: ServerConnection) -> None:
        """Answer one connection."""
        self.connections.append(connection)
        try:
            async for text in connection:
                message = json.loads(text)
                await self._answer(
                    Request(message["id"], message["method"], message["params"], connection)
                )
        except ConnectionClosed:
            return

    async def _answer(self, request: Request) -> None:
        self.requests.append(request)
        self._heard[request.method].put_nowait(request)
        script = self._scripts[request.method]
        await (script.popleft() if len(script) > 1 else script[0])(request)

    async def _time(self, request: Request) -> None:
        await reply({"serverTime": int(time.time() * 1000)})(request)


@asynccontextmanager
async def scripted(tls: ssl.SSLContext | None = None) -> AsyncIterator[ScriptedExchange]:
    """Run a scripted exchange on a free port of this machine, over TLS if a context is given."""
    exchange = ScriptedExchange()
    async with serve(exchange.serve, "127.0.0.1", 0, close_timeout=0.1, ssl=tls) as server:
        port = server.sockets[0].getsockname()[1]
        exchange.url = f"ws{'s' if tls else ''}://127.0.0.1:{port}/ws-api/v3"
        yield exchange


@asynccontextmanager
async def refusing(status: HTTPStatus, **headers: str) -> AsyncIterator[tuple[str, list[str]]]:
    """Refuse every handshake; yield the URL, and the paths that were asked for."""
    asked: list[str] = []

    def refuse_handshake(connection: ServerConnection, request: HttpRequest) -> Response:
        asked.append(request.path)
        response = connection.respond(status, "")
        response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
        return response

    async def never(_: ServerConnection) -> None:
        raise AssertionError("the handshake was refused")

    async with serve(never, "127.0.0.1", 0, process_request=refuse_handshake) as running:
        yield f"ws://127.0.0.1:{running.sockets[0].getsockname()[1]}", asked
