"""The start: what can be had of the operator before the API server says a word."""

import asyncio
import sys
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from localports import free_port
from support.serving import serving
from symbol_operator.runtime import operate
from symbol_operator.runtime.api import _document
from symbol_operator.runtime.errors import UnavailableError
from symbol_operator.settings import Identity, OperatorSettings
from unit.operator.test_cluster import kubeconfig

WITHIN_S = 10.0
IDENTITY = Identity("operator-1", "trading-system")
NESTING = 9_990


async def test_it_is_alive_before_the_api_server_answers(tmp_path: Path) -> None:
    """And a restart would not make it answer."""
    asked = asyncio.Event()

    async def never(_: web.Request) -> web.Response:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    silent = web.Application()
    silent.router.add_route("*", "/{path:.*}", never)
    settings = OperatorSettings(namespaces=("trading",), http_port=free_port())
    async with serving(silent) as server:
        access = str(kubeconfig(tmp_path, server))
        operator = asyncio.create_task(operate.run(settings, IDENTITY, kubeconfig=access))
        async with asyncio.timeout(WITHIN_S):
            await asked.wait()
            assert await get(settings.http_port, "/healthz") == (200, "ok\n")
            status, text = await get(settings.http_port, "/readyz")
        operator.cancel()
        await asyncio.wait([operator])

    assert sys.getrecursionlimit() > NESTING
    assert status == 503
    assert text.splitlines() == [
        "not watched: comparison in trading: it has not begun yet",
        "not watched: pods in trading: it has not begun yet",
        "not watched: tradingsymbols in trading: it has not begun yet",
    ]


async def get(port: int, path: str) -> tuple[int, str]:
    url = f"http://127.0.0.1:{port}{path}"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, await answer.text()


def test_documents_are_read_as_deep_as_the_api_server_takes_them() -> None:
    """A list or a watch with one that cannot be read cannot be read at all."""
    sys.setrecursionlimit(1000)
    deep = b'{"a":' * NESTING + b"{}" + b"}" * NESTING
    with pytest.raises(UnavailableError):
        _document(deep)

    operate._read_deep_documents()

    assert set(_document(deep)) == {"a"}
