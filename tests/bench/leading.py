"""A leader in this process, without a resource that changes, and without a record if so wanted."""

import asyncio
import logging
import random
import secrets
import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from decimal import Decimal

import structlog

from symbol_trader.binance.client import BinanceExchange
from symbol_trader.binance.keys import HmacKey
from symbol_trader.binance.market import BinanceMarket
from symbol_trader.binance.settings import BinanceSettings
from symbol_trader.core.leader import new_trader_bits
from symbol_trader.core.limits import (
    AccountLimit,
    AccountState,
    BidsWanted,
    LimitInForce,
    LimitReport,
)
from symbol_trader.core.orders import FillKey
from symbol_trader.core.records import RecordChange, RefusedBuy, Snapshot, Watermark
from symbol_trader.core.settings import Settings
from symbol_trader.core.timing import Timing
from symbol_trader.desired import Desired, SwitchOffOutcome
from symbol_trader.identity import Epoch, Identity, LedgerKey, Owner
from symbol_trader.ports import Ownership, Record
from symbol_trader.report import Report
from symbol_trader.runtime.health import Health
from symbol_trader.runtime.logs import configure
from symbol_trader.runtime.metrics import Metrics
from symbol_trader.runtime.parts import Adapters, Telemetry
from symbol_trader.runtime.retry_policy import RetryPolicy
from symbol_trader.runtime.service import Service
from symbol_trader.runtime.story import Story
from symbol_trader.runtime.term import Intervals


class NoRecord:
    """Ownership and record that keep nothing: what trading costs without them."""

    async def open(self) -> None: ...
    async def claim(self, ledger: LedgerKey, owner: Owner, *, pod: str) -> Epoch:
        return Epoch(1, "")

    async def confirm(self) -> None: ...
    async def load(self) -> Snapshot:
        return Snapshot("bench0", watermark=Watermark(-1))

    async def note(self, changes: Sequence[RecordChange]) -> tuple[RefusedBuy, ...]:
        return ()

    async def settled_meanwhile(self) -> bool:
        return False

    async def unrecorded_fills(self, fills: Collection[FillKey]) -> frozenset[FillKey]:
        return frozenset()

    async def unrecorded_client_order_ids(self, names: Collection[str]) -> frozenset[str]:
        return frozenset()

    async def advance_watermark(self, watermark: Watermark) -> None: ...
    async def mirror_settings(self, desired: Desired) -> None: ...
    async def know_quote_asset(self, asset: str) -> None: ...
    async def record_bid(self, bid: Decimal) -> None: ...
    async def release(self) -> None: ...
    async def close(self) -> None: ...


class NoLimits:
    """An account that nothing limits."""

    async def read(self) -> AccountState:
        return AccountState()

    async def hear(self, heard: Mapping[str, int]) -> None: ...
    async def report(self, limit: LimitInForce) -> None: ...
    async def take_on_bids(self) -> None: ...
    async def record_bids(self, wanted: BidsWanted, bids: Mapping[str, Decimal]) -> None: ...
    async def mirror(self, limit: AccountLimit) -> bool:
        return False

    async def forget(self, uid: str) -> bool:
        return False


class FixedResource:
    """A resource that asks for the same from the beginning on."""

    def __init__(self, symbol: str, settings: Settings) -> None:
        self._desired = Desired(symbol, settings, 1)

    async def changes(self) -> AsyncIterator[Desired]:
        yield self._desired
        await asyncio.Event().wait()

    async def limits(self) -> AsyncIterator[tuple[AccountLimit, ...]]:
        yield ()
        await asyncio.Event().wait()

    async def limit_exists(self, name: str, uid: str) -> bool:
        return False

    async def report_limit(self, report: LimitReport) -> None: ...
    async def tell_deleted(self, limit: LimitInForce) -> None: ...

    async def report(self, report: Report) -> None: ...
    async def switch_off(self) -> SwitchOffOutcome:
        return SwitchOffOutcome.WRITTEN

    async def close(self) -> None: ...


def leader(
    settings: Settings,
    exchange: BinanceSettings,
    ownership: Ownership,
    record: Record,
    *,
    metrics: Metrics,
    health: Health | None = None,
) -> Service:
    """Put a leader together that trades with these settings on this exchange."""
    key = HmacKey("paper", "paper-secret")
    return Service(
        Identity(Owner("bench", "bench", "bench"), "paper", secrets.token_hex(4)),
        Adapters(
            FixedResource(exchange.symbol, settings),
            ownership,
            record,
            NoLimits(),
            lambda _: BinanceExchange(
                exchange, key, monotonic_ns=time.monotonic_ns, random=random.random
            ),
            lambda _: BinanceMarket(exchange, random=random.random),
        ),
        Telemetry(Story(_silence()), health or Health(time.monotonic), lambda _: metrics),
        timing=Timing(),
        intervals=Intervals(),
        retry_policy=RetryPolicy(),
        new_bits=new_trader_bits(secrets.randbits),
        jitter=random.random,
    )


def _silence() -> structlog.typing.FilteringBoundLogger:
    """Return a logger for errors alone: printing the story is not what is measured."""
    configure("json")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return logger
