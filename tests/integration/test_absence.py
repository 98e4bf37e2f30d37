"""What happened while no leader was there: more than it can ask for in a minute."""

from pathlib import Path

import asyncpg
import pytest

from support.books import compare
from support.people import account_at
from support.processes import Bot, Running, Venue, venue
from symbol_trader.audit.auditing import audit

FILLS = 1_100
PAGE = 3
SOLD = r"trader finished.*why=sold"


async def trade(exchange: Venue, price: str, quantity: str, side: str, times: int = 1) -> None:
    """Let so many equal trades happen."""
    trade = {"symbol": "XRPUSDT", "price": price, "quantity": quantity, "side": side}
    for _ in range(times):
        await exchange.admin("trade", **trade)


async def resting_price(database: str, side: str) -> str:
    connection = await asyncpg.connect(database)
    price = await connection.fetchval(
        "SELECT price FROM orders WHERE state = 'open' AND side::text = $1", side
    )
    await connection.close()
    return f"{price:f}"


async def away(bot: Bot, exchange: Venue, price: str, side: str) -> Running:
    """Kill the leader, let an order of its be filled in very many trades, and start the next."""
    await bot.kill()
    await trade(exchange, price, "10", side, FILLS)
    return await bot.start()


@pytest.mark.timeout(400)
async def test_more_fills_than_a_minutes_weight_can_read_are_read_page_by_page(
    tmp_path: Path, database: str
) -> None:
    """1,100 fills in pages of 3 weigh more than the exchange allows in a minute.

    The next leader never goes over the limit (the exchange would ban its address in the end), does
    not begin again with each minute, sells what was bought, and the books agree.
    """
    market = ("--manual", "XRPUSDT", "--page-limit", str(PAGE))
    async with venue(tmp_path / "journal.jsonl", *market) as exchange:
        bot = Bot(tmp_path / "xrpusdt.yaml", exchange, database)
        bot.ask(status="on", budget=100_000, maxBuyAge="1h")
        try:
            running = await bot.start()
            await running.said("starting trading")
            await trade(exchange, "1", "10", "SELL")
            await running.said("buy open")
            price = await resting_price(database, "BUY")

            running = await away(bot, exchange, price, "SELL")
            await running.said("buy partially filled", within_s=200)
            assert running.count("waiting.*ExchangeUnreachable") == 0, running.lines[-20:]

            await trade(exchange, price, "100000", "SELL")
            await running.said("sell open", within_s=100)
            await trade(exchange, "1.1", "100000", "BUY")
            await running.said(SOLD, within_s=100)
            bot.ask(status="shutdown", shutdown="{deadline: 1s}")
            assert await running.ended() == 0
        finally:
            await bot.kill()
        await exchange.admin("page-limit", rows=1000)
        books = await compare(exchange.journal, database, "XRPUSDT")
        audited = await audit(database, "paper", *account_at(exchange), pause_s=0.1)
    assert books.differences == ()
    assert books.fills > FILLS
    assert audited.passed, audited.findings
    assert audited.fills == books.fills
