"""How what happened is told to the schema's function `note`: one JSON object per change.

Amounts travel as text and become NUMERIC over there, so no digit is lost on the way.
"""

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from symbol_trader.core.records import (
    CancelChange,
    FillRecorded,
    NewTrader,
    OrderChange,
    RecordChange,
    TraderResult,
)


def encode(changes: Iterable[RecordChange]) -> str:
    """Write changes as a JSON array, in their order."""
    return json.dumps([_facts(change) for change in changes], default=_amount)


def _facts(change: RecordChange) -> dict[str, Any]:
    match change:
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
    }


def _amount(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    raise TypeError(f"{type(value).__name__} does not belong into the record")
