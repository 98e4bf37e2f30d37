"""The filters that `exchangeInfo` can name, in Binance's own fields (spot API, filters.md).

Prices and quantities are in the units of the symbol's assets; a field's JSON name is its name here
in camel case.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar, TypeVar

from paper_exchange.core.errors import ConfigError

F = TypeVar("F", bound="Filter")


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter of one type."""

    type: ClassVar[str]


@dataclass(frozen=True, slots=True)
class PriceFilter(Filter):
    """Bounds and step of an order's price; a number of 0 switches its rule off."""

    type: ClassVar[str] = "PRICE_FILTER"
    min_price: Decimal
    max_price: Decimal
    tick_size: Decimal


@dataclass(frozen=True, slots=True)
class LotSize(Filter):
    """Bounds and step of an order's quantity."""

    type: ClassVar[str] = "LOT_SIZE"
    min_qty: Decimal
    max_qty: Decimal
    step_size: Decimal


@dataclass(frozen=True, slots=True)
class MarketLotSize(LotSize):
    """The same for MARKET orders."""

    type: ClassVar[str] = "MARKET_LOT_SIZE"


@dataclass(frozen=True, slots=True)
class Notional(Filter):
    """Bounds of price times quantity; a MARKET order is judged by the average price."""

    type: ClassVar[str] = "NOTIONAL"
    min_notional: Decimal
    apply_min_to_market: bool
    max_notional: Decimal
    apply_max_to_market: bool
    avg_price_mins: int


@dataclass(frozen=True, slots=True)
class MinNotional(Filter):
    """The older form: a lower bound alone."""

    type: ClassVar[str] = "MIN_NOTIONAL"
    min_notional: Decimal
    apply_to_market: bool
    avg_price_mins: int


@dataclass(frozen=True, slots=True)
class PercentPrice(Filter):
    """Bounds of a price as multiples of the average price over some minutes; 0: the last price."""

    type: ClassVar[str] = "PERCENT_PRICE"
    multiplier_up: Decimal
    multiplier_down: Decimal
    avg_price_mins: int


@dataclass(frozen=True, slots=True)
class PercentPriceBySide(Filter):
    """The same with bounds of their own for BUY (bid) and SELL (ask)."""

    type: ClassVar[str] = "PERCENT_PRICE_BY_SIDE"
    bid_multiplier_up: Decimal
    bid_multiplier_down: Decimal
    ask_multiplier_up: Decimal
    ask_multiplier_down: Decimal
    avg_price_mins: int


@dataclass(frozen=True, slots=True)
class IcebergParts(Filter):
    """Into how many parts an iceberg order may fall."""

    type: ClassVar[str] = "ICEBERG_PARTS"
    limit: int


@dataclass(frozen=True, slots=True)
class MaxNumOrders(Filter):
    """How many open orders an account may have on the symbol."""

    type: ClassVar[str] = "MAX_NUM_ORDERS"
    max_num_orders: int


@dataclass(frozen=True, slots=True)
class MaxNumAlgoOrders(Filter):
    """How many of them may be conditional."""

    type: ClassVar[str] = "MAX_NUM_ALGO_ORDERS"
    max_num_algo_orders: int


@dataclass(frozen=True, slots=True)
class MaxNumIcebergOrders(Filter):
    """How many of them may be iceberg orders."""

    type: ClassVar[str] = "MAX_NUM_ICEBERG_ORDERS"
    max_num_iceberg_orders: int


@dataclass(frozen=True, slots=True)
class MaxPosition(Filter):
    """How much of the base asset an account may have, with what its open BUY orders would add."""

    type: ClassVar[str] = "MAX_POSITION"
    max_position: Decimal


@dataclass(frozen=True, slots=True)
class TrailingDelta(Filter):
    """Bounds of a trailing stop's distance, in basis points."""

    type: ClassVar[str] = "TRAILING_DELTA"
    min_trailing_above_delta: int
    max_trailing_above_delta: int
    min_trailing_below_delta: int
    max_trailing_below_delta: int


@dataclass(frozen=True, slots=True)
class MaxNumOrderAmends(Filter):
    """How often one order may be amended."""

    type: ClassVar[str] = "MAX_NUM_ORDER_AMENDS"
    max_num_order_amends: int


@dataclass(frozen=True, slots=True)
class MaxNumOrderLists(Filter):
    """How many open order lists an account may have on the symbol."""

    type: ClassVar[str] = "MAX_NUM_ORDER_LISTS"
    max_num_order_lists: int


@dataclass(frozen=True, slots=True)
class ExchangeMaxNumOrders(Filter):
    """How many open orders an account may have on all symbols together."""

    type: ClassVar[str] = "EXCHANGE_MAX_NUM_ORDERS"
    max_num_orders: int


@dataclass(frozen=True, slots=True)
class ExchangeMaxNumAlgoOrders(Filter):
    """How many of them may be conditional."""

    type: ClassVar[str] = "EXCHANGE_MAX_NUM_ALGO_ORDERS"
    max_num_algo_orders: int


@dataclass(frozen=True, slots=True)
class ExchangeMaxNumIcebergOrders(Filter):
    """How many of them may be iceberg orders."""

    type: ClassVar[str] = "EXCHANGE_MAX_NUM_ICEBERG_ORDERS"
    max_num_iceberg_orders: int


@dataclass(frozen=True, slots=True)
class ExchangeMaxNumOrderLists(Filter):
    """How many open order lists an account may have."""

    type: ClassVar[str] = "EXCHANGE_MAX_NUM_ORDER_LISTS"
    max_num_order_lists: int


@dataclass(frozen=True, slots=True)
class MaxAsset(Filter):
    """How much of an asset one order may be about; `myFilters` alone shows it."""

    type: ClassVar[str] = "MAX_ASSET"
    asset: str
    limit: Decimal


SYMBOL_FILTERS: dict[str, type[Filter]] = {
    kind.type: kind
    for kind in (
        PriceFilter,
        LotSize,
        MarketLotSize,
        Notional,
        MinNotional,
        PercentPrice,
        PercentPriceBySide,
        IcebergParts,
        MaxNumOrders,
        MaxNumAlgoOrders,
        MaxNumIcebergOrders,
        MaxPosition,
        TrailingDelta,
        MaxNumOrderAmends,
        MaxNumOrderLists,
    )
}
EXCHANGE_FILTERS: dict[str, type[Filter]] = {
    kind.type: kind
    for kind in (
        ExchangeMaxNumOrders,
        ExchangeMaxNumAlgoOrders,
        ExchangeMaxNumIcebergOrders,
        ExchangeMaxNumOrderLists,
    )
}


def json_name(field: str) -> str:
    """Return a field's name in JSON: `min_price` is `minPrice`."""
    first, *others = field.split("_")
    return first + "".join(map(str.capitalize, others))


def changed(kind: type[F], before: F | None, values: object, owner: str) -> F:
    """Return a filter with some fields changed; a new one needs all of its fields.

    `values` are by JSON name.  `owner` (a symbol, say) begins the text of a `ConfigError`.
    """
    if not isinstance(values, Mapping):
        raise ConfigError(f"{owner}: {kind.type} must be an object of its fields: {values!r}")
    types = {json_name(field.name): field for field in fields(kind)}
    unknown = sorted(set(values) - set(types) - {"filterType"})
    if unknown:
        raise ConfigError(
            f"{owner}: {kind.type} has no {', '.join(unknown)}; it has {', '.join(types)}"
        )
    new = {
        types[name].name: _typed(types[name].type, value, f"{owner}: {kind.type}.{name}")
        for name, value in values.items()
        if name in types
    }
    if before is not None:
        return replace(before, **new)
    missing = [name for name, field in types.items() if field.name not in new]
    if missing:
        raise ConfigError(f"{owner}: {kind.type} is new and needs {', '.join(missing)} too")
    return kind(**new)


def number(value: object, name: str) -> Decimal:
    """Read a number that is not negative; raise `ConfigError` with its name."""
    try:
        read = Decimal(str(value))
    except InvalidOperation as exc:
        raise ConfigError(f"{name} is not a number: {value!r}") from exc
    if not read.is_finite() or read < 0:
        raise ConfigError(f"{name} must not be negative: {value!r}")
    return read


def _typed(kind: object, value: object, name: str) -> Any:
    if kind is bool:
        return _flag(value, name)
    read = number(value, name)
    if kind is not int:
        return read
    if read != int(read):
        raise ConfigError(f"{name} must be a whole number: {value!r}")
    return int(read)


def _flag(value: object, name: str) -> bool:
    if str(value).lower() not in {"true", "false"}:
        raise ConfigError(f"{name} must be true or false: {value!r}")
    return str(value).lower() == "true"
