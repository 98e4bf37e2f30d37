"""Shutdown policies with real processes, in markets that rise, fall or stand still for ever.

The table of all of them is in the core's tests; here is each kind of ending once.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import yaml

from support.books import compare
from support.people import SYMBOL, account_at
from support.processes import Bot, Running, Venue, until, venue
from symbol_trader.audit.auditing import audit

PATIENT = {"status": "on", "maxBuyAge": "1h", "budget": 20, "chunks": 1}
AMPLE = "1000000"
RISING = ("1.02", "1.05", "1.1", "1.2", "1.4")
FALLING = ("0.98", "0.95", "0.9", "0.8", "0.6")
STILL = ("1",) * 5


@pytest.fixture
async def market(tmp_path: Path) -> AsyncIterator[Venue]:
    """Run a market that moves by the test's hand alone."""
    async with venue(tmp_path / "journal.jsonl", "--manual", SYMBOL) as exchange:
        yield exchange


@pytest.fixture
async def bot(tmp_path: Path, market: Venue, database: str) -> AsyncIterator[Bot]:
    """Prepare a bot; at the end it is gone."""
    prepared = Bot(tmp_path / "xrpusdt.yaml", market, database)
    prepared.ask(**PATIENT)
    try:
        yield prepared
    finally:
        await prepared.kill()


async def trade(market: Venue, price: str, side: str, quantity: str = AMPLE) -> None:
    await market.admin("trade", symbol=SYMBOL, price=price, quantity=quantity, side=side)


async def go_on(market: Venue, prices: tuple[str, ...]) -> None:
    """Let the market go where it goes: it rises by buyers, and falls by sellers."""
    side = "BUY" if prices is RISING else "SELL"
    for price in prices:
        await trade(market, price, side, "1" if prices is STILL else AMPLE)


async def with_a_buy(bot: Bot, market: Venue) -> Running:
    """Let a buy rest just below the market."""
    running = await bot.start()
    await running.said("starting trading")
    await trade(market, "1", "SELL", "1")
    await running.said("buy open")
    return running


async def with_a_sell(bot: Bot, market: Venue) -> Running:
    """Let a sell rest just above the market."""
    running = await with_a_buy(bot, market)
    await trade(market, "0.9", "SELL")
    await running.said("sell open")
    return running


def shut_down(bot: Bot, **how: str) -> None:
    written = ", ".join(f"{name}: {value}" for name, value in how.items())
    bot.ask(**{**PATIENT, "status": "shutdown", "shutdown": f"{{{written}}}"})


async def ended(bot: Bot, running: Running) -> list[Any]:
    """Make sure that it ended by its own hand with clean books; return how its traders ended."""
    assert await running.ended() == 0, running.lines[-20:]
    assert yaml.safe_load(bot.file.read_text())["spec"]["status"] in {"off", False}
    compared = await compare(bot.venue.journal, bot.database, SYMBOL)
    assert compared.differences == ()
    audited = await audit(bot.database, "paper", account_at(bot.venue), pause_s=0.1)
    assert audited.passed, audited.findings
    connection = await asyncpg.connect(bot.database)
    rows = await connection.fetch("SELECT state::text, result FROM traders ORDER BY started_ms")
    await connection.close()
    return [tuple(row) for row in rows]


@pytest.mark.parametrize("buys", ["Wait", "Cancel"])
@pytest.mark.parametrize(
    ("prices", "waits"),
    [(FALLING, "about 6. % above the market"), (STILL, "less than 1 % above the market")],
    ids=["falls", "stands still"],
)
async def test_a_sell_that_nobody_takes_is_waited_for_and_named(
    bot: Bot, market: Venue, buys: str, prices: tuple[str, ...], waits: str
) -> None:
    """Without a deadline it waits for ever; when the market comes after all, it ends."""
    running = await with_a_sell(bot, market)
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
    running = await with_a_buy(bot, market)
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
    running = await with_a_sell(bot, market)
    shut_down(bot, unfilledBuys=buys, deadline="2s", atDeadline=at_deadline)
    await running.said("shutdown initiated")
    await go_on(market, prices)
    (ending,) = await ended(bot, running)
    if prices is RISING:
        assert ending == ("finished", "sold")
    elif at_deadline == "Hold":
        assert ending == ("held", "shutdown deadline: held as asked for")
    else:
        assert ending in {
            ("finished", "sold"),
            ("held", "shutdown deadline: the rest found no buyer"),
            ("held", "shutdown deadline: nobody buys"),
        }


async def test_a_deadline_that_passed_while_nobody_led_is_kept(bot: Bot, market: Venue) -> None:
    """A leader that comes back late ends the shutdown at once."""
    running = await with_a_sell(bot, market)
    shut_down(bot, deadline="2s", atDeadline="Hold")
    await running.said("shutdown initiated")
    await bot.kill()

    async def is_over() -> bool:
        connection = await asyncpg.connect(bot.database)
        age = await connection.fetchval("SELECT now() - shutdown_since > '2 s' FROM settings")
        await connection.close()
        return bool(age)

    await until(is_over)
    running = await bot.start()
    assert await ended(bot, running) == [("held", "shutdown deadline: held as asked for")]
