"""Judging orders by filters, exactly, and in Binance's words.

What the API can judge is refused by -1013; what depends on an account's other orders and balances
is refused by the engine, -2010.  Orders of the kinds that ICEBERG_PARTS, TRAILING_DELTA and the
limits of conditional orders, iceberg orders and order lists are about are not taken at all.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Self

from paper_exchange.core.errors import ConfigError, ExchangeError, filter_failure, rejected
from paper_exchange.core.filter_types import (
    EXCHANGE_FILTERS,
    ExchangeMaxNumOrders,
    Filter,
    LotSize,
    MarketLotSize,
    MaxAsset,
    MaxNumOrders,
    MaxPosition,
    MinNotional,
    Notional,
    PercentPrice,
    PercentPriceBySide,
    PriceFilter,
    changed,
    number,
)
from paper_exchange.core.money import ZERO, is_multiple, times
from paper_exchange.core.orders import NewOrder, Order, OrderType, Side
from paper_exchange.core.symbols import Filters, Symbol

EXCHANGE, ASSETS = "exchange", "assets"
"""The keys of a filters file under which these limits are; symbols are written in upper case."""

AveragePrice = Callable[[int], Decimal | None]
"""What prices are judged by: the reference price, else the average of so many minutes (0: the last
price); None if nothing has traded yet, which switches off what needs it."""


def check_static(order: NewOrder, filters: Filters, average: AveragePrice) -> None:
    """Raise -1013 if an order breaks a filter that needs no knowledge of other orders."""
    market = order.type is OrderType.MARKET
    if not market:
        _check_price(order.price, filters.price)
        _check_percent(order.price, order.side, filters, average)
    if not order.quote_quantity:
        _check_lot(order.quantity, filters.get(MarketLotSize) if market else filters.lot)
    _check_notional(lambda minutes: _value(order, average, minutes), filters, market=market)


def check_amended(order: Order, quantity: Decimal, filters: Filters) -> None:
    """Raise -1013 if a resting order of this quantity would break a static filter."""
    _check_lot(quantity, filters.lot)
    _check_notional(lambda _: times(order.price, quantity), filters, market=False)


def _check_price(price: Decimal, rule: PriceFilter) -> None:
    low = price < rule.min_price
    high = ZERO < rule.max_price < price
    if low or high or (rule.tick_size and not is_multiple(price, rule.tick_size)):
        raise filter_failure(rule.type)


def _check_percent(price: Decimal, side: Side, filters: Filters, average: AveragePrice) -> None:
    if rule := filters.get(PercentPrice):
        bounds = rule.multiplier_down, rule.multiplier_up
        _check_band(price, average(rule.avg_price_mins), bounds, rule.type)
    if by_side := filters.get(PercentPriceBySide):
        bounds = (
            (by_side.bid_multiplier_down, by_side.bid_multiplier_up)
            if side is Side.BUY
            else (by_side.ask_multiplier_down, by_side.ask_multiplier_up)
        )
        _check_band(price, average(by_side.avg_price_mins), bounds, by_side.type)


def _check_band(
    price: Decimal, average: Decimal | None, bounds: tuple[Decimal, Decimal], name: str
) -> None:
    if average is None:
        return
    down, up = bounds
    if not times(average, down) <= price <= times(average, up):
        raise filter_failure(name)


def _check_lot(quantity: Decimal, rule: LotSize | None) -> None:
    if rule is None:
        return
    within = rule.min_qty <= quantity <= rule.max_qty
    if not within or not is_multiple(quantity, rule.step_size):
        raise filter_failure(rule.type)


def _check_notional(value: AveragePrice, filters: Filters, *, market: bool) -> None:
    """Judge what an order is worth by the average price of so many minutes."""
    if rule := filters.get(Notional):
        least = rule.min_notional if rule.apply_min_to_market or not market else None
        most = rule.max_notional if rule.apply_max_to_market or not market else None
        _check_value(value(rule.avg_price_mins), least, most, rule.type)
    if older := filters.get(MinNotional):
        least = older.min_notional if older.apply_to_market or not market else None
        _check_value(value(older.avg_price_mins), least, None, older.type)


def _value(order: NewOrder, average: AveragePrice, minutes: int) -> Decimal | None:
    if order.quote_quantity:
        return order.quote_quantity
    price = average(minutes) if order.type is OrderType.MARKET else order.price
    return None if price is None else times(price, order.quantity)


def _check_value(
    value: Decimal | None, least: Decimal | None, most: Decimal | None, name: str
) -> None:
    if value is None:
        return
    if (least is not None and value < least) or (most is not None and value > most):
        raise filter_failure(name)


@dataclass(frozen=True, slots=True)
class Holdings:
    """What an account has when it asks for an order: all that the engine's filters look at."""

    open_orders: int
    """On the order's symbol."""
    open_orders_everywhere: int
    position: Decimal
    """Base asset, free and locked, and what open BUY orders would add."""


@dataclass(frozen=True, slots=True)
class ExchangeLimits:
    """The filters that no symbol has of its own: for the whole exchange, and for single assets."""

    exchange: Mapping[str, Filter] = field(default_factory=dict)
    """By type."""
    assets: tuple[MaxAsset, ...] = ()

    def changed(self, name: str, values: object) -> Self:
        """Return them with an exchange filter changed, added, or (None) taken away.

        Raises `ConfigError`.
        """
        if name not in EXCHANGE_FILTERS:
            raise ConfigError(
                f"{EXCHANGE}: unknown filter {name}; known: {', '.join(EXCHANGE_FILTERS)}"
            )
        exchange = dict(self.exchange)
        before = exchange.pop(name, None)
        if values is not None:
            exchange[name] = changed(EXCHANGE_FILTERS[name], before, values, EXCHANGE)
        return replace(self, exchange=exchange)

    def limited(self, asset: str, value: object) -> Self:
        """Return them with the most of an asset that one order may be about; None is no limit.

        Raises `ConfigError`.
        """
        others = tuple(limit for limit in self.assets if limit.asset != asset)
        if value is None:
            return replace(self, assets=others)
        most = number(value, f"{ASSETS}: {asset}")
        return replace(self, assets=(*others, MaxAsset(asset, most)))


def check_dynamic(
    bought: Decimal, symbol: Symbol, limits: ExchangeLimits, holdings: Holdings
) -> None:
    """Raise -2010 if an account has too many orders, or too much, for an order.

    `bought` is the quantity that the order is to buy, zero for a SELL.
    """
    limit = symbol.filters.get(MaxNumOrders)
    if limit and holdings.open_orders >= limit.max_num_orders:
        raise _engine_failure(limit)
    everywhere = limits.exchange.get(ExchangeMaxNumOrders.type)
    if (
        isinstance(everywhere, ExchangeMaxNumOrders)
        and holdings.open_orders_everywhere >= everywhere.max_num_orders
    ):
        raise _engine_failure(everywhere)
    most = symbol.filters.get(MaxPosition)
    if most and bought and holdings.position + bought > most.max_position:
        raise _engine_failure(most)


def check_assets(
    quantity: Decimal, value: Decimal, symbol: Symbol, limits: Iterable[MaxAsset]
) -> None:
    """Raise -1013 if an order is about more of its base or quote asset than one order may be."""
    for limit in limits:
        asked = {symbol.base: quantity, symbol.quote: value}.get(limit.asset, ZERO)
        if asked > limit.limit:
            raise filter_failure(limit.type)


def _engine_failure(broken: Filter) -> ExchangeError:
    return rejected(f"Filter failure: {broken.type}")
