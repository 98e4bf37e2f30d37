"""The views answer with one query each: what did it do, why, what did it earn, what is left."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.postgres import execute
from support.recorded import (
    LEDGER,
    START_MS,
    OwnRecord,
    became,
    buy,
    cancel,
    cancel_change,
    claim,
    intent,
    opened,
    order_name,
    result,
    sell,
    trader,
)
from symbol_trader.core.orders import OrderState, Side
from symbol_trader.core.records import TraderState

DAY_MS = 86_400_000
_ADDED_UP = """
SELECT sum(bought) AS bought, sum(sold) AS sold, sum(base_commission) AS base_commission,
    coalesce(sum(carried), 0) AS carried
FROM cycles
"""
MIDNIGHT_MS = 1_700_006_400_000  # 2023-11-15, 00:00 UTC


async def test_the_story_tells_each_step_of_a_trader_and_its_reason(database: str) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a")])
        await record.note([intent("a", quantity="40.50", price="0.5")])
        await record.note([cancel("a")])
        await record.note(
            [
                cancel_change(cancel("a"), "refused", "-2011 Unknown order sent."),
                became(order_name("a"), OrderState.REFUSED, reason="-2010 insufficient balance"),
                result("a", reason="its buy was refused"),
            ]
        )
    told = [(row["what"], row["why"]) for row in await _rows(database, "SELECT * FROM story")]
    assert sorted(told) == sorted(
        [
            ("started", "no trader runs"),
            ("buy 40.5 at 0.5 intended (attempt 1)", ""),
            (
                "cancel of the buy intended: refused",
                "older than maxBuyAge: -2011 Unknown order sent.",
            ),
            ("finished: profit 0, unsold 0, carried 0", "its buy was refused"),
            ("buy refused after 0 of 40.5", "-2010 insufficient balance"),
        ]
    )
    reasons = await _rows(database, "SELECT * FROM reasons")
    assert [row["why"] for row in reasons] == [why for _, why in told if why]


async def test_the_story_is_in_the_order_of_its_times(database: str) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a"), trader("b", parent="a", started_ms=START_MS + 5)])
        await buy(record, "a", 1, commission="0.04", asset="XRP")
    story = await _rows(database, "SELECT * FROM story WHERE at < '2024-01-01' ORDER BY at, step")
    assert [(row["trader_id"], row["what"]) for row in story] == [
        ("a", "started"),
        ("a", "buy 40 at 0.5 intended (attempt 1)"),
        ("b", "started by the rebuy of a"),
        ("a", "bought 40 at 0.5, commission 0.04 XRP"),
    ]
    assert story[0]["at"] == datetime.fromtimestamp(START_MS / 1000, UTC)


async def test_profit_is_told_by_the_day_a_cycle_ended(database: str) -> None:
    ends = {
        "a": (MIDNIGHT_MS - 1, "0.5"),
        "b": (MIDNIGHT_MS, "1.25"),
        "c": (MIDNIGHT_MS + DAY_MS - 1, "-0.25"),
    }
    async with opened(database) as record:
        await claim(record)
        await record.note([trader(name) for name in (*ends, "running")])
        await record.note(
            [result(name, finished_ms=at, profit=profit) for name, (at, profit) in ends.items()]
        )
    days = await _rows(database, "SELECT * FROM profit_by_day ORDER BY day")
    assert [(row["symbol"], row["day"], row["cycles"], row["profit"]) for row in days] == [
        ("XRPUSDT", date(2023, 11, 14), 1, Decimal("0.5")),
        ("XRPUSDT", date(2023, 11, 15), 2, Decimal("1.00")),
    ]


async def test_commission_is_told_by_asset(database: str) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a"), trader("b")])
        await buy(record, "a", 1, commission="0.04", asset="XRP")
        await sell(record, "a", 2, commission="0.02", asset="USDT")
        await buy(record, "b", 3, commission="0.06", asset="XRP")
    found = await _rows(database, "SELECT * FROM commission_by_asset ORDER BY asset")
    assert [(row["asset"], row["fills"], row["commission"]) for row in found] == [
        ("USDT", 1, Decimal("0.02")),
        ("XRP", 2, Decimal("0.10")),
    ]


async def test_open_orders_are_those_that_are_not_over(database: str) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader(name) for name in "abcd"])
        for name in "abcd":
            await record.note([intent(name)])
        await record.note(
            [
                became(order_name("b"), OrderState.UNDECIDED),
                became(order_name("c"), OrderState.OPEN, 3, "10", "5"),
                became(order_name("d"), OrderState.CANCELED, 4),
            ]
        )
    found = await _rows(database, "SELECT * FROM open_orders ORDER BY trader_id")
    assert [(row["trader_id"], row["state"], row["remaining"]) for row in found] == [
        ("a", "intent", 40),
        ("b", "undecided", 40),
        ("c", "open", 30),
    ]


async def test_leaders_tell_who_leads_what(database: str) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a"), trader("b")])
        await claim(record, replace(LEDGER, account="2", environment="testnet"))
        await record.ownership.release()
    found = await _rows(database, "SELECT * FROM leaders ORDER BY account")
    assert [
        (row["account"], row["pod"], row["running_traders"], row["released_at"] is None)
        for row in found
    ] == [("2", "pod-1", 0, False), ("354937868", "pod-1", 2, True)]


async def test_a_position_is_explained_by_what_is_in_progress_carried_held_and_stranded(
    database: str,
) -> None:
    """One trader for each way to hold something; the commission of BNB is not XRP."""
    async with opened(database) as record:
        await claim(record)
        await record.note([trader(name) for name in ("sold", "held", "dust", "buying", "selling")])
        await buy(record, "sold", 1, quantity="10", commission="0.01", asset="XRP")
        await sell(record, "sold", 2, quantity="9.9")
        await buy(record, "held", 3, quantity="20", price="0.4", commission="1", asset="BNB")
        await buy(record, "dust", 4, quantity="0.3")
        await buy(record, "buying", 5, quantity="7")
        await buy(record, "selling", 6, quantity="6")
        await record.note([intent("selling", Side.SELL, quantity="5")])
        await record.note(
            [
                result("sold", carried="0.09", carried_cost="0.045"),
                result("held", TraderState.HELD, quantity="20"),
                result("dust", TraderState.STRANDED, quantity="0.3"),
            ]
        )
        carried = (await record.load()).carried
    (row,) = await _rows(database, "SELECT * FROM positions")
    assert (row["bought"], row["sold"]) == (Decimal("43.3"), Decimal("9.9"))
    assert (row["base_commission"], row["position"]) == (Decimal("0.01"), Decimal("33.39"))
    assert (row["in_progress"], row["held"], row["stranded"]) == (12, 20, Decimal("0.3"))
    assert row["carried"] == carried == Decimal("1.09")
    assert row["unexplained"] == 0
    (held,) = await _rows(database, "SELECT * FROM cycles WHERE state = 'held'")
    assert (held["unsold"], held["unsold_cost"]) == (20, 8)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    cycles=st.lists(
        st.tuples(
            st.decimals("0.001", 50, places=3),
            st.decimals(0, "0.001", places=6),
            st.one_of(st.none(), st.decimals("0.001", 50, places=3)),
            st.booleans(),
        ),
        min_size=1,
        max_size=4,
    )
)
async def test_the_ledger_is_the_same_whether_added_up_or_fixed_at_each_end(
    database: str, cycles: list[tuple[Decimal, Decimal, Decimal | None, bool]]
) -> None:
    """The totals on the book's row are what the rows of its cycles add up to."""
    symbol = uuid4().hex.upper()
    async with opened(database) as record:
        await claim(record, replace(LEDGER, symbol=symbol))
        for number, (bought, commission, sold, ends) in enumerate(cycles):
            await _cycle(record, number, bought, commission, sold, ends=ends)
        carried = (await record.load()).carried
    (row,) = await _rows(database, f"SELECT * FROM positions WHERE symbol = '{symbol}'")
    (added,) = await _rows(database, _ADDED_UP + f"WHERE symbol = '{symbol}'")
    assert row["carried"] == carried == added["carried"]
    assert {name: row[name] for name in ("bought", "sold", "base_commission")} == {
        name: added[name] for name in ("bought", "sold", "base_commission")
    }
    assert row["unexplained"] == 0


async def test_the_documented_queries_run(database: str) -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "record.md"
    queries = [part.partition("```")[0] for part in page.read_text().split("```sql\n")[1:]]
    assert queries
    for query in queries:
        await execute(database, query)


@pytest.mark.parametrize("kind", ["table", "view"])
async def test_every_table_and_view_is_documented(database: str, kind: str) -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "record.md").read_text()
    names = await _rows(
        database, f"SELECT {kind}name AS name FROM pg_{kind}s WHERE schemaname = 'public'"
    )
    assert [row["name"] for row in names if f"`{row['name']}`" not in page] == []


async def _cycle(
    record: OwnRecord,
    number: int,
    bought: Decimal,
    commission: Decimal,
    sold: Decimal | None,
    *,
    ends: bool,
) -> None:
    """Record a cycle that sells a quantity, carry included, or is held before its sell."""
    name = f"t{number}"
    await record.note([trader(name)])
    await buy(
        record, name, 10 * number, quantity=str(bought), commission=str(commission), asset="XRP"
    )
    if sold is not None:
        await sell(record, name, 10 * number + 1, quantity=str(sold))
        end = result(name, carried=str(bought - commission - sold))
    else:
        end = result(name, TraderState.HELD, quantity=str(bought - commission))
    if ends:
        await record.note([end])


async def _rows(url: str, query: str) -> list[Any]:
    connection = await asyncpg.connect(url)
    try:
        found: list[Any] = await connection.fetch(query)
        return found
    finally:
        await connection.close()
