"""Binance's JSON shapes for accounts, public trades and events.

Times are wall-clock milliseconds, marked so that they can be shown in microseconds.
"""

from dataclasses import fields
from decimal import Decimal
from typing import Any

from paper_exchange.core.candles import Candle
from paper_exchange.core.events import (
    AccountEvent,
    BalanceChange,
    BookChange,
    ExecutionReport,
    Position,
    PublicTrade,
)
from paper_exchange.core.fees import BNB, Commission, FeeRates
from paper_exchange.core.market import Level
from paper_exchange.core.money import fixed
from paper_exchange.core.state import Account, Balance
from paper_exchange.core.trade_groups import NO_TRADE_GROUP
from paper_exchange.protocol.render_orders import NOTHING, Json, execution_report
from paper_exchange.protocol.text import Millis

_BASIS_POINTS = 10_000


def account(owner: Account, uid: int, fees: FeeRates, trade_group: int, *, omit_zero: bool) -> Json:
    """Return `account.status`."""
    return {
        "makerCommission": int(fees.maker * _BASIS_POINTS),
        "takerCommission": int(fees.taker * _BASIS_POINTS),
        "buyerCommission": int(fees.buyer * _BASIS_POINTS),
        "sellerCommission": int(fees.seller * _BASIS_POINTS),
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
        **({} if trade_group == NO_TRADE_GROUP else {"tradeGroupId": trade_group}),
    }


def account_commission(symbol: str, commission: Commission, discount: Json) -> Json:
    """Return `account.commission`."""
    return {
        "symbol": symbol,
        "standardCommission": _rates(commission.standard),
        "specialCommission": _rates(commission.special),
        "taxCommission": _rates(commission.tax),
        "discount": discount,
    }


def discount(*, for_account: bool, for_symbol: bool, factor: Decimal) -> Json:
    """Return the discount for commission in BNB, as `account.commission` shows it."""
    return {
        "enabledForAccount": for_account,
        "enabledForSymbol": for_symbol,
        "discountAsset": BNB,
        "discount": fixed(factor),
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


def aggregate_trade(trade: PublicTrade) -> Json:
    """Return a public trade as `trades.aggregate` shows it: an aggregate of its own."""
    return {
        "a": trade.trade_id,
        "p": fixed(trade.price),
        "q": fixed(trade.quantity),
        "f": trade.trade_id,
        "l": trade.trade_id,
        "T": Millis(trade.time),
        "m": trade.buyer_is_maker,
        "M": True,
    }


def kline(candle: Candle, length: int) -> list[Any]:
    """Return a candlestick of `length` milliseconds as `klines` shows it."""
    return [
        Millis(candle.start),
        fixed(candle.open),
        fixed(candle.high),
        fixed(candle.low),
        fixed(candle.close),
        fixed(candle.volume),
        Millis(candle.start + length - 1),
        fixed(candle.quote_volume),
        candle.trades,
        fixed(candle.bought),
        fixed(candle.quote_bought),
        "0",
    ]


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
    """Return the event that a subscription to user data has ended while its connection stays."""
    return {"e": "eventStreamTerminated", "E": Millis(now)}


def server_shutdown(now: int) -> Json:
    """Return the announcement that the WebSocket API is about to close."""
    return {"event": {"e": "serverShutdown", "E": Millis(now)}}


def _rates(fees: FeeRates) -> Json:
    return {field.name: fixed(getattr(fees, field.name)) for field in fields(fees)}


def _position(asset: str, balance: Balance) -> Json:
    return {"a": asset, "f": fixed(balance.free), "l": fixed(balance.locked)}


def _price(level: Level | None) -> str:
    return fixed(level.price) if level else NOTHING


def _size(level: Level | None) -> str:
    return fixed(level.size) if level else NOTHING
