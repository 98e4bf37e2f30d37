"""Requests carry the intent's values: nothing added, nothing rounded."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from symbol_trader.binance import requests
from symbol_trader.binance.weights import weight_of
from symbol_trader.core.orders import Side, TimeInForce
from unit.binance.payloads import CANCEL, CANCEL_ID, INTENT, ORDER_ID, SYMBOL


def test_an_order_is_its_intent() -> None:
    assert requests.place(INTENT, SYMBOL) == {
        "symbol": SYMBOL,
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "price": "0.5",
        "quantity": "40",
        "newClientOrderId": ORDER_ID,
        "newOrderRespType": "FULL",
        "timestamp": 1_700_000_000_000,
        "recvWindow": 3000,
    }


def test_a_sale_that_must_not_rest() -> None:
    intent = replace(INTENT, side=Side.SELL, time_in_force=TimeInForce.IOC)

    params = requests.place(intent, SYMBOL)

    assert (params["side"], params["timeInForce"]) == ("SELL", "IOC")


def test_a_cancel_is_its_intent() -> None:
    assert requests.cancel(CANCEL, SYMBOL) == {
        "symbol": SYMBOL,
        "origClientOrderId": ORDER_ID,
        "newClientOrderId": CANCEL_ID,
        "timestamp": 1_700_000_001_000,
        "recvWindow": 3000,
    }


def test_a_cancel_of_an_order_whose_id_is_known_goes_by_it() -> None:
    """Others may have renamed the order."""
    params = requests.cancel(replace(CANCEL, order_id=42), SYMBOL)
    assert params["orderId"] == 42
    assert "origClientOrderId" not in params


@given(
    st.decimals(min_value="1e-18", max_value="1e18", allow_nan=False),
    st.decimals(min_value="1e-18", max_value="1e18", allow_nan=False),
)
def test_prices_and_quantities_are_plain_and_exact(price: Decimal, quantity: Decimal) -> None:
    params = requests.place(replace(INTENT, price=price, quantity=quantity), SYMBOL)

    for name, value in (("price", price), ("quantity", quantity)):
        text = params[name]
        assert isinstance(text, str)
        assert set(text) <= set("0123456789.")
        assert Decimal(text) == value


def test_trades_are_asked_for_from_an_id_on_or_of_an_order_or_the_newest() -> None:
    page = {"symbol": SYMBOL, "limit": 1000}

    assert requests.my_trades(SYMBOL, None, None) == {"symbol": SYMBOL, "limit": 100}
    assert requests.my_trades(SYMBOL, 0, None) == {**page, "fromId": 0}
    assert requests.my_trades(SYMBOL, 5, 101) == {**page, "fromId": 5, "orderId": 101}


def test_the_trades_of_an_order_weigh_less_than_those_of_a_symbol() -> None:
    assert weight_of("myTrades", requests.my_trades(SYMBOL, 5, None)) == 20
    assert weight_of("myTrades", requests.my_trades(SYMBOL, 5, 101)) == 5


def test_books_of_several_symbols_are_asked_for_at_once() -> None:
    params = requests.books({"XRPUSDT", "BTCUSDT"})
    assert params == {"symbols": '["BTCUSDT","XRPUSDT"]'}
    assert weight_of("ticker.book", params) == 4
    assert weight_of("ticker.book", {"symbol": SYMBOL}) == 2


def test_an_order_is_queried_by_its_own_id() -> None:
    assert requests.order_status(ORDER_ID, SYMBOL) == {
        "symbol": SYMBOL,
        "origClientOrderId": ORDER_ID,
    }


def test_a_stamp_is_added_to_what_reads() -> None:
    assert requests.stamped({"symbol": SYMBOL}, 17, 5000) == {
        "symbol": SYMBOL,
        "timestamp": 17,
        "recvWindow": 5000,
    }
