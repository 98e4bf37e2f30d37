"""What a leader adds to a bare loop of `websockets` and `json`, on the same messages.

By turns the bare loop and the leader are sent the same over a real socket, in this process, by
another one. What counts is this process's own CPU time, which others on the machine disturb least;
only reactions are timed by the clock, at the exchange's end.
"""

import asyncio
import json
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal

from websockets.asyncio.client import connect

from bench.leading import NoRecord, leader
from bench.peer import ORDER, peer
from bench.rounds import Row
from symbol_trader.binance.link import Link
from symbol_trader.binance.settings import BinanceSettings
from symbol_trader.binance.surprises import Surprises
from symbol_trader.binance.trade_stream import open_stream
from symbol_trader.binance.user_data import UserDataBuffer
from symbol_trader.core.settings import Settings, TradingStatus
from symbol_trader.runtime.health import Health
from symbol_trader.runtime.metrics import Metrics
from unit.binance.payloads import SYMBOL

ROUNDS = 5
SLOW, FAST, FULL = 1_000, 20_000, 30_000
"""Messages in a second."""
MESSAGES = {SLOW: 5_000, FAST: 40_000}
"""So many are measured in each round, by their rate."""
WARM_UP_S = 0.5
REACTIONS = 300
"""Of one round; those before are not counted."""
WARM_UP = 50
LAG_S = 10.0
LOOK_S = 0.05
SETTINGS = Settings(
    TradingStatus.ON,
    Decimal(100),
    1,
    buy_down=Decimal("0.0001"),
    profit=Decimal("0.001"),
    rebuy=Decimal("0.01"),
)


class Meter:
    """Counts messages, and takes the CPU time of so many of them, once it has begun."""

    def __init__(self, messages: int) -> None:
        self._messages = messages
        self._left = -1
        self._began_s = 0.0
        self.cpu_us = 0.0
        """Of each message, in microseconds."""
        self.done = asyncio.Event()

    async def begin(self) -> None:
        """Begin, after a while in which caches become warm."""
        await asyncio.sleep(WARM_UP_S)
        self._left = self._messages
        self._began_s = time.process_time()

    def count(self) -> None:
        """Count a message."""
        self._left -= 1
        if not self._left:
            self.cpu_us = (time.process_time() - self._began_s) * 1e6 / self._messages
            self.done.set()


class CountedOrders(Metrics):
    """Metrics that tell when so many orders were placed."""

    def __init__(self) -> None:
        super().__init__(SYMBOL, "paper", time.monotonic)
        self._orders = asyncio.Semaphore(0)

    def placed(self, received_s: float | None) -> None:
        """Count an order."""
        super().placed(received_s)
        self._orders.release()

    async def were_placed(self, orders: int) -> None:
        """Wait until there were so many more."""
        for _ in range(orders):
            await self._orders.acquire()


class MeteredHealth(Health):
    """Health that counts the prices."""

    def __init__(self, meter: Meter) -> None:
        super().__init__(time.monotonic)
        self._meter = meter

    def price_received(self, time_ms: int) -> None:
        """Note a price, and count it."""
        super().price_received(time_ms)
        self._meter.count()


# What is compared. Each takes messages from the peer at `url` until the meter is done.

Taking = Callable[[str, str, int, Meter], Awaitable[None]]


async def take_bare(base: str, kind: str, rate: int, meter: Meter) -> None:
    """Read and parse, and nothing else."""
    url = f"{base}/{kind}/{rate}"
    async with connect(url, compression=None) as socket, asyncio.TaskGroup() as beside:
        beside.create_task(meter.begin())
        while not meter.done.is_set():
            json.loads(await socket.recv())
            meter.count()


async def read_trades(base: str, kind: str, rate: int, meter: Meter) -> None:
    """Read trades into values."""
    settings = BinanceSettings(base, f"{base}/{kind}/{rate}", SYMBOL)
    stream = await open_stream(settings, 3600.0, lambda _: None, Surprises())
    async with asyncio.TaskGroup() as beside:
        beside.create_task(meter.begin())
        while not meter.done.is_set():
            if await stream.receive():
                meter.count()
    await stream.close()


async def read_reports(base: str, kind: str, rate: int, meter: Meter) -> None:
    """Read execution reports into values, as far as the leader's end of the queue."""
    settings = BinanceSettings(f"{base}/{kind}/{rate}", base, SYMBOL)
    user_data = UserDataBuffer(settings.user_events_max)
    link = Link(settings, user_data)
    await link.open()
    async with asyncio.TaskGroup() as beside:
        beside.create_task(meter.begin())
        async for _ in user_data.events:
            meter.count()
            if meter.done.is_set():
                break
    await link.close()


async def lead(base: str, kind: str, rate: int, meter: Meter) -> None:
    """Trade on them: an order rests, and no price concerns it."""
    async with leading(f"{base}/rests", f"{base}/{kind}/{rate}", MeteredHealth(meter)):
        await meter.begin()
        await meter.done.wait()


@asynccontextmanager
async def leading(api: str, streams: str, health: Health) -> AsyncIterator[CountedOrders]:
    """Run a leader without a record; it has placed its first order."""
    settings = BinanceSettings(f"{api}/ws-api/v3", streams, SYMBOL)
    nothing, metrics = NoRecord(), CountedOrders()
    service = leader(SETTINGS, settings, nothing, nothing, metrics=metrics, health=health)
    running = asyncio.create_task(service.run())
    try:
        await metrics.were_placed(1)
        yield metrics
    finally:
        service.stop()
        await running


@dataclass(frozen=True, slots=True)
class Ratio:
    """What the bare loop took in each round, and what was compared with it took in the same."""

    bare: Sequence[float]
    ours: Sequence[float]

    def row(self, name: str, unit: str, goal: str) -> Row:
        """Say how they compare: the median of the rounds' ratios, and the medians themselves."""
        ratio = statistics.median(o / b for o, b in zip(self.ours, self.bare, strict=True))
        ours, bare = statistics.median(self.ours), statistics.median(self.bare)
        return name, f"{ratio:.2f}x", f"{goal} ({ours:.1f} {unit} to {bare:.1f} {unit})"


async def _compare(base: str, kind: str, rate: int, take: Taking) -> Ratio:
    bare, ours = list[float](), list[float]()
    for _ in range(ROUNDS):
        for one, found in ((take_bare, bare), (take, ours)):
            meter = Meter(MESSAGES[rate])
            await one(base, kind, rate, meter)
            found.append(meter.cpu_us)
    return Ratio(bare, ours)


# Reactions.


async def react_bare(base: str) -> None:
    """Answer each report of a fill with an order, and read the reply."""
    async with connect(f"{base}/bare", compression=None) as socket:
        for _ in range(WARM_UP + REACTIONS):
            json.loads(await socket.recv())
            await socket.send(json.dumps(ORDER))
            json.loads(await socket.recv())


async def react(base: str) -> None:
    """Buy, and sell when the buy is filled, by the price that comes next."""
    health = Health(time.monotonic)
    async with leading(f"{base}/fills", f"{base}/fills", health) as metrics:
        await metrics.were_placed(2 * (WARM_UP + REACTIONS))


async def _reactions(base: str, reacting: Awaitable[None]) -> float:
    """Return the median of the reactions' microseconds."""
    await reacting
    async with connect(f"{base}/reactions") as socket:
        found: list[float] = json.loads(await socket.recv())
    return statistics.median(found[-REACTIONS:]) * 1e6


async def _compare_reactions(base: str) -> Ratio:
    bare, ours = list[float](), list[float]()
    for _ in range(ROUNDS):
        bare.append(await _reactions(base, react_bare(base)))
        ours.append(await _reactions(base, react(base)))
    return Ratio(bare, ours)


# Lag.


async def _lag(base: str) -> tuple[float, float]:
    """Return by how many milliseconds prices are late at the beginning, and at the end."""
    health, late = Health(time.monotonic), list[float]()
    async with leading(f"{base}/rests", f"{base}/trades/{FULL}", health):
        ends_s = time.monotonic() + LAG_S
        while time.monotonic() < ends_s:
            await asyncio.sleep(LOOK_S)
            late.append(time.time() * 1000 - (health.price_time_ms or 0))
    part = len(late) // 4
    return statistics.median(late[:part]), statistics.median(late[-part:])


async def measure() -> list[Row]:
    """Return rows of name, figure and goal."""
    print("measuring what a leader adds to a bare loop ...", file=sys.stderr, flush=True)
    async with peer() as base:
        reaction = await _compare_reactions(base)
        trades = await _compare(base, "trades", FAST, read_trades)
        reports = await _compare(base, "reports", FAST, read_reports)
        slow = await _compare(base, "trades", SLOW, lead)
        fast = await _compare(base, "trades", FAST, lead)
        began_ms, ended_ms = await _lag(base)
    capacity = 1e6 / statistics.median(fast.ours)
    return [
        reaction.row("execution report in, order out", "µs", "goal: 1.5x"),
        trades.row("a trade read and parsed, CPU", "µs", "goal: 1.5x"),
        reports.row("an execution report read and parsed, CPU", "µs", "goal: 1.5x"),
        slow.row(f"a leader's CPU at {SLOW:,} trades/s", "µs", "goal: 1.3x"),
        fast.row(f"a leader's CPU at {FAST:,} trades/s", "µs", "goal: 1.5x"),
        (
            f"late after {LAG_S:.0f} s of {FULL:,} trades/s",
            f"{ended_ms:.1f} ms",
            f"{began_ms:.1f} ms before",
        ),
        ("trades that fill a core", f"{capacity:,.0f}/s", f"goal: {FULL:,}/s"),
    ]
