"""The administrator's interface: JSON over a WebSocket that listens on loopback only.

{"id": 1, "command": "trade", "params": {"symbol": "XRPUSDT", "price": "0.5", …}}
{"id": 1, "result": {…}}   or   {"id": 1, "error": "…"}
"""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal, InvalidOperation
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_websockets

from paper_exchange.core.errors import ConfigError, ExchangeError
from paper_exchange.core.money import ZERO

LOOPBACK = "127.0.0.1"

Params = dict[str, Any]
Command = Callable[[Params], Params]


class AdminError(Exception):
    """A command that cannot be carried out; nothing was changed."""


class Admin:
    """Carries out the administrator's commands."""

    def __init__(self, commands: Mapping[str, Command]) -> None:
        self._commands = commands

    def carry_out(self, text: str) -> str:
        """Answer one message."""
        number: object = None
        try:
            message = json.loads(text)
            number = message.get("id")
            result = self._run(message["command"], message.get("params") or {})
        except (AdminError, ConfigError, ExchangeError) as exc:
            return json.dumps({"id": number, "error": str(exc)})
        except (ValueError, KeyError, TypeError, AttributeError, InvalidOperation) as exc:
            return json.dumps({"id": number, "error": f"malformed command: {exc!r}"})
        return json.dumps({"id": number, "result": result})

    def _run(self, command: object, params: Params) -> Params:
        handler = self._commands.get(str(command))
        if handler is None:
            raise AdminError(f"unknown command {command!r}; known: {', '.join(self._commands)}")
        return handler(params)


@asynccontextmanager
async def serve_admin(admin: Admin, port: int) -> AsyncIterator[int]:
    """Listen on loopback for the length of a block; gives the port."""

    async def handle(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(admin.carry_out(str(message)))

    async with serve_websockets(handle, LOOPBACK, port, compression=None) as server:
        yield next(iter(server.sockets)).getsockname()[1]


def positive(name: str, params: Params) -> Decimal:
    """Read a positive number; raises `AdminError`."""
    value = Decimal(str(params[name]))
    if not value.is_finite() or value <= ZERO:
        raise AdminError(f"{name} must be positive: {value}")
    return value
