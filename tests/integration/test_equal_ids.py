"""Ids of orders and trades repeat between symbols and exchanges: one record keeps them apart."""

import asyncio
from contextlib import AsyncExitStack
from itertools import pairwise
from pathlib import Path

from support.books import compare
from support.by_hand import ONE_TRADER, SOLD, bot_on, rows, trade
from support.people import account_at
from support.processes import Bot, Running, Venue, venue
from symbol_trader.audit.auditing import audit

SYMBOLS = ("XRPUSDT", "ADAUSDT")
MARKET = ("--manual", ",".join(SYMBOLS))
HIGHS = ("1", "1.2", "1.3", "1.4")
"""A cycle leads from each to the next."""
FILLS = 2 * (len(HIGHS) - 1)
SHARED_IDS = """
SELECT count(*) FROM fills a JOIN fills b USING (environment, order_id, trade_id)
WHERE a.{} < b.{} AND a.{} = b.{}
"""
"""Pairs of fills with equal ids, in two books that differ in one thing and share another."""


async def shared_ids(database: str, differing: str, common: str) -> int:
    query = SHARED_IDS.format(differing, differing, common, common)
    ((count,),) = await rows(database, query)
    return int(count)


async def test_equal_ids_on_two_symbols_and_on_two_accounts_do_not_meet(
    tmp_path: Path, database: str
) -> None:
    """Two exchanges, two symbols on the first of them, one database; the same happens on all."""
    async with AsyncExitStack() as stack:
        first, second = [
            await stack.enter_async_context(venue(tmp_path / f"{name}.jsonl", *MARKET))
            for name in ("first", "second")
        ]
        books = [(first, SYMBOLS[0]), (first, SYMBOLS[1]), (second, SYMBOLS[0])]
        bots = [
            bot_on(tmp_path / str(number), exchange, database, symbol=symbol)
            for number, (exchange, symbol) in enumerate(books)
        ]
        for bot in bots:
            stack.push_async_callback(bot.kill)
        await asyncio.gather(*map(trades_and_ends, bots, (symbol for _, symbol in books)))

        assert await shared_ids(database, "symbol", "account") == FILLS
        assert await shared_ids(database, "account", "symbol") == FILLS
        for exchange, symbol in books:
            await agrees(exchange, database, symbol)


async def trades_and_ends(bot: Bot, symbol: str) -> None:
    """Finish some cycles, and end."""
    leader = await bot.start()
    await leader.said("starting trading")
    for times, (price, high) in enumerate(pairwise(HIGHS), 1):
        # A price that the leader may have heard before: its buy, if it rests already, is below it.
        await trade(bot.venue, price, "SELL", "1", symbol)
        await leader.said("buy open", times=times)
        await trade(bot.venue, "0.9", "SELL", symbol=symbol)
        await leader.said("sell open", times=times)
        await trade(bot.venue, high, "BUY", symbol=symbol)
        await leader.said(SOLD, times=times)
    await finish(bot, leader, symbol)


async def finish(bot: Bot, leader: Running, symbol: str) -> None:
    bot.ask(
        status="shutdown", symbol=symbol, shutdown="{deadline: 1s, atDeadline: Sell}", **ONE_TRADER
    )
    assert await leader.ended() == 0, leader.lines[-20:]


async def agrees(exchange: Venue, database: str, symbol: str) -> None:
    """Compare one book with its own exchange's journal, and audit it."""
    (account,) = (await exchange.admin("status"))["accounts"].values()
    compared = await compare(exchange.journal, database, symbol, account=str(account))
    assert compared.differences == ()
    assert compared.cycles >= 3
    audited = await audit(database, "paper", *account_at(exchange, symbol), pause_s=0.1)
    assert audited.passed, audited.findings
    assert (audited.orders, audited.fills) == (compared.orders, compared.fills)
