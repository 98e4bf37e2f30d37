"""The shared slots for connections, on a real PostgreSQL and by its clock."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from symbol_trader.errors import DatabaseUnavailable
from symbol_trader.postgres import connection_slots
from symbol_trader.postgres.connection_slots import RESERVED_MAX_S, PostgresConnectionSlots
from symbol_trader.postgres.leader_connection import LeaderConnection

SPACING_S = 100.0
"""So long that the time that passes in a test does not matter."""


@pytest.fixture
async def links(database: str) -> AsyncIterator[list[LeaderConnection]]:
    async with AsyncExitStack() as stack:
        links = [LeaderConnection(database) for _ in range(8)]
        for link in links:
            stack.push_async_callback(link.close)
            await link.open()
        yield links


def slots(
    link: LeaderConnection, environment: str = "paper", group: str = "a"
) -> PostgresConnectionSlots:
    return PostgresConnectionSlots(link, environment, group)


async def reserved(*calls: PostgresConnectionSlots) -> list[int]:
    """Reserve at once; return the ends of the slots, counted in slots."""
    ends_s = await asyncio.gather(*(one.reserve(SPACING_S) for one in calls))
    return sorted(round((end_s or 0) / SPACING_S) for end_s in ends_s)


async def test_leaders_that_ask_at_once_get_slots_that_follow_each_other(
    links: list[LeaderConnection],
) -> None:
    every = [slots(link) for link in links]
    assert await reserved(*every) == list(range(1, 9))
    assert await reserved(*every) == list(range(9, 17))


async def test_environments_and_groups_have_slots_of_their_own(
    links: list[LeaderConnection],
) -> None:
    assert await reserved(slots(links[0])) == [1]
    assert await reserved(slots(links[1], environment="testnet")) == [1]
    assert await reserved(slots(links[2], group="b")) == [1]
    assert await reserved(slots(links[3])) == [2]


async def test_a_quiet_time_is_not_saved_up(links: list[LeaderConnection]) -> None:
    await slots(links[0]).reserve(SPACING_S)
    await links[0].ask("UPDATE connection_slots SET reserved_until = now() - interval '1 day'")
    assert await reserved(slots(links[1])) == [1]


async def test_no_slot_is_reserved_beyond_an_hour(links: list[LeaderConnection]) -> None:
    await slots(links[0]).reserve(RESERVED_MAX_S + SPACING_S)
    assert await slots(links[1]).reserve(SPACING_S) is None
    await links[0].ask("UPDATE connection_slots SET reserved_until = now()")
    assert await reserved(slots(links[1])) == [1]


async def test_a_clock_that_was_set_back_keeps_nobody_away(links: list[LeaderConnection]) -> None:
    await slots(links[0]).reserve(SPACING_S)
    await links[0].ask("UPDATE connection_slots SET reserved_until = now() + interval '1 day'")
    assert await reserved(slots(links[0]), slots(links[1])) == [1, 2]


async def test_a_connection_that_is_about_to_be_opened_is_waited_for(database: str) -> None:
    link = LeaderConnection(database)
    reserving = asyncio.ensure_future(slots(link).reserve(SPACING_S))
    await asyncio.sleep(0)
    await link.open()
    assert round((await reserving or 0) / SPACING_S) == 1
    await link.close()


async def test_who_is_canceled_leaves_the_connection_to_the_others(
    links: list[LeaderConnection],
) -> None:
    blocking = links[1]
    async with blocking.session() as session, session.transaction():
        await session.execute("LOCK TABLE connection_slots")
        reserving = asyncio.ensure_future(slots(links[0]).reserve(SPACING_S))
        while not links[0]._lock.locked():  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0)
        reserving.cancel()
        await asyncio.gather(reserving, return_exceptions=True)

    assert await reserved(slots(links[0])) == [2]


async def test_a_connection_that_nobody_opens_is_no_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection_slots, "OPEN_WITHIN_S", 0.01)
    link = LeaderConnection("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(DatabaseUnavailable, match="not connected"):
        await slots(link).reserve(SPACING_S)
