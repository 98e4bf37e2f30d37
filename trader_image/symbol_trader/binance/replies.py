"""What Binance answers, in the core's words. Source of the shapes: web-socket-api.md.

Every function raises `PayloadError`, naming the field, for what it cannot read.
"""

from dataclasses import dataclass
from decimal import Decimal
from operator import itemgetter
from typing import Any

from symbol_trader.binance.fields import Fields, PayloadError, objects
from symbol_trader.binance.pacing import ConnectionLimit
from symbol_trader.core.money import ZERO
from symbol_trader.core.orders import NO_ASSET, CancelIntent, ExchangeOrder, Fill, Side
from symbol_trader.core.replies import Accepted, Account, Price
from symbol_trader.core.symbols import Commission, Filters, SymbolInfo


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


_COMMISSION_PARTS = ("standardCommission", "specialCommission", "taxCommission")
_INTERVALS_S = {"SECOND": 1.0, "MINUTE": 60.0, "HOUR": 3_600.0, "DAY": 86_400.0}
_NOTIONAL_FILTERS = ("NOTIONAL", "MIN_NOTIONAL")


def server_time_ms(result: Any) -> int:
    """Read the reply to `time`."""
    return Fields(result, "time").integer("serverTime")


def account(result: Any) -> Account:
    """Read the reply to `account.status`."""
    fields = Fields(result, "account")
    balances = fields.children("balances")
    return Account(
        uid=str(fields.integer("uid")),
        free={balance.text("asset"): balance.decimal("free") for balance in balances},
    )


def symbol_info(result: Any, symbol: str) -> SymbolInfo:
    """Read the reply to `exchangeInfo`."""
    fields = Fields(result, "exchangeInfo")
    for entry in fields.children("symbols"):
        if entry.text("symbol") == symbol:
            return SymbolInfo(
                name=symbol,
                base_asset=entry.text("baseAsset"),
                quote_asset=entry.text("quoteAsset"),
                filters=_filters(entry),
                status=entry.text("status"),
            )
    raise fields.error("symbols", f"{symbol} is not among them")


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
        Price(fields.integer("id"), fields.decimal("price"), fields.integer("time"))
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


def connection_limit(result: Any) -> ConnectionLimit | None:
    """Read how many connections `exchangeInfo` allows; None where it does not say."""
    info = Fields(result, "exchangeInfo")
    for limit in info.children("rateLimits") if "rateLimits" in info else ():
        if limit.text("rateLimitType") == "CONNECTIONS" and limit.text("interval") in _INTERVALS_S:
            window_s = limit.integer("intervalNum") * _INTERVALS_S[limit.text("interval")]
            return ConnectionLimit(limit.integer("limit"), window_s)
    return None


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
    return Candle(fields.integer("opened"), fields.decimal("close"), fields.integer("closed"))


def best_bid(result: Any, symbol: str) -> Decimal:
    """Read the reply to `ticker.book`; a book without bids shows a price of zero, or null."""
    fields = Fields(result, "ticker.book")
    _expect(fields, "symbol", symbol)
    return ZERO if fields.raw("bidPrice") is None else fields.decimal("bidPrice")


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
    order = _order(fields, symbol, client_order_id, fields.integer("transactTime"))
    _expect(fields, "clientOrderId", client_order_id)
    fills = _fills_at_once(fields, order.order_id) if "fills" in fields else ()
    return Accepted(order, fills if _add_up(fills, order) else ())


def canceled(result: Any, symbol: str, intent: CancelIntent) -> Accepted:
    """Read the reply to `order.cancel`, about the order that was named in it.

    Its `origClientOrderId` is the order's last id, `clientOrderId` that of the cancel.
    """
    fields = Fields(result, "order.cancel")
    if intent.order_id is None:
        _expect(fields, "origClientOrderId", intent.client_order_id)
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
    return _order(fields, symbol, client_order_id, fields.integer("time"))


def order_by_id(result: Any, symbol: str) -> ExchangeOrder:
    """Read the reply to `order.status` by the exchange's id, whoever placed the order."""
    fields = Fields(result, "order.status")
    return _order(fields, symbol, fields.text("clientOrderId"), fields.integer("time"))


def open_orders(result: Any, symbol: str) -> tuple[ExchangeOrder, ...]:
    """Read the reply to `openOrders.status`."""
    return tuple(
        _order(fields, symbol, fields.text("clientOrderId"), fields.integer("time"))
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


def commission_asset(fields: Fields, name: str, commission: Decimal) -> str:
    """Read in what a commission was charged; where it is zero, no asset need be named."""
    if name in fields:
        return fields.text(name)
    if commission != ZERO:
        raise fields.error(name, "a commission without its asset")
    return NO_ASSET


def _order(fields: Fields, symbol: str, client_order_id: str, time_ms: int | None) -> ExchangeOrder:
    """Read the facts that all replies about an order share."""
    _expect(fields, "symbol", symbol)
    return ExchangeOrder(
        client_order_id=client_order_id,
        order_id=fields.integer("orderId"),
        side=side(fields, "side"),
        price=fields.decimal("price"),
        quantity=fields.decimal("origQty"),
        status=fields.text("status"),
        executed=fields.decimal("executedQty"),
        executed_quote=fields.decimal("cummulativeQuoteQty"),  # with a double m, as documented
        time_ms=time_ms,
        prevented=_or_zero(fields, "preventedQuantity"),
    )


def _fills_at_once(fields: Fields, order_id: int) -> tuple[Fill, ...]:
    time_ms = fields.integer("transactTime")
    return tuple(_fill_at_once(fill, order_id, time_ms) for fill in fields.children("fills"))


def _fill_at_once(fields: Fields, order_id: int, time_ms: int) -> Fill:
    price, quantity = fields.decimal("price"), fields.decimal("qty")
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
    _expect(fields, "symbol", symbol)
    charged = fields.decimal("commission")
    return Fill(
        order_id=fields.integer("orderId"),
        trade_id=fields.integer("id"),
        price=fields.decimal("price"),
        quantity=fields.decimal("qty"),
        quote_quantity=fields.decimal("quoteQty"),
        commission=charged,
        commission_asset=commission_asset(fields, "commissionAsset", charged),
        is_maker=fields.flag("isMaker"),
        time_ms=fields.integer("time"),
    )


def _filters(entry: Fields) -> Filters:
    """Read the static filters; a symbol without tick or step would make every order a guess."""
    found = {fields.text("filterType"): fields for fields in entry.children("filters")}
    for name in ("PRICE_FILTER", "LOT_SIZE"):
        if name not in found:
            raise entry.error("filters", f"{name} is missing")
    price, lot = found["PRICE_FILTER"], found["LOT_SIZE"]
    notional = next((found[name] for name in _NOTIONAL_FILTERS if name in found), None)
    return Filters(
        tick_size=_unit(price.decimal("tickSize"), entry, "quoteAssetPrecision"),
        min_price=price.decimal("minPrice"),
        max_price=price.decimal("maxPrice"),
        step_size=_unit(lot.decimal("stepSize"), entry, "baseAssetPrecision"),
        min_quantity=lot.decimal("minQty"),
        max_quantity=lot.decimal("maxQty"),
        min_notional=_or_zero(notional, "minNotional"),
        max_notional=_or_zero(notional, "maxNotional"),
    )


def _unit(step: Decimal, entry: Fields, precision: str) -> Decimal:
    """Return a step, or the asset's smallest unit where zero says that the rule is disabled."""
    return step or Decimal(1).scaleb(-entry.integer(precision))


def _or_zero(fields: Fields | None, name: str) -> Decimal:
    return ZERO if fields is None or name not in fields else fields.decimal(name)


def _commission(parts: list[Fields]) -> Commission:
    """Add the parts up; a limit order may turn out to be maker or taker, so the larger counts."""
    if not parts:
        raise PayloadError("commission", "no rates in it")

    def total(name: str) -> Decimal:
        return sum((part.decimal(name) for part in parts), ZERO)

    either = max(total("maker"), total("taker"))
    return Commission(buy=either + total("buyer"), sell=either + total("seller"))


def _expect(fields: Fields, name: str, expected: str) -> None:
    """Refuse a message that speaks of another symbol or order than the request."""
    if fields.text(name) != expected:
        raise fields.error(name, f"{expected} was expected, not {fields.text(name)!r}")
