"""The endpoints are there whatever kind of address the kubelet asks by."""

import socket

import pytest
from aiohttp import ClientSession

from localports import free_port
from symbol_trader.runtime.health import Health
from symbol_trader.runtime.http import serving


@pytest.mark.parametrize(
    ("host", "asked"),
    [("127.0.0.1", ["127.0.0.1"]), ("::", ["127.0.0.1", "[::1]"])],
)
async def test_probes_are_answered_where_they_are_asked(host: str, asked: list[str]) -> None:
    if not socket.has_dualstack_ipv6():
        asked = asked[:1]
    port = free_port()
    health = Health(lambda: 0.0)
    async with serving(host, port, health, lambda: b""), ClientSession() as session:
        for address in asked:
            async with session.get(f"http://{address}:{port}/healthz") as answer:
                assert answer.status == 200
