"""The exchanges that there are, where each of them is, and which of them is whose money.

An environment is part of what the record is keyed by, so paper and real money never meet there.
Addresses: Binance Spot's web-socket-api.md, web-socket-streams.md, rest-api.md and
demo-mode/general-info.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args
from urllib.parse import urlsplit

Environment = Literal["paper", "demo", "testnet", "live"]
"""Kinds of exchanges: the paper exchange, wherever it runs; Binance's demo mode (live prices, play
money); its Spot testnet (a market of its own, reset about once a month); Binance: real money."""
ENVIRONMENTS: Final[tuple[Environment, ...]] = get_args(Environment)


_BINANCE: Final = ("binance.com", "binance.vision", "binance.us")
"""Domains where real money is traded, apart from the hosts of demo mode and testnet. Binance.US is
an exchange of its own, with real money and the same protocol."""
_WEB_SOCKET: Final = ("ws", "wss")
_HTTP: Final = ("http", "https")


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where an exchange is; an empty one is not known, or not used."""

    api_url: str = ""
    """The WebSocket API, such as `wss://ws-api.binance.com:443/ws-api/v3`."""
    stream_url: str = ""
    """The base of the market streams, such as `wss://stream.binance.com:9443`."""
    rest_url: str = ""
    """The base of the REST API, such as `https://api.binance.com`."""

    def or_known(self, environment: Environment) -> "Addresses":
        """Return these addresses, and the environment's own where one is empty."""
        known = KNOWN[environment]
        return Addresses(
            self.api_url or known.api_url,
            self.stream_url or known.stream_url,
            self.rest_url or known.rest_url,
        )


KNOWN: Final[Mapping[Environment, Addresses]] = {
    "paper": Addresses(),
    "demo": Addresses(
        "wss://demo-ws-api.binance.com/ws-api/v3",
        "wss://demo-stream.binance.com",
        "https://demo-api.binance.com",
    ),
    "testnet": Addresses(
        "wss://ws-api.testnet.binance.vision/ws-api/v3",
        "wss://stream.testnet.binance.vision",
        "https://testnet.binance.vision",
    ),
    "live": Addresses(
        "wss://ws-api.binance.com:443/ws-api/v3",
        "wss://stream.binance.com:9443",
        "https://api.binance.com",
    ),
}


@dataclass(frozen=True, slots=True)
class Spelling:
    """How whoever configures an exchange spells its settings, for messages."""

    api_url: str
    stream_url: str
    rest_url: str
    real_money: str
    """The setting that allows real money, such as `realMoney`."""
    real_money_said: str
    """The same with its value, such as `realMoney: true`."""
    allow_unrestricted_key: str


def problem(
    environment: Environment,
    addresses: Addresses,
    spelling: Spelling,
    *,
    real_money: bool,
    allow_unrestricted_key: bool,
) -> str:
    """Return which setting of an exchange is wrong, and the remedy; empty if none is.

    A key of one environment must not reach another one: a paper entry with live's address would
    trade real money that nobody has allowed. No side effects.
    """
    live = environment == "live"
    if live and not real_money:
        return (
            f"{spelling.real_money} is missing: live trades real money, which has to be allowed by "
            f"{spelling.real_money_said}"
        )
    if real_money and not live:
        return (
            f"{spelling.real_money} is for live alone: remove it, for {environment} trades no real "
            "money"
        )
    if allow_unrestricted_key and not live:
        return (
            f"{spelling.allow_unrestricted_key} is for live alone: remove it, for no key of "
            f"{environment} is looked at"
        )
    return _address_problem(environment, addresses, spelling)


def _address_problem(environment: Environment, given: Addresses, spelling: Spelling) -> str:
    known = given.or_known(environment)
    for setting, url in (
        (spelling.api_url, known.api_url),
        (spelling.stream_url, known.stream_url),
    ):
        if not url:
            return f"{setting} is missing: a paper exchange has no address of its own"
    for setting, url, schemes in (
        (spelling.api_url, given.api_url, _WEB_SOCKET),
        (spelling.stream_url, given.stream_url, _WEB_SOCKET),
        (spelling.rest_url, given.rest_url, _HTTP),
    ):
        if url and not _is_address(url, schemes):
            # Not repeated: somebody may have written a password into it.
            return (
                f"{setting} is no address: {schemes[0]}://host or {schemes[1]}://host is expected, "
                "without user, query or fragment"
            )
        owner = environment_of(url)
        if owner not in {None, environment}:
            return (
                f"{setting} is an address of {owner}, and the environment is {environment}: "
                "correct one of them"
            )
    return ""


def _is_address(url: str, schemes: Sequence[str]) -> bool:
    try:
        parts = urlsplit(url)
        port, host = parts.port, (parts.hostname or "").encode("idna")
    except ValueError:
        return False
    refused = "@" in parts.netloc or parts.query or parts.fragment or port == 0
    plain = not any(letter.isspace() or not letter.isprintable() for letter in url)
    return parts.scheme in schemes and bool(host) and plain and not refused


def environment_of(url: str) -> Environment | None:
    """Return whose address a URL is; None where it is none of Binance's. No side effects."""
    try:
        host = (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return None
    if _is_under(host, "testnet.binance.vision"):
        return "testnet"
    if not any(_is_under(host, domain) for domain in _BINANCE):
        return None
    return "demo" if host.startswith("demo-") else "live"


def _is_under(host: str, domain: str) -> bool:
    return host == domain or host.endswith(f".{domain}")
