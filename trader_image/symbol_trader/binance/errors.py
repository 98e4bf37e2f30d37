"""Foreign errors in our words: where it went wrong, and why. URLs here hold no secrets."""

import socket
import ssl
from collections.abc import Iterable
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.frames import CloseCode

from symbol_trader.binance.proxies import ProxyInUse, blame
from symbol_trader.errors import ExchangeUnavailable, Unavailable

FOREIGN = (OSError, WebSocketException, ImportError)
"""What opening a connection may raise. `TimeoutError` and TLS errors are `OSError`s; an
`ImportError` says that a SOCKS proxy is asked for and the package for it is not installed."""

LIMITED = frozenset({418, 429})
"""HTTP statuses of a handshake, or of a question over REST, that came too soon after too many."""
BAN_S = 120.0
"""How long to leave alone an exchange that does not say how long; the shortest ban is as long."""
BAN_MAX_S = 3 * 86_400.0
"""The longest ban: who says more is mistaken, about the unit perhaps."""
_DEFAULT_PORTS = {"ws": 80, "wss": 443}


class RateLimited(Unavailable):
    """The exchange wants to be left alone for a while: for `retry_in_s`, if it says how long."""

    def __init__(self, text: str, retry_in_s: float | None = None) -> None:
        super().__init__(text)
        self.retry_in_s = retry_in_s


class ConnectionsLimited(ExchangeUnavailable):
    """The exchange answers nobody at this address over HTTP before `retry_in_s` have passed."""

    def __init__(self, text: str, retry_in_s: float) -> None:
        super().__init__(text)
        self.retry_in_s: float = retry_in_s


class RequestRefused(Unavailable):
    """The exchange refused a request that only reads, for a reason of its own."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


class UnreadableReply(Unavailable):
    """The exchange answered something that cannot be read."""


def place_of(url: str) -> str:
    """Return host:port of a WebSocket URL."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or _DEFAULT_PORTS[parts.scheme]}"


def unreachable(url: str, exc: Exception, proxy: ProxyInUse | None = None) -> Unavailable:
    """Make the error that says why a connection could not be opened, and whose fault it is."""
    text = f"cannot connect to {place_of(url)}: {_fault(exc, proxy)}"
    if isinstance(exc, InvalidStatus) and exc.response.status_code in LIMITED:
        return ConnectionsLimited(text, ban_s(exc.response.headers.get_all("Retry-After")))
    return ExchangeUnavailable(text)


def ban_s(asked: Iterable[str]) -> float:
    """Return for how many seconds nothing may be sent, by the `Retry-After` headers of an answer.

    A proxy in between may have added its own: the longest counts.
    """
    longest = max(asked, key=len, default="")
    return min(float(longest), BAN_MAX_S) if longest.isdecimal() else BAN_S


def closed(url: str, exc: ConnectionClosed) -> str:
    """Return how a connection ended, as text."""
    if exc.rcvd is not None:
        reason = f": {exc.rcvd.reason}" if exc.rcvd.reason else ""
        return f"{place_of(url)} closed the connection (code {exc.rcvd.code}{reason})"
    if exc.sent is not None:
        return (
            f"the connection to {place_of(url)} was closed here ({exc.sent.reason or 'normally'})"
        )
    return f"the connection to {place_of(url)} was lost"


def is_oversized(exc: ConnectionClosed) -> bool:
    """Return whether a connection was closed here because a message was too long."""
    return exc.sent is not None and exc.sent.code == CloseCode.MESSAGE_TOO_BIG


def is_stall(exc: ConnectionClosed) -> bool:
    """Return whether a connection was given up here because it did not answer a ping."""
    return exc.sent is not None and exc.sent.code == CloseCode.INTERNAL_ERROR


def _fault(exc: Exception, proxy: ProxyInUse | None) -> str:
    if proxy is None:
        return _reason(exc)
    return blame(proxy, exc) or f"{_reason(exc)} (through the proxy {proxy.shown})"


def _reason(exc: Exception) -> str:
    """Return what went wrong; special errors come before the general ones that include them."""
    match exc:
        case TimeoutError():
            return "no answer in time"
        case ConnectionRefusedError():
            return "connection refused"
        case socket.gaierror():
            return f"the name cannot be resolved ({exc.strerror})"
        case ssl.SSLError():
            return f"TLS failed ({exc})"
        case InvalidStatus():
            return f"it answered HTTP {exc.response.status_code} instead of a WebSocket"
        case _:
            return str(exc) or type(exc).__name__
