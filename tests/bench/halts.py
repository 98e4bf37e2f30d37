"""How soon a halt of an account has stopped all buys, and what limits cost each of them.

The statements are the product's own, on a PostgreSQL that writes to disk. Moments are by its clock,
which is this machine's.
"""

import asyncio
import itertools
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import asyncpg

from bench.ledgers import ENVIRONMENT, RETRY_S, limit
from bench.limited import UP_WITHIN_S, buyers, compare, steady
from bench.limits import SYMBOLS, TRADES
from bench.rounds import Row
from support.postgres import Server, running_server
from support.processes import Bot, Running, Venue, until, venue, write_resource
from symbol_trader.errors import Unavailable
from symbol_trader.postgres.account_limits import halt, resume
from symbol_trader.postgres.migrate import migrate

PROCESSES = 4
SETTLES_S = 2.0
"""How long after a halt buys are still looked for."""
LATER_S = 0.02
"""By how much later the halt begins in each crash than in the one before."""
REASON = "measured"
SPEC = {"status": "on", "budget": 100, "chunks": 5, "maxBuyAge": "1s", "rebuyInterval": "0.05%"}
"""Of a leader that buys often."""

LAST_BUY: Final = """
SELECT extract(epoch FROM max(at)) AS at, count(*) FILTER (WHERE at > $1) AS past
FROM orders CROSS JOIN LATERAL (SELECT CASE
    WHEN state = 'intent' THEN pg_xact_commit_timestamp(orders.xmin) ELSE committed_at
END AS at) AS c
WHERE side = 'BUY'
"""
"""When the last buy was committed, and how many were after $1.

Of orders whose row was written again, the moment of the insertion stands in for the commit.
"""
HALTED_AT: Final = "SELECT pg_xact_commit_timestamp(xmin) AS at FROM halts"
PER_SECOND: Final = """
SELECT count(*) / 5.0 FROM orders
WHERE side = 'BUY' AND committed_at > now() - interval '5 s'
"""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    pairs: int = 3_000
    """Buys with limits, and as many without, by turns."""
    symbols: int = 50
    """Of the account whose buys are timed."""
    per_second: float = 100.0
    """Buys of all clients together."""
    seconds: float = 60.0
    clients: int = 980
    """Ledgers that only the statements of a leader are written for."""
    leaders: int = 20
    connections: int = 20
    """Of these ledgers."""
    halts: int = 10
    failovers: int = 6
    buying_s: float = 6.0
    """How long the account buys between two halts: leaders look at halts every 5 s."""


async def measure(size: Size) -> list[Row]:
    """Measure all of it."""
    with running_server(
        fsync=True, max_connections="150", shared_buffers="128MB", track_commit_timestamp="on"
    ) as server:
        _say("a buy with all limits on, and one without, by turns ...")
        compared = await compare(await _record(server), size.symbols, size.pairs)
        _say(f"{size.per_second:.0f} buys a second for {size.seconds:.0f} s ...")
        together = await steady(await _record(server), size.symbols, size.per_second, size.seconds)
        return [*compared, *together, *await _propagation(server, size)]


async def _record(server: Server) -> str:
    url = server.url(await server.create_database())
    await migrate(url, lambda _: None)
    return url


@dataclass(frozen=True, slots=True)
class Halted:
    """What a halt did to the buys of an account; all times in seconds."""

    after_row_s: float
    """From the commit of the halt's row to that of the last buy."""
    after_start_s: float
    """From the start of what halted it to the same."""
    past: int
    """Buys that were committed after the halt's row."""
    per_second: float
    """Buys before it."""


async def _propagation(server: Server, size: Size) -> list[Row]:
    url = await _record(server)
    with tempfile.TemporaryDirectory() as name:
        async with _market(Path(name)) as exchange, _leaders(exchange, Path(name), url, size):
            ((account,),) = await _rows(url, "SELECT DISTINCT account FROM owners")
            _say(f"claiming {size.clients} ledgers ...")
            async with buyers(
                url,
                account,
                processes=PROCESSES,
                ledgers=size.clients,
                connections=size.connections,
                per_second=size.per_second,
            ) as processes:
                await limit(url, account)
                buying = BuyingAccount(server, url, account, processes, size)
                by_command = await buying.halt_by_command()
                return _told(size, *by_command, await buying.fail_over())


def _market(folder: Path) -> AbstractAsyncContextManager[Venue]:
    return venue(folder / "journal", "--synthetic-symbols", ",".join(SYMBOLS))


@asynccontextmanager
async def _leaders(
    exchange: Venue, folder: Path, url: str, size: Size
) -> AsyncIterator[list[Running]]:
    """Let real leaders trade; at the end they are gone."""
    _say(f"{size.leaders} leaders begin ...")
    bots = []
    for symbol in SYMBOLS[: size.leaders]:
        write_resource(folder / f"{symbol}.yaml", symbol=symbol, **SPEC)
        bots.append(Bot(folder / f"{symbol}.yaml", exchange, url))
    try:
        running = [await bot.start() for bot in bots]
        for one in running:
            await one.said(TRADES, within_s=UP_WITHIN_S)
        yield running
    finally:
        for bot in bots:
            await bot.kill()


def _told(size: Size, halts: list[Halted], start_s: float, failovers: list[Halted]) -> list[Row]:
    per_second = statistics.median(one.per_second for one in halts)
    after_row_s, after_start_s = (
        max(values)
        for values in zip(*((h.after_row_s, h.after_start_s) for h in halts), strict=True)
    )
    name = f"{size.clients + size.leaders} ledgers, {size.leaders} with real leaders"
    return [
        (f"{name}, before a halt", f"{per_second:.0f} buys/s", ""),
        (
            f"  last buy after the halt's row, worst of {len(halts)}",
            f"{after_row_s:.3f} s",
            "goal: 1 s",
        ),
        ("  after the start of `symbol-trader halt`", f"{after_start_s:.2f} s", "goal: 5 s"),
        ("    a start of the program alone, median", f"{start_s:.2f} s", ""),
        ("  buys after the halt's row", f"{sum(one.past for one in halts)}", "goal: 0"),
        (
            f"  the same, PostgreSQL crashing meanwhile, {len(failovers)} times",
            f"{sum(one.past for one in failovers)}",
            "goal: 0",
        ),
    ]


@dataclass(frozen=True, slots=True)
class BuyingAccount:
    """An account that buys, on a server that can be crashed."""

    server: Server
    url: str
    account: str
    processes: list[Running]
    size: Size

    async def halt_by_command(self) -> tuple[list[Halted], float]:
        """Halt it by the command line, time after time; and the median of the program's start."""
        halts, starts_s = [], []
        for _ in range(self.size.halts):
            began_s = time.monotonic()
            await self._command("--help")
            starts_s.append(time.monotonic() - began_s)
            words = ("--account", self.account, "--reason", REASON)
            halts.append(await self._halted(partial(self._command, *words)))
        return halts, statistics.median(starts_s)

    async def fail_over(self) -> list[Halted]:
        """Halt it while PostgreSQL crashes, and starts again or is replaced by a standby."""
        ways = itertools.cycle((self._restart, self._promote))
        return [
            await self._halted(partial(self._crashing, next(ways), nth * LATER_S))
            for nth in range(self.size.failovers)
        ]

    async def _halted(self, halt_it: Callable[[], Awaitable[None]]) -> Halted:
        await until(self._per_second)
        await asyncio.sleep(self.size.buying_s)
        per_second = await self._per_second()
        began_s, refused = time.time(), self._refused()
        await halt_it()
        # All are connected again, and try to buy.
        await until(lambda: self._refused() > refused + self.size.clients // 10)
        await asyncio.sleep(SETTLES_S)
        ((halted_at,),) = await _rows(self.url, HALTED_AT)
        ((last_s, past),) = await _rows(self.url, LAST_BUY, halted_at)
        await resume(self.url, ENVIRONMENT, self.account)
        since_row_s = float(last_s) - halted_at.timestamp()
        others = sum(one.count("^refused (?!Halted)|^lost") for one in self.processes)
        _say(
            f"  last buy {since_row_s:.3f} s after the row, {past} past it; "
            f"so far {others} refused for other reasons or lost"
        )
        return Halted(since_row_s, float(last_s) - began_s, past, per_second)

    async def _per_second(self) -> float:
        ((found,),) = await _rows(self.url, PER_SECOND)
        return float(found)

    def _refused(self) -> int:
        return sum(buyer.count("^refused Halted$") for buyer in self.processes)

    async def _command(self, *words: str) -> None:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "symbol_trader", "halt", *words),
            env={**os.environ, "SYMBOL_TRADER_DATABASE_URL": self.url},
            stdout=asyncio.subprocess.DEVNULL,
        )
        assert await process.wait() == 0

    async def _crashing(self, way: Callable[[], Awaitable[None]], later_s: float) -> None:
        await asyncio.gather(way(), self._halt_until_done(later_s))

    async def _halt_until_done(self, later_s: float) -> None:
        """Begin so much later, and try again until the halt is said to be done."""
        await asyncio.sleep(later_s)
        while True:
            try:
                await halt(self.url, ENVIRONMENT, self.account, reason=REASON, on_limit="NoBuys")
            except Unavailable:
                await asyncio.sleep(RETRY_S)
            else:
                return

    async def _restart(self) -> None:
        await asyncio.to_thread(self.server.restart, "immediate")

    async def _promote(self) -> None:
        """Start the crashed server's files as a standby that has all commits, and promote it."""
        await asyncio.to_thread(self.server.stop, "immediate")
        (self.server.folder / "data" / "standby.signal").touch()
        await asyncio.to_thread(self.server.start)
        await self.server.admin("SELECT pg_promote()")


async def _rows(url: str, query: str, *arguments: object) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        found: list[asyncpg.Record] = await connection.fetch(query, *arguments)
        return found
    finally:
        await connection.close()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
