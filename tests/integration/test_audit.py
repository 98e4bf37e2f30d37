"""`symbol-trader audit` on what a real bot left behind, and on what was put in by hand."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from support.people import SYMBOL, account_at, trade_by_hand
from support.processes import Bot, Venue, key_folder, start, venue
from symbol_trader.audit.auditing import audit as compare
from symbol_trader.audit.look import Audit
from symbol_trader.core.orders import Side
from symbol_trader.core.replies import Accepted

SOLD = r"trader finished.*why=sold"
pytestmark = pytest.mark.timeout(600)


@pytest.fixture
async def market(tmp_path: Path) -> AsyncIterator[Venue]:
    """Run a synthetic market at twenty times its pace."""
    async with venue(tmp_path / "journal.jsonl", "--speed", "20", "--page-limit", "40") as exchange:
        yield exchange


@pytest.fixture
async def bot(tmp_path: Path, market: Venue, database: str) -> AsyncIterator[Bot]:
    """Prepare a bot; at the end it is gone."""
    made = Bot(tmp_path / "xrpusdt.yaml", market, database, ("--reconcile-s", "2"))
    made.ask(status="on", maxBuyAge="3s")
    try:
        yield made
    finally:
        await made.kill()


async def audit(bot: Bot) -> Audit:
    """Audit in this process."""
    return await compare(bot.database, "paper", *account_at(bot.venue), pause_s=0.2)


async def audit_by_command(bot: Bot) -> tuple[int, str]:
    """Audit as a person does; return the exit code and what was said."""
    api = f"--exchange-api-url={bot.venue.address}/ws-api/v3"
    key = key_folder(bot.file.parent / "key")
    entry = (api, f"--exchange-stream-url={bot.venue.address}", f"--exchange-key={key}")
    database = f"--database-url={bot.database}"
    running = await start("symbol_trader", "audit", SYMBOL, *entry, database)
    return await running.ended(), "\n".join(running.lines)


async def trade_and_drain(bot: Bot) -> None:
    """Finish cycles, with a kill on the way, then shut down."""
    running = await bot.start()
    await running.said(SOLD, times=2)
    await bot.kill()
    running = await bot.start()
    await running.said(SOLD, times=2)
    bot.ask(status="shutdown", shutdown="{unfilledBuys: Cancel}")
    assert await running.ended() == 0


async def execute(bot: Bot, statement: str, *arguments: Any) -> None:
    """Change the record behind everybody's back; triggers and constraints permitting."""
    connection = await asyncpg.connect(bot.database)
    try:
        assert await connection.execute(statement, *arguments) not in {"UPDATE 0", "DELETE 0"}
    finally:
        await connection.close()


async def test_a_bot_that_trades_and_one_that_has_drained_pass(bot: Bot) -> None:
    """Clean while it trades and afterwards; it says how much it compared."""
    running = await bot.start()
    await running.said(SOLD, times=2)
    code, said = await audit_by_command(bot)
    assert code == 0, said
    bot.ask(status="shutdown", shutdown="{unfilledBuys: Cancel}")
    assert await running.ended() == 0
    code, said = await audit_by_command(bot)
    assert code == 0, said
    assert "0 differences" in said
    found = await audit(bot)
    assert f"compared {found.orders} orders and {found.fills} fills" in said
    assert found.orders >= 4
    assert found.fills >= 4


async def test_nothing_to_compare_is_a_failure(bot: Bot) -> None:
    """An empty record proves nothing."""
    code, said = await audit_by_command(bot)
    assert code == 1
    assert "nothing to compare" in said


async def test_each_thing_put_in_is_found(bot: Bot) -> None:
    """Each is added to a clean audit, so the ones before it do not hide it."""
    await trade_and_drain(bot)
    assert (await audit(bot)).findings == ()
    connection = await asyncpg.connect(bot.database)
    mark = await connection.fetchval("SELECT id FROM installation")
    trader = await connection.fetchval("SELECT trader_id FROM orders WHERE side = 'SELL' LIMIT 1")
    await connection.close()

    async def finds(what: str) -> None:
        found = await audit(bot)
        assert what in {finding.what for finding in found.findings}, found.findings

    await trade_by_hand(bot.venue, Side.BUY, f"tsym-{mark}-{trader}-b9")
    await finds("order is not on record")
    await record_as_ours(bot, trader, Side.BUY, await trade_by_hand(bot.venue, Side.BUY, "twice"))
    await finds("buy is doubled")
    await record_as_ours(bot, trader, Side.SELL, await trade_by_hand(bot.venue, Side.SELL, "again"))
    await finds("sell is doubled")
    await execute(bot, "UPDATE fills SET commission = commission * 2")
    await finds("fill differs")
    await execute(bot, "DELETE FROM fills WHERE trade_id = (SELECT min(trade_id) FROM fills)")
    await finds("fill is not on record")
    await execute(bot, "UPDATE traders SET chunk_budget = chunk_budget / 2")
    await finds("trader over its chunk")
    await execute(bot, "UPDATE settings SET budget = 1, mirrored_at = '2020-01-01'")
    await finds("over budget")
    code, said = await audit_by_command(bot)
    assert code == 1
    assert "over budget" in said


async def record_as_ours(bot: Bot, trader: str, side: Side, placed: Accepted) -> None:
    """Write an order of the exchange down as a second attempt of a leg, with its fills."""
    order, fills = placed.order, placed.fills
    assert fills
    await execute(
        bot,
        """
        INSERT INTO orders (environment, account, symbol, client_order_id, trader_id, side, attempt,
            price, quantity, time_in_force, timestamp_ms, recv_window_ms, epoch, state, order_id,
            executed, executed_quote)
        SELECT environment, account, symbol, $1, trader_id, $3::text::order_side, 8, $4, $5, 'GTC',
            timestamp_ms, 3000, epoch, $6::text::order_state, $7, $8, $9
        FROM orders WHERE trader_id = $2 LIMIT 1
        """,
        order.client_order_id,
        trader,
        side.value,
        order.price,
        order.quantity,
        "filled" if order.status == "FILLED" else "open",
        order.order_id,
        order.executed,
        order.executed_quote,
    )
    for fill in fills:
        await execute(
            bot,
            """
            INSERT INTO fills (environment, account, symbol, client_order_id, order_id, trade_id,
                price, quantity, quote_quantity, commission, commission_asset, is_maker, time_ms,
                trader_id, side, fee_in)
            SELECT environment, account, symbol, client_order_id, $1, $2, $3, $4, $5, $6, $7,
                false, $8, trader_id, side,
                CASE side WHEN 'BUY' THEN 'base'::fee_asset ELSE 'quote' END
            FROM orders WHERE order_id = $1
            """,
            fill.order_id,
            fill.trade_id,
            fill.price,
            fill.quantity,
            fill.quote_quantity,
            fill.commission,
            fill.commission_asset,
            fill.time_ms,
        )
