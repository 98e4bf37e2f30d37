"""A bot on a market that moves by the test's hand alone: one trader, one step at a time."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg

from paper_exchange import journal
from support.books import compare
from support.people import SYMBOL, account_at
from support.processes import Bot, Running, Venue, start, until, venue
from symbol_trader.audit.auditing import audit
from symbol_trader.audit.look import Audit

MARKET = ("--manual", SYMBOL)
"""What the paper exchange is started with."""
AMPLE = "1000000"
"""A quantity that fills whatever rests."""
SOLD = r"trader finished.*why=sold"
ONE_TRADER = {"budget": 20, "chunks": 1, "maxBuyAge": "1h"}
HASTY = "support.hasty"
"""The leader with short pauses after what was refused or is missing."""


def bot_on(folder: Path, market: Venue, database: str, *arguments: str, **spec: Any) -> Bot:
    """Prepare a bot with one trader, which looks at both sides every second."""
    folder.mkdir(exist_ok=True)
    name = str(spec.get("symbol", SYMBOL)).lower()
    bot = Bot(folder / f"{name}.yaml", market, database, ("--reconcile-s", "1", *arguments))
    bot.ask(**{"status": "on", **ONE_TRADER, **spec})
    return bot


RESTS = "state = 'open'"
RECORDED_S = 10
"""How long what the log has told may take until it is recorded, on a busy machine."""
POLL_S = 0.02


@asynccontextmanager
async def bot_at(
    folder: Path, database: str, *exchange: str, arguments: tuple[str, ...] = (), **spec: Any
) -> AsyncIterator[Bot]:
    """Prepare a bot at an exchange that is started with these arguments; both end with it."""
    async with venue(folder / "journal.jsonl", *exchange) as market:
        bot = bot_on(folder, market, database, *arguments, **spec)
        try:
            yield bot
        finally:
            await bot.kill()


async def trade(
    market: Venue, price: str, side: str, quantity: str = AMPLE, symbol: str = SYMBOL
) -> None:
    """Let one trade happen; `side` is the aggressor's."""
    await market.admin("trade", symbol=symbol, price=price, quantity=quantity, side=side)


async def trade_until(market: Venue, leader: Running, line: str, *, times: int = 1) -> None:
    """Let trades at 1 happen until the leader has said something so many times.

    A busy one buys at no price of more than 2 s ago, so a single trade may have no effect.
    """

    async def said() -> bool:
        await trade(market, "1", "SELL", "1")
        return leader.count(line) >= times

    await until(said, every_s=0.5)


async def orders_there(market: Venue) -> int:
    """Return how many orders the exchange ever had."""
    return int((await market.admin("status"))["symbols"][SYMBOL]["orders"])


async def rows(database: str, query: str) -> list[tuple[Any, ...]]:
    """Read rows of the record, or change it."""
    connection = await asyncpg.connect(database)
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


async def recorded(database: str, query: str) -> list[tuple[Any, ...]]:
    """Read rows of the record once there are any: the log tells of things before they are there."""
    async with asyncio.timeout(RECORDED_S):
        while not (found := await rows(database, query)):  # noqa: ASYNC110 - by another process
            await asyncio.sleep(POLL_S)
    return found


async def of_the_open_order(database: str, column: str) -> Any:
    """Return what the record holds of the one order that rests."""
    ((value,),) = await recorded(database, f"SELECT {column} FROM orders WHERE {RESTS}")
    return value


def balances(market: Venue) -> dict[str, Decimal]:
    """Return what the account has of each asset, locked or not, by the exchange's own journal."""
    found = journal.read(market.journal).balances
    return {asset: balance.free + balance.locked for (_, asset), balance in found.items()}


async def settle(bot: Bot, order: str, *words: str) -> list[str]:
    """Say how an order ended, as a person does; return what the command answers."""
    ((account,),) = await rows(bot.database, "SELECT account FROM owners")
    flags = (f"--account={account}", f"--symbol={SYMBOL}", "--reason=seen in the account")
    command = await start(
        "symbol_trader", "settle", order, *flags, *words, environment=bot.environment
    )
    assert await command.ended() == 0, command.lines
    return command.lines


async def with_a_buy(bot: Bot, program: str = "symbol_trader", symbol: str = SYMBOL) -> Running:
    """Let a leader trade until its buy rests, just below 1."""
    running = await bot.start(program)
    await running.said("starting trading")
    await trade(bot.venue, "1", "SELL", "1", symbol)
    await running.said("buy open")
    await recorded(bot.database, f"SELECT FROM orders WHERE {RESTS} AND side = 'BUY'")
    return running


async def with_a_sell(bot: Bot, program: str = "symbol_trader", symbol: str = SYMBOL) -> Running:
    """Let a leader trade until its sell rests, just above 1."""
    running = await with_a_buy(bot, program, symbol)
    await trade(bot.venue, "0.9", "SELL", symbol=symbol)
    await running.said("sell open")
    await recorded(bot.database, f"SELECT FROM orders WHERE {RESTS} AND side = 'SELL'")
    return running


async def sell_out(bot: Bot, running: Running, times: int = 1, symbol: str = SYMBOL) -> None:
    """Let the market take the newest sell, at its own price: the cycle is over."""
    line = await running.said("placing sell", times=times)
    found = re.search(r"price=(\S+)", line)
    assert found, line
    await trade(bot.venue, found[1], "BUY", symbol=symbol)
    await running.said(SOLD, times=times)


async def shut_down(bot: Bot, running: Running, **spec: Any) -> None:
    """Shut down with a deadline, and wait until the process has ended by itself."""
    bot.ask(**{"status": "shutdown", **ONE_TRADER, "shutdown": "{deadline: 1s}", **spec})
    assert await running.ended() == 0, running.lines[-20:]


async def sells_and_ends(bot: Bot, running: Running) -> None:
    """Let the market take the sell: the same process finishes the cycle and ends, and all agree."""
    await trade(bot.venue, "1.2", "BUY")
    await running.said(SOLD)
    await shut_down(bot, running)
    await agree(bot)


async def agree(bot: Bot, symbol: str = SYMBOL) -> Audit:
    """Compare both sides, by the journal and by the audit; return what the audit found."""
    compared = await compare(bot.venue.journal, bot.database, symbol)
    assert compared.differences == ()
    audited = await audit(bot.database, "paper", *account_at(bot.venue, symbol), pause_s=0.1)
    assert audited.passed, audited.findings
    return audited
