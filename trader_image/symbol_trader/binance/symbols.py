"""What Binance says of a symbol: its filters, and the market prices that some of them measure from.

Source of the shapes: web-socket-api.md, filters.md. Every function raises `PayloadError`, naming
the field, for what it cannot read.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from symbol_trader.binance.fields import Fields
from symbol_trader.binance.replies import expect, or_zero
from symbol_trader.core.error_codes import NO_REFERENCE_PRICE
from symbol_trader.core.order_filters import NOT_FOR_LIMIT_ORDERS
from symbol_trader.core.replies import ReferencePrice
from symbol_trader.core.symbols import Filters, PercentPrice, SymbolInfo

_PRICE, _LOT = "PRICE_FILTER", "LOT_SIZE"
_NOTIONAL, _MIN_NOTIONAL = "NOTIONAL", "MIN_NOTIONAL"
_PERCENT, _PERCENT_BY_SIDE = "PERCENT_PRICE", "PERCENT_PRICE_BY_SIDE"
_MAX_ORDERS, _EXCHANGE_MAX_ORDERS = "MAX_NUM_ORDERS", "EXCHANGE_MAX_NUM_ORDERS"
_MAX_POSITION = "MAX_POSITION"
_CHECKED = frozenset(
    {
        _PRICE,
        _LOT,
        _NOTIONAL,
        _MIN_NOTIONAL,
        _PERCENT,
        _PERCENT_BY_SIDE,
        _MAX_ORDERS,
        _EXCHANGE_MAX_ORDERS,
        _MAX_POSITION,
    }
)
"""The filters of `exchangeInfo` that orders are judged by before they are sent."""


def symbol_info(result: Any, symbol: str) -> SymbolInfo:
    """Read the reply to `exchangeInfo`."""
    fields = Fields(result, "exchangeInfo")
    for entry in fields.children("symbols"):
        if entry.text("symbol") == symbol:
            return SymbolInfo(
                name=symbol,
                base_asset=entry.text("baseAsset"),
                quote_asset=entry.text("quoteAsset"),
                filters=_filters(fields, entry),
                status=entry.text("status"),
            )
    raise fields.error("symbols", f"{symbol} is not among them")


def unknown_filters(result: Any, symbol: str) -> dict[str, str]:
    """Read which filters in the reply to `exchangeInfo` are not known here, and what they say."""
    fields = Fields(result, "exchangeInfo")
    entry = next(each for each in fields.children("symbols") if each.text("symbol") == symbol)
    return {
        name: str(found)
        for name, found in _all_filters(fields, entry).items()
        if name not in _CHECKED and name not in NOT_FOR_LIMIT_ORDERS
    }


def asset_limits(result: Any) -> dict[str, Decimal]:
    """Read the limits of the account's assets in one order from the reply to `myFilters`."""
    found = Fields(result, "myFilters").children("assetFilters")
    limited = (fields for fields in found if fields.text("filterType") == "MAX_ASSET")
    return {fields.text("asset"): fields.amount("limit") for fields in limited}


def reference_price(result: Any, symbol: str) -> ReferencePrice | None:
    """Read the reply to `referencePrice`; None where the symbol has none now, or never had one.

    The latter comes as a result of status 200 that holds an error code.
    """
    fields = Fields(result, "referencePrice")
    if "code" in fields and fields.integer("code") == NO_REFERENCE_PRICE:
        return None
    expect(fields, "symbol", symbol)
    if fields.raw("referencePrice") is None:
        return None
    return _told(fields, "referencePrice", "the reference price", fields.time_ms("timestamp"))


def average_price(result: Any, minutes: int) -> ReferencePrice | None:
    """Read the reply to `avgPrice`; None where it is the average of another time."""
    fields = Fields(result, "avgPrice")
    if fields.integer("mins") != minutes:
        return None
    source = f"the average price of {minutes} minutes"
    return _told(fields, "price", source, fields.time_ms("closeTime"))


def last_price(result: Any, symbol: str) -> ReferencePrice | None:
    """Read the reply to `ticker.price`, which does not say of when the price is."""
    fields = Fields(result, "ticker.price")
    expect(fields, "symbol", symbol)
    return _told(fields, "price", "the last price", None)


def _told(fields: Fields, name: str, source: str, time_ms: int | None) -> ReferencePrice | None:
    """Read a market price; None for zero, which says that nothing was traded so far."""
    price = fields.amount(name)
    return ReferencePrice(price, source, time_ms) if price else None


def _filters(info: Fields, entry: Fields) -> Filters:
    """Read the filters; a symbol without tick or step would make every order a guess."""
    found = _all_filters(info, entry)
    for name in (_PRICE, _LOT):
        if name not in found:
            raise entry.error("filters", f"{name} is missing")
    price, lot = found[_PRICE], found[_LOT]
    notional, older = found.get(_NOTIONAL), found.get(_MIN_NOTIONAL)
    least, least_by_older = or_zero(notional, "minNotional"), or_zero(older, "minNotional")
    return Filters(
        tick_size=_unit(price.amount("tickSize"), entry, "quoteAssetPrecision"),
        min_price=price.amount("minPrice"),
        max_price=price.amount("maxPrice"),
        step_size=_unit(lot.amount("stepSize"), entry, "baseAssetPrecision"),
        min_quantity=lot.amount("minQty"),
        max_quantity=lot.amount("maxQty"),
        min_notional=max(least, least_by_older),
        max_notional=or_zero(notional, "maxNotional"),
        notional_filter=_MIN_NOTIONAL if least_by_older > least else _NOTIONAL,
        percents=tuple(_percents(found)),
        max_orders=_count(found.get(_MAX_ORDERS)),
        exchange_max_orders=_count(found.get(_EXCHANGE_MAX_ORDERS)),
        max_position=_or_none(found.get(_MAX_POSITION), "maxPosition"),
    )


def _all_filters(info: Fields, entry: Fields) -> dict[str, Fields]:
    """Return the filters of a symbol and of the whole exchange, by their types."""
    whole = info.children("exchangeFilters") if "exchangeFilters" in info else iter(())
    return {each.text("filterType"): each for each in (*whole, *entry.children("filters"))}


def _percents(found: Mapping[str, Fields]) -> Iterator[PercentPrice]:
    if fields := found.get(_PERCENT):
        down, up = fields.amount("multiplierDown"), fields.amount("multiplierUp")
        yield PercentPrice(_PERCENT, down, up, down, up, fields.integer("avgPriceMins"))
    if fields := found.get(_PERCENT_BY_SIDE):
        yield PercentPrice(
            _PERCENT_BY_SIDE,
            bid_down=fields.amount("bidMultiplierDown"),
            bid_up=fields.amount("bidMultiplierUp"),
            ask_down=fields.amount("askMultiplierDown"),
            ask_up=fields.amount("askMultiplierUp"),
            minutes=fields.integer("avgPriceMins"),
        )


def _count(fields: Fields | None) -> int | None:
    return None if fields is None else fields.integer("maxNumOrders")


def _or_none(fields: Fields | None, name: str) -> Decimal | None:
    return None if fields is None else fields.amount(name)


def _unit(step: Decimal, entry: Fields, precision: str) -> Decimal:
    """Return a step, or the asset's smallest unit where zero says that the rule is disabled."""
    return step or Decimal(1).scaleb(-entry.integer(precision))
