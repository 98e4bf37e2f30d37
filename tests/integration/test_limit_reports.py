"""What leaders read of limits and halts, and what one of them reports: real PostgreSQL."""

from dataclasses import replace
from decimal import Decimal

from integration.test_account_limits import ACCOUNT, LIMIT, leading, mirror, rows, try_to_buy
from support.recorded import OwnRecord, buy, intent, trader
from symbol_trader.core.limits import AccountState, Halt, LimitInForce, LimitReport, LimitUsed
from symbol_trader.core.orders import Side
from symbol_trader.postgres import limit_statements
from symbol_trader.postgres.account_limits import PostgresAccountLimits, halt

IN_FORCE = LimitInForce("uid-1", 1, "8c2f1d0e", "trading", "all")
USDT = "USDT"
MANY = """
INSERT INTO orders (environment, account, symbol, client_order_id, trader_id, side, attempt, price,
    quantity, time_in_force, timestamp_ms, recv_window_ms, epoch, state, committed_at)
SELECT environment, account, symbol, 'old-' || n, trader_id, side, n + 1, price, quantity,
    time_in_force, timestamp_ms, recv_window_ms, epoch, 'absent', now() - n * interval '0.6 s'
FROM orders CROSS JOIN generate_series(1, 20000) AS n
"""


async def report(record: OwnRecord) -> LimitReport | None:
    return await PostgresAccountLimits(record.link).report(IN_FORCE)


async def read(record: OwnRecord) -> AccountState:
    return await PostgresAccountLimits(record.link).read()


def used(limit: str, used: str, most: str, quote_asset: str = "") -> LimitUsed:
    return LimitUsed(limit, quote_asset, Decimal(used), Decimal(most))


async def test_a_leader_reads_what_limits_and_halts_concern_its_symbol(database: str) -> None:
    async with leading(database) as record:
        assert await read(record) == AccountState()
        await halt(database, *ACCOUNT, reason="mad", on_limit="CancelBuys")
        await mirror(record, replace(LIMIT, max_exposure=Decimal(30)))
        state = await read(record)
        assert [halt.reason for halt in state.halts] == ["mad"]
        assert state.limits == (IN_FORCE,)
        assert not state.needs_bids
        await mirror(
            record, replace(LIMIT, uid="uid-2", quote_asset="EUR", max_drawdown=Decimal(1))
        )
        assert not (await read(record)).needs_bids, "that is a limit of other symbols"
        await mirror(record, replace(LIMIT, generation=2, max_daily_loss=Decimal(1)))
        assert (await read(record)).needs_bids


async def test_halts_that_concern_other_symbols_or_are_over_are_not_read(database: str) -> None:
    async with leading(database) as record:
        put = "INSERT INTO halts (environment, account, source, quote_asset, reason, until_day)"
        of_other = f"{put} VALUES ($1, $2, 'maxDrawdown EUR', 'EUR', 'lost', NULL)"
        await rows(database, of_other, *ACCOUNT)
        over = f"{put} VALUES ($1, $2, 'maxDailyLoss USDT', 'USDT', 'lost', '2026-01-01')"
        await rows(database, over, *ACCOUNT)
        assert (await read(record)).halts == ()


async def test_what_is_used_and_left_of_each_limit_is_reported(database: str) -> None:
    limit = replace(
        LIMIT,
        max_exposure=Decimal(50),
        max_daily_loss=Decimal(4),
        max_drawdown=Decimal(10),
        max_open_cycles=3,
        max_orders_per_minute=5,
    )
    async with leading(database) as record:
        await mirror(record, limit)
        await record.note([trader("a")])
        await buy(record, "a", 1)
        await record.record_bid(Decimal("0.45"))
        await record.note([intent("a", Side.SELL)])
        found = await report(record)
        assert found
        assert found.usage == (
            used("maxDailyLoss", "2", "4", USDT),
            used("maxDrawdown", "2", "10", USDT),
            used("maxExposure", "20", "50", USDT),
            used("maxOpenCycles", "1", "3"),
            used("maxOrdersPerMinute", "2", "5"),
        )
        assert found.usage[0].left == 2
        assert (found.environment, found.account) == ACCOUNT
        assert found.halts == ()


async def test_of_the_leaders_one_reports_in_an_interval(database: str) -> None:
    async with leading(database) as record, leading(database, "ADAUSDT") as other:
        await mirror(record, replace(LIMIT, max_exposure=Decimal(50)))
        assert await report(record)
        assert await report(other) is None
        await rows(database, "UPDATE trading_limits SET reported_at = now() - interval '11 s'")
        assert await report(other)


async def test_how_many_leaders_have_heard_of_a_generation_is_reported(database: str) -> None:
    async with leading(database) as record, leading(database, "ADAUSDT") as other:
        await mirror(record, replace(LIMIT, max_exposure=Decimal(50)))
        await PostgresAccountLimits(record.link).hear({"uid-1": 1})
        await PostgresAccountLimits(other.link).hear({"uid-1": 0})
        found = await report(record)
        assert found
        assert (found.leaders, found.leaders_heard) == (2, 1)


async def test_a_loss_that_was_reached_is_reported_with_its_halt_and_its_time(
    database: str,
) -> None:
    async with leading(database) as record:
        await mirror(record, replace(LIMIT, max_daily_loss=Decimal(4)))
        await record.note([trader("a")])
        await buy(record, "a", 1)
        await record.record_bid(Decimal("0.35"))
        found = await report(record)
        assert found
        (loss,) = found.usage
        assert loss.left == 0
        assert loss.reached_since
        assert [type(one) for one in found.halts] == [Halt]
        assert await try_to_buy(record, "b") == "Halted"


async def test_other_limits_of_the_account_are_named(database: str) -> None:
    async with leading(database) as record:
        await mirror(record, replace(LIMIT, max_exposure=Decimal(50)))
        await mirror(record, replace(LIMIT, uid="uid-2", name="second", max_open_cycles=1))
        found = await report(record)
        assert found
        assert found.others == ("trading/second",)


async def test_orders_of_the_last_minute_are_found_however_many_there_were(database: str) -> None:
    """A report each 10 s must not read the account's history: 20 000 orders, 100 of them new."""
    async with leading(database) as record:
        await mirror(record, replace(LIMIT, max_orders_per_minute=1_000))
        await record.note([trader("a")])
        await buy(record, "a", 1)
        await rows(database, MANY)
        await rows(database, "ANALYZE orders")
        plan = await rows(database, f"EXPLAIN {limit_statements.REPORT}", *ACCOUNT, LIMIT.uid)
        assert any("orders_committed" in line for (line,) in plan), plan
