"""Traded symbols and the filters that their orders must pass."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Self
from unicodedata import category

from paper_exchange.core.errors import ConfigError
from paper_exchange.core.filter_types import (
    SYMBOL_FILTERS,
    F,
    Filter,
    LotSize,
    MarketLotSize,
    MaxNumOrderAmends,
    MaxNumOrders,
    Notional,
    PercentPriceBySide,
    PriceFilter,
    changed,
)
from paper_exchange.core.money import UNIT, is_multiple, times
from paper_exchange.core.orders import SelfTrade

# Longest first, so that ...FDUSD is not read as ...USD.
QUOTE_ASSETS = (
    "FDUSD", "USDT", "USDC", "TUSD", "BUSD", "USDS",
    "BTC", "ETH", "BNB", "EUR", "TRY", "BRL", "GBP", "JPY", "USD", "DAI",
)  # fmt: skip

MIN_NOTIONAL = {"BTC": Decimal("0.0001"), "ETH": Decimal("0.001"), "BNB": Decimal("0.01")}
"""Least order value by quote asset; every other quote asset is money and asks for five."""

MONEY_MIN_NOTIONAL = Decimal(5)

MAX_PRICE = Decimal(10_000_000)
MAX_QTY = Decimal(1_000_000_000)
MAX_NOTIONAL = Decimal(1_000_000_000)
FAR_UP, FAR_DOWN = Decimal(5), Decimal("0.2")
"""The percent filter's multipliers, as Binance has them for most symbols."""
NAME_LENGTH_MAX = 50
NOT_IN_NAMES = re.compile("[a-z]")


@dataclass(frozen=True, slots=True)
class Filters:
    """A symbol's filters.  Every symbol has the two that prices and quantities are counted by."""

    price: PriceFilter
    lot: LotSize
    others: Mapping[str, Filter]
    """By type."""

    @classmethod
    def of(cls, tick: Decimal, step: Decimal, min_notional: Decimal) -> Self:
        """Build filters whose minima are one tick and one step, with limits that are far away."""
        lot = (step, MAX_QTY, step)
        others = (
            MarketLotSize(*lot),
            Notional(min_notional, True, MAX_NOTIONAL, True, 0),
            PercentPriceBySide(FAR_UP, FAR_DOWN, FAR_UP, FAR_DOWN, 0),
            MaxNumOrders(200),
            MaxNumOrderAmends(10),
        )
        return cls(
            PriceFilter(tick, MAX_PRICE, tick), LotSize(*lot), {one.type: one for one in others}
        )

    @property
    def tick_size(self) -> Decimal:
        """The step of prices."""
        return self.price.tick_size or UNIT

    @property
    def step_size(self) -> Decimal:
        """The step of quantities."""
        return self.lot.step_size

    @property
    def min_notional(self) -> Decimal:
        """The least value of an order."""
        rule = self.get(Notional)
        return rule.min_notional if rule else Decimal(0)

    def get(self, kind: type[F]) -> F | None:
        """Return the filter of a type, None if the symbol has none."""
        found = self.others.get(kind.type)
        return found if isinstance(found, kind) else None

    def every(self) -> tuple[Filter, ...]:
        """Return all filters, in the order in which they are shown."""
        return (self.price, self.lot, *self.others.values())

    def changed(self, name: str, values: object, owner: str) -> Self:
        """Return the filters with one of them changed, added, or (None) taken away.

        Raises `ConfigError`, whose text begins with `owner`.
        """
        if name not in SYMBOL_FILTERS:
            raise ConfigError(f"{owner}: unknown filter {name}; known: {', '.join(SYMBOL_FILTERS)}")
        if values is None:
            return self._without(name, owner)
        if name == PriceFilter.type:
            return replace(self, price=changed(PriceFilter, self.price, values, owner))
        if name == LotSize.type:
            return replace(self, lot=changed(LotSize, self.lot, values, owner))
        kind = SYMBOL_FILTERS[name]
        new = changed(kind, self.get(kind), values, owner)
        return replace(self, others={**self.others, name: new})

    def _without(self, name: str, owner: str) -> Self:
        if name in {PriceFilter.type, LotSize.type}:
            raise ConfigError(f"{owner}: {name} cannot be taken away; set its numbers instead")
        others = {kept: one for kept, one in self.others.items() if kept != name}
        return replace(self, others=others)


@dataclass(frozen=True, slots=True)
class SelfTrades:
    """Which modes of self-trade prevention orders may ask for, and the one of those that do not."""

    default: SelfTrade = SelfTrade.EXPIRE_MAKER
    allowed: tuple[SelfTrade, ...] = tuple(SelfTrade)


@dataclass(frozen=True, slots=True)
class Symbol:
    """A traded pair: its name, its two assets and its filters."""

    name: str
    base: str
    quote: str
    filters: Filters
    self_trades: SelfTrades = field(default_factory=SelfTrades)

    @property
    def assets(self) -> tuple[str, str]:
        """Base and quote."""
        return self.base, self.quote

    def __post_init__(self) -> None:
        """Refuse filters under which an order's value would not be exact in the quote asset."""
        unit = times(self.filters.tick_size, self.filters.step_size)
        if unit <= 0 or not is_multiple(unit, UNIT):
            raise ConfigError(
                f"{self.name}: tickSize times stepSize is {unit}; it must be a multiple of {UNIT}, "
                "so that every order's value is exact"
            )


def may_be_name(name: str) -> bool:
    """Return whether a symbol may have this name: no lower-case a to z, spaces, or other signs.

    Letters and digits of any script may be in it, with the marks that belong to them.
    """
    if not 1 <= len(name) <= NAME_LENGTH_MAX or NOT_IN_NAMES.search(name):
        return False
    return all(character in "-._" or category(character)[0] in "LMN" for character in name)


def split_name(name: str) -> tuple[str, str]:
    """Split a symbol's name into base and quote asset; raise `ConfigError` if unclear."""
    for quote in QUOTE_ASSETS:
        if name.endswith(quote) and may_be_name(name) and len(name) > len(quote):
            return name.removesuffix(quote), quote
    raise ConfigError(
        f"{name!r} is no symbol with a known quote asset ({', '.join(QUOTE_ASSETS)}); "
        "write it in upper case, like XRPUSDT"
    )


def min_notional(quote: str) -> Decimal:
    """Return the least order value that is usual in this quote asset."""
    return MIN_NOTIONAL.get(quote, MONEY_MIN_NOTIONAL)


def symbol_at(name: str, price: Decimal) -> Symbol:
    """Make a symbol whose filters suit a price level: about six digits, steps worth cents."""
    base, quote = split_name(name)
    least = min_notional(quote)
    tick = min(max(Decimal(1).scaleb(price.adjusted() - 5), UNIT), Decimal("0.01"))
    step = max(Decimal(1).scaleb((least / price).adjusted() - 1), UNIT / tick)
    return Symbol(name, base, quote, Filters.of(tick, step, least))


def symbol_of(name: str, price_decimals: int, quantity_decimals: int) -> Symbol:
    """Make a symbol whose tick and step are the precision seen in its recording.

    The step is made coarser where an order's value would need more than eight decimals.
    """
    base, quote = split_name(name)
    tick = Decimal(1).scaleb(-price_decimals)
    step = max(Decimal(1).scaleb(-quantity_decimals), UNIT / tick)
    return Symbol(name, base, quote, Filters.of(tick, step, min_notional(quote)))


LOTS = (LotSize.type, MarketLotSize.type)
BY_SIDE = PercentPriceBySide.type
SHORT_NAMES: dict[str, tuple[tuple[str, str], ...]] = {
    "tickSize": ((PriceFilter.type, "tickSize"),),
    "minPrice": ((PriceFilter.type, "minPrice"),),
    "maxPrice": ((PriceFilter.type, "maxPrice"),),
    "stepSize": tuple((lot, "stepSize") for lot in LOTS),
    "minQty": tuple((lot, "minQty") for lot in LOTS),
    "maxQty": tuple((lot, "maxQty") for lot in LOTS),
    "minNotional": ((Notional.type, "minNotional"),),
    "maxNotional": ((Notional.type, "maxNotional"),),
    "multiplierUp": ((BY_SIDE, "bidMultiplierUp"), (BY_SIDE, "askMultiplierUp")),
    "multiplierDown": ((BY_SIDE, "bidMultiplierDown"), (BY_SIDE, "askMultiplierDown")),
    "maxNumOrders": ((MaxNumOrders.type, "maxNumOrders"),),
}
"""Short names of single numbers, and where they belong: filter types and their fields."""


def override(symbol: Symbol, changes: Mapping[str, Any]) -> Symbol:
    """Apply a filters file's entry to a symbol; raise `ConfigError`.

    A key is a filter type (its value has the fields that change; None takes the filter away), or
    one of `SHORT_NAMES`.  Where a step is set by its short name, the minimum is one step.
    """
    unknown = sorted(set(changes) - set(SHORT_NAMES) - set(SYMBOL_FILTERS))
    if unknown:
        raise ConfigError(
            f"{symbol.name}: unknown filter fields {', '.join(unknown)}; "
            f"known: {', '.join((*SYMBOL_FILTERS, *SHORT_NAMES))}"
        )
    given = dict(changes)
    for step, least in (("tickSize", "minPrice"), ("stepSize", "minQty")):
        if step in given:
            given.setdefault(least, given[step])
    filters = symbol.filters
    for key, value in given.items():
        for name, values in _placed(key, value):
            filters = filters.changed(name, values, symbol.name)
    return replace(symbol, filters=filters)


def _placed(key: str, value: object) -> list[tuple[str, object]]:
    """Return which filters a key of a filters file changes, and how."""
    if key not in SHORT_NAMES:
        return [(key, value)]
    return [(name, {field: value}) for name, field in SHORT_NAMES[key]]
