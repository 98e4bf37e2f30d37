"""Traded symbols and the filters that their orders must pass."""

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Self
from unicodedata import category

from paper_exchange.core.errors import ConfigError
from paper_exchange.core.money import UNIT, is_multiple, times

# Longest first, so that ...FDUSD is not read as ...USD.
QUOTE_ASSETS = (
    "FDUSD", "USDT", "USDC", "TUSD", "BUSD", "USDS",
    "BTC", "ETH", "BNB", "EUR", "TRY", "BRL", "GBP", "JPY", "USD", "DAI",
)  # fmt: skip

MIN_NOTIONAL = {"BTC": Decimal("0.0001"), "ETH": Decimal("0.001"), "BNB": Decimal("0.01")}
"""Least order value by quote asset; every other quote asset is money and asks for five."""

MONEY_MIN_NOTIONAL = Decimal(5)

MAX_NUM_ORDER_AMENDS = 10
"""How often one order may be amended."""


NAME_LENGTH_MAX = 50
NOT_IN_NAMES = re.compile("[a-z]")


@dataclass(frozen=True, slots=True)
class Filters:
    """The numbers of a symbol's filters, in the units of its base and quote asset."""

    tick_size: Decimal
    step_size: Decimal
    min_notional: Decimal
    min_price: Decimal = UNIT
    max_price: Decimal = Decimal(10_000_000)
    min_qty: Decimal = UNIT
    max_qty: Decimal = Decimal(1_000_000_000)
    max_notional: Decimal = Decimal(1_000_000_000)
    multiplier_up: Decimal = Decimal(5)
    multiplier_down: Decimal = Decimal("0.2")
    max_num_orders: int = 200

    @classmethod
    def of(cls, tick: Decimal, step: Decimal, min_notional: Decimal) -> Self:
        """Build filters whose minima are one tick and one step."""
        return cls(tick, step, min_notional, min_price=tick, min_qty=step)


@dataclass(frozen=True, slots=True)
class Symbol:
    """A traded pair: its name, its two assets and its filters."""

    name: str
    base: str
    quote: str
    filters: Filters

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


OVERRIDES = {
    "tickSize": "tick_size",
    "stepSize": "step_size",
    "minNotional": "min_notional",
    "minPrice": "min_price",
    "maxPrice": "max_price",
    "minQty": "min_qty",
    "maxQty": "max_qty",
    "maxNotional": "max_notional",
    "multiplierUp": "multiplier_up",
    "multiplierDown": "multiplier_down",
    "maxNumOrders": "max_num_orders",
}
"""The names under which a filters file overrides one number, and what it overrides."""


def override(symbol: Symbol, changes: dict[str, Any]) -> Symbol:
    """Apply a filters file's entry (Binance's field names) to a symbol."""
    unknown = sorted(set(changes) - set(OVERRIDES))
    if unknown:
        raise ConfigError(f"{symbol.name}: unknown filter fields {', '.join(unknown)}")
    new = {OVERRIDES[key]: _number(symbol.name, key, value) for key, value in changes.items()}
    if "tick_size" in new:
        new.setdefault("min_price", new["tick_size"])
    if "step_size" in new:
        new.setdefault("min_qty", new["step_size"])
    if "max_num_orders" in new:
        new["max_num_orders"] = int(new["max_num_orders"])
    return replace(symbol, filters=replace(symbol.filters, **new))


def _number(symbol: str, key: str, value: object) -> Any:
    try:
        return Decimal(str(value))
    except ArithmeticError as exc:
        raise ConfigError(f"{symbol}: {key} is not a number: {value!r}") from exc
