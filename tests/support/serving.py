"""An aiohttp application on this machine, for as long as a test needs it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

SHUTDOWN_S = 0.1
"""Time for requests under way to end; 0 would be forever, and a watch does not end by itself."""
TURNS_TO_ACCEPT = 5
"""Turns of the loop, with some to spare, after which an accepted connection is known."""


@asynccontextmanager
async def serving(application: web.Application, port: int = 0) -> AsyncIterator[str]:
    """Serve on a port, 0 for any free one; yields the address. Closes all connections."""
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    listener = socket.create_server(("127.0.0.1", port))
    await web.SockSite(runner, listener).start()
    try:
        yield "http://{}:{}".format(*listener.getsockname())
    finally:
        # asyncio never closes a connection that it was accepting when its server was closed.
        asyncio.get_running_loop().remove_reader(listener)
        for _ in range(TURNS_TO_ACCEPT):
            await asyncio.sleep(0)
        await runner.cleanup()
