"""How what happened is told to the schema's function `note`: one JSON object per change.

Amounts travel as text and become NUMERIC over there, so no digit is lost on the way.
"""

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from symbol_trader.core.orders import CancelIntent, FeeValue, Intent
from symbol_trader.core.records import (
    Acknowledged,
    CancelChange,
    FeeValued,
    FillRecorded,
    FillsGivenUp,
    NewTrader,
    OrderChange,
    OrderMissing,
    RecordChange,
    TraderResult,
)


def encode(changes: Iterable[RecordChange]) -> str:
    """Write changes as a JSON array, in their order."""
    return json.dumps([_facts(change) for change in changes], default=amount_text)


def _facts(change: RecordChange) -> dict[str, Any]:  # noqa: C901, PLR0911 - one line per kind
    match change:
        case Intent():
            return _intent(change)
        case CancelIntent():
            return _cancel_intent(change)
        case NewTrader():
            return _new_trader(change)
        case TraderResult():
            return _result(change)
        case OrderChange():
            return _order(change)
        case CancelChange():
            return _cancel(change)
        case FillRecorded():
            return _fill(change)
        case FeeValued():
            return _fee(change)
        case OrderMissing():
            return {"kind": "missing", "client_order_id": change.client_order_id}
        case FillsGivenUp():
            return {"kind": "fills_given_up", "client_order_id": change.client_order_id}
        case Acknowledged():
            return {"kind": "acknowledged", "client_order_id": change.client_order_id}


def _intent(intent: Intent) -> dict[str, Any]:
    return {
        "kind": "intent",
        "client_order_id": intent.client_order_id,
        "trader_id": intent.trader_id,
        "side": intent.side,
        "attempt": intent.attempt,
        "price": intent.price,
        "quantity": intent.quantity,
        "time_in_force": intent.time_in_force,
        "timestamp_ms": intent.timestamp_ms,
        "recv_window_ms": intent.recv_window_ms,
    }


def _cancel_intent(intent: CancelIntent) -> dict[str, Any]:
    return {
        "kind": "cancel_intent",
        "cancel_id": intent.cancel_id,
        "client_order_id": intent.client_order_id,
        "attempt": intent.attempt,
        "timestamp_ms": intent.timestamp_ms,
        "recv_window_ms": intent.recv_window_ms,
        "reason": intent.reason,
    }


def _new_trader(trader: NewTrader) -> dict[str, Any]:
    return {
        "kind": "trader",
        "trader_id": trader.trader_id,
        "parent": trader.parent,
        "chunk_budget": trader.terms.chunk_budget,
        "buy_down": trader.terms.buy_down,
        "profit": trader.terms.profit,
        "rebuy": trader.terms.rebuy,
        "started_ms": trader.started_ms,
        "reason": trader.reason,
    }


def _result(result: TraderResult) -> dict[str, Any]:
    return {
        "kind": "result",
        "trader_id": result.trader_id,
        "state": result.state,
        "reason": result.reason,
        "finished_ms": result.finished_ms,
        "profit": result.profit,
        "quantity": result.quantity,
        "carried": result.carried,
        "carried_cost": result.carried_cost,
    }


def _order(change: OrderChange) -> dict[str, Any]:
    return {
        "kind": "order",
        "client_order_id": change.client_order_id,
        "state": change.state,
        "order_id": change.order_id,
        "executed": change.executed,
        "executed_quote": change.executed_quote,
        "reason": change.reason,
        "quantity": change.quantity,
    }


def _cancel(change: CancelChange) -> dict[str, Any]:
    return {
        "kind": "cancel",
        "cancel_id": change.cancel_id,
        "outcome": change.outcome,
        "reason": change.reason,
    }


def _fill(recorded: FillRecorded) -> dict[str, Any]:
    fill = recorded.fill
    return {
        "kind": "fill",
        "client_order_id": recorded.client_order_id,
        "side": recorded.side,
        "order_id": fill.order_id,
        "trade_id": fill.trade_id,
        "price": fill.price,
        "quantity": fill.quantity,
        "quote_quantity": fill.quote_quantity,
        "commission": fill.commission,
        "commission_asset": fill.commission_asset,
        "is_maker": fill.is_maker,
        "time_ms": fill.time_ms,
        "fee_in": recorded.fee_in,
        **_fee_value(fill.fee_value),
    }


def _fee_value(value: FeeValue | None) -> dict[str, Any]:
    if value is None:
        return {}
    return {
        "fee_value": value.value,
        "fee_price": value.price,
        "fee_source": value.source,
        "fee_price_ms": value.time_ms,
    }


def _fee(valued: FeeValued) -> dict[str, Any]:
    return {
        "kind": "fee",
        "trader_id": valued.trader_id,
        "client_order_id": valued.client_order_id,
        "trade_id": valued.trade_id,
        **_fee_value(valued.value),
    }


def amount_text(value: object) -> str:
    """Write an amount exactly, for `json.dumps`."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    raise TypeError(f"{type(value).__name__} does not belong into the record")
