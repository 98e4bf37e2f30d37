"""How much leaders ask of the exchange, by its own count, and how many one address can have.

Nothing here is faster than it would be at Binance: the exchange has Binance's own limits, so the
many sessions take ten minutes to begin, and as long to come back.
"""

import asyncio
import json
import re
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect

from bench.rounds import Row
from support.postgres import Server, running_server
from support.processes import Bot, Running, Venue, start, until, venue, write_resource
from symbol_trader.binance.weights import CONNECTION
from symbol_trader.postgres.migrate import migrate

PROCESSES = 4
LEADERS = 20
STEADY_S = 120.0
ALL_WITHIN_S = 1_800.0
SYMBOLS = tuple(f"{letter * 3}USDT" for letter in "ABCDEFGHIJKLMNOPQRST")
TRADES = "starting trading"
LIMITED = r"-1003|-1015|-1034|HTTP 4(18|29)"
ENDED = r"^ended|reason=ExchangeUnreachable|reason=DatabaseUnreachable"
ENDED_SHOWN = 10
LATEST_S = 30
"""The second of a minute after which nothing is begun that has to end within it."""


class Counter:
    """What the exchange has counted of this address's request weight, asked at its own cost."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def used(self) -> tuple[int, int]:
        """Return the second of the exchange's minute, and the weight used in that minute."""
        await self._connection.send(json.dumps({"id": 1, "method": "time"}))
        reply = json.loads(await self._connection.recv())
        (limit,) = reply["rateLimits"]
        return reply["result"]["serverTime"] // 1_000 % 60, limit["count"]

    async def weigh(self, work: Callable[[], Awaitable[None]]) -> int:
        """Return the weight of some work; it is begun where a minute has time enough for it."""
        while (before := await self.used())[0] > LATEST_S:  # noqa: ASYNC110 - the exchange's minute
            await asyncio.sleep(61 - before[0])
        await work()
        after = await self.used()
        if after[0] < before[0]:
            raise AssertionError("the work took longer than the rest of a minute")
        return after[1] - before[1] - 1


@dataclass(slots=True)
class Fleet:
    """The processes with sessions, and the leaders."""

    workers: list[Running]
    bots: list[Running]

    def up(self) -> int:
        """Return how often a session or a leader has begun, all together."""
        sessions = sum(worker.count("^up$") for worker in self.workers)
        return sessions + sum(bot.count(TRADES) for bot in self.bots)

    def limited(self) -> int:
        """Return how often the exchange has limited one of them."""
        sessions = sum(worker.count("^limited$") for worker in self.workers)
        return sessions + sum(bot.count(LIMITED) for bot in self.bots)

    def ended(self) -> list[str]:
        """Return why sessions and leaders have ended so far: each as it said so."""
        running = [*self.workers, *self.bots]
        return [line for one in running for line in one.lines if re.search(ENDED, line)]

    async def all_up(self, count: int) -> tuple[float, int]:
        """Wait until so many have begun; return the seconds, and how many did in a minute."""
        began_s, before = time.monotonic(), self.up()
        await until(lambda: time.monotonic() - began_s >= 60 or self.up() >= count, within_s=90)
        first_minute = self.up() - before
        await until(lambda: self.up() >= count, within_s=ALL_WITHIN_S, every_s=0.5)
        return time.monotonic() - began_s, first_minute


async def measure(sessions: int) -> list[Row]:
    """Measure what one leader asks, then many sessions and some leaders."""
    with (
        tempfile.TemporaryDirectory() as name,
        running_server(max_connections="100") as server,
    ):
        folder = Path(name)
        async with _market(folder / "one") as exchange:
            weights = await _weights(exchange, folder, await _record(server))
        async with _market(folder / "many") as exchange:
            return weights + await _many(exchange, folder, await _record(server), sessions)


async def _record(server: Server) -> str:
    """Make a record; return its URL. Each exchange has its own: their accounts differ."""
    url = server.url(await server.create_database())
    await migrate(url, lambda _: None)
    return url


def _market(journal: Path) -> AbstractAsyncContextManager[Venue]:
    symbols = ",".join(SYMBOLS)
    return venue(journal, "--synthetic-symbols", symbols, "--speed", "0.2")


async def _weights(exchange: Venue, folder: Path, url: str) -> list[Row]:
    """Start a leader that finds nothing, start it again, and cut its connection."""
    _say("measuring what a start and a reconnect weigh ...")
    bot = _bot(exchange, folder, url, SYMBOLS[0])

    async def begin() -> None:
        running = await bot.start()
        await running.said(TRADES)

    async def come_back() -> None:
        await exchange.admin("cut", channel="api")
        assert bot.running
        await bot.running.said(TRADES, times=2)

    try:
        async with connect(f"{exchange.address}/ws-api/v3") as connection:
            counter = Counter(connection)
            first = await counter.weigh(begin)
            await bot.kill()
            start_weight = await counter.weigh(begin)
        reconnect = await _reconnect(exchange, come_back)
    finally:
        await bot.kill()
    return [
        ("weight of a start", f"{start_weight}", "goal: 60"),
        ("  where nobody has asked for the symbol yet", f"{first}", ""),
        ("  of a reconnect", f"{reconnect}", "goal: 30"),
    ]


async def _reconnect(exchange: Venue, come_back: Callable[[], Awaitable[None]]) -> int:
    """Weigh what follows when all connections are cut, the one that counts included."""
    async with connect(f"{exchange.address}/ws-api/v3") as connection:
        while (before := await Counter(connection).used())[0] > LATEST_S:  # noqa: ASYNC110 - the same
            await asyncio.sleep(61 - before[0])
    await come_back()
    async with connect(f"{exchange.address}/ws-api/v3") as connection:
        after = await Counter(connection).used()
    return after[1] - before[1] - CONNECTION - 1


async def _many(exchange: Venue, folder: Path, url: str, sessions: int) -> list[Row]:
    """Let all begin at once, go on for a while, and come back after a cut of all connections."""
    count = sessions + LEADERS
    fleet = Fleet([], [])
    bots = [_bot(exchange, folder, url, symbol) for symbol in SYMBOLS[:LEADERS]]
    api_url = f"{exchange.address}/ws-api/v3"
    try:
        _say(f"{sessions} sessions in {PROCESSES} processes and {LEADERS} leaders begin ...")
        for number in range(PROCESSES):
            part = sessions // PROCESSES + (number < sessions % PROCESSES)
            words = (api_url, exchange.address, url, str(part), *SYMBOLS)
            fleet.workers.append(await start("bench.sessions", *words))
        fleet.bots = [await bot.start() for bot in bots]
        began_s, in_a_minute = await fleet.all_up(count)
        _say(f"  all up after {began_s:.0f} s; now steady for {STEADY_S:.0f} s")
        at_start, before = fleet.limited(), len(fleet.ended())
        await asyncio.sleep(STEADY_S)
        steady = fleet.limited() - at_start
        ended = fleet.ended()[before:]
        _say(f"  limited {steady} times, {len(ended)} ended; all reconnect at once ...")
        for why in ended[:ENDED_SHOWN]:
            _say(f"    {why}")
        ups = fleet.up()
        await exchange.admin("cut", channel="all")
        back_s, back_in_a_minute = await fleet.all_up(ups + count)
        after = fleet.limited() - at_start - steady
    finally:
        for worker in fleet.workers:
            await worker.kill()
        for bot in bots:
            await bot.kill()
    return [
        (f"{count} sessions begun at once, all up", f"{began_s:.0f} s", ""),
        ("  in the first minute", f"{in_a_minute}", "30 at once, then 48 a minute"),
        ("  limited by the exchange", f"{at_start}", "goal: 0"),
        (f"  in {STEADY_S:.0f} s of steady state", f"{steady}", "goal: 0"),
        ("  sessions ended meanwhile", f"{len(ended)}", "goal: 0"),
        ("  all cut off at once, all back", f"{back_s:.0f} s", ""),
        ("  in the first minute", f"{back_in_a_minute}", ""),
        ("  limited by the exchange", f"{after}", "goal: 0"),
    ]


def _bot(exchange: Venue, folder: Path, url: str, symbol: str) -> Bot:
    file = folder / f"{symbol}.yaml"
    write_resource(file, symbol=symbol, status="on")
    return Bot(file, exchange, url)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
