"""The way to the exchange through a proxy, over real sockets, and what is said of a bad one."""

import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator

import pytest

from support.proxies import http_proxy, socks_proxy
from symbol_trader.binance.proxies import proxy_for
from symbol_trader.errors import ExchangeUnavailable, Unavailable
from unit.binance import payloads
from unit.binance.scripted import ScriptedExchange, reply, scripted
from unit.binance.test_client import client_of, opened

PASSWORD = "the-password-that-must-not-show"


@pytest.fixture
async def exchange() -> AsyncIterator[ScriptedExchange]:
    async with scripted() as server:
        server.on("account.status", reply(payloads.account()))
        yield server


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Forget the proxies of this machine."""
    for name in ("ws", "wss", "http", "https", "socks", "all", "no"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name}_PROXY".upper(), raising=False)
    return monkeypatch


@pytest.fixture
def closed_port() -> Iterator[int]:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield unused.getsockname()[1]


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
async def test_a_session_goes_through_a_socks_proxy(
    exchange: ScriptedExchange, environment: pytest.MonkeyPatch, scheme: str
) -> None:
    async with socks_proxy(user="me", password=PASSWORD) as proxy:
        environment.setenv("HTTPS_PROXY", f"{scheme}://me:{PASSWORD}@127.0.0.1:{proxy.port}")

        async with opened(exchange) as client:
            assert (await client.account()).uid == "354937868"

    assert len(proxy.asked) == 1


async def test_a_session_goes_through_an_http_proxy(
    exchange: ScriptedExchange, environment: pytest.MonkeyPatch
) -> None:
    async with http_proxy() as proxy:
        environment.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")

        async with opened(exchange) as client:
            assert (await client.account()).uid == "354937868"

    assert len(proxy.asked) == 1


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "http"])
async def test_a_dead_proxy_is_named_without_its_password(
    environment: pytest.MonkeyPatch, closed_port: int, scheme: str
) -> None:
    environment.setenv("HTTPS_PROXY", f"{scheme}://me:{PASSWORD}@127.0.0.1:{closed_port}")

    with pytest.raises(Unavailable) as caught:
        await client_of("ws://127.0.0.1:9/ws-api/v3").open()

    assert str(caught.value) == (
        f"cannot connect to 127.0.0.1:9: the proxy {scheme}://127.0.0.1:{closed_port} "
        "refuses the connection"
    )


@pytest.mark.parametrize(
    ("scheme", "words"), [("socks5", "refuses: Connection not allowed"), ("http", "HTTP 403")]
)
async def test_a_proxy_that_refuses_is_named(
    exchange: ScriptedExchange, environment: pytest.MonkeyPatch, scheme: str, words: str
) -> None:
    kind = http_proxy if scheme == "http" else socks_proxy
    async with kind(refuses=True) as proxy:
        address = f"{scheme}://127.0.0.1:{proxy.port}"
        environment.setenv("HTTPS_PROXY", address)

        with pytest.raises(Unavailable, match=f"the proxy {address} .*{words}"):
            await client_of(exchange.url).open()


async def test_a_wrong_password_of_a_proxy_is_not_shown(
    exchange: ScriptedExchange, environment: pytest.MonkeyPatch
) -> None:
    async with socks_proxy(user="me", password="another") as proxy:
        environment.setenv("HTTPS_PROXY", f"socks5://me:{PASSWORD}@127.0.0.1:{proxy.port}")

        with pytest.raises(Unavailable, match=f"the proxy socks5://127.0.0.1:{proxy.port} ") as c:
            await client_of(exchange.url).open()

    assert PASSWORD not in str(c.value)


async def test_a_proxy_whose_name_is_not_known_is_named(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("HTTPS_PROXY", "http://proxy.invalid:3128")

    with pytest.raises(Unavailable, match=r"the proxy http://proxy\.invalid:3128 has a name that"):
        await client_of("ws://127.0.0.1:9/ws-api/v3").open()


async def test_an_exchange_that_is_dead_behind_a_proxy_is_not_the_proxys_fault(
    environment: pytest.MonkeyPatch, closed_port: int
) -> None:
    async with http_proxy() as proxy:
        environment.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")

        with pytest.raises(
            Unavailable, match=rf"\(through the proxy http://127.0.0.1:{proxy.port}"
        ):
            await client_of(f"ws://127.0.0.1:{closed_port}/ws-api/v3").open()


@pytest.mark.parametrize(
    "address",
    [
        f"socks5://me:{PASSWORD}@host:port",
        f"ftp://me:{PASSWORD}@host",
        f"http://{PASSWORD}@host",
        f"http://me:{PASSWORD}@a..b:1",
    ],
)
def test_an_address_that_is_no_proxy_is_said_without_its_password(
    environment: pytest.MonkeyPatch, address: str
) -> None:
    environment.setenv("HTTPS_PROXY", address)

    with pytest.raises(
        ExchangeUnavailable, match="proxy of the environment is not valid"
    ) as caught:
        proxy_for("wss://exchange.example/ws-api/v3")

    assert PASSWORD not in str(caught.value)


def test_a_proxy_does_not_show_its_password(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("HTTPS_PROXY", f"socks5://me:{PASSWORD}@[::1]:1080")

    proxy = proxy_for("wss://exchange.example/ws-api/v3")

    assert proxy is not None
    assert proxy.shown == "socks5://[::1]:1080"
    assert PASSWORD not in repr(proxy)


WITHOUT_THE_PACKAGE = """
import asyncio, sys
sys.modules["python_socks"] = None
from symbol_trader.errors import Unavailable
from unit.binance.test_client import client_of
try:
    asyncio.run(client_of("ws://127.0.0.1:9/ws-api/v3").open())
except Unavailable as exc:
    print(exc)
"""


def test_without_the_package_for_socks_the_exchange_is_unavailable_and_it_is_said_why(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("HTTPS_PROXY", f"socks5://me:{PASSWORD}@127.0.0.1:1080")
    environment.setenv("PYTHONPATH", os.pathsep.join(sys.path))

    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_THE_PACKAGE], capture_output=True, text=True, check=True
    )

    assert done.stdout == (
        "cannot connect to 127.0.0.1:9: the proxy socks5://127.0.0.1:1080 "
        "needs the package python-socks, which is not installed\n"
    )
