"""A symbol as the exchange describes it: its assets and the filters an order must pass.

Source of the rules: Binance Spot, filters.md.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal

from symbol_trader.core.money import ZERO
from symbol_trader.core.orders import FeeAsset, Fill, Side

TRADING = "TRADING"
"""The one status of a symbol in which orders are accepted."""

GONE = "GONE"
"""The status of a symbol that the exchange does not list any more; it is ours, not Binance's."""


@dataclass(frozen=True, slots=True)
class PercentPrice:
    """How far a price may be from the market's, by side, as multipliers of the market's price.

    That is the symbol's reference price, or else its average over `minutes` (0: the last price).
    """

    name: str
    bid_down: Decimal
    bid_up: Decimal
    ask_down: Decimal
    ask_up: Decimal
    minutes: int

    def band(self, side: Side) -> tuple[Decimal, Decimal]:
        """Return the lowest and the highest multiplier of a side."""
        if side is Side.BUY:
            return self.bid_down, self.bid_up
        return self.ask_down, self.ask_up


@dataclass(frozen=True, slots=True)
class Filters:
    """The limits of a symbol. A zero maximum, minimum price or tick means "no limit".

    `order_filters` says what they let pass.
    """

    tick_size: Decimal
    step_size: Decimal
    min_quantity: Decimal
    max_quantity: Decimal = ZERO
    min_price: Decimal = ZERO
    max_price: Decimal = ZERO
    min_notional: Decimal = ZERO
    max_notional: Decimal = ZERO
    notional_filter: str = "NOTIONAL"
    """Which of NOTIONAL and MIN_NOTIONAL states the notional's limits."""
    percents: tuple[PercentPrice, ...] = ()
    max_orders: int | None = None
    """Open orders of the account in the symbol."""
    exchange_max_orders: int | None = None
    """Open orders of the account on the exchange."""
    max_position: Decimal | None = None
    """Base asset that the account may have, what is on order included."""
    max_base: Decimal | None = None
    """Base asset that the account may trade in one order."""
    max_quote: Decimal | None = None
    """The same of the quote asset."""

    def differences(self, other: "Filters") -> dict[str, str]:
        """Return what is different in others, by name, as "old -> new"."""
        pairs = ((f.name, getattr(self, f.name), getattr(other, f.name)) for f in fields(self))
        return {name: f"{old} -> {new}" for name, old, new in pairs if old != new}


@dataclass(frozen=True, slots=True)
class SymbolInfo:
    """One entry of `exchangeInfo`, cut to what trading needs."""

    name: str
    base_asset: str
    quote_asset: str
    filters: Filters
    status: str = TRADING
    read_ms: int | None = field(default=None, compare=False)
    """When the exchange said so, by its clock; None: just now."""

    def limited_to(self, limits: Mapping[str, Decimal]) -> "SymbolInfo":
        """Return it with the account's own limits, by asset, on what one order may trade."""
        base, quote = limits.get(self.base_asset), limits.get(self.quote_asset)
        return replace(self, filters=replace(self.filters, max_base=base, max_quote=quote))

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
