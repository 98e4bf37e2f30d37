"""Whether the filters of a symbol let a limit order pass, and what would pass instead.

Exact, and by what is known of the account and the market: the exchange decides in the end. Source:
Binance Spot, filters.md. A limit order of this program has no stop price, no hidden quantity and is
in no list, so the filters of `NOT_FOR_LIMIT_ORDERS` have nothing to say of it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from symbol_trader.core.money import ONE, ZERO, ceil_to, floor_to, plain
from symbol_trader.core.orders import Side
from symbol_trader.core.replies import ReferencePrice
from symbol_trader.core.strategy import OrderTerms
from symbol_trader.core.symbols import Filters, PercentPrice

NOT_FOR_LIMIT_ORDERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "MARKET_LOT_SIZE": "is about market orders",
        "ICEBERG_PARTS": "is about orders with a hidden quantity",
        "MAX_NUM_ICEBERG_ORDERS": "is about orders with a hidden quantity",
        "EXCHANGE_MAX_NUM_ICEBERG_ORDERS": "is about orders with a hidden quantity",
        "MAX_NUM_ALGO_ORDERS": "is about orders with a stop price",
        "EXCHANGE_MAX_NUM_ALGO_ORDERS": "is about orders with a stop price",
        "TRAILING_DELTA": "is about orders with a trailing stop",
        "MAX_NUM_ORDER_LISTS": "is about order lists",
        "EXCHANGE_MAX_NUM_ORDER_LISTS": "is about order lists",
        "MAX_NUM_ORDER_AMENDS": "is about amendments",
        "T_PLUS_SELL": "is about when a sell may follow a buy, which the exchange alone knows",
    }
)
"""Filters that are known and need no check here, and why."""


@dataclass(frozen=True, slots=True)
class Load:
    """What the account has on the symbol: open orders, and base asset with that under way.

    `position` is the base asset that is free or locked, and the quantity of all open buys.
    """

    open_orders: int = 0
    position: Decimal = ZERO


NO_LOAD: Final = Load()


@dataclass(frozen=True, slots=True)
class Violation:
    """The filter that an order would fail, what was asked for and what would pass.

    `passing` is the nearest price or quantity that every filter lets pass, all else being equal;
    None where there is none.
    """

    filter: str
    what: str
    """Price, quantity, or number of open orders."""
    asked: Decimal
    passing: Decimal | None
    note: str = ""
    """By which market price it was judged."""

    def __str__(self) -> str:
        would = "none passes now" if self.passing is None else f"{plain(self.passing)} would pass"
        note = f" ({self.note})" if self.note else ""
        return f"{self.filter} refuses a {self.what} of {plain(self.asked)}: {would}{note}"


@dataclass(frozen=True, slots=True)
class _Bound:
    """A filter's bounds of `value * scale`; None: no upper one."""

    filter: str
    least: Decimal
    most: Decimal | None
    scale: Decimal = ONE
    note: str = ""

    def holds(self, value: Decimal) -> bool:
        scaled = value * self.scale
        return self.least <= scaled and (self.most is None or scaled <= self.most)

    def lowest(self, step: Decimal) -> Decimal:
        return ceil_to(self.least / self.scale, step)

    def highest(self, step: Decimal) -> Decimal | None:
        return None if self.most is None else floor_to(self.most / self.scale, step)


def violation(
    side: Side,
    order_terms: OrderTerms,
    filters: Filters,
    load: Load = NO_LOAD,
    references: Mapping[int, ReferencePrice] = MappingProxyType({}),
) -> Violation | None:
    """Return the first filter that an order would fail, None if it passes.

    `references` holds the price that percent filters measure from, by the minutes of their average;
    one that is not known is not judged.
    """
    prices = tuple(_price_bounds(side, filters, references))
    quantities = tuple(_quantity_bounds(side, order_terms.price, filters, load))
    return (
        _refused("price", order_terms.price, filters.tick_size, prices)
        or _refused("quantity", order_terms.quantity, filters.step_size, quantities)
        or _too_many(filters, load)
    )


def unjudged(
    side: Side,
    price: Decimal,
    filters: Filters,
    references: Mapping[int, ReferencePrice],
    last_price: Decimal | None,
) -> PercentPrice | None:
    """Return a percent filter that may refuse a price, and whose market price is not known.

    A price that is well inside the band around the last trade needs no question: to be outside of
    the band around the average, the average would have to be half a band away from that trade.
    """
    unknown = (percent for percent in filters.percents if percent.minutes not in references)
    return next((p for p in unknown if not _well_inside(p, side, price, last_price)), None)


def _well_inside(
    percent: PercentPrice, side: Side, price: Decimal, last_price: Decimal | None
) -> bool:
    if last_price is None:
        return False
    down, up = ((each + ONE) / 2 for each in percent.band(side))
    return last_price * down <= price <= last_price * up


def _price_bounds(
    side: Side, filters: Filters, references: Mapping[int, ReferencePrice]
) -> Iterator[_Bound]:
    least = max(filters.min_price, filters.tick_size)
    yield _Bound("PRICE_FILTER", least, filters.max_price or None)
    for percent in filters.percents:
        if reference := references.get(percent.minutes):
            down, up = percent.band(side)
            low, high = reference.price * down, reference.price * up
            yield _Bound(percent.name, low, high, note=str(reference))


def _quantity_bounds(side: Side, price: Decimal, filters: Filters, load: Load) -> Iterator[_Bound]:
    least = max(filters.min_quantity, filters.step_size)
    yield _Bound("LOT_SIZE", least, filters.max_quantity or None)
    if price:
        most = filters.max_notional or None
        yield _Bound(filters.notional_filter, filters.min_notional, most, price)
        if filters.max_quote is not None:
            yield _Bound("MAX_ASSET", ZERO, filters.max_quote, price)
    if filters.max_base is not None:
        yield _Bound("MAX_ASSET", ZERO, filters.max_base)
    if filters.max_position is not None and side is Side.BUY:
        note = f"the position is {plain(load.position)}"
        yield _Bound("MAX_POSITION", ZERO, filters.max_position - load.position, note=note)


def _refused(
    what: str, asked: Decimal, step: Decimal, bounds: Sequence[_Bound]
) -> Violation | None:
    """Return the first of the bounds that a value breaks; its steps belong to the first bound."""
    first, *others = bounds
    if not first.holds(asked) or not asked or floor_to(asked, step) != asked:
        broken = first
    else:
        found = next((bound for bound in others if not bound.holds(asked)), None)
        if found is None:
            return None
        broken = found
    return Violation(broken.filter, what, asked, _nearest(asked, step, bounds), broken.note)


def _nearest(asked: Decimal, step: Decimal, bounds: Sequence[_Bound]) -> Decimal | None:
    """Return the value in steps, nearest to what was asked for, that all bounds let pass."""
    low = max(bound.lowest(step) for bound in bounds)
    highs = [high for bound in bounds if (high := bound.highest(step)) is not None]
    value = max(floor_to(asked, step), low)
    if highs:
        value = min(value, *highs)
    return value if value >= low and value > ZERO else None


def _too_many(filters: Filters, load: Load) -> Violation | None:
    """Return which limit of open orders one more would exceed."""
    for name, most in (
        ("MAX_NUM_ORDERS", filters.max_orders),
        ("EXCHANGE_MAX_NUM_ORDERS", filters.exchange_max_orders),
    ):
        if most is not None and load.open_orders >= most:
            asked = Decimal(load.open_orders + 1)
            return Violation(name, "number of open orders", asked, Decimal(most))
    return None
