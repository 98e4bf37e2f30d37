"""A symbol that is gone, and how filters differ."""

from dataclasses import replace

import pytest

from symbol_trader.core.symbols import gone
from unit.core.builders import FILTERS, D


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


def test_filters_that_differ_say_in_what() -> None:
    stricter = replace(FILTERS, min_notional=D(10), max_orders=3)

    assert FILTERS.differences(FILTERS) == {}
    assert FILTERS.differences(stricter) == {
        "min_notional": "5 -> 10",
        "max_orders": "None -> 3",
    }
