"""The record's rows as the core's values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from symbol_trader.core.orders import (
    CancelIntent,
    ClientOrderId,
    FeeValue,
    Fill,
    Intent,
    OrderState,
    Side,
    TimeInForce,
    TraderId,
)
from symbol_trader.core.records import (
    RecordedOrder,
    RecordedTrader,
    Snapshot,
    TraderTerms,
    UnvaluedFee,
    Watermark,
)

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Parts:
    """The rows of one load, all as of one moment, in the order in which they are to be kept."""

    traders: Iterable[Row]
    attempts: Iterable[Row]
    orders: Iterable[Row]
    cancels: Iterable[Row]
    fills: Iterable[Row]
    unvalued_fees: Iterable[Row]
    unvalued_sums: Iterable[Row]


def snapshot(sums: Row, parts: Parts) -> Snapshot:
    """Put the results of one load together."""
    orders = _orders(parts)
    attempts = _grouped("trader_id", parts.attempts)
    return Snapshot(
        installation=sums["installation"],
        traders=tuple(
            _trader(row, orders.get(row["trader_id"], []), attempts.get(row["trader_id"], []))
            for row in parts.traders
        ),
        carried=sums["carried"],
        profit=sums["profit"],
        finished=sums["finished"],
        watermark=_watermark(sums),
        shutdown_age_ms=sums["shutdown_age_ms"],
        carried_cost=sums["carried_cost"],
        unvalued_fees=(fees := tuple(UnvaluedFee(**row) for row in parts.unvalued_fees)),
        more_unvalued_fees=_less(parts.unvalued_sums, fees),
    )


def _watermark(sums: Row) -> Watermark | None:
    trade_id = sums["watermark"]
    return None if trade_id is None else Watermark(trade_id, sums["watermark_ms"])


def _less(sums: Iterable[Row], fees: Iterable[UnvaluedFee]) -> dict[str, Decimal]:
    """Return what is left of each asset's sum without some fees."""
    left = {row["asset"]: row["amount"] for row in sums}
    for fee in fees:
        left[fee.asset] -= fee.amount
    return {asset: amount for asset, amount in left.items() if amount}


def _orders(parts: Parts) -> dict[str, list[RecordedOrder]]:
    """Return each trader's orders with their fills and cancels."""
    cancels = _grouped("client_order_id", parts.cancels)
    fills = _grouped("client_order_id", parts.fills)
    orders: dict[str, list[RecordedOrder]] = {}
    for row in parts.orders:
        name = row["client_order_id"]
        order = _order(row, fills.get(name, []), cancels.get(name, []))
        orders.setdefault(row["trader_id"], []).append(order)
    return orders


def _grouped(key: str, rows: Iterable[Row]) -> dict[Any, list[Row]]:
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        groups.setdefault(row[key], []).append(row)
    return groups


def _trader(row: Row, orders: Iterable[RecordedOrder], attempts: Iterable[Row]) -> RecordedTrader:
    terms = TraderTerms(
        chunk_budget=row["chunk_budget"],
        buy_down=row["buy_down"],
        profit=row["profit_interval"],
        rebuy=row["rebuy"],
    )
    return RecordedTrader(
        trader_id=TraderId(row["trader_id"]),
        terms=terms,
        started_ms=row["started_ms"],
        rebuy_spent=row["rebuy_spent"],
        orders=tuple(orders),
        attempts={Side(side["side"]): side["attempt"] for side in attempts},
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
        quantity=row["current_quantity"],
        fills_given_up=row["fills_given_up"],
        acknowledged=row["acknowledged"],
        settled_by_person=row["settled"],
        missing=row["missing"],
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
        fee_value=_fee_value(row),
    )


def _fee_value(row: Row) -> FeeValue | None:
    if row["fee_value"] is None:
        return None
    return FeeValue(row["fee_value"], row["fee_price"], row["fee_source"], row["fee_price_ms"])
