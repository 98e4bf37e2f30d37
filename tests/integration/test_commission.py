"""Commission in the base asset, in BNB, and in BNB whose price nobody tells: it all counts."""

import re
from decimal import Decimal
from pathlib import Path

import pytest

from support.api_server import ApiServer, start_leader
from support.by_hand import (
    MARKET,
    agree,
    balances,
    bot_at,
    rows,
    sell_out,
    shut_down,
    trade,
    with_a_buy,
)
from support.processes import Bot, Running, until

BNB = "BNBUSDT"
CYCLES = 10
OWN_BNB = Decimal(5)
"""What the person keeps in the account besides."""
BNB_FEES = ("--bnb-fees", "--bnb-price", "600")
TOTALS = "SELECT ended_profit, ended_carried, ended_carried_cost FROM owners"
FEES = """
SELECT fee_in::text, commission_asset, fee_price, fee_source,
    fee_value, commission, fee_price_ms, time_ms
FROM fills ORDER BY time_ms
"""
KLINES = "klines BNBUSDT 1m"
WITH_BNB = ("--balances", "USDT=1000,BNB=1")
CANCEL_BUYS = {"shutdown": "{unfilledBuys: Cancel, deadline: 1s}"}
ONE_FEE = Decimal("0.02")
"""More than the commission of one order, in BNB at about 1."""
NO_MARKET = {"code": -1121, "message": "Invalid symbol."}
pytestmark = pytest.mark.timeout(300)


async def cycle(bot: Bot, running: Running, number: int, symbol: str = "XRPUSDT") -> None:
    """Let the `number`th cycle buy and sell."""
    if number > 1:
        await trade(bot.venue, "1", "SELL", "1", symbol)
        await running.said("buy open", times=number)
    await trade(bot.venue, "0.9", "SELL", symbol=symbol)
    await running.said("sell open", times=number)
    await sell_out(bot, running, number, symbol)


def told_in(running: Running) -> Decimal:
    """Return the profit of all cycles that a leader told of, with what it told of later."""
    profit = re.compile(r"trader finished.* profit=(\S+)")
    late = re.compile(r"fee of a finished trader valued.* profit_falls_by=(\S+)")
    return told(running, profit) - told(running, late)


def told(running: Running, amount: re.Pattern[str]) -> Decimal:
    """Add up an amount in a leader's lines."""
    found = (amount.search(line) for line in running.lines)
    return sum((Decimal(match[1]) for match in found if match), Decimal(0))


async def test_commission_in_bnb_on_a_market_of_bnb_is_counted_to_the_last_digit(
    tmp_path: Path, database: str
) -> None:
    """The profit told is what the account has more, its inventory at cost; own coins stay."""
    market = ("--manual", BNB, "--bnb-fees", "--balances", f"USDT=1000,BNB={OWN_BNB}")
    async with bot_at(tmp_path, database, *market, symbol=BNB) as bot:
        running = await with_a_buy(bot, symbol=BNB)
        for number in range(1, CYCLES + 1):
            await cycle(bot, running, number, BNB)
        await shut_down(bot, running, symbol=BNB, **CANCEL_BUYS)
        await agree(bot, BNB)
        after = balances(bot.venue)
    ((profit, carried, cost),) = await rows(database, TOTALS)
    assert profit == told_in(running) == after["USDT"] - 1000 + cost
    assert after["BNB"] - OWN_BNB == carried
    assert carried > -ONE_FEE, "what the last sell's commission took, the next sell makes up for"


async def test_commission_in_bnb_is_valued_with_price_source_and_time(
    tmp_path: Path, database: str
) -> None:
    """Its value is part of the profit, beside what the account has less of BNB."""
    async with bot_at(tmp_path, database, *MARKET, *BNB_FEES, *WITH_BNB) as bot:
        running = await with_a_buy(bot)
        await cycle(bot, running, 1)
        await shut_down(bot, running, **CANCEL_BUYS)
        found = await agree(bot)
        after = balances(bot.venue)
    fees = await rows(database, FEES)
    assert [fee[:4] for fee in fees] == [("other", "BNB", Decimal(600), KLINES)] * len(fees)
    assert all(value == amount * 600 for *_, value, amount, _, _ in fees)
    assert all(priced_ms >= fill_ms - 60_000 for *_, priced_ms, fill_ms in fees)
    paid = 1 - after["BNB"]
    ((profit, carried, cost),) = await rows(database, TOTALS)
    assert (after["XRP"], found.remarks) == (carried, ())
    assert profit == told_in(running) == after["USDT"] - 1000 + cost - paid * 600


async def test_commission_goes_on_in_the_base_asset_when_bnb_runs_out(
    tmp_path: Path, database: str
) -> None:
    """In the middle of a cycle: the buy is paid with BNB, the sell with what it earned."""
    market = (*MARKET, *BNB_FEES, "--balances", "USDT=1000,BNB=0.00004")
    async with bot_at(tmp_path, database, *market) as bot:
        running = await with_a_buy(bot)
        for number in (1, 2):
            await cycle(bot, running, number)
        await shut_down(bot, running, **CANCEL_BUYS)
        await agree(bot)
        after = balances(bot.venue)
    assert {fee[0] for fee in await rows(database, FEES)} == {"base", "quote", "other"}
    paid = Decimal("0.00004") - after["BNB"]
    ((profit, carried, cost),) = await rows(database, TOTALS)
    assert after["XRP"] == carried
    assert profit == told_in(running) == after["USDT"] - 1000 + cost - paid * 600


async def test_commission_without_a_price_is_named_until_it_has_one(
    tmp_path: Path, database: str, api_server: ApiServer
) -> None:
    """In status, view and audit; a price that is told later lowers the profit by its value."""
    async with bot_at(tmp_path, database, *MARKET, *BNB_FEES, *WITH_BNB) as bot:
        await bot.venue.admin("fault", fault="refused", target="klines", times=0, **NO_MARKET)
        leader = await start_leader(api_server, bot.venue, database, tmp_path / "word")
        try:
            await leader.said("starting trading")
            await trade(bot.venue, "1", "SELL", "1")
            await leader.said("buy open")
            await cycle(bot, leader, 1)
            told = api_server.told
            await until(lambda: told("profit", "0") != "0")
            ((owed,),) = await rows(database, "SELECT sum(amount) FROM unvalued_fees")
            assert told("unvaluedFees") == {"BNB": f"{owed:f}"}
            assert "lacks fees of" in api_server.condition("Trading")["message"]
            found = await agree(bot)
            assert {remark.what for remark in found.remarks} == {"fee is not valued"}
            lacking = Decimal(told("profit"))

            await leader.kill()
            await bot.venue.admin("clear-faults")
            leader = await start_leader(api_server, bot.venue, database, tmp_path / "word")
            await until(lambda: Decimal(told("profit", "0")) == lacking - owed * 600)
            assert told("unvaluedFees") is None
            assert not (await agree(bot)).remarks
            assert await rows(database, "SELECT * FROM unvalued_fees") == []
        finally:
            await leader.kill()
