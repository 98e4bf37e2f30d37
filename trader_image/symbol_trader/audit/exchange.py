"""Reads the exchange's side, page by page."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from symbol_trader.audit.evidence import Execution, ListedOrder
from symbol_trader.binance.fields import Fields, objects
from symbol_trader.binance.requesting import RequestClient

Row = TypeVar("Row")

PAGE = 1000
"""The most rows per page that Binance allows; it may send fewer."""


@dataclass(frozen=True, slots=True)
class Account:
    """Whose orders these are, and the symbol's assets."""

    uid: str
    base_asset: str
    quote_asset: str


async def account(client: RequestClient, symbol: str) -> Account:
    """Read the account's uid and the symbol's assets. Raises `Unavailable`."""
    uid = await client.query("account.status", {"omitZeroBalances": True}, _uid)
    base, quote = await client.query(
        "exchangeInfo", {"symbol": symbol}, lambda result: _assets(result, symbol), private=False
    )
    return Account(uid, base, quote)


def orders(client: RequestClient, symbol: str, first: int) -> AsyncIterator[list[ListedOrder]]:
    """Yield all orders of the account from an order id on, page by page."""

    async def page(start: int) -> list[ListedOrder]:
        return await client.query("allOrders", _page(symbol, orderId=start), _orders)

    return _pages(page, lambda order: order.order_id, first)


def executions(client: RequestClient, symbol: str, first: int) -> AsyncIterator[list[Execution]]:
    """Yield all fills of the account from a trade id on, page by page."""

    async def page(start: int) -> list[Execution]:
        return await client.query("myTrades", _page(symbol, fromId=start), _executions)

    return _pages(page, lambda fill: fill.trade_id, first)


def _page(symbol: str, **start: int) -> dict[str, str | int | bool]:
    return {"symbol": symbol, "limit": PAGE, **start}


async def _pages(
    page: Callable[[int], Awaitable[list[Row]]], number: Callable[[Row], int], first: int
) -> AsyncIterator[list[Row]]:
    """Read pages by ascending number until one is empty. One page at a time is in memory."""
    start = first
    while rows := await page(start):
        yield rows
        start = max(map(number, rows)) + 1


def _uid(result: Any) -> str:
    return str(Fields(result, "account").integer("uid"))


def _assets(result: Any, symbol: str) -> tuple[str, str]:
    for entry in Fields(result, "exchangeInfo").children("symbols"):
        if entry.text("symbol") == symbol:
            return entry.text("baseAsset"), entry.text("quoteAsset")
    raise Fields(result, "exchangeInfo").error("symbols", f"{symbol} is not among them")


def _orders(result: Any) -> list[ListedOrder]:
    return [
        ListedOrder(
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
