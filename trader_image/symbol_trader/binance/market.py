"""The port `Market`: the symbol's public trades, over a socket that comes back by itself."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing

from symbol_trader.binance.backoff import delays
from symbol_trader.binance.errors import ConnectionsLimited
from symbol_trader.binance.pacing import ConnectionPacer
from symbol_trader.binance.reconnects import Cause, Reconnects, Service
from symbol_trader.binance.settings import BinanceSettings
from symbol_trader.binance.surprises import Surprises
from symbol_trader.binance.trade_ids import TradeIds
from symbol_trader.binance.trade_stream import StreamLost, TradeStream, open_stream, overlap
from symbol_trader.binance.turns import Turns
from symbol_trader.core.replies import Price, TradeGap
from symbol_trader.errors import ExchangeUnavailable, Unavailable

log = logging.getLogger(__name__)


class BinanceMarket:
    """The trades of one symbol. `random`, in [0, 1), spreads the attempts to reconnect.

    `pacer` says when a connection may be opened; without one it is opened at once.
    """

    def __init__(
        self,
        settings: BinanceSettings,
        *,
        random: Callable[[], float],
        pacer: ConnectionPacer | None = None,
        reconnects: Reconnects | None = None,
        surprises: Surprises | None = None,
    ) -> None:
        self._settings = settings
        self._surprises = surprises or Surprises()
        self._random = random
        self._pacer = pacer
        self._reconnects = reconnects or Reconnects()
        self._ids = TradeIds(lambda: log.warning("the exchange's trade ids have begun again"))
        self._stream: TradeStream | None = None
        self._successor: asyncio.Task[TradeStream] | None = None
        self._leaving = set[asyncio.Task[None]]()
        self._closing = asyncio.Event()

    async def prices(self) -> AsyncGenerator[Price | TradeGap | None]:
        """Yield each trade once, until `close`, reconnecting as often as it takes.

        None says that the stream was lost or could not be opened: once for each outage, before the
        first attempt to mend it. A stream on which nothing is traded is silent, which is no loss.
        A `TradeGap` names trades that did not come, right before the trade that comes after them.
        """
        pauses, silent = self._pauses(), False
        while not self._closing.is_set():
            asked_s: float | None = None
            came = False
            try:
                async with aclosing(self._trades()) as trades:
                    async for trade in trades:
                        came = True
                        yield trade
            except Unavailable as exc:
                log.warning("no market data: %s", exc)
                cause = exc.cause if isinstance(exc, StreamLost) else Cause.REFUSED
                self._reconnects.note(Service.MARKET, cause)
                asked_s = exc.retry_in_s if isinstance(exc, ConnectionsLimited) else None
            if came:
                pauses, silent = self._pauses(), False
            if not silent and not self._closing.is_set():
                silent = True
                yield None
            # Where the exchange says how long, pauses that have grown would only add to it.
            at_least_s = self._settings.reconnect_first_s
            await self._pause(next(pauses) if asked_s is None else max(asked_s, at_least_s))

    def reconnect(self) -> bool:
        """Give up a connection that is open and silent; `prices` says None and opens another one.

        It is cut, not closed: whoever says nothing does not answer a closing handshake either.
        Return whether there was one, and had had the time to speak.
        """
        if self._stream is None or self._stream.age_s < self._settings.silent_s:
            return False
        log.warning("the market stream is given up: a new connection takes its place")
        self._stream.cut()
        return True

    async def close(self) -> None:
        """Close the socket; never raises. `prices` ends."""
        self._closing.set()
        await self._drop_successor()
        if self._stream is not None:
            await self._stream.close()
        await asyncio.gather(*self._leaving)

    async def _trades(self) -> AsyncGenerator[Price | TradeGap]:
        """Yield the trades of connections that follow each other without a break.

        Raises `Unavailable` when the last of them has ended and no other is open.
        """
        self._stream = await self._open()
        self._ids.connected()
        turns = Turns()
        try:
            while not self._closing.is_set():
                try:
                    trade = await self._stream.receive()
                except StreamLost:
                    if (new := self._opened_successor()) is None:
                        raise
                    self._leave(self._stream)
                    self._stream = new
                    continue
                if turns.is_over():
                    await asyncio.sleep(0)
                if trade is not None and not self._ids.repeats(trade):
                    if gap := self._ids.take(trade):
                        yield gap
                    yield trade
                if new := self._opened_successor():
                    async for item in self._switch(self._stream, new):
                        yield item
        finally:
            await self._drop_successor()
            stream, self._stream = self._stream, None
            await stream.close()

    async def _open(self) -> TradeStream:
        """Open a connection once there is a slot for it. Raises `Unavailable`."""
        while self._pacer is not None and (wait_s := await self._pacer.wait_s()):
            await self._pause(wait_s)
            if self._closing.is_set():
                raise ExchangeUnavailable("the market stream was closed here")
        age_max_s = self._settings.age_max_s(self._random())
        return await open_stream(self._settings, age_max_s, self._renew, self._surprises)

    # Renewal: the next connection is open before the last one goes.

    def _renew(self, cause: Cause) -> None:
        """Begin to open the next connection, while this one goes on."""
        if self._successor is None and not self._closing.is_set():
            log.info("the market stream is renewed: %s", cause)
            self._successor = asyncio.create_task(self._open_successor(cause))

    async def _open_successor(self, cause: Cause) -> TradeStream:
        """Open it; try until it works."""
        pauses = self._pauses()
        while True:
            try:
                stream = await self._open()
            except Unavailable as exc:
                log.warning("the market stream was not renewed yet: %s", exc)
                asked_s = exc.retry_in_s
                await self._pause(next(pauses) if asked_s is None else asked_s)
            else:
                self._reconnects.note(Service.MARKET, cause)
                return stream

    async def _switch(self, old: TradeStream, new: TradeStream) -> AsyncGenerator[Price | TradeGap]:
        """Go over to a connection that is open; yield what comes until it is level."""
        try:
            async for trade in overlap(old, new, self._ids, self._settings.overlap_s):
                if not self._ids.repeats(trade):
                    if gap := self._ids.take(trade):
                        yield gap
                    yield trade
        finally:
            self._stream = new
            self._leave(old)

    def _opened_successor(self) -> TradeStream | None:
        """Return the next connection once it is open; it is to be used now."""
        if self._successor is None or not self._successor.done():
            return None
        successor, self._successor = self._successor, None
        return successor.result()

    async def _drop_successor(self) -> None:
        """Open no other connection; close one that is open and was not used."""
        if self._successor is None:
            return
        successor, self._successor = self._successor, None
        successor.cancel()
        (stream,) = await asyncio.gather(successor, return_exceptions=True)
        if isinstance(stream, TradeStream):
            await stream.close()

    def _leave(self, stream: TradeStream) -> None:
        """Close a connection whose successor is in use, beside it."""
        leaving = asyncio.create_task(stream.close())
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)

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
