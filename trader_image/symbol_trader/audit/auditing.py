"""Looks at both sides until they agree, or until a difference has stood still."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from random import random

import asyncpg

from symbol_trader.audit import exchange
from symbol_trader.audit.look import Audit, Look, Say
from symbol_trader.binance.keys import Key
from symbol_trader.binance.link import Link
from symbol_trader.binance.rate_limit import RateLimit
from symbol_trader.binance.requesting import RequestClient
from symbol_trader.binance.settings import BinanceSettings
from symbol_trader.identity import LedgerKey
from symbol_trader.postgres import connection, errors, schema

LOOKS = 3
"""A symbol that is traded moves while it is read: only what every look finds is a difference."""
READING = connection.Timeouts(
    answer_ms=610_000, statement_ms=600_000, idle_in_transaction_ms=600_000
)
"""Its transactions only read and keep nobody waiting, however slowly this machine goes on."""


async def audit(
    database_url: str,
    environment: str,
    settings: BinanceSettings,
    key: Key,
    *,
    pause_s: float,
    since_ms: int = 0,
    say: Say = lambda _: None,
) -> Audit:
    """Compare exchange and record for the key's account and the symbol, `LOOKS` times at most.

    Only traders that were not over at `since_ms` (exchange time) are looked at, and orders of later
    ones; totals are compared over all. `say` gets a line of progress from time to time. Memory
    does not grow with what there is to compare: the exchange's side waits in temporary tables.

    Raises:
        Unavailable: One of the two cannot be reached.
        BadCredentials: The exchange refuses the key.
        SchemaMismatch: The record has another schema than this program knows.

    """
    async with _record(database_url) as driver, _exchange(settings, key) as client:
        account = await exchange.account(client, settings.symbol)
        ledger = LedgerKey(environment, account.uid, settings.symbol)
        look = Look(driver, client, ledger, account, since_ms=since_ms, say=say)
        return await settled(look.take, lambda: asyncio.sleep(pause_s))


async def settled(
    look: Callable[[], Awaitable[Audit]], pause: Callable[[], Awaitable[None]]
) -> Audit:
    """Return the last look, with the differences that all looks have found."""
    found = await look()
    standing = set(found.findings)
    for _ in range(LOOKS - 1):
        if not standing:
            break
        await pause()
        found = await look()
        standing &= set(found.findings)
    lasting = tuple(finding for finding in found.findings if finding in standing)
    return replace(found, findings=lasting)


@asynccontextmanager
async def _record(url: str) -> AsyncIterator[asyncpg.Connection]:
    driver = await connection.connect(url, READING, application="symbol-trader audit")
    try:
        with errors.translated(errors.describe(url), driver.is_closed):
            schema.check(await connection.schema_version(driver))
            yield driver
    finally:
        driver.terminate()


@asynccontextmanager
async def _exchange(settings: BinanceSettings, key: Key) -> AsyncIterator[RequestClient]:
    link = Link(settings)
    rate_limit = RateLimit(time.monotonic_ns)
    client = RequestClient(
        settings, link, rate_limit, key, monotonic_ns=time.monotonic_ns, random=random
    )
    await link.open()
    try:
        await client.measure_clock()
        await client.log_on()
        yield client
    finally:
        await link.close()
