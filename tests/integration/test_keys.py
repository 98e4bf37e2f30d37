"""Both kinds of keys against the paper exchange, over real sockets."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import partial
from http import HTTPStatus
from typing import Any

import pytest
from aiohttp import web

from localports import free_port
from paper_exchange.accounts import AccountConfig, Key, public_key
from paper_exchange.core.market import MarketTrade
from paper_exchange.core.symbols import symbol_at
from paper_exchange.market.source import Manual
from paper_exchange.shell.config import Config
from paper_exchange.shell.server import PaperExchange, serve
from support.keys import ED25519, HMAC, KINDS, MadeKey
from support.proxies import http_proxy, socks_proxy
from symbol_trader.binance.client import BinanceExchange
from symbol_trader.binance.guard import KeyGuard
from symbol_trader.binance.keys import read_key
from symbol_trader.binance.permissions import KeyPermissions
from symbol_trader.binance.rate_limit import RateLimit
from symbol_trader.binance.rest import read_permissions
from symbol_trader.binance.settings import BinanceSettings
from symbol_trader.core import ids
from symbol_trader.core.orders import ExecutionReport, Intent, Side
from symbol_trader.core.replies import Accepted, Unknown
from symbol_trader.errors import BadCredentials, ExchangeUnavailable, Unavailable

SYMBOL = "XRPUSDT"
MADE = {kind: MadeKey(kind, f"the-{kind}-key-that-must-not-show") for kind in KINDS}


def registered(made: MadeKey) -> Key:
    entry = made.registered
    if "publicKey" in entry:
        return Key(made.name, public=public_key(entry["publicKey"]))
    return Key(made.name, entry["secret"])


@pytest.fixture
async def paper() -> AsyncIterator[PaperExchange]:
    keys = tuple(registered(made) for made in MADE.values())
    account = AccountConfig("ours", keys, (("USDT", Decimal(1000)),))
    source = Manual((symbol_at(SYMBOL, Decimal("0.5")),))
    async with serve(Config(source=source, accounts=(account,))) as exchange:
        exchange.venue.trade(MarketTrade(SYMBOL, Decimal("0.5"), Decimal(1), buyer_is_maker=True))
        yield exchange


def client_of(
    paper: PaperExchange, kind: str, guard: KeyGuard | None = None, **options: Any
) -> BinanceExchange:
    settings = BinanceSettings(
        paper.api_url, paper.stream_url, SYMBOL, request_timeout_s=5.0, close_timeout_s=0.5
    )
    clock, key = time.monotonic_ns, read_key(MADE[kind].files)
    return BinanceExchange(
        settings, key, monotonic_ns=clock, random=random.random, guard=guard, **options
    )


@asynccontextmanager
async def opened(client: BinanceExchange) -> AsyncIterator[BinanceExchange]:
    await client.open()
    try:
        yield client
    finally:
        await client.close()


def intent(client: BinanceExchange) -> Intent:
    trader = ids.trader_id(random.getrandbits(30))
    name = ids.client_order_id("aaaaaa", trader, Side.BUY, 1)
    price, quantity = Decimal("0.4"), Decimal(100)
    return Intent(name, trader, Side.BUY, 1, price, quantity, client.now_ms(), 3_000)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_key_of_either_kind_places_and_hears(paper: PaperExchange, kind: str) -> None:
    async with opened(client_of(paper, kind)) as client:
        placed = await client.place(intent(client))
        assert isinstance(placed, Accepted)
        event = await anext(client.user_events())
        assert isinstance(event, ExecutionReport)
        assert event.order == placed.order
        assert await client.open_orders() == (placed.order,)


async def test_both_kinds_are_the_same_account(paper: PaperExchange) -> None:
    async with opened(client_of(paper, HMAC)) as one, opened(client_of(paper, ED25519)) as two:
        assert (await one.account()).uid == (await two.account()).uid


async def test_a_session_is_logged_on_anew_after_each_connection(paper: PaperExchange) -> None:
    for _ in range(2):
        async with opened(client_of(paper, ED25519)) as client:
            assert (await client.account()).uid
            paper.connections.cut(api=True, streams=True)
            with pytest.raises(Unavailable):
                await anext(client.user_events())


async def test_what_is_in_flight_when_a_key_is_revoked_is_undecided(paper: PaperExchange) -> None:
    """The error names no request, and arrives once for all of them."""
    async with opened(client_of(paper, ED25519)) as client:
        paper.api.keys.revoke(MADE[ED25519].name)
        outcomes = await asyncio.gather(*(client.place(intent(client)) for _ in range(3)))
        assert all(isinstance(outcome, Unknown) for outcome in outcomes), outcomes
        with pytest.raises(Unavailable, match="-2015"):
            await anext(client.user_events())
    with pytest.raises(BadCredentials, match=r"-2015 Invalid API-key, IP, or permissions"):
        await client_of(paper, ED25519).open()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_key_that_is_not_registered_is_refused(paper: PaperExchange, kind: str) -> None:
    paper.api.keys.revoke(MADE[kind].name)
    with pytest.raises(BadCredentials, match="-2015"):
        await client_of(paper, kind).open()


@pytest.mark.parametrize("kind", KINDS)
async def test_the_secret_of_another_key_is_refused(paper: PaperExchange, kind: str) -> None:
    other = MadeKey(kind, MADE[kind].name).files
    files = {**other, "api-secret": b"another"} if kind == HMAC else other
    client = client_of(paper, kind)
    client._key = read_key(files)
    with pytest.raises(BadCredentials, match="-1022"):
        await client.open()


# What a key may do.


def guard_at(base_url: str) -> KeyGuard:
    look = partial(read_permissions, base_url, recv_window_ms=3_000, timeout_s=5.0)
    return KeyGuard(look, allow_unrestricted=False, clock_s=time.monotonic, warn=lambda _: None)


def rest_of(paper: PaperExchange) -> str:
    return f"http://127.0.0.1:{paper.port}"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_harmless_key_begins_to_trade(paper: PaperExchange, kind: str) -> None:
    async with opened(client_of(paper, kind, guard_at(rest_of(paper)))) as client:
        assert isinstance(await client.place(intent(client)), Accepted)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("permission", "value"),
    [
        ("enableWithdrawals", True),
        ("enableInternalTransfer", True),
        ("permitsUniversalTransfer", True),
        ("ipRestrict", False),
        ("enableSpotAndMarginTrading", False),
    ],
)
async def test_a_key_that_must_not_trade_does_not_log_on(
    paper: PaperExchange, kind: str, permission: str, value: bool
) -> None:
    paper.api.keys.permissions["ours"][permission] = value
    with pytest.raises(BadCredentials, match=permission):
        await client_of(paper, kind, guard_at(rest_of(paper))).open()
    assert not paper.connections.cut(api=True, streams=True)


async def test_a_key_that_is_refused_over_rest_is_told_from_an_exchange_that_is_away(
    paper: PaperExchange,
) -> None:
    key = read_key(MADE[ED25519].files)
    now_ms = time.time_ns() // 1_000_000

    async def ask(url: str, at_ms: int = now_ms) -> KeyPermissions:
        return await read_permissions(url, key, at_ms, recv_window_ms=3_000, timeout_s=5.0)

    with pytest.raises(ExchangeUnavailable, match=r"127.0.0.1:\d+ cannot be asked"):
        await ask(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(ExchangeUnavailable, match="-1021"):
        await ask(rest_of(paper), now_ms - 60_000)
    with pytest.raises(ExchangeUnavailable, match="HTTP 404"):
        await ask(f"{rest_of(paper)}/elsewhere")
    paper.api.keys.revoke(MADE[ED25519].name)
    with pytest.raises(BadCredentials, match="-2015"):
        await ask(rest_of(paper))


@pytest.mark.parametrize(
    ("status", "headers", "pause_s"),
    [
        (HTTPStatus.TOO_MANY_REQUESTS, {"Retry-After": "37"}, 37),
        (HTTPStatus.IM_A_TEAPOT, {}, 120),
    ],
)
async def test_a_ban_told_over_rest_is_waited_out_by_all_sessions(
    paper: PaperExchange, status: HTTPStatus, headers: dict[str, str], pause_s: int
) -> None:
    """A key is looked at before it trades, and to go on asking would make the ban longer."""
    asked: list[str] = []

    async def refuse(request: web.BaseRequest) -> web.Response:
        asked.append(request.path)
        return web.Response(status=status, headers=headers)

    server = web.ServerRunner(web.Server(refuse))
    await server.setup()
    await web.TCPSite(server, "127.0.0.1", port := free_port()).start()
    guard, rate_limit = guard_at(f"http://127.0.0.1:{port}"), RateLimit(lambda: 0)
    for why in (f"HTTP {status}", "a connection was not opened"):
        with pytest.raises(Unavailable, match=why) as caught:
            await client_of(paper, ED25519, guard, rate_limit=rate_limit).open()
        assert caught.value.retry_in_s == pause_s
    await server.cleanup()
    assert len(asked) == 1


# Through a proxy, as the WebSockets go.

PROXY_SCHEMES = ["http", "https", "socks4", "socks4a", "socks5", "socks5h", "SOCKS5H"]


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Set the proxy of the environment, and forget this machine's."""
    for name in ("ws", "wss", "http", "https", "socks", "all", "no"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name.upper()}_PROXY", raising=False)
    return partial(monkeypatch.setenv, "ALL_PROXY")


async def look(url: str) -> KeyPermissions:
    now_ms = time.time_ns() // 1_000_000
    key = read_key(MADE[ED25519].files)
    return await read_permissions(url, key, now_ms, recv_window_ms=3_000, timeout_s=5.0)


@pytest.mark.parametrize("scheme", PROXY_SCHEMES)
@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "https://127.0.0.1:1"])
async def test_a_key_waits_for_a_proxy_that_is_away(
    proxied: Callable[[str], None], scheme: str, url: str
) -> None:
    port = free_port()
    proxied(f"{scheme}://user:secret@127.0.0.1:{port}")
    with pytest.raises(ExchangeUnavailable, match=f"through the proxy .*:{port}") as caught:
        await look(url)
    assert "secret" not in str(caught.value)


async def test_a_key_is_looked_at_through_a_proxy_that_asks_for_a_password(
    paper: PaperExchange, proxied: Callable[[str], None]
) -> None:
    async with socks_proxy(user="user", password="p@ss") as proxy:
        proxied(f"socks5://user:p%40ss@127.0.0.1:{proxy.port}")
        assert (await look(rest_of(paper))).trades_spot
        assert proxy.asked == [("127.0.0.1", paper.port)]
        proxied(f"socks5://user:wrong@127.0.0.1:{proxy.port}")
        with pytest.raises(ExchangeUnavailable, match="through the proxy"):
            await look(rest_of(paper))


async def test_a_key_waits_for_a_proxy_that_refuses(proxied: Callable[[str], None]) -> None:
    async with http_proxy(refuses=True) as proxy:
        proxied(f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(ExchangeUnavailable, match="through the proxy"):
            await look("https://127.0.0.1:1")
        assert proxy.asked == [("127.0.0.1", 1)]


@pytest.mark.parametrize("address", ["http://a..b:1", "http://user:€@127.0.0.1:1"])
async def test_a_key_waits_for_an_address_of_the_proxy_that_can_be_used(
    proxied: Callable[[str], None], address: str
) -> None:
    proxied(address)
    with pytest.raises(ExchangeUnavailable, match="proxy"):
        await look("https://127.0.0.1:1")
