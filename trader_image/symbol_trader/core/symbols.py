"""A symbol as the exchange describes it: its assets and the filters an order must pass.

Source of the rules: Binance Spot, filters.md (PRICE_FILTER, LOT_SIZE, NOTIONAL, MIN_NOTIONAL).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from symbol_trader.core.money import ZERO, floor_to
from symbol_trader.core.orders import FeeAsset, Fill

TRADING = "TRADING"
"""The one status of a symbol in which orders are accepted."""

GONE = "GONE"
"""The status of a symbol that the exchange does not list any more; it is ours, not Binance's."""


@dataclass(frozen=True, slots=True)
class Filters:
    """The static limits of a symbol. A zero maximum, minimum price or tick means "no limit"."""

    tick_size: Decimal
    step_size: Decimal
    min_quantity: Decimal
    max_quantity: Decimal = ZERO
    min_price: Decimal = ZERO
    max_price: Decimal = ZERO
    min_notional: Decimal = ZERO
    max_notional: Decimal = ZERO

    def violation(self, price: Decimal, quantity: Decimal) -> str | None:
        """Return the name of the first filter that an order at this price would fail, if any."""
        if price < self.min_price or _above(price, self.max_price) or _off(price, self.tick_size):
            return "PRICE_FILTER"
        if quantity < self.min_quantity or _above(quantity, self.max_quantity):
            return "LOT_SIZE"
        if quantity <= 0 or _off(quantity, self.step_size):
            return "LOT_SIZE"
        notional = price * quantity
        if notional < self.min_notional or _above(notional, self.max_notional):
            return "NOTIONAL"
        return None


@dataclass(frozen=True, slots=True)
class SymbolInfo:
    """One entry of `exchangeInfo`, cut to what trading needs."""

    name: str
    base_asset: str
    quote_asset: str
    filters: Filters
    status: str = TRADING

    def fee_asset(self, fill: Fill) -> FeeAsset:
        """Return what a fill's commission was charged in, seen from this symbol."""
        if not fill.commission:
            return FeeAsset.NONE
        if fill.commission_asset == self.base_asset:
            return FeeAsset.BASE
        return FeeAsset.QUOTE if fill.commission_asset == self.quote_asset else FeeAsset.OTHER


def gone(name: str, fee_assets: Iterable[str]) -> SymbolInfo:
    """Describe a symbol that the exchange does not list any more, as well as the record can.

    Its quote asset is the one among `fee_assets` that its name ends with, its base asset the rest
    or the one that its name begins with. Where no fee names either, none was charged in them.
    """
    assets = sorted((asset for asset in fee_assets if asset != name), key=len)
    quote = next((asset for asset in reversed(assets) if asset and name.endswith(asset)), "")
    base = next((asset for asset in reversed(assets) if asset and name.startswith(asset)), "")
    base = base or name.removesuffix(quote)
    return SymbolInfo(name, base, quote or name.removeprefix(base), Filters(ZERO, ZERO, ZERO), GONE)


@dataclass(frozen=True, slots=True)
class Commission:
    """The account's commission on a symbol, a fraction of what an order receives (0.001 = 0.1 %).

    Each is the sum of the standard, special and tax parts and of both the larger of the maker and
    taker rate and the side's own rate: a limit order may turn out to be either.
    """

    buy: Decimal
    sell: Decimal


DEFAULT_COMMISSION = Commission(buy=Decimal("0.001"), sell=Decimal("0.001"))
"""Binance's standard rate, used where the account's own is unknown."""


def _above(value: Decimal, limit: Decimal) -> bool:
    return bool(limit) and value > limit


def _off(value: Decimal, step: Decimal) -> bool:
    return bool(step) and floor_to(value, step) != value
