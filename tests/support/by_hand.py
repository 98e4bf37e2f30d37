"""A bot on a market that moves by the test's hand alone: one trader, one step at a time."""

from pathlib import Path
from typing import Any

import asyncpg

from support.books import compare
from support.people import SYMBOL, account_at
from support.processes import Bot, Running, Venue
from symbol_trader.audit.auditing import audit

MARKET = ("--manual", SYMBOL)
"""What the paper exchange is started with."""
AMPLE = "1000000"
"""A quantity that fills whatever rests."""
SOLD = r"trader finished.*why=sold"
ONE_TRADER = {"budget": 20, "chunks": 1, "maxBuyAge": "1h"}


def bot_on(folder: Path, market: Venue, database: str, *arguments: str, **spec: Any) -> Bot:
    """Prepare a bot with one trader, which looks at both sides every second."""
    folder.mkdir(exist_ok=True)
    name = str(spec.get("symbol", SYMBOL)).lower()
    bot = Bot(folder / f"{name}.yaml", market, database, ("--reconcile-s", "1", *arguments))
    bot.ask(**{"status": "on", **ONE_TRADER, **spec})
    return bot


async def trade(
    market: Venue, price: str, side: str, quantity: str = AMPLE, symbol: str = SYMBOL
) -> None:
    """Let one trade happen; `side` is the aggressor's."""
    await market.admin("trade", symbol=symbol, price=price, quantity=quantity, side=side)


async def orders_there(market: Venue) -> int:
    """Return how many orders the exchange ever had."""
    return int((await market.admin("status"))["symbols"][SYMBOL]["orders"])


async def rows(database: str, query: str) -> list[tuple[Any, ...]]:
    """Read rows of the record."""
    connection = await asyncpg.connect(database)
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


async def with_a_buy(bot: Bot) -> Running:
    """Let a leader trade until its buy rests, just below 1."""
    running = await bot.start()
    await running.said("starting trading")
    await trade(bot.venue, "1", "SELL", "1")
    await running.said("buy open")
    return running


async def with_a_sell(bot: Bot) -> Running:
    """Let a leader trade until its sell rests, just above 1."""
    running = await with_a_buy(bot)
    await trade(bot.venue, "0.9", "SELL")
    await running.said("sell open")
    return running


async def sells_and_ends(bot: Bot, running: Running) -> None:
    """Let the market take the sell: the same process finishes the cycle and ends, and all agree."""
    await trade(bot.venue, "1.2", "BUY")
    await running.said(SOLD)
    bot.ask(status="shutdown", **ONE_TRADER, shutdown="{deadline: 1s}")
    assert await running.ended() == 0, running.lines[-20:]
    await agree(bot)


async def agree(bot: Bot) -> None:
    """Compare both sides, by the journal and by the audit."""
    compared = await compare(bot.venue.journal, bot.database, SYMBOL)
    assert compared.differences == ()
    audited = await audit(bot.database, "paper", account_at(bot.venue), pause_s=0.1)
    assert audited.passed, audited.findings
