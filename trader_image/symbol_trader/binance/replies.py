"""What Binance answers, in the core's words. Source of the shapes: web-socket-api.md.

Every function raises `PayloadError`, naming the field, for what it cannot read.
"""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from operator import itemgetter
from typing import Any

from symbol_trader.binance.budgets import Allowed, StatedLimits
from symbol_trader.binance.envelope import INTERVALS_MS
from symbol_trader.binance.fields import Fields, PayloadError, objects
from symbol_trader.core.money import ZERO
from symbol_trader.core.orders import NO_ASSET, CancelIntent, ExchangeOrder, Fill, Side
from symbol_trader.core.replies import Accepted, Account, Price
from symbol_trader.core.symbols import Commission


@dataclass(frozen=True, slots=True)
class Candle:
    """A candle of a market: its first and last exchange time, and its last price."""

    opened_ms: int
    close: Decimal
    closed_ms: int


@dataclass(frozen=True, slots=True)
class AggregateTrade:
    """Trades of one price that one order made at once: from one trade id to another."""

    number: int
    first_id: int
    last_id: int
    price: Decimal


_NOT_EXPIRED = "NONE"
_MS_PER_S = 1_000
_LIMITS = {
    "REQUEST_WEIGHT": "weight",
    "RAW_REQUESTS": "raw_requests",
    "ORDERS": "orders",
    "CONNECTIONS": "connections",
}
"""The field of each limit of `exchangeInfo` that is kept to here."""
_COMMISSION_PARTS = ("standardCommission", "specialCommission", "taxCommission")


def server_time_ms(result: Any) -> int:
    """Read the reply to `time`."""
    return Fields(result, "time").integer("serverTime")


def account(result: Any) -> Account:
    """Read the reply to `account.status`."""
    fields = Fields(result, "account")
    balances = tuple(fields.children("balances"))
    return Account(
        uid=str(fields.integer("uid")),
        free={balance.text("asset"): balance.amount("free") for balance in balances},
        locked={balance.text("asset"): balance.amount("locked") for balance in balances},
    )


def commission(result: Any) -> Commission:
    """Read the reply to `account.commission`.

    The discount for paying in BNB is left out: it may end with the BNB, and a fee that turns out
    lower than assumed does no harm.
    """
    fields = Fields(result, "commission")
    return _commission([fields.child(part) for part in _COMMISSION_PARTS if part in fields])


def last_trade(result: Any) -> Price | None:
    """Read the reply to `trades.recent` for one trade; its time is that of the trade."""
    trades = [
        Price(fields.integer("id"), fields.amount("price"), fields.time_ms("time"))
        for fields in objects(result, "trades.recent")
    ]
    return max(trades, key=lambda trade: trade.trade_id, default=None)


def aggregate_trades(result: Any) -> tuple[AggregateTrade, ...]:
    """Read the reply to `trades.aggregate`, in the order of ids."""
    return tuple(
        AggregateTrade(
            number=fields.integer("a"),
            first_id=fields.integer("f"),
            last_id=fields.integer("l"),
            price=fields.decimal("p"),
        )
        for fields in objects(result, "trades.aggregate")
    )


def stated_limits(result: Any) -> StatedLimits:
    """Read the limits that `exchangeInfo` states; what it does not say is as documented."""
    info, found = Fields(result, "exchangeInfo"), dict[str, Allowed]()
    for limit in info.children("rateLimits") if "rateLimits" in info else ():
        kind, interval_ms = limit.text("rateLimitType"), INTERVALS_MS.get(limit.text("interval"))
        if interval_ms is not None and limit.integer("limit") > 0:
            window_s = limit.integer("intervalNum") * interval_ms / _MS_PER_S
            allowed = Allowed(limit.integer("limit"), window_s)
            found[kind] = min(found.get(kind, allowed), allowed, key=lambda one: one.window_s)
    stated = {_LIMITS[kind]: allowed for kind, allowed in found.items() if kind in _LIMITS}
    return StatedLimits(**stated)


def candle(result: Any) -> Candle | None:
    """Read the reply to `klines` for one candle; None where the market has none yet."""
    rows = result if isinstance(result, list) else [result]
    if not rows:
        return None
    try:
        values = dict(
            zip(("opened", "close", "closed"), itemgetter(0, 4, 6)(rows[-1]), strict=True)
        )
    except (TypeError, LookupError) as exc:
        raise PayloadError("klines", "a candle was expected") from exc
    fields = Fields(values, "klines")
    return Candle(fields.time_ms("opened"), fields.amount("close"), fields.time_ms("closed"))


def best_bid(result: Any, symbol: str) -> Decimal:
    """Read the reply to `ticker.book`; a book without bids shows a price of zero, or null."""
    fields = Fields(result, "ticker.book")
    expect(fields, "symbol", symbol)
    return _bid(fields)


def best_bids(result: Any, symbols: Collection[str]) -> dict[str, Decimal]:
    """Read the reply to `ticker.book` for several symbols; without those that have no bid."""
    books = {fields.text("symbol"): _bid(fields) for fields in objects(result, "ticker.book")}
    return {symbol: bid for symbol, bid in books.items() if bid and symbol in symbols}


def _bid(fields: Fields) -> Decimal:
    return ZERO if fields.raw("bidPrice") is None else fields.amount("bidPrice")


def account_commission(result: Any) -> Commission:
    """Read the account's general rates from the reply to `account.status`."""
    return _commission([Fields(result, "account").child("commissionRates")])


def placed(result: Any, symbol: str, client_order_id: str) -> Accepted:
    """Read the reply to `order.place` of a limit order, responded in FULL.

    Its fills carry neither their quote quantity nor a time: they took liquidity just now, at
    price x quantity. Where that does not add up to the order's own sums, because the exchange
    rounds, they are left out: the stream and `myTrades` state them exactly.
    """
    fields = Fields(result, "order.place")
    order = _order(fields, symbol, client_order_id, fields.time_ms("transactTime"))
    expect(fields, "clientOrderId", client_order_id)
    fills = _fills_at_once(fields, order.order_id) if "fills" in fields else ()
    return Accepted(order, fills if _add_up(fills, order) else ())


def canceled(result: Any, symbol: str, intent: CancelIntent) -> Accepted:
    """Read the reply to `order.cancel`, about the order that was named in it.

    Its `origClientOrderId` is the order's last id, `clientOrderId` that of the cancel.
    """
    fields = Fields(result, "order.cancel")
    if intent.order_id is None:
        expect(fields, "origClientOrderId", intent.client_order_id)
    order = _order(fields, symbol, intent.client_order_id, time_ms=None)
    if intent.order_id not in {None, order.order_id}:
        raise fields.error("orderId", f"{intent.order_id} was expected, not {order.order_id}")
    return Accepted(order)


def order_status(result: Any, symbol: str, client_order_id: str) -> ExchangeOrder:
    """Read the reply to `order.status` by client id.

    The reply may show the id of the cancel that renamed the order; the order was found by the id
    that was asked for, and keeps it here.
    """
    fields = Fields(result, "order.status")
    return _order(fields, symbol, client_order_id, fields.time_ms("time"))


def order_by_id(result: Any, symbol: str) -> ExchangeOrder:
    """Read the reply to `order.status` by the exchange's id, whoever placed the order."""
    fields = Fields(result, "order.status")
    return _order(fields, symbol, fields.text("clientOrderId"), fields.time_ms("time"))


def open_orders(result: Any, symbol: str) -> tuple[ExchangeOrder, ...]:
    """Read the reply to `openOrders.status`."""
    return tuple(
        _order(fields, symbol, fields.text("clientOrderId"), fields.time_ms("time"))
        for fields in objects(result, "openOrders")
    )


def trades(result: Any, symbol: str) -> tuple[Fill, ...]:
    """Read the reply to `myTrades`, in ascending order of trade ids."""
    fills = [_trade(fields, symbol) for fields in objects(result, "myTrades")]
    return tuple(sorted(fills, key=lambda fill: fill.trade_id))


def side(fields: Fields, name: str) -> Side:
    """Read a side."""
    text = fields.text(name)
    try:
        return Side(text)
    except ValueError as exc:
        raise fields.error(name, f"BUY or SELL was expected, not {text!r}") from exc


def expiry_reason(fields: Fields, name: str) -> str:
    """Read why the exchange ended an order; empty where it does not say, or has not."""
    text = fields.text(name) if name in fields else _NOT_EXPIRED
    return "" if text == _NOT_EXPIRED else text


def commission_asset(fields: Fields, name: str, commission: Decimal) -> str:
    """Read in what a commission was charged; where it is zero, no asset need be named."""
    if name in fields:
        return fields.text(name)
    if commission != ZERO:
        raise fields.error(name, "a commission without its asset")
    return NO_ASSET


def _order(fields: Fields, symbol: str, client_order_id: str, time_ms: int | None) -> ExchangeOrder:
    """Read the facts that all replies about an order share."""
    expect(fields, "symbol", symbol)
    return ExchangeOrder(
        client_order_id=client_order_id,
        order_id=fields.integer("orderId"),
        side=side(fields, "side"),
        price=fields.amount("price"),
        quantity=fields.amount("origQty"),
        status=fields.text("status"),
        executed=fields.amount("executedQty"),
        executed_quote=fields.decimal(
            "cummulativeQuoteQty"
        ),  # below 0 where it is not known any more
        time_ms=time_ms,
        prevented=or_zero(fields, "preventedQuantity"),
        expiry_reason=expiry_reason(fields, "expiryReason"),
    )


def _fills_at_once(fields: Fields, order_id: int) -> tuple[Fill, ...]:
    time_ms = fields.time_ms("transactTime")
    return tuple(_fill_at_once(fill, order_id, time_ms) for fill in fields.children("fills"))


def _fill_at_once(fields: Fields, order_id: int, time_ms: int) -> Fill:
    price, quantity = fields.amount("price"), fields.amount("qty")
    commission = fields.decimal("commission")
    return Fill(
        order_id=order_id,
        trade_id=fields.integer("tradeId"),
        price=price,
        quantity=quantity,
        quote_quantity=price * quantity,
        commission=commission,
        commission_asset=commission_asset(fields, "commissionAsset", commission),
        is_maker=False,
        time_ms=time_ms,
    )


def _add_up(fills: tuple[Fill, ...], order: ExchangeOrder) -> bool:
    quantity = sum((fill.quantity for fill in fills), ZERO)
    quote = sum((fill.quote_quantity for fill in fills), ZERO)
    return (quantity, quote) == (order.executed, order.executed_quote)


def _trade(fields: Fields, symbol: str) -> Fill:
    expect(fields, "symbol", symbol)
    charged = fields.decimal("commission")
    return Fill(
        order_id=fields.integer("orderId"),
        trade_id=fields.integer("id"),
        price=fields.amount("price"),
        quantity=fields.amount("qty"),
        quote_quantity=fields.amount("quoteQty"),
        commission=charged,
        commission_asset=commission_asset(fields, "commissionAsset", charged),
        is_maker=fields.flag("isMaker"),
        time_ms=fields.time_ms("time"),
    )


def or_zero(fields: Fields | None, name: str) -> Decimal:
    """Read an amount, zero where it is not there."""
    return ZERO if fields is None or name not in fields else fields.amount(name)


def _commission(parts: list[Fields]) -> Commission:
    """Add the parts up; a limit order may turn out to be maker or taker, so the larger counts."""
    if not parts:
        raise PayloadError("commission", "no rates in it")

    def total(name: str) -> Decimal:
        return sum((part.decimal(name) for part in parts), ZERO)

    either = max(total("maker"), total("taker"))
    return Commission(buy=either + total("buyer"), sell=either + total("seller"))


def expect(fields: Fields, name: str, expected: str) -> None:
    """Refuse a message that speaks of another symbol or order than the request."""
    if fields.text(name) != expected:
        raise fields.error(name, f"{expected} was expected, not {fields.text(name)!r}")
