"""One order's trouble stays with that order: amended, prevented, or told differently by two sides.

What cannot be is put into the record by hand: then exchange and record contradict each other.
"""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import asyncpg
import pytest

from paper_exchange import journal
from support.api_server import ApiServer, start_leader
from support.by_hand import (
    MARKET,
    ONE_TRADER,
    SOLD,
    agree,
    bot_at,
    rows,
    sell_out,
    sells_and_ends,
    settle,
    shut_down,
    trade,
    with_a_buy,
    with_a_sell,
)
from support.people import SYMBOL, amend_by_hand, cancel_by_hand, open_orders
from support.processes import Bot, Running, until

CANCELED = "trader is blocked.*reason=CanceledByOthers"
CONTRADICTED = "exchange and record contradict each other"
TWO_TRADERS = {"budget": 40, "chunks": 2, "maxBuyAge": "1h"}
SETTLED = "an order was settled by a person"
pytestmark = pytest.mark.timeout(300)


@pytest.fixture
async def bot(tmp_path: Path, database: str) -> AsyncIterator[Bot]:
    """Prepare a bot on a market that moves by the test's hand alone; at the end it is gone."""
    async with bot_at(tmp_path, database, *MARKET) as prepared:
        yield prepared


def say_go_on(bot: Bot) -> None:
    """Change the resource, as a person does who wants the trader to go on."""
    bot.ask(status="on", **{**ONE_TRADER, "maxBuyAge": "2h"})


# What others do to an order that rests.


@pytest.mark.parametrize("renamed", [True, False])
async def test_a_sell_that_a_person_reduces_is_sold_that_far_and_the_rest_when_told(
    bot: Bot, renamed: bool
) -> None:
    """Also where the app gives it another name, and across a restart."""
    running = await with_a_sell(bot)
    ((name,),) = await rows(bot.database, "SELECT client_order_id FROM orders WHERE side = 'SELL'")
    await amend_by_hand(bot.venue, 2, "12", None if renamed else name)
    await until(lambda: rows(bot.database, "SELECT 1 FROM orders WHERE current_quantity = 12"))
    await bot.kill()
    running = await bot.start()
    await running.said("starting trading")
    await trade(bot.venue, "1.2", "BUY")
    await running.said(CANCELED)
    say_go_on(bot)
    await running.said("sell open.*/7.9")
    await sells_and_ends(bot, running)


async def test_a_sell_that_was_reduced_and_filled_while_nobody_led_waits_for_a_word(
    bot: Bot,
) -> None:
    running = await with_a_sell(bot)
    await bot.kill()
    await amend_by_hand(bot.venue, 2, "12")
    await trade(bot.venue, "1.2", "BUY")
    running = await bot.start()
    await running.said(CANCELED)
    say_go_on(bot)
    await running.said("sell open.*/7.9")
    await sells_and_ends(bot, running)


@pytest.mark.parametrize("at_deadline", ["Hold", "Sell"])
async def test_a_renamed_order_is_taken_off_the_book_at_the_deadline(
    bot: Bot, at_deadline: str
) -> None:
    """A cancel finds it whatever it is called now."""
    running = await with_a_sell(bot)
    await amend_by_hand(bot.venue, 2, "12")
    await shut_down(bot, running, shutdown=f"{{deadline: 1s, atDeadline: {at_deadline}}}")
    assert await open_orders(bot.venue) == []
    assert await rows(bot.database, "SELECT unsold FROM traders") == [(Decimal("19.9"),)]
    assert (await rows(bot.database, "SELECT count(*) FROM cancels"))[0][0] == 1
    await agree(bot)


async def test_a_buy_that_a_person_reduces_sells_what_it_brought_and_then_waits(bot: Bot) -> None:
    """Its budget is free again as far as it was reduced; nothing is bought until told."""
    running = await with_a_buy(bot)
    await amend_by_hand(bot.venue, 1, "12")
    await trade(bot.venue, "0.9", "SELL")
    await running.said("sell open")
    await trade(bot.venue, "1.2", "BUY")
    await running.said(CANCELED)
    say_go_on(bot)
    await running.said(SOLD)
    await shut_down(bot, running)
    await agree(bot)


@pytest.mark.parametrize("end", ["FILLED", "EXPIRED_IN_MATCH", "EXPIRED"])
async def test_what_self_trade_prevention_takes_off_a_sell_is_offered_again(
    bot: Bot, end: str
) -> None:
    """Ended as filled with less than its quantity, or expired: the rest is sold by another."""
    running = await with_a_sell(bot)
    if end == "FILLED":
        await bot.venue.admin("prevent", symbol=SYMBOL, orderId=2, quantity="10")
        await trade(bot.venue, "1.2", "BUY")
    else:
        await trade(bot.venue, "1.2", "BUY", "9.9")
        await bot.venue.admin("prevent", symbol=SYMBOL, orderId=2, end=end)
    await running.said("sell open.*/10 ")
    await sells_and_ends(bot, running)


async def test_what_self_trade_prevention_takes_off_a_buy_was_not_bought(bot: Bot) -> None:
    running = await with_a_buy(bot)
    await bot.venue.admin("prevent", symbol=SYMBOL, orderId=1, quantity="10")
    await trade(bot.venue, "0.9", "SELL")
    await running.said("sell open.*/9.9")
    await sells_and_ends(bot, running)


# What cannot be.


@pytest.fixture
async def api_server() -> AsyncIterator[ApiServer]:
    """Serve a resource that asks for two traders; at the end nobody serves it."""
    server = ApiServer({"status": "on", **TWO_TRADERS})
    await server.start()
    yield server
    await server.stop()


async def two_traders(bot: Bot, running: Running) -> str:
    """Let a sell rest and, of another trader, a buy; return the sell's client order id."""
    await running.said("starting trading")
    await trade(bot.venue, "1", "SELL", "1")
    await running.said("buy open")
    await trade(bot.venue, "0.9", "SELL")
    await running.said("sell open")
    await trade(bot.venue, "0.9", "SELL", "1")
    await running.said("buy open", times=2)
    ((name,),) = await rows(bot.database, "SELECT client_order_id FROM orders WHERE side = 'SELL'")
    return str(name)


async def falsify(bot: Bot, change: str, order: str) -> None:
    """Put into an order's row what the record itself would refuse."""
    connection = await asyncpg.connect(bot.database)
    await connection.execute("SET session_replication_role = replica")
    await connection.execute(f"UPDATE orders SET {change} WHERE client_order_id = $1", order)
    await connection.close()


def filled_there(bot: Bot, order: str) -> tuple[str, str, str]:
    """Return the words that settle an order as the exchange filled it."""
    orders = journal.read(bot.venue.journal).orders.values()
    (found,) = [one for one in orders if one.client_order_id == order]
    return (
        "--state=filled",
        f"--executed={found.executed}",
        f"--executed-quote={found.quote_executed}",
    )


async def test_an_order_at_another_price_blocks_its_trader_until_it_is_settled(
    tmp_path: Path, bot: Bot, api_server: ApiServer
) -> None:
    """The condition names it; the other trader trades on; the same leader goes on when told."""
    where = (api_server, bot.venue, bot.database, tmp_path / "word", "--reconcile-s=1")
    leader = await start_leader(*where)
    try:
        order = await two_traders(bot, leader)
        await leader.kill()
        await falsify(bot, "price = price * 2", order)
        leader = await start_leader(*where)
        await leader.said(CONTRADICTED)
        await until(lambda: api_server.condition("Degraded").get("reason") == "RecordContradicts")
        assert order in api_server.condition("Degraded")["message"]
        await trade(bot.venue, "0.8", "SELL")
        await leader.said("sell open")
        await sell_out(bot, leader)
        await cancel_by_hand(bot.venue, order)
        await settle(bot, order)
        await leader.said(SETTLED)
        await leader.said("sell open", times=2)
        await until(lambda: api_server.condition("Degraded").get("reason") == "AsExpected")
        await falsify(bot, "price = price / 2", order)
        await trade(bot.venue, "1.2", "BUY")
        await leader.said(SOLD, times=2)
        await api_server.ask(status="shutdown", shutdown={"deadline": "1s"})
        assert await leader.ended() == 0
    finally:
        await leader.kill()
    await agree(bot)


async def test_an_order_that_fills_after_its_end_blocks_its_trader_until_it_is_settled(
    bot: Bot,
) -> None:
    """Canceled on record, filled by the exchange: a person says what it executed."""
    bot.arguments = ("--reconcile-s=1",)
    bot.ask(status="on", **TWO_TRADERS)
    running = await bot.start()
    order = await two_traders(bot, running)
    await bot.kill()
    await falsify(bot, "state = 'canceled'", order)
    running = await bot.start()
    await running.said(CANCELED)
    await trade(bot.venue, "1.2", "BUY")
    await running.said(f"{CONTRADICTED}.*{order}")
    await trade(bot.venue, "0.8", "SELL")
    await running.said("sell open")
    await sell_out(bot, running)
    await settle(bot, order, *filled_there(bot, order))
    await running.said(SETTLED)
    await running.said(SOLD, times=2)
    await shut_down(bot, running, **TWO_TRADERS)
    await agree(bot)


async def test_what_the_record_refuses_blocks_the_trader_that_led_to_it(bot: Bot) -> None:
    """It has the order as canceled, and cannot have it filled: the other trader trades on."""
    bot.arguments = ("--reconcile-s=1",)
    bot.ask(status="on", **TWO_TRADERS)
    running = await bot.start()
    order = await two_traders(bot, running)
    await falsify(bot, "state = 'canceled'", order)
    await trade(bot.venue, "1.2", "BUY")
    await running.said(f"{CONTRADICTED}.*{order}")
    await trade(bot.venue, "0.8", "SELL")
    await running.said("sell open", times=2)
    await sell_out(bot, running, 2)
    assert running.count(CONTRADICTED) == 1, "it is said once, not at each look"
    await settle(bot, order, *filled_there(bot, order))
    await running.said(SETTLED)
    await running.said(SOLD, times=2)
    await shut_down(bot, running, **TWO_TRADERS)
    await agree(bot)


async def test_an_order_that_a_person_settles_for_no_reason_is_taken_as_the_person_says(
    bot: Bot,
) -> None:
    """Nothing contradicts it, and the leader goes by the record all the same."""
    bot.arguments = ("--reconcile-s=1",)
    running = await with_a_buy(bot)
    ((name,),) = await rows(bot.database, "SELECT client_order_id FROM orders")
    await settle(bot, name)
    await running.said(SETTLED)
    await running.said("trader finished.*its buy was canceled")
    await cancel_by_hand(bot.venue, name)
    await shut_down(bot, running)
    await agree(bot)
