"""Values to put on record: short ways to say what a test is not about."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

from symbol_trader.core.orders import (
    CancelIntent,
    ClientOrderId,
    FeeAsset,
    Fill,
    Intent,
    OrderState,
    Side,
    TraderId,
)
from symbol_trader.core.records import (
    CancelChange,
    FillRecorded,
    NewTrader,
    OrderChange,
    TraderResult,
    TraderState,
    TraderTerms,
)
from symbol_trader.core.settings import Settings, TradingStatus
from symbol_trader.desired import Desired
from symbol_trader.identity import LedgerKey, Owner
from symbol_trader.postgres.address import DatabaseAddress
from symbol_trader.postgres.connection import Timeouts
from symbol_trader.postgres.epochs import PostgresOwnership
from symbol_trader.postgres.leader_connection import LeaderConnection
from symbol_trader.postgres.record import PostgresRecord

LEDGER = LedgerKey("paper", "354937868", "XRPUSDT")
OWNER = Owner("8c2f1d0e", "trading", "xrpusdt")
POD = "pod-1"
SETTINGS = Settings(
    status=TradingStatus.ON,
    budget=Decimal(100),
    chunks=5,
    buy_down=Decimal("0.0001"),
    profit=Decimal("0.001"),
    rebuy=Decimal("0.001"),
)
TERMS = TraderTerms(Decimal(20), Decimal("0.0001"), Decimal("0.001"), Decimal("0.001"))
START_MS = 1_700_000_000_000
PATIENT = Timeouts(connect_ms=40_000, answer_ms=40_000, statement_ms=30_000, lock_ms=30_000)
"""Limits that no test reaches, however busy the machine is."""


class OwnRecord(PostgresRecord):
    """A record with its ownership, as a leader has both over one connection."""

    def __init__(self, url: str, timeouts: Timeouts = PATIENT) -> None:
        self.link = LeaderConnection(DatabaseAddress(url), timeouts)
        self.ownership = PostgresOwnership(self.link)
        super().__init__(self.link)


@asynccontextmanager
async def opened(url: str, timeouts: Timeouts = PATIENT) -> AsyncIterator[OwnRecord]:
    """Open a record, and close it at the end."""
    record = OwnRecord(url, timeouts)
    await record.ownership.open()
    try:
        yield record
    finally:
        await record.ownership.close()


async def claim(
    record: OwnRecord,
    ledger: LedgerKey = LEDGER,
    owner: Owner = OWNER,
    pod: str = POD,
    desired: Desired | None = None,
) -> OwnRecord:
    """Claim a book, and mirror its settings as a leader does; return the record."""
    await record.ownership.claim(ledger, owner, pod=pod)
    await record.mirror_settings(desired or asked())
    return record


def asked(settings: Settings = SETTINGS, *, generation: int = 1) -> Desired:
    """Say what a resource asks for that is written one generation after another."""
    revision, follows = str(generation), str(generation - 1)
    return Desired(LEDGER.symbol, settings, generation, revision=revision, follows=follows)


def trader(name: str, *, parent: str | None = None, started_ms: int = START_MS) -> NewTrader:
    """Describe a trader that starts."""
    reason = "no trader runs" if parent is None else "the price fell"
    return NewTrader(
        TraderId(name), TERMS, started_ms, reason, TraderId(parent) if parent else None
    )


def intent(
    name: str,
    side: Side = Side.BUY,
    *,
    attempt: int = 1,
    price: str = "0.5",
    quantity: str = "40",
    timestamp_ms: int = START_MS,
) -> Intent:
    """Describe an order of a trader; its id tells all three."""
    return Intent(
        client_order_id=order_name(name, side, attempt),
        trader_id=TraderId(name),
        side=side,
        attempt=attempt,
        price=Decimal(price),
        quantity=Decimal(quantity),
        timestamp_ms=timestamp_ms,
        recv_window_ms=3_000,
    )


def order_name(name: str, side: Side = Side.BUY, attempt: int = 1) -> ClientOrderId:
    """Return the id that `intent` gives an order."""
    return ClientOrderId(f"{name}-{side.lower()}-{attempt}")


def cancel(name: str, side: Side = Side.BUY, *, attempt: int = 1) -> CancelIntent:
    """Describe a cancel of a trader's first order of a side."""
    order = order_name(name, side)
    return CancelIntent(
        cancel_id=ClientOrderId(f"{order}-c{attempt}"),
        client_order_id=order,
        trader_id=TraderId(name),
        attempt=attempt,
        timestamp_ms=START_MS + 1_000,
        recv_window_ms=3_000,
        reason="older than maxBuyAge",
    )


def cancel_change(intent_: CancelIntent, outcome: str, reason: str = "") -> CancelChange:
    """Say what became of a cancel."""
    return CancelChange(intent_.cancel_id, outcome, reason)


def became(
    order: ClientOrderId,
    state: OrderState,
    order_id: int | None = None,
    executed: str = "0",
    quote: str = "0",
    *,
    reason: str = "",
) -> OrderChange:
    """Say what became of an order."""
    return OrderChange(order, state, order_id, Decimal(executed), Decimal(quote), reason)


def fill(
    order_id: int,
    trade_id: int = 1,
    *,
    price: str = "0.5",
    quantity: str = "40",
    commission: str = "0",
    asset: str = "BNB",
    time_ms: int = START_MS + 500,
) -> Fill:
    """Describe an execution."""
    return Fill(
        order_id=order_id,
        trade_id=trade_id,
        price=Decimal(price),
        quantity=Decimal(quantity),
        quote_quantity=Decimal(price) * Decimal(quantity),
        commission=Decimal(commission),
        commission_asset=asset,
        is_maker=True,
        time_ms=time_ms,
    )


def fee_in(of: Fill) -> FeeAsset:
    """Return what a fill of XRPUSDT was charged in."""
    if not of.commission:
        return FeeAsset.NONE
    assets = {"XRP": FeeAsset.BASE, "USDT": FeeAsset.QUOTE}
    return assets.get(of.commission_asset, FeeAsset.OTHER)


def result(
    name: str,
    state: TraderState = TraderState.FINISHED,
    *,
    profit: str = "0",
    quantity: str = "0",
    reason: str = "sold",
    finished_ms: int = START_MS + 9_000,
    carried: str = "0",
    carried_cost: str = "0",
) -> TraderResult:
    """Say how a trader ended."""
    return TraderResult(
        trader_id=TraderId(name),
        state=state,
        reason=reason,
        finished_ms=finished_ms,
        profit=Decimal(profit),
        quantity=Decimal(quantity),
        carried=Decimal(carried),
        carried_cost=Decimal(carried_cost),
    )


async def buy(record: PostgresRecord, name: str, order_id: int, **facts: str) -> None:
    """Record a trader's buy that fills at once, by one fill."""
    await trade(record, name, Side.BUY, order_id, **facts)


async def sell(record: PostgresRecord, name: str, order_id: int, **facts: str) -> None:
    """Record a trader's sell that fills at once, by one fill."""
    await trade(record, name, Side.SELL, order_id, **facts)


async def trade(
    record: PostgresRecord,
    name: str,
    side: Side,
    order_id: int,
    *,
    price: str = "0.5",
    quantity: str = "40",
    commission: str = "0",
    asset: str = "BNB",
) -> None:
    """Record an order that fills at once, by one fill."""
    order = intent(name, side, price=price, quantity=quantity)
    await record.note([order])
    done = fill(order_id, price=price, quantity=quantity, commission=commission, asset=asset)
    await record.note(
        [
            OrderChange(
                order.client_order_id,
                OrderState.FILLED,
                order_id,
                done.quantity,
                done.quote_quantity,
            ),
            FillRecorded(order.client_order_id, side, done, fee_in(done)),
        ]
    )
