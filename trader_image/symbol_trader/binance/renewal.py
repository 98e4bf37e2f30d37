"""The line to the WebSocket API: one link after the other, each ready before the last one goes.

A link is replaced before the exchange closes it, at its age or when the exchange announces it:

1. A new link is opened and made ready: clock, key, subscription to user data. Requests go over the
   old one until then, and over the new one from then on. None is ever written to both.
2. For a while both bring user data: what comes twice is recognised (`user_data`), and what happened
   before the new subscription still comes over the old one.
3. The old link is closed once its replies are in.

If a link ends in any other way, something may have been missed: then the line ends, and with it the
session, and the next session compares everything with the exchange. That is so as well if the old
link is cut in step 2. A closing handshake there is none: what was sent before has arrived.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from symbol_trader.binance.backoff import delays
from symbol_trader.binance.errors import RateLimited
from symbol_trader.binance.link import Link
from symbol_trader.binance.mailbox import Mailbox
from symbol_trader.binance.pacing import ConnectionPacer
from symbol_trader.binance.reconnects import Cause, Reconnects, Service
from symbol_trader.binance.requesting import RequestClient
from symbol_trader.binance.settings import BinanceSettings
from symbol_trader.binance.surprises import Surprises
from symbol_trader.binance.user_data import UserDataBuffer
from symbol_trader.core.replies import UserEvent
from symbol_trader.errors import BadCredentials, ExchangeUnavailable, Unavailable

log = logging.getLogger(__name__)

_PACED_MAX_S = 5.0
"""A slot that comes so soon is waited for in place."""


@dataclass(slots=True)
class Line:
    """A link, what asks over it, and what keeps it in order once it is ready."""

    link: Link
    client: RequestClient
    keepers: tuple[asyncio.Task[None], ...] = ()

    async def close(self) -> None:
        """End it; never raises."""
        await self.link.close()
        for keeper in self.keepers:
            keeper.cancel()
        await asyncio.gather(*self.keepers, return_exceptions=True)


class RenewedLine:
    """The line of one session. `make` adds to a link what asks over it; nothing is open then.

    `make_ready` opens it and does what comes before its use. It is told at which age it is due, and
    raises `Unavailable` or `BadCredentials`.
    """

    def __init__(
        self,
        settings: BinanceSettings,
        make: Callable[[Link], Line],
        make_ready: Callable[[Line, float], Awaitable[None]],
        *,
        pacer: ConnectionPacer | None,
        random: Callable[[], float],
        reconnects: Reconnects,
        surprises: Surprises,
    ) -> None:
        self._settings = settings
        self._make = make
        self._make_ready = make_ready
        self._pacer = pacer
        self._random = random
        self._reconnects = reconnects
        self._surprises = surprises
        self._user_data = UserDataBuffer(settings.user_events_max)
        self.current = self._new()
        """What requests go over."""
        self._old: Line | None = None
        self._renewing: asyncio.Task[None] | None = None

    @property
    def events(self) -> Mailbox[UserEvent]:
        """User data from `open` on; it ends with the line."""
        return self._user_data.events

    async def open(self) -> None:
        """Open the first link. Raises `Unavailable`, `BadCredentials`; nothing is open then."""
        self._use(await self._open_link())

    async def close(self) -> None:
        """Close all; never raises."""
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.gather(self._renewing, return_exceptions=True)
        self._end("the session was closed")
        await self.current.close()
        if self._old is not None:
            await self._old.close()

    def _new(self) -> Line:
        return self._make(Link(self._settings, self._user_data, self._due, self._surprises))

    async def _open_link(self) -> Line:
        await self._wait_for_slot()
        line = self._new()
        try:
            await self._make_ready(line, self._settings.age_max_s(self._random()))
        except BaseException:
            await line.close()
            raise
        if line.link.ended is not None:
            await line.close()
            raise ExchangeUnavailable(line.link.ended)
        return line

    async def _wait_for_slot(self) -> None:
        """Wait for the slot of a connection. Raises `RateLimited` if it is far away, and kept.

        Raises `Unavailable` where nobody says when it is.
        """
        while self._pacer is not None and (wait_s := await self._pacer.wait_s()):
            if wait_s > _PACED_MAX_S:
                text = "too many connections were opened from this address, by all leaders"
                raise RateLimited(text, wait_s)
            await asyncio.sleep(wait_s)

    def _due(self, link: Link, cause: Cause) -> None:
        """Take in that a link is to be replaced, or has ended; one that is not used yet is not."""
        is_current = self.current.link is link
        is_old = self._old is not None and self._old.link is link
        if link.ended is None:
            if is_current and self._renewing is None:
                self._renewing = asyncio.create_task(self._renew(cause))
        elif is_current or (is_old and not link.said_goodbye):
            self._reconnects.note(Service.API, cause)
            self._end(link.ended)

    def _use(self, line: Line) -> None:
        """Let requests go over a line from now on."""
        self.current = line
        if line.link.announced:
            self._due(line.link, Cause.ANNOUNCED)

    def _end(self, why: str) -> None:
        """End the session: whoever reads user data hears of it."""
        if self.events.end(why):
            log.info("the session with the exchange ends: %s", why)

    async def _renew(self, cause: Cause) -> None:
        """Replace the current link; try until it works or the link ends."""
        old = self.current
        log.info("the connection to the exchange is renewed: %s", cause)
        if (new := await self._successor(old)) is None:
            return
        self._reconnects.note(Service.API, cause)
        self.current, self._old = new, old
        await self._drain(old)
        self._old = self._renewing = None
        self._use(new)

    async def _successor(self, old: Line) -> Line | None:
        settings = self._settings
        pauses = delays(settings.reconnect_first_s, settings.reconnect_limit_s, self._random)
        while old.link.ended is None:
            try:
                new = await self._open_link()
            except BadCredentials as exc:
                old.link.retire(str(exc))
            except Unavailable as exc:
                log.warning("the connection was not renewed yet: %s", exc)
                asked_s = exc.retry_in_s
                await old.link.wait_for_end(next(pauses) if asked_s is None else asked_s)
            else:
                if old.link.ended is None:
                    return new
                await new.close()
        return None

    async def _drain(self, old: Line) -> None:
        """Listen to the old link for a while, wait for its replies, and close it."""
        await old.link.wait_for_end(self._settings.overlap_s)
        await old.link.wait_for_replies(self._settings.drain_s)
        await old.close()
