"""What waits for the leader: facts in order, of prices the newest with the lowest among them."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbol_trader.core.events import PriceSeen, TimePassed
from symbol_trader.runtime.events import Stop
from symbol_trader.runtime.mailbox import EVENTS_PER_TURN, Mailbox
from unit.core.builders import NOW_MS, D


def seen(price: str, after_ms: int = 0) -> PriceSeen:
    return PriceSeen(D(price), D(price), NOW_MS + after_ms, float(after_ms))


@given(st.lists(st.decimals("0.01", "9", places=2), min_size=1, max_size=9))
def test_of_waiting_prices_the_newest_counts_with_the_lowest_of_them(prices: list[D]) -> None:
    mailbox = Mailbox()
    for count, price in enumerate(prices):
        mailbox.put_nowait(PriceSeen(price, price, count, float(count)))

    newest = len(prices) - 1
    expected = PriceSeen(prices[-1], min(prices), newest, float(newest))
    assert asyncio.run(mailbox.get()) == expected
    mailbox.put_nowait(seen("9"))
    assert asyncio.run(mailbox.get()) == seen("9"), "what was taken is not heard again"


async def test_facts_keep_their_order_and_go_before_prices() -> None:
    mailbox = Mailbox()
    for event in (seen("2"), TimePassed(), seen("1"), Stop()):
        mailbox.put_nowait(event)

    taken = [await mailbox.get() for _ in range(3)]
    assert taken == [TimePassed(), Stop(), seen("1")]


async def test_a_stream_waits_outside_while_the_box_is_full_and_a_reply_does_not() -> None:
    mailbox = Mailbox(limit=2)
    await mailbox.put(TimePassed())
    await mailbox.put(TimePassed())
    third = asyncio.create_task(mailbox.put(TimePassed()))
    await asyncio.sleep(0)
    mailbox.put_nowait(Stop())
    assert not third.done()

    assert await mailbox.get() == TimePassed()
    await asyncio.sleep(0)
    assert not third.done(), "what came in beyond the limit counts"
    assert [await mailbox.get(), await mailbox.get()] == [TimePassed(), Stop()]
    await third
    assert await mailbox.get() == TimePassed()


async def test_others_get_their_turn_however_much_is_waiting() -> None:
    mailbox = Mailbox()
    for _ in range(10 * EVENTS_PER_TURN):
        mailbox.put_nowait(TimePassed())
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    pong = asyncio.create_task(take_turns())
    for _ in range(10 * EVENTS_PER_TURN):
        await mailbox.get()
    pong.cancel()
    assert turns >= 10


async def test_whoever_waits_hears_of_what_comes() -> None:
    mailbox = Mailbox()
    waiting = asyncio.create_task(mailbox.get())
    await asyncio.sleep(0)
    mailbox.put_nowait(seen("2"))
    assert await waiting == seen("2")


async def test_it_is_awaited_while_its_reader_waits_and_nothing_has_come() -> None:
    mailbox = Mailbox()
    assert not mailbox.is_awaited, "nobody reads it"
    for event in (seen("2"), TimePassed()):
        waiting = asyncio.create_task(mailbox.get())
        await asyncio.sleep(0)
        assert mailbox.is_awaited
        mailbox.put_nowait(event)
        assert not mailbox.is_awaited, "the reader has not heard of it yet"
        await waiting
        assert not mailbox.is_awaited, "the reader handles it"

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await mailbox.get()
    assert not mailbox.is_awaited
