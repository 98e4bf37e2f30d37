"""The shared slots of limits, on a real PostgreSQL and by its clock."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from symbol_trader.errors import DatabaseUnavailable
from symbol_trader.postgres import limit_slots
from symbol_trader.postgres.address import DatabaseAddress
from symbol_trader.postgres.known_replies import PostgresReplies
from symbol_trader.postgres.leader_connection import LeaderConnection
from symbol_trader.postgres.limit_slots import RESERVED_MAX_S, LimitKind, PostgresSlots

SPACING_S = 100.0
"""So long that the time that passes in a test does not matter."""


@pytest.fixture
async def links(database: str) -> AsyncIterator[list[LeaderConnection]]:
    async with AsyncExitStack() as stack:
        links = [LeaderConnection(DatabaseAddress(database)) for _ in range(8)]
        for link in links:
            stack.push_async_callback(link.close)
            await link.open()
        yield links


def slots(
    link: LeaderConnection,
    environment: str = "paper",
    scope: str = "a",
    kind: LimitKind = LimitKind.CONNECTIONS,
) -> PostgresSlots:
    return PostgresSlots(link, environment, kind, scope)


async def reserved(*calls: PostgresSlots) -> list[int]:
    """Reserve at once; return the ends of the slots, counted in slots."""
    ends_s = await asyncio.gather(*(one.reserve(SPACING_S) for one in calls))
    return sorted(round((end_s or 0) / SPACING_S) for end_s in ends_s)


async def test_leaders_that_ask_at_once_get_slots_that_follow_each_other(
    links: list[LeaderConnection],
) -> None:
    every = [slots(link) for link in links]
    assert await reserved(*every) == list(range(1, 9))
    assert await reserved(*every) == list(range(9, 17))


async def test_environments_scopes_and_limits_have_slots_of_their_own(
    links: list[LeaderConnection],
) -> None:
    assert await reserved(slots(links[0])) == [1]
    assert await reserved(slots(links[1], environment="testnet")) == [1]
    assert await reserved(slots(links[2], scope="b")) == [1]
    assert await reserved(slots(links[3], kind=LimitKind.WEIGHT)) == [1]
    assert await reserved(slots(links[4])) == [2]


async def test_a_quiet_time_is_not_saved_up(links: list[LeaderConnection]) -> None:
    await slots(links[0]).reserve(SPACING_S)
    await links[0].ask("UPDATE limit_slots SET reserved_until = now() - interval '1 day'")
    assert await reserved(slots(links[1])) == [1]


async def test_no_slot_is_reserved_beyond_an_hour(links: list[LeaderConnection]) -> None:
    await slots(links[0]).reserve(RESERVED_MAX_S + SPACING_S)
    assert await slots(links[1]).reserve(SPACING_S) is None
    await links[0].ask("UPDATE limit_slots SET reserved_until = now()")
    assert await reserved(slots(links[1])) == [1]


async def test_a_clock_that_was_set_back_keeps_nobody_away(links: list[LeaderConnection]) -> None:
    await slots(links[0]).reserve(SPACING_S)
    await links[0].ask("UPDATE limit_slots SET reserved_until = now() + interval '1 day'")
    assert await reserved(slots(links[0]), slots(links[1])) == [1, 2]


async def test_a_connection_that_is_about_to_be_opened_is_waited_for(database: str) -> None:
    link = LeaderConnection(DatabaseAddress(database))
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
        await session.execute("LOCK TABLE limit_slots")
        reserving = asyncio.ensure_future(slots(links[0]).reserve(SPACING_S))
        while not links[0]._lock.locked():  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0)
        reserving.cancel()
        await asyncio.gather(reserving, return_exceptions=True)

    assert await reserved(slots(links[0])) == [2]


async def test_a_connection_that_nobody_opens_is_no_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limit_slots, "OPEN_WITHIN_S", 0.01)
    link = LeaderConnection(DatabaseAddress("postgresql://nobody@127.0.0.1:1/none"))
    with pytest.raises(DatabaseUnavailable, match="not connected"):
        await slots(link).reserve(SPACING_S)


async def test_a_slot_is_reserved_within_a_time_or_not_at_all(
    links: list[LeaderConnection],
) -> None:
    """Also by those who ask at the same time: that is how buys leave some to sells."""
    buys = [slots(link) for link in links]
    within_s = 2.5 * SPACING_S
    found = await asyncio.gather(*(buy.reserve(SPACING_S, within_s) for buy in buys))
    assert sorted(round(end_s / SPACING_S) for end_s in found if end_s is not None) == [1, 2, 3]
    assert round((await buys[0].reserve(SPACING_S) or 0) / SPACING_S) == 4


async def test_a_reservation_does_not_wait_for_the_disk_and_all_that_follows_does(
    links: list[LeaderConnection],
) -> None:
    await slots(links[0]).reserve(SPACING_S)
    (row,) = await links[0].ask("SELECT current_setting('synchronous_commit') AS is_on")
    assert row["is_on"] == "on"


async def test_leaders_share_what_the_exchange_said_of_a_symbol(
    links: list[LeaderConnection],
) -> None:
    mine, others = PostgresReplies(links[0], "paper"), PostgresReplies(links[1], "testnet")
    result = {"symbols": [{"symbol": "币安USDT", "price": "0.10"}]}
    await mine.keep("exchangeInfo", "XRPUSDT", "", result)
    await mine.keep("account.commission", "XRPUSDT", "1", {"old": 1})
    await mine.keep("account.commission", "XRPUSDT", "1", {"new": 2})

    theirs = PostgresReplies(links[2], "paper")
    found = await theirs.find("exchangeInfo", "XRPUSDT", "", 60.0)
    assert found is not None
    assert found[0] == result
    assert 0 <= found[1] < 60
    commission = await theirs.find("account.commission", "XRPUSDT", "1", 60.0)
    assert commission is not None
    assert commission[0] == {"new": 2}
    assert await theirs.find("account.commission", "XRPUSDT", "2", 60.0) is None
    assert await theirs.find("exchangeInfo", "BTCUSDT", "", 60.0) is None
    assert await others.find("exchangeInfo", "XRPUSDT", "", 60.0) is None

    await links[0].ask("UPDATE exchange_replies SET read_at = now() - interval '61 s'")
    assert await theirs.find("exchangeInfo", "XRPUSDT", "", 60.0) is None
    assert await theirs.find("exchangeInfo", "XRPUSDT", "", 70.0)
    await theirs.forget("exchangeInfo", "XRPUSDT")
    assert await mine.find("exchangeInfo", "XRPUSDT", "", 70.0) is None
    assert await mine.find("account.commission", "XRPUSDT", "1", 70.0)
