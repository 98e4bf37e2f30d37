"""What the exchange says of a symbol, its filters and its market prices."""

from decimal import Decimal
from typing import Any

import pytest

from symbol_trader.binance import symbols
from symbol_trader.binance.fields import PayloadError
from symbol_trader.core.order_filters import NOT_FOR_LIMIT_ORDERS
from symbol_trader.core.replies import ReferencePrice
from symbol_trader.core.symbols import Filters, PercentPrice, SymbolInfo
from unit.binance import payloads
from unit.binance.payloads import LOT_SIZE, NOTIONAL, PRICE_FILTER, SYMBOL


def test_a_symbol() -> None:
    assert symbols.symbol_info(payloads.exchange_info(), SYMBOL) == SymbolInfo(
        name=SYMBOL,
        base_asset="XRP",
        quote_asset="USDT",
        status="TRADING",
        filters=Filters(
            tick_size=Decimal("0.0001"),
            step_size=Decimal("0.1"),
            min_quantity=Decimal("0.1"),
            max_quantity=Decimal(9000),
            min_price=Decimal("0.0001"),
            max_price=Decimal(1000),
            min_notional=Decimal(5),
            max_notional=Decimal(9_000_000),
        ),
    )


def test_the_older_form_of_the_notional_filter() -> None:
    older = {"filterType": "MIN_NOTIONAL", "minNotional": "10.0", "applyToMarket": True}

    info = symbols.symbol_info(payloads.exchange_info(PRICE_FILTER, LOT_SIZE, older), SYMBOL)

    assert (info.filters.min_notional, info.filters.max_notional) == (Decimal(10), Decimal(0))


def test_a_symbol_without_a_notional_filter_has_no_such_limit() -> None:
    info = symbols.symbol_info(payloads.exchange_info(PRICE_FILTER, LOT_SIZE), SYMBOL)

    assert (info.filters.min_notional, info.filters.max_notional) == (Decimal(0), Decimal(0))


@pytest.mark.parametrize(
    ("filters", "missing"),
    [((PRICE_FILTER, NOTIONAL), "LOT_SIZE"), ((LOT_SIZE, NOTIONAL), "PRICE_FILTER")],
)
def test_a_symbol_without_tick_or_step_is_refused(filters: Any, missing: str) -> None:
    with pytest.raises(PayloadError, match=f"{missing} is missing"):
        symbols.symbol_info(payloads.exchange_info(*filters), SYMBOL)


def test_where_a_step_is_disabled_the_assets_smallest_unit_counts() -> None:
    rules = (PRICE_FILTER | {"tickSize": "0.00000000"}, LOT_SIZE | {"stepSize": "0.00000000"})
    reply = payloads.exchange_info(*rules, baseAssetPrecision=5, quoteAssetPrecision=8)

    filters = symbols.symbol_info(reply, SYMBOL).filters

    assert (filters.tick_size, filters.step_size) == (Decimal("0.00000001"), Decimal("0.00001"))


def test_a_reply_about_other_symbols_only_is_refused() -> None:
    with pytest.raises(PayloadError, match="XRPUSDT is not among them"):
        symbols.symbol_info(payloads.exchange_info(symbol="BTCUSDT"), SYMBOL)


def info_of(*more: dict[str, Any]) -> dict[str, Any]:
    return payloads.exchange_info(PRICE_FILTER, LOT_SIZE, *more)


def test_where_both_notional_filters_are_there_the_larger_minimum_counts() -> None:
    older = {"filterType": "MIN_NOTIONAL", "minNotional": "10.0"}

    filters = symbols.symbol_info(info_of(NOTIONAL, older), SYMBOL).filters
    assert (filters.notional_filter, filters.min_notional) == ("MIN_NOTIONAL", Decimal(10))
    assert filters.max_notional == Decimal(9_000_000)

    smaller = symbols.symbol_info(info_of(NOTIONAL, older | {"minNotional": "1"}), SYMBOL).filters
    assert (smaller.notional_filter, smaller.min_notional) == ("NOTIONAL", Decimal(5))


def test_every_filter_that_orders_are_judged_by() -> None:
    more = (
        {
            "filterType": "PERCENT_PRICE",
            "multiplierUp": "1.3000",
            "multiplierDown": "0.7000",
            "avgPriceMins": 5,
        },
        {
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": "1.2",
            "bidMultiplierDown": "0.2",
            "askMultiplierUp": "5",
            "askMultiplierDown": "0.8",
            "avgPriceMins": 1,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 25},
        {"filterType": "MAX_POSITION", "maxPosition": "10.00000000"},
    )
    reply = info_of(*more)
    reply["exchangeFilters"] = [{"filterType": "EXCHANGE_MAX_NUM_ORDERS", "maxNumOrders": 1000}]

    filters = symbols.symbol_info(reply, SYMBOL).filters

    up, down = Decimal("1.3"), Decimal("0.7")
    assert filters.percents == (
        PercentPrice("PERCENT_PRICE", down, up, down, up, 5),
        PercentPrice(
            "PERCENT_PRICE_BY_SIDE",
            bid_down=Decimal("0.2"),
            bid_up=Decimal("1.2"),
            ask_down=Decimal("0.8"),
            ask_up=Decimal(5),
            minutes=1,
        ),
    )
    assert (filters.max_orders, filters.exchange_max_orders) == (25, 1000)
    assert filters.max_position == Decimal(10)
    assert symbols.unknown_filters(reply, SYMBOL) == {}


@pytest.mark.parametrize("kind", NOT_FOR_LIMIT_ORDERS)
def test_filters_that_are_about_other_orders_are_known(kind: str) -> None:
    assert symbols.unknown_filters(info_of({"filterType": kind}), SYMBOL) == {}


def test_a_filter_that_is_not_known_is_named_with_what_it_says() -> None:
    (named,) = symbols.unknown_filters(info_of({"filterType": "NEW", "limit": 3}), SYMBOL).items()

    assert named == ("NEW", "{'filterType': 'NEW', 'limit': 3}")


def test_the_accounts_own_limits() -> None:
    result = {
        "exchangeFilters": [],
        "symbolFilters": [],
        "assetFilters": [
            {"filterType": "MAX_ASSET", "asset": "USDT", "limit": "42.00000000"},
            {"filterType": "SOMETHING", "what": "else"},
        ],
    }
    limits = symbols.asset_limits(result)

    assert limits == {"USDT": Decimal(42)}
    limited = symbols.symbol_info(info_of(), SYMBOL).limited_to(limits)
    assert (limited.filters.max_base, limited.filters.max_quote) == (None, Decimal(42))


def test_a_reference_price() -> None:
    told = {"symbol": SYMBOL, "referencePrice": "0.50190000", "timestamp": 1_770_946_889_251}

    price = symbols.reference_price(told, SYMBOL)

    assert price == ReferencePrice(Decimal("0.5019"), "the reference price", 1_770_946_889_251)
    assert str(price) == "the reference price of 2026-02-13T01:41:29Z: 0.5019"


@pytest.mark.parametrize(
    "result",
    [
        {"symbol": SYMBOL, "referencePrice": None, "timestamp": 1_770_946_889_251},
        {"code": -2043, "msg": "This symbol doesn't have a reference price."},
        {"symbol": SYMBOL, "referencePrice": "0.00000000", "timestamp": 1_770_946_889_251},
    ],
    ids=["none now", "never had one", "zero"],
)
def test_a_symbol_without_a_reference_price(result: Any) -> None:
    assert symbols.reference_price(result, SYMBOL) is None


def test_a_reference_price_with_another_code_cannot_be_read() -> None:
    with pytest.raises(PayloadError, match="symbol: missing"):
        symbols.reference_price({"code": -9999, "msg": "?"}, SYMBOL)


def test_an_average_price_counts_for_its_own_minutes_alone() -> None:
    told = {"mins": 5, "price": "0.51000000", "closeTime": 1_770_946_889_251}

    price = symbols.average_price(told, 5)
    source = "the average price of 5 minutes"
    assert price == ReferencePrice(Decimal("0.51"), source, 1_770_946_889_251)
    assert symbols.average_price(told, 1) is None


def test_the_last_price() -> None:
    price = symbols.last_price({"symbol": SYMBOL, "price": "0.51000000"}, SYMBOL)

    assert price == ReferencePrice(Decimal("0.51"), "the last price", None)
    assert str(price) == "the last price: 0.51"


def test_where_nothing_was_traded_so_far_there_is_no_price_to_measure_from() -> None:
    """As after a reset of the testnet: a band around zero would refuse every order."""
    assert symbols.average_price({"mins": 5, "price": "0.00000000", "closeTime": 1}, 5) is None
    assert symbols.last_price({"symbol": SYMBOL, "price": "0.00000000"}, SYMBOL) is None
