"""What happens on ordinary days: shared balances, changed rules, halts, and other people."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from support.by_hand import (
    HASTY,
    MARKET,
    ONE_TRADER,
    SOLD,
    agree,
    balances,
    bot_at,
    bot_on,
    of_the_open_order,
    orders_there,
    rows,
    sell_out,
    sells_and_ends,
    shut_down,
    trade,
    with_a_buy,
    with_a_sell,
)
from support.people import SYMBOL, cancel_by_hand, open_orders, order_by_hand, trade_by_hand
from support.processes import Bot, Venue, until, venue
from symbol_trader.core.orders import Side

RETRY_S = 1
"""Longer than a hasty leader's pauses: that nothing happens can only be waited for."""
DUST_BUYS, DUST = 6, "0.7"
"""Six times that is still too little to sell."""
CANCELED = "trader is blocked.*reason=CanceledByOthers"
pytestmark = pytest.mark.timeout(300)


@pytest.fixture
async def market(tmp_path: Path) -> AsyncIterator[Venue]:
    """Run a market that moves by the test's hand alone."""
    async with venue(tmp_path / "journal.jsonl", *MARKET) as exchange:
        yield exchange


@pytest.fixture
async def bot(tmp_path: Path, market: Venue, database: str) -> AsyncIterator[Bot]:
    """Prepare a bot on that market; at the end it is gone."""
    prepared = bot_on(tmp_path, market, database)
    try:
        yield prepared
    finally:
        await prepared.kill()


def say_go_on(bot: Bot) -> None:
    """Change the resource, as a person does who wants the trader to go on."""
    bot.ask(status="on", **{**ONE_TRADER, "maxBuyAge": "2h"})


async def order_of_ours(bot: Bot) -> str:
    """Return the client order id of the order that rests."""
    return str(await of_the_open_order(bot.database, "client_order_id"))


# Other people.


async def test_a_sell_that_a_person_cancels_is_not_placed_again_until_told(bot: Bot) -> None:
    """Not by the market, not by a restart: by a change of the resource alone."""
    running = await with_a_sell(bot)
    await cancel_by_hand(bot.venue, await order_of_ours(bot))
    await running.said(CANCELED)
    await trade(bot.venue, "1.0", "BUY", "1")
    await bot.kill()
    running = await bot.start()
    await running.said(CANCELED)
    await trade(bot.venue, "1.0", "BUY", "1")
    assert await orders_there(bot.venue) == 2
    say_go_on(bot)
    await running.said("sell open")
    await sells_and_ends(bot, running)


async def test_a_buy_that_a_person_cancels_sells_what_was_filled_and_then_waits(bot: Bot) -> None:
    """What is in hand is sold; nothing is bought until told."""
    running = await with_a_buy(bot)
    await trade(bot.venue, "0.9999", "SELL", "12")
    await running.said("buy partially filled")
    await cancel_by_hand(bot.venue, await order_of_ours(bot))
    await running.said("sell open")
    await trade(bot.venue, "1.2", "BUY")
    await running.said(CANCELED)
    await trade(bot.venue, "1.0", "BUY", "1")
    say_go_on(bot)
    await running.said(SOLD)
    await trade(bot.venue, "1.0", "BUY", "1")
    await running.said("placing buy", times=2)


async def test_orders_of_others_are_neither_touched_nor_counted(bot: Bot) -> None:
    """Resting and trading beside ours, through a shutdown that cancels and sells what is ours."""
    running = await with_a_buy(bot)
    await order_by_hand(bot.venue, Side.BUY, Decimal("0.5"), "web-buy")
    await trade(bot.venue, "0.9", "SELL")
    await running.said("sell open")
    await bot.venue.admin("deposit", asset="XRP", amount="100")
    await order_by_hand(bot.venue, Side.SELL, Decimal(2), "web-sell")
    await trade_by_hand(bot.venue, Side.SELL, "web-trade")
    bot.ask(status="shutdown", **ONE_TRADER, shutdown="{deadline: 1s, atDeadline: Sell}")
    assert await running.ended() == 0, running.lines[-20:]
    assert sorted(await open_orders(bot.venue)) == ["web-buy", "web-sell", "web-trade"]
    await agree(bot)


@pytest.mark.parametrize("trouble", ["killed", "cut", "away"])
async def test_the_word_to_go_on_after_a_cancel_by_others_is_given_once(
    bot: Bot, trouble: str
) -> None:
    """It is on record: neither a new process nor a new connection forgets it."""
    running = await with_a_sell(bot, HASTY)
    await bot.venue.admin("symbol-status", symbol=SYMBOL, status="HALT")
    await cancel_by_hand(bot.venue, await order_of_ours(bot))
    await running.said(CANCELED)
    if trouble == "away":
        await bot.venue.kill()
        await running.said("waiting")
    say_go_on(bot)
    if trouble == "away":
        await bot.venue.start()
        await bot.venue.admin("symbol-status", symbol=SYMBOL, status="HALT")
    await until(lambda: rows(bot.database, "SELECT 1 FROM orders WHERE acknowledged"))
    if trouble == "killed":
        await bot.kill()
        running = await bot.start(HASTY)
    else:
        await bot.venue.admin("cut")
    await running.said("starting trading", times=1 if trouble == "killed" else 2)
    await bot.venue.admin("symbol-status", symbol=SYMBOL, status="TRADING")
    await running.said("sell open", times=1 if trouble == "killed" else 2)
    await sells_and_ends(bot, running)


# What is too little to sell alone.


async def test_buys_given_up_below_the_minimum_are_sold_with_the_next(
    tmp_path: Path, database: str
) -> None:
    """They count against the budget until then, and every unit is sold in the end."""
    spec: dict[str, Any] = {**ONE_TRADER, "maxBuyAge": "1s"}
    async with bot_at(tmp_path, database, *MARKET, **spec) as bot:
        running = await with_a_buy(bot)
        for number in range(1, DUST_BUYS + 1):
            await trade(bot.venue, "0.9", "SELL", DUST)
            await running.said("trader finished.*carried to a later sell", times=number)
            await trade(bot.venue, "1", "SELL", "1")
            await running.said("buy open", times=number + 1)
        await trade(bot.venue, "0.9", "SELL")
        await running.said("sell open")
        await sell_out(bot, running)
        await shut_down(bot, running, **spec, shutdown="{unfilledBuys: Cancel, deadline: 1s}")
        await agree(bot)
        after = balances(bot.venue)
    buys = await rows(
        database,
        "SELECT price * quantity, executed_quote FROM orders WHERE side = 'BUY' ORDER BY order_id",
    )
    spent = Decimal(0)
    for worth, executed_quote in buys[: DUST_BUYS + 1]:
        assert 19 < spent + worth <= 20
        spent += executed_quote
    assert after["XRP"] < Decimal("0.1"), "less than a step is left"


# The exchange.


async def test_a_halted_symbol_is_waited_out(bot: Bot) -> None:
    """Nothing is placed while it is halted; when it trades again, the cycle goes on."""
    running = await with_a_sell(bot, HASTY)
    await bot.venue.admin("symbol-status", symbol=SYMBOL, status="HALT")
    await bot.venue.admin("expire", symbol=SYMBOL, orderId=2)
    await running.said("order refused.*Market is closed")
    await asyncio.sleep(RETRY_S)
    assert running.count("placing sell") == 2
    assert await orders_there(bot.venue) == 2
    await bot.venue.admin("symbol-status", symbol=SYMBOL, status="TRADING")
    await running.said("sell open", times=2)
    await sells_and_ends(bot, running)


async def test_filters_that_change_while_an_order_rests_are_read_again(bot: Bot) -> None:
    """The next order is refused by the old rules, and the one after it follows the new ones."""
    running = await with_a_sell(bot)
    await bot.venue.admin("filters", symbol=SYMBOL, filters={"tickSize": "0.01"})
    await bot.venue.admin("expire", symbol=SYMBOL, orderId=2)
    await running.said("order refused.*PRICE_FILTER")
    await running.said("sell open", times=2)
    price = await of_the_open_order(bot.database, "price")
    assert price == Decimal("1.01")
    await sells_and_ends(bot, running)


async def test_symbols_that_share_a_balance_wait_for_each_other(
    tmp_path: Path, database: str
) -> None:
    """The second says what it needs and what is free, and buys when the first has sold."""
    market = ("--manual", "XRPUSDT,ADAUSDT", "--balances", "USDT=25")
    async with venue(tmp_path / "journal.jsonl", *market) as exchange:
        first, second = (
            bot_on(tmp_path, exchange, database, symbol=symbol) for symbol in ("XRPUSDT", "ADAUSDT")
        )
        try:
            rich = await with_a_buy(first)
            poor = await second.start()
            await poor.said("starting trading")
            await trade(exchange, "1", "SELL", "1", "ADAUSDT")
            await poor.said(
                r"order refused.*insufficient balance.*"
                r"needs 19\.998 USDT; free in the account: 5\.002 USDT"
            )
            await trade(exchange, "0.9", "SELL")
            await rich.said("sell open")
            first.ask(status="shutdown", **ONE_TRADER)
            await rich.said("shutdown initiated")
            await trade(exchange, "1.2", "BUY")
            assert await rich.ended() == 0
            placed = poor.count("placing buy")
            await trade(exchange, "1", "SELL", "1", "ADAUSDT")
            await poor.said("buy open")
            assert poor.count("placing buy") == placed + 1
        finally:
            await first.kill()
            await second.kill()
