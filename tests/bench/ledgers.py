"""Ledgers without leaders: what leaders write of their cycles, by the product's own statements."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Final

from support.recorded import OwnRecord, became, buy, fee_in, fill, intent, opened, result, trader
from symbol_trader.core.limits import AccountLimit
from symbol_trader.core.orders import Intent, OrderState, Side
from symbol_trader.core.records import FillRecorded, RecordChange, RefusedBuy
from symbol_trader.errors import Unavailable
from symbol_trader.identity import Epoch, LedgerKey, Owner
from symbol_trader.postgres.account_limits import PostgresAccountLimits

ENVIRONMENT: Final = "paper"
QUOTE: Final = "USDT"
BID: Final = Decimal("0.5")
RETRY_S: Final = 0.1
FAR: Final = 1_000_000_000
ALL_LIMITS: Final = AccountLimit(
    "",
    1,
    "bench",
    "bench",
    "all",
    max_exposure=Decimal(FAR),
    max_daily_loss=Decimal(FAR),
    max_drawdown=Decimal(FAR),
    max_open_cycles=FAR,
    max_orders_per_minute=FAR,
    cooldown_ms=60_000,
)
"""Each limit is on, and none is ever reached."""


class Ledger:
    """A symbol whose buys fill and are sold again when it has its next turn.

    Several may share a record, thus a connection, if only one of them does something at a time.
    """

    def __init__(self, record: OwnRecord, key: LedgerKey) -> None:
        """Write over the record's connection."""
        self._record = record
        self._key = key
        self._number = 0
        self._waiting = False
        self._bought = False

    async def claim(self) -> None:
        """Claim it, and let it hold what one buy has bought."""
        owner = Owner("bench", self._key.account, self._key.symbol)
        pod = f"{self._key.account} {self._key.symbol}"
        self._epoch = await self._record.ownership.claim(self._key, owner, pod=pod)
        await self._record.know_quote_asset(QUOTE)
        await self._record.note([trader("holds")])
        await buy(self._record, "holds", 1)
        await self._record.record_bid(BID)

    def take_turn(self) -> OwnRecord:
        """Let the shared connection write for this ledger; return its record."""
        self._record.link.claimed(self._key, self._epoch, settlements=0)
        return self._record

    async def get_ready(self) -> str:
        """End the cycle that has bought, and start the next; return the name of its trader.

        A trader whose buy was refused is still ready.
        """
        if not self._waiting:
            ended = await self._end() if self._bought else []
            self._number += 1
            self._bought = False
            await self.take_turn().note([*ended, trader(self._name)])
            self._waiting = True
        return self._name

    async def buy(self) -> tuple[RefusedBuy, ...]:
        """Place the buy of the trader that is ready; return why it was refused, if it was."""
        self._waiting = False
        refused = await self.take_turn().note([intent(self._name)])
        self._waiting = bool(refused)
        self._bought = not refused
        return refused

    async def record_bid(self) -> None:
        """Record the bid of what it holds."""
        await self.take_turn().record_bid(BID)

    @property
    def _name(self) -> str:
        return f"trader-{self._number}"

    async def _end(self) -> list[RecordChange]:
        """Sell what was bought; return what ends the cycle."""
        buying, selling = intent(self._name), intent(self._name, Side.SELL, price="0.501")
        order_id = 2 * self._number
        await self.take_turn().note([*_filled(buying, order_id), selling])
        ended = result(self._name, profit="0.04")
        return [*_filled(selling, order_id + 1), ended]


def _filled(order: Intent, order_id: int) -> list[RecordChange]:
    done = fill(order_id, order_id, price=str(order.price))
    return [
        became(
            order.client_order_id,
            OrderState.FILLED,
            order_id,
            str(done.quantity),
            str(done.quote_quantity),
        ),
        FillRecorded(order.client_order_id, order.side, done, fee_in(done)),
    ]


async def limit(url: str, account: str, uid: str = "limit") -> None:
    """Put all limits of an account in force."""
    async with _account(url, account) as limits:
        await limits.mirror(replace(ALL_LIMITS, uid=uid))


async def lift(url: str, account: str, uid: str) -> None:
    """Lift the limits again; this uid does not come back."""
    async with _account(url, account) as limits:
        await limits.forget(uid)


@asynccontextmanager
async def _account(url: str, account: str) -> AsyncIterator[PostgresAccountLimits]:
    async with opened(url) as record:
        record.link.claimed(LedgerKey(ENVIRONMENT, account, ""), Epoch(0, ""), settlements=0)
        yield PostgresAccountLimits(record.link)


async def open_again(record: OwnRecord) -> None:
    """Connect, however long the database is away."""
    while True:
        try:
            await record.ownership.open()
        except Unavailable:
            await asyncio.sleep(RETRY_S)
        else:
            return
