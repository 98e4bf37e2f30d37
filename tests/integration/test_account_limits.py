"""Limits and halts of an account, on a real PostgreSQL: no buy past one of them is committed."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from importlib.resources import files
from typing import Any

import asyncpg
import pytest

from support.recorded import (
    LEDGER,
    OWNER,
    START_MS,
    OwnRecord,
    became,
    buy,
    cancel,
    claim,
    fee_in,
    fill,
    intent,
    opened,
    order_name,
    result,
    sell,
    trader,
)
from symbol_trader.audit import record as audit
from symbol_trader.core.limits import AccountLimit
from symbol_trader.core.orders import FeeAsset, FeeValue, OrderState, Side, TraderId
from symbol_trader.core.records import (
    FeeValued,
    FillRecorded,
    FillsGivenUp,
    RecordChange,
    RefusedBuy,
    TraderState,
)
from symbol_trader.errors import Contradiction, Fenced
from symbol_trader.postgres.account_limits import (
    PostgresAccountLimits,
    UnknownAccount,
    halt,
    resume,
)
from symbol_trader.postgres.changes import encode
from symbol_trader.postgres.ownership import StatedEnd, settle, takeover

ACCOUNT = (LEDGER.environment, LEDGER.account)
LIMIT = AccountLimit("uid-1", 1, "8c2f1d0e", "trading", "all")


@asynccontextmanager
async def leading(url: str, symbol: str = LEDGER.symbol) -> AsyncIterator[OwnRecord]:
    """Lead a symbol that is quoted in USDT."""
    async with opened(url) as record:
        owner = replace(OWNER, name=symbol.lower())
        await record.ownership.claim(replace(LEDGER, symbol=symbol), owner, pod=symbol)
        await record.know_quote_asset("USDT")
        yield record


async def mirror(record: OwnRecord, limit: AccountLimit) -> bool:
    return await PostgresAccountLimits(record.link).mirror(limit)


async def forget(record: OwnRecord, uid: str) -> bool:
    return await PostgresAccountLimits(record.link).forget(uid)


async def try_to_buy(record: OwnRecord, name: str, **facts: str) -> str | None:
    """Start a trader that buys for 20 USDT; return why its buy was refused, if it was."""
    refused = await record.note([trader(name), intent(name, **facts)])  # type: ignore[arg-type]  # prices are text
    return refused[0].reason if refused else None


async def rows(url: str, query: str, *arguments: Any) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(query, *arguments)]
    finally:
        await connection.close()


async def on_record(url: str) -> set[str]:
    return {name for (name,) in await rows(url, "SELECT client_order_id FROM orders")}


async def backdate(url: str, what: str) -> None:
    """Let time pass in the record, where nothing but time would do."""
    await rows(url, what)


# Halts.


async def test_a_halt_stops_every_buy_and_no_sell_and_no_cancel(database: str) -> None:
    async with leading(database) as record, leading(database, "BTCUSDT") as other:
        await record.note([trader("a"), trader("b")])
        await buy(record, "a", 1)
        await record.note([intent("b")])
        await halt(database, *ACCOUNT, reason="the market is mad", on_limit="NoBuys")
        refused = await record.note([trader("c"), intent("c")])
        (buy_refused,) = refused
        assert (buy_refused.client_order_id, buy_refused.reason) == (order_name("c"), "Halted")
        assert buy_refused.message.startswith("buys are halted since 2")
        assert buy_refused.message.endswith("Z: the market is mad")
        assert await try_to_buy(other, "z") == "Halted", "a halt is the account's"
        assert await record.note([intent("a", Side.SELL), cancel("b")]) == ()
    assert await on_record(database) == {"a-buy-1", "b-buy-1", "a-sell-1"}


async def test_another_account_is_not_halted(database: str) -> None:
    async with leading(database) as record:
        for other in (("paper", "another"), ("testnet", LEDGER.account)):
            with pytest.raises(UnknownAccount):
                await halt(database, *other, reason="tired", on_limit="NoBuys")
        assert await try_to_buy(record, "a") is None


async def test_an_account_that_nobody_trades_on_is_probably_misspelt(database: str) -> None:
    """It is halted all the same: its first leader may be about to start."""
    known = r"account 1 \(live\): look at .* by environment, are {}"
    with pytest.raises(UnknownAccount, match=known.format("none")):
        await resume(database, "live", "1")
    async with leading(database):
        with pytest.raises(UnknownAccount, match=known.format(f"paper {LEDGER.account}")):
            await halt(database, "live", "1", reason="mad", on_limit="NoBuys")
    assert await rows(database, "SELECT environment, account FROM halts") == [("live", "1")]


async def test_a_second_halt_is_no_milder(database: str) -> None:
    async with leading(database):
        await halt(database, *ACCOUNT, reason="mad", on_limit="CancelBuys")
        await halt(database, *ACCOUNT, reason="still mad", on_limit="NoBuys")
        said = "SELECT reason, on_limit FROM halts"
        assert await rows(database, said) == [("still mad", "CancelBuys")]
        await halt(database, *ACCOUNT, reason="all of it", on_limit="Shutdown")
        assert await rows(database, said) == [("all of it", "Shutdown")]


@asynccontextmanager
async def committing(url: str, record: OwnRecord, name: str) -> AsyncIterator[None]:
    """Check and insert a trader's buy; commit it at the end."""
    connection = await asyncpg.connect(url)
    async with connection.transaction():
        await connection.execute(
            "SELECT note_within_limits(ROW($1::text, $2::text, $3::text)::book, $4::bigint,"
            " $5::text, $6::jsonb)",
            *record.link.claim.arguments,
            encode([intent(name)]),
        )
        yield
    await connection.close()


async def until_waiting(url: str, task: asyncio.Task[Any]) -> None:
    """Wait until somebody waits for the lock of an account: it must not be done before."""
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    while await rows(url, waiting) != [(1,)]:
        assert not task.done()


async def test_a_halt_waits_for_the_buys_that_are_being_committed(database: str) -> None:
    """So no buy is committed after it: here a buy has passed the check and is not committed."""
    async with leading(database) as record:
        await record.note([trader("a")])
        async with committing(database, record, "a"):
            halting = asyncio.create_task(halt(database, *ACCOUNT, reason="mad", on_limit="NoBuys"))
            await until_waiting(database, halting)
        await halting


async def test_all_else_of_a_note_is_committed_where_a_buy_is_refused(database: str) -> None:
    """And the last intent that `confirm` looks for is not the refused one."""
    async with leading(database) as record:
        await record.note([trader("a"), trader("b")])
        await record.note([intent("a")])
        await halt(database, *ACCOUNT, reason="mad", on_limit="NoBuys")
        news = became(order_name("a"), OrderState.OPEN, 7)
        refused = await record.note([news, intent("b"), trader("c")])
        assert [buy.client_order_id for buy in refused] == ["b-buy-1"]
        await record.ownership.confirm()
        traders = {row.trader_id: row.orders for row in (await record.load()).traders}
    assert set(traders) == {"a", "b", "c"}
    assert [order.state for order in traders[TraderId("a")]] == [OrderState.OPEN]
    assert traders[TraderId("b")] == ()


async def test_a_leader_of_the_version_before_is_told_by_an_error(database: str) -> None:
    """It does not look whether a buy was refused, and would send it."""
    async with leading(database) as record:
        await record.note([trader("a")])
        await halt(database, *ACCOUNT, reason="mad", on_limit="NoBuys")
        statement = (
            "SELECT note(ROW($1::text, $2::text, $3::text)::book, $4::bigint, $5::text,"
            " $6::bigint, $7::jsonb)"
        )
        arguments = (*record.link.claim.arguments, 0, encode([intent("a")]))
        with pytest.raises(Contradiction, match=r"a-buy-1: buys are halted since .*: mad"):
            await record.link.ask(statement, *arguments)
        await resume(database, *ACCOUNT)
        await record.link.ask(statement, *arguments)
    assert await on_record(database) == {"a-buy-1"}


async def test_resuming_ends_what_people_and_losses_halted_and_not_what_a_resource_asks_for(
    database: str,
) -> None:
    async with leading(database) as record:
        await halt(database, *ACCOUNT, reason="mad", on_limit="NoBuys")
        await mirror(record, replace(LIMIT, halt=True))
        assert await resume(database, *ACCOUNT) == ["halt of trading/all is true"]
        assert await try_to_buy(record, "a") == "Halted"
        await mirror(record, replace(LIMIT, generation=2, halt=False))
        assert await resume(database, *ACCOUNT) == []
        assert await record.note([intent("a")]) == ()


@pytest.mark.parametrize("quote_asset", [None, "USDT"])
async def test_a_later_moment_in_the_resource_ends_what_losses_halted(
    database: str, quote_asset: str | None
) -> None:
    limit = replace(LIMIT, quote_asset=quote_asset, max_daily_loss=Decimal(4))
    async with leading(database) as record:
        await mirror(record, limit)
        await record.note([trader("a"), trader("b")])
        await buy(record, "a", 1)
        await record.record_bid(Decimal("0.35"))
        await halt(database, *ACCOUNT, reason="mad", on_limit="NoBuys")
        sources = "SELECT source FROM halts ORDER BY source"
        assert await rows(database, sources) == [("maxDailyLoss USDT",), ("person",)]
        resumed = replace(limit, generation=2, resumed_at="2026-01-01T00:00:00Z")
        await mirror(record, resumed)
        assert await rows(database, sources) == [("person",)], "a person's own ends by a command"
        await record.record_bid(Decimal("0.25"))
        assert len(await rows(database, sources)) == 2, "losses count from there on"
        await mirror(record, replace(resumed, generation=3))
        assert len(await rows(database, sources)) == 2, "the same moment says nothing new"
        await mirror(record, replace(resumed, generation=4, resumed_at="2026-01-02T00:00:00Z"))
        assert await rows(database, sources) == [("person",)]


# Mirrored limits.


async def test_an_older_generation_never_overwrites_a_newer_one(database: str) -> None:
    async with leading(database) as record:
        assert await mirror(record, replace(LIMIT, generation=3, max_exposure=Decimal(30)))
        assert not await mirror(record, replace(LIMIT, generation=2, halt=True))
        assert not await mirror(record, replace(LIMIT, generation=3, max_exposure=Decimal(99)))
        assert await try_to_buy(record, "a") is None
        assert await try_to_buy(record, "b") == "MaxExposure"
        assert await mirror(record, replace(LIMIT, generation=4, max_exposure=Decimal(40)))
        assert await record.note([intent("b")]) == ()


async def test_a_limit_that_was_deleted_is_not_mirrored_again_by_a_leader_that_lags(
    database: str,
) -> None:
    async with leading(database) as record:
        await mirror(record, replace(LIMIT, generation=2, max_exposure=Decimal(10)))
        assert await try_to_buy(record, "a") == "MaxExposure"
        assert await forget(record, "uid-1")
        assert not await forget(record, "uid-1")
        assert not await mirror(record, replace(LIMIT, generation=3, max_exposure=Decimal(10)))
        assert await record.note([intent("a")]) == ()


async def test_a_halt_outlives_the_limit_that_asked_for_it(database: str) -> None:
    async with leading(database) as record:
        await mirror(record, replace(LIMIT, halt=True))
        await forget(record, "uid-1")
        assert await try_to_buy(record, "a") == "Halted"
        assert await resume(database, *ACCOUNT) == []
        assert await record.note([intent("a")]) == ()


async def test_of_two_limits_the_stricter_counts_and_is_named(database: str) -> None:
    async with leading(database) as record:
        await mirror(record, replace(LIMIT, max_exposure=Decimal(1000)))
        await mirror(record, replace(LIMIT, uid="uid-2", name="strict", max_exposure=Decimal(10)))
        (refused,) = await record.note([trader("a"), intent("a")])
    assert refused == RefusedBuy(
        order_name("a"),
        "MaxExposure",
        "maxExposure of trading/strict: 0 of 10 USDT are used, and this buy takes 20",
    )


# Sums.


async def test_buys_of_20_symbols_at_once_against_room_for_7_commit_exactly_7(
    database: str,
) -> None:
    async with AsyncExitStack() as stack:
        symbols = [f"A{number}USDT" for number in range(20)]
        records = [await stack.enter_async_context(leading(database, s)) for s in symbols]
        for record in records:
            await record.note([trader("a")])
        await mirror(records[0], replace(LIMIT, max_exposure=Decimal(159)))
        found = await asyncio.gather(*(record.note([intent("a")]) for record in records))
    reasons = [buys[0].reason for buys in found if buys]
    assert reasons == ["MaxExposure"] * 13
    assert await rows(database, "SELECT count(*) FROM orders") == [(7,)]
    assert await rows(database, "SELECT sum(exposure), sum(open_cycles) FROM owners") == [(140, 7)]


async def test_a_buy_waits_for_the_one_before_it_where_a_limit_stands(database: str) -> None:
    """Else both would find the same room: here the first has passed the check."""
    async with leading(database) as record, leading(database, "BTCUSDT") as other:
        await record.note([trader("a")])
        await other.note([trader("b")])
        await mirror(record, replace(LIMIT, max_exposure=Decimal(30)))
        async with committing(database, record, "a"):
            buying = asyncio.create_task(other.note([intent("b")]))
            await until_waiting(database, buying)
        assert [buy_.reason for buy_ in await buying] == ["MaxExposure"]


async def test_buys_do_not_wait_for_each_other_where_no_limit_stands(database: str) -> None:
    async with leading(database) as record, leading(database, "BTCUSDT") as other:
        await record.note([trader("a")])
        async with committing(database, record, "a"):
            assert await try_to_buy(other, "b") is None


async def test_what_a_cycle_leaves_to_later_sells_stays_exposed(database: str) -> None:
    async with leading(database) as record:
        await mirror(record, replace(LIMIT, max_exposure=Decimal(20)))
        await record.note([trader("a"), result("a", carried="2", carried_cost="1")])
        (refused,) = await record.note([trader("b"), intent("b")])
        assert ": 1 of 20 USDT are used" in refused.message
        assert await record.note([intent("b", quantity="38")]) == ()


async def test_many_intents_of_many_symbols_of_an_account_do_not_deadlock(database: str) -> None:
    """Each leader also ends cycles and records bids: every kind of writer at once, 600 buys."""
    sure = replace(
        LIMIT,
        max_exposure=Decimal(10**9),
        max_daily_loss=Decimal(10**9),
        max_drawdown=Decimal(10**9),
        max_open_cycles=10**4,
        max_orders_per_minute=10**4,
        cooldown_ms=1,
    )

    async def trade(record: OwnRecord, number: int) -> None:
        for cycle in range(12):
            name = f"c{cycle}"
            await record.record_bid(Decimal("0.5"))
            assert await record.note([trader(name), intent(name)]) == ()
            order_id = number * 1000 + cycle
            done = fill(order_id)
            changes: list[RecordChange] = [
                became(order_name(name), OrderState.FILLED, order_id, "40", "20"),
                FillRecorded(order_name(name), Side.BUY, done),
                result(name, TraderState.HELD, quantity="40", profit="-0.01"),
            ]
            await record.note(changes)

    async with AsyncExitStack() as stack:
        symbols = [f"A{number}USDT" for number in range(50)]
        records = [await stack.enter_async_context(leading(database, s)) for s in symbols]
        await mirror(records[0], sure)
        before = await rows(database, "SELECT deadlocks FROM pg_stat_database")
        await asyncio.gather(*(trade(record, n) for n, record in enumerate(records)))
        assert await rows(database, "SELECT deadlocks FROM pg_stat_database") == before
    assert await rows(database, "SELECT count(*) FROM orders") == [(600,)]


async def test_exposure_is_free_again_once_an_order_or_a_cycle_is_over(database: str) -> None:
    async with leading(database) as record:
        await mirror(record, replace(LIMIT, max_exposure=Decimal(20)))
        assert await try_to_buy(record, "a") is None
        assert await try_to_buy(record, "b") == "MaxExposure"
        # What is decided in one note counts for the next buy in it.
        gone = became(order_name("a"), OrderState.CANCELED, 1)
        assert await record.note([gone, intent("b")]) == ()
        await record.note([became(order_name("b"), OrderState.REFUSED)])
        again = intent("a", attempt=2)
        assert await record.note([again]) == ()
        bought = fill(3)
        await record.note(
            [
                became(again.client_order_id, OrderState.FILLED, 3, "40", "20"),
                FillRecorded(again.client_order_id, Side.BUY, bought),
            ]
        )
        assert await try_to_buy(record, "c") == "MaxExposure", "what was spent counts"
        await sell(record, "a", 4, price="0.6")
        await record.note([result("a", profit="4")])
        assert await record.note([intent("c")]) == ()


async def test_a_cycle_counts_once_it_buys_and_its_next_attempt_is_no_other_one(
    database: str,
) -> None:
    async with leading(database) as record, leading(database, "BTCUSDT") as other:
        await mirror(record, replace(LIMIT, max_open_cycles=2))
        await record.note([trader(name) for name in "abcd"])
        assert await record.note([intent("a")]) == ()
        assert await try_to_buy(other, "z") is None
        (refused,) = await record.note([intent("b")])
        assert refused.reason == "MaxOpenCycles"
        assert refused.message == "maxOpenCycles of trading/all: 2 cycles are open"
        partly = became(order_name("a"), OrderState.CANCELED, 1, "1", "0.5")
        await record.note([partly, FillRecorded(order_name("a"), Side.BUY, fill(1, quantity="1"))])
        assert await record.note([intent("a", attempt=2)]) == ()


async def test_orders_of_the_last_minute_count_sells_too_which_always_pass(database: str) -> None:
    async with leading(database) as record, leading(database, "BTCUSDT") as other:
        await mirror(record, replace(LIMIT, max_orders_per_minute=3))
        await record.note([trader("a")])
        await buy(record, "a", 1)
        assert await record.note([intent("a", Side.SELL)]) == ()
        assert await try_to_buy(other, "y") is None
        assert await try_to_buy(other, "z") == "MaxOrdersPerMinute"
        sold = became(order_name("a", Side.SELL), OrderState.CANCELED, 2)
        await record.note([sold])
        assert await record.note([intent("a", Side.SELL, attempt=2)]) == ()
        await backdate(database, "UPDATE orders SET committed_at = committed_at - interval '1 min'")
        assert await other.note([intent("z")]) == ()


async def test_orders_count_also_after_the_clock_was_set_back(database: str) -> None:
    """Here they were counted in a minute that, by the clock of now, has not begun."""
    async with leading(database) as record:
        await mirror(record, replace(LIMIT, max_orders_per_minute=4))
        assert await try_to_buy(record, "a") is None
        assert await try_to_buy(record, "b") is None
        await backdate(database, "UPDATE owners SET minute = minute + 1")
        assert await try_to_buy(record, "c") is None
        assert await try_to_buy(record, "d") is None
        assert await try_to_buy(record, "e") == "MaxOrdersPerMinute"


async def test_a_symbol_cools_down_after_a_loss_and_the_others_do_not(database: str) -> None:
    async with leading(database) as record, leading(database, "BTCUSDT") as other:
        (now_ms,) = (await rows(database, "SELECT extract(epoch FROM now())::bigint * 1000"))[0]
        await mirror(record, replace(LIMIT, cooldown_ms=60_000))
        await record.note([trader("a"), result("a", profit="1", finished_ms=now_ms)])
        assert await try_to_buy(record, "b") is None
        await record.note([trader("c"), result("c", profit="-1", finished_ms=now_ms - 30_000)])
        await record.note([trader("d"), result("d", profit="-1", finished_ms=now_ms - 90_000)])
        assert await try_to_buy(record, "e") == "Cooldown"
        assert await try_to_buy(other, "z") is None
        await mirror(record, replace(LIMIT, generation=2, cooldown_ms=29_000))
        assert await record.note([intent("e")]) == ()


# Quote assets.


async def test_amounts_need_to_know_what_a_symbol_is_quoted_in(database: str) -> None:
    async with opened(database) as record:
        await claim(record)
        await mirror(record, replace(LIMIT, max_open_cycles=10))
        assert await try_to_buy(record, "a") is None, "a number needs no asset"
        await mirror(record, replace(LIMIT, generation=2, max_exposure=Decimal(100)))
        assert await try_to_buy(record, "b") == "QuoteUnknown"
        await record.know_quote_asset("USDT")
        assert await record.note([intent("b")]) == ()


async def test_each_quote_asset_has_the_amounts_to_itself(database: str) -> None:
    async with leading(database) as record, leading(database, "XRPBTC") as other:
        await other.know_quote_asset("BTC")
        await mirror(record, replace(LIMIT, max_exposure=Decimal(30), max_open_cycles=2))
        assert await try_to_buy(record, "a") is None
        assert await try_to_buy(other, "y") is None, "20 BTC beside 20 USDT"
        assert await try_to_buy(other, "z") == "MaxExposure"
        assert await try_to_buy(other, "x", quantity="1") == "MaxOpenCycles", "numbers are shared"


async def test_a_limit_of_a_quote_asset_leaves_symbols_of_others_alone(database: str) -> None:
    async with leading(database) as record, leading(database, "XRPBTC") as other:
        await other.know_quote_asset("BTC")
        await mirror(record, replace(LIMIT, quote_asset="USDT", max_open_cycles=1, halt=False))
        assert await try_to_buy(other, "y") is None
        assert await try_to_buy(record, "a") is None, "a cycle in BTC is none of it"
        assert await try_to_buy(record, "b") == "MaxOpenCycles"
        await mirror(record, replace(LIMIT, quote_asset="USDT", generation=2, halt=True))
        (refused,) = await record.note([intent("b")])
        assert refused.reason == "Halted"
        assert await try_to_buy(other, "z") is None


# Losses.

RESULT = "SELECT result, day_start, highest FROM account_results"


async def test_open_inventory_at_the_last_bid_is_a_loss(database: str) -> None:
    """Bought 40 for 20 USDT: at a bid of 0.4 that is a loss of 4."""
    async with leading(database) as record:
        await mirror(record, replace(LIMIT, max_daily_loss=Decimal(4)))
        await record.note([trader("a"), trader("b")])
        await buy(record, "a", 1)
        assert await try_to_buy(record, "c") == "BidStale", "what it holds has no price yet"
        await record.record_bid(Decimal("0.41"))
        assert await rows(database, RESULT) == [(Decimal("-3.6"), 0, 0)]
        assert await record.note([intent("b")]) == ()
        await record.record_bid(Decimal("0.4"))
        (refused,) = await record.note([intent("c")])
        assert refused.reason == "Halted"
        assert refused.message.endswith(": maxDailyLoss of trading/all: 4 USDT of 4 are lost")
        await record.record_bid(Decimal("0.5"))
        (refused,) = await record.note([intent("c")])
        assert refused.reason == "Halted", "a loss that was reached halts until a person resumes"
        assert await record.note([intent("a", Side.SELL)]) == ()
        await resume(database, *ACCOUNT)
        assert await record.note([intent("c")]) == ()


async def test_a_resumed_account_is_halted_by_what_it_loses_from_there(database: str) -> None:
    async with leading(database) as record:
        await mirror(record, replace(LIMIT, max_daily_loss=Decimal(4), max_drawdown=Decimal("4.5")))
        await record.note([trader("a"), trader("b")])
        await buy(record, "a", 1)
        await record.record_bid(Decimal("0.35"))
        assert len(await rows(database, "SELECT FROM halts")) == 2
        await resume(database, *ACCOUNT)
        assert await rows(database, RESULT) == [(-6, -6, -6)]
        assert await record.note([intent("b")]) == ()
        await record.record_bid(Decimal("0.25"))
        sources = await rows(database, "SELECT source FROM halts")
        assert sources == [("maxDailyLoss USDT",)]


async def test_a_bid_of_long_ago_says_nothing_about_what_is_bought_now(database: str) -> None:
    """At the old bid, what was bought just now would be a profit of 20, and soon a loss of 20."""
    async with leading(database) as record, leading(database, "BTCUSDT") as other:
        await mirror(record, replace(LIMIT, max_drawdown=Decimal(15)))
        await record.note([trader("a")])
        await record.record_bid(Decimal(1))
        await backdate(database, "UPDATE owners SET bid_at = bid_at - interval '61 s'")
        await buy(record, "a", 1)
        await other.note([trader("z"), result("z", profit="1")])
        assert await rows(database, RESULT) == [(1, 0, 1)]
        assert await try_to_buy(other, "y") == "BidStale"
        await record.record_bid(Decimal("0.5"))
        assert await rows(database, RESULT) == [(1, 0, 1)]
        assert await other.note([intent("y")]) == ()


async def test_what_was_lost_before_a_loss_limit_came_does_not_count(database: str) -> None:
    """The first result waits for a bid of what is held: at cost it would be no loss."""
    async with leading(database) as record:
        await record.note([trader("a"), trader("b")])
        await buy(record, "a", 1)
        await mirror(record, replace(LIMIT, max_exposure=Decimal(1000)))
        await record.note([trader("c"), result("c", profit="-1")])
        await mirror(record, replace(LIMIT, generation=2, max_daily_loss=Decimal(4)))
        assert await rows(database, RESULT) == []
        assert await try_to_buy(record, "d") == "BidStale"
        await record.record_bid(Decimal("0.35"))
        assert await rows(database, RESULT) == [(-7, -7, -7)]
        assert await record.note([intent("b")]) == ()
        await record.record_bid(Decimal("0.25"))
        assert [buy_.reason for buy_ in await record.note([intent("d")])] == ["Halted"]


async def test_what_was_lost_while_no_limit_stood_does_not_count_on_a_later_day(
    database: str,
) -> None:
    limit = replace(LIMIT, max_daily_loss=Decimal(4), max_drawdown=Decimal(4))
    async with leading(database) as record:
        await mirror(record, limit)
        await forget(record, limit.uid)
        await record.note([trader("a"), result("a", profit="-3")])
        await mirror(record, replace(limit, uid="uid-2"))
        assert await rows(database, RESULT) == [(-3, 0, 0)], "it was lost on the same day"
        await forget(record, "uid-2")
        await backdate(database, "UPDATE account_results SET day = day - 1")
        await record.note([trader("b"), result("b", profit="-3")])
        await mirror(record, replace(limit, uid="uid-3"))
        assert await rows(database, RESULT) == [(-6, -6, -6)]
        assert await try_to_buy(record, "c") is None


HALTS = "SELECT reason, on_limit, until_day IS NULL FROM halts"


async def test_of_two_loss_limits_that_are_reached_the_strictest_counts(database: str) -> None:
    """Also if it is reached later: the first would let the account go on by itself."""
    mild = replace(LIMIT, max_daily_loss=Decimal(4), resume="NextDay", on_limit="CancelBuys")
    strict = replace(LIMIT, uid="uid-2", name="strict", max_daily_loss=Decimal(8))
    async with leading(database) as record:
        await mirror(record, mild)
        await mirror(record, strict)
        await record.note([trader("a")])
        await buy(record, "a", 1)
        await record.record_bid(Decimal("0.4"))
        ((_, *said),) = await rows(database, HALTS)
        assert said == ["CancelBuys", False]
        since = await rows(database, "SELECT since FROM halts")
        await record.record_bid(Decimal("0.3"))
        ((_, *said),) = await rows(database, HALTS)
        assert said == ["CancelBuys", True]
        await mirror(record, replace(strict, generation=2, on_limit="Shutdown"))
        assert await rows(database, HALTS) == [
            ("maxDailyLoss of trading/strict: 8 USDT of 8 are lost", "Shutdown", True)
        ]
        await mirror(record, replace(strict, generation=3, max_daily_loss=None))
        await mirror(record, replace(mild, generation=2, on_limit="NoBuys"))
        ((_, *said),) = await rows(database, HALTS)
        assert said == ["Shutdown", True], "what halts already does not get milder by itself"
        assert await rows(database, "SELECT since FROM halts") == since


async def test_a_daily_loss_of_yesterday_is_not_what_a_person_resumes_today(
    database: str,
) -> None:
    """Its halt is over; ending that of a drawdown does not forget what was lost today."""
    limit = replace(LIMIT, max_daily_loss=Decimal(4), resume="NextDay", max_drawdown=Decimal(7))
    async with leading(database) as record:
        await mirror(record, limit)
        await record.note([trader("a")])
        await buy(record, "a", 1)
        await record.record_bid(Decimal("0.4"))
        await backdate(database, "UPDATE account_results SET day = day - 1")
        await backdate(database, "UPDATE halts SET until_day = until_day - 1")
        await record.record_bid(Decimal("0.32"))
        assert await resume(database, *ACCOUNT) == []
        assert await rows(database, RESULT) == [(Decimal("-7.2"), -4, Decimal("-7.2"))]


async def test_a_drawdown_counts_from_the_highest_so_far_and_fees_are_lost_too(
    database: str,
) -> None:
    """By hand: +10 at 0.75, less a fee of 1 in quote, +9; at 0.6 it is +3, which is 6 below."""
    async with leading(database) as record:
        await mirror(record, replace(LIMIT, max_drawdown=Decimal(6)))
        await record.note([trader("a")])
        await buy(record, "a", 1, commission="1", asset="USDT")
        await record.record_bid(Decimal("0.75"))
        assert await rows(database, RESULT) == [(9, 0, 9)]
        await record.record_bid(Decimal("0.61"))
        assert await try_to_buy(record, "b") is None
        await record.record_bid(Decimal("0.6"))
        assert await rows(database, RESULT) == [(3, 0, 9)]
        assert await try_to_buy(record, "c") == "Halted"


async def test_the_results_of_all_symbols_of_a_quote_asset_count_together(database: str) -> None:
    async with leading(database) as record, leading(database, "BTCUSDT") as other:
        await mirror(record, replace(LIMIT, max_daily_loss=Decimal(5)))
        await record.note([trader("a")])
        await buy(record, "a", 1)
        await record.record_bid(Decimal("0.45"))
        await other.note([trader("b"), result("b", profit="-2.9")])
        assert await rows(database, RESULT) == [(Decimal("-4.9"), 0, 0)]
        assert await try_to_buy(other, "y") is None
        await other.note([trader("c"), result("c", profit="-0.1")])
        assert await rows(database, "SELECT source FROM halts") == [("maxDailyLoss USDT",)]
        assert await try_to_buy(record, "z") == "Halted"


async def test_the_turn_of_the_day_ends_a_daily_loss_only_if_that_is_asked_for(
    database: str,
) -> None:
    """A day passes by setting back what is on record."""
    yesterday = (
        "UPDATE account_results SET day = day - 1",
        "UPDATE halts SET until_day = until_day - 1, since = since - interval '1 day'",
    )
    async with leading(database) as record:
        limit = replace(LIMIT, max_daily_loss=Decimal(4), resume="NextDay")
        await mirror(record, limit)
        await record.note([trader("a"), trader("b"), trader("c"), trader("d")])
        await buy(record, "a", 1)
        await record.record_bid(Decimal("0.4"))
        assert [buy_.reason for buy_ in await record.note([intent("b")])] == ["Halted"]
        for step in yesterday:
            await backdate(database, step)
        assert await record.note([intent("b")]) == (), "the day began at the last result before it"
        await record.record_bid(Decimal("0.4"))
        assert await rows(database, RESULT) == [(-4, -4, 0)]
        await record.record_bid(Decimal("0.3"))
        assert [buy_.reason for buy_ in await record.note([intent("c")])] == ["Halted"], "again"

        await mirror(record, replace(limit, generation=2, resume="Manual"))
        await resume(database, *ACCOUNT)
        await record.record_bid(Decimal("0.2"))
        for step in yesterday:
            await backdate(database, step)
        assert [buy_.reason for buy_ in await record.note([intent("c")])] == ["Halted"]


async def test_a_bid_that_is_too_old_is_none(database: str) -> None:
    async with leading(database) as record, leading(database, "BTCUSDT") as other:
        await mirror(record, replace(LIMIT, max_drawdown=Decimal(100)))
        await record.note([trader("a")])
        await buy(record, "a", 1)
        await record.record_bid(Decimal("0.5"))
        assert await try_to_buy(other, "y") is None
        await backdate(database, "UPDATE owners SET bid_at = bid_at - interval '61 s'")
        (refused,) = await other.note([trader("z"), intent("z")])
        assert refused.reason == "BidStale"
        assert "the bid of XRPUSDT on record is missing or older than 60 s" in refused.message
        await sell(record, "a", 2)
        assert await other.note([intent("z")]) == (), "nothing is held any more"


@asynccontextmanager
async def unled(url: str) -> AsyncIterator[PostgresAccountLimits]:
    """Hold something in a symbol that nobody leads any more, and lead another one."""
    async with leading(url) as record:
        await mirror(record, replace(LIMIT, max_daily_loss=Decimal(4)))
        await record.note([trader("a")])
        await buy(record, "a", 1)
    async with leading(url, "BTCUSDT") as other:
        assert await try_to_buy(other, "y") == "BidStale"
        yield PostgresAccountLimits(other.link)


async def test_any_leader_of_the_account_records_the_bid_of_what_nobody_leads(
    database: str,
) -> None:
    async with unled(database) as limits, leading(database, "ETHUSDT") as record:
        wanted = await limits.take_on_bids()
        assert wanted is not None
        assert wanted.symbols == ("XRPUSDT",)
        assert await PostgresAccountLimits(record.link).take_on_bids() is None, "one asks"
        await limits.record_bids(wanted, {"XRPUSDT": Decimal("0.45")})
        assert await try_to_buy(record, "z") is None
        assert await rows(database, RESULT) == [(Decimal(-2), 0, 0)]
        assert await limits.take_on_bids() is None, "the bid is of just now"

        await backdate(database, "UPDATE owners SET bid_at = bid_at - interval '31 s'")
        assert await limits.take_on_bids() is None, "it was asked for just now"
        await backdate(database, "UPDATE owners SET bid_asked_at = bid_asked_at - interval '11 s'")
        wanted = await PostgresAccountLimits(record.link).take_on_bids()
        assert wanted is not None
        await limits.record_bids(wanted, {"XRPUSDT": Decimal("0.4")})
        assert await try_to_buy(record, "z") == "Halted", "that is a loss of 4"


async def test_a_bid_that_comes_late_or_for_another_is_none(database: str) -> None:
    async with unled(database) as limits:
        first = await limits.take_on_bids()
        assert first is not None
        await backdate(database, "UPDATE owners SET bid_asked_at = bid_asked_at - interval '11 s'")
        late = replace(first, asked_at=first.asked_at - timedelta(seconds=11))
        await limits.record_bids(late, {"XRPUSDT": Decimal("0.5")})
        second = await limits.take_on_bids()
        assert second is not None
        await limits.record_bids(first, {"XRPUSDT": Decimal("0.5")})
        await limits.record_bids(second, {"BTCUSDT": Decimal(1)})
        assert await rows(database, "SELECT bid FROM owners WHERE bid IS NOT NULL") == []
        await limits.record_bids(second, {"XRPUSDT": Decimal("0.5")})
        assert await rows(database, "SELECT bid FROM owners WHERE bid IS NOT NULL") == [
            (Decimal("0.5"),)
        ]


async def test_bids_of_what_holds_nothing_or_is_quoted_in_another_asset_are_not_wanted(
    database: str,
) -> None:
    async with unled(database) as limits:
        await rows(database, "UPDATE owners SET quote_asset = 'EUR' WHERE symbol = 'XRPUSDT'")
        assert await limits.take_on_bids() is None
        await rows(database, "UPDATE owners SET quote_asset = 'USDT', net_base = 0")
        assert await limits.take_on_bids() is None


async def test_a_bid_that_its_own_leader_records_meanwhile_stands(database: str) -> None:
    async with unled(database) as limits, leading(database) as record:
        wanted = await limits.take_on_bids()
        assert wanted is not None
        await record.record_bid(Decimal("0.5"))
        await limits.record_bids(wanted, {"XRPUSDT": Decimal("0.4")})
        assert (Decimal("0.5"),) in await rows(database, "SELECT bid FROM owners")


async def test_who_leads_no_more_records_no_bid_and_no_asset(database: str) -> None:
    async with leading(database) as record:
        await takeover(database, LEDGER, replace(OWNER, name="another"))
        with pytest.raises(Fenced):
            await record.record_bid(Decimal(1))
        with pytest.raises(Fenced):
            await record.know_quote_asset("EUR")
    assert await rows(database, "SELECT quote_asset, bid FROM owners") == [("USDT", None)]


# The totals.


async def assert_totals_agree(url: str) -> None:
    """Compare what is kept with what orders and fills add up to, as the audit does."""
    driver = await asyncpg.connect(url)
    try:
        found = await audit.totals(driver, LEDGER)
    finally:
        await driver.close()
    assert found is not None
    kept, added_up = found
    assert kept == added_up


def _some_changes(random_: random.Random, name: str, number: int) -> list[Sequence[RecordChange]]:
    """Return what one trader notes in its life, in a way of several; each list is a commit."""
    half = random_.choice((10, 25))
    first = fill(number, 1, quantity=str(half), commission="0.1", asset="XRP")
    third = replace(
        fill(number, 2, quantity=str(40 - half), commission="0.001", asset="BNB"), price=Decimal(1)
    )
    order = order_name(name)
    begin: list[Sequence[RecordChange]] = [[trader(name)], [intent(name)]]
    way = random_.choice(("refused", "partly", "given up", "sold", "held", "open"))
    match way:
        case "refused":
            return [*begin, [became(order, OrderState.REFUSED)], [intent(name, attempt=2)]]
        case "partly":
            quote = f"{half * Decimal('0.5')}"
            partly = became(order, OrderState.CANCELED, number, str(half), quote)
            return [*begin, [FillRecorded(order, Side.BUY, first, fee_in(first))], [partly]]
        case "given up":
            gone = became(order, OrderState.EXPIRED, number, "30", "15")
            return [*begin, [gone], [FillsGivenUp(order)]]
        case "open":
            return [*begin, [became(order, OrderState.OPEN, number, "5", "2.5")]]
    quote = f"{first.quote_quantity + third.quote_quantity}"
    bought: list[RecordChange] = [
        became(order, OrderState.FILLED, number, "40", quote),
        FillRecorded(order, Side.BUY, first, FeeAsset.BASE),
        FillRecorded(order, Side.BUY, third, FeeAsset.OTHER),
    ]
    worth = FeeValue(Decimal("0.6"), Decimal(600), "BNBUSDT", START_MS)
    valued = FeeValued(TraderId(name), order, 2, worth)
    if way == "held":
        return [*begin, bought, [result(name, TraderState.HELD, quantity="39.9")], [valued]]
    selling = intent(name, Side.SELL, quantity="39")
    sold = became(selling.client_order_id, OrderState.OPEN, number + 1, "20", "10")
    part = fill(number + 1, 1, quantity="20", commission="0.01", asset="USDT")
    return [
        *begin,
        bought,
        [valued],
        [selling],
        [FillRecorded(selling.client_order_id, Side.SELL, part, FeeAsset.QUOTE), sold],
    ]


@pytest.mark.parametrize("seed", range(4))
async def test_totals_are_what_orders_and_fills_add_up_to(database: str, seed: int) -> None:
    random_ = random.Random(seed)
    async with leading(database) as record:
        lives = [_some_changes(random_, f"t{n}", 10 * n + 1) for n in range(12)]
        while lives:
            life = random_.choice(lives)
            await record.note(life.pop(0))
            if not life:
                lives.remove(life)
            await assert_totals_agree(database)
    ((exposure, cycles),) = await rows(database, "SELECT exposure, open_cycles FROM owners")
    assert exposure > 0
    assert cycles > 0


async def test_fills_of_an_order_with_the_same_id_before_a_reset_do_not_count_again(
    database: str,
) -> None:
    async with leading(database) as record:
        await record.note([trader("a"), trader("b")])
        await buy(record, "a", 1)
        await record.note([result("a", TraderState.HELD, quantity="40")])
        await buy(record, "b", 1)
        await assert_totals_agree(database)


async def test_what_a_person_settles_counts_too(database: str) -> None:
    async with leading(database) as record:
        await record.note([trader("a"), intent("a")])
        said = StatedEnd("seen", OrderState.FILLED, Decimal(30), Decimal(15))
        await settle(database, LEDGER, order_name("a"), said)
        await assert_totals_agree(database)
    totals = "SELECT exposure, open_cycles, net_base, net_quote FROM owners"
    assert await rows(database, totals) == [(15, 1, 30, -15)]


async def test_what_is_on_record_before_the_migration_is_added_up_by_it(database: str) -> None:
    """Its part that adds up is run again over a record that was kept without totals."""
    async with leading(database) as record:
        await record.note([trader("a"), trader("b"), trader("c")])
        await buy(record, "a", 1)
        await record.note([intent("b"), result("c", profit="-1")])
    kept = "SELECT exposure, open_cycles, net_base, net_quote, last_loss_ms FROM owners"
    before = await rows(database, kept)
    connection = await asyncpg.connect(database)
    await connection.execute(
        "UPDATE owners SET exposure = 0, open_cycles = 0, net_base = 0, net_quote = 0,"
        " last_loss_ms = NULL; UPDATE traders SET exposure = 0, net_base = 0, net_quote = 0"
    )
    await connection.execute(_adding_up())
    await connection.close()
    assert await rows(database, kept) == before


def _adding_up() -> str:
    script = files("symbol_trader.postgres.migrations.versions")
    text = script.joinpath("v0007_limits_of_accounts.sql").read_text()
    return text.partition("-- What is on record.")[2].partition("-- The lock of an account")[0]
