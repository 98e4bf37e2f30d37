"""What an account's limits cost its buys: one at a time, and many at once."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from bench.buyers import BID_EVERY_S
from bench.ledgers import ENVIRONMENT, Ledger, lift, limit
from bench.rounds import Row
from support.processes import Running, start
from support.recorded import OwnRecord, intent, opened
from symbol_trader.identity import LedgerKey
from symbol_trader.postgres import statements
from symbol_trader.postgres.changes import encode

ACCOUNT: Final = "354937868"
LIMITED: Final = "limited"
FREE: Final = "free"
UP_WITHIN_S: Final = 1_800.0
TURNS: Final = 3
SETTLES_S: Final = 1.0
DEADLOCKS: Final = "SELECT sum(deadlocks) FROM pg_stat_database"


async def compare(url: str, symbols: int, pairs: int) -> list[Row]:
    """Let two accounts buy by turns over one connection; one of them has all limits on."""
    buys: dict[str, list[float]] = {LIMITED: [], FREE: []}
    checks: dict[str, list[float]] = {LIMITED: [], FREE: []}
    async with opened(url) as record:
        connection = await asyncpg.connect(url)
        limited = await _ledgers(record, LIMITED, symbols)
        free = await _ledgers(record, FREE, symbols)
        await limit(url, LIMITED)
        bids_s = time.monotonic()
        for number in range(pairs):
            if time.monotonic() - bids_s > BID_EVERY_S:
                bids_s = time.monotonic()
                for ledger in limited:
                    await ledger.record_bid()
            by_turns = [(LIMITED, limited), (FREE, free)][:: 1 if number % 2 else -1]
            for name, ledgers in by_turns:
                ledger = ledgers[number % symbols]
                checks[name].append(await _check(connection, ledger))
                buys[name].append(await _buy(ledger))
        await connection.close()
    return [*_compared("a buy", buys), *_compared("its statement before the commit", checks)]


def _compared(name: str, seconds: dict[str, list[float]]) -> list[Row]:
    limited, free = (statistics.median(seconds[which]) for which in (LIMITED, FREE))
    return [
        (f"{name}, all limits on, median", f"{limited * 1e3:.2f} ms", ""),
        ("  without a limit", f"{free * 1e3:.2f} ms", ""),
        ("  ratio", f"{limited / free:.2f}x", "goal: 1.3x"),
    ]


async def _ledgers(record: OwnRecord, account: str, symbols: int) -> list[Ledger]:
    keys = [LedgerKey(ENVIRONMENT, account, f"S{nth}USDT") for nth in range(symbols)]
    ledgers = [Ledger(record, key) for key in keys]
    for ledger in ledgers:
        await ledger.claim()
    return ledgers


async def _buy(ledger: Ledger) -> float:
    """Return the seconds that a buy took."""
    await ledger.get_ready()
    began_s = time.perf_counter()
    refused = await ledger.buy()
    took_s = time.perf_counter() - began_s
    assert not refused, refused
    return took_s


async def _check(connection: asyncpg.Connection, ledger: Ledger) -> float:
    """Return the seconds that a buy's statement took in a transaction that is rolled back."""
    changes = encode([intent(await ledger.get_ready())])
    epoch = ledger.take_turn().link.claim.arguments
    transaction = connection.transaction()
    await transaction.start()
    began_s = time.perf_counter()
    await connection.fetch(statements.NOTE, *epoch, 0, changes)
    took_s = time.perf_counter() - began_s
    await transaction.rollback()
    return took_s


async def steady(url: str, symbols: int, per_second: float, seconds: float) -> list[Row]:
    """Let an account buy at a rate, over as many connections as it has symbols.

    Limits are on for that long, and off for as long, by turns.
    """
    spoken: dict[str, list[list[str]]] = {LIMITED: [], FREE: []}
    async with buyers(
        url, ACCOUNT, processes=1, ledgers=symbols, connections=symbols, per_second=per_second
    ) as (process,):
        for nth in range(TURNS):
            spoken[FREE] += await _spoken(process, seconds / TURNS)
            await limit(url, ACCOUNT, f"limit {nth}")
            # Buys that were waiting for the account's lock are refused: LimitsChanged.
            await asyncio.sleep(SETTLES_S)
            spoken[LIMITED] += await _spoken(process, seconds / TURNS)
            await lift(url, ACCOUNT, f"limit {nth}")
    bought = {
        which: [tuple(map(float, words[1:])) for words in lines if words[0] == "committed"]
        for which, lines in spoken.items()
    }
    connection = await asyncpg.connect(url)
    deadlocks = await connection.fetchval(DEADLOCKS)
    await connection.close()
    count = len(bought[LIMITED])
    name = f"{count / seconds:.0f} buys a second over {symbols} symbols, all limits on"
    return [
        (f"{name}, deadlocks", f"{deadlocks}", "goal: 0"),
        ("  refused or lost", f"{len(spoken[LIMITED]) - count}", "goal: 0"),
        *_distribution("a buy took", [[took_s for _, took_s in bought[w]] for w in bought]),
        *_distribution("behind the rate", [[lag_s for lag_s, _ in bought[w]] for w in bought]),
    ]


async def _spoken(process: Running, seconds: float) -> list[list[str]]:
    """Return the lines of so many seconds from now on, as words."""
    first = len(process.lines)
    await asyncio.sleep(seconds)
    return [line.split() for line in process.lines[first:]]


def _distribution(name: str, limited_and_free: Sequence[Sequence[float]]) -> list[Row]:
    return [
        (
            f"  {name}, {of}",
            f"{_quantile(limited, percent) * 1e3:.1f} ms",
            f"without a limit: {_quantile(free, percent) * 1e3:.1f} ms",
        )
        for limited, free in [limited_and_free]
        for of, percent in (("median", 50), ("p99", 99))
    ]


def _quantile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


@asynccontextmanager
async def buyers(
    url: str, account: str, *, processes: int, ledgers: int, connections: int, per_second: float
) -> AsyncIterator[list[Running]]:
    """Start processes that buy at a rate, wait until all do, and kill them at the end.

    They share the ledgers, the connections and the rate.
    """
    parts = (ledgers // processes, connections // processes, per_second / processes)
    running: list[Running] = []
    try:
        for nth in range(processes):
            words = map(str, (nth * parts[0], *parts))
            running.append(await start("bench.buyers", url, account, *words))
        for one in running:
            await one.said("^up$", within_s=UP_WITHIN_S)
        yield running
    finally:
        for one in running:
            await one.kill()
