"""Proxies for tests: SOCKS 5 (RFC 1928, with RFC 1929's passwords) and HTTP's CONNECT.

As a program it is a SOCKS proxy for whoever reaches this host, and needs nothing but Python:
`proxies.py PORT USER PASSWORD`.
"""

import asyncio
import struct
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

_VERSION, _PASSWORD_VERSION = 5, 1
_NO_PASSWORD, _PASSWORD = 0, 2
_SUCCEEDED, _NOT_ALLOWED = 0, 2
_IPV4, _NAME = 1, 3


@dataclass
class RunningProxy:
    """A proxy, and where its clients wanted to go."""

    port: int = 0
    refuses: bool = False
    user: str = ""
    password: str = ""
    asked: list[tuple[str, int]] = field(default_factory=list)

    def note(self, host: str, port: int) -> None:
        """Keep, and print, where a client wants to go."""
        self.asked.append((host, port))
        print(f"asked for {host}:{port}", flush=True)


Greeting = Callable[
    [RunningProxy, asyncio.StreamReader, asyncio.StreamWriter],
    Awaitable[tuple[str, int] | None],
]
"""Talks with a client until it is known where it wants to go; None: nowhere."""


@asynccontextmanager
async def socks_proxy(
    *, refuses: bool = False, user: str = "", password: str = ""
) -> AsyncIterator[RunningProxy]:
    """Run a SOCKS 5 proxy; it asks for a password if there is one."""
    async with _running(_greet_socks, RunningProxy(0, refuses, user, password)) as proxy:
        yield proxy


@asynccontextmanager
async def http_proxy(*, refuses: bool = False) -> AsyncIterator[RunningProxy]:
    """Run an HTTP proxy."""
    async with _running(_greet_http, RunningProxy(0, refuses)) as proxy:
        yield proxy


@asynccontextmanager
async def _running(
    greet: Greeting, proxy: RunningProxy, host: str = "127.0.0.1"
) -> AsyncIterator[RunningProxy]:
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            if target := await greet(proxy, reader, writer):
                await _join(reader, writer, target)
        writer.close()

    server = await asyncio.start_server(serve, host, proxy.port)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _greet_socks(
    proxy: RunningProxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> tuple[str, int] | None:
    _, methods = await reader.readexactly(2)
    await reader.readexactly(methods)
    writer.write(bytes([_VERSION, _PASSWORD if proxy.user else _NO_PASSWORD]))
    if proxy.user and not await _authenticated(proxy, reader, writer):
        return None
    _, _, _, kind = await reader.readexactly(4)
    host = await _host(kind, reader)
    (port,) = struct.unpack("!H", await reader.readexactly(2))
    proxy.note(host, port)
    status = _NOT_ALLOWED if proxy.refuses else _SUCCEEDED
    writer.write(bytes([_VERSION, status, 0, _IPV4, 0, 0, 0, 0, 0, 0]))
    await writer.drain()
    return None if proxy.refuses else (host, port)


async def _authenticated(
    proxy: RunningProxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> bool:
    _, length = await reader.readexactly(2)
    user = await reader.readexactly(length)
    (length,) = await reader.readexactly(1)
    password = await reader.readexactly(length)
    right = (user.decode(), password.decode()) == (proxy.user, proxy.password)
    writer.write(bytes([_PASSWORD_VERSION, 0 if right else 1]))
    await writer.drain()
    return right


async def _host(kind: int, reader: asyncio.StreamReader) -> str:
    if kind == _IPV4:
        return ".".join(str(part) for part in await reader.readexactly(4))
    assert kind == _NAME
    (length,) = await reader.readexactly(1)
    return (await reader.readexactly(length)).decode()


async def _greet_http(
    proxy: RunningProxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> tuple[str, int] | None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    host, _, port = head.split()[1].rpartition(":")
    proxy.note(host, int(port))
    writer.write(b"HTTP/1.1 403 No\r\n\r\n" if proxy.refuses else b"HTTP/1.1 200 Yes\r\n\r\n")
    await writer.drain()
    return None if proxy.refuses else (host, int(port))


async def _join(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: tuple[str, int]
) -> None:
    """Carry bytes in both directions until one side ends."""
    other_reader, other_writer = await asyncio.open_connection(*target)
    ways = (_carry(reader, other_writer), _carry(other_reader, writer))
    tasks = [asyncio.ensure_future(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        other_writer.close()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()


async def _serve(port: int, user: str, password: str) -> None:
    async with _running(_greet_socks, RunningProxy(port, False, user, password), "0.0.0.0"):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), *sys.argv[2:]))
