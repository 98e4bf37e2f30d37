"""Foreign errors become one sentence: where, and why."""

import socket
import ssl

import pytest
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK, InvalidStatus
from websockets.frames import Close
from websockets.http11 import Response

from symbol_trader.binance.errors import ConnectionsLimited, closed, place_of, unreachable

URL = "wss://exchange.example/ws-api/v3"

NO_NAME = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
BAD_CERTIFICATE = ssl.SSLCertVerificationError(1, "certificate has expired")


@pytest.mark.parametrize(
    ("exc", "reason"),
    [
        (TimeoutError(), "no answer in time"),
        (ConnectionRefusedError(111, "refused"), "connection refused"),
        (NO_NAME, "the name cannot be resolved (Name or service not known)"),
        (BAD_CERTIFICATE, "TLS failed"),
        (BAD_CERTIFICATE, "certificate has expired"),
        (InvalidStatus(Response(418, "", Headers())), "it answered HTTP 418"),
        (OSError(113, "No route to host"), "No route to host"),
        (OSError(), "OSError"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_why_a_connection_was_not_opened(exc: Exception, reason: str) -> None:
    text = str(unreachable(URL, exc))

    assert text.startswith("cannot connect to exchange.example:443: ")
    assert reason in text


@pytest.mark.parametrize(
    ("url", "place"), [("ws://h/x", "h:80"), ("wss://h", "h:443"), ("ws://h:8081/x", "h:8081")]
)
def test_a_place_always_has_its_port(url: str, place: str) -> None:
    assert place_of(url) == place


@pytest.mark.parametrize(
    ("exc", "text"),
    [
        (
            ConnectionClosedOK(Close(1001, "maintenance"), Close(1001, ""), True),
            "exchange.example:443 closed the connection (code 1001: maintenance)",
        ),
        (
            ConnectionClosedError(Close(1008, ""), None),
            "exchange.example:443 closed the connection (code 1008)",
        ),
        (
            ConnectionClosedError(None, Close(1011, "keepalive ping timeout")),
            "the connection to exchange.example:443 was closed here (keepalive ping timeout)",
        ),
        (
            ConnectionClosedError(None, None),
            "the connection to exchange.example:443 was lost",
        ),
    ],
)
def test_how_a_connection_ended(exc: ConnectionClosedError, text: str) -> None:
    assert closed(URL, exc) == text


@pytest.mark.parametrize("status", [418, 429])
@pytest.mark.parametrize(
    ("headers", "pause_s"),
    [({"Retry-After": "37"}, 37), ({}, 120), ({"Retry-After": "Wed, 21 Oct 2026 07:28:00"}, 120)],
    ids=["said", "not said", "said otherwise"],
)
def test_a_handshake_that_came_too_soon_says_how_long_to_wait(
    status: int, headers: dict[str, str], pause_s: float
) -> None:
    refused = unreachable(URL, InvalidStatus(Response(status, "", Headers(headers))))

    assert isinstance(refused, ConnectionsLimited)
    assert refused.retry_in_s == pause_s


def test_another_refusal_of_a_handshake_is_no_limit() -> None:
    refused = unreachable(URL, InvalidStatus(Response(503, "", Headers({"Retry-After": "37"}))))

    assert not isinstance(refused, ConnectionsLimited)
