"""Binance's JSON shapes for orders, trades, accounts, symbols and events.

Times are wall-clock milliseconds, marked so that they can be shown in microseconds.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from paper_exchange.core.engine import SymbolStatus
from paper_exchange.core.events import (
    AccountEvent,
    BalanceChange,
    BookChange,
    Execution,
    ExecutionReport,
    Position,
    PublicTrade,
)
from paper_exchange.core.fees import FeeRates
from paper_exchange.core.market import Level
from paper_exchange.core.money import ZERO, fixed
from paper_exchange.core.orders import ExpiryReason, Fill, Order, OrderType, SelfTrade, Side
from paper_exchange.core.state import Account, Balance
from paper_exchange.core.symbols import Symbol
from paper_exchange.protocol.text import Millis

NOTHING = fixed(ZERO)
_BASIS_POINTS = 10_000

Json = dict[str, Any]


def ack(order: Order) -> Json:
    """Return the least reply to an accepted order."""
    return {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.client_order_id,
        "transactTime": Millis(order.updated),
    }


def result(order: Order) -> Json:
    """Return the reply that also says what became of the order."""
    return ack(order) | _state(order) | {"workingTime": Millis(order.created)} | _mode(order)


def full(order: Order, fills: Iterable[Fill]) -> Json:
    """Return the reply with the fills that happened at once."""
    return result(order) | {"fills": [_fill(fill) for fill in fills]}


def canceled(order: Order, original_id: str) -> Json:
    """Return the reply to a cancel; `original_id` is the id that was cancelled."""
    head = {"symbol": order.symbol, "origClientOrderId": original_id}
    return head | ack(order) | _state(order) | _mode(order)


def order_status(order: Order) -> Json:
    """Return an order as queries show it."""
    return {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.client_order_id,
        **_state(order),
        "stopPrice": NOTHING,
        "icebergQty": NOTHING,
        "time": Millis(order.created),
        "updateTime": Millis(order.updated),
        "isWorking": True,
        "workingTime": Millis(order.created),
        **_mode(order),
    }


def my_trade(fill: Fill) -> Json:
    """Return a fill as `myTrades` shows it."""
    return {
        "symbol": fill.symbol,
        "id": fill.trade_id,
        "orderId": fill.order_id,
        "orderListId": -1,
        "price": fixed(fill.price),
        "qty": fixed(fill.quantity),
        "quoteQty": fixed(fill.quote_quantity),
        "commission": fixed(fill.commission),
        "commissionAsset": fill.commission_asset,
        "time": Millis(fill.time),
        "isBuyer": fill.side is Side.BUY,
        "isMaker": fill.is_maker,
        "isBestMatch": True,
    }


def account(owner: Account, uid: int, fees: FeeRates, *, omit_zero: bool) -> Json:
    """Return `account.status`."""
    return {
        "makerCommission": int(fees.maker * _BASIS_POINTS),
        "takerCommission": int(fees.taker * _BASIS_POINTS),
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": _rates(fees),
        "canTrade": True,
        "canWithdraw": False,
        "canDeposit": False,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": Millis(owner.updated),
        "accountType": "SPOT",
        "balances": [
            {"asset": asset, "free": fixed(balance.free), "locked": fixed(balance.locked)}
            for asset, balance in sorted(owner.balances.items())
            if balance.total or not omit_zero
        ],
        "permissions": ["SPOT"],
        "uid": uid,
    }


def account_commission(symbol: str, fees: FeeRates) -> Json:
    """Return `account.commission`."""
    return {
        "symbol": symbol,
        "standardCommission": _rates(fees),
        "specialCommission": _rates(FeeRates(ZERO, ZERO)),
        "taxCommission": _rates(FeeRates(ZERO, ZERO)),
        "discount": {
            "enabledForAccount": False,
            "enabledForSymbol": False,
            "discountAsset": "BNB",
            "discount": NOTHING,
        },
    }


def book_ticker(symbol: str, bid: Level | None, ask: Level | None) -> Json:
    """Return `ticker.book`; an unknown side is shown empty."""
    return {
        "symbol": symbol,
        "bidPrice": _price(bid),
        "bidQty": _size(bid),
        "askPrice": _price(ask),
        "askQty": _size(ask),
    }


def recent_trade(trade: PublicTrade) -> Json:
    """Return a public trade as `trades.recent` shows it."""
    return {
        "id": trade.trade_id,
        "price": fixed(trade.price),
        "qty": fixed(trade.quantity),
        "quoteQty": fixed(trade.price * trade.quantity),
        "time": Millis(trade.time),
        "isBuyerMaker": trade.buyer_is_maker,
        "isBestMatch": True,
    }


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
        "amendAllowed": False,
        "pegInstructionsAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": _filters(symbol),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": str(SelfTrade.EXPIRE_MAKER),
        "allowedSelfTradePreventionModes": [str(mode) for mode in SelfTrade],
    }


def account_event(event: AccountEvent, now: int) -> Json:
    """Return a user data event; `now` is the time it is sent."""
    match event:
        case ExecutionReport():
            return execution_report(event, now)
        case Position(_, time, balances):
            return {
                "e": "outboundAccountPosition",
                "E": Millis(now),
                "u": Millis(time),
                "B": [_position(asset, balance) for asset, balance in balances],
            }
        case BalanceChange(_, asset, delta, time):
            return {
                "e": "balanceUpdate",
                "E": Millis(now),
                "a": asset,
                "d": fixed(delta),
                "T": Millis(time),
            }


def execution_report(report: ExecutionReport, now: int) -> Json:
    """Return an `executionReport` with all its mandatory keys."""
    order, fill = report.order, report.fill
    resting = order.is_open and (fill is None or fill.is_maker) and order.price > ZERO
    event = {
        "e": "executionReport",
        "E": Millis(now),
        "s": order.symbol,
        "c": order.client_order_id,
        "S": str(order.side),
        "o": str(order.type),
        "f": str(order.time_in_force),
        "q": fixed(order.quantity),
        "p": fixed(order.price),
        "P": NOTHING,
        "F": NOTHING,
        "g": -1,
        "C": report.renamed_from,
        "x": str(report.execution),
        "X": str(order.status),
        "r": "NONE",
        "i": order.order_id,
        "l": fixed(fill.quantity) if fill else NOTHING,
        "z": fixed(order.executed),
        "L": fixed(fill.price) if fill else NOTHING,
        "n": fixed(fill.commission) if fill else "0",
        "N": fill.commission_asset if fill else None,
        "T": Millis(report.time),
        "t": fill.trade_id if fill else -1,
        "I": report.execution_id,
        "w": resting,
        "m": bool(fill and fill.is_maker),
        "M": fill is not None,
        "O": Millis(order.created),
        "Z": fixed(order.quote_executed),
        "Y": fixed(fill.quote_quantity) if fill else NOTHING,
        "Q": fixed(order.quote_quantity),
        "W": Millis(order.created),
        "V": str(order.self_trade),
    }
    if report.execution is Execution.EXPIRED and order.expiry_reason is not ExpiryReason.NONE:
        event["eR"] = str(order.expiry_reason)
    return event


def trade_event(trade: PublicTrade, now: int) -> Json:
    """Return a `<symbol>@trade` payload."""
    return {
        "e": "trade",
        "E": Millis(now),
        "s": trade.symbol,
        "t": trade.trade_id,
        "p": fixed(trade.price),
        "q": fixed(trade.quantity),
        "T": Millis(trade.time),
        "m": trade.buyer_is_maker,
        "M": True,
    }


def aggregate_event(trade: PublicTrade, now: int) -> Json:
    """Return an `<symbol>@aggTrade` payload; here every trade is an aggregate of its own."""
    trade_id = trade.trade_id
    ids = {"a": trade_id, "f": trade_id, "l": trade_id}
    plain = trade_event(trade, now)
    return {key: value for key, value in plain.items() if key != "t"} | {"e": "aggTrade"} | ids


def book_event(change: BookChange, _: int) -> Json:
    """Return an `<symbol>@bookTicker` payload, which has neither type nor time."""
    bid, ask = change.top.bid, change.top.ask
    return {
        "u": change.update_id,
        "s": change.symbol,
        "b": _price(bid),
        "B": _size(bid),
        "a": _price(ask),
        "A": _size(ask),
    }


def subscribed(number: int, event: Json) -> Json:
    """Return a user data event as it is pushed to a subscription."""
    return {"subscriptionId": number, "event": event}


def stream_terminated(now: int) -> Json:
    """Return the news that a subscription to user data has ended, its connection staying."""
    return {"e": "eventStreamTerminated", "E": Millis(now)}


def server_shutdown(now: int) -> Json:
    """Return the announcement that the WebSocket API is about to close."""
    return {"event": {"e": "serverShutdown", "E": Millis(now)}}


def _state(order: Order) -> Json:
    state = {
        "price": fixed(order.price),
        "origQty": fixed(order.quantity),
        "executedQty": fixed(order.executed),
        "origQuoteOrderQty": fixed(order.quote_quantity),
        "cummulativeQuoteQty": fixed(order.quote_executed),
        "status": str(order.status),
        "timeInForce": str(order.time_in_force),
        "type": str(order.type),
        "side": str(order.side),
    }
    if order.expiry_reason is not ExpiryReason.NONE:
        state["expiryReason"] = str(order.expiry_reason)
    return state


def _mode(order: Order) -> Json:
    return {"selfTradePreventionMode": str(order.self_trade)}


def _fill(fill: Fill) -> Json:
    return {
        "price": fixed(fill.price),
        "qty": fixed(fill.quantity),
        "commission": fixed(fill.commission),
        "commissionAsset": fill.commission_asset,
        "tradeId": fill.trade_id,
    }


def _rates(fees: FeeRates) -> Json:
    rates = {"maker": fixed(fees.maker), "taker": fixed(fees.taker)}
    return rates | {"buyer": NOTHING, "seller": NOTHING}


def _position(asset: str, balance: Balance) -> Json:
    return {"a": asset, "f": fixed(balance.free), "l": fixed(balance.locked)}


def _price(level: Level | None) -> str:
    return fixed(level.price) if level else NOTHING


def _size(level: Level | None) -> str:
    return fixed(level.size) if level else NOTHING


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
    ]


def _short(value: Decimal) -> str:
    return format(value.normalize(), "f")
