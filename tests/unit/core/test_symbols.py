"""The filters of a symbol: which orders pass, and which filter names the others."""

from dataclasses import replace

import pytest

from symbol_trader.core.symbols import Filters, gone
from unit.core.builders import D

LIMITED = Filters(
    tick_size=D("0.01"),
    step_size=D("0.1"),
    min_quantity=D("0.5"),
    max_quantity=D(100),
    min_price=D("0.05"),
    max_price=D(1000),
    min_notional=D(5),
    max_notional=D(5000),
)


@pytest.mark.parametrize(
    ("price", "quantity", "violation"),
    [
        pytest.param("10", "1", None, id="well inside"),
        pytest.param("0.05", "100", None, id="least price, most quantity, least notional"),
        pytest.param("1000", "5", None, id="most price, most notional"),
        pytest.param("10", "0.5", None, id="least quantity"),
        pytest.param("0.04", "100", "PRICE_FILTER", id="price too low"),
        pytest.param("1000.01", "1", "PRICE_FILTER", id="price too high"),
        pytest.param("10.005", "1", "PRICE_FILTER", id="price between ticks"),
        pytest.param("10", "0.4", "LOT_SIZE", id="quantity too small"),
        pytest.param("10", "100.1", "LOT_SIZE", id="quantity too large"),
        pytest.param("10", "1.05", "LOT_SIZE", id="quantity between steps"),
        pytest.param("9.99", "0.5", "NOTIONAL", id="worth too little"),
        pytest.param("1000", "5.1", "NOTIONAL", id="worth too much"),
    ],
)
def test_an_order_is_judged_by_each_filter(
    price: str, quantity: str, violation: str | None
) -> None:
    assert LIMITED.violation(D(price), D(quantity)) == violation


def test_zeros_mean_no_limit_but_nothing_is_no_quantity() -> None:
    free = Filters(tick_size=D(0), step_size=D(0), min_quantity=D(0))

    assert free.violation(D("0.123456789"), D("987654321.123456789")) is None
    assert free.violation(D(1), D(0)) == "LOT_SIZE"
    assert replace(free, tick_size=D(1)).violation(D("0.5"), D(1)) == "PRICE_FILTER"


@pytest.mark.parametrize(
    ("fees", "base", "quote"),
    [
        ([], "XRPUSDT", ""),
        (["BNB", "-", ""], "XRPUSDT", ""),
        (["BNB", "USDT"], "XRP", "USDT"),
        (["XRP", "BNB"], "XRP", "USDT"),
        (["XRP", "USDT"], "XRP", "USDT"),
    ],
)
def test_a_symbol_that_is_gone_has_the_assets_that_its_fees_name(
    fees: list[str], base: str, quote: str
) -> None:
    info = gone("XRPUSDT", fees)
    assert (info.base_asset, info.quote_asset) == (base, quote)
