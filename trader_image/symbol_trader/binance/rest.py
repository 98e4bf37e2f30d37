"""The one question that the WebSocket API does not answer: what a key may do."""

import asyncio
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from aiohttp_socks import (
    ProxyConnectionError,
    ProxyConnector,
    ProxyError,
    ProxyTimeoutError,
    ProxyType,
)
from websockets.proxy import parse_proxy
from yarl import URL

from symbol_trader.binance.envelope import Reply
from symbol_trader.binance.errors import LIMITED, ConnectionsLimited, ban_s
from symbol_trader.binance.fields import Fields, PayloadError, parse
from symbol_trader.binance.keys import Key
from symbol_trader.binance.permissions import KeyPermissions, key_permissions
from symbol_trader.binance.proxies import ProxyInUse, proxy_for
from symbol_trader.binance.signing import signed_query
from symbol_trader.binance.tls import trusted
from symbol_trader.binance.verdicts import explain, judge
from symbol_trader.core.error_codes import ErrorClass
from symbol_trader.errors import BadCredentials, ExchangeUnavailable

PATH: Final = "/sapi/v1/account/apiRestrictions"
_OK: Final = 200
_QUESTION: Final = "what the key may do"
_FOREIGN: Final = (
    aiohttp.ClientError,
    ProxyConnectionError,
    ProxyError,
    ProxyTimeoutError,
    OSError,
    ValueError,
)
"""What asking may raise; the errors of a SOCKS proxy have no class in common. A `ValueError` says
that the proxy's name or password cannot be sent."""


async def read_permissions(
    base_url: str,
    key: Key,
    now_ms: int,
    *,
    recv_window_ms: int,
    timeout_s: float,
    ca_file: Path | None = None,
) -> KeyPermissions:
    """Ask once what a key may do; `now_ms` is exchange time.

    Raises `ConnectionsLimited` where too much was asked from this address, else
    `ExchangeUnavailable`, and `BadCredentials` where the exchange refuses the key. What the
    libraries say of a request holds its address, and with it the signature: it stays unsaid.
    """
    place = urlsplit(base_url).netloc
    query = signed_query({"timestamp": now_ms, "recvWindow": recv_window_ms}, key)
    url = f"{base_url.rstrip('/')}{PATH}"
    proxy = proxy_for(f"ws{url.removeprefix('http')}")
    way = f" through the proxy {proxy.shown}" if proxy else ""
    try:
        async with asyncio.timeout(timeout_s):
            status, body, pauses = await _get(f"{url}?{query}", key, ca_file, proxy)
    except TimeoutError:
        raise ExchangeUnavailable(f"{place} does not answer {_QUESTION}{way}") from None
    except _FOREIGN as exc:
        text = f"{place} cannot be asked {_QUESTION}{way}: {type(exc).__name__}"
        raise ExchangeUnavailable(text) from None
    if status in LIMITED:
        text = f"{place} answered HTTP {status} when asked {_QUESTION}"
        raise ConnectionsLimited(text, ban_s(pauses))
    try:
        answer = parse(body)
        if status == _OK:
            return key_permissions(answer)
        raise _refused(place, status, answer)
    except PayloadError as exc:
        text = f"{place} answered HTTP {status} when asked {_QUESTION}: {exc}"
        raise ExchangeUnavailable(text) from None


async def _get(
    url: str, key: Key, ca_file: Path | None, proxy: ProxyInUse | None
) -> tuple[int, bytes, list[str]]:
    """Send the request, once, and never to where a redirection points: the key goes with it.

    Return status and body of the answer, and its `Retry-After` headers.

    It goes the way that the WebSockets go, through the proxy that the environment names.
    """
    async with (
        aiohttp.ClientSession(connector=_connector(url, ca_file, proxy)) as session,
        session.get(
            URL(url, encoded=True),
            headers={"X-MBX-APIKEY": key.api_key},
            allow_redirects=False,
            proxy=proxy.address if proxy and not proxy.is_socks else None,
        ) as response,
    ):
        pauses = response.headers.getall("Retry-After", [])
        return response.status, await response.read(), pauses


def _connector(url: str, ca_file: Path | None, proxy: ProxyInUse | None) -> aiohttp.BaseConnector:
    trust = trusted(ca_file) if url.startswith("https:") else True
    if proxy is None or not proxy.is_socks:
        return aiohttp.TCPConnector(ssl=trust)
    socks = parse_proxy(proxy.address)
    return ProxyConnector(
        socks.host,
        socks.port,
        ProxyType.SOCKS4 if socks.scheme.startswith("socks4") else ProxyType.SOCKS5,
        socks.username,
        socks.password,
        rdns=socks.scheme in {"socks5h", "socks4a"},
        ssl=trust,
    )


def _refused(place: str, status: int, answer: Fields) -> Exception:
    reply = Reply(status, code=answer.integer("code"), message=answer.text("msg"))
    verdict = judge(reply)
    text = f"{place} was asked {_QUESTION}: {explain(reply, verdict)}"
    return BadCredentials(text) if verdict.reads is ErrorClass.STOP else ExchangeUnavailable(text)
