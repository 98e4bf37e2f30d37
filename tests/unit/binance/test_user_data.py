"""User data of two connections: each event once, and no old balances after newer ones."""

from contextlib import suppress
from decimal import Decimal

import pytest

from symbol_trader.binance.events import Mark
from symbol_trader.binance.session import UserData
from symbol_trader.binance.user_data import REMEMBERED, UserDataBuffer
from symbol_trader.core.replies import BalanceChanged, UserEvent
from symbol_trader.errors import Unavailable


def balances(amount: int, updated_ms: int) -> UserData:
    free = {"USDT": Decimal(amount)}
    return UserData(BalanceChanged(free), Mark(tuple(free.items()), updated_ms))


def execution(number: int) -> UserData:
    return UserData(BalanceChanged({}), Mark(number, None))


async def read(data: UserDataBuffer) -> list[UserEvent]:
    data.events.end("over")
    events: list[UserEvent] = []
    with suppress(Unavailable):
        while True:
            events.append(await anext(data.events))
    return events


async def test_what_comes_twice_is_told_once() -> None:
    data = UserDataBuffer(10)
    assert all(data.put(execution(number)) for number in (1, 2, 1, 2, 3))
    assert len(await read(data)) == 3


async def test_balances_that_are_older_than_those_known_are_dropped() -> None:
    data = UserDataBuffer(10)
    news = [balances(100, 1), balances(90, 2), balances(100, 1), balances(80, 2), balances(100, 3)]
    for one in news:
        assert data.put(one)
    assert await read(data) == [news[n].event for n in (0, 1, 3, 4)]


async def test_what_says_nothing_of_itself_is_told_whenever_it_comes() -> None:
    data = UserDataBuffer(10)
    for _ in range(2):
        data.put(UserData(BalanceChanged({})))
    assert len(await read(data)) == 2


async def test_there_may_be_no_room() -> None:
    data = UserDataBuffer(1)
    assert data.put(execution(1))
    assert not data.put(execution(2))


@pytest.mark.parametrize("again", [execution(2), balances(90, 2)])
async def test_what_there_was_no_room_for_is_told_by_the_other_connection(again: UserData) -> None:
    """A connection that is not in use yet ends unnoticed when there is no room for its news."""
    data = UserDataBuffer(1)
    assert data.put(execution(1))
    assert not data.put(again)
    await anext(data.events)
    assert data.put(again)
    assert await read(data) == [again.event]


async def test_of_a_long_life_only_the_newest_is_remembered() -> None:
    data = UserDataBuffer(REMEMBERED * 2)
    for number in range(REMEMBERED * 2):
        data.put(execution(number))
    assert len(data._seen) == len(data._order) == REMEMBERED


async def test_only_of_the_assets_that_are_named_are_older_balances_dropped() -> None:
    """The slower connection brings a buy of ours after the faster one has brought a later event."""
    data = UserDataBuffer(10)
    ours = {"XRP": Decimal(5), "USDT": Decimal(90)}
    later = {"ETH": Decimal(1), "USDT": Decimal(80)}
    for free, updated_ms in ((later, 2), (ours, 1), ({"USDT": Decimal(95)}, 1)):
        event = BalanceChanged(free, dict.fromkeys(free, Decimal(0)))
        assert data.put(UserData(event, Mark(tuple(free.items()), updated_ms)))
    events = await read(data)
    assert events[1:] == [BalanceChanged({"XRP": Decimal(5)}, {"XRP": Decimal(0)})]
