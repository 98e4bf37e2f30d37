"""The price stream comes back by itself, and says once for each outage that it was gone."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from decimal import Decimal
from http import HTTPStatus
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from symbol_trader.binance.market import BinanceMarket
from symbol_trader.binance.pacing import ConnectionPacer
from symbol_trader.binance.reconnects import Cause, Reconnects, Service
from symbol_trader.binance.settings import BinanceSettings
from symbol_trader.binance.surprises import Surprise, Surprises
from symbol_trader.core.replies import Price, TradeGap
from unit.binance import payloads
from unit.binance.scripted import refusing

FIRST = Price(1, Decimal("0.5"), 1_700_000_003_001)
SECOND = Price(2, Decimal("0.4"), 1_700_000_003_001)
THIRD = Price(3, Decimal("0.5"), 1_700_000_003_001)

SHUTDOWN = '{"e":"serverShutdown","E":1}'
TRADE = json.dumps(payloads.public_trade(1, "0.5"))
THIRD_TRADE = json.dumps(payloads.public_trade(3, "0.5"))
NEXT_TRADE = json.dumps(payloads.public_trade(2, "0.4"))


class Streams:
    """A server of public trades: it sends each new connection its lines.

    Then it hangs up, unless it is `patient` or has no script for a further connection.
    """

    def __init__(self) -> None:
        self.patient = False
        self.url = ""
        self.scripts: list[tuple[str | bytes, ...]] = []
        self.paths: list[str] = []
        self.connections: asyncio.Queue[ServerConnection] = asyncio.Queue()

    async def serve(self, connection: ServerConnection) -> None:
        """Send a connection's script."""
        assert connection.request is not None
        self.paths.append(connection.request.path)
        self.connections.put_nowait(connection)
        for line in self.scripts.pop(0) if self.scripts else ():
            await connection.send(line)
        if self.patient or not self.scripts:
            await connection.wait_closed()


@pytest.fixture
async def streams() -> AsyncIterator[Streams]:
    server = Streams()
    async with serve(server.serve, "127.0.0.1", 0, close_timeout=0.1) as running:
        server.url = f"ws://127.0.0.1:{running.sockets[0].getsockname()[1]}"
        yield server


def line(number: int) -> str:
    """Make the message of a trade that is as much later as its number is higher."""
    return json.dumps({**payloads.public_trade(number, "0.5"), "E": 1_700_000_000_000 + number})


def market_of(
    url: str,
    surprises: Surprises | None = None,
    reconnects: Reconnects | None = None,
    random: float = 0.5,
    **changes: Any,
) -> BinanceMarket:
    values: dict[str, Any] = {
        "api_url": "ws://127.0.0.1:1",
        "stream_url": url,
        "symbol": payloads.SYMBOL,
        "close_timeout_s": 0.1,
        "reconnect_first_s": 0.001,
        **changes,
    }
    return BinanceMarket(
        BinanceSettings(**values),
        random=lambda: random,
        surprises=surprises,
        reconnects=reconnects,
    )


@asynccontextmanager
async def prices_of(market: BinanceMarket) -> AsyncIterator[AsyncIterator[Price | TradeGap | None]]:
    async with aclosing(market.prices()) as prices:
        yield prices
    await market.close()


async def test_trades_come_from_the_symbols_stream(streams: Streams) -> None:
    streams.scripts = [(TRADE, '{"result":null,"id":1}', NEXT_TRADE)]

    async with prices_of(market_of(streams.url)) as prices:
        assert [await anext(prices), await anext(prices)] == [FIRST, SECOND]

    assert streams.paths == ["/ws/xrpusdt@trade"]


@pytest.mark.parametrize(
    "end",
    [(), ('{"e":"eventStreamTerminated","E":1}',), ("{",), ('{"e":"trade","t":"x"}',)],
    ids=["closed", "ended", "not json", "cut trade"],
)
async def test_a_lost_stream_says_so_and_comes_back(streams: Streams, end: tuple[str, ...]) -> None:
    streams.scripts = [(TRADE, *end), (NEXT_TRADE,)]
    streams.patient = bool(end)  # it is the client that leaves

    async with prices_of(market_of(streams.url)) as prices:
        assert [await anext(prices) for _ in range(3)] == [FIRST, None, SECOND]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (json.dumps(payloads.public_trade(1, "0.5", s="BTCUSDT")), Surprise.WRONG_SYMBOL),
        ('{"e":"aggTrade","p":"0.5"}', Surprise.UNKNOWN_EVENT),
        ('{"u":1,"b":"0.5"}', Surprise.UNKNOWN_EVENT),
    ],
)
async def test_what_is_no_trade_of_the_symbol_is_no_price_and_is_counted(
    streams: Streams, line: str, kind: Surprise
) -> None:
    streams.scripts = [(line, NEXT_TRADE)]
    surprises = Surprises()

    async with prices_of(market_of(streams.url, surprises)) as prices:
        assert await anext(prices) == SECOND

    assert surprises.counts[kind] == 1


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (json.dumps(payloads.public_trade(1, "0")), Surprise.UNREADABLE),
        (json.dumps(payloads.public_trade(1, "-0.5")), Surprise.UNREADABLE),
        (json.dumps(payloads.public_trade(1, "9" * 41)), Surprise.UNREADABLE),
        (b"\x00\xff\xfe", Surprise.UNREADABLE),
        (TRADE + " " * 2_000, Surprise.OVERSIZED),
    ],
    ids=["zero", "negative", "41 digits", "binary", "oversized"],
)
async def test_what_cannot_be_a_price_ends_the_connection_and_is_counted(
    streams: Streams, line: str | bytes, kind: Surprise
) -> None:
    streams.scripts = [(line,), (NEXT_TRADE,)]
    streams.patient = True
    surprises = Surprises()

    async with prices_of(market_of(streams.url, surprises, message_bytes_max=1_000)) as prices:
        assert [await anext(prices) for _ in range(2)] == [None, SECOND]

    assert surprises.counts[kind] == 1


async def test_a_connection_that_is_cut_comes_back(streams: Streams) -> None:
    async with prices_of(market_of(streams.url)) as prices:
        waiting = asyncio.ensure_future(anext(prices))
        (await streams.connections.get()).transport.abort()
        assert await waiting is None

        streams.scripts = [(TRADE,)]
        assert await anext(prices) == FIRST


async def test_one_outage_is_reported_once_however_many_attempts_it_takes(
    streams: Streams,
) -> None:
    streams.scripts = [(TRADE,), (), (), (), (NEXT_TRADE,)]

    async with prices_of(market_of(streams.url)) as prices:
        assert [await anext(prices) for _ in range(3)] == [FIRST, None, SECOND]

    assert len(streams.paths) == 5


async def test_each_outage_is_reported_and_its_pauses_begin_anew(
    streams: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    streams.scripts = [(TRADE,), (), (), (NEXT_TRADE,), (THIRD_TRADE,)]
    market = market_of(streams.url, reconnect_first_s=4.0)
    pauses: list[float] = []

    async def note(pause: float) -> None:
        pauses.append(pause)

    monkeypatch.setattr(market, "_pause", note)

    async with prices_of(market) as prices:
        assert [await anext(prices) for _ in range(5)] == [FIRST, None, SECOND, None, THIRD]

    assert pauses == [2.0, 4.0, 8.0, 2.0]


async def test_a_stream_that_cannot_be_opened_says_so(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{unused.getsockname()[1]}"

        async with prices_of(market_of(f"ws://{place}")) as prices:
            assert await anext(prices) is None

    assert f"no market data: cannot connect to {place}: connection refused" in caplog.text


async def test_a_silent_stream_is_no_loss(streams: Streams) -> None:
    async with prices_of(market_of(streams.url)) as prices:
        waiting = asyncio.ensure_future(anext(prices))
        connection = await streams.connections.get()
        await (await connection.ping())
        assert not waiting.done()

        await connection.send(TRADE)
        assert await waiting == FIRST


async def test_a_slow_reader_misses_nothing(streams: Streams) -> None:
    lines = [json.dumps(payloads.public_trade(number, "0.5")) for number in range(200)]
    streams.scripts = [tuple(lines)]

    async with prices_of(market_of(streams.url, market_frames_max=2)) as prices:
        seen = [await anext(prices) for _ in lines]

    assert [price.trade_id for price in seen if isinstance(price, Price)] == list(range(200))


async def test_closing_ends_the_prices(streams: Streams) -> None:
    streams.scripts = [(TRADE,)]
    market = market_of(streams.url)
    prices = market.prices()
    assert await anext(prices) == FIRST
    waiting = asyncio.ensure_future(anext(prices, "ended"))
    await asyncio.sleep(0)

    await market.close()

    assert await waiting == "ended"


async def test_closing_while_connecting_ends_the_prices(streams: Streams) -> None:
    market = market_of(streams.url)
    waiting = asyncio.ensure_future(anext(market.prices(), "ended"))
    await asyncio.sleep(0)

    await market.close()

    assert await waiting == "ended"


async def test_closing_ends_the_wait_between_attempts(streams: Streams) -> None:
    streams.scripts = [(), ()]
    market = market_of(streams.url, reconnect_first_s=3600.0, reconnect_limit_s=3600.0)
    prices = market.prices()
    assert await anext(prices) is None
    waiting = asyncio.ensure_future(anext(prices, "ended"))
    await asyncio.sleep(0)

    await market.close()

    assert await waiting == "ended"


async def test_a_stream_that_may_not_be_opened_yet_is_left_alone_as_long_as_it_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []

    async def pause(market: BinanceMarket, delay: float) -> None:
        pauses.append(delay)
        await market.close()

    monkeypatch.setattr(BinanceMarket, "_pause", pause)
    async with refusing(HTTPStatus.TOO_MANY_REQUESTS, Retry_After="37") as (url, asked):
        assert [price async for price in market_of(url).prices()] == [None]

    assert pauses == [37]
    assert len(asked) == 1


async def test_a_ban_is_no_outage_whose_pauses_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def pause(market: BinanceMarket, delay: float) -> None:
        pauses.append(delay)
        if len(pauses) == 4:
            await market.close()

    monkeypatch.setattr(BinanceMarket, "_pause", pause)
    async with refusing(HTTPStatus.TOO_MANY_REQUESTS, Retry_After="3") as (url, _):
        market = market_of(url, reconnect_first_s=2.0)
        assert [price async for price in market.prices()] == [None]

    assert pauses == [3, 3, 3, 3]


async def test_a_stream_that_is_given_up_comes_back(streams: Streams) -> None:
    streams.scripts = [(TRADE,)]
    market = market_of(streams.url, silent_s=0.0)
    assert not market.reconnect(), "there is none yet"

    async with prices_of(market) as prices:
        assert await anext(prices) == FIRST
        assert market.reconnect()
        market.reconnect()
        assert await anext(prices) is None

        streams.scripts = [(NEXT_TRADE,)]
        assert await anext(prices) == SECOND

    assert len(streams.paths) == 2


async def trades_of(prices: AsyncIterator[Price | TradeGap | None], last: int) -> list[Any]:
    """Read until the last trade; return the ids, and everything else as it came."""
    seen: list[Any] = []
    async for price in prices:
        seen.append(price.trade_id if isinstance(price, Price) else price)
        if seen[-1] == last:
            return seen
    raise AssertionError("the stream has no end")


async def test_a_stream_that_ends_soon_gives_way_without_a_break(streams: Streams) -> None:
    streams.patient = True
    streams.scripts = [(line(1), line(2), SHUTDOWN), (line(2), line(3))]
    reconnects = Reconnects()

    async with prices_of(market_of(streams.url, reconnects=reconnects)) as prices:
        reading = asyncio.ensure_future(trades_of(prices, 4))
        old, new = [await streams.connections.get() for _ in range(2)]
        await old.send(line(3))
        await new.send(line(4))

        assert await reading == [1, 2, 3, 4]
        await old.wait_closed()

    assert old.close_code == 1000
    assert reconnects.counts[Service.MARKET, Cause.ANNOUNCED] == 1
    assert sum(reconnects.counts.values()) == 1


async def test_the_slower_old_stream_is_read_up_to_the_new_ones_first_trade(
    streams: Streams,
) -> None:
    streams.patient = True
    streams.scripts = [(line(1), SHUTDOWN), (line(5),)]

    async with prices_of(market_of(streams.url)) as prices:
        reading = asyncio.ensure_future(trades_of(prices, 5))
        old, _ = [await streams.connections.get() for _ in range(2)]
        for number in (2, 3, 4):
            await old.send(line(number))

        assert await reading == [1, 2, 3, 4, 5]


async def test_what_neither_stream_brings_is_a_gap(streams: Streams) -> None:
    streams.patient = True
    streams.scripts = [(line(1), SHUTDOWN), (line(5),)]

    async with prices_of(market_of(streams.url, overlap_s=0.05)) as prices:
        reading = asyncio.ensure_future(trades_of(prices, 5))
        old, _ = [await streams.connections.get() for _ in range(2)]
        await old.send(line(2))

        gap = TradeGap(3, 4, 1_700_000_000_002, 1_700_000_000_005)
        assert await reading == [1, 2, gap, 5]


async def test_an_old_stream_that_closes_leaves_the_new_one_without_a_break(
    streams: Streams,
) -> None:
    streams.patient = True
    streams.scripts = [(line(1), SHUTDOWN), ()]

    async with prices_of(market_of(streams.url)) as prices:
        reading = asyncio.ensure_future(trades_of(prices, 3))
        old, new = [await streams.connections.get() for _ in range(2)]
        await old.send(line(2))
        await old.close(1001)
        await new.send(line(3))

        assert await reading == [1, 2, 3]


async def test_a_silent_market_is_renewed_as_well(streams: Streams) -> None:
    streams.patient = True
    streams.scripts = [(SHUTDOWN,), ()]

    async with prices_of(market_of(streams.url)) as prices:
        reading = asyncio.ensure_future(trades_of(prices, 1))
        old, new = [await streams.connections.get() for _ in range(2)]
        await (await new.ping())
        await old.close(1001)
        await new.send(line(1))

        assert await reading == [1]


async def test_a_new_stream_that_is_silent_is_not_trusted(streams: Streams) -> None:
    streams.patient = True
    streams.scripts = [(line(1), SHUTDOWN), (), (line(4),)]
    reconnects = Reconnects()

    async with prices_of(market_of(streams.url, reconnects=reconnects, overlap_s=0.05)) as prices:
        reading = asyncio.ensure_future(trades_of(prices, 4))
        old, new = [await streams.connections.get() for _ in range(2)]
        await (await new.ping())
        await old.send(line(2))  # after it, both are listened to
        await (await old.ping())
        await old.send(line(3))

        assert await reading == [1, 2, 3, None, 4]

    assert reconnects.counts[Service.MARKET, Cause.STALLED] == 1


async def test_a_stream_that_is_too_old_is_renewed(streams: Streams) -> None:
    streams.patient = True
    streams.scripts = [(line(1),), (line(2),)]
    reconnects = Reconnects()
    market = market_of(streams.url, reconnects=reconnects, random=0.0, session_age_max_s=0.2)

    async with prices_of(market) as prices:
        reading = asyncio.ensure_future(trades_of(prices, 2))
        old = await streams.connections.get()
        await streams.connections.get()
        await old.close(1001)

        assert await reading == [1, 2]

    assert reconnects.counts[Service.MARKET, Cause.AGE] >= 1


async def test_trades_that_were_missed_in_an_outage_are_a_gap(streams: Streams) -> None:
    streams.scripts = [(line(1),), (line(1), line(4))]

    async with prices_of(market_of(streams.url)) as prices:
        seen = await trades_of(prices, 4)

    assert seen == [1, None, TradeGap(2, 3, 1_700_000_000_001, 1_700_000_000_004), 4]


async def test_ids_that_begin_again_are_no_repetition(streams: Streams) -> None:
    reset = json.dumps({**payloads.public_trade(1, "0.5"), "E": 1_700_000_000_900})
    streams.scripts = [(line(800),), (reset,)]

    async with prices_of(market_of(streams.url)) as prices:
        assert await trades_of(prices, 1) == [800, None, 1]


async def test_a_stream_that_answers_no_ping_is_given_up(streams: Streams) -> None:
    streams.scripts = [(line(1),)]
    reconnects = Reconnects()
    market = market_of(
        streams.url,
        reconnects=reconnects,
        ping_interval_s=0.05,
        ping_timeout_s=0.05,
        reconnect_first_s=9.0,
    )

    async with prices_of(market) as prices:
        assert await trades_of(prices, 1) == [1]
        (await streams.connections.get()).transport.pause_reading()
        assert await anext(prices) is None

    assert reconnects.counts[Service.MARKET, Cause.STALLED] == 1


class Slots:
    """Slots of which the first is far away and the second free."""

    def __init__(self) -> None:
        self.reserved = 0
        self.asked = asyncio.Event()

    async def reserve(self, _: float) -> float | None:
        self.reserved += 1
        self.asked.set()
        return 2_000.0 if self.reserved == 1 else 0.0


async def test_a_stream_waits_for_its_slot(
    streams: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    streams.scripts = [(line(1),)]
    pauses: list[float] = []
    market = market_of(streams.url)
    market._pacer = ConnectionPacer(
        Slots(), clock=lambda: 1_000.0 * len(pauses), random=lambda: 0.5
    )

    async def pause(delay: float) -> None:
        pauses.append(delay)

    monkeypatch.setattr(market, "_pause", pause)

    async with prices_of(market) as prices:
        assert await trades_of(prices, 1) == [1]

    assert pauses == [1_962.5, 962.5]


async def test_closing_ends_the_wait_for_a_slot(streams: Streams) -> None:
    """However far away it is: a loop that waits without waiting would let nothing else run."""
    slots = Slots()
    market = market_of(streams.url)
    market._pacer = ConnectionPacer(slots, clock=lambda: 0.0, random=lambda: 0.5)
    prices = market.prices()
    first = asyncio.ensure_future(anext(prices))
    await slots.asked.wait()
    await market.close()
    with pytest.raises(StopAsyncIteration):
        await first


async def test_a_stream_that_was_opened_just_now_is_not_given_up(streams: Streams) -> None:
    streams.scripts = [(TRADE,)]
    market = market_of(streams.url)

    async with prices_of(market) as prices:
        assert await anext(prices) == FIRST
        assert not market.reconnect()
        await (await streams.connections.get()).send(NEXT_TRADE)
        assert await anext(prices) == SECOND
