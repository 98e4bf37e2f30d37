"""The socket of one session: it writes each request once and tells each waiter what it hears."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from symbol_trader.binance.envelope import Answer, NoReply
from symbol_trader.binance.errors import closed, is_oversized, is_stall
from symbol_trader.binance.reconnects import Cause
from symbol_trader.binance.session import (
    Announced,
    Answered,
    Heard,
    Retired,
    Revoked,
    Session,
    UserData,
)
from symbol_trader.binance.settings import BinanceSettings
from symbol_trader.binance.signing import Params
from symbol_trader.binance.sockets import dial
from symbol_trader.binance.surprises import Surprise, Surprises
from symbol_trader.binance.turns import Turns
from symbol_trader.binance.user_data import UserDataBuffer

log = logging.getLogger(__name__)


class Link:
    """A connection to the WebSocket API, from `open` until it is retired or lost."""

    def __init__(
        self,
        settings: BinanceSettings,
        user_data: UserDataBuffer | None = None,
        due: Callable[["Link", Cause], None] = lambda *_: None,
        surprises: Surprises | None = None,
    ) -> None:
        """Bring user data, if any is subscribed to. `due` is told that another link is needed.

        If the cause is its age, or an announcement, this one goes on meanwhile. Once it has ended,
        `due` is told for the last time.
        """
        self._settings = settings
        self._surprises = surprises or Surprises()
        self._session = Session(settings.symbol, self._surprises)
        self._user_data = user_data or UserDataBuffer(settings.user_events_max)
        self._due = due
        self._is_due = False
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._renewal: asyncio.TimerHandle | None = None
        self._over = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self.announced = False
        """The exchange is about to close it."""
        self.said_goodbye = False
        """The exchange has closed it properly: whatever it had sent before has arrived."""

    @property
    def ended(self) -> str | None:
        """Why the link takes no new requests; None while it does."""
        return self._session.ended

    async def wait_for_end(self, timeout_s: float) -> None:
        """Wait until the link takes no new requests, or until so many seconds have passed."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._over.wait()

    async def wait_for_replies(self, timeout_s: float) -> None:
        """Wait until no request waits for its reply, or until so many seconds have passed."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()

    async def open(self, age_max_s: float | None = None) -> None:
        """Connect, and listen; it is due for renewal at that age. Raises `Unavailable`."""
        age_max_s = self._settings.session_age_max_s if age_max_s is None else age_max_s
        self._socket = await dial(self._settings.api_url, self._settings)
        self._reader = asyncio.create_task(self._listen(self._socket))
        self._renewal = asyncio.get_running_loop().call_later(age_max_s, self._call, Cause.AGE)

    async def close(self) -> None:
        """Close the socket; whoever waits for a reply hears that there is none."""
        self._is_due = True
        self.retire("the session was closed")
        if self._socket is None or self._reader is None or self._renewal is None:
            return
        self._renewal.cancel()
        await self._socket.close()
        (failure,) = await asyncio.gather(self._reader, return_exceptions=True)
        if isinstance(failure, Exception):
            log.error("the reader of the session failed", exc_info=failure)

    def retire(self, why: str, cause: Cause = Cause.UNREADABLE) -> None:
        """Take no new requests and no more events: a new session has to take over."""
        self._over.set()
        self._session.retire(why)
        self._call(cause)

    def _call(self, cause: Cause) -> None:
        """Say that another link has to take over, unless it was said that this one has ended."""
        if not self._is_due:
            self._is_due = self.ended is not None
            self._due(self, cause)

    async def send(self, method: str, params: Params) -> Answer:
        """Write one request, once, and wait for its answer. Never raises for the network."""
        if self._socket is None or self._session.ended is not None:
            return NoReply(f"{method} was not sent: {self._session.ended or 'not open'}")
        request_id, text = self._session.request(method, params)
        waiting: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[request_id] = waiting
        self._idle.clear()
        try:
            async with asyncio.timeout(self._settings.request_timeout_s):
                await self._socket.send(text)
                return await waiting
        except TimeoutError:
            return NoReply(f"no reply to {method} in {self._settings.request_timeout_s:g} s")
        except ConnectionClosed as exc:
            return NoReply(f"no reply to {method}: {closed(self._settings.api_url, exc)}")
        finally:
            self._session.give_up(request_id)
            del self._waiting[request_id]
            if not self._waiting:
                self._idle.set()

    async def _listen(self, socket: ClientConnection) -> None:
        """Take every message until the connection is gone, and then tell all who wait."""
        why, cause = "its reader failed", Cause.UNREADABLE
        try:
            turns = Turns()
            while True:
                self._hear(self._session.receive(await socket.recv()))
                if turns.is_over():
                    await asyncio.sleep(0)
        except ConnectionClosed as exc:
            why = closed(self._settings.api_url, exc)
            cause = Cause.STALLED if is_stall(exc) else Cause.LOST
            self.said_goodbye = exc.rcvd is not None
            if is_oversized(exc):
                cause = Cause.UNREADABLE
                self._surprises.note(Surprise.OVERSIZED, why)
        finally:
            self._give_up(why, cause)

    def _give_up(self, why: str, cause: Cause) -> None:
        """Take no new requests, and tell all who wait that there is no reply."""
        self.retire(why, cause)
        for answered in self._session.lost(why):
            self._hear(answered)

    def _hear(self, heard: Heard | None) -> None:
        match heard:
            case Answered(request_id, answer):
                waiting = self._waiting[request_id]
                if not waiting.done():
                    waiting.set_result(answer)
            case UserData():
                if self._session.ended is None and not self._user_data.put(heard):
                    self.retire("more user events wait than the leader reads")
            case Announced():
                self.announced = True
                self._call(Cause.ANNOUNCED)
            case Retired(why):
                self.retire(why)
            case Revoked(why):
                self._give_up(why, Cause.REVOKED)
