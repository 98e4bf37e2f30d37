"""The proxy on the way to the exchange, where the environment names one, and what it does wrong.

`HTTPS_PROXY` and its relatives hold a user's password at times: no text here shows more of a proxy
than scheme, host and port.
"""

import errno
import socket
from dataclasses import dataclass, field
from urllib.request import getproxies, proxy_bypass

from websockets.exceptions import InvalidProxy, InvalidProxyStatus, ProxyError
from websockets.proxy import Proxy, get_proxy, parse_proxy
from websockets.uri import parse_uri

from symbol_trader.errors import ExchangeUnavailable

_NOT_THERE = {
    errno.ECONNREFUSED: "refuses the connection",
    errno.EHOSTUNREACH: "cannot be reached",
    errno.ENETUNREACH: "cannot be reached",
}


@dataclass(frozen=True, slots=True)
class ProxyInUse:
    """A proxy: its whole address, which may hold a password, and how it is shown."""

    address: str = field(repr=False)
    shown: str

    @property
    def is_socks(self) -> bool:
        """Return whether it speaks SOCKS."""
        return self.shown.startswith("socks")


def proxy_for(url: str) -> ProxyInUse | None:
    """Return the proxy that the environment names for a WebSocket URL, if any.

    The variables are those of the library (`WSS_PROXY`, `HTTPS_PROXY`, …, also in lower case), and
    `ALL_PROXY` where none of them is set. Hosts in `NO_PROXY` are reached without one.

    Raises `ExchangeUnavailable` if the address of the proxy is no good: somebody may correct it.
    """
    uri = parse_uri(url)
    address = get_proxy(uri)
    if address is None and not proxy_bypass(f"{uri.host}:{uri.port}"):
        address = getproxies().get("all")
    if address is None:
        return None
    try:
        proxy = parse_proxy(address)
        proxy.host.encode("idna")
        return ProxyInUse(address, _shown(proxy))
    except InvalidProxy as exc:
        problem = exc.msg
    except ValueError:
        problem = "its port or its name cannot be read"
    raise ExchangeUnavailable(f"the proxy of the environment is not valid: {problem}")


def blame(proxy: ProxyInUse, exc: Exception) -> str | None:
    """Return what the proxy did wrong; None where the fault may lie behind it."""
    problem = _problem(proxy, exc)
    return None if problem is None else f"the proxy {proxy.shown} {problem}"


def _problem(proxy: ProxyInUse, exc: Exception) -> str | None:
    match exc:
        case ImportError():
            return "needs the package python-socks, which is not installed"
        case InvalidProxyStatus():
            return f"answered HTTP {exc.response.status_code}"
        case ProxyError():
            return f"refuses: {exc.__cause__ or exc}"
        case OSError():
            return _unreachable(proxy, exc)
        case _:
            return None


def _unreachable(proxy: ProxyInUse, exc: OSError) -> str | None:
    """Return why the proxy cannot be reached; to a SOCKS proxy the cause tells whose error it is.

    The exchange's name is resolved here with socks5, and by the proxy with socks5h and http.
    """
    own = exc.__cause__ if isinstance(exc.__cause__, OSError) else exc
    if isinstance(own, socket.gaierror) and (own is not exc or not proxy.is_socks):
        return f"has a name that cannot be resolved ({own.strerror})"
    return _NOT_THERE.get(own.errno) if own.errno is not None else None


def _shown(proxy: Proxy) -> str:
    host = f"[{proxy.host}]" if ":" in proxy.host else proxy.host
    return f"{proxy.scheme}://{host}:{proxy.port}"
