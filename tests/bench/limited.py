"""What an account's limits cost its buys: one at a time, and many at once."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from bench.buyers import BID_EVERY_S
from bench.ledgers import ENVIRONMENT, Ledger, limit
from bench.rounds import Row
from support.processes import Running, start
from support.recorded import OwnRecord, intent, opened
from symbol_trader.identity import LedgerKey
from symbol_trader.postgres import statements
from symbol_trader.postgres.changes import encode

LIMITED: Final = "limited"
FREE: Final = "free"
UP_WITHIN_S: Final = 300.0
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
    """Let an account buy at a rate, over as many connections as it has symbols."""
    async with buyers(
        url, LIMITED, processes=1, ledgers=symbols, connections=symbols, per_second=per_second
    ) as (process,):
        await limit(url, LIMITED)
        first = len(process.lines)
        await asyncio.sleep(seconds)
        lines = [line.split() for line in process.lines[first:]]
    bought = [words for words in lines if words[0] == "committed"]
    lag_s, took_s = ([float(words[column]) for words in bought] for column in (1, 2))
    connection = await asyncpg.connect(url)
    deadlocks = await connection.fetchval(DEADLOCKS)
    await connection.close()
    name = f"{len(bought) / seconds:.0f} buys a second over {symbols} symbols of one account"
    return [
        (f"{name}, deadlocks", f"{deadlocks}", "goal: 0"),
        ("  refused or lost", f"{len(lines) - len(bought)}", "goal: 0"),
        ("  median of a buy", f"{_quantile(took_s, 50) * 1e3:.1f} ms", ""),
        ("  p99", f"{_quantile(took_s, 99) * 1e3:.1f} ms", ""),
        ("  behind the rate, median", f"{_quantile(lag_s, 50) * 1e3:.1f} ms", ""),
        ("  p99", f"{_quantile(lag_s, 99) * 1e3:.1f} ms", ""),
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
