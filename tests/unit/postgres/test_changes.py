"""How changes travel: as JSON with amounts as text."""

import json
from dataclasses import fields, replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.recorded import (
    START_MS,
    became,
    cancel,
    cancel_change,
    fill,
    intent,
    order_name,
    result,
    trader,
)
from symbol_trader.core.orders import FeeAsset, FeeValue, OrderState, Side, TraderId
from symbol_trader.core.records import (
    Acknowledged,
    FeeValued,
    FillRecorded,
    FillsGivenUp,
    OrderMissing,
    RecordChange,
    TraderState,
)
from symbol_trader.postgres.changes import encode

VALUE = FeeValue(Decimal("0.6"), Decimal(600), "BNBUSDT, one minute", START_MS)
START = datetime(2023, 11, 14, tzinfo=UTC)


def test_each_kind_of_change_is_told_with_all_its_facts() -> None:
    changes: list[RecordChange] = [
        trader("b", parent="a"),
        became(order_name("b"), OrderState.OPEN, 7, "1", "0.5", reason="why"),
        FillRecorded(
            order_name("b"), Side.BUY, fill(7, 3, commission="0.01", asset="XRP"), FeeAsset.BASE
        ),
        cancel_change(cancel("b"), "accepted", "done"),
        result(
            "b",
            TraderState.HELD,
            profit="-1",
            quantity="2",
            reason="deadline",
            carried="0.5",
            carried_cost="0.25",
        ),
        intent("b"),
        cancel("b"),
        FeeValued(TraderId("b"), order_name("b", Side.SELL), 3, VALUE),
        OrderMissing(order_name("b")),
        FillsGivenUp(order_name("b")),
        Acknowledged(order_name("b")),
    ]
    assert json.loads(encode(changes)) == [
        {
            "kind": "trader",
            "trader_id": "b",
            "parent": "a",
            "chunk_budget": "20",
            "buy_down": "0.0001",
            "profit": "0.001",
            "rebuy": "0.001",
            "started_ms": START_MS,
            "reason": "the price fell",
        },
        {
            "kind": "order",
            "client_order_id": "b-buy-1",
            "state": "open",
            "order_id": 7,
            "executed": "1",
            "executed_quote": "0.5",
            "reason": "why",
            "quantity": None,
        },
        {
            "kind": "fill",
            "client_order_id": "b-buy-1",
            "side": "BUY",
            "order_id": 7,
            "trade_id": 3,
            "price": "0.5",
            "quantity": "40",
            "quote_quantity": "20.0",
            "commission": "0.01",
            "commission_asset": "XRP",
            "is_maker": True,
            "time_ms": START_MS + 500,
            "fee_in": "base",
        },
        {"kind": "cancel", "cancel_id": "b-buy-1-c1", "outcome": "accepted", "reason": "done"},
        {
            "kind": "result",
            "trader_id": "b",
            "state": "held",
            "reason": "deadline",
            "finished_ms": START_MS + 9_000,
            "profit": "-1",
            "quantity": "2",
            "carried": "0.5",
            "carried_cost": "0.25",
        },
        {
            "kind": "intent",
            "client_order_id": "b-buy-1",
            "trader_id": "b",
            "side": "BUY",
            "attempt": 1,
            "price": "0.5",
            "quantity": "40",
            "time_in_force": "GTC",
            "timestamp_ms": START_MS,
            "recv_window_ms": 3_000,
        },
        {
            "kind": "cancel_intent",
            "cancel_id": "b-buy-1-c1",
            "client_order_id": "b-buy-1",
            "attempt": 1,
            "timestamp_ms": START_MS + 1_000,
            "recv_window_ms": 3_000,
            "reason": "older than maxBuyAge",
        },
        {
            "kind": "fee",
            "trader_id": "b",
            "client_order_id": "b-sell-1",
            "trade_id": 3,
            "fee_value": "0.6",
            "fee_price": "600",
            "fee_source": "BNBUSDT, one minute",
            "fee_price_ms": START_MS,
        },
        {"kind": "missing", "client_order_id": "b-buy-1"},
        {"kind": "fills_given_up", "client_order_id": "b-buy-1"},
        {"kind": "acknowledged", "client_order_id": "b-buy-1"},
    ]


def test_no_fact_of_a_fill_is_left_out() -> None:
    valued = replace(fill(1), fee_value=VALUE)
    (told,) = json.loads(encode([FillRecorded(order_name("a"), Side.BUY, valued)]))
    assert {field.name for field in fields(fill(1))} <= set(told)


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_an_amount_is_written_in_full(amount: Decimal) -> None:
    (told,) = json.loads(encode([result("a", profit=str(amount))]))
    assert Decimal(told["profit"]) == amount
    assert "E" not in told["profit"]


def test_what_json_does_not_know_and_is_no_amount_is_refused() -> None:
    odd = replace(became(order_name("a"), OrderState.OPEN, 1), reason=START)  # type: ignore[arg-type]  # what no program writes
    with pytest.raises(TypeError, match="datetime does not belong into the record"):
        encode([odd])
