"""The port `Market`: the symbol's public trades, over a socket that comes back by itself."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from symbol_trader.binance.backoff import delays
from symbol_trader.binance.errors import ConnectionsLimited, closed
from symbol_trader.binance.events import ending, public_trade
from symbol_trader.binance.fields import PayloadError, parse
from symbol_trader.binance.settings import BinanceSettings
from symbol_trader.binance.sockets import dial
from symbol_trader.binance.turns import Turns
from symbol_trader.core.replies import Price
from symbol_trader.errors import ExchangeUnavailable, Unavailable

log = logging.getLogger(__name__)


class BinanceMarket:
    """The trades of one symbol. `random`, in [0, 1), spreads the attempts to reconnect."""

    def __init__(self, settings: BinanceSettings, *, random: Callable[[], float]) -> None:
        self._settings = settings
        self._random = random
        self._sockets = set[ClientConnection]()
        self._closing = asyncio.Event()

    async def prices(self) -> AsyncGenerator[Price | None]:
        """Yield each trade until `close`, reconnecting as often as it takes.

        None says that the stream was lost or could not be opened: once for each outage, before the
        first attempt to mend it. A stream on which nothing is traded is silent, which is no loss.
        """
        pauses, silent = self._pauses(), False
        while not self._closing.is_set():
            asked_s: float | None = None
            try:
                async with aclosing(self._connection()) as connection:
                    async for price in connection:
                        pauses, silent = self._pauses(), False
                        yield price
            except ConnectionsLimited as exc:
                log.warning("no market data: %s", exc)
                asked_s = exc.retry_in_s
            except Unavailable as exc:
                log.warning("no market data: %s", exc)
            if not silent and not self._closing.is_set():
                silent = True
                yield None
            # Where the exchange says how long, pauses that have grown would only add to it.
            at_least_s = self._settings.reconnect_first_s
            await self._pause(next(pauses) if asked_s is None else max(asked_s, at_least_s))

    def reconnect(self) -> None:
        """Give up a connection that is open and silent; `prices` says None and opens another one.

        It is cut, not closed: whoever says nothing does not answer a closing handshake either.
        """
        for socket in self._sockets:
            log.warning("the market stream is given up: a new connection takes its place")
            socket.transport.abort()

    async def close(self) -> None:
        """Close the socket; never raises. `prices` ends."""
        self._closing.set()
        for socket in list(self._sockets):
            await socket.close()

    async def _connection(self) -> AsyncGenerator[Price]:
        """Yield the trades of one connection. Raises `Unavailable` at its end."""
        url = self._settings.trade_stream_url
        socket = await dial(url, self._settings, self._settings.market_frames_max)
        self._sockets.add(socket)
        try:
            turns = Turns()
            while not self._closing.is_set():
                price = _price(await socket.recv())
                await turns.pass_on()
                if price is not None:
                    yield price
        except ConnectionClosed as exc:
            raise ExchangeUnavailable(closed(url, exc)) from exc
        finally:
            self._sockets.discard(socket)
            await socket.close()

    async def _pause(self, delay: float) -> None:
        try:
            async with asyncio.timeout(delay):
                await self._closing.wait()
        except TimeoutError:
            return

    def _pauses(self) -> Iterator[float]:
        return delays(
            self._settings.reconnect_first_s, self._settings.reconnect_limit_s, self._random
        )


def _price(text: str | bytes) -> Price | None:
    """Read one message of the stream. Raises `Unavailable` if the stream is over, or unreadable."""
    try:
        event = parse(text)
        why = ending(event)
        price = public_trade(event)
    except PayloadError as exc:
        raise ExchangeUnavailable(str(exc)) from exc
    if why is not None:
        raise ExchangeUnavailable(why)
    return price
