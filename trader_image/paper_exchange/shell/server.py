"""The exchange on sockets: WebSocket API, market streams and plain GETs on one port."""

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_websockets
from websockets.http11 import Request, Response

from paper_exchange.core.errors import ConfigError, ExchangeError
from paper_exchange.faults import Faults
from paper_exchange.journal import JournalError
from paper_exchange.protocol import rest
from paper_exchange.protocol.connection import API_PATH, ConnectionOptions
from paper_exchange.protocol.maintenance import Maintenance
from paper_exchange.shell.admin import LOOPBACK, Admin, serve_admin
from paper_exchange.shell.admin_accounts import Accounts
from paper_exchange.shell.admin_faults import Disturbances
from paper_exchange.shell.admin_market import Market
from paper_exchange.shell.admin_orders import Orders
from paper_exchange.shell.admin_outages import Outages
from paper_exchange.shell.admin_rules import Trading, Traffic
from paper_exchange.shell.assembly import make_api, open_venue
from paper_exchange.shell.config import Config
from paper_exchange.shell.connections import Connections, address_of
from paper_exchange.shell.outbox import Outbox
from paper_exchange.shell.player import Player
from paper_exchange.venue import SkewedClock

EVERYWHERE = "::"
"""Every address of the machine."""
PING_INTERVAL = 20.0
"""Seconds between the server's pings."""
PONG_TIMEOUT = 60.0
"""Seconds after which a connection without a pong is dropped."""
CLOSE_TIMEOUT = 2.0
"""Seconds that a stopping server waits for its connections to close."""
FLUSH_TIMEOUT = 1.0
"""Seconds that a stopping server waits for its last words to be sent."""

log = logging.getLogger(__name__)


class PaperExchange:
    """A running exchange.  Use `serve`."""

    def __init__(self, config: Config) -> None:
        """Rebuild the exchange from its journal; raise `ConfigError` or `JournalError`."""
        self.config = config
        self.clock = SkewedClock(lambda: time.time_ns() // 1_000_000)
        self.venue = open_venue(config, self.clock)
        self.player = Player(self.venue, config.source, config.speed, time.monotonic)
        self.api = make_api(config, self.venue)
        self.faults = Faults()
        self.connections = Connections(self.venue, self.api, self.faults, self._fail)
        self.connections.life = config.connection_life
        self.maintenance = Maintenance()
        self.port = 0
        self.admin_port = 0
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def api_url(self) -> str:
        """Where the WebSocket API is."""
        return f"{self.stream_url}{API_PATH}"

    @property
    def stream_url(self) -> str:
        """The base address of the market streams."""
        scheme = "wss" if self.config.tls_cert else "ws"
        host = f"[{self.config.host}]" if ":" in self.config.host else self.config.host
        return f"{scheme}://{host}:{self.port}"

    @property
    def admin_url(self) -> str:
        """Where the administrator's interface is."""
        return f"ws://{LOOPBACK}:{self.admin_port}"

    async def serve_until(self, stop: asyncio.Event) -> None:
        """Wait for `stop`; raise `JournalError` if the record cannot be kept any longer."""
        stopped = asyncio.ensure_future(stop.wait())
        await asyncio.wait((self._failure, stopped), return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if self._failure.done():
            self._failure.result()

    async def announce_shutdown(self) -> None:
        """Tell every connection that the server is about to close."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.connections.announce_shutdown(), FLUSH_TIMEOUT)

    async def play(self) -> None:
        """Play the market until cancelled."""
        if not self.config.paused:
            self.player.resume()
        try:
            await self.player.run()
        except JournalError as exc:
            self._fail(exc)

    def route(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answer plain HTTP, and refuse WebSockets where there are none."""
        url = urlsplit(request.path)
        if url.path == "/healthz":
            return connection.respond(HTTPStatus.OK, "ok\n")
        address, now = address_of(connection), self.clock()
        api_key = request.headers.get("X-MBX-APIKEY", "")
        try:
            self.maintenance.check(now)
            answer = rest.get(self.api, address, url.path, url.query, api_key)
            if answer is not None:
                return _json(connection, answer)
            options = ConnectionOptions.of(request.path)
            if options.service:
                self.api.limits.connect(address, options.service, now)
        except ExchangeError as error:
            return _json(connection, rest.refused(error, now))
        known = options.service is not None
        return None if known else connection.respond(HTTPStatus.NOT_FOUND, "not found\n")

    async def handle(self, connection: ServerConnection) -> None:
        """Serve one connection until it closes or has lived its time."""
        if connection.request is None:
            raise AssertionError("a connection is handled after its handshake")
        outbox = Outbox(connection)
        writer = asyncio.create_task(outbox.run())
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.connections.life):
                    options = ConnectionOptions.of(connection.request.path)
                    await self.connections.serve(connection, outbox, options)
        except JournalError as exc:
            self._fail(exc)
        finally:
            writer.cancel()
            with suppress(asyncio.CancelledError):
                await writer

    def _fail(self, exc: Exception) -> None:
        """Stop serving: what cannot be recorded must not be acknowledged."""
        if not self._failure.done():
            self._failure.set_exception(exc)


@asynccontextmanager
async def serve(config: Config) -> AsyncIterator[PaperExchange]:
    """Run an exchange for the length of a block.

    `async with serve(config) as exchange: … exchange.api_url …`

    Leaving the block announces the shutdown, closes every connection and the journal.
    """
    tls = tls_context(config.tls_cert, config.tls_key)
    exchange = PaperExchange(config)
    admin = Admin(
        Market(exchange.venue, exchange.player).commands
        | Orders(exchange.venue).commands
        | Accounts(exchange.venue, exchange.api.keys).commands
        | Trading(exchange.venue).commands
        | Traffic(exchange.api, exchange.connections).commands
        | Outages(
            exchange.venue, exchange.player, exchange.connections, exchange.maintenance
        ).commands
        | Disturbances(exchange.api, exchange.faults, exchange.connections, exchange.clock).commands
    )
    player = asyncio.create_task(exchange.play())
    try:
        async with (
            serve_websockets(
                exchange.handle,
                **_place(config.host, config.port),
                process_request=exchange.route,
                compression=None,
                ping_interval=PING_INTERVAL,
                ping_timeout=PONG_TIMEOUT,
                close_timeout=CLOSE_TIMEOUT,
                ssl=tls,
            ) as server,
            serve_admin(admin, config.admin_port) as exchange.admin_port,
        ):
            exchange.port = next(iter(server.sockets)).getsockname()[1]
            log.info(
                "serving %s on %s, admin on %s",
                config.source.name,
                exchange.api_url,
                exchange.admin_url,
            )
            yield exchange
            await exchange.announce_shutdown()
    finally:
        player.cancel()
        with suppress(asyncio.CancelledError):
            await player
        exchange.venue.journal.close()


def _place(host: str, port: int) -> dict[str, Any]:
    """Return where to listen. `::` is every address, of IPv6 and IPv4 alike, by one socket."""
    if host != EVERYWHERE:
        return {"host": host, "port": port}
    if not socket.has_dualstack_ipv6():
        return {"sock": socket.create_server(("", port))}
    family = socket.AF_INET6
    return {"sock": socket.create_server((host, port), family=family, dualstack_ipv6=True)}


def tls_context(cert: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """Return how TLS is spoken, None without a certificate; raise `ConfigError`."""
    if cert is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(cert, key, password=_no_password)
    except (OSError, ValueError) as exc:
        raise ConfigError(
            f"TLS cannot be served with {cert} (tls-cert) and {key} (tls-key): {exc}; both must be "
            "PEM files that belong together, the key without a password"
        ) from exc
    return context


def _no_password() -> str:
    """Refuse a key with a password: OpenSSL would ask for it at the terminal."""
    raise ValueError("the key has a password")


def _json(connection: ServerConnection, answer: rest.Answer) -> Response:
    response = connection.respond(HTTPStatus(answer.status), answer.body)
    del response.headers["Content-Type"]
    response.headers["Content-Type"] = "application/json"
    response.headers.update(answer.headers)
    return response
