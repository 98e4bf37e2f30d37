"""Shutdown policies with real processes, in markets that rise, fall or stand still forever.

The table of all of them is in the core's tests; here is each kind of ending once.
"""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.by_hand import (
    AMPLE,
    MARKET,
    ONE_TRADER,
    agree,
    bot_on,
    rows,
    trade,
    with_a_buy,
    with_a_sell,
)
from support.processes import Bot, Running, Venue, until, venue

RISING = ("1.02", "1.05", "1.1", "1.2", "1.4")
FALLING = ("0.98", "0.95", "0.9", "0.8", "0.6")
STILL = ("1",) * 5


@pytest.fixture
async def market(tmp_path: Path) -> AsyncIterator[Venue]:
    """Run a market that moves by the test's hand alone."""
    async with venue(tmp_path / "journal.jsonl", *MARKET) as exchange:
        yield exchange


@pytest.fixture
async def bot(tmp_path: Path, market: Venue, database: str) -> AsyncIterator[Bot]:
    """Prepare a bot; at the end it is gone."""
    prepared = bot_on(tmp_path, market, database)
    try:
        yield prepared
    finally:
        await prepared.kill()


async def go_on(market: Venue, prices: tuple[str, ...]) -> None:
    """Let the market go where it goes: it rises by buyers, and falls by sellers."""
    side = "BUY" if prices is RISING else "SELL"
    for price in prices:
        await trade(market, price, side, "1" if prices is STILL else AMPLE)


def shut_down(bot: Bot, **how: str) -> None:
    written = ", ".join(f"{name}: {value}" for name, value in how.items())
    bot.ask(status="shutdown", **ONE_TRADER, shutdown=f"{{{written}}}")


async def ended(bot: Bot, running: Running) -> list[tuple[Any, ...]]:
    """Make sure that it ended by its own hand with clean books; return how its traders ended."""
    assert await running.ended() == 0, running.lines[-20:]
    assert yaml.safe_load(bot.file.read_text())["spec"]["status"] in {"off", False}
    await agree(bot)
    return await rows(bot.database, "SELECT state::text, result FROM traders ORDER BY started_ms")


@pytest.mark.parametrize("buys", ["Wait", "Cancel"])
@pytest.mark.parametrize(
    ("prices", "waits"),
    [(FALLING, "about 6. % above the market"), (STILL, "less than 1 % from the market")],
    ids=["falls", "stands still"],
)
async def test_a_sell_that_nobody_takes_is_waited_for_and_named(
    bot: Bot, market: Venue, buys: str, prices: tuple[str, ...], waits: str
) -> None:
    """Without a deadline it waits forever; when the market comes after all, it ends."""
    running = await with_a_sell(bot)
    shut_down(bot, unfilledBuys=buys)
    await running.said("shutdown initiated")
    await go_on(market, prices)
    named = rf"SELL .* at 1\.00\d+, {waits} \(order 2\)"
    await running.said(f"shutdown waits for the market.*{named}")
    assert not running.over
    await go_on(market, RISING)
    assert await ended(bot, running) == [("finished", "sold")]


async def test_a_buy_that_nobody_fills_is_waited_for_and_named(bot: Bot, market: Venue) -> None:
    """It waits as told; told to cancel instead, it ends."""
    running = await with_a_buy(bot)
    shut_down(bot, unfilledBuys="Wait")
    await running.said("shutdown initiated")
    await go_on(market, RISING)
    named = r"BUY .* at 0\.99\d+, about 29 % below the market \(order 1\)"
    await running.said(f"shutdown waits for the market.*{named}")
    assert not running.over
    shut_down(bot, unfilledBuys="Cancel")
    assert await ended(bot, running) == [
        ("finished", "its buy was canceled (shutdown cancels unfilled buys)")
    ]


@pytest.mark.parametrize("prices", [RISING, FALLING, STILL], ids=["rises", "falls", "stands still"])
@pytest.mark.parametrize("at_deadline", ["Hold", "Sell"])
@pytest.mark.parametrize("buys", ["Wait", "Cancel"])
async def test_with_a_deadline_it_always_ends(
    bot: Bot, market: Venue, buys: str, at_deadline: str, prices: tuple[str, ...]
) -> None:
    """Whatever the market does: sold by it, sold to the best bid, or held."""
    running = await with_a_sell(bot)
    shut_down(bot, unfilledBuys=buys, deadline="2s", atDeadline=at_deadline)
    await running.said("shutdown initiated")
    await go_on(market, prices)
    (ending,) = await ended(bot, running)
    if prices is RISING:
        assert ending == ("finished", "sold")
    elif at_deadline == "Hold":
        assert ending == ("held", "shutdown deadline: held as asked for")
    else:
        state, why = ending
        assert state == "held"
        assert re.match("shutdown deadline: (the rest found no buyer|nobody buys)", why)


async def test_a_deadline_that_passed_while_nobody_led_is_kept(bot: Bot, market: Venue) -> None:
    """A leader that comes back late ends the shutdown at once."""

    async def is_older_than(age: str) -> bool:
        query = f"SELECT now() - shutdown_since > '{age}' FROM settings"
        return bool((await rows(bot.database, query))[0][0])

    running = await with_a_sell(bot)
    shut_down(bot, deadline="2s", atDeadline="Hold")
    await running.said("shutdown initiated")
    await until(lambda: is_older_than("0 s"))
    await bot.kill()
    await until(lambda: is_older_than("2 s"))
    running = await bot.start()
    assert await ended(bot, running) == [("held", "shutdown deadline: held as asked for")]
