"""Reads the exchange's side, page by page."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from symbol_trader.audit.evidence import ExchangeOrder, ExchangeSide, Execution
from symbol_trader.binance.asking import Asker
from symbol_trader.binance.fields import Fields, objects

Row = TypeVar("Row")

PAGE = 1000
"""The most rows per page that Binance allows; it may send fewer."""


async def read(ask: Asker, symbol: str) -> tuple[str, ExchangeSide]:
    """Read the account's uid, and all of its orders and fills in a symbol. Raises `Unavailable`."""
    uid = await ask.query("account.status", {"omitZeroBalances": True}, _uid)
    base, quote = await ask.query(
        "exchangeInfo", {"symbol": symbol}, lambda result: _assets(result, symbol), private=False
    )

    page: dict[str, str | int | bool] = {"symbol": symbol, "limit": PAGE}

    async def orders(start: int) -> list[ExchangeOrder]:
        return await ask.query("allOrders", {**page, "orderId": start}, _orders)

    async def executions(start: int) -> list[Execution]:
        return await ask.query("myTrades", {**page, "fromId": start}, _executions)

    fills = await _all(executions, lambda fill: fill.trade_id)
    placed = await _all(orders, lambda order: order.order_id)
    return uid, ExchangeSide(base, quote, tuple(placed), tuple(fills))


async def _all(
    page: Callable[[int], Awaitable[list[Row]]], number: Callable[[Row], int]
) -> list[Row]:
    """Read pages by ascending number until one has nothing new."""
    rows: dict[int, Row] = {}
    start = 0
    while found := {number(row): row for row in await page(start)}:
        rows |= found
        start = max(found) + 1
    return [rows[key] for key in sorted(rows)]


def _uid(result: Any) -> str:
    return str(Fields(result, "account").integer("uid"))


def _assets(result: Any, symbol: str) -> tuple[str, str]:
    for entry in Fields(result, "exchangeInfo").children("symbols"):
        if entry.text("symbol") == symbol:
            return entry.text("baseAsset"), entry.text("quoteAsset")
    raise Fields(result, "exchangeInfo").error("symbols", f"{symbol} is not among them")


def _orders(result: Any) -> list[ExchangeOrder]:
    return [
        ExchangeOrder(
            order_id=row.integer("orderId"),
            client_order_id=row.text("clientOrderId"),
            side=row.text("side"),
            price=row.decimal("price"),
            quantity=row.decimal("origQty"),
            executed=row.decimal("executedQty"),
            executed_quote=row.decimal("cummulativeQuoteQty"),  # with a double m, as documented
            status=row.text("status"),
            time_ms=row.integer("time"),
            updated_ms=row.integer("updateTime"),
        )
        for row in objects(result, "allOrders")
    ]


def _executions(result: Any) -> list[Execution]:
    return [_execution(row) for row in objects(result, "myTrades")]


def _execution(row: Fields) -> Execution:
    commission = row.decimal("commission")
    return Execution(
        order_id=row.integer("orderId"),
        trade_id=row.integer("id"),
        price=row.decimal("price"),
        quantity=row.decimal("qty"),
        quote_quantity=row.decimal("quoteQty"),
        commission=commission,
        commission_asset=row.text("commissionAsset") if commission else "",
    )
