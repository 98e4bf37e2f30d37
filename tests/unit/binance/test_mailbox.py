"""The mailbox keeps the order, loses nothing, and says when nothing more will come."""

import asyncio

import pytest

from symbol_trader.binance.mailbox import Mailbox
from symbol_trader.errors import Unavailable


async def test_items_come_in_order() -> None:
    box = Mailbox[int](3)
    for item in (1, 2, 3):
        assert box.put(item)

    assert [await anext(box) for _ in range(3)] == [1, 2, 3]


async def test_a_reader_waits_for_the_next_item() -> None:
    box = Mailbox[int](1)
    reader = asyncio.ensure_future(anext(box))
    await asyncio.sleep(0)
    assert not reader.done()

    box.put(5)

    assert await reader == 5


async def test_a_full_box_takes_nothing() -> None:
    box = Mailbox[int](1)
    assert box.put(1)

    assert not box.put(2)


async def test_what_is_left_comes_before_the_end() -> None:
    box = Mailbox[int](2)
    box.put(1)
    assert box.end("over")
    assert not box.end("later")
    assert not box.put(2)

    assert await anext(box) == 1
    for _ in range(2):
        with pytest.raises(Unavailable, match="over"):
            await anext(box)


async def test_the_end_wakes_the_reader() -> None:
    box = Mailbox[int](1)
    reader = asyncio.ensure_future(anext(box))
    await asyncio.sleep(0)

    box.end("over")

    with pytest.raises(Unavailable, match="over"):
        await reader


async def test_it_can_be_iterated() -> None:
    box = Mailbox[int](2)
    box.put(1)
    box.put(2)

    async for item in box:
        if item == 2:
            break
