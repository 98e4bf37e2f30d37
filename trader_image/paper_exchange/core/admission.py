"""Whether a new order is taken, and what happens to it at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paper_exchange.core import errors
from paper_exchange.core.filters import Holdings, check_assets, check_dynamic, check_static
from paper_exchange.core.matching import Plan, Taker, by_priority, plan_taker
from paper_exchange.core.money import ZERO, times
from paper_exchange.core.orders import NewOrder, OrderType, Side

if TYPE_CHECKING:
    from decimal import Decimal

    from paper_exchange.core.engine import Engine
    from paper_exchange.core.state import Book


def check(engine: Engine, now: int, account: str, order: NewOrder) -> Plan:
    """Judge a new order without placing it; raise what placing it would raise."""
    symbol = engine.symbol(order.symbol)
    if not engine.trades(order.symbol):
        raise errors.rejected(errors.MARKET_CLOSED)
    if order.self_trade not in symbol.self_trades.allowed:
        raise errors.self_trade_mode()
    check_static(
        order, symbol.filters, lambda minutes: judged_by(engine, order.symbol, now, minutes)
    )
    if (account, order.client_order_id) in engine.state.open_client_ids:
        raise errors.rejected(errors.DUPLICATE_ORDER)
    plan = plan_of(engine, account, order)
    quantity = order.quantity or plan.used
    value = order.quote_quantity or times(order.price, order.quantity) or plan.cost
    check_assets(quantity, value, symbol, engine.limits.assets)
    bought = quantity if order.side is Side.BUY else ZERO
    check_dynamic(bought, symbol, engine.limits, holdings(engine, account, order.symbol))
    if order.type is OrderType.LIMIT_MAKER and plan.takes:
        raise errors.rejected(errors.WOULD_TAKE)
    _check_balance(engine, account, order, plan)
    return plan


def judged_by(engine: Engine, symbol: str, now: int, minutes: int) -> Decimal | None:
    """Return the price that filters judge by: the reference price, else the average."""
    reference = engine.references.of(symbol)
    return engine.average_price(symbol, now, minutes) if reference is None else reference


def holdings(engine: Engine, account: str, symbol: str) -> Holdings:
    """Return what the engine's filters look at."""
    book = engine.state.books[symbol]
    mine = [o for side in book.resting.values() for o in side.values() if o.account == account]
    bought = sum((o.remaining for o in mine if o.side is Side.BUY), ZERO)
    return Holdings(
        open_orders=len(mine),
        open_orders_everywhere=sum(owner == account for owner, _ in engine.state.open_client_ids),
        position=engine.state.accounts[account].of(book.base).total + bought,
    )


def plan_of(engine: Engine, account: str, order: NewOrder) -> Plan:
    """Return what happens to an order at once."""
    opposite = order.side.opposite
    own = by_priority(engine.state.books[order.symbol].resting[opposite].values())
    low, high = engine.references.bounds(order.symbol, order.side)
    taker = Taker(
        account=account,
        kin=engine.trade_groups.kin(account),
        side=order.side,
        limit=None if order.type is OrderType.MARKET else order.price,
        quantity=order.quantity,
        budget=order.quote_quantity,
        step=engine.symbols[order.symbol].filters.step_size,
        self_trade=order.self_trade,
        low=low,
        high=high,
    )
    return plan_taker(taker, own, engine.top(order.symbol).side(opposite))


def _check_balance(engine: Engine, account: str, order: NewOrder, plan: Plan) -> None:
    asset, needed = _needed(engine.state.books[order.symbol], order, plan)
    if engine.state.accounts[account].of(asset).free < needed:
        raise errors.rejected(errors.INSUFFICIENT_BALANCE)


def _needed(book: Book, order: NewOrder, plan: Plan) -> tuple[str, Decimal]:
    """Return what an order must have free: an asset and how much of it."""
    if order.side is Side.SELL:
        return book.base, order.quantity or plan.used
    if order.type is OrderType.MARKET:
        return book.quote, max(order.quote_quantity, plan.cost)
    return book.quote, times(order.price, order.quantity)
