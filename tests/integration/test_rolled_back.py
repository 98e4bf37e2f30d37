"""A record that lost commits, or was wiped: the leader says what it cannot explain, and waits."""

import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from support.postgres import Server
from support.processes import Bot, Running, Venue, start, venue

NEWS = "order on the exchange is not on record"
SOLD = r"trader finished.*why=sold"
pytestmark = pytest.mark.timeout(600)


@pytest.fixture
async def market(tmp_path: Path) -> AsyncIterator[Venue]:
    """Run a synthetic market at twenty times its pace."""
    async with venue(tmp_path / "journal.jsonl", "--speed", "20") as exchange:
        yield exchange


@pytest.fixture
async def bot(tmp_path: Path, market: Venue, own_database: str) -> AsyncIterator[Bot]:
    """Prepare a bot; at the end it is gone."""
    made = Bot(tmp_path / "xrpusdt.yaml", market, own_database, ("--reconcile-s", "2"))
    made.ask(status="on")
    try:
        yield made
    finally:
        await made.kill()


async def copied(server: Server, url: str) -> str:
    """Copy a database to which nobody is connected, as a standby that lags would have it."""
    return server.url(await server.create_database(url.rsplit("/", 1)[1]))


async def trade_until(bot: Bot, pattern: str) -> None:
    """Trade, and die amid it."""
    running = await bot.start()
    await running.said(pattern)
    running.signal(signal.SIGKILL)
    await running.ended()


async def stays_put(running: Running) -> set[str]:
    """Make sure that it looks and does not place; return the orders that it cannot explain."""
    await running.said(NEWS)
    await running.said("starting trading")
    await running.said("trader is blocked.*RecordRolledBack")
    assert running.count("placing") == 0
    return set(re.findall(rf"{NEWS}.*order=(\S+)", "\n".join(running.lines)))


async def disown(bot: Bot, orders: set[str]) -> None:
    """Answer for orders, as a person does."""
    connection = await asyncpg.connect(bot.database)
    account = await connection.fetchval("SELECT account FROM owners")
    await connection.close()
    book = (f"--account={account}", "--symbol=XRPUSDT", f"--database-url={bot.database}")
    command = await start("symbol_trader", "disown", *orders, *book, "--reason=looked at by hand")
    assert await command.ended() == 0, command.lines


async def test_a_record_that_lost_commits_is_not_traded_on_until_a_person_answers(
    bot: Bot, postgres_server: Server
) -> None:
    """The commits that a fail-over lost are orders on the exchange: filled ones, too."""
    await trade_until(bot, "initialising trader")
    older = await copied(postgres_server, bot.database)
    await trade_until(bot, SOLD)
    bot.database = older
    running = await bot.start()
    orders = await stays_put(running)
    await disown(bot, orders)
    await running.said("placing")


async def test_a_record_that_was_wiped_is_not_traded_on_until_a_person_answers(
    bot: Bot, postgres_server: Server
) -> None:
    """A new record has another installation; the orders that rest have our mark all the same."""
    await trade_until(bot, SOLD)
    bot.database = postgres_server.url(await postgres_server.create_database())
    running = await bot.start()
    orders = await stays_put(running)
    assert len(orders) >= 2
    await disown(bot, orders)
    await running.said("placing")
