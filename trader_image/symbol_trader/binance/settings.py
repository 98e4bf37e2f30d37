"""What the client is told: addresses, and every limit, each with its unit in its name."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

_AGE_SPREAD = 0.1
"""The part of its highest age by which a connection may be renewed earlier, by chance: leaders that
started together do not renew together."""


@dataclass(frozen=True, slots=True)
class BinanceSettings:
    """The settings of one symbol's session and price stream.

    URLs are `ws://` or `wss://`, without user, query or fragment, so that they can be logged.
    """

    api_url: str
    """The WebSocket API, such as `wss://ws-api.binance.com:443/ws-api/v3`."""
    stream_url: str
    """The base of the market streams, such as `wss://stream.binance.com:9443`."""
    symbol: str

    ca_file: Path | None = None
    """Certificates of authorities (PEM) that are trusted besides the system's."""
    request_timeout_s: float = 10.0
    """How long a reply is waited for; the exchange's own limit is 10 s."""
    open_timeout_s: float = 10.0
    """Limit of TCP, TLS and WebSocket handshake together."""
    close_timeout_s: float = 2.0
    """Limit of the closing handshake."""
    read_recv_window_ms: int = 5000
    """Window of requests that only read; orders and cancels carry their intent's."""
    read_retries_s: float = 20.0
    """How long a request that only reads is repeated, bans that are waited out included. With the
    last reply and the wait for the exchange's next minute it stays below what a probe allows."""
    retry_first_s: float = 0.5
    retry_limit_s: float = 8.0
    """First and longest pause between attempts to read."""
    silent_s: float = 30.0
    """How long a market connection stands at least before it may be given up as silent."""
    reconnect_first_s: float = 2.0
    reconnect_limit_s: float = 60.0
    """First and longest pause before reconnecting to the market; Binance bans an address that
    connects more than 300 times in 5 minutes."""
    clock_samples: int = 5
    """Questions for the time per measurement; the one with the least round trip counts."""
    clock_interval_s: float = 300.0
    """Time between measurements."""
    key_interval_s: float = 10.0
    """Time between two looks whether the key is another one."""
    session_age_max_s: float = 23 * 3600.0
    """Age at which a connection is renewed at the latest; the exchange closes it at 24 h."""
    overlap_s: float = 5.0
    """How long a connection that was replaced is still listened to: what happened before the new
    one stood may be on its way."""
    drain_s: float = 25.0
    """How long it is kept for replies that are due."""
    ping_interval_s: float = 20.0
    ping_timeout_s: float = 20.0
    """A peer is pinged so often, and given up when it has not answered for so long. The exchange
    itself pings every 20 s and closes after 60 s without a pong; the library answers it."""
    user_events_max: int = 4096
    """User events that wait for the leader; one more ends the session."""
    message_bytes_max: int = 16 * 2**20
    """Longest message; `exchangeInfo` is the long one."""
    market_frames_max: int = 1024
    """Public trades that wait for the leader before the socket is read no further."""

    def age_max_s(self, random: float) -> float:
        """Return at which age a connection is renewed; `random` is from 0 to 1."""
        return self.session_age_max_s * (1 - _AGE_SPREAD * random)

    def __post_init__(self) -> None:
        for url in (self.api_url, self.stream_url):
            _check(url)

    @property
    def trade_stream_url(self) -> str:
        """Return the address of the symbol's public trades; streams are named in lower case.

        Letters beyond A to Z are percent-encoded, as in any URL.
        """
        return f"{self.stream_url.rstrip('/')}/ws/{quote(self.symbol.lower(), safe='')}@trade"


def _check(url: str) -> None:
    """Refuse what could not be dialled, or could not be logged. Raises `ValueError`."""
    parts = urlsplit(url)
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise ValueError("an exchange URL must be ws://host… or wss://host…")
    parts.hostname.encode("idna")
    if parts.port == 0 or parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(f"the URL of {parts.hostname} must have no user, query or fragment")
