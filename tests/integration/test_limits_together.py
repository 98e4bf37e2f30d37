"""Several limits of losses for one account, on PostgreSQL: the strictest of each field counts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import asyncpg
import pytest

from integration.test_account_limits import ACCOUNT, LIMIT, leading, mirror, rows, try_to_buy
from support.recorded import OwnRecord, buy, trader
from support.virtual_clock import go_on_from, prepare
from symbol_trader.postgres.account_limits import halt, resume

HALTS = "SELECT on_limit, until_day IS NULL FROM halts"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
PASSES = replace(LIMIT, max_daily_loss=Decimal(4), resume="NextDay")
STAYS = replace(PASSES, uid="uid-2", name="second", resume="Manual", max_daily_loss=Decimal(6))


@pytest.fixture
async def url(empty_database: str) -> str:
    """Prepare a record whose clock the tests set."""
    await prepare(empty_database)
    await turn_to(empty_database, NOON)
    return empty_database


async def turn_to(url: str, moment: datetime) -> None:
    connection = await asyncpg.connect(url)
    await go_on_from(connection, moment)
    await connection.close()


async def hold(record: OwnRecord) -> None:
    """Hold 40 that cost 20 USDT."""
    await record.note([trader("a")])
    await buy(record, "a", 1)


async def test_a_daily_loss_that_a_person_ends_is_not_hidden_by_one_that_a_day_ends(
    url: str,
) -> None:
    async with leading(url) as record:
        await mirror(record, PASSES)
        await mirror(record, STAYS)
        await hold(record)
        await record.record_bid(Decimal("0.4"))
        assert await rows(url, HALTS) == [("NoBuys", False)], "4 are lost: the day ends that"
        await record.record_bid(Decimal("0.35"))
        assert await rows(url, HALTS) == [("NoBuys", True)], "6 are lost: a person ends that"
        await record.record_bid(Decimal("0.4"))
        await turn_to(url, NOON + timedelta(days=1))
        await record.record_bid(Decimal("0.4"))
        assert await try_to_buy(record, "b") == "Halted"
        await resume(url, *ACCOUNT)
        assert await try_to_buy(record, "c") is None


async def test_a_halt_does_with_what_is_open_what_the_strictest_limit_asks_for(url: str) -> None:
    async with leading(url) as record:
        await mirror(record, replace(PASSES, on_limit="CancelBuys"))
        await mirror(record, replace(STAYS, resume="NextDay", on_limit="Shutdown"))
        await mirror(record, replace(STAYS, uid="uid-3", on_limit="NoBuys", resume="NextDay"))
        await hold(record)
        await record.record_bid(Decimal("0.4"))
        assert await rows(url, HALTS) == [("CancelBuys", False)]
        ((since,),) = await rows(url, "SELECT since FROM halts")
        await record.record_bid(Decimal("0.35"))
        assert await rows(url, HALTS) == [("Shutdown", False)]
        assert await rows(url, "SELECT since FROM halts") == [(since,)], "it is the same halt"
        await record.record_bid(Decimal("0.4"))
        assert await rows(url, HALTS) == [("Shutdown", False)], "it is not loosened again"


async def test_what_a_day_ended_is_not_what_a_person_resumes(url: str) -> None:
    """Else resuming something else would forget what the new day has lost so far."""
    async with leading(url) as record:
        await mirror(record, PASSES)
        await hold(record)
        await record.record_bid(Decimal("0.4"))
        await turn_to(url, NOON + timedelta(days=1))
        await record.record_bid(Decimal("0.35"))
        lost = "SELECT day_start - result FROM account_results"
        assert await rows(url, lost) == [(2,)]
        await halt(url, *ACCOUNT, reason="to look at it", on_limit="NoBuys")
        await resume(url, *ACCOUNT)
        assert await rows(url, lost) == [(2,)]
        await record.record_bid(Decimal("0.3"))
        assert await try_to_buy(record, "b") == "Halted"
