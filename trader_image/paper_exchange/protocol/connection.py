"""What a connection's URL asks for."""

from dataclasses import dataclass
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

from paper_exchange.core.errors import ExchangeError
from paper_exchange.protocol.limits import REQUESTS, STREAMS

API_PATH = "/ws-api/v3"

_UNITS = {"millisecond": False, "microsecond": True}


@dataclass(frozen=True, slots=True)
class ConnectionOptions:
    """The path and options of a connection's URL."""

    path: str
    micros: bool
    rate_limits: bool
    streams: tuple[str, ...]

    @classmethod
    def of(cls, url: str) -> Self:
        """Read a request path; raise -1194 for an unknown time unit."""
        parts = urlsplit(url)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        micros = _UNITS.get(query.get("timeUnit", "millisecond").lower())
        if micros is None:
            raise ExchangeError(
                -1194, "Invalid value for time unit; expected either MICROSECOND or MILLISECOND."
            )
        return cls(
            path=parts.path,
            micros=micros,
            rate_limits=query.get("returnRateLimits", "true").lower() != "false",
            streams=tuple(_streams(parts.path, query)),
        )

    @property
    def service(self) -> str | None:
        """Which service the connection is to, None if there is none at its path."""
        if self.is_api:
            return REQUESTS
        return STREAMS if self.is_stream else None

    @property
    def is_api(self) -> bool:
        """Return whether the connection is for requests."""
        return self.path == API_PATH

    @property
    def is_stream(self) -> bool:
        """Return whether the connection is for market streams."""
        return self.path in {"/ws", "/stream"} or self.path.startswith(("/ws/", "/stream/ws/"))

    @property
    def is_combined(self) -> bool:
        """Return whether payloads are wrapped with their stream's name: on /stream only."""
        return self.path == "/stream"


def _streams(path: str, query: dict[str, str]) -> list[str]:
    """Return the streams that a URL names.

    Tails that name no stream (`/ws/0`) are accepted in silence: clients number their connections.
    """
    asked = query.get("streams", "") if path == "/stream" else unquote(path)
    return [name for name in asked.split("/") if "@" in name]
