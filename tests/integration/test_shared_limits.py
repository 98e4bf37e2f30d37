"""Many leaders behind one address and on one account: what they ask, by the exchange's own count.

The exchange runs in this process, so that its counters can be read; its limits, PostgreSQL and the
leaders' processes are real.
"""

import asyncio
import random
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from paper_exchange.accounts import AccountConfig, Key
from paper_exchange.core.market import MarketTrade
from paper_exchange.core.symbols import symbol_at
from paper_exchange.market.source import Manual
from paper_exchange.protocol.limits import LimitSettings
from paper_exchange.shell.config import Config
from paper_exchange.shell.server import PaperExchange, serve
from support.keys import ED25519, HMAC, MadeKey
from support.processes import Bot, Running, write_resource
from symbol_trader.binance.budgets import Budget
from symbol_trader.binance.client import BinanceExchange
from symbol_trader.binance.keys import HmacKey
from symbol_trader.binance.settings import BinanceSettings
from symbol_trader.core import ids
from symbol_trader.core.orders import Intent, Side
from symbol_trader.core.replies import Accepted, Refused
from symbol_trader.errors import Unavailable
from symbol_trader.postgres.address import DatabaseAddress
from symbol_trader.postgres.known_replies import PostgresReplies
from symbol_trader.postgres.leader_connection import LeaderConnection
from symbol_trader.postgres.limit_slots import LimitKind, PostgresSlots

SYMBOL = "XRPUSDT"
ADDRESS = "127.0.0.1"
DAY_MS = 86_400_000
BALANCES = (("USDT", Decimal(100_000)), ("XRP", Decimal(100_000)))
START_WEIGHT = 60
RECONNECT_WEIGHT = {HMAC: 30, ED25519: 32}
"""A logon weighs 2. The rest is the connection, the subscription, balances and open orders."""


def config(key: Key, **changes: object) -> Config:
    account = AccountConfig("ours", (key,), BALANCES)
    source = Manual((symbol_at(SYMBOL, Decimal("0.5")),))
    return replace(Config(source=source, accounts=(account,)), **changes)  # type: ignore[arg-type]  # fields by name


def registered(key: MadeKey) -> Key:
    if key.kind == HMAC:
        return Key(key.name, key.registered["secret"])
    return Key(key.name, public=key.private.public_key())


@dataclass(slots=True)
class Refusals:
    """What an exchange refused for its limits."""

    codes: list[int]

    @staticmethod
    def of(exchange: PaperExchange) -> "Refusals":
        """Note each refusal of an exchange from now on."""
        found, answer = Refusals([]), exchange.api.answer

        def noted(session: object, request: object, arrived: int) -> object:
            reply = answer(session, request, arrived)  # type: ignore[arg-type]  # passed on as it is
            if reply.body["status"] in {418, 429}:
                found.codes.append(reply.body["error"]["code"])
            return reply

        exchange.api.answer = noted  # type: ignore[method-assign, assignment]  # the exchange is real but for that
        return found


def count_a_whole_day(exchange: PaperExchange) -> None:
    """Let the exchange's count of weight not begin again each minute."""
    weight = exchange.api.limits.weight
    weight.limit = replace(weight.limit, length=DAY_MS)


def weight_used(exchange: PaperExchange) -> int:
    return exchange.api.limits.weight.count(ADDRESS, exchange.clock())


def trade(exchange: PaperExchange, price: str) -> None:
    """Let others trade: a seller hits the bids."""
    exchange.venue.trade(MarketTrade(SYMBOL, Decimal(price), Decimal(100_000), buyer_is_maker=True))


@dataclass(slots=True)
class Place:
    """An exchange, as leaders are told of it."""

    address: str


@pytest.mark.parametrize("kind", [HMAC, ED25519])
async def test_a_start_and_a_reconnect_weigh_little(
    kind: str, tmp_path: Path, database: str
) -> None:
    """The start of another process, soon after the first leader of the symbol has asked for all."""
    key = MadeKey(kind, "ours-key")
    async with serve(config(registered(key))) as exchange:
        count_a_whole_day(exchange)
        trade(exchange, "0.5")
        bot = leader(exchange, database, tmp_path, key)
        try:
            first = await bot.start()
            await first.said("starting trading")
            assert weight_used(exchange) <= START_WEIGHT + 20 + 20, "and exchangeInfo, commission"
            trade(exchange, "0.5")
            await first.said("buy open")
            trade(exchange, "0.4")
            await first.said("sell open")
            await stopped(first)

            before = weight_used(exchange)
            second = await bot.start()
            await second.said("starting trading")
            assert weight_used(exchange) - before <= START_WEIGHT

            before = weight_used(exchange)
            assert exchange.connections.cut(api=True, streams=False) == 1
            await second.said("starting trading", times=2)
            assert weight_used(exchange) - before <= RECONNECT_WEIGHT[kind]
        finally:
            await bot.kill()


def leader(exchange: PaperExchange, database: str, folder: Path, key: MadeKey) -> Bot:
    file = folder / "symbol.yaml"
    write_resource(file, symbol=SYMBOL, status="on", chunks=1)
    return Bot(file, Place(exchange.stream_url), database, key=key.write(folder / "key"))  # type: ignore[arg-type]  # the address is all that is asked of it


async def stopped(running: Running) -> None:
    running.signal(signal.SIGTERM)
    await running.ended()


LEADERS = 12
LIMITS = LimitSettings(weight=1_200, orders=20, orders_a_day=1_000)


@asynccontextmanager
async def leaders(exchange: PaperExchange, url: str, count: int) -> AsyncIterator[list["Leader"]]:
    """Open the sessions of leaders that share an address, an account and a record."""
    async with AsyncExitStack() as stack:
        found = []
        for number in range(count):
            link = LeaderConnection(DatabaseAddress(url))
            stack.push_async_callback(link.close)
            await link.open()
            found.append(Leader(exchange, link, number))
            stack.push_async_callback(found[-1].client.close)
        yield found


class Leader:
    """The session of one leader."""

    def __init__(self, exchange: PaperExchange, link: LeaderConnection, number: int) -> None:
        slots = partial(PostgresSlots, link, "paper")
        self.trader_id = ids.trader_id(number)
        self.attempts = 0
        self.client = BinanceExchange(
            BinanceSettings(exchange.api_url, exchange.stream_url, SYMBOL, close_timeout_s=1.0),
            HmacKey("key", "secret"),
            monotonic_ns=time.monotonic_ns,
            random=random.random,
            budget=Budget(
                slots(LimitKind.WEIGHT, "default"),
                partial(slots, LimitKind.ORDERS),
                clock=time.monotonic,
                random=random.random,
            ),
            known=PostgresReplies(link, "paper"),
        )

    async def begin(self) -> None:
        """Begin as a leader does, as often as that takes."""
        while True:
            try:
                await self.client.open()
                await self.client.account()
                await self.client.symbol(600.0)
                await self.client.open_orders()
                await self.client.trades(None)
            except Unavailable as exc:
                await self.client.close()
                await asyncio.sleep(exc.retry_in_s or 0.1)
            else:
                return

    async def order(self, side: Side) -> Accepted | Refused:
        """Place an order that rests; return what became of it."""
        self.attempts += 1
        intent = Intent(
            client_order_id=ids.client_order_id("aaaaaa", self.trader_id, side, self.attempts),
            trader_id=self.trader_id,
            side=side,
            attempt=self.attempts,
            price=Decimal("0.4") if side is Side.BUY else Decimal("0.6"),
            quantity=Decimal(50),
            timestamp_ms=self.client.now_ms(),
            recv_window_ms=5000,
        )
        outcome = await self.client.place(intent)
        assert isinstance(outcome, Accepted | Refused)
        return outcome


async def test_leaders_on_one_account_place_no_more_than_it_may(database: str) -> None:
    """All want to buy again and again, and then to sell: the exchange never has to refuse."""
    async with serve(config(Key("key", "secret"), limits=LIMITS)) as exchange:
        trade(exchange, "0.5")
        refusals = Refusals.of(exchange)
        async with leaders(exchange, database, LEADERS) as found:
            await asyncio.gather(*(one.begin() for one in found))
            tried = list[Accepted | Refused]()
            began_s = time.monotonic()
            while time.monotonic() < began_s + 12:
                tried += await asyncio.gather(*(one.order(Side.BUY) for one in found))
                await asyncio.sleep(0.1)
            sold = await asyncio.gather(*(one.order(Side.SELL) for one in found[:2]))

        assert refusals.codes == []
        placed = sum(isinstance(outcome, Accepted) for outcome in tried)
        assert placed >= 12, "one a second, where 20 are allowed in 10 seconds"
        assert any(isinstance(outcome, Refused) for outcome in tried)
        assert all(isinstance(outcome, Accepted) for outcome in sold)


async def test_leaders_behind_one_address_ask_no_more_than_it_may(database: str) -> None:
    """All begin at once, which weighs more than a minute allows, and go on reading."""
    limits = replace(LIMITS, weight=600)
    async with serve(config(Key("key", "secret"), limits=limits)) as exchange:
        trade(exchange, "0.5")
        refusals = Refusals.of(exchange)
        async with leaders(exchange, database, LEADERS) as found:
            # What is stated is in the record before all come, as with leaders that begin later.
            await found[0].begin()
            for one in found:
                one.client._budget.stated = found[0].client._budget.stated  # type: ignore[union-attr]  # each has one
            begun = asyncio.gather(*(one.begin() for one in found[1:]))
            await asyncio.sleep(20)
            begun.cancel()
            await asyncio.gather(begun, return_exceptions=True)

        assert refusals.codes == []
        assert exchange.api.limits.weight.count(ADDRESS, exchange.clock()) <= 0.75 * 600
