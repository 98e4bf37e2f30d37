"""Sending to a connection in order and without waiting, up to a limit."""

import asyncio
from contextlib import suppress

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

MOST_UNSENT = 20_000
"""Messages a connection may be behind before it is cut off: it does not read."""


class Outbox:
    """Messages for one connection; a task of its own writes them."""

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection
        self._queue: asyncio.Queue[str | CloseCode] = asyncio.Queue()
        self._silent = False

    def send(self, text: str) -> None:
        """Queue a message, or cut off a connection that is too far behind."""
        if self._silent:
            return
        if self._queue.qsize() >= MOST_UNSENT:
            self.cut()
            return
        self._queue.put_nowait(text)

    def cut(self) -> None:
        """End the connection at once, without a closing handshake."""
        self._silent = True
        self._connection.transport.abort()

    def end(self, code: CloseCode) -> None:
        """Close the connection once everything queued so far is sent."""
        if not self._silent:
            self._silent = True
            self._queue.put_nowait(code)

    def stall(self) -> None:
        """Send nothing and read nothing any more, not even a ping."""
        self._silent = True
        self._connection.transport.pause_reading()

    async def flush(self) -> None:
        """Wait until everything queued so far is handed to the connection."""
        await self._queue.join()

    async def run(self) -> None:
        """Send until the connection closes."""
        with suppress(ConnectionClosed):
            while True:
                await self._write(await self._queue.get())
                self._queue.task_done()

    async def _write(self, message: str | CloseCode) -> None:
        if isinstance(message, CloseCode):
            await self._connection.close(message)
        else:
            await self._connection.send(message)
