"""Never two: who may claim a book, and that an epoch that is over writes nothing.

Two leaders are two records with connections of their own. Where one has to be caught in the
middle of a statement, a third connection holds a lock that the statement needs.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import asyncpg
import pytest

from support.postgres import execute
from support.recorded import (
    LEDGER,
    OWNER,
    SETTINGS,
    OwnRecord,
    asked,
    became,
    buy,
    cancel,
    claim,
    fill,
    intent,
    opened,
    order_name,
    result,
    trader,
)
from symbol_trader.core.orders import OrderState, Side
from symbol_trader.core.records import FillRecorded, Watermark
from symbol_trader.errors import (
    AccountChanged,
    Contradiction,
    Fenced,
    OwnedByAnother,
    RolledBack,
    SchemaMismatch,
)
from symbol_trader.identity import Owner
from symbol_trader.postgres.ownership import fence, release, takeover

OTHER = Owner("another-cluster", "prod", "xrp")
TABLES = ("settings", "owners", "epochs", "traders", "orders", "cancels", "fills")

Write = Callable[[OwnRecord], Awaitable[object]]

WRITES: dict[str, Write] = {
    "intent": lambda record: record.note([intent("c")]),
    "cancel": lambda record: record.note([cancel("a")]),
    "new trader": lambda record: record.note([trader("b")]),
    "rebuy": lambda record: record.note([trader("b", parent="a")]),
    "result": lambda record: record.note([result("a")]),
    "order": lambda record: record.note([became(order_name("a"), OrderState.OPEN, 1)]),
    "fill": lambda record: record.note([FillRecorded(order_name("a"), Side.BUY, fill(1))]),
    "watermark": lambda record: record.advance_watermark(Watermark(5)),
    "settings": lambda record: record.mirror_settings(asked(replace(SETTINGS, chunks=9))),
    "release": lambda record: record.ownership.release(),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
async def test_an_epoch_that_is_over_writes_nothing(database: str, write: Write) -> None:
    async with opened(database) as old, opened(database) as new:
        await claim(old)
        await old.note([trader("a"), trader("c")])
        await old.note([intent("a")])
        await claim(new, pod="pod-2")
        before = await _everything(database)
        with pytest.raises(Fenced, match=r"epoch 1"):
            await write(old)
        assert await _everything(database) == before


@pytest.mark.parametrize(
    ("lose", "lost"),
    [
        ("DELETE FROM orders", "a-buy-1"),
        ("UPDATE owners SET epoch = 1, nonce = 'reissued'", "epoch 2"),
        (f"TRUNCATE {', '.join(TABLES)}, disowned", "epoch 2"),
    ],
)
async def test_a_record_that_lost_what_was_committed_is_no_fence(
    database: str, lose: str, lost: str
) -> None:
    """A standby that lagged, or an empty database: nobody else leads, and nobody may go on."""
    async with opened(database) as record:
        await claim(record)
        await claim(record)
        await record.note([trader("a")])
        await record.note([intent("a")])
        await record.ownership.open()
        await record.ownership.confirm()
        await execute(database, lose)
        await record.ownership.open()
        with pytest.raises(RolledBack, match=lost):
            await record.ownership.confirm()


@pytest.mark.parametrize("became_of_it", [OrderState.REFUSED, OrderState.ABSENT])
async def test_an_intent_that_came_to_nothing_is_not_lost(
    database: str, became_of_it: OrderState
) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a")])
        await record.note([intent("a")])
        await record.note([became(order_name("a"), became_of_it, reason="no")])
        await record.ownership.open()
        await record.ownership.confirm()


@pytest.mark.parametrize(
    "look", [lambda record: record.ownership.confirm(), OwnRecord.load], ids=["confirm", "load"]
)
async def test_an_epoch_that_is_over_sees_that_and_who_holds_the_book(
    database: str, look: Callable[[OwnRecord], Awaitable[object]]
) -> None:
    async with opened(database) as old, opened(database) as new:
        await claim(old)
        await look(old)
        await claim(new, pod="pod-2")
        with pytest.raises(Fenced, match=r"epoch 1 .* epoch 2 with pod pod-2 since 20\d\d-"):
            await look(old)
        await look(new)


@pytest.mark.parametrize("step_back", ["epoch = epoch + 1", "nonce = 'another'"])
async def test_an_epoch_is_its_number_and_its_nonce(database: str, step_back: str) -> None:
    """A database that went back to an older state gives out the same number again."""
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a"), trader("c")])
        before = await record.load()
        await execute(database, f"UPDATE owners SET {step_back}")
        for write in (WRITES["intent"], WRITES["new trader"], WRITES["watermark"]):
            with pytest.raises(Fenced):
                await write(record)
        with pytest.raises(Fenced):
            await record.ownership.confirm()
        await execute(database, "UPDATE owners SET epoch = 1, nonce = '" + _nonce(record) + "'")
        assert await record.load() == before


# A claim and a write at once: whichever comes second knows of the first.


async def test_an_intent_that_meets_a_claim_under_way_is_fenced(database: str) -> None:
    """The claim has written its epoch and is not committed yet; the intent waits, then sees it."""
    async with opened(database) as old, opened(database) as other:
        await claim(old)
        await old.note([trader("a")])
        async with _claim_not_yet_committed(database) as commit:
            waiting = asyncio.create_task(old.note([intent("a")]))
            await _until_waiting_for_a_lock(database)
            await commit()
            with pytest.raises(Fenced):
                await waiting
        await claim(other, pod="pod-2")
        assert (await other.load()).traders[0].orders == ()


@pytest.mark.parametrize(
    "write",
    [
        lambda record: record.note([trader("b")]),
        lambda record: record.note([intent("a")]),
    ],
    ids=["note", "intent"],
)
async def test_a_claim_waits_for_a_write_under_way_and_then_loads_it(
    database: str, write: Callable[[OwnRecord], Coroutine[None, None, None]]
) -> None:
    """The write has passed the epoch check and is held up; the claim may not overtake it."""
    async with opened(database) as old, opened(database) as new:
        await claim(old)
        await old.note([trader("a")])
        async with _references_locked(database) as unlock:
            writing = asyncio.create_task(write(old))
            await _until_waiting_for_a_lock(database)
            claiming = asyncio.create_task(claim(new, pod="pod-2"))
            await _until_waiting_for_a_lock(database, sessions=2)
            assert not claiming.done()
            await unlock()
            await writing
            await claiming
        traders = (await new.load()).traders
    assert len(traders) == 2 or len(traders[0].orders) == 1


async def test_of_many_claims_at_once_exactly_one_epoch_survives(database: str) -> None:
    async with opened(database) as first:
        await claim(first)
        async with (
            opened(database) as a,
            opened(database) as b,
            opened(database) as c,
            opened(database) as d,
        ):
            records = [a, b, c, d]
            await asyncio.gather(
                *(claim(record, pod=f"pod-{n}") for n, record in enumerate(records, 2)),
                return_exceptions=True,
            )
            outcomes = await asyncio.gather(
                *(record.ownership.confirm() for record in records), return_exceptions=True
            )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Fenced"] * 3 + ["NoneType"]
    epochs = await _rows(database, "SELECT epoch FROM epochs ORDER BY epoch")
    assert [row["epoch"] for row in epochs] == [1, 2, 3, 4, 5]


# Who may claim.


async def test_another_owner_is_refused_and_told_who_has_it(database: str) -> None:
    async with opened(database) as first, opened(database) as second:
        await claim(first)
        with pytest.raises(OwnedByAnother) as refusal:
            await claim(second, owner=OTHER, pod="pod-x")
        await first.ownership.confirm()
    text = str(refusal.value)
    assert "trading/xrpusdt in cluster 8c2f1d0e" in text
    assert "`symbol-trader takeover`" in text


@pytest.mark.parametrize(
    "other",
    [replace(OWNER, cluster="b"), replace(OWNER, namespace="b"), replace(OWNER, name="b")],
    ids=["cluster", "namespace", "name"],
)
async def test_an_owner_is_cluster_namespace_and_name(database: str, other: Owner) -> None:
    async with opened(database) as first, opened(database) as second:
        await claim(first)
        with pytest.raises(OwnedByAnother):
            await claim(second, owner=other, pod="pod-x")


async def test_of_two_first_claims_at_once_one_is_refused(database: str) -> None:
    async with opened(database) as a, opened(database) as b:
        outcomes = await asyncio.gather(
            claim(a, pod="pod-a"), claim(b, owner=OTHER, pod="pod-b"), return_exceptions=True
        )
    assert {type(outcome) for outcome in outcomes} == {OwnRecord, OwnedByAnother}


async def test_a_released_book_is_free_for_another_owner(database: str) -> None:
    async with opened(database) as first, opened(database) as second:
        await claim(first)
        await first.ownership.release()
        with pytest.raises(Fenced, match=r"released it at 20\d\d-"):
            await first.note([trader("a")])
        await claim(second, owner=OTHER, pod="pod-x")
        await second.note([trader("a")])


async def test_a_book_with_an_unfinished_trader_is_not_released(database: str) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a")])
        with pytest.raises(Contradiction, match=r"XRPUSDT .* traders are unfinished"):
            await record.ownership.release()
        await record.note([result("a")])
        await record.ownership.release()


async def test_a_pod_that_was_superseded_by_another_never_takes_the_book_again(
    database: str,
) -> None:
    """Or the two would depose each other forever: both are restarted in place when they fail."""
    async with opened(database) as old, opened(database) as new:
        await claim(old, pod="pod-1")
        await claim(new, pod="pod-2")
        with pytest.raises(Fenced, match=r"pod pod-1 lost XRPUSDT .* to another: .* pod pod-2"):
            await claim(old, pod="pod-1")
        await new.ownership.confirm()
        await claim(new, pod="pod-2")
        await claim(old, pod="pod-3")


async def test_a_superseded_pod_stays_out_after_the_release_too(database: str) -> None:
    async with opened(database) as old, opened(database) as new:
        await claim(old, pod="pod-1")
        await claim(new, pod="pod-2")
        await new.ownership.release()
        with pytest.raises(Fenced):
            await claim(old, pod="pod-1")


async def test_a_key_of_another_account_waits_while_cycles_are_open(database: str) -> None:
    other = replace(LEDGER, account="999")
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a"), trader("b")])
        with pytest.raises(AccountChanged, match=r"2 for account 354937868.*account 999") as told:
            await claim(record, other)
        assert "XRPUSDT" in str(told.value)
        assert await _rows(database, "SELECT FROM owners WHERE account = '999'") == []
        await claim(record, replace(other, symbol="XRPETH"))
        await claim(record, replace(other, environment="testnet"))
        await claim(record, other, OTHER, pod="pod-x")


async def test_a_key_of_another_account_begins_a_new_book_when_all_cycles_are_over(
    database: str,
) -> None:
    async with opened(database) as record:
        await claim(record)
        await record.note([trader("a")])
        await buy(record, "a", 1, quantity="40")
        await record.note([result("a", quantity="40")])
        await claim(record, replace(LEDGER, account="999"))
        snapshot = await record.load()
    assert snapshot.finished == 0
    assert snapshot.carried == 0


# Takeover.


async def test_a_takeover_gives_the_book_away_and_fences_the_leader(database: str) -> None:
    async with opened(database) as old, opened(database) as new:
        await claim(old)
        await old.note([trader("a")])
        assert await takeover(database, LEDGER, OTHER) == 2
        with pytest.raises(Fenced):
            await old.note([intent("a")])
        with pytest.raises(OwnedByAnother, match="prod/xrp"):
            await claim(old)
        await claim(new, owner=OTHER, pod="pod-x")
        assert [row.trader_id for row in (await new.load()).traders] == ["a"]


async def test_a_takeover_of_an_unknown_book_changes_nothing(database: str) -> None:
    assert await takeover(database, LEDGER, OTHER) is None
    assert await _rows(database, "SELECT FROM owners") == []


async def test_a_takeover_needs_this_program_s_schema(empty_database: str) -> None:
    with pytest.raises(SchemaMismatch):
        await takeover(empty_database, LEDGER, OTHER)


# A pod that is lost.


async def test_a_lost_pod_is_fenced_and_takes_no_epoch_again(database: str) -> None:
    async with opened(database) as lost, opened(database) as new:
        await claim(lost)
        await lost.note([trader("a")])
        taken = await fence(database, "pod-1")
        assert {book: epoch.number for book, epoch in taken.items()} == {LEDGER: 2}
        with pytest.raises(Fenced, match=r"epoch 1 .* epoch 2 with pod fence of pod-1"):
            await lost.note([intent("a")])
        with pytest.raises(Fenced):
            await claim(lost)
        await claim(new, pod="pod-2")
        assert [row.trader_id for row in (await new.load()).traders] == ["a"]


async def test_a_lost_pod_that_held_nothing_takes_no_epoch_later(database: str) -> None:
    """Its leader waited for the exchange when its node was lost, say: it would begin by now."""
    async with opened(database) as lost:
        assert await fence(database, "pod-1") == {}
        with pytest.raises(Fenced, match=r"pod pod-1 was barred at 20\d\d-"):
            await claim(lost)
        await claim(lost, pod="pod-2")


async def test_the_fence_of_a_lost_pod_leaves_the_next_leader_alone(database: str) -> None:
    async with opened(database) as lost, opened(database) as new:
        await claim(lost)
        await claim(new, pod="pod-2")
        assert await fence(database, "pod-1") == {}
        await new.ownership.confirm()


async def test_a_claim_of_the_lost_pod_under_way_does_not_escape_its_fence(database: str) -> None:
    """The claim has not changed the row yet, which another pod holds as far as anybody sees."""
    async with opened(database) as old, opened(database) as lost:
        await claim(old, pod="pod-0")
        async with _owner_locked(database) as unlock:
            claiming = asyncio.create_task(lost.ownership.claim(LEDGER, OWNER, pod="pod-1"))
            await _until_waiting_for_a_lock(database)
            fencing = asyncio.create_task(fence(database, "pod-1"))
            await _until_fencing(database, fencing)
            await unlock()
            # The fence may come between its two statements.
            with suppress(Fenced):
                await claiming
            await fencing
        with pytest.raises(Fenced):
            await lost.ownership.confirm()


async def test_a_fence_whose_answer_was_lost_is_repeated(database: str) -> None:
    async with opened(database) as lost:
        await claim(lost)
        first = await fence(database, "pod-1")
        second = await fence(database, "pod-1")
    assert [epoch.number for epoch in second.values()] == [3]
    assert await release(database, first) == []
    assert await release(database, second) == [LEDGER]
    assert await fence(database, "pod-1") == {}


async def test_a_fence_releases_only_what_has_nothing_unfinished(database: str) -> None:
    other = replace(LEDGER, symbol="XRPETH")
    async with opened(database) as lost, opened(database) as next_one:
        await claim(lost, other)
        await claim(lost)
        await lost.note([trader("a")])
        taken = await fence(database, "pod-1")
        assert taken.keys() == {LEDGER, other}
        assert await release(database, taken) == [other]
        await claim(next_one, other, OTHER, pod="pod-x")
        with pytest.raises(OwnedByAnother):
            await claim(next_one, LEDGER, OTHER, pod="pod-x")


def _nonce(record: OwnRecord) -> str:
    return record.link.claim.epoch.nonce


async def _rows(url: str, query: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        found: list[asyncpg.Record] = await connection.fetch(query)
        return found
    finally:
        await connection.close()


async def _everything(url: str) -> dict[str, list[tuple[object, ...]]]:
    tables = {table: await _rows(url, f"SELECT * FROM {table}") for table in TABLES}
    return {table: [tuple(row) for row in rows] for table, rows in tables.items()}


LOOKS_MAX = 2_000
"""Ten seconds at the least: long before that the server has let a session wait, or never will."""


async def _until_waiting_for_a_lock(url: str, sessions: int = 1) -> None:
    """Return as soon as so many sessions wait for a lock. The server has no event for that."""
    connection = await asyncpg.connect(url)
    try:
        for _ in range(LOOKS_MAX):
            if await connection.fetchval(_WAITING) >= sessions:
                return
            await asyncio.sleep(0.005)
        raise AssertionError(f"fewer than {sessions} sessions ever waited for a lock")
    finally:
        await connection.close()


_WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@asynccontextmanager
async def _claim_not_yet_committed(url: str) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    connection = await asyncpg.connect(url)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("UPDATE owners SET epoch = epoch + 1, nonce = 'another'")
    try:
        yield transaction.commit
    finally:
        await connection.close()


async def _until_fencing(url: str, fencing: asyncio.Task[object]) -> None:
    """Return once a fence waits for the claim under way, or has ended without having waited."""
    waiting = asyncio.create_task(_until_waiting_for_a_lock(url, sessions=2))
    await asyncio.wait({waiting, fencing}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()


@asynccontextmanager
async def _owner_locked(url: str) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Lock the row that a claim changes."""
    connection = await asyncpg.connect(url)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("SELECT FROM owners FOR UPDATE")
    try:
        yield transaction.rollback
    finally:
        await connection.close()


@asynccontextmanager
async def _references_locked(url: str) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Lock the rows that a new row refers to: its insert is held up after the epoch check."""
    connection = await asyncpg.connect(url)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("SELECT FROM traders FOR UPDATE; SELECT FROM epochs FOR UPDATE")
    try:
        yield transaction.rollback
    finally:
        await connection.close()
