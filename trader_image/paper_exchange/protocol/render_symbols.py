"""Binance's JSON shape for a symbol and its filters, as `exchangeInfo` shows them."""

from decimal import Decimal

from paper_exchange.core.engine import SymbolStatus
from paper_exchange.core.money import fixed
from paper_exchange.core.orders import OrderType, SelfTrade
from paper_exchange.core.symbols import MAX_NUM_ORDER_AMENDS, Symbol
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
        "filters": _filters(symbol),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": str(SelfTrade.EXPIRE_MAKER),
        "allowedSelfTradePreventionModes": [str(mode) for mode in SelfTrade],
    }


def _filters(symbol: Symbol) -> list[Json]:
    numbers = symbol.filters
    lot = {
        "minQty": fixed(numbers.min_qty),
        "maxQty": fixed(numbers.max_qty),
        "stepSize": fixed(numbers.step_size),
    }
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": fixed(numbers.min_price),
            "maxPrice": fixed(numbers.max_price),
            "tickSize": fixed(numbers.tick_size),
        },
        {"filterType": "LOT_SIZE", **lot},
        {"filterType": "MARKET_LOT_SIZE", **lot},
        {
            "filterType": "NOTIONAL",
            "minNotional": fixed(numbers.min_notional),
            "applyMinToMarket": True,
            "maxNotional": fixed(numbers.max_notional),
            "applyMaxToMarket": True,
            "avgPriceMins": 0,
        },
        {
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": _short(numbers.multiplier_up),
            "bidMultiplierDown": _short(numbers.multiplier_down),
            "askMultiplierUp": _short(numbers.multiplier_up),
            "askMultiplierDown": _short(numbers.multiplier_down),
            "avgPriceMins": 0,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": numbers.max_num_orders},
        {"filterType": "MAX_NUM_ORDER_AMENDS", "maxNumOrderAmends": MAX_NUM_ORDER_AMENDS},
    ]


def _short(value: Decimal) -> str:
    return format(value.normalize(), "f")
