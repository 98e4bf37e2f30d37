"""The project's API server for measurements: many requests at once, and nothing in between."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from kind.api_server import access, decoded

IN_FLIGHT = 20
"""Requests that are under way at the same time."""
MERGE = {"Content-Type": "application/merge-patch+json"}
LINE_MAX = 4 * 2**20

Item = TypeVar("Item")


class Api:
    """Requests with all rights."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def create(self, path: str, body: Any) -> dict[str, Any]:
        """Create an object in the collection `path`; returns it."""
        return await self._send("POST", path, body)

    async def merge(self, path: str, body: Any) -> None:
        """Merge `body` into an object."""
        await self._send("PATCH", path, body, MERGE)

    async def delete(self, path: str) -> None:
        """Delete an object, as gracefully as it asks to be."""
        await self._send("DELETE", path, None)

    async def metrics(self) -> str:
        """Read the server's own metrics."""
        async with self._session.get("/metrics") as answer:
            answer.raise_for_status()
            return await answer.text()

    async def list(self, path: str) -> list[dict[str, Any]]:
        """List a collection as the server remembers it, which costs it little."""
        answer = await self._send("GET", f"{path}?resourceVersion=0", None)
        items: list[dict[str, Any]] = answer["items"]
        return items

    async def names(
        self, path: str, counts: Callable[[Any], bool] = lambda _: True
    ) -> AsyncIterator[set[str]]:
        """Yield the names in a collection, and again after each change: one set, kept current.

        Objects that do not count are as good as absent.
        """
        found = await self._send("GET", path, None)
        present = {item["metadata"]["name"] for item in found["items"] if counts(item)}
        yield present
        version = found["metadata"]["resourceVersion"]
        async with self._session.get(
            path, params={"watch": "1", "resourceVersion": version}
        ) as answer:
            answer.raise_for_status()
            async for line in answer.content:
                event = json.loads(line)
                there = event["type"] != "DELETED" and counts(event["object"])
                change = present.add if there else present.discard
                change(event["object"]["metadata"]["name"])
                yield present

    async def _send(
        self, method: str, path: str, body: Any, headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        async with self._session.request(method, path, json=body, headers=headers) as answer:
            text = await answer.text()
            assert answer.ok, f"{method} {path}: {text}"
            result: dict[str, Any] = json.loads(text)
            return result


@asynccontextmanager
async def connect() -> AsyncIterator[Api]:
    """Connect by the project's own kubeconfig."""
    server = access()
    with tempfile.TemporaryDirectory() as folder:
        pair = Path(folder) / "pair.pem"
        names = ("client-certificate-data", "client-key-data")
        pair.write_text("".join(decoded(server.user[name]) for name in names))
        server.trust.load_cert_chain(pair)
    session = aiohttp.ClientSession(
        server.address,
        connector=aiohttp.TCPConnector(ssl=server.trust),
        timeout=aiohttp.ClientTimeout(total=None),
        read_bufsize=LINE_MAX,
    )
    async with session:
        yield Api(session)


async def for_all(items: Iterable[Item], act: Callable[[Item], Awaitable[object]]) -> None:
    """Act on all items, `IN_FLIGHT` at a time."""
    waiting = iter(items)

    async def work() -> None:
        for item in waiting:
            await act(item)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(IN_FLIGHT):
            tasks.create_task(work())
