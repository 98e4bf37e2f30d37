"""Fees of every kind, totals of what is over, and orders that did not go as intended."""

import asyncio
import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from alembic import command

from support import statements_0002
from support.postgres import Server
from support.recorded import (
    LEDGER,
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
from symbol_trader.core.fees import WAITING_MAX
from symbol_trader.core.orders import FeeAsset, FeeValue, Fill, OrderState, Side, TraderId
from symbol_trader.core.records import (
    Acknowledged,
    FeeValued,
    FillRecorded,
    FillsGivenUp,
    RecordChange,
    TraderState,
    UnvaluedFee,
)
from symbol_trader.errors import Contradiction
from symbol_trader.postgres import statements
from symbol_trader.postgres.changes import encode
from symbol_trader.postgres.migrate import migrate

VALUE = FeeValue(Decimal("0.6"), Decimal(600), "BNBUSDT", START_MS)
BUY, SELL = order_name("a"), order_name("a", Side.SELL)
TOTALS = "SELECT ended_count, ended_profit, ended_carried, ended_carried_cost FROM owners"


# Fees in a third asset.


async def test_a_fee_that_is_valued_after_the_end_takes_its_value_off_every_profit(
    database: str,
) -> None:
    async with opened(database) as record:
        await _cycle_with_a_fee_in_bnb(record)
        await record.note([result("a", profit="1.5")])
        waiting = (await record.load()).unvalued_fees
        valued = FeeValued(TraderId("a"), BUY, 1, VALUE)
        await record.note([valued])
        await record.note([valued, replace(valued, value=replace(VALUE, value=Decimal(9)))])
        await record.note([result("a", profit="1.5")])
        snapshot = await record.load()
    bnb = Decimal("0.001")
    assert waiting == (UnvaluedFee(TraderId("a"), BUY, 1, "BNB", bnb, START_MS + 500),)
    assert (snapshot.profit, snapshot.unvalued_fees) == (Decimal("0.9"), ())
    told = "SELECT profit, late_fees FROM traders", "SELECT profit, cycles FROM profit_by_day"
    assert await _row(database, told[0]) == (Decimal("0.9"), Decimal("0.6"))
    assert await _row(database, told[1]) == (Decimal("0.9"), 1)


async def test_a_fee_that_is_valued_before_the_end_is_the_result_s_to_count(database: str) -> None:
    async with opened(database) as record:
        await _cycle_with_a_fee_in_bnb(record)
        await record.note([FeeValued(TraderId("a"), BUY, 1, VALUE)])
        (running,) = (await record.load()).traders
        await record.note([result("a", profit="0.9")])
        assert (await record.load()).profit == Decimal("0.9")
    assert running.orders[0].fills[0].fee_value == VALUE
    assert await _row(database, "SELECT other_commission, unvalued_fees FROM cycles") == (
        Decimal("0.6"),
        0,
    )


async def test_fees_beyond_those_that_are_loaded_are_in_the_sums(database: str) -> None:
    """The oldest of each asset are loaded: one without a market keeps no other from its value."""
    async with opened(database) as record:
        await claim(record)
        count = WAITING_MAX + 5
        await record.note([trader("a"), intent("a", quantity=str(count + 1))])
        fees = [("TCOIN", number) for number in range(1, count + 1)] + [("BNB", count + 1)]
        fills = [fill(1, n, quantity="1", commission="0.1", asset=asset) for asset, n in fees]
        await record.note([FillRecorded(BUY, Side.BUY, each, FeeAsset.OTHER) for each in fills])
        loaded = await record.load()
    assert [fee.asset for fee in loaded.unvalued_fees] == ["TCOIN"] * WAITING_MAX + ["BNB"]
    assert loaded.more_unvalued_fees == {"TCOIN": Decimal("0.5")}


async def test_a_fill_may_come_with_the_value_of_its_fee(database: str) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a"), intent("a")])
        known = replace(fill(1, commission="0.001"), fee_value=VALUE)
        await record.note([FillRecorded(BUY, Side.BUY, known, FeeAsset.OTHER)])
        (running,) = (await record.load()).traders
    assert running.orders[0].fills == (known,)


@pytest.mark.parametrize(
    ("asset", "why"), [("XRP", "its fee is in base"), ("", "no such fill is on record")]
)
async def test_only_a_fee_on_record_in_a_third_asset_is_valued(
    database: str, asset: str, why: str
) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a")])
        if asset:
            await buy(record, "a", 1, commission="0.01", asset=asset)
        with pytest.raises(Contradiction, match=f"trade 1 of order a-buy-1: {why}"):
            await record.note([FeeValued(TraderId("a"), BUY, 1, VALUE)])


async def test_what_a_sell_paid_in_base_is_part_of_what_explains_the_position(
    database: str,
) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a")])
        await buy(record, "a", 1, quantity="10", commission="0.01", asset="XRP")
        await sell(record, "a", 2, quantity="9", commission="0.02", asset="XRP")
        running = (await record.load()).carried
        await record.note([result("a", carried="0.97", carried_cost="0.49")])
        ended = await record.load()
    assert running == ended.carried == Decimal("0.97")
    assert ended.carried_cost == Decimal("0.49")
    row = await _row(database, "SELECT position, base_commission, unexplained FROM positions")
    assert row == (Decimal("0.97"), Decimal("0.03"), 0)


async def test_a_remainder_that_the_core_miscounts_is_unexplained(database: str) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a")])
        await buy(record, "a", 1, quantity="10")
        await record.note([result("a", carried="9")])
    assert await _row(database, "SELECT position, unexplained FROM positions") == (10, 1)


# Orders that did not go as intended.


async def test_an_amended_order_has_two_quantities_and_only_shrinks(database: str) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a"), intent("a")])
        amended = became(BUY, OrderState.OPEN, 1)
        for quantity in ("30", "35", None):
            known = None if quantity is None else Decimal(quantity)
            await record.note([replace(amended, quantity=known)])
        (order,) = (await record.load()).traders[0].orders
        with pytest.raises(Contradiction, match="executed_within_quantity"):
            await record.note([became(BUY, OrderState.CANCELED, 1, "31", "15.5")])
    assert order.quantity == Decimal(30)
    assert order.intent.quantity == Decimal(40)
    assert await _row(database, "SELECT quantity, remaining FROM open_orders") == (30, 30)


async def test_an_order_may_be_filled_with_less_than_its_quantity(database: str) -> None:
    """Self-trade prevention ends an order so."""
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a"), intent("a")])
        done = fill(1, quantity="39")
        await record.note([became(BUY, OrderState.FILLED, 1, "39", "19.5")])
        await record.note([FillRecorded(BUY, Side.BUY, done), result("a", carried="39")])
        assert (await record.load()).finished == 1


async def test_a_trader_ends_although_fills_that_were_given_up_are_missing(database: str) -> None:
    known, late = fill(1, 1, quantity="10"), fill(1, 2, quantity="30")
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a"), intent("a")])
        await record.note([FillRecorded(BUY, Side.BUY, known)])
        await record.note([became(BUY, OrderState.FILLED, 1, "40", "20"), FillsGivenUp(BUY)])
        (order,) = (await record.load()).traders[0].orders
        await record.note([result("a", TraderState.HELD, quantity="40")])
        await record.note([FillRecorded(BUY, Side.BUY, late)])
    assert order.fills_given_up
    assert await _row(database, "SELECT bought, spent, unsold_cost FROM cycles") == (40, 20, 20)
    assert await _row(database, "SELECT position, held, unexplained FROM positions") == (40, 40, 0)
    assert await _row(database, "SELECT count(*) FROM fills") == (1,)


async def test_the_fills_of_an_order_that_is_not_over_are_not_given_up(database: str) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a"), intent("a")])
        with pytest.raises(Contradiction, match="a-buy-1: its fills cannot be given up"):
            await record.note([FillsGivenUp(BUY)])


async def test_that_a_person_said_to_go_on_is_known_after_a_restart(database: str) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a"), intent("a")])
        await record.note([became(BUY, OrderState.CANCELED, 1), Acknowledged(BUY)])
        (order,) = (await record.load()).traders[0].orders
        with pytest.raises(Contradiction, match="no intent of this order"):
            await record.note([Acknowledged(SELL)])
    assert order.acknowledged


# One statement for what happened and what is intended.


async def test_what_happened_and_the_order_that_follows_are_one_commit(database: str) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a"), intent("a")])
        before = await record.load()
        with pytest.raises(Contradiction, match="one_live_order_per_trader"):
            await record.note([trader("b"), intent("b"), intent("a", attempt=2)])
        assert await record.load() == before
        await record.note([became(BUY, OrderState.REFUSED), intent("a", attempt=2)])
        (running,) = (await record.load()).traders
    assert [order.intent.attempt for order in running.orders] == [2]
    assert running.attempts == {Side.BUY: 2}


@pytest.mark.parametrize(
    ("changes", "waits"),
    [
        ([intent("b")], "on"),
        ([became(BUY, OrderState.OPEN, 1), cancel("a")], "on"),
        ([Acknowledged(BUY)], "on"),
        ([became(BUY, OrderState.OPEN, 1)], "off"),
        ([trader("c"), FillRecorded(BUY, Side.BUY, fill(1))], "off"),
    ],
    ids=["order", "cancel", "a person's word", "news", "new trader and a fill"],
)
async def test_what_is_intended_waits_for_the_disk_and_news_of_the_exchange_do_not(
    database: str, changes: list[RecordChange], waits: str
) -> None:
    """Of the exchange's news, those that a crash takes are asked for again."""
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a"), trader("b"), intent("a")])
        nonce = await _row(database, "SELECT nonce FROM owners")
        key = (LEDGER.environment, LEDGER.account, LEDGER.symbol, 1, *nonce)
        connection = await asyncpg.connect(database)
        async with connection.transaction():
            await connection.execute(statements.NOTE, *key, 0, encode(changes))
            found = await connection.fetchval("SHOW synchronous_commit")
        assert (found, await connection.fetchval("SHOW synchronous_commit")) == (waits, "on")
        await connection.close()


async def test_a_term_begins_without_reading_what_is_over(own_database: str) -> None:
    """The plan of the sums reads traders by the index of those that run, and no other way."""
    async with opened(own_database) as record:
        await claim(record)
        nonce = await _row(own_database, "SELECT nonce FROM owners")
        key = (LEDGER.environment, LEDGER.account, LEDGER.symbol, 1, *nonce)
        connection = await asyncpg.connect(own_database)
        await connection.execute("SET enable_seqscan = off")
        (found,) = await connection.fetch(f"EXPLAIN (FORMAT JSON) {statements.SUMS}", *key)
        await connection.close()
    scans = list(_scans(json.loads(found[0])[0]["Plan"]))
    assert [scan["Index Name"] for scan in scans if scan.get("Relation Name") == "traders"] == [
        "running_traders"
    ]


# A leader, and a record, of the version before.


async def test_what_a_leader_of_the_version_before_does_not_tell_is_worked_out(
    database: str,
) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a")])
        nonce = await _row(database, "SELECT nonce FROM owners")
        await _note(database, nonce, _old_order(1, "BUY", "10", "XRP", "0.01"))
        await _note(database, nonce, _old_order(2, "SELL", "9", "USDT", "0.005"))
        end = {"kind": "result", "trader_id": "a", "state": "finished", "reason": "sold"}
        await _note(
            database, nonce, [{**end, "finished_ms": START_MS, "profit": "1", "quantity": "0"}]
        )
    fees = await _rows(database, "SELECT fee_in::text FROM fills ORDER BY order_id")
    assert fees == [("base",), ("quote",)]
    assert await _row(database, TOTALS) == (1, 1, Decimal("0.99"), Decimal("0.49549550"))
    assert await _row(database, "SELECT unexplained FROM positions") == (0,)


async def test_what_a_leader_of_the_version_before_takes_along_has_the_cost_on_record(
    database: str,
) -> None:
    """It tells profits in which what a cycle takes along costs what that cycle had paid."""
    end = {"kind": "result", "state": "finished", "reason": "sold", "quantity": "0"}
    cycles = [("a", 1, ("15", "2"), ("10", "3"), "10"), ("b", 3, ("10", "1"), ("15", "1"), "0")]
    async with opened(database) as record:
        await claim(record)
        nonce = await _row(database, "SELECT nonce FROM owners")
        for name, number, bought, sold, profit in cycles:
            await record.note([trader(name)])
            await buy(record, name, number, quantity=bought[0], price=bought[1])
            await sell(record, name, number + 1, quantity=sold[0], price=sold[1])
            told = {**end, "trader_id": name, "finished_ms": START_MS + number, "profit": profit}
            await _note(database, nonce, [told])
            await _note(database, nonce, [told])
    assert await _row(database, TOTALS) == (2, 5, 0, 0)
    costs = await _rows(database, "SELECT carried_cost, profit FROM traders ORDER BY trader_id")
    assert costs == [(10, 10), (-10, -5)]


async def test_a_record_of_the_version_before_has_no_cost_without_a_quantity(
    postgres_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One cycle left 5 that had cost 2 each, the next took them along: both totals are zero."""
    url = await _migrated(postgres_server, monkeypatch, _OLD_OWNER + _OLD_CARRY)
    assert await _row(url, TOTALS) == (2, 5, 0, 0)
    costs = await _rows(url, "SELECT carried_cost, profit FROM traders ORDER BY trader_id")
    assert costs == [(10, 10), (-10, -5)]


@pytest.mark.parametrize(
    "statement", [name for name in vars(statements_0002) if name.isupper() and name[0] != "_"]
)
async def test_a_leader_of_the_version_before_is_understood(database: str, statement: str) -> None:
    """It leads on while the record is migrated, and its next term loads what it needs."""
    connection = await asyncpg.connect(database)
    try:
        await connection.prepare(getattr(statements_0002, statement))
    finally:
        await connection.close()


async def test_a_record_of_the_version_before_is_added_up_with_all_fees(
    postgres_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sell's commission in base was counted nowhere; one in BNB waits for its value."""
    url = await _migrated(postgres_server, monkeypatch, _OLD_OWNER + _OLD_RECORD)
    fees = await _rows(url, "SELECT fee_in::text FROM fills ORDER BY order_id")
    assert fees == [("base",), ("base",), ("other",), ("none",)]
    assert await _row(url, "SELECT carried, profit FROM traders WHERE trader_id = 'a'") == (
        Decimal("0.9"),
        Decimal("0.95"),
    )
    assert await _row(url, TOTALS) == (2, Decimal("0.95"), Decimal("0.9"), Decimal("0.45"))
    assert await _row(url, "SELECT held, carried, unexplained FROM positions") == (
        5,
        Decimal("0.9"),
        0,
    )
    assert await _row(url, "SELECT sum(profit), sum(cycles) FROM profit_by_day") == (
        Decimal("0.95"),
        2,
    )
    assert await _row(url, "SELECT asset, amount FROM unvalued_fees") == ("BNB", Decimal("0.001"))


async def test_fills_on_record_belong_to_the_orders_that_had_their_number(
    postgres_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watermark has the time of its trade, if that is on record."""
    rows = (
        _OLD_OWNER
        + _OLD_RECORD
        + "UPDATE owners SET watermark = 3; UPDATE fills SET time_ms = trade_id;"
    )
    url = await _migrated(postgres_server, monkeypatch, rows)
    names = await _rows(url, "SELECT client_order_id FROM fills ORDER BY trade_id")
    assert names == [("a1",), ("a2",), ("b1",), ("b2",)]
    assert await _row(url, "SELECT watermark, watermark_ms FROM owners") == (3, 3)


@pytest.mark.parametrize(
    ("version", "first", "then"),
    [
        ("0005", "orders", "fills"),
        ("0006", "fills", "traders"),
        ("0006", "orders", "traders"),
        ("0006", "traders", "orders"),
    ],
)
async def test_a_migration_waits_for_what_a_leader_notes_and_not_each_for_the_other(
    postgres_server: Server, monkeypatch: pytest.MonkeyPatch, version: str, first: str, then: str
) -> None:
    """What one call of `note` locks one after another, held here by hand."""
    url = await _of_version(postgres_server, monkeypatch, _OLD_OWNER, version)
    leader = await asyncpg.connect(url)
    async with leader.transaction():
        await leader.execute(
            f"SELECT FROM owners FOR NO KEY UPDATE; SELECT FROM {first} FOR UPDATE"
        )
        migration = asyncio.create_task(migrate(url, lambda _: None))
        while not await _rows(url, "SELECT FROM pg_locks WHERE NOT granted"):
            assert not migration.done()
        await leader.execute(f"LOCK TABLE {then} IN ROW EXCLUSIVE MODE")
    await migration
    await leader.close()


async def test_a_leader_of_the_version_before_tells_a_fee_by_the_number_of_its_order(
    database: str,
) -> None:
    told = {"kind": "fee", "trader_id": "a", "order_id": 1, "trade_id": 1, "fee_value": "0.6",
            "fee_price": "600", "fee_source": "BNBUSDT", "fee_price_ms": 1}  # fmt: skip
    async with opened(database) as record:
        await _cycle_with_a_fee_in_bnb(record)
        for _ in range(2):
            await _note(database, (record.link.claim.epoch.nonce,), [told])
        with pytest.raises(asyncpg.PostgresError, match="trade 1 of order 9: no such fill"):
            await _note(database, (record.link.claim.epoch.nonce,), [told | {"order_id": 9}])
        assert (await record.load()).unvalued_fees == ()


_OLD_OWNER = """
INSERT INTO owners (environment, account, symbol, cluster, namespace, name, epoch, nonce, pod)
    VALUES ('paper', '1', 'XRPUSDT', 'c', 'n', 'x', 1, 'nonce', 'pod');
INSERT INTO epochs (environment, account, symbol, epoch, cluster, namespace, name, pod)
    VALUES ('paper', '1', 'XRPUSDT', 1, 'c', 'n', 'x', 'pod');
"""
_OLD_RECORD = """
INSERT INTO traders (environment, account, symbol, trader_id, epoch, chunk_budget, buy_down,
    profit_interval, rebuy, started_ms, reason, state, finished_ms, profit, unsold, carried, result)
    VALUES
    ('paper', '1', 'XRPUSDT', 'a', 1, 20, 0, 0, 0, 1, '', 'finished', 2, 1, 0, 1, 'sold'),
    ('paper', '1', 'XRPUSDT', 'b', 1, 20, 0, 0, 0, 1, '', 'held', 2, 0, 5, 0, 'held');
INSERT INTO orders (environment, account, symbol, client_order_id, trader_id, side, attempt, price,
    quantity, time_in_force, timestamp_ms, recv_window_ms, epoch, state, order_id, executed,
    executed_quote)
    VALUES
    ('paper', '1', 'XRPUSDT', 'a1', 'a', 'BUY', 1, 0.5, 11, 'GTC', 1, 1, 1, 'filled', 1, 11, 5),
    ('paper', '1', 'XRPUSDT', 'a2', 'a', 'SELL', 1, 0.6, 9, 'GTC', 1, 1, 1, 'filled', 2, 9, 6),
    ('paper', '1', 'XRPUSDT', 'b1', 'b', 'BUY', 1, 0.5, 4, 'GTC', 1, 1, 1, 'filled', 3, 4, 2),
    ('paper', '1', 'XRPUSDT', 'b2', 'b', 'BUY', 2, 0.5, 1, 'GTC', 1, 1, 1, 'filled', 4, 1, 1);
INSERT INTO fills (environment, account, symbol, order_id, trade_id, price, quantity,
    quote_quantity, commission, commission_asset, is_maker, time_ms)
    VALUES
    ('paper', '1', 'XRPUSDT', 1, 1, 0.5, 11, 5, 1, 'XRP', true, 1),
    ('paper', '1', 'XRPUSDT', 2, 2, 0.6, 9, 6, 0.1, 'XRP', true, 1),
    ('paper', '1', 'XRPUSDT', 3, 3, 0.5, 4, 2, 0.001, 'BNB', true, 1),
    ('paper', '1', 'XRPUSDT', 4, 4, 0.5, 1, 1, 0, '-', true, 1);
"""


_OLD_CARRY = """
INSERT INTO traders (environment, account, symbol, trader_id, epoch, chunk_budget, buy_down,
    profit_interval, rebuy, started_ms, reason, state, finished_ms, profit, unsold, carried, result)
    VALUES
    ('paper', '1', 'XRPUSDT', 'a', 1, 20, 0, 0, 0, 1, '', 'finished', 2, 10, 0, 5, 'sold'),
    ('paper', '1', 'XRPUSDT', 'b', 1, 20, 0, 0, 0, 1, '', 'finished', 3, 0, 0, -5, 'sold');
INSERT INTO orders (environment, account, symbol, client_order_id, trader_id, side, attempt, price,
    quantity, time_in_force, timestamp_ms, recv_window_ms, epoch, state, order_id, executed,
    executed_quote)
    VALUES
    ('paper', '1', 'XRPUSDT', 'a1', 'a', 'BUY', 1, 2, 15, 'GTC', 1, 1, 1, 'filled', 1, 15, 30),
    ('paper', '1', 'XRPUSDT', 'a2', 'a', 'SELL', 1, 3, 10, 'GTC', 1, 1, 1, 'filled', 2, 10, 30),
    ('paper', '1', 'XRPUSDT', 'b1', 'b', 'BUY', 1, 1, 10, 'GTC', 1, 1, 1, 'filled', 3, 10, 10),
    ('paper', '1', 'XRPUSDT', 'b2', 'b', 'SELL', 1, 1, 15, 'GTC', 1, 1, 1, 'filled', 4, 15, 15);
INSERT INTO fills (environment, account, symbol, order_id, trade_id, price, quantity,
    quote_quantity, commission, commission_asset, is_maker, time_ms)
    VALUES
    ('paper', '1', 'XRPUSDT', 1, 1, 2, 15, 30, 0, '-', true, 1),
    ('paper', '1', 'XRPUSDT', 2, 2, 3, 10, 30, 0, '-', true, 1),
    ('paper', '1', 'XRPUSDT', 3, 3, 1, 10, 10, 0, '-', true, 1),
    ('paper', '1', 'XRPUSDT', 4, 4, 1, 15, 15, 0, '-', true, 1);
"""


async def _migrated(
    server: Server, monkeypatch: pytest.MonkeyPatch, rows: str, version: str = "0002"
) -> str:
    """Return the URL of a record of an earlier version with these rows, migrated."""
    url = await _of_version(server, monkeypatch, rows, version)
    await migrate(url, lambda _: None)
    return url


async def _of_version(
    server: Server, monkeypatch: pytest.MonkeyPatch, rows: str, version: str
) -> str:
    """Return the URL of a record of an earlier version with these rows."""
    url = server.url(await server.create_database())
    newest = command.upgrade
    monkeypatch.setattr(command, "upgrade", lambda config, _: newest(config, version))
    await migrate(url, lambda _: None)
    await _rows(url, rows)
    monkeypatch.undo()
    return url


def _old_order(
    number: int, side: str, quantity: str, asset: str, commission: str
) -> list[dict[str, Any]]:
    """Return what a leader of the version before notes of an order that fills at once."""
    name = order_name("a", Side(side))
    done = fill(number, quantity=quantity, commission=commission, asset=asset)
    return [
        {
            "kind": "order",
            "client_order_id": name,
            "state": "filled",
            "order_id": number,
            "executed": quantity,
            "executed_quote": str(done.quote_quantity),
            "reason": "",
        },
        {"kind": "fill", "client_order_id": name, "side": side, **_old_fill(done)},
    ]


def _old_fill(done: Fill) -> dict[str, Any]:
    facts = {name: getattr(done, name) for name in Fill.__slots__ if name != "fee_value"}
    return {name: str(v) if isinstance(v, Decimal) else v for name, v in facts.items()}


async def _note(url: str, nonce: tuple[Any, ...], changes: list[dict[str, Any]]) -> None:
    """Note what the old leader tells; it commits an intent on its own."""
    connection = await asyncpg.connect(url)
    key = (LEDGER.environment, LEDGER.account, LEDGER.symbol, 1, *nonce)
    try:
        if changes[0]["kind"] == "order":
            await connection.execute(
                "INSERT INTO orders (environment, account, symbol, epoch, client_order_id,"
                " trader_id, side, attempt, price, quantity, time_in_force, timestamp_ms,"
                " recv_window_ms) VALUES ($1, $2, $3, 1, $4, 'a', $5, 1, 0.5, $6, 'GTC', 1, 1)",
                *key[:3],
                changes[0]["client_order_id"],
                changes[1]["side"],
                Decimal(changes[0]["executed"]),
            )
        await connection.execute(statements.NOTE, *key, 0, json.dumps(changes))
    finally:
        await connection.close()


async def _cycle_with_a_fee_in_bnb(record: OwnRecord) -> None:
    await claim(record)
    await record.note([trader("a")])
    await buy(record, "a", 1, commission="0.001", asset="BNB")
    await sell(record, "a", 2, price="0.55")
    assert fee_in(fill(1, commission="0.001")) is FeeAsset.OTHER


def _scans(plan: dict[str, Any]) -> Any:
    yield plan
    for part in plan.get("Plans", []):
        yield from _scans(part)


async def _rows(url: str, query: str) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(url)
    try:
        if query.lstrip().startswith("INSERT"):
            await connection.execute(query)
            return []
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


async def _row(url: str, query: str) -> tuple[Any, ...]:
    (row,) = await _rows(url, query)
    return row
