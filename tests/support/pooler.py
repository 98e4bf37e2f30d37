"""A pooler in transaction mode between clients and a PostgreSQL server, as small as can be.

It stands in for PgBouncer, which the tests must not need: each transaction of a client gets
whichever server connection is free. Of the settings in a client's first message only user and
database go on, as PgBouncer does with what `ignore_startup_parameters` names. A connection that a
client logged in with joins the pool, or is closed where the pool is full.
"""

import asyncio
import struct
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Asked = asyncio.Task[bytes]
"""The next message of a client."""

_SSL_REQUEST = 80877103
_CANCEL_REQUEST = 80877102
_ANSWERED = {3, 5, 10, 11}
"""The requests of an authentication that a client answers."""
_TERMINATE = b"X"
_ENDS_BATCH = b"QS"
"""Query and Sync: each is answered by one ReadyForQuery."""


@dataclass
class Pooler:
    """How many server connections it keeps, and which free one comes first."""

    server_port: int
    size: int = 1
    takes_turns: bool = False
    """The one that was free the longest comes first, else the one used last."""
    whole_sessions: bool = False
    """A client keeps its server connection: session mode."""
    clients: list[asyncio.Task[None]] = field(default_factory=list)
    opened: list[asyncio.StreamWriter] = field(default_factory=list)
    """All that is to be closed at the end."""
    free: deque[Streams] = field(default_factory=deque)
    lent: int = 0
    returned: asyncio.Condition = field(default_factory=asyncio.Condition)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a client on."""
        self.clients.append(asyncio.create_task(self.serve(reader, writer)))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client until it goes."""
        self.opened.append(writer)
        with suppress(OSError, EOFError, asyncio.CancelledError):
            if (first := await _first_message(reader, writer)) is not None:
                await self._serve(first, (reader, writer))
        writer.close()

    async def _serve(self, first: bytes, client: Streams) -> None:
        server = await asyncio.open_connection("127.0.0.1", self.server_port)
        self.opened.append(server[1])
        server[1].write(first)
        await _log_in(client, server)
        if self.whole_sessions:
            await self._relay_whole(client, server)
            return
        if len(self.free) + self.lent < self.size:
            await self._give_back(server)
        else:
            server[1].close()
        asked = asyncio.create_task(_message(client[0]))
        while True:
            await asyncio.wait({asked})
            asked.result()  # whoever goes needs no server
            server = await self._take()
            try:
                asked = await _transaction(asked, client, server)
            except (OSError, EOFError):
                server[1].close()  # mid-transaction: nobody may have it
                raise
            else:
                await self._give_back(server)

    async def _relay_whole(self, client: Streams, server: Streams) -> None:
        asked = asyncio.create_task(_message(client[0]))
        try:
            while True:
                asked = await _transaction(asked, client, server)
        finally:
            server[1].close()

    async def _take(self) -> Streams:
        async with self.returned:
            await self.returned.wait_for(lambda: bool(self.free))
            self.lent += 1
            return self.free.popleft() if self.takes_turns else self.free.pop()

    async def _give_back(self, server: Streams) -> None:
        async with self.returned:
            self.lent = max(0, self.lent - 1)
            self.free.append(server)
            self.returned.notify()


@asynccontextmanager
async def pooled(pooler: Pooler) -> AsyncIterator[int]:
    """Run a pooler; yields its port."""
    server = await asyncio.start_server(pooler.accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in pooler.opened:
            writer.close()
        await asyncio.gather(*pooler.clients)
        for writer in pooler.opened:
            with suppress(OSError):
                await writer.wait_closed()


async def _first_message(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> bytes | None:
    """Read a client's first message; return it with user and database alone."""
    while True:
        (length,) = struct.unpack("!i", await reader.readexactly(4))
        body = await reader.readexactly(length - 4)
        (code,) = struct.unpack("!i", body[:4])
        if code == _CANCEL_REQUEST:
            return None
        if code != _SSL_REQUEST:
            break
        writer.write(b"N")
    words = body[4:].split(b"\0")
    named = dict(zip(words[::2], words[1::2], strict=False))
    kept = b"".join(key + b"\0" + named[key] + b"\0" for key in (b"user", b"database"))
    return struct.pack("!i", len(kept) + 9) + body[:4] + kept + b"\0"


async def _message(reader: asyncio.StreamReader) -> bytes:
    """Read a message. Raises `EOFError` where there is none any more."""
    head = await reader.readexactly(5)
    if head[:1] == _TERMINATE:
        raise EOFError
    (length,) = struct.unpack("!i", head[1:])
    return head + await reader.readexactly(length - 4)


async def _log_in(client: Streams, server: Streams) -> None:
    """Let a client and a server agree on who it is."""
    while True:
        message = await _message(server[0])
        client[1].write(message)
        if message[:1] == b"Z":
            return
        if message[:1] == b"R" and struct.unpack("!i", message[5:9])[0] in _ANSWERED:
            server[1].write(await _message(client[0]))


async def _transaction(asked: Asked, client: Streams, server: Streams) -> Asked:
    """Relay until the server is ready and in no transaction; returns what the client says next."""
    open_batches = 0
    told = asyncio.create_task(_message(server[0]))
    try:
        while True:
            await asyncio.wait({asked, told}, return_when=asyncio.FIRST_COMPLETED)
            if asked.done():
                server[1].write(message := asked.result())
                open_batches += message[:1] in _ENDS_BATCH
                asked = asyncio.create_task(_message(client[0]))
            if told.done():
                client[1].write(message := told.result())
                open_batches -= message[:1] == b"Z"
                if message[:1] == b"Z" and message[5:] == b"I" and not open_batches:
                    return asked
                told = asyncio.create_task(_message(server[0]))
    finally:
        told.cancel()
