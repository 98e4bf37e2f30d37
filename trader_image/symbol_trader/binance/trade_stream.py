"""One connection to a symbol's trades, and how a new one takes over from it."""

import asyncio
from collections.abc import AsyncGenerator, Callable

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from symbol_trader.binance.errors import closed, is_oversized, is_stall
from symbol_trader.binance.events import ending, is_shutdown, public_trade
from symbol_trader.binance.fields import Fields, PayloadError, excerpt, parse
from symbol_trader.binance.reconnects import Cause
from symbol_trader.binance.settings import BinanceSettings
from symbol_trader.binance.sockets import dial
from symbol_trader.binance.surprises import Surprise, Surprises
from symbol_trader.binance.trade_ids import TradeIds
from symbol_trader.core.replies import Price
from symbol_trader.errors import ExchangeUnavailable


class StreamLost(ExchangeUnavailable):
    """A connection brings no trades any more, because of `cause`."""

    def __init__(self, text: str, cause: Cause) -> None:
        super().__init__(text)
        self.cause = cause


class TradeStream:
    """A connection that stands."""

    def __init__(
        self,
        socket: ClientConnection,
        settings: BinanceSettings,
        age_max_s: float,
        due: Callable[[Cause], None],
        surprises: Surprises,
    ) -> None:
        """Take over a socket. `due` is told when it has to be renewed, while it still goes on."""
        self._socket = socket
        self._settings = settings
        self._due = due
        self._surprises = surprises
        self._renewal = asyncio.get_running_loop().call_later(age_max_s, due, Cause.AGE)
        self._is_given_up = False
        self._opened_s = asyncio.get_running_loop().time()

    @property
    def age_s(self) -> float:
        """Return for how many seconds it has stood."""
        return asyncio.get_running_loop().time() - self._opened_s

    async def receive(self) -> Price | None:
        """Return the next trade, None for any other message. Raises `StreamLost`."""
        try:
            text = await self._socket.recv()
        except ConnectionClosed as exc:
            why = closed(self._settings.trade_stream_url, exc)
            raise StreamLost(why, self._cause(exc, why)) from exc
        try:
            return self._read(parse(text))
        except PayloadError as exc:
            self._surprises.note(Surprise.UNREADABLE, str(exc), excerpt(text))
            raise StreamLost(str(exc), Cause.UNREADABLE) from exc

    def _cause(self, exc: ConnectionClosed, why: str) -> Cause:
        if is_oversized(exc):
            self._surprises.note(Surprise.OVERSIZED, why)
            return Cause.UNREADABLE
        return Cause.STALLED if self._is_given_up or is_stall(exc) else Cause.LOST

    def _read(self, event: Fields) -> Price | None:
        """Read a trade of the symbol; what else comes is counted among the surprises."""
        trade = public_trade(event)
        if trade is None:
            self._read_other(event)
        elif (symbol := event.text("s")) != self._settings.symbol:
            self._surprises.note(Surprise.WRONG_SYMBOL, symbol)
            return None
        return trade

    def _read_other(self, event: Fields) -> None:
        if is_shutdown(event):
            self._due(Cause.ANNOUNCED)
        elif why := ending(event):
            raise StreamLost(why, Cause.LOST)
        else:
            kind = event.text("e") if "e" in event else ", ".join(sorted(event.names))
            self._surprises.note(Surprise.UNKNOWN_EVENT, f"on the market stream: {kind}")

    def cut(self) -> None:
        """End it at once: it is silent where it has to speak."""
        self._is_given_up = True
        self._socket.transport.abort()

    async def close(self) -> None:
        """End it with a closing handshake; never raises."""
        self._renewal.cancel()
        await self._socket.close()


async def open_stream(
    settings: BinanceSettings,
    age_max_s: float,
    due: Callable[[Cause], None],
    surprises: Surprises,
) -> TradeStream:
    """Connect to the symbol's trades. Raises `Unavailable`."""
    socket = await dial(settings.trade_stream_url, settings, settings.market_frames_max)
    return TradeStream(socket, settings, age_max_s, due, surprises)


async def overlap(
    old: TradeStream, new: TradeStream, ids: TradeIds, patience_s: float
) -> AsyncGenerator[Price]:
    """Yield what two connections bring until the new one is level, and can go on alone.

    Trades come in the order of their ids, but not equally fast over both. So the new one's first
    trade is held until the old one has brought all before it, `patience_s` at most. Where nothing
    is traded, that takes as long as it does. The caller drops what comes twice.

    Raises `StreamLost` where the new connection is lost, or silent while the old one is not.
    """
    loop = asyncio.get_running_loop()
    heard = asyncio.Queue[tuple[TradeStream, Price | StreamLost]]()
    readers = [loop.create_task(_read(old, heard)), loop.create_task(_read(new, heard, 1))]
    first: Price | None = None
    ends_s: float | None = None
    goes_on = True
    try:
        while first is None or (goes_on and not ids.is_next(first)):
            async with asyncio.timeout_at(ends_s):
                stream, news = await heard.get()
            ends_s = ends_s or loop.time() + patience_s
            match news:
                case StreamLost() if stream is new:
                    raise news
                case StreamLost():
                    goes_on, ends_s = False, None
                case _ if stream is new:
                    first = news
                case _:
                    yield news
    except TimeoutError:
        if first is None:
            text = "a new connection brings no trades, the old one does"
            raise StreamLost(text, Cause.STALLED) from None
    finally:
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
    yield first


async def _read(
    stream: TradeStream,
    heard: asyncio.Queue[tuple[TradeStream, Price | StreamLost]],
    trades: int | None = None,
) -> None:
    """Bring so many trades of a connection, or all, and that it is lost."""
    try:
        while trades is None or trades > 0:
            if trade := await stream.receive():
                heard.put_nowait((stream, trade))
                trades = trades and trades - 1
    except StreamLost as exc:
        heard.put_nowait((stream, exc))
