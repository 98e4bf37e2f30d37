"""What the leader reports: from its traders and its problems to a `Report`. Pure."""

from dataclasses import replace
from decimal import Decimal

from symbol_trader.core import strategy
from symbol_trader.core.leader import Leader
from symbol_trader.core.money import plain
from symbol_trader.core.order import Order
from symbol_trader.core.orders import OrderState
from symbol_trader.core.reasons import Blocker, Reason
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
from symbol_trader.report import AwaitedOrder, Problem, Report
from symbol_trader.runtime.health import Health
from tradingsymbol_api.conditions import LeaderReason

REASONS = {
    Reason.BUDGET_TOO_SMALL: LeaderReason.BUDGET_TOO_SMALL,
    Reason.INSUFFICIENT_BALANCE: LeaderReason.INSUFFICIENT_BALANCE,
    Reason.BAD_CREDENTIALS: LeaderReason.CREDENTIALS_REFUSED,
    Reason.SYMBOL_NOT_TRADING: LeaderReason.SYMBOL_HALTED,
    Reason.UNKNOWN_SYMBOL: LeaderReason.UNKNOWN_SYMBOL,
    Reason.RECORD_ROLLED_BACK: LeaderReason.RECORD_ROLLED_BACK,
    Reason.CONTRADICTED: LeaderReason.RECORD_CONTRADICTS,
    Reason.FILLS_MISSING: LeaderReason.FILLS_MISSING,
    Reason.BUYS_HALTED: LeaderReason.BUYS_HALTED,
    Reason.LIMIT_REACHED: LeaderReason.LIMIT_REACHED,
    Reason.LIMITS_UNREAD: LeaderReason.LIMITS_UNREAD,
}
"""A blocker's reason -> the reason of `Degraded`; every other blocker is `ORDER_BLOCKED`."""

NO_PROBLEM = frozenset({Reason.BUDGET_SPENT})
"""Blockers that belong to normal life."""

USUAL = {
    ("testnet", LeaderReason.ORDER_MISSING): (
        "the testnet is reset about once a month, and all orders and balances go with it: if that "
        "has happened, shut down with a deadline, or settle the order (symbol-trader settle)"
    ),
    ("testnet", LeaderReason.EXCHANGE_UNREACHABLE): (
        "the testnet is away at times: the leader waits, and there is nothing to do"
    ),
    ("demo", LeaderReason.EXCHANGE_UNREACHABLE): (
        "demo mode is away for hours at times: the leader waits, and there is nothing to do"
    ),
}
"""(environment, reason) -> what is usual there, and what helps."""

STILL_TRUE = Decimal("0.9")
"""A distance is repeated while it is off by at most so many percent; rounding is half of one."""

CAUSES: tuple[tuple[type[Exception], LeaderReason], ...] = (
    (OwnedByAnother, LeaderReason.OWNED_BY_ANOTHER),
    (AccountChanged, LeaderReason.ACCOUNT_CHANGED),
    (SchemaMismatch, LeaderReason.SCHEMA_MISMATCH),
    (BadCredentials, LeaderReason.CREDENTIALS_REFUSED),
    (UnknownSymbol, LeaderReason.UNKNOWN_SYMBOL),
    (Fenced, LeaderReason.OWNED_BY_ANOTHER),
    (Contradiction, LeaderReason.RECORD_CONTRADICTS),
    (RolledBack, LeaderReason.RECORD_ROLLED_BACK),
    (DatabaseUnavailable, LeaderReason.DATABASE_UNREACHABLE),
    (ApiServerUnavailable, LeaderReason.API_SERVER_UNREACHABLE),
)
"""What went wrong -> the reason of `Degraded`; anything else is `EXCHANGE_UNREACHABLE`."""


def problem_of(cause: Exception) -> Problem:
    """Return why no term could begin, or why one ended."""
    reasons = (reason for kind, reason in CAUSES if isinstance(cause, kind))
    return Problem(next(reasons, LeaderReason.EXCHANGE_UNREACHABLE), str(cause))


def report_waiting(
    desired: Desired, health: Health, problem: Problem | None, before: Report | None = None
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
        problems=(problem,) if problem else (),
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
        trading=leader.halted is None,
        draining=leader.draining,
        traders=len(leader.traders),
        open_orders=len(leader.open_orders),
        profit=leader.profit,
        quote_asset=leader.symbol.quote_asset,
        waits_for=_waits_for(leader, before) if leader.draining else (),
        problems=_problems(leader, health),
        orders_in_doubt=len(leader.orders_in_doubt),
        unvalued_fees=leader.unvalued_fees,
        halts=leader.buy_limits.halts,
    )


def explained(report: Report, environment: str) -> Report:
    """Add to each problem what is usual in this environment, and what helps."""
    problems = (
        replace(problem, message=f"{problem.message}; {usual}")
        if (usual := USUAL.get((environment, problem.reason)))
        else problem
        for problem in report.problems
    )
    return replace(report, problems=tuple(problems))


def _problems(leader: Leader, health: Health) -> tuple[Problem, ...]:
    always = (leader.halted, leader.paused, leader.buy_limits.halted)
    blockers = [*always, *(trader.blocker for trader in leader.traders)]
    found = {
        _problem(blocker): None
        for blocker in blockers
        if blocker and blocker.reason not in NO_PROBLEM
    }
    found |= {
        Problem(LeaderReason.ORDER_UNKNOWN, _in_doubt(order)): None for order in _undecided(leader)
    }
    missing = (order for order in leader.open_orders if order.missing_on_exchange)
    found |= {Problem(LeaderReason.ORDER_MISSING, _missing(order)): None for order in missing}
    if not health.market_fresh:
        found[Problem(LeaderReason.MARKET_DATA_STALE, _since_when(health.price_time_ms))] = None
    if health.key_warning:
        found[Problem(LeaderReason.KEY_NOT_CHECKED, health.key_warning)] = None
    if warning := _loss(leader):
        found[warning] = None
    return tuple(found)


def _since_when(price_time_ms: int | None) -> str:
    if price_time_ms is None:
        return "no price has come in yet"
    return f"no price has come in since {utc(price_time_ms)}"


def _problem(blocker: Blocker) -> Problem:
    return Problem(REASONS.get(blocker.reason, LeaderReason.ORDER_BLOCKED), blocker.message)


def _undecided(leader: Leader) -> list[Order]:
    return [o for o in leader.orders_in_doubt if o.state is OrderState.UNDECIDED]


def _in_doubt(order: Order) -> str:
    return f"whether {order.intent.client_order_id} exists is being found out"


def _missing(order: Order) -> str:
    name = order.intent.client_order_id
    return f"{name} is open on record as order {order.order_id}, the exchange does not know it"


def _loss(leader: Leader) -> Problem | None:
    if leader.settings.profit < 0:
        return Problem(
            LeaderReason.SELLS_AT_LOSS, "profitInterval is negative: traders sell at a loss"
        )
    for trader in leader.traders:
        if trader.buy_price is None:
            continue
        order_terms = strategy.size_buy(trader.terms, trader.buy_price, leader.symbol.filters)
        left = strategy.expected_profit(
            order_terms, trader.terms, leader.commission, leader.symbol.filters
        )
        if left < 0:
            text = f"a trader of this chunk size loses {plain(-left)} {leader.symbol.quote_asset}"
            return Problem(LeaderReason.FEES_EXCEED_PROFIT, f"{text} to commission and rounding")
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
