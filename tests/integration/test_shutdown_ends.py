"""A shutdown ends, or says why not; with a deadline it ends always. Real processes throughout."""

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.by_hand import (
    HASTY,
    MARKET,
    ONE_TRADER,
    agree,
    bot_at,
    bot_on,
    rows,
    sell_out,
    sells_and_ends,
    settle,
    shut_down,
    trade,
    with_a_buy,
    with_a_sell,
)
from support.people import SYMBOL, bid_by_another, cancel_by_hand
from support.processes import Bot, Venue, key_folder

HOLD = {"shutdown": "{deadline: 1s, atDeadline: Hold}"}
SELL = {"shutdown": "{deadline: 1s, atDeadline: Sell}"}
SOON = ("--recv-window-ms=1000", "--exchange-timeout-ms=1500", "--exchange-margin-ms=0")
"""What the exchange denies counts after these, not after a quarter of a minute."""
pytestmark = pytest.mark.timeout(300)


@pytest.fixture
async def bot(tmp_path: Path, database: str) -> AsyncIterator[Bot]:
    """Prepare a bot on a market that moves by the test's hand alone; at the end it is gone."""
    async with bot_at(tmp_path, database, *MARKET, arguments=SOON) as prepared:
        yield prepared


def account(name: str) -> dict[str, Any]:
    """Return an account of the exchange, with one key that has its name."""
    keys = [{"apiKey": name, "secret": "paper-secret"}]
    return {"name": name, "keys": keys, "balances": {"USDT": "1000"}}


@pytest.fixture
async def two(tmp_path: Path, database: str) -> AsyncIterator[Bot]:
    """Prepare a bot on such a market, on which another account may bid."""
    accounts = tmp_path / "accounts.json"
    accounts.write_text(json.dumps([account(name) for name in ("paper", "other")]))
    async with bot_at(tmp_path, database, *MARKET, "--accounts", str(accounts)) as prepared:
        yield prepared


async def is_off(bot: Bot) -> bool:
    return yaml.safe_load(bot.file.read_text())["spec"]["status"] in {"off", False}


async def results(bot: Bot) -> list[tuple[Any, ...]]:
    """Return how the traders ended, and what they keep."""
    query = "SELECT state::text, result, unsold FROM traders ORDER BY started_ms"
    return await rows(bot.database, query)


async def hits(market: Venue) -> int:
    """Return how many requests the faults have met."""
    return sum(rule["hits"] for rule in (await market.admin("faults"))["faults"])


# What cannot be read.


async def test_fills_that_cannot_be_read_are_said_and_held_at_the_deadline(bot: Bot) -> None:
    """Asked for a few times, not forever; the deadline goes by what was executed."""
    running = await with_a_buy(bot, HASTY)
    await bot.venue.admin("fault", fault="event-lost", target="TRADE", times=0)
    await bot.venue.admin("fault", fault="rows-missing", target="myTrades", orderId=1, times=0)
    await trade(bot.venue, "0.9", "SELL")
    await bot.venue.admin("cut", channel="api")
    await running.said("reason=FillsMissing.*0 of 20 executed")
    assert not running.over
    await shut_down(bot, running, **HOLD)
    assert await hits(bot.venue) < 30
    assert await results(bot) == [("held", "shutdown deadline: held as asked for", Decimal(20))]
    assert await is_off(bot)
    await agree(bot)


# What is gone.


async def test_an_order_that_the_exchange_forgot_is_given_up_at_the_deadline(bot: Bot) -> None:
    """As after a reset of the testnet: named, and not canceled forever."""
    running = await with_a_sell(bot)
    await bot.venue.admin("forget")
    await shut_down(bot, running, **HOLD)
    ((state, _, unsold),) = await results(bot)
    assert (state, unsold) == ("held", Decimal("19.9"))
    ((reason,),) = await rows(bot.database, "SELECT reason FROM orders WHERE side = 'SELL'")
    assert "gone from the exchange" in reason
    assert (await rows(bot.database, "SELECT count(*) FROM cancels"))[0][0] <= 2
    assert await is_off(bot)


async def test_an_order_that_the_exchange_forgot_is_named_until_a_person_ends_it(
    tmp_path: Path, database: str
) -> None:
    """Without a deadline it says why the shutdown does not end; what it holds is offered again."""
    fast = (*SOON, "--reconcile-s=1")
    async with bot_at(tmp_path, database, *MARKET, arguments=fast) as bot:
        running = await with_a_sell(bot)
        ((name,),) = await rows(database, "SELECT client_order_id FROM orders WHERE side = 'SELL'")
        await bot.venue.admin("forget")
        bot.ask(status="shutdown", **ONE_TRADER)
        await running.said(f"order is missing on the exchange.*{name}")
        await settle(bot, name)
        await running.said("an order was settled by a person")
        await running.said("sell open", times=2)
        await trade(bot.venue, "1.2", "BUY")
        assert await running.ended() == 0, running.lines[-20:]
        assert running.count("order is missing on the exchange") == 1
        assert await rows(database, "SELECT count(*) FROM cancels") == [(0,)]
        assert [state for state, *_ in await results(bot)] == ["finished"]
        assert await is_off(bot)


async def test_an_archived_order_is_over_and_nothing_executed(bot: Bot) -> None:
    """Canceled by a person while nobody led, and archived: the buy ends, without a deadline."""
    running = await with_a_buy(bot)
    await bot.kill()
    ((name,),) = await rows(bot.database, "SELECT client_order_id FROM orders")
    await cancel_by_hand(bot.venue, name)
    await bot.venue.admin("archive", symbol=SYMBOL, orderId=1)
    bot.ask(status="shutdown", **ONE_TRADER)
    running = await bot.start()
    assert await running.ended() == 0
    ((state, why, unsold),) = await results(bot)
    assert (state, unsold) == ("finished", 0)
    assert "archived" in why
    assert await is_off(bot)


async def test_an_unknown_symbol_with_nothing_on_record_goes_off(
    tmp_path: Path, database: str
) -> None:
    async with bot_at(tmp_path, database, *MARKET, symbol="NOSUCHUSDT") as bot:
        bot.ask(status="shutdown", symbol="NOSUCHUSDT")
        running = await bot.start()
        assert await running.ended() == 0, running.lines
        assert await is_off(bot)


async def test_a_symbol_that_was_taken_off_the_exchange_ends_what_it_has(
    tmp_path: Path, database: str
) -> None:
    """Without a deadline, once it was denied for long: nothing of it can be asked for any more."""
    async with bot_at(tmp_path, database, *MARKET, arguments=SOON) as bot:
        running = await with_a_sell(bot)
        await bot.kill()
        await bot.venue.kill()
        bot.venue.arguments = ("--manual", "ADAUSDT")
        await bot.venue.start()
        bot.ask(status="shutdown", **ONE_TRADER)
        running = await bot.start()
        await running.said("waiting.*UnknownSymbol")
        assert await rows(database, "SELECT state::text FROM traders") == [("running",)]
        assert await running.ended() == 0, running.lines
        ((state, why, unsold),) = await results(bot)
        # The whole of it where the kill came before the sell's answer was on record.
        assert (state, unsold in {Decimal("19.9"), Decimal("19.98")}) == ("held", True)
        assert why.startswith("XRPUSDT is gone from the exchange, which was asked for no order")
        assert await is_off(bot)


async def test_a_symbol_that_is_denied_once_keeps_its_orders(tmp_path: Path, database: str) -> None:
    """The exchange's mistake: the sell rests, and the shutdown waits for it."""
    async with bot_at(tmp_path, database, *MARKET, arguments=SOON) as bot:
        running = await with_a_sell(bot)
        await bot.kill()
        denied = {"code": -1121, "message": "Invalid symbol."}
        # What is known of the symbol is forgotten at the first denial, and it is asked for.
        for target, times in (("exchangeInfo", 1), ("openOrders.status", 2)):
            await bot.venue.admin("fault", fault="refused", target=target, times=times, **denied)
        bot.ask(status="shutdown", **ONE_TRADER)
        running = await bot.start()
        await running.said("waiting.*UnknownSymbol")
        await running.said("shutdown waits for the market")
        assert await rows(database, "SELECT state::text FROM orders WHERE side = 'SELL'") == [
            ("open",)
        ]
        await trade(bot.venue, "1.2", "BUY")
        assert await running.ended() == 0, running.lines[-20:]
        assert [state for state, *_ in await results(bot)] == ["finished"]


# What is another's.


async def test_a_shutdown_of_a_resource_that_does_not_own_the_book_is_done(
    tmp_path: Path, bot: Bot
) -> None:
    """Nothing of it is open: it says so, goes off, and leaves the owner alone."""
    owner = await with_a_sell(bot)
    second = bot_on(tmp_path / "second", bot.venue, bot.database, "--owner=second")
    second.ask(status="shutdown", **ONE_TRADER)
    try:
        running = await second.start()
        assert await running.ended() == 0
    finally:
        await second.kill()
    assert running.count("nothing of it is open here.*(belongs|owned)")
    assert await is_off(second)
    await sell_out(bot, owner)
    await shut_down(bot, owner)
    await agree(bot)


async def test_a_shutdown_with_the_key_of_another_account_is_done(two: Bot, tmp_path: Path) -> None:
    """What is on record of the account before stays there, and goes on with its key."""
    running = await with_a_sell(two)
    await two.kill()
    two.ask(status="shutdown", **ONE_TRADER)
    key = key_folder(tmp_path / "other", "other")
    running = await two.start(SYMBOL_TRADER_EXCHANGE_KEY=str(key))
    assert await running.ended() == 0
    assert running.count("nothing of it is open here.*account")
    assert await is_off(two)
    assert await rows(two.database, "SELECT state::text FROM traders") == [("running",)]
    two.ask(status="on", **ONE_TRADER)
    running = await two.start()
    await running.said("unfinished on record")
    await sells_and_ends(two, running)


# What can be sold at the deadline.


async def test_a_coarser_step_leaves_whole_steps_to_sell(two: Bot) -> None:
    """19.9 rests, and the step becomes 1: 19 is sold, the rest is held."""
    running = await with_a_sell(two)
    await bid_by_another(two.venue, "1", "100")
    await two.venue.admin("filters", symbol=SYMBOL, filters={"stepSize": "1", "minQty": "1"})
    await shut_down(two, running, **SELL)
    ((state, _, unsold),) = await results(two)
    assert (state, unsold) == ("held", Decimal("0.9"))
    assert running.count("order refused") <= 1
    await agree(two)


async def test_what_is_left_of_the_base_asset_is_sold(two: Bot) -> None:
    """A person has taken a half of it: the other half is sold, and what lacks is held."""
    running = await with_a_sell(two, HASTY)
    await two.venue.admin("symbol-status", symbol=SYMBOL, status="HALT")
    await two.venue.admin("expire", symbol=SYMBOL, orderId=2)
    await running.said("order refused.*Market is closed")
    await two.venue.admin("balance", asset="XRP", free="10", account="paper")
    await two.venue.admin("symbol-status", symbol=SYMBOL, status="TRADING")
    await running.said("order refused.*needs 19.9 XRP; free in the account: 10 XRP")
    await bid_by_another(two.venue, "1", "100")
    await shut_down(two, running, **SELL)
    ((state, _, unsold),) = await results(two)
    assert (state, unsold) == ("held", Decimal("9.9"))
    await agree(two)


@pytest.mark.parametrize(("bids", "held"), [(3, "0"), (2, "5.9")])
async def test_a_thin_book_is_offered_to_while_somebody_buys(
    two: Bot, bids: int, held: str
) -> None:
    """One small bid after another is taken; what nobody wants is held."""
    running = await with_a_sell(two)
    await trade(two.venue, "1", "SELL", "1")
    await bid_by_another(two.venue, "1", "7")
    two.ask(status="shutdown", **ONE_TRADER, **SELL)
    for number in range(1, bids):
        await running.said("sell expired.*executed=7/", times=number)
        await bid_by_another(two.venue, "1", "7")
    assert await running.ended() == 0, running.lines[-20:]
    ((_, why, unsold),) = await results(two)
    assert unsold == Decimal(held), why
    assert running.count("placing sell") <= 1 + bids + 3
    assert await is_off(two)
    await agree(two)
