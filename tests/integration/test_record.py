"""The record on a real PostgreSQL: what is written is there, exactly, and is loaded again."""

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.postgres import execute
from support.recorded import (
    LEDGER,
    OWNER,
    POD,
    SETTINGS,
    START_MS,
    TERMS,
    asked,
    became,
    buy,
    cancel,
    cancel_change,
    claim,
    fill,
    intent,
    opened,
    order_name,
    result,
    sell,
    trader,
)
from symbol_trader.core.orders import OrderState, Side, TimeInForce, TraderId
from symbol_trader.core.records import (
    FillRecorded,
    RecordedOrder,
    RecordedTrader,
    TraderState,
    Watermark,
)
from symbol_trader.core.settings import AtDeadline, TradingStatus, UnfilledBuys
from symbol_trader.errors import Contradiction
from symbol_trader.postgres.ownership import disown

if TYPE_CHECKING:
    from support.recorded import OwnRecord
    from symbol_trader.ports import Ownership, Record


def as_ports(record: "OwnRecord") -> tuple["Ownership", "Record"]:
    """Let the type checker see that the adapters fill the ports."""
    return record.ownership, record


async def test_a_new_book_is_empty_and_says_which_installation_it_is(database: str) -> None:
    async with opened(database) as record:
        await claim(record)
        snapshot = await record.load()
    assert (snapshot.traders, snapshot.finished, snapshot.watermark) == ((), 0, None)
    assert (snapshot.carried, snapshot.profit) == (Decimal(0), Decimal(0))
    assert len(snapshot.installation) == 6
    assert set(snapshot.installation) <= set("0123456789abcdefghijklmnopqrstuv")


async def test_a_running_trader_is_loaded_as_it_was_recorded(database: str) -> None:
    bought = intent("a", quantity="40")
    first, second = fill(7, 1, quantity="15"), fill(7, 2, quantity="25")
    selling = replace(intent("a", Side.SELL, price="0.51"), time_in_force=TimeInForce.IOC)
    cancelling = cancel("a", Side.SELL)
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a")])
        await record.note([bought])
        await record.note(
            [
                became(bought.client_order_id, OrderState.FILLED, 7, "40", "20"),
                FillRecorded(bought.client_order_id, Side.BUY, second),
                FillRecorded(bought.client_order_id, Side.BUY, first),
            ]
        )
        await record.note([selling])
        await record.note([became(selling.client_order_id, OrderState.UNDECIDED, reason="lost")])
        await record.note([cancelling])
        snapshot = await record.load()
    assert snapshot.traders == (
        RecordedTrader(
            TraderId("a"),
            TERMS,
            START_MS,
            rebuy_spent=False,
            orders=(
                RecordedOrder(
                    bought, OrderState.FILLED, 7, Decimal(40), Decimal(20), "", (first, second)
                ),
                RecordedOrder(
                    selling,
                    OrderState.UNDECIDED,
                    None,
                    Decimal(0),
                    Decimal(0),
                    "lost",
                    cancels=(cancelling,),
                ),
            ),
            attempts={Side.BUY: 1, Side.SELL: 1},
        ),
    )


async def test_traders_come_oldest_first_and_orders_by_leg_and_attempt(database: str) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("b", started_ms=START_MS + 1), trader("a")])
        for attempt in (1, 2, 10):
            await record.note([intent("a", attempt=attempt)])
            await record.note(
                [became(order_name("a", attempt=attempt), OrderState.EXPIRED, attempt)]
            )
        await record.note([intent("a", Side.SELL)])
        traders = (await record.load()).traders
    assert [row.trader_id for row in traders] == ["a", "b"]
    orders = [(order.intent.side, order.intent.attempt) for order in traders[0].orders]
    assert orders == [(Side.BUY, 1), (Side.BUY, 2), (Side.BUY, 10), (Side.SELL, 1)]


async def test_what_is_over_is_summed_up_and_no_longer_loaded(database: str) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a"), trader("b"), trader("c")])
        await record.note([result("a", profit="0.30"), result("b", profit="-0.1")])
        snapshot = await record.load()
    assert [row.trader_id for row in snapshot.traders] == ["c"]
    assert (snapshot.profit, snapshot.finished) == (Decimal("0.2"), 2)


# An amount of 20 digits before and 18 after the point, well beyond what an exchange uses.
amounts = st.decimals(
    min_value="1e-18", max_value="1e20", allow_nan=False, allow_infinity=False, places=18
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(price=amounts, quantity=amounts, commission=amounts)
async def test_amounts_are_exact_to_the_last_digit(
    database: str, price: Decimal, quantity: Decimal, commission: Decimal
) -> None:
    executed = replace(
        fill(7), price=price, quantity=quantity, quote_quantity=price, commission=commission
    )
    order = replace(intent("a"), price=price, quantity=quantity)
    async with opened(database) as record:
        await claim(record, replace(LEDGER, symbol=uuid4().hex.upper()))
        await record.note([trader("a")])
        await record.note([order])
        await record.note(
            [
                became(order.client_order_id, OrderState.FILLED, 7, f"{quantity:f}", f"{price:f}"),
                FillRecorded(order.client_order_id, Side.BUY, executed),
            ]
        )
        (row,) = (await record.load()).traders[0].orders
    assert row.intent == order
    assert (row.executed, row.executed_quote, row.fills) == (quantity, price, (executed,))


# The ledger: what rounding leaves over.


async def test_what_a_sell_leaves_over_is_carried_and_what_it_takes_along_is_not(
    database: str,
) -> None:
    """A commission in the base asset was never received; the second sell takes the rest along."""
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a"), trader("b")])
        await buy(record, "a", 1, quantity="10", commission="0.01", asset="XRP")
        assert (await record.load()).carried == 0
        await sell(record, "a", 2, quantity="9.9")
        assert (await record.load()).carried == Decimal("0.09")
        await record.note([result("a", carried="0.09", carried_cost="0.045")])
        assert (await record.load()).carried == Decimal("0.09")
        await buy(record, "b", 3, quantity="10", commission="0.01", asset="XRP")
        await record.note([intent("b", Side.SELL, quantity="10.05")])
        assert (await record.load()).carried == Decimal("0.03")


@pytest.mark.parametrize("state", [OrderState.REFUSED, OrderState.ABSENT])
async def test_a_sell_that_never_existed_sells_nothing_of_the_ledger(
    database: str, state: OrderState
) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a")])
        await buy(record, "a", 1, quantity="10")
        await record.note([intent("a", Side.SELL, quantity="9")])
        await record.note([became(order_name("a", Side.SELL), state)])
        assert (await record.load()).carried == 0
        await record.note([intent("a", Side.SELL, attempt=2, quantity="9.5")])
        assert (await record.load()).carried == Decimal("0.5")
        await record.note([became(order_name("a", Side.SELL, 2), OrderState.CANCELED, 2)])
        await record.note([intent("a", Side.SELL, attempt=3, quantity="7")])
        assert (await record.load()).carried == Decimal("0.5"), "the first that existed counts"


async def test_what_is_stranded_before_its_sell_is_not_carried(database: str) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a")])
        await buy(record, "a", 1, quantity="0.5")
        await record.note([result("a", TraderState.STRANDED, quantity="0.5")])
        assert (await record.load()).carried == 0


# Rebuys.


async def test_a_trader_with_a_child_has_spent_its_rebuy(database: str) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a")])
        await record.note([trader("b", parent="a", started_ms=START_MS + 1)])
        await record.note([trader("b", parent="a", started_ms=START_MS + 1)])
        spent = {row.trader_id: row.rebuy_spent for row in (await record.load()).traders}
    assert spent == {"a": True, "b": False}


async def test_a_rebuy_is_spent_once(database: str) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a"), trader("b", parent="a")])
        with pytest.raises(Contradiction, match=r"rebuy_spent_once.*\(a, .*\)"):
            await record.note([trader("c", parent="a")])
        assert len((await record.load()).traders) == 2


# Intents.


async def test_an_intent_counts_for_nothing_without_its_trader(database: str) -> None:
    async with opened(database) as record:
        await claim(record)
        with pytest.raises(Contradiction, match="a: no order for a trader that is not running"):
            await record.note([intent("a")])


async def test_a_trader_that_is_over_orders_nothing(database: str) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a")])
        await record.note([result("a")])
        with pytest.raises(Contradiction, match="not running"):
            await record.note([intent("a")])


async def test_no_id_and_no_attempt_is_used_twice(database: str) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a"), trader("b")])
        await record.note([intent("a")])
        await record.note([became(order_name("a"), OrderState.REFUSED)])
        with pytest.raises(Contradiction, match=order_name("a")):
            await record.note([intent("a")])
        with pytest.raises(Contradiction, match="attempt"):
            await record.note([replace(intent("a"), client_order_id=order_name("x"))])
        with pytest.raises(Contradiction, match=order_name("a")):
            await record.note([replace(intent("a"), trader_id=TraderId("b"))])


@pytest.mark.parametrize("state", [OrderState.INTENT, OrderState.UNDECIDED, OrderState.OPEN])
async def test_a_trader_never_has_two_orders_that_may_be_on_the_exchange(
    database: str, state: OrderState
) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a")])
        await record.note([intent("a")])
        await record.note([became(order_name("a"), state, 1)])
        for second in (intent("a", attempt=2), intent("a", Side.SELL)):
            with pytest.raises(Contradiction, match="one_live_order_per_trader"):
                await record.note([second])
        await record.note([became(order_name("a"), OrderState.CANCELED, 1)])
        await record.note([intent("a", attempt=2)])


@pytest.mark.parametrize(
    "nonsense",
    [
        replace(intent("a"), price=Decimal(0)),
        replace(intent("a"), quantity=Decimal(-1)),
        replace(intent("a"), quantity=Decimal("NaN")),
        replace(intent("a"), price=Decimal("Infinity")),
        replace(intent("a"), attempt=0),
        replace(intent("a"), timestamp_ms=0),
        replace(intent("a"), recv_window_ms=60_001),
        replace(intent("a"), client_order_id=order_name("a b")),
        replace(intent("a"), client_order_id=order_name("a" * 40)),
    ],
    ids=str,
)
async def test_an_intent_that_is_nonsense_is_refused(database: str, nonsense: object) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a")])
        with pytest.raises(Contradiction):
            await record.note([nonsense])  # type: ignore[list-item]  # no change at all
        await record.note([intent("a")])


async def test_a_cancel_is_of_an_order_on_record_and_its_id_is_used_once(database: str) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a")])
        with pytest.raises(Contradiction, match=order_name("a")):
            await record.note([cancel("a")])
        await record.note([intent("a")])
        await record.note([cancel("a")])
        with pytest.raises(Contradiction, match="cancels"):
            await record.note([cancel("a")])
        await record.note([cancel("a", attempt=2)])
        (order,) = (await record.load()).traders[0].orders
    assert order.cancels == (cancel("a"), cancel("a", attempt=2))


async def test_the_first_definite_outcome_of_a_cancel_stands(database: str) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a")])
        await record.note([intent("a")])
        await record.note([cancel("a")])
        told = []
        for outcome in ("undecided", "refused", "undecided", "accepted"):
            await record.note([cancel_change(cancel("a"), outcome, f"said {outcome}")])
            told.append(await _one(database, "SELECT outcome, outcome_reason FROM cancels"))
        with pytest.raises(Contradiction, match="no intent of this cancel"):
            await record.note([cancel_change(cancel("a", attempt=2), "accepted")])
    refused = ("refused", "said refused")
    assert told == [("undecided", "said undecided"), refused, refused, refused]


# The watermark and the settings.


async def test_the_watermark_goes_on_in_time_though_ids_may_begin_again(database: str) -> None:
    async with opened(database) as record:
        await claim(record)
        seen = []
        marks = [Watermark(-1), *(Watermark(n, t) for n, t in ((5, 50), (3, 30), (6, 50), (2, 51)))]
        for mark in marks:
            await record.advance_watermark(mark)
            seen.append((await record.load()).watermark)
    assert seen == [marks[0], marks[1], marks[1], marks[3], marks[4]]


async def test_a_leader_of_the_version_before_does_not_know_the_watermark_s_time(
    database: str,
) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.advance_watermark(Watermark(5, 50))
        await execute(database, "UPDATE owners SET watermark = greatest(watermark, 5)")
        assert (await record.load()).watermark == Watermark(5, 50)
        await execute(database, "UPDATE owners SET watermark = greatest(watermark, 7)")
        assert (await record.load()).watermark == Watermark(7)


async def test_the_settings_are_mirrored_when_they_change(database: str) -> None:
    changed = replace(
        SETTINGS,
        status=TradingStatus.SHUTDOWN,
        budget=Decimal("123.456789012345678"),
        profit=Decimal("-0.001"),
        max_buy_age_ms=43_200_000,
        unfilled_buys=UnfilledBuys.CANCEL,
        deadline_ms=86_400_000,
        at_deadline=AtDeadline.SELL,
    )
    async with opened(database) as record:
        await claim(record)
        mirror = "SELECT status, budget, chunks, buy_down, profit, rebuy, max_buy_age_ms, "
        mirror += "unfilled_buys, deadline_ms, at_deadline FROM settings"
        before = await _one(database, mirror)
        await record.mirror_settings(asked(changed, generation=2))
        after = await _one(database, mirror)
        whose = await _one(
            database, "SELECT cluster, namespace, name, environment, symbol FROM settings"
        )
    assert before == _settings_row(SETTINGS)
    assert after == _settings_row(changed)
    assert whose == (OWNER.cluster, OWNER.namespace, OWNER.name, LEDGER.environment, LEDGER.symbol)


# Books.


async def test_a_shutdown_ages_from_when_it_was_first_seen(database: str) -> None:
    """Over restarts, and not from one shutdown to the next."""
    shutdown = replace(SETTINGS, status=TradingStatus.SHUTDOWN)
    edited = asked(replace(shutdown, chunks=9), generation=3)
    async with opened(database) as record:
        await claim(record)
        assert (await record.load()).shutdown_age_ms == 0
        await record.mirror_settings(asked(shutdown, generation=2))
        await _earlier(database, seconds=60)
        await record.mirror_settings(edited)
    async with opened(database) as record:
        await claim(record, desired=edited)
        assert 60_000 <= (await record.load()).shutdown_age_ms < 120_000
        await record.mirror_settings(asked(generation=4))
        assert (await record.load()).shutdown_age_ms == 0
        await record.mirror_settings(asked(shutdown, generation=5))
        assert (await record.load()).shutdown_age_ms < 60_000


async def test_a_shutdown_that_may_be_another_one_ages_anew(database: str) -> None:
    """Off and shutdown again, while no leader ran: the first one's deadline is not its own."""
    shutdown = replace(SETTINGS, status=TradingStatus.SHUTDOWN)
    async with opened(database) as record:
        await claim(record, desired=asked(shutdown, generation=2))
        await _earlier(database, seconds=60)
        await record.mirror_settings(asked(shutdown, generation=4))
        assert (await record.load()).shutdown_age_ms < 60_000


async def test_the_record_knows_what_it_holds(database: str) -> None:
    """What never existed, by the record, it does not hold."""
    placed, absent, cancelling = intent("a"), intent("b"), cancel("a", Side.BUY)
    unknown = order_name("z", Side.BUY)
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a"), trader("b")])
        await record.note([placed])
        await record.note([absent])
        await record.note([cancelling])
        await record.note([became(placed.client_order_id, OrderState.OPEN, 7)])
        await record.note([became(absent.client_order_id, OrderState.ABSENT, reason="denied")])
        asked = {placed.client_order_id, absent.client_order_id, cancelling.cancel_id, unknown}
        strange = await record.unrecorded_client_order_ids(asked)
        assert await disown(database, LEDGER, [unknown], "by hand") == [unknown]
        assert await disown(database, LEDGER, [unknown], "by hand") == []
        still = await record.unrecorded_client_order_ids(asked)
    assert strange == {absent.client_order_id, unknown}
    assert still == {absent.client_order_id}


async def test_a_fill_is_on_record_by_its_numbers_and_its_time(database: str) -> None:
    """The numbers of an exchange that was reset begin again."""
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a")])
        await buy(record, "a", 7)
        known = fill(7).key
        others = known._replace(order_id=8), known._replace(trade_id=2), known._replace(time_ms=1)
        assert await record.unrecorded_fills({known, *others}) == {*others}


async def test_equal_ids_in_two_symbols_and_two_accounts_do_not_meet(database: str) -> None:
    books = [LEDGER, replace(LEDGER, symbol="XRPETH"), replace(LEDGER, account="2")]
    snapshots = []
    for number, book in enumerate(books):
        async with opened(database) as record:
            await claim(record, book, replace(OWNER, name=f"resource-{number}"))
            await record.note([trader("a")])
            await buy(record, "a", 1, quantity=str(10 + number))
            await record.advance_watermark(Watermark(number))
            snapshots.append(await record.load())
    for number, snapshot in enumerate(snapshots):
        (order,) = snapshot.traders[0].orders
        assert order.executed == 10 + number
        assert (order.order_id, snapshot.watermark) == (1, Watermark(number))
        assert [row.trade_id for row in order.fills] == [1]


async def test_a_claim_of_the_same_pod_takes_the_next_epoch(database: str) -> None:
    async with opened(database) as record:
        first = await record.ownership.claim(LEDGER, OWNER, pod=POD)
        second = await record.ownership.claim(LEDGER, OWNER, pod=POD)
    assert (first.number, second.number) == (1, 2)
    assert first.nonce != second.nonce


async def _earlier(url: str, *, seconds: int) -> None:
    """Let a shutdown have begun earlier."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            "UPDATE settings SET shutdown_since = shutdown_since - make_interval(secs => $1)",
            float(seconds),
        )
    finally:
        await connection.close()


async def _one(url: str, query: str) -> tuple[object, ...]:
    connection = await asyncpg.connect(url)
    try:
        return tuple(await connection.fetchrow(query))
    finally:
        await connection.close()


def _settings_row(wanted: object) -> tuple[object, ...]:
    names = "status budget chunks buy_down profit rebuy max_buy_age_ms unfilled_buys deadline_ms"
    return tuple(getattr(wanted, name) for name in (*names.split(), "at_deadline"))
