"""Refusals, balances, fees and the life of orders."""

from dataclasses import replace
from typing import Any

import pytest

from paper_exchange.core.engine import Grant, SymbolStatus
from paper_exchange.core.errors import ExchangeError
from paper_exchange.core.events import BalanceChange, Execution, ExecutionReport, Position
from paper_exchange.core.fees import Commission, FeeRates
from paper_exchange.core.orders import OrderStatus, OrderType
from paper_exchange.core.symbols import override
from unit.paper_exchange.builders import FUNDS, NOW, XRP, D, Market, content


@pytest.fixture
def market() -> Market:
    """Make a market that shows 9.99 x 10 bid and 10.01 x 10 asked, and has traded at 10."""
    made = Market()
    made.buy("10.00", 1)
    made.quote("9.99", 10, "10.01", 10)
    return made


def refusal(market: Market, *args: Any, **more: Any) -> tuple[int, str]:
    before = content(market.state)
    with pytest.raises(ExchangeError) as refused:
        market.place(*args, **more)
    assert content(market.state) == before
    return refused.value.code, refused.value.message


@pytest.mark.parametrize(
    ("price", "quantity", "name"),
    [
        ("9.995", "5", "PRICE_FILTER"),
        ("10000001", "5", "PRICE_FILTER"),
        ("50.01", "5", "PERCENT_PRICE_BY_SIDE"),
        ("1.99", "5", "PERCENT_PRICE_BY_SIDE"),
        ("9.99", "5.05", "LOT_SIZE"),
        ("9.99", "1000000001", "LOT_SIZE"),
        ("49.99", "30000000", "NOTIONAL"),
    ],
)
def test_a_static_filter_refuses_with_its_name(
    market: Market, price: str, quantity: str, name: str
) -> None:
    assert refusal(market, "BUY", price, quantity) == (-1013, f"Filter failure: {name}")


def test_the_least_notional_is_enforced(market: Market) -> None:
    small = override(XRP, {"minNotional": "50"})
    market.engine.symbols["XRPUSDT"] = small
    assert refusal(market, "BUY", "9.99", "5") == (-1013, "Filter failure: NOTIONAL")
    assert refusal(market, "BUY", 0, "4", type=OrderType.MARKET)[0] == -1013
    assert refusal(market, "BUY", 0, "0.05", type=OrderType.MARKET) == (
        -1013,
        "Filter failure: MARKET_LOT_SIZE",
    )
    assert market.place("BUY", "10.00", "5").status is OrderStatus.NEW


def test_too_many_open_orders_are_refused_by_the_engine(market: Market) -> None:
    market.engine.symbols["XRPUSDT"] = override(XRP, {"maxNumOrders": 2})
    for _ in range(2):
        market.place("BUY", "9.90", 1)
    assert refusal(market, "BUY", "9.90", 1) == (-2010, "Filter failure: MAX_NUM_ORDERS")
    assert market.place("BUY", "9.90", 1, account="b").is_open


@pytest.mark.parametrize(
    ("side", "price", "quantity", "more"),
    [
        ("BUY", "10.00", "1000.1", {}),
        ("SELL", "10.00", "10000.1", {}),
        ("SELL", 0, "10000.1", {"type": OrderType.MARKET}),
        ("BUY", 0, 0, {"type": OrderType.MARKET, "quote": 10001}),
    ],
)
def test_what_is_not_there_cannot_be_spent(
    market: Market, side: str, price: str, quantity: str, more: dict[str, Any]
) -> None:
    expected = (-2010, "Account has insufficient balance for requested action.")
    assert refusal(market, side, price, quantity, **more) == expected


def test_locked_funds_cannot_be_spent_again(market: Market) -> None:
    market.place("BUY", "9.90", 1000)
    assert market.balance("a", "USDT") == (100, 9900)
    assert refusal(market, "BUY", "9.90", 11)[0] == -2010


def test_a_client_id_is_unique_among_open_orders_of_all_symbols(market: Market) -> None:
    first = market.place("BUY", "9.90", 1, name_="mine")
    eth = market.engine.symbol("ETHUSDT")
    assert refusal(market, "BUY", "9.90", 1, name_="mine", symbol=eth) == (
        -2010,
        "Duplicate order sent.",
    )
    assert market.place("BUY", "9.90", 1, name_="mine", account="b").is_open
    market.cancel(first)
    assert market.place("BUY", "9.90", 1, name_="mine").is_open


def test_a_client_id_is_free_again_after_the_fill(market: Market) -> None:
    market.place("BUY", "10.01", 1, name_="mine")
    assert market.place("BUY", "10.01", 1, name_="mine").status is OrderStatus.FILLED


def test_an_unknown_symbol_is_invalid(market: Market) -> None:
    nope = replace(XRP, name="NOPE")
    assert refusal(market, "BUY", 1, 1, symbol=nope) == (-1121, "Invalid symbol.")


def test_a_halted_symbol_takes_no_orders_but_cancels(market: Market) -> None:
    order = market.place("BUY", "9.90", 1)
    market.engine.status["XRPUSDT"] = SymbolStatus.HALT
    assert refusal(market, "BUY", "9.90", 1) == (-2010, "Market is closed.")
    market.sell("9.00", 5)
    market.quote("8.00", 10, "8.01", 10)
    assert market.executed(order) == [0]
    assert market.engine.state.books["XRPUSDT"].last_trade_id == 1
    assert market.cancel(order).status is OrderStatus.CANCELED


def test_a_buy_locks_quote_and_pays_a_base_commission(market: Market) -> None:
    order = market.place("BUY", "10.00", 5)
    assert market.balance("a", "USDT") == (FUNDS - 50, 50)
    market.sell("9.98", 2)
    assert market.balance("a", "USDT") == (FUNDS - 50, 30)
    assert market.balance("a", "XRP") == (FUNDS + 2 - D("0.002"), 0)
    market.cancel(order)
    assert market.balance("a", "USDT") == (FUNDS - 20, 0)


def test_a_sell_locks_base_and_pays_a_quote_commission(market: Market) -> None:
    market.place("SELL", "10.00", 5)
    assert market.balance("a", "XRP") == (FUNDS - 5, 5)
    market.buy("10.02", 5)
    assert market.balance("a", "XRP") == (FUNDS - 5, 0)
    assert market.balance("a", "USDT") == (FUNDS + 50 - D("0.05"), 0)


def test_price_improvement_is_released(market: Market) -> None:
    market.place("BUY", "10.50", 4)
    assert market.balance("a", "USDT") == (FUNDS - D("40.04"), 0)


def test_maker_and_taker_pay_their_own_rates() -> None:
    market = Market(fees=Commission(FeeRates(maker=D("0.0002"), taker=D("0.0005"))))
    market.place("SELL", "10.00", 5, account="b")
    market.place("BUY", "10.00", 5)
    fills = market.state.books["XRPUSDT"].fills
    assert [(f.account, f.commission, f.commission_asset) for f in fills] == [
        ("a", D("0.0025"), "XRP"),
        ("b", D("0.01"), "USDT"),
    ]


def test_a_commission_is_truncated_to_eight_decimals() -> None:
    market = Market(fees=Commission(FeeRates(maker=D("0.00012345"), taker=D("0.00012345"))))
    market.place("BUY", "10.00", "0.3")
    market.sell("9.00", "0.3")
    assert market.state.books["XRPUSDT"].fills[0].commission == D("0.00003703")


def test_a_cancel_renames_the_order_and_says_what_it_was(market: Market) -> None:
    order = market.place("BUY", "9.90", 5, name_="mine")
    canceled = market.cancel(order, "my-cancel")
    report = market.last.events[0]
    assert isinstance(report, ExecutionReport)
    assert (canceled.status, canceled.client_order_id) == (OrderStatus.CANCELED, "my-cancel")
    assert (report.execution, report.renamed_from) == (Execution.CANCELED, "mine")
    assert canceled.original_client_order_id == "mine"


def test_a_cancel_keeps_what_was_executed(market: Market) -> None:
    order = market.place("BUY", "10.00", 5)
    market.sell("9.98", 2)
    canceled = market.cancel(order)
    assert (canceled.status, canceled.executed) == (OrderStatus.CANCELED, D(2))


def test_what_is_over_cannot_be_cancelled_or_expired(market: Market) -> None:
    order = market.place("BUY", "10.01", 5)
    for end in (
        lambda: market.engine.cancel(NOW, order, "x"),
        lambda: market.engine.expire(NOW, order),
    ):
        with pytest.raises(ExchangeError) as refused:
            end()
        assert (refused.value.code, refused.value.message) == (-2011, "Unknown order sent.")


def test_the_exchange_can_end_an_order(market: Market) -> None:
    order = market.place("BUY", "9.90", 5)
    step = market.engine.expire(NOW, order)
    report = step.events[0]
    assert isinstance(report, ExecutionReport)
    assert (report.execution, report.order.status) == (Execution.EXPIRED, OrderStatus.EXPIRED)
    assert report.order.expiry_reason == "EXCHANGE_CANCELED"
    assert market.balance("a", "USDT") == (FUNDS, 0)


def test_a_deposit_is_reported_and_overdrawing_refused(market: Market) -> None:
    step = market.engine.deposit(NOW, "a", "BNB", D("1.5"))
    assert step.events[0] == BalanceChange("a", "BNB", D("1.5"), NOW)
    assert isinstance(step.events[1], Position)
    assert market.balance("a", "BNB") == (D("1.5"), 0)
    with pytest.raises(ExchangeError):
        market.engine.deposit(NOW, "a", "BNB", D("-1.6"))
    with pytest.raises(ExchangeError):
        market.engine.deposit(NOW, "nobody", "BNB", D(1))


def test_initial_balances_are_granted_once(market: Market) -> None:
    again = [Grant("a", "USDT", D(5)), Grant("a", "DOGE", D(5))]
    market.engine.open(NOW, "test", again)
    assert market.balance("a", "USDT") == (FUNDS, 0)
    assert market.balance("a", "DOGE") == (5, 0)


def test_another_source_starts_from_its_beginning(market: Market) -> None:
    market.engine.played(NOW, 17)
    market.engine.open(NOW, "test", [])
    assert market.state.position == 17
    market.engine.open(NOW, "another", [])
    assert market.state.position == 0


def test_execution_ids_count_every_execution_of_a_symbol(market: Market) -> None:
    order = market.place("BUY", "10.00", 5)
    market.sell("9.98", 2)
    market.cancel(order)
    assert market.state.books["XRPUSDT"].last_execution_id == 3
