"""Trading goes on after a reset of the testnet, whose numbers begin again. Real processes."""

from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from support.books import compare
from support.by_hand import (
    MARKET,
    ONE_TRADER,
    bot_at,
    recorded,
    rows,
    sell_out,
    shut_down,
    trade,
    with_a_buy,
    with_a_sell,
)
from support.people import SYMBOL, account_at, open_orders, order_by_hand
from support.processes import Bot
from symbol_trader.audit.auditing import audit
from symbol_trader.core.orders import Side

SOON = ("--recv-window-ms=1000", "--exchange-timeout-ms=1500", "--exchange-margin-ms=0")
"""What the exchange denies counts after these, not after a quarter of a minute."""
HOLD = {"shutdown": "{deadline: 1s, atDeadline: Hold}"}
WATERMARK = "SELECT FROM owners, fills WHERE (watermark, watermark_ms) = (trade_id, fills.time_ms)"
MISSING = "order is missing on the exchange"
pytestmark = pytest.mark.timeout(300)


@pytest.fixture
async def bot(tmp_path: Path, database: str) -> AsyncIterator[Bot]:
    """Prepare a bot on a market that moves by the test's hand alone; at the end it is gone."""
    async with bot_at(tmp_path, database, *MARKET, arguments=SOON) as prepared:
        yield prepared


async def reset(bot: Bot) -> datetime:
    """Reset the exchange, as the testnet is; return the database's time."""
    await bot.venue.admin("reset")
    ((now,),) = await rows(bot.database, "SELECT clock_timestamp()")
    assert isinstance(now, datetime)
    return now


async def agree_since(bot: Bot, since: datetime) -> None:
    """Compare what came after a reset, by the journal and by the audit: all before is gone."""
    compared = await compare(bot.venue.journal, bot.database, SYMBOL, since=since)
    assert compared.differences == ()
    assert compared.fills >= 2
    audited = await audit(bot.database, "paper", *account_at(bot.venue), pause_s=0.1)
    gone = await rows(
        bot.database,
        f"SELECT client_order_id FROM orders WHERE committed_at < '{since}' AND order_id > 0 UNION "
        "SELECT format('trade %s of order %s', trade_id, order_id) FROM fills "
        f"WHERE recorded_at < '{since}'",
    )
    assert {(finding.subject,) for finding in audited.findings} == set(gone)
    assert {f.what.endswith("is not on the exchange") for f in audited.findings} == {True}
    assert await rows(bot.database, "SELECT unexplained FROM positions") == [(0,)]


async def numbers(bot: Bot) -> list[tuple[object, ...]]:
    """Return the exchange's ids of all orders on record, oldest first."""
    query = "SELECT order_id FROM orders WHERE order_id IS NOT NULL ORDER BY committed_at"
    return await rows(bot.database, query)


async def test_a_symbol_that_was_shut_down_after_a_reset_trades_on(bot: Bot) -> None:
    running = await with_a_sell(bot)
    since = await reset(bot)
    await running.said(MISSING)
    await shut_down(bot, running, **HOLD)
    bot.ask(status="on", **ONE_TRADER)
    running = await with_a_sell(bot)
    await sell_out(bot, running)
    await recorded(bot.database, f"{WATERMARK} AND side = 'SELL' AND recorded_at > '{since}'")
    await shut_down(bot, running)
    assert (await numbers(bot))[:4] == [(1,), (2,), (1,), (2,)]
    await agree_since(bot, since)


async def test_other_traders_go_on_under_the_number_of_an_order_that_is_missing(bot: Bot) -> None:
    running = await with_a_sell(bot)
    since = await reset(bot)
    await running.said(MISSING)
    bot.ask(status="on", **ONE_TRADER | {"budget": 40, "chunks": 2})
    await running.said("settings changed")
    await trade(bot.venue, "0.8", "SELL", "1")
    await running.said("buy open", times=2)
    await trade(bot.venue, "0.7", "SELL")
    await running.said("sell open", times=2)
    await sell_out(bot, running, times=1)
    await shut_down(bot, running, **HOLD)
    assert (await numbers(bot))[:4] == [(1,), (2,), (1,), (2,)]
    await agree_since(bot, since)


async def test_a_person_s_order_under_the_number_of_an_older_one_is_left_alone(bot: Bot) -> None:
    """Not even a deadline cancels it. That it is much younger tells it apart."""
    await with_a_buy(bot)
    await bot.kill()
    await rows(bot.database, "UPDATE orders SET timestamp_ms = timestamp_ms - 600000")
    await reset(bot)
    placed = await order_by_hand(bot.venue, Side.BUY, Decimal("0.5"), "web_1")
    assert await numbers(bot) == [(placed.order.order_id,)]
    running = await bot.start()
    await running.said(MISSING)
    await shut_down(bot, running, **HOLD)
    assert await open_orders(bot.venue) == ["web_1"]
