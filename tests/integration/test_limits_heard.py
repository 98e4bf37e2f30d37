"""TradingLimits and halts as leaders hear of them: real leader, exchange and PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import asyncpg
import pytest
from click.testing import CliRunner

from support.api_server import ApiServer, start_leader
from support.by_hand import rows, trade, trade_until
from support.processes import Running, Venue, until, venue
from support.unled import MARKET_OF_BOTH, UNLED, leave_without_leader
from symbol_trader.__main__ import main

DEGRADED = "Degraded"


@pytest.fixture
async def market(tmp_path: Path) -> AsyncIterator[Venue]:
    """Run a market that moves by the test's hand alone."""
    async with venue(tmp_path / "journal.jsonl", *MARKET_OF_BOTH) as exchange:
        yield exchange


@pytest.fixture
async def leader(
    tmp_path: Path, market: Venue, api_server: ApiServer, database: str
) -> AsyncIterator[Running]:
    """Run a leader that waits for its first price."""
    running = await start_leader(api_server, market, database, tmp_path / "termination-log")
    try:
        await running.said("starting trading")
        yield running
    finally:
        await running.kill()


async def reason(api_server: ApiServer, expected: str) -> str:
    """Wait until the leader gives this reason for being degraded; return its message."""
    await until(lambda: api_server.condition(DEGRADED).get("reason") == expected)
    return str(api_server.condition(DEGRADED)["message"])


async def orders(database: str) -> int:
    """Count the orders on record."""
    connection = await asyncpg.connect(database)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM orders"))
    finally:
        await connection.close()


async def test_a_kill_switch_holds_at_once_and_until_it_is_taken_back(
    market: Venue, api_server: ApiServer, database: str, leader: Running
) -> None:
    await api_server.limit("all", halt=True)
    await leader.said("buys are halted")
    message = await reason(api_server, "BuysHalted")
    assert "halt of trading/all is true" in message
    await trade(market, "1", "SELL", "1")
    await trade(market, "1", "SELL", "1")
    assert await orders(database) == 0
    assert api_server.condition("Trading")["status"] == "True"

    await api_server.limit("all", halt=False)
    await leader.said("buys go on")
    await trade_until(market, leader, "buy open")


async def test_a_halt_that_cancels_buys_does_and_what_was_bought_is_sold(
    market: Venue, api_server: ApiServer, leader: Running
) -> None:
    await trade_until(market, leader, "buy open")
    await api_server.limit("all", halt=True, onLimit="CancelBuys")
    await leader.said("canceling order.*a halt cancels unfilled buys")
    await until(lambda: api_server.told("openOrders") == 0)


async def test_a_buy_past_a_limit_is_not_sent_and_the_condition_names_the_limit(
    market: Venue, api_server: ApiServer, database: str, leader: Running
) -> None:
    await api_server.limit("small", maxExposure="1")
    await leader.said("a limit is in force")
    await trade_until(market, leader, "buy refused by a limit")
    assert "maxExposure of trading/small: 0 of 1 USDT are used" in await reason(
        api_server, "LimitReached"
    )
    assert await orders(database) == 0

    await api_server.limit("small", maxExposure=str(Decimal(10_000)))
    await leader.said("a limit is in force", times=2)
    await trade_until(market, leader, "buy open")


async def test_a_limit_that_is_deleted_holds_no_longer(
    market: Venue, api_server: ApiServer, leader: Running
) -> None:
    await api_server.limit("small", maxExposure="1")
    await leader.said("a limit is in force")
    await api_server.delete_limit("small")
    await leader.said("a limit was deleted: it holds no longer")
    await trade_until(market, leader, "buy open")


async def test_events_tell_of_halts_and_of_limits_on_the_symbol_and_on_the_limit(
    market: Venue, api_server: ApiServer, leader: Running
) -> None:
    async def told(symbol: list[str], limit: list[str]) -> None:
        of = api_server.reasons_of_events
        await until(lambda: of("TradingSymbol") == symbol, within_s=30)
        await until(lambda: of("TradingLimit") == limit, within_s=30)

    await api_server.limit("all", halt=True)
    await told(["BuysHalted"], ["Halted"])
    await api_server.limit("all", halt=False)
    await told(["BuysHalted", "BuysResumed"], ["Halted", "NotHalted"])
    await api_server.limit("all", halt=False, maxExposure="1")
    await leader.said("a limit is in force", times=3)
    await trade_until(market, leader, "buy refused by a limit")
    await told(["BuysHalted", "BuysResumed", "LimitReached"], ["Halted", "NotHalted"])
    await api_server.delete_limit("all")
    symbol = ["BuysHalted", "BuysResumed", "LimitReached"]
    await told(symbol, ["Halted", "NotHalted", "LimitDeleted"])


async def test_a_leader_that_starts_while_halted_buys_nothing(
    tmp_path: Path, market: Venue, api_server: ApiServer, database: str
) -> None:
    await api_server.limit("all", halt=True)
    running = await start_leader(api_server, market, database, tmp_path / "termination-log")
    try:
        await running.said("starting trading")
        await reason(api_server, "BuysHalted")
        await trade(market, "1", "SELL", "1")
        assert await orders(database) == 0
    finally:
        await running.kill()


async def test_the_limit_says_what_is_used_and_who_has_heard(
    market: Venue, api_server: ApiServer, leader: Running
) -> None:
    await trade_until(market, leader, "buy open")
    await api_server.limit("all", maxExposure="10000")

    def reported() -> bool:
        status = api_server.limits["all"]["status"]
        used = [one["used"] for one in status.get("usage", [])]
        return bool(used) and used != ["0"] and status["leadersHeard"] == 1

    await until(reported)
    kinds = {c["type"]: c["status"] for c in api_server.limits["all"]["status"]["conditions"]}
    assert kinds == {"Halted": "False", "Reached": "False", "Overlaps": "False"}


def command(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, words)
    return done.exit_code, done.output


async def account_of(database: str) -> str:
    connection = await asyncpg.connect(database)
    try:
        return str(await connection.fetchval("SELECT account FROM owners"))
    finally:
        await connection.close()


async def test_an_account_is_halted_and_resumed_by_commands_without_an_api_server(
    tmp_path: Path, market: Venue, api_server: ApiServer, database: str, leader: Running
) -> None:
    await trade_until(market, leader, "buy open")
    await api_server.stop()
    where = ("--database-url", database, "--account", await account_of(database))
    flags = ("--reason", "looks odd", "--on-limit", "CancelBuys")
    code, said = await asyncio.to_thread(command, "halt", *where, *flags)
    assert (code, "until it is resumed" in said) == (0, True)
    await leader.said("buys are halted.*looks odd")
    await leader.said("canceling order")
    await leader.said("trader finished")
    await trade(market, "1", "SELL", "1")
    assert await orders(database) == 1

    (tmp_path / "url").write_text(database)
    where = ("--database-url-file", str(tmp_path / "url"), *where[2:])
    code, said = await asyncio.to_thread(command, "resume", *where)
    assert (code, "buys again" in said) == (0, True)
    await leader.said("buys go on")
    await trade_until(market, leader, "buy open", times=2)


async def test_resume_names_what_halts_the_account_still(
    api_server: ApiServer, database: str, leader: Running
) -> None:
    await api_server.limit("all", halt=True)
    await leader.said("buys are halted")
    where = ("--database-url", database, "--account", await account_of(database))
    code, said = await asyncio.to_thread(command, "resume", *where)
    assert code == 1
    assert "stays halted: halt of trading/all is true" in said


def test_a_command_that_does_not_reach_the_record_says_so() -> None:
    where = ("--database-url", "postgresql://nobody@127.0.0.1:1/nothing", "--account", "1")
    code, said = command("halt", *where, "--reason", "looks odd")
    assert code == 1
    assert "127.0.0.1:1" in said


def test_a_command_for_an_account_that_nobody_trades_on_says_so(database: str) -> None:
    for name, flags in (("halt", ("--reason", "looks odd")), ("resume", ())):
        code, said = command(name, "--database-url", database, "--account", "1", *flags)
        assert code == 1
        assert "Error: no leader has ever traded on account 1 (paper): look at --account" in said


def test_a_halt_needs_a_reason(database: str) -> None:
    code, said = command("halt", "--database-url", database, "--account", "1", "--reason", " ")
    assert code == 2
    assert "Invalid value for '--reason': say why in a few words" in said


def test_a_command_whose_file_of_the_url_is_missing_says_which(tmp_path: Path) -> None:
    file = tmp_path / "url"
    code, said = command("resume", "--database-url-file", str(file), "--account", "1")
    assert code == 1
    assert f"Error: the database URL's file {file} cannot be read" in said


async def test_where_a_loss_limit_stands_what_is_held_gets_a_bid(
    market: Venue, api_server: ApiServer, database: str, leader: Running
) -> None:
    await trade_until(market, leader, "buy open")
    await trade(market, "0.9", "SELL")
    await leader.said("sell open")
    await api_server.limit("loss", maxDailyLoss="1000")
    await leader.said("a limit is in force")

    async def recorded() -> bool:
        connection = await asyncpg.connect(database)
        try:
            return bool(await connection.fetchval("SELECT bid IS NOT NULL FROM owners"))
        finally:
            await connection.close()

    await until(recorded)


async def test_a_symbol_that_holds_something_and_has_no_leader_gets_a_bid_from_another_s(
    market: Venue, api_server: ApiServer, database: str, leader: Running
) -> None:
    await leave_without_leader(database, quantity=Decimal(1), spent=Decimal(0))
    await trade(market, "0.5", "SELL", symbol=UNLED)
    await api_server.limit("loss", maxDailyLoss="1000")

    async def recorded() -> bool:
        query = f"SELECT bid FROM owners WHERE symbol = '{UNLED}'"
        return await rows(database, query) == [(Decimal("0.5"),)]

    await until(recorded)
