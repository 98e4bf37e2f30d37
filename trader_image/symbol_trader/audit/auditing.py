"""Looks at both sides until they agree, or until a difference has stood still."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import random

import asyncpg

from symbol_trader.audit import exchange, record
from symbol_trader.audit.checks import Books, Finding, findings
from symbol_trader.binance.allowance import Allowance
from symbol_trader.binance.asking import Asker
from symbol_trader.binance.link import Link
from symbol_trader.binance.settings import BinanceSettings
from symbol_trader.ports import Book
from symbol_trader.postgres import connection, errors, schema

LOOKS = 3
"""A symbol that is traded moves while it is read: only what every look finds is a difference."""
READING = connection.Limits(answer_ms=65_000, statement_ms=60_000)


@dataclass(frozen=True, slots=True)
class Audit:
    """What was compared, and what differs."""

    book: Book
    orders: int
    fills: int
    cycles: int
    foreign_orders: int
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether something was compared and nothing differs."""
        return not self.findings and self.orders > 0


async def audit(
    database_url: str, environment: str, settings: BinanceSettings, *, pause_s: float
) -> Audit:
    """Compare exchange and record for the key's account and the symbol, `LOOKS` times at most.

    Raises:
        Unavailable: One of the two cannot be reached.
        BadCredentials: The exchange refuses the key.
        SchemaMismatch: The record has another schema than this program knows.

    """
    async with _record(database_url) as driver, _exchange(settings) as asker:

        async def look() -> Audit:
            return await _look(driver, asker, environment, settings.symbol)

        return await settled(look, lambda: asyncio.sleep(pause_s))


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
    return Audit(found.book, found.orders, found.fills, found.cycles, found.foreign_orders, lasting)


async def _look(driver: asyncpg.Connection, asker: Asker, environment: str, symbol: str) -> Audit:
    account, there = await exchange.read(asker, symbol)
    book = Book(environment, account, symbol)
    here = await record.read(driver, book)
    books = Books(there, here)
    return Audit(
        book,
        orders=len(here.orders),
        fills=books.fills_compared,
        cycles=len(here.traders),
        foreign_orders=books.foreign,
        findings=tuple(findings(books)),
    )


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
async def _exchange(settings: BinanceSettings) -> AsyncIterator[Asker]:
    link = Link(settings)
    allowance = Allowance(time.monotonic_ns)
    asker = Asker(settings, link, allowance, monotonic_ns=time.monotonic_ns, random=random)
    await link.open()
    try:
        await asker.measure_clock()
        yield asker
    finally:
        await link.close()
