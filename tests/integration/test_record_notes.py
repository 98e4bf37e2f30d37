"""What happened is noted once, all or nothing, and only ever moves on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.by_hand import rows
from support.recorded import (
    LEDGER,
    START_MS,
    OwnRecord,
    became,
    buy,
    claim,
    fill,
    intent,
    opened,
    order_name,
    result,
    sell,
    trader,
)
from symbol_trader.core.orders import FINAL_STATES, OrderState, Side
from symbol_trader.core.records import (
    FillRecorded,
    OrderChange,
    OrderMissing,
    RecordChange,
    RecordedOrder,
    TraderState,
)
from symbol_trader.errors import Contradiction
from symbol_trader.identity import LedgerKey

ORDER_ID = 7
QUANTITY = Decimal(40)
FILLS = tuple(fill(ORDER_ID, number, quantity="10") for number in range(4))
BY_TIME = ("_started", "_intended", "_executed", "_ended")
"""How the names of indexes end that people's queries read."""
slow = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@dataclass(frozen=True)
class Told:
    """One message about an order of 40, filled in four parts: a state and how much is filled."""

    state: OrderState
    parts: int = 0

    def changes(self, name: str) -> list[RecordChange]:
        """Return what is noted of it: the order's row, and the fills so far."""
        order = order_name(name)
        filled = FILLS[: self.parts]
        executed = sum((one.quantity for one in filled), Decimal(0))
        quote = sum((one.quote_quantity for one in filled), Decimal(0))
        known = self.state not in {OrderState.INTENT, OrderState.UNDECIDED}
        return [
            OrderChange(order, self.state, ORDER_ID if known else None, executed, quote),
            *(FillRecorded(order, Side.BUY, one) for one in filled),
        ]


# A fill may be known before any reply is, so every state comes with any number of them.
unfinished = st.sampled_from([OrderState.INTENT, OrderState.UNDECIDED, OrderState.OPEN])
news = st.lists(st.builds(Told, unfinished, st.integers(0, 4)), max_size=6)
full_ends = st.sampled_from(
    [Told(state, 4) for state in (OrderState.FILLED, OrderState.CANCELED, OrderState.EXPIRED)]
)
ends = full_ends | st.builds(
    Told, st.sampled_from([OrderState.CANCELED, OrderState.EXPIRED]), st.integers(0, 3)
)


@slow
@given(told=news, end=full_ends, where=st.integers(0, 6), again=st.randoms(use_true_random=False))
async def test_news_in_any_order_and_any_number_of_times_ends_in_the_same_row(
    database: str, told: list[Told], end: Told, where: int, again: Random
) -> None:
    """The end is told somewhere among older news, and all of it twice, shuffled."""
    messages = [*told[:where], end, *told[where:]]
    repeated = [*messages, *messages]
    again.shuffle(repeated)
    rows = []
    async with opened(database) as record:
        await claim(record, _new_book())
        for name, sequence in (("a", [end]), ("b", repeated)):
            await record.note([trader(name)])
            await record.note([intent(name)])
            for message in sequence:
                await record.note(message.changes(name))
            rows.append(await _only_order(record))
            await record.note([result(name, quantity="40")])
            await claim(record, _new_book())
    direct, roundabout = rows
    assert replace(roundabout, intent=direct.intent) == direct


@slow
@given(told=news, end=ends)
async def test_nothing_ever_goes_back(database: str, told: list[Told], end: Told) -> None:
    """Each message moves the row forward or leaves it; a final state stays."""
    async with opened(database) as record:
        await claim(record, _new_book())
        await record.note([trader("a")])
        await record.note([intent("a")])
        before = await _only_order(record)
        for message in (*told, end, *told):
            await record.note(message.changes("a"))
            after = await _only_order(record)
            assert after.executed >= before.executed
            assert after.executed_quote >= before.executed_quote
            assert set(after.fills) >= set(before.fills)
            assert list(OrderState).index(after.state) >= list(OrderState).index(before.state)
            assert before.state not in FINAL_STATES or after.state is before.state
            assert before.order_id in {None, after.order_id}
            before = after


@slow
@given(data=st.data())
async def test_noting_a_whole_cycle_again_changes_nothing(
    database: str, data: st.DataObject
) -> None:
    bought = Told(OrderState.FILLED, 4).changes("a")
    cycle = [*bought, result("a", quantity="40"), trader("b", parent="a")]
    repeats = data.draw(st.lists(st.integers(1, len(cycle)), max_size=4))
    async with opened(database) as record:
        await claim(record, _new_book())
        await record.note([trader("a")])
        await record.note([intent("a")])
        await record.note(cycle)
        once = await record.load()
        for length in repeats:
            await record.note(cycle[:length])
        await record.note(cycle)
        assert await record.load() == once


async def test_a_note_is_all_or_nothing(database: str) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a")])
        await record.note([intent("a")])
        before = await record.load()
        with pytest.raises(Contradiction, match="nobody"):
            await record.note(
                [*Told(OrderState.OPEN, 2).changes("a"), trader("b"), result("nobody")]
            )
        assert await record.load() == before


async def test_what_one_note_ends_is_over_when_what_it_begins_begins(database: str) -> None:
    """The audit adds up by these times what was tied up at each moment."""
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a"), intent("a")])
        bought = Told(OrderState.FILLED, 4).changes("a")
        ending = [*bought, result("a", quantity="40")]
        await record.note([*ending, trader("b", parent="a"), intent("b")])
    ((over, begun),) = await rows(
        database,
        """
        SELECT a.changed_at, b.committed_at FROM orders AS a, orders AS b
        WHERE a.trader_id < b.trader_id
    """,
    )
    assert over <= begun


async def test_an_empty_note_asks_nothing(database: str) -> None:
    async with opened(database) as record:
        await claim(record)
    await record.note([])


# What the record cannot have; the text names the row's key.


@pytest.mark.parametrize(
    "changes",
    [
        [became(order_name("x"), OrderState.OPEN, 1)],
        [became(order_name("x"), OrderState.ABSENT)],
        [FillRecorded(order_name("x"), Side.BUY, fill(1))],
    ],
    ids=["order", "absence", "fill"],
)
async def test_nothing_happens_to_an_order_that_nobody_intended(
    database: str, changes: Sequence[RecordChange]
) -> None:
    async with opened(database) as record:
        await claim(record)
        with pytest.raises(Contradiction, match="x-buy-1: no intent of this order is on record"):
            await record.note(changes)


@pytest.mark.parametrize(
    ("on_record", "told"),
    [
        (Told(OrderState.FILLED, 4), Told(OrderState.CANCELED, 4)),
        (Told(OrderState.CANCELED, 4), Told(OrderState.FILLED, 4)),
        (Told(OrderState.CANCELED), Told(OrderState.EXPIRED)),
        (Told(OrderState.OPEN), Told(OrderState.REFUSED)),
        (Told(OrderState.OPEN), Told(OrderState.ABSENT)),
        (Told(OrderState.FILLED, 4), Told(OrderState.ABSENT)),
        (Told(OrderState.REFUSED), Told(OrderState.OPEN)),
        (Told(OrderState.ABSENT), Told(OrderState.FILLED, 4)),
    ],
    ids=lambda told: f"{told.state}",
)
async def test_an_order_has_one_fate(database: str, on_record: Told, told: Told) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a")])
        await record.note([intent("a")])
        await record.note(_without_id(on_record))
        with pytest.raises(
            Contradiction,
            match=f"a-buy-1: it is {on_record.state} on record, it cannot become {told.state}",
        ):
            await record.note(_without_id(told))


@pytest.mark.parametrize("first", [OrderState.REFUSED, OrderState.ABSENT])
@pytest.mark.parametrize("then", [OrderState.REFUSED, OrderState.ABSENT, OrderState.UNDECIDED])
async def test_an_order_that_never_was_may_be_said_not_to_be_in_other_words(
    database: str, first: OrderState, then: OrderState
) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a")])
        await record.note([intent("a")])
        await record.note([became(order_name("a"), first)])
        await record.note([became(order_name("a"), then)])
        assert await _value(database, "SELECT state::text FROM orders") == first
        (row,) = (await record.load()).traders
    assert row.orders == ()
    assert row.attempts == {Side.BUY: 1}, "its number is used"


async def test_an_order_keeps_its_id(database: str) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a"), trader("b")])
        await record.note([intent("a")])
        await record.note([intent("b")])
        await record.note([became(order_name("a"), OrderState.OPEN, 1)])
        with pytest.raises(Contradiction, match="a-buy-1: it is order 1 on record, not 2"):
            await record.note([became(order_name("a"), OrderState.OPEN, 2)])
        with pytest.raises(Contradiction, match="the fill is of BUY order 2"):
            await record.note([FillRecorded(order_name("a"), Side.BUY, fill(2))])
        with pytest.raises(Contradiction, match="the fill is of SELL order 1"):
            await record.note([FillRecorded(order_name("a"), Side.SELL, fill(1))])


async def test_an_id_of_the_exchange_belongs_to_one_order_that_is_not_over(
    database: str,
) -> None:
    """Those of an exchange that was reset begin again, and it does not know what was before."""
    a, b = order_name("a"), order_name("b")
    taken = "b-buy-1: the exchange says that it is order 1, which is a-buy-1 on record and not over"
    news = [became(b, OrderState.OPEN, 1)], [FillRecorded(b, Side.BUY, fill(1))]
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a"), trader("b"), intent("a"), intent("b")])
        await record.note([became(a, OrderState.OPEN, 1)])
        for changes in news:
            with pytest.raises(Contradiction, match=taken):
                await record.note(changes)
        await record.note([OrderMissing(a)])
        await record.note([became(a, OrderState.OPEN, 1)])
        with pytest.raises(Contradiction, match=taken):
            await record.note(news[0])
        await record.note([OrderMissing(a), *news[0], *news[1]])
        await record.note([became(a, OrderState.CANCELED, 1, reason="gone")])
        loaded = {row.trader_id: row.orders[0] for row in (await record.load()).traders}
    assert {name: (o.order_id, o.state) for name, o in loaded.items()} == {
        "a": (1, OrderState.CANCELED),
        "b": (1, OrderState.OPEN),
    }


async def test_after_a_reset_fills_with_the_same_numbers_are_on_record_side_by_side(
    database: str,
) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a"), trader("b"), trader("c")])
        await buy(record, "a", 1)
        await buy(record, "b", 1, quantity="30")
        await record.note([intent("c"), became(order_name("c"), OrderState.OPEN, 1)])
        traders = (await record.load()).traders
        (a,), (b,), (c,) = (row.orders for row in traders)
    assert [[f.quantity for f in o.fills] for o in (a, b, c)] == [[40], [30], []]
    assert await _value(database, "SELECT count(*) FROM settlements WHERE settled") == 2
    assert await _value(database, "SELECT sum(bought) FROM cycles") == 70


async def test_an_order_is_missing_until_it_is_seen_open_again_or_over(database: str) -> None:
    states = [OrderState.OPEN, None, OrderState.OPEN, None, OrderState.CANCELED]
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a"), intent("a")])
        loaded = []
        for state in states:
            name = order_name("a")
            await record.note([became(name, state, 1) if state else OrderMissing(name)])
            loaded.append((await _only_order(record)).missing)
    assert loaded == [False, True, False, True, False]


async def test_an_order_of_which_no_intent_is_on_record_is_not_missing(database: str) -> None:
    async with opened(database) as record:
        await claim(record)
        with pytest.raises(Contradiction, match="no intent of this order is on record"):
            await record.note([OrderMissing(order_name("a"))])


async def test_a_fill_may_overtake_the_reply_that_tells_the_order_s_id(database: str) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a")])
        await record.note([intent("a")])
        await record.note([FillRecorded(order_name("a"), Side.BUY, FILLS[0])])
        order = await _only_order(record)
        assert (order.state, order.order_id, order.fills) == (
            OrderState.INTENT,
            ORDER_ID,
            FILLS[:1],
        )


@pytest.mark.parametrize(
    "other",
    [
        replace(FILLS[0], price=Decimal("0.51")),
        replace(FILLS[0], quantity=Decimal(11)),
        replace(FILLS[0], quote_quantity=Decimal(6)),
        replace(FILLS[0], commission=Decimal("0.1")),
        replace(FILLS[0], commission_asset="XRP"),
    ],
)
async def test_one_fill_has_one_set_of_amounts(database: str, other: object) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a")])
        await record.note([intent("a")])
        await record.note([FillRecorded(order_name("a"), Side.BUY, FILLS[0])])
        with pytest.raises(Contradiction, match=r"trade 0 of order 7: .* other amounts"):
            await record.note([FillRecorded(order_name("a"), Side.BUY, other)])  # type: ignore[arg-type]  # what no program writes


@pytest.mark.parametrize("state", [OrderState.REFUSED, OrderState.ABSENT])
async def test_an_order_that_never_was_has_no_fills(database: str, state: OrderState) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a")])
        await record.note([intent("a")])
        await record.note([became(order_name("a"), state)])
        with pytest.raises(Contradiction, match=f"a-buy-1: it is {state} .* trade 0 of it"):
            await record.note([FillRecorded(order_name("a"), Side.BUY, FILLS[0])])


@pytest.mark.parametrize(
    "change",
    [
        became(order_name("a"), OrderState.OPEN, ORDER_ID, "40.1", "20"),
        became(order_name("a"), OrderState.OPEN, ORDER_ID, "0", "1"),
        became(order_name("a"), OrderState.OPEN, None),
        became(order_name("a"), OrderState.CANCELED, None),
        became(order_name("a"), OrderState.REFUSED, ORDER_ID),
        became(order_name("a"), OrderState.ABSENT, None, "1", "1"),
        became(order_name("a"), OrderState.OPEN, ORDER_ID, "-1"),
    ],
    ids=[
        "executed more than intended",
        "quote for nothing",
        "open without an id",
        "canceled without an id",
        "refused with an id",
        "absent and executed",
        "negative",
    ],
)
async def test_a_fate_that_is_nonsense_is_refused(database: str, change: OrderChange) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a")])
        await record.note([intent("a")])
        before = await record.load()
        with pytest.raises(Contradiction):
            await record.note([change])
        assert await record.load() == before


# How a trader ends.


@pytest.mark.parametrize(
    "told",
    [
        Told(OrderState.INTENT),
        Told(OrderState.UNDECIDED),
        Told(OrderState.OPEN, 1),
    ],
    ids=lambda told: f"{told.state}",
)
async def test_a_trader_does_not_end_while_an_order_of_it_is_not_over(
    database: str, told: Told
) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a")])
        await record.note([intent("a")])
        with pytest.raises(Contradiction, match="a: it cannot end while its order a-buy-1"):
            await record.note([*told.changes("a"), result("a")])


async def test_a_trader_does_not_end_while_a_fill_is_missing(database: str) -> None:
    filled, *fills = Told(OrderState.FILLED, 4).changes("a")
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a")])
        await record.note([intent("a")])
        await record.note([filled, *fills[1:]])
        with pytest.raises(Contradiction, match="a-buy-1 is not over or lacks fills"):
            await record.note([result("a")])
        await record.note([fills[0], result("a", TraderState.HELD, quantity="40")])


async def test_a_trader_ends_once(database: str) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a")])
        await record.note([result("a", profit="1", reason="sold")])
        await record.note([result("a", profit="1.0", reason="in other words")])
        for other in (
            result("a", profit="2"),
            result("a", profit="1", quantity="1"),
            result("a", TraderState.HELD, profit="1"),
        ):
            with pytest.raises(Contradiction, match="a: it is over already: finished"):
                await record.note([other])
        with pytest.raises(Contradiction, match="b: no such trader"):
            await record.note([result("b")])
        assert (await record.load()).profit == 1


async def test_a_trader_that_is_over_takes_no_more_fills(database: str) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a")])
        await buy(record, "a", 1)
        await sell(record, "a", 2)
        await record.note([result("a")])
        late = FillRecorded(order_name("a"), Side.BUY, fill(1, 99))
        with pytest.raises(Contradiction, match=r"a: it is over, .* trade 99 of order 1"):
            await record.note([late])


async def test_a_trader_begins_once(database: str) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a")])
        with pytest.raises(Contradiction, match="a: this trader is on record with another"):
            await record.note([trader("a", started_ms=START_MS + 1)])
        with pytest.raises(Contradiction, match=r"parent.*nobody"):
            await record.note([trader("b", parent="nobody")])


def _new_book() -> LedgerKey:
    return replace(LEDGER, symbol=uuid4().hex.upper())


def _without_id(told: Told) -> list[RecordChange]:
    """Return the changes; an order that never was has no id."""
    if told.state in {OrderState.REFUSED, OrderState.ABSENT}:
        return [became(order_name("a"), told.state)]
    return told.changes("a")


async def _only_order(record: OwnRecord) -> RecordedOrder:
    (row,) = (await record.load()).traders
    (order,) = row.orders
    return order


async def _value(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_noting_looks_up_by_keys_whatever_was_on_record_when_it_was_planned(
    own_database: str,
) -> None:
    """A leader's plans are made on an empty record and live as long as its session."""
    async with opened(own_database) as record:
        await claim(record)
        before = await _scans(record)
        for number in range(8):
            name = f"t{number}"
            await record.note([trader(name)])
            await buy(record, name, 2 * number + 1)
            await sell(record, name, 2 * number + 2)
            await record.note([result(name)])
        after = await _scans(record)
    used = {name for name, scans in after.items() if scans > before.get(name, 0)}
    assert "orders_pkey" in used
    assert not {name for name in used if name.endswith(BY_TIME)}


async def _scans(record: OwnRecord) -> dict[str, int]:
    """Return how often each index was read; other tests may have read the same database."""
    await record.link.ask("SELECT pg_stat_force_next_flush()")
    found = await record.link.ask("SELECT indexrelname, idx_scan FROM pg_stat_user_indexes")
    return {row["indexrelname"]: row["idx_scan"] for row in found}
