"""Many sessions of leaders in one process: each begins, looks and comes back as a leader does.

`python -m bench.sessions API_URL STREAM_URL DATABASE COUNT SYMBOL…` writes a line to its output for
each session that stands (`up`), does not come to stand (`not up`) or has ended (`ended`), with the
reason, and for each word of the exchange that it limits requests (`limited`). The sessions take the
symbols by turns.
"""

import asyncio
import random
import sys
import time
from contextlib import suppress
from functools import partial

from symbol_trader.binance.budgets import Budget
from symbol_trader.binance.client import BinanceExchange
from symbol_trader.binance.clock import Clock
from symbol_trader.binance.keys import HmacKey
from symbol_trader.binance.pacing import ConnectionPacer
from symbol_trader.binance.rate_limit import RateLimit
from symbol_trader.binance.settings import BinanceSettings
from symbol_trader.errors import Unavailable
from symbol_trader.postgres.address import DatabaseAddress
from symbol_trader.postgres.known_replies import PostgresReplies
from symbol_trader.postgres.leader_connection import LeaderConnection
from symbol_trader.postgres.limit_slots import LimitKind, PostgresSlots

LOOK_S = 60.0
STARTING_AGE_MAX_S, GOING_ON_AGE_MAX_S = 600.0, 3_600.0
PAUSE_S = 1.0
GROUP = "default"


class WatchedLimit(RateLimit):
    """What the exchange says of limits; it tells of each refusal."""

    def hold(self, seconds: float) -> None:
        """Take in that the exchange is to be left alone."""
        print("limited", flush=True)
        super().hold(seconds)


class Session:
    """One leader's sessions, one after the other."""

    def __init__(self, link: LeaderConnection, settings: BinanceSettings) -> None:
        slots = partial(PostgresSlots, link, "paper")
        self._went_on = False
        self._make = partial(
            BinanceExchange,
            settings,
            HmacKey("paper", "paper-secret"),
            monotonic_ns=time.monotonic_ns,
            random=random.random,
            rate_limit=WatchedLimit(time.monotonic_ns),
            pacer=ConnectionPacer(
                slots(LimitKind.CONNECTIONS, GROUP), clock=time.monotonic, random=random.random
            ),
            budget=Budget(
                slots(LimitKind.WEIGHT, GROUP),
                partial(slots, LimitKind.ORDERS),
                clock=time.monotonic,
                random=random.random,
            ),
            clock=Clock(time.monotonic_ns, time.time_ns),
            known=PostgresReplies(link, "paper"),
        )

    async def run(self) -> None:
        """Begin, look each minute, and begin again whenever the session ends."""
        while True:
            exchange, word = self._make(), "not up"
            try:
                await self._begin(exchange)
                print("up", flush=True)
                word = "ended"
                await self._stand(exchange)
            except Unavailable as exc:
                print(f"{word}: {exc}", flush=True)
                await exchange.close()
                await asyncio.sleep(exc.retry_in_s or PAUSE_S * (1 + random.random()))

    async def _begin(self, exchange: BinanceExchange) -> None:
        """Ask what a leader asks: all at a start, less when it comes back."""
        await exchange.open()
        await exchange.account()
        age_max_s = GOING_ON_AGE_MAX_S if self._went_on else STARTING_AGE_MAX_S
        await exchange.symbol(age_max_s)
        await exchange.commission(age_max_s)
        await exchange.open_orders()
        if not self._went_on:
            await exchange.trades(None)
        self._went_on = True

    async def _stand(self, exchange: BinanceExchange) -> None:
        """Look from time to time; raises `Unavailable` at the end of the session."""
        looking = asyncio.create_task(self._look(exchange))
        try:
            async for _ in exchange.user_events():
                pass
        finally:
            looking.cancel()

    async def _look(self, exchange: BinanceExchange) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            with suppress(Unavailable):
                if await exchange.has_room():
                    await exchange.open_orders()
                    await exchange.trades(None)


async def run(api_url: str, stream_url: str, database: str, count: int, symbols: list[str]) -> None:
    """Run so many sessions over one connection to the record."""
    link = LeaderConnection(DatabaseAddress(database))
    await link.open()
    sessions = [
        Session(link, BinanceSettings(api_url, stream_url, symbols[number % len(symbols)]))
        for number in range(count)
    ]
    await asyncio.gather(*(session.run() for session in sessions))


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5:]))
