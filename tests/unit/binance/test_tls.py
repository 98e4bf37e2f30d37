"""TLS with real certificates: whom the client believes, also through a proxy."""

import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from support.authorities import Authority, authority_in
from support.proxies import RunningProxy, http_proxy, socks_proxy
from symbol_trader.binance import tls
from symbol_trader.errors import ExchangeUnavailable, Unavailable
from unit.binance import payloads
from unit.binance.scripted import ScriptedExchange, reply, scripted
from unit.binance.test_client import client_of, opened
from unit.binance.test_market import line, market_of, prices_of, trades_of


def server_of(authority: Authority, name: str) -> ssl.SSLContext:
    """Make what a server of this name or address shows."""
    shown = authority.certify(name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shown.certificate, shown.key)
    return context


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority_in(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def tls_server(authority: Authority) -> ssl.SSLContext:
    return server_of(authority, "127.0.0.1")


@pytest.fixture
async def exchange(tls_server: ssl.SSLContext) -> AsyncIterator[ScriptedExchange]:
    async with scripted(tls_server) as server:
        server.on("account.status", reply(payloads.account()))
        yield server


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Forget the proxies and the authorities of this machine."""
    for name in ("ws", "wss", "http", "https", "socks", "all", "no"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name}_PROXY".upper(), raising=False)
    tls._context.cache_clear()
    yield monkeypatch
    tls._context.cache_clear()


async def asked(exchange: ScriptedExchange, **changes: Any) -> str:
    async with opened(exchange, **changes) as client:
        return (await client.account()).uid


async def test_an_authority_of_a_file_is_believed(
    exchange: ScriptedExchange, authority: Authority
) -> None:
    assert exchange.url.startswith("wss://")
    assert await asked(exchange, ca_file=authority.file) == "354937868"


async def test_an_authority_of_the_system_is_believed(
    exchange: ScriptedExchange, authority: Authority, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("SSL_CERT_FILE", str(authority.file))
    assert await asked(exchange) == "354937868"


async def test_nobody_else_is(exchange: ScriptedExchange) -> None:
    with pytest.raises(Unavailable, match=r"TLS failed .*certificate verify failed"):
        await asked(exchange)
    assert not exchange.requests


async def test_the_authorities_of_a_file_come_beside_those_of_the_system(
    authority: Authority,
) -> None:
    both, system = tls.trusted(authority.file), tls.trusted(None)
    assert both.cert_store_stats()["x509_ca"] == system.cert_store_stats()["x509_ca"] + 1
    assert both.verify_mode is ssl.CERT_REQUIRED
    assert both.check_hostname


async def test_a_certificate_of_another_name_is_refused(authority: Authority) -> None:
    async with scripted(server_of(authority, "elsewhere.example")) as server:
        with pytest.raises(Unavailable, match="IP address mismatch"):
            await asked(server, ca_file=authority.file)
        assert not server.requests


@pytest.mark.parametrize("proxy_of", [socks_proxy, http_proxy], ids=["socks", "http"])
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "ALL_PROXY"])
async def test_tls_goes_through_a_proxy_to_the_exchange_itself(
    exchange: ScriptedExchange,
    authority: Authority,
    environment: pytest.MonkeyPatch,
    variable: str,
    proxy_of: Callable[[], AbstractAsyncContextManager[RunningProxy]],
) -> None:
    scheme = "socks5" if proxy_of is socks_proxy else "http"
    async with proxy_of() as proxy:
        environment.setenv(variable, f"{scheme}://127.0.0.1:{proxy.port}")
        assert await asked(exchange, ca_file=authority.file) == "354937868"
        with pytest.raises(Unavailable, match=r"TLS failed .*through the proxy"):
            await asked(exchange)
        assert len(proxy.asked) == 2

        environment.setenv("NO_PROXY", "127.0.0.1")
        assert await asked(exchange, ca_file=authority.file) == "354937868"
        assert len(proxy.asked) == 2


async def test_the_market_stream_goes_the_same_way(
    tls_server: ssl.SSLContext, authority: Authority, environment: pytest.MonkeyPatch
) -> None:
    async def trade(connection: ServerConnection) -> None:
        await connection.send(line(1))
        await connection.wait_closed()

    async with serve(trade, "127.0.0.1", 0, ssl=tls_server) as server, socks_proxy() as proxy:
        environment.setenv("HTTPS_PROXY", f"socks5h://127.0.0.1:{proxy.port}")
        url = f"wss://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with prices_of(market_of(url, ca_file=authority.file)) as prices:
            assert await trades_of(prices, 1) == [1]
        async with prices_of(market_of(url)) as prices:
            assert await anext(prices) is None

    assert len(proxy.asked) == 2


@pytest.mark.parametrize(
    ("content", "why"), [(None, "No such file"), ("hello", "does not hold certificates in PEM")]
)
async def test_a_file_that_cannot_be_used_is_named_with_the_remedy(
    tmp_path: Path, content: str | None, why: str
) -> None:
    file = tmp_path / "ca.pem"
    if content:
        file.write_text(content)
    client = client_of("wss://127.0.0.1:1", ca_file=file)

    with pytest.raises(ExchangeUnavailable, match=why) as caught:
        await client.open()

    assert str(caught.value).startswith(f"{file}: ")
    assert "--exchange-ca-file" in str(caught.value)


def test_a_file_that_was_replaced_is_read_again(tmp_path: Path, authority: Authority) -> None:
    file = tmp_path / "ca.pem"
    file.write_bytes(authority.file.read_bytes())
    assert tls.trusted(file) is tls.trusted(file)
    file.write_text("hello")
    with pytest.raises(ExchangeUnavailable):
        tls.trusted(file)


def test_what_a_pod_misses_is_named_by_its_object() -> None:
    with pytest.raises(ExchangeUnavailable) as caught:
        tls.trusted(Path("/run/exchange-ca/authorities/ca.crt"))
    assert str(caught.value).endswith(
        "No such file or directory; put the certificates (PEM) under the key ca.crt of the "
        "ConfigMap or Secret authorities, or correct caConfigMap or caSecret of the exchange entry"
    )
