"""The client of the administrator's interface."""

import json
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException


class AdminRefusedError(Exception):
    """The exchange is not there or refuses the command; says which."""


async def call(url: str, command: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
    """Carry out one command and return its result; raise `AdminRefusedError`."""
    try:
        async with connect(url) as connection:
            await connection.send(json.dumps({"id": 1, "command": command, "params": params or {}}))
            reply = json.loads(await connection.recv())
    except (OSError, WebSocketException) as exc:
        raise AdminRefusedError(
            f"no answer from the exchange's admin interface at {url}: {exc}"
        ) from exc
    if "error" in reply:
        raise AdminRefusedError(reply["error"])
    result: dict[str, Any] = reply["result"]
    return result
