"""Outages of what a leader rests on: it takes no new risk while blind, and goes on by itself.

Each outage happens to a leader that trades. Meanwhile it says what is wrong and places nothing;
afterwards the same process trades on, and the books agree.
"""

import re
from collections.abc import AsyncIterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from localports import free_port
from support.by_hand import (
    MARKET,
    SOLD,
    bot_on,
    orders_there,
    sells_and_ends,
    trade,
    with_a_buy,
)
from support.postgres import TEMPLATE, Server, make_template, running_server
from support.processes import Bot, Running, Venue, until, venue

AWAY = "waiting.*DatabaseUnreachable"
READ_ONLY = "ALTER DATABASE {} SET default_transaction_read_only = {}"
CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'"
DISK_FULL = """
CREATE FUNCTION no_space() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';
END $$;
CREATE TRIGGER no_space BEFORE INSERT ON {} FOR EACH ROW EXECUTE FUNCTION no_space();
"""
DISK_FREE = "DROP FUNCTION no_space CASCADE"
pytestmark = pytest.mark.timeout(400)


@pytest.fixture
async def market(tmp_path: Path) -> AsyncIterator[Venue]:
    """Run a market that moves by the test's hand alone."""
    async with venue(tmp_path / "journal.jsonl", *MARKET) as exchange:
        yield exchange


@pytest.fixture
async def bot(tmp_path: Path, market: Venue, own_database: str) -> AsyncIterator[Bot]:
    """Prepare a bot on that market; at the end it is gone."""
    prepared = bot_on(tmp_path, market, own_database)
    try:
        yield prepared
    finally:
        await prepared.kill()


def pauses(running: Running, pattern: str) -> list[float]:
    """Return how many seconds passed between lines that match, from first to last."""
    lines = [line for line in running.lines if re.search(pattern, line)]
    moments = [datetime.fromisoformat(line.split()[0]) for line in lines]
    return [(later - earlier).total_seconds() for earlier, later in pairwise(moments)]


async def run_sql(database: str, sql: str) -> None:
    connection = await asyncpg.connect(database)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


def maintenance(database: str) -> tuple[str, str]:
    """Return the address of the maintenance database, and the name of the one given."""
    server, _, name = database.rpartition("/")
    return f"{server}/postgres", name


# PostgreSQL.


async def test_a_database_that_became_read_only_is_waited_out(bot: Bot) -> None:
    """A primary that was demoted lets one in, and takes nothing."""
    running = await with_a_buy(bot)
    there, name = maintenance(bot.database)
    await run_sql(there, READ_ONLY.format(name, "on"))
    await run_sql(there, CUT.format(name))
    await running.said(f"{AWAY}.*read-only")
    await trade(bot.venue, "0.9", "SELL")
    await trade(bot.venue, "1.2", "BUY", "1")
    assert await orders_there(bot.venue) == 1
    await run_sql(there, READ_ONLY.format(name, "off"))
    await running.said("sell open")
    await sells_and_ends(bot, running)


async def test_a_disk_too_full_for_an_intent_is_waited_out_without_hurry(bot: Bot) -> None:
    """A term begins, and ends at its first order, which is not sent: each time a bit later."""
    running = await with_a_buy(bot)
    await run_sql(bot.database, DISK_FULL.format("orders"))
    await trade(bot.venue, "0.9", "SELL")
    await running.said(f"{AWAY}.*No space left", times=4)
    assert await orders_there(bot.venue) == 1
    assert pauses(running, f"{AWAY}.*No space left")[-1] > 1, "it hurries"
    await run_sql(bot.database, DISK_FREE)
    await running.said("sell open")
    await sells_and_ends(bot, running)


async def test_a_disk_too_full_for_a_fill_is_waited_out(bot: Bot) -> None:
    """What follows from a fill that is not on record is not sent either."""
    running = await with_a_buy(bot)
    await run_sql(bot.database, DISK_FULL.format("fills"))
    await trade(bot.venue, "0.9", "SELL")
    await running.said(f"{AWAY}.*No space left")
    assert await orders_there(bot.venue) == 1
    await run_sql(bot.database, DISK_FREE)
    await running.said("sell open")
    await sells_and_ends(bot, running)


@pytest.fixture
async def restless_server() -> AsyncIterator[Server]:
    """Run a server that the test may stop, with a migrated database to copy."""
    with running_server(fsync=True) as server:
        await make_template(server)
        yield server


async def test_a_database_that_hangs_is_waited_out(
    tmp_path: Path, market: Venue, restless_server: Server
) -> None:
    """Its connections stand, and nothing answers."""
    database = restless_server.url(await restless_server.create_database(TEMPLATE))
    bot = bot_on(tmp_path, market, database)
    try:
        running = await with_a_buy(bot)
        with restless_server.frozen():
            await trade(market, "0.9", "SELL")
            await running.said(AWAY)
            assert await orders_there(market) == 1
        await running.said("sell open")
        await sells_and_ends(bot, running)
    finally:
        await bot.kill()


async def test_a_standby_that_lacks_the_last_commits_is_not_traded_on(
    tmp_path: Path, market: Venue, restless_server: Server
) -> None:
    """The same leader finds an older record at the same address, and the true one again later."""
    server = restless_server
    database = server.url(await server.create_database(TEMPLATE))
    bot = bot_on(tmp_path, market, database)
    primary = server.folder / "primary"
    try:
        running = await bot.start()
        await running.said("starting trading")
        server.stop()
        standby = server.copy_data("standby")
        server.start()
        await running.said("starting trading", times=2)
        await trade(market, "1", "SELL", "1")
        await running.said("buy open")
        swap(server, standby, primary)
        await running.said("waiting.*RecordRolledBack")
        await trade(market, "0.9", "SELL")
        await trade(market, "0.9", "BUY", "1")
        placed = await orders_there(market)
        assert placed == running.count("placing") == 1
        swap(server, primary, standby)
        await running.said("sell open")
        await sells_and_ends(bot, running)
    finally:
        await bot.kill()


def swap(server: Server, new: Path, old: Path) -> None:
    """Crash the server, and start it on other files."""
    server.stop("immediate")
    (server.folder / "data").rename(old)
    new.rename(server.folder / "data")
    server.start()


# The exchange.


async def test_user_data_that_ends_alone_is_opened_again_and_made_up_for(bot: Bot) -> None:
    """What was filled without a report is found by reconciliation."""
    running = await with_a_buy(bot)
    await bot.venue.admin("end-user-data")
    await trade(bot.venue, "0.9", "SELL")
    await running.said("sell open")
    await sells_and_ends(bot, running)


async def test_without_market_data_it_is_not_ready_and_sells_all_the_same(
    tmp_path: Path, market: Venue, own_database: str
) -> None:
    """Buys need a price, sells do not; when prices come again, it is ready and buys."""
    port = free_port()
    bot = bot_on(tmp_path, market, own_database, "--http-port", str(port))

    async def is_fresh() -> bool:
        await trade(market, "1", "BUY", "1")
        return await readiness(port) == "ready"

    try:
        running = await with_a_buy(bot)
        assert await readiness(port) == "ready"
        await market.admin("cut", channel="streams")
        await until(lambda: lacks_prices(port), every_s=0.01)
        await trade(market, "0.9", "SELL")
        await running.said("sell open")
        await until(is_fresh, every_s=0.3)
        await trade(market, "1.2", "BUY")
        await running.said(SOLD)
        await trade(market, "1.2", "BUY", "1")
        await running.said("placing buy", times=2)
    finally:
        await bot.kill()


async def lacks_prices(port: int) -> bool:
    return await readiness(port) == "missing: market data"


async def readiness(port: int) -> str:
    address = f"http://127.0.0.1:{port}/readyz"
    async with aiohttp.ClientSession() as session, session.get(address) as answer:
        return (await answer.text()).strip()


@pytest.mark.parametrize("skew_ms", [-5_000, 5_000])
async def test_a_clock_that_is_off_by_seconds_is_measured_again(bot: Bot, skew_ms: int) -> None:
    """An order outside its window is refused, never sent again; the next one has the right time."""
    running = await with_a_buy(bot)
    await bot.venue.admin("clock-skew", ms=skew_ms)
    await trade(bot.venue, "0.9", "SELL")
    await running.said("order refused.*-1021")
    await running.said("sell open")
    assert running.count("order refused.*-1021") == 1
    assert running.count("placing sell") == 2
    await bot.venue.admin("clock-skew", ms=0)
    await sells_and_ends(bot, running)
