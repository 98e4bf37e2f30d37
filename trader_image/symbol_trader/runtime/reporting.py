"""What the leader says of itself: from its traders and its troubles to a `Report`. Pure."""

from dataclasses import replace
from decimal import Decimal

from symbol_trader.core import strategy
from symbol_trader.core.leader import Leader
from symbol_trader.core.money import plain
from symbol_trader.core.order import Order
from symbol_trader.core.orders import OrderState
from symbol_trader.core.reasons import Block
from symbol_trader.core.settings import TradingStatus
from symbol_trader.core.times import utc
from symbol_trader.desired import Desired
from symbol_trader.errors import (
    AccountChanged,
    ApiServerUnavailable,
    BadCredentials,
    Contradiction,
    DatabaseUnavailable,
    Fenced,
    OwnedByAnother,
    RolledBack,
    SchemaMismatch,
    UnknownSymbol,
)
from symbol_trader.report import AwaitedOrder, Report, Trouble
from symbol_trader.runtime.health import Health

REASONS = {
    "BudgetTooSmall": "BudgetTooSmall",
    "InsufficientBalance": "InsufficientBalance",
    "BadCredentials": "CredentialsRefused",
    "SymbolNotTrading": "SymbolHalted",
    "UnknownSymbol": "UnknownSymbol",
    "RecordRolledBack": "RecordRolledBack",
    "RecordContradicts": "RecordContradicts",
    "FillsMissing": "FillsMissing",
}
"""A block's reason -> the reason of `Degraded`; every other block is `OrderBlocked`."""

NO_TROUBLE = frozenset({"BudgetSpent"})
"""Blocks that belong to normal life."""

STILL_TRUE = Decimal("0.9")
"""By how many percents a distance may be off before it is told anew; rounding takes half of one."""

CAUSES: tuple[tuple[type[Exception], str], ...] = (
    (OwnedByAnother, "OwnedByAnother"),
    (AccountChanged, "AccountChanged"),
    (SchemaMismatch, "SchemaMismatch"),
    (BadCredentials, "CredentialsRefused"),
    (UnknownSymbol, "UnknownSymbol"),
    (Fenced, "OwnedByAnother"),
    (Contradiction, "RecordContradicts"),
    (RolledBack, "RecordRolledBack"),
    (DatabaseUnavailable, "DatabaseUnreachable"),
    (ApiServerUnavailable, "ApiServerUnreachable"),
)


def trouble_of(cause: Exception) -> Trouble:
    """Say why no term could begin, or why one ended."""
    reasons = (reason for kind, reason in CAUSES if isinstance(cause, kind))
    return Trouble(next(reasons, "ExchangeUnreachable"), str(cause))


def report_waiting(
    desired: Desired, health: Health, trouble: Trouble | None, before: Report | None = None
) -> Report:
    """Report while no term is in session; the figures are those of the report `before`."""
    known = before or Report(generation=0, epoch=None, trading=False, draining=False, loaded=False)
    return replace(
        known,
        generation=desired.generation,
        epoch=health.epoch,
        trading=False,
        draining=desired.settings.status is TradingStatus.SHUTDOWN,
        waits_for=known.waits_for if desired.settings.status is TradingStatus.SHUTDOWN else (),
        troubles=(trouble,) if trouble else (),
    )


def report_trading(
    leader: Leader, desired: Desired, health: Health, before: Report | None = None
) -> Report:
    """Report while a term is in session.

    Distances that the report `before` gave are repeated until they are wrong by more than rounding.
    """
    return Report(
        generation=desired.generation,
        epoch=health.epoch,
        trading=leader.halt is None,
        draining=leader.draining,
        traders=len(leader.traders),
        open_orders=len(leader.open_orders),
        profit=leader.profit,
        quote_asset=leader.symbol.quote_asset,
        waits_for=_waits_for(leader, before) if leader.draining else (),
        troubles=_troubles(leader, health),
        orders_in_doubt=len(leader.orders_in_doubt),
        unvalued_fees=leader.unvalued_fees,
    )


def _troubles(leader: Leader, health: Health) -> tuple[Trouble, ...]:
    blocks = [leader.halt, leader.suspension, *(trader.block for trader in leader.traders)]
    found = {_trouble(block): None for block in blocks if block and block.reason not in NO_TROUBLE}
    found |= {Trouble("OrderUnknown", _in_doubt(order)): None for order in _undecided(leader)}
    denied = (order for order in leader.open_orders if order.missing_on_exchange)
    found |= {Trouble("OrderMissing", _denied(order)): None for order in denied}
    if not health.market_fresh:
        found[Trouble("MarketDataStale", _since_when(health.price_time_ms))] = None
    if health.key_warning:
        found[Trouble("KeyNotChecked", health.key_warning)] = None
    if warning := _loss(leader):
        found[warning] = None
    return tuple(found)


def _since_when(price_time_ms: int | None) -> str:
    if price_time_ms is None:
        return "no price has come in yet"
    return f"no price has come in since {utc(price_time_ms)}"


def _trouble(block: Block) -> Trouble:
    return Trouble(REASONS.get(block.reason, "OrderBlocked"), block.message)


def _undecided(leader: Leader) -> list[Order]:
    return [o for o in leader.orders_in_doubt if o.state is OrderState.UNDECIDED]


def _in_doubt(order: Order) -> str:
    return f"whether {order.intent.client_order_id} exists is being found out"


def _denied(order: Order) -> str:
    name = order.intent.client_order_id
    return f"{name} is open on record as order {order.order_id}, the exchange does not know it"


def _loss(leader: Leader) -> Trouble | None:
    if leader.settings.profit < 0:
        return Trouble("SellsAtLoss", "profitInterval is negative: cycles sell at a loss")
    for trader in leader.traders:
        if trader.buy_price is None:
            continue
        quote = strategy.buy_quote(trader.terms, trader.buy_price, leader.symbol.filters)
        left = strategy.expected_profit(
            quote, trader.terms, leader.commission, leader.symbol.filters
        )
        if left < 0:
            text = f"a cycle of this chunk size loses {plain(-left)} {leader.symbol.quote_asset}"
            return Trouble("FeesExceedProfit", f"{text} to commission and rounding")
    return None


def _waits_for(leader: Leader, before: Report | None) -> tuple[AwaitedOrder, ...]:
    said = {order.order_id: order.percent for order in before.waits_for} if before else {}
    return tuple(
        AwaitedOrder(
            order.side,
            order.quantity - order.executed,
            order.intent.price,
            order.order_id,
            _distance(order.intent.price, leader.last_price, said.get(order.order_id)),
        )
        for order in leader.open_orders
    )


def _distance(price: Decimal, market: Decimal | None, said: int | None) -> int | None:
    """Return how far above the market a price is, in percent; what was `said` if that still holds.

    Rounding alone would change with every trade around half a percent.
    """
    if market is None:
        return None
    percent = (price / market - 1) * 100
    if said is not None and abs(percent - said) <= STILL_TRUE:
        return said
    return round(percent)
