"""Binance's JSON shape for a symbol and its filters, as `exchangeInfo` shows them."""

from dataclasses import fields
from decimal import Decimal

from paper_exchange.core.engine import SymbolStatus
from paper_exchange.core.filter_types import Filter, json_name
from paper_exchange.core.money import fixed
from paper_exchange.core.orders import OrderType
from paper_exchange.core.price_range import PriceRange
from paper_exchange.core.symbols import Symbol
from paper_exchange.protocol.render_orders import Json


def symbol_info(symbol: Symbol, status: SymbolStatus) -> Json:
    """Return a symbol's entry in `exchangeInfo`."""
    return {
        "symbol": symbol.name,
        "status": str(status),
        "baseAsset": symbol.base,
        "baseAssetPrecision": 8,
        "quoteAsset": symbol.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": [str(kind) for kind in OrderType],
        "icebergAllowed": False,
        "ocoAllowed": False,
        "otoAllowed": False,
        "opoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": False,
        "amendAllowed": True,
        "pegInstructionsAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [filter_info(one) for one in symbol.filters.every()],
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": str(symbol.self_trades.default),
        "allowedSelfTradePreventionModes": [str(mode) for mode in symbol.self_trades.allowed],
    }


def filter_info(one: Filter) -> Json:
    """Return a filter with Binance's fields: amounts with eight decimals, multipliers short."""
    shown = {json_name(f.name): _value(f.name, getattr(one, f.name)) for f in fields(one)}
    return {"filterType": one.type, **shown}


def price_range(rule: PriceRange) -> Json:
    """Return the price range rule as `executionRules` shows it; what is not bound is absent."""
    bounds = {json_name(f.name): getattr(rule, f.name) for f in fields(rule)}
    shown = {name: _short(value) for name, value in bounds.items() if value is not None}
    return {"ruleType": "PRICE_RANGE", **shown}


def _value(name: str, value: object) -> object:
    if not isinstance(value, Decimal):
        return value
    return _short(value) if "multiplier" in name else fixed(value)


def _short(value: Decimal) -> str:
    return format(value.normalize(), "f")
