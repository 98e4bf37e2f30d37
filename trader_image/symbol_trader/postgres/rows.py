"""The record's rows as the core's values."""

from collections.abc import Iterable, Mapping
from typing import Any

from symbol_trader.core.orders import (
    CancelIntent,
    ClientOrderId,
    Fill,
    Intent,
    OrderState,
    Side,
    TimeInForce,
    TraderId,
)
from symbol_trader.core.records import RecordedOrder, RecordedTrader, Snapshot, TraderTerms

Row = Mapping[str, Any]


def snapshot(
    sums: Row,
    traders: Iterable[Row],
    orders: Iterable[Row],
    cancels: Iterable[Row],
    fills: Iterable[Row],
) -> Snapshot:
    """Put the results of one load together. The order of the rows is kept everywhere."""
    cancels_by_order = _grouped("client_order_id", cancels)
    fills_by_order = _grouped("order_id", fills)
    orders_by_trader = _grouped("trader_id", orders)
    return Snapshot(
        installation=sums["installation"],
        traders=tuple(
            _trader(
                row,
                tuple(
                    _order(
                        order,
                        fills_by_order.get(order["order_id"], []),
                        cancels_by_order.get(order["client_order_id"], []),
                    )
                    for order in orders_by_trader.get(row["trader_id"], [])
                ),
            )
            for row in traders
        ),
        carried=sums["carried"],
        profit=sums["profit"],
        finished=sums["finished"],
        watermark=sums["watermark"],
        shutdown_age_ms=sums["shutdown_age_ms"],
    )


def _grouped(key: str, rows: Iterable[Row]) -> dict[Any, list[Row]]:
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        groups.setdefault(row[key], []).append(row)
    return groups


def _trader(row: Row, orders: tuple[RecordedOrder, ...]) -> RecordedTrader:
    terms = TraderTerms(
        chunk_budget=row["chunk_budget"],
        buy_down=row["buy_down"],
        profit=row["profit_interval"],
        rebuy=row["rebuy"],
    )
    return RecordedTrader(
        TraderId(row["trader_id"]), terms, row["started_ms"], row["rebuy_spent"], orders
    )


def _order(row: Row, fills: Iterable[Row], cancels: Iterable[Row]) -> RecordedOrder:
    return RecordedOrder(
        intent=_intent(row),
        state=OrderState(row["state"]),
        order_id=row["order_id"],
        executed=row["executed"],
        executed_quote=row["executed_quote"],
        reason=row["reason"],
        fills=tuple(_fill(fill) for fill in fills),
        cancels=tuple(_cancel(cancel) for cancel in cancels),
    )


def _intent(row: Row) -> Intent:
    return Intent(
        client_order_id=ClientOrderId(row["client_order_id"]),
        trader_id=TraderId(row["trader_id"]),
        side=Side(row["side"]),
        attempt=row["attempt"],
        price=row["price"],
        quantity=row["quantity"],
        timestamp_ms=row["timestamp_ms"],
        recv_window_ms=row["recv_window_ms"],
        time_in_force=TimeInForce(row["time_in_force"]),
    )


def _cancel(row: Row) -> CancelIntent:
    return CancelIntent(
        cancel_id=ClientOrderId(row["cancel_id"]),
        client_order_id=ClientOrderId(row["client_order_id"]),
        trader_id=TraderId(row["trader_id"]),
        attempt=row["attempt"],
        timestamp_ms=row["timestamp_ms"],
        recv_window_ms=row["recv_window_ms"],
        reason=row["reason"],
    )


def _fill(row: Row) -> Fill:
    return Fill(
        order_id=row["order_id"],
        trade_id=row["trade_id"],
        price=row["price"],
        quantity=row["quantity"],
        quote_quantity=row["quote_quantity"],
        commission=row["commission"],
        commission_asset=row["commission_asset"],
        is_maker=row["is_maker"],
        time_ms=row["time_ms"],
    )
