"""However many messages wait, the loop has its turns: pings, probes and timers wait for nobody."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosedError

from symbol_trader.binance import trade_stream
from symbol_trader.binance.link import Link
from symbol_trader.binance.mailbox import Mailbox
from symbol_trader.binance.turns import MESSAGES_PER_TURN
from unit.binance import payloads
from unit.binance.test_client import settings_for
from unit.binance.test_market import market_of

MESSAGES = 4_000
ENOUGH = MESSAGES // MESSAGES_PER_TURN
URL = "ws://127.0.0.1:1"


class Full:
    """A socket on which thousands of messages wait already, and then nothing more comes."""

    def __init__(self, message: dict[str, Any]) -> None:
        self._text = json.dumps(message)
        self._left = MESSAGES

    async def recv(self) -> str:
        if not self._left:
            raise ConnectionClosedError(None, None)
        self._left -= 1
        return self._text

    async def close(self) -> None:
        """Nothing is held open."""


@asynccontextmanager
async def others() -> AsyncIterator[list[None]]:
    """Count how often the loop comes round to somebody else."""
    turns: list[None] = []

    async def take() -> None:
        while True:
            turns.append(None)
            await asyncio.sleep(0)

    taking = asyncio.create_task(take())
    try:
        yield turns
    finally:
        taking.cancel()


async def turns_during(work: Awaitable[None]) -> int:
    async with others() as turns:
        await work
    return len(turns)


async def test_reading_a_session_lets_others_run() -> None:
    link = Link(settings_for(URL, user_events_max=MESSAGES))
    socket: Any = Full({"subscriptionId": 0, "event": payloads.report(I=None)})

    assert await turns_during(link._listen(socket)) >= ENOUGH


async def test_taking_user_events_lets_others_run() -> None:
    box = Mailbox[int](MESSAGES)
    for number in range(MESSAGES):
        box.put(number)

    async def take() -> None:
        assert [await anext(box) for _ in range(MESSAGES)] == list(range(MESSAGES))

    assert await turns_during(take()) >= ENOUGH


async def test_taking_prices_lets_others_run(monkeypatch: pytest.MonkeyPatch) -> None:
    async def dial(*_: object) -> Full:
        return Full(payloads.public_trade(1, "0.5"))

    monkeypatch.setattr(trade_stream, "dial", dial)

    async def take() -> None:
        async for price in market_of(URL).prices():
            if price is None:
                return

    assert await turns_during(take()) >= ENOUGH
