"""`symbol-trader settle`: a person says how an order ended that the two sides tell differently."""

import asyncio
import re
from dataclasses import replace
from decimal import Decimal

import pytest
from click.testing import CliRunner, Result

from support.recorded import (
    LEDGER,
    OwnRecord,
    became,
    buy,
    claim,
    fill,
    intent,
    opened,
    order_name,
    result,
    trader,
)
from symbol_trader.__main__ import main
from symbol_trader.core.orders import OrderState, Side
from symbol_trader.core.records import Acknowledged, FillRecorded, RecordChange, RecordedOrder
from symbol_trader.errors import SettledMeanwhile

BUY = order_name("a")


@pytest.mark.parametrize(
    ("words", "state", "executed", "quote"),
    [
        ((), OrderState.CANCELED, "10", "5"),
        (("--state=filled", "--executed=40", "--executed-quote=20"), OrderState.FILLED, "40", "20"),
        (("--state=expired",), OrderState.EXPIRED, "10", "5"),
    ],
)
async def test_an_order_ends_as_a_person_says_and_news_of_it_is_ignored(
    database: str, words: tuple[str, ...], state: OrderState, executed: str, quote: str
) -> None:
    async with opened(database) as record:
        await _with_an_order(record)
        assert not await record.settled_meanwhile()
        done = await _settle(database, BUY, *words)
        assert done.exit_code == 0, done.output
        assert await record.settled_meanwhile()
        settled = await _only_order(record)
        assert not await record.settled_meanwhile()
        await record.note([became(BUY, OrderState.FILLED, 1, "40", "20")])
        await record.note([FillRecorded(BUY, Side.BUY, fill(1, 9, quantity="30"))])
        assert await _only_order(record) == settled
        await record.note([result("a", carried=executed)])
    assert done.output.startswith(f"{BUY} is {state} after {executed} for {quote}")
    assert (settled.state, settled.executed, settled.executed_quote) == (
        state,
        Decimal(executed),
        Decimal(quote),
    )
    assert settled.fills_given_up
    assert settled.acknowledged, "its trader goes on from there"
    assert settled.settled_by_person


@pytest.mark.parametrize(
    "changes",
    [
        [became(BUY, OrderState.FILLED, 1, "40", "20")],
        [FillRecorded(BUY, Side.BUY, fill(1, 9, quantity="30"))],
        [Acknowledged(BUY)],
        [intent("a", Side.SELL, price="0.6")],
        [result("a", carried="40")],
    ],
    ids=lambda changes: type(changes[0]).__name__,
)
async def test_a_leader_that_has_not_heard_a_persons_word_notes_nothing_until_it_has(
    database: str, changes: list[RecordChange]
) -> None:
    """Else it would trade on by its own view, and the sums of the record would part."""
    async with opened(database) as record:
        await _with_an_order(record)
        await _settle(database, BUY)
        with pytest.raises(SettledMeanwhile):
            await record.note(changes)
        with pytest.raises(SettledMeanwhile):
            await record.note([trader("b")])
        (row,) = (await record.load()).traders
        assert row.trader_id == "a"
        await record.note([intent("a", Side.SELL, quantity="10", price="0.6")])


async def test_an_order_that_no_reply_named_may_be_said_to_be_absent_or_canceled(
    database: str,
) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a"), trader("b"), intent("a"), intent("b")])
        assert (await _settle(database, BUY)).exit_code == 0
        assert (await _settle(database, order_name("b"), "--state=absent")).exit_code == 0
        states = [row.orders for row in (await record.load()).traders]
    assert [len(orders) for orders in states] == [1, 0]
    assert states[0][0].state is OrderState.CANCELED


@pytest.mark.parametrize(
    ("order", "words", "why"),
    [
        ("z", (), "z: no such order is on record in this ledger"),
        (BUY, ("--executed=9", "--executed-quote=5"), "10 for 5.* are in its fills on record"),
        (BUY, ("--executed=41", "--executed-quote=21"), "more than the 40 that were intended"),
        (BUY, ("--state=absent",), "it is not absent"),
        (BUY, ("--executed=ten",), "'ten' is not an amount"),
        (BUY, ("--executed=-1",), "'-1' is not an amount"),
        (BUY, ("--state=open",), "'open' is not one of 'filled'"),
        ("ended-buy-1", ("--state=filled",), "its trader ended is over .finished., so its state"),
        ("b-buy-1", ("--executed=1",), "give both --executed and --executed-quote"),
    ],
)
async def test_a_word_that_cannot_be_true_is_refused_with_its_reason(
    database: str, order: str, words: tuple[str, ...], why: str
) -> None:
    async with opened(database) as record:
        await _with_an_order(record)
        await record.note([trader("ended"), trader("b"), intent("b")])
        await buy(record, "ended", 2)
        await record.note([result("ended", carried="40")])
        before = await record.load()
        refused = await _settle(database, order, *words)
        assert refused.exit_code != 0
        assert await record.load() == before
    assert re.search(why, refused.output)


async def test_an_amended_order_executed_no_more_than_it_was_reduced_to(database: str) -> None:
    words = ("--state=filled", "--executed=30", "--executed-quote=15")
    async with opened(database) as record:
        await _with_an_order(record)
        reduced = became(BUY, OrderState.OPEN, 1, "10", "5")
        await record.note([replace(reduced, quantity=Decimal(20))])
        refused = await _settle(database, BUY, *words)
    assert refused.exit_code == 1
    assert "it cannot have executed more than the 20 that it was reduced to" in refused.output


async def test_an_order_is_settled_once(database: str) -> None:
    async with opened(database) as record:
        await _with_an_order(record)
        await _settle(database, BUY)
        again = await _settle(database, BUY)
    assert again.exit_code == 1
    assert f"{BUY} is settled already: seen in its account" in again.output


async def test_news_of_an_order_whose_trader_is_over_can_be_ignored(database: str) -> None:
    """A fill that comes too late contradicts the record; the amounts stay as they are."""
    late = FillRecorded(BUY, Side.BUY, fill(1, 9))
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a")])
        await buy(record, "a", 1)
        await record.note([result("a", carried="40")])
        done = await _settle(database, BUY)
        await record.load()
        await record.note([late])
    assert done.output.startswith(f"{BUY} is filled after 40 for 20")


async def _with_an_order(record: OwnRecord) -> None:
    """Put on record an order of 40 with one fill of 10."""
    await claim(record)
    await record.note([trader("a"), intent("a")])
    await record.note([became(BUY, OrderState.OPEN, 1, "10", "5")])
    await record.note([FillRecorded(BUY, Side.BUY, fill(1, quantity="10"))])


async def _only_order(record: OwnRecord) -> RecordedOrder:
    (row,) = (await record.load()).traders
    (order,) = row.orders
    return order


async def _settle(url: str, order: str, *words: str) -> Result:
    book = (f"--account={LEDGER.account}", f"--symbol={LEDGER.symbol}")
    arguments = ["settle", order, f"--database-url={url}", *book, "--reason=seen in its account"]
    return await asyncio.to_thread(CliRunner().invoke, main, [*arguments, *words])
