"""Ids of orders and trades repeat between symbols and exchanges: one record keeps them apart."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from support.books import compare
from support.people import account_at
from support.processes import Bot, Running, Venue, until, venue
from symbol_trader.audit.auditing import audit

SYMBOLS = ("XRPUSDT", "BTCUSDT")
TERMS = {"budget": 1_000, "buyDownInterval": "0%", "profitInterval": "-0.15%"}
"""Cycles finish in seconds, wherever the market goes."""
SHARED_IDS = """
SELECT count(*) FROM fills a JOIN fills b USING (environment, order_id, trade_id)
WHERE a.{} < b.{} AND a.{} = b.{}
"""
"""Pairs of fills with equal ids, in two books that differ in one thing and share another."""


@asynccontextmanager
async def trading(
    file: Path, exchange: Venue, database: str, symbol: str
) -> AsyncIterator[tuple[Bot, Running]]:
    """Run a leader of one symbol on one exchange."""
    bot = Bot(file, exchange, database, ("--reconcile-s", "2"))
    bot.ask(status="on", symbol=symbol, **TERMS)
    try:
        yield bot, await bot.start()
    finally:
        await bot.kill()


async def shared_ids(database: str, differing: str, common: str) -> int:
    connection = await asyncpg.connect(database)
    count: int = await connection.fetchval(SHARED_IDS.format(differing, differing, common, common))
    await connection.close()
    return count


@pytest.mark.timeout(400)
async def test_equal_ids_on_two_symbols_and_on_two_accounts_do_not_meet(
    tmp_path: Path, database: str
) -> None:
    """Two exchanges with the same market, two symbols on the first of them, one database."""
    async with AsyncExitStack() as stack:
        venues = [
            await stack.enter_async_context(venue(tmp_path / f"{name}.jsonl", "--speed", "20"))
            for name in ("first", "second")
        ]
        books = [(venues[0], SYMBOLS[0]), (venues[0], SYMBOLS[1]), (venues[1], SYMBOLS[0])]
        leaders = [
            await stack.enter_async_context(
                trading(tmp_path / f"{number}.yaml", exchange, database, symbol)
            )
            for number, (exchange, symbol) in enumerate(books)
        ]
        for _, leader in leaders:
            await leader.said(r"trader finished.*why=sold", times=3, within_s=150)

        async def met() -> bool:
            symbols = await shared_ids(database, "symbol", "account")
            accounts = await shared_ids(database, "account", "symbol")
            return symbols > 0 and accounts > 0

        await until(met, every_s=0.5)
        await asyncio.gather(
            *(
                finish(bot, leader, symbol)
                for (bot, leader), (_, symbol) in zip(leaders, books, strict=True)
            )
        )
        for exchange, symbol in books:
            await agrees(exchange, database, symbol)


async def finish(bot: Bot, leader: Running, symbol: str) -> None:
    bot.ask(status="shutdown", symbol=symbol, shutdown="{deadline: 1s, atDeadline: Sell}", **TERMS)
    assert await leader.ended() == 0, leader.lines[-20:]


async def agrees(exchange: Venue, database: str, symbol: str) -> None:
    """Compare one book with its own exchange's journal, and audit it."""
    (account,) = (await exchange.admin("status"))["accounts"].values()
    compared = await compare(exchange.journal, database, symbol, account=str(account))
    assert compared.differences == ()
    assert compared.cycles >= 3
    audited = await audit(database, "paper", account_at(exchange, symbol), pause_s=0.1)
    assert audited.passed, audited.findings
    assert (audited.orders, audited.fills) == (compared.orders, compared.fills)
