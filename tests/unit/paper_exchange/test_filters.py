"""Every filter that `exchangeInfo` can name: shown as set, set by name, enforced to the digit."""

from typing import Any

import pytest

from paper_exchange.core import interventions
from paper_exchange.core.engine import Rules
from paper_exchange.core.errors import ConfigError, ExchangeError
from paper_exchange.core.filter_types import EXCHANGE_FILTERS, SYMBOL_FILTERS
from paper_exchange.core.filters import ExchangeLimits
from paper_exchange.core.orders import OrderType
from paper_exchange.core.price_range import Reference
from paper_exchange.core.symbols import override
from paper_exchange.protocol.render_symbols import filter_info
from unit.paper_exchange.builders import FUNDS, NOW, XRP, D, Market

MARKET = OrderType.MARKET
MINUTE = 60_000

DOCUMENTED: dict[str, dict[str, Any]] = {
    "PRICE_FILTER": {"minPrice": "0.01", "maxPrice": "900.00", "tickSize": "0.01"},
    "LOT_SIZE": {"minQty": "0.1", "maxQty": "9000.0", "stepSize": "0.1"},
    "MARKET_LOT_SIZE": {"minQty": "0.0", "maxQty": "80.5", "stepSize": "0.1"},
    "NOTIONAL": {
        "minNotional": "5.0",
        "applyMinToMarket": True,
        "maxNotional": "70000",
        "applyMaxToMarket": False,
        "avgPriceMins": 5,
    },
    "MIN_NOTIONAL": {"minNotional": "5.0", "applyToMarket": True, "avgPriceMins": 5},
    "PERCENT_PRICE": {"multiplierUp": "1.2", "multiplierDown": "0.8", "avgPriceMins": 5},
    "PERCENT_PRICE_BY_SIDE": {
        "bidMultiplierUp": "1.2",
        "bidMultiplierDown": "0.2",
        "askMultiplierUp": "5",
        "askMultiplierDown": "0.8",
        "avgPriceMins": 5,
    },
    "ICEBERG_PARTS": {"limit": 10},
    "MAX_NUM_ORDERS": {"maxNumOrders": 200},
    "MAX_NUM_ALGO_ORDERS": {"maxNumAlgoOrders": 5},
    "MAX_NUM_ICEBERG_ORDERS": {"maxNumIcebergOrders": 5},
    "MAX_POSITION": {"maxPosition": "10500.5"},
    "TRAILING_DELTA": {
        "minTrailingAboveDelta": 10,
        "maxTrailingAboveDelta": 2000,
        "minTrailingBelowDelta": 10,
        "maxTrailingBelowDelta": 2000,
    },
    "MAX_NUM_ORDER_AMENDS": {"maxNumOrderAmends": 10},
    "MAX_NUM_ORDER_LISTS": {"maxNumOrderLists": 20},
    "EXCHANGE_MAX_NUM_ORDERS": {"maxNumOrders": 1000},
    "EXCHANGE_MAX_NUM_ALGO_ORDERS": {"maxNumAlgoOrders": 200},
    "EXCHANGE_MAX_NUM_ICEBERG_ORDERS": {"maxNumIcebergOrders": 10000},
    "EXCHANGE_MAX_NUM_ORDER_LISTS": {"maxNumOrderLists": 20},
}
"""Each filter's fields as filters.md has them, with values of ours."""


def test_every_documented_filter_is_known() -> None:
    assert {*SYMBOL_FILTERS, *EXCHANGE_FILTERS} == set(DOCUMENTED)


@pytest.mark.parametrize("name", SYMBOL_FILTERS)
def test_a_symbols_filter_is_shown_as_it_was_set(name: str) -> None:
    plain = override(XRP, {"NOTIONAL": None, "MARKET_LOT_SIZE": None, "MAX_NUM_ORDERS": None})
    shown = {
        one["filterType"]: one
        for one in map(filter_info, override(plain, {name: DOCUMENTED[name]}).filters.every())
    }
    assert same(shown[name], {"filterType": name, **DOCUMENTED[name]})


@pytest.mark.parametrize("name", EXCHANGE_FILTERS)
def test_a_filter_of_the_exchange_is_shown_as_it_was_set(name: str) -> None:
    limits = ExchangeLimits().changed(name, DOCUMENTED[name])
    assert filter_info(limits.exchange[name]) == {"filterType": name, **DOCUMENTED[name]}
    assert limits.changed(name, None).exchange == {}


def same(shown: dict[str, Any], documented: dict[str, Any]) -> bool:
    """Return whether both have the same fields, types and numbers."""
    assert shown.keys() == documented.keys()
    for name, value in documented.items():
        assert type(shown[name]) is type(value)
    numbers = [n for n in documented if n != "filterType" and isinstance(documented[n], str)]
    return all(D(shown[n]) == D(documented[n]) for n in numbers) and all(
        shown[n] == documented[n] for n in documented if n not in numbers
    )


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"MAX_POSITION": {}}, "MAX_POSITION is new and needs maxPosition too"),
        ({"MAX_POSITION": "500"}, "MAX_POSITION must be an object of its fields: '500'"),
        ({"MAX_POSITION": {"most": "1"}}, "MAX_POSITION has no most; it has maxPosition"),
        ({"MAX_POSITION": {"maxPosition": "-1"}}, "MAX_POSITION.maxPosition must not be negative"),
        ({"MAX_NUM_ORDERS": {"maxNumOrders": "1.5"}}, "maxNumOrders must be a whole number: '1.5'"),
        ({"NOTIONAL": {"applyMinToMarket": "1"}}, "applyMinToMarket must be true or false: '1'"),
        ({"PRICE_FILTER": None}, "PRICE_FILTER cannot be taken away; set its numbers instead"),
        ({"PRICE_FILTER": {"tickSize": "x"}}, "PRICE_FILTER.tickSize is not a number: 'x'"),
    ],
)
def test_a_bad_filter_is_named_with_its_remedy(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError, match=f"XRPUSDT: .*{why}"):
        override(XRP, changes)


def test_an_unknown_filter_is_named_with_those_that_are_known() -> None:
    with pytest.raises(ConfigError, match="unknown filter MAX_FUN; known: PRICE_FILTER"):
        XRP.filters.changed("MAX_FUN", {}, "XRPUSDT")
    with pytest.raises(ConfigError, match="unknown filter MAX_FUN; known: EXCHANGE_MAX_NUM_ORD"):
        ExchangeLimits().changed("MAX_FUN", {})


@pytest.fixture
def market() -> Market:
    """Make a market that shows 9.99 x 1000 bid and 10.01 x 1000 asked, and has traded at 10."""
    made = Market(Rules(trades_only=False))
    made.buy("10.00", 1)
    made.quote("9.99", 1000, "10.01", 1000)
    return made


def set_filters(market: Market, **changes: Any) -> None:
    market.engine.symbols["XRPUSDT"] = override(market.engine.symbols["XRPUSDT"], changes)


def refusal(market: Market, *args: Any, **more: Any) -> str:
    with pytest.raises(ExchangeError) as refused:
        market.place(*args, **more)
    return f"{refused.value.code} {refused.value.message}"


class TestStatic:
    @pytest.mark.parametrize(("price", "passes"), [("0.50", True), ("0.49", False)])
    def test_a_zero_switches_a_part_of_the_price_filter_off(
        self, market: Market, price: str, passes: bool
    ) -> None:
        set_filters(market, minPrice="0.50", maxPrice="0", PERCENT_PRICE_BY_SIDE=None)
        assert market.place("SELL", "90000000.01", 1).is_open
        if passes:
            market.place("BUY", price, 100)
        else:
            assert refusal(market, "BUY", price, 100) == "-1013 Filter failure: PRICE_FILTER"

    def test_without_a_tick_any_price_of_eight_decimals_is_taken(self, market: Market) -> None:
        set_filters(market, stepSize="1", PRICE_FILTER={"tickSize": "0"}, minQty="1")
        assert market.place("BUY", "9.12345678", 1).is_open

    @pytest.mark.parametrize(
        ("side", "price", "passes"),
        [
            ("BUY", "12.00", True),
            ("BUY", "12.01", False),
            ("BUY", "2.00", True),
            ("BUY", "1.99", False),
            ("SELL", "50.00", True),
            ("SELL", "50.01", False),
            ("SELL", "8.00", True),
            ("SELL", "7.99", False),
        ],
    )
    def test_percent_price_by_side_has_bounds_for_either_side(
        self, market: Market, side: str, price: str, passes: bool
    ) -> None:
        set_filters(market, PERCENT_PRICE_BY_SIDE=DOCUMENTED["PERCENT_PRICE_BY_SIDE"])
        if passes:
            market.place(side, price, 1)
        else:
            name = "-1013 Filter failure: PERCENT_PRICE_BY_SIDE"
            assert refusal(market, side, price, 1) == name

    @pytest.mark.parametrize("side", ["BUY", "SELL"])
    @pytest.mark.parametrize(
        ("price", "passes"), [("12.00", True), ("12.01", False), ("8.00", True), ("7.99", False)]
    )
    def test_percent_price_has_bounds_for_both(
        self, market: Market, side: str, price: str, passes: bool
    ) -> None:
        set_filters(market, PERCENT_PRICE=DOCUMENTED["PERCENT_PRICE"])
        if passes:
            market.place(side, price, 1)
        else:
            assert refusal(market, side, price, 1) == "-1013 Filter failure: PERCENT_PRICE"

    def test_the_average_weighs_the_trades_of_the_last_minutes_by_volume(
        self, market: Market
    ) -> None:
        market.buy("10.00", 2)
        market.buy("13.00", 9)  # (10 * 1 + 10 * 2 + 13 * 9) / 12 = 12.25
        average = market.engine.average_price
        assert average("XRPUSDT", NOW, 5) == D("12.25")
        assert average("XRPUSDT", NOW, 0) == D(13)
        assert average("XRPUSDT", NOW + 4 * MINUTE, 5) == D("12.25")
        assert average("XRPUSDT", NOW + 6 * MINUTE, 5) == D(13)  # nothing traded since: the last
        assert average("XRPUSDT", NOW + 90 * MINUTE, 100) == D("12.25")
        assert average("ETHUSDT", NOW, 5) is None

    def test_a_reference_price_comes_before_the_average(self, market: Market) -> None:
        set_filters(market, PERCENT_PRICE=DOCUMENTED["PERCENT_PRICE"])
        market.engine.references.known["XRPUSDT"] = Reference(D(20), NOW)
        assert market.place("SELL", "24.00", 1).is_open
        market.engine.references.known["XRPUSDT"] = Reference(None, NOW)
        assert refusal(market, "SELL", "24.00", 1) == "-1013 Filter failure: PERCENT_PRICE"

    def test_a_market_order_has_a_lot_size_of_its_own_if_any(self, market: Market) -> None:
        set_filters(market, MARKET_LOT_SIZE=DOCUMENTED["MARKET_LOT_SIZE"])
        failure = "-1013 Filter failure: MARKET_LOT_SIZE"
        assert refusal(market, "SELL", 0, "80.6", type=MARKET) == failure
        set_filters(market, MARKET_LOT_SIZE=None)
        assert market.place("SELL", 0, "80.6", type=MARKET).executed == D("80.6")

    @pytest.mark.parametrize("name", ["NOTIONAL", "MIN_NOTIONAL"])
    @pytest.mark.parametrize(("apply", "passes"), [(True, False), (False, True)])
    def test_a_market_orders_least_value_is_judged_only_if_it_applies(
        self, market: Market, name: str, apply: bool, passes: bool
    ) -> None:
        key = "applyMinToMarket" if name == "NOTIONAL" else "applyToMarket"
        new = DOCUMENTED[name] | {"minNotional": "20", key: apply}
        set_filters(market, **{"NOTIONAL": None, name: new})
        assert refusal(market, "BUY", "9.90", 2) == f"-1013 Filter failure: {name}"
        if passes:
            market.place("BUY", 0, "1.9", type=MARKET)
        else:
            refused = refusal(market, "BUY", 0, "1.9", type=MARKET)
            assert refused == f"-1013 Filter failure: {name}"

    @pytest.mark.parametrize(("apply", "passes"), [(True, False), (False, True)])
    def test_a_market_orders_greatest_value_is_judged_only_if_it_applies(
        self, market: Market, apply: bool, passes: bool
    ) -> None:
        set_filters(market, NOTIONAL={"maxNotional": "30", "applyMaxToMarket": apply})
        if passes:
            market.place("BUY", 0, 4, type=MARKET)
        else:
            assert refusal(market, "BUY", 0, 4, type=MARKET) == "-1013 Filter failure: NOTIONAL"

    def test_an_asset_may_limit_what_one_order_is_about(self, market: Market) -> None:
        market.engine.limits = ExchangeLimits().limited("USDT", "100").limited("XRP", "8")
        failure = "-1013 Filter failure: MAX_ASSET"
        assert refusal(market, "BUY", "20.00", "5.1") == failure
        assert refusal(market, "SELL", "9.00", "8.1") == failure
        assert refusal(market, "BUY", 0, 0, quote="100.1", type=MARKET) == failure
        assert market.place("BUY", "10.00", 8).status == "NEW"
        market.engine.limits = market.engine.limits.limited("XRP", None)
        assert market.place("BUY", "10.00", 9).is_open
        with pytest.raises(ConfigError, match="assets: XRP is not a number: 'all'"):
            ExchangeLimits().limited("XRP", "all")


class TestOfTheEngine:
    def test_orders_are_counted_on_the_symbol_and_everywhere(self, market: Market) -> None:
        eth = market.engine.symbol("ETHUSDT")
        limits = ExchangeLimits().changed("EXCHANGE_MAX_NUM_ORDERS", {"maxNumOrders": 3})
        market.engine.limits = limits
        set_filters(market, maxNumOrders="2")
        market.place("BUY", "9.90", 1)
        market.place("BUY", "9.90", 1)
        failure = "-2010 Filter failure: MAX_NUM_ORDERS"
        assert refusal(market, "BUY", "9.90", 1) == failure
        market.place("BUY", "9.90", 1, symbol=eth)
        failure = "-2010 Filter failure: EXCHANGE_MAX_NUM_ORDERS"
        assert refusal(market, "BUY", "9.90", 1, symbol=eth) == failure
        assert market.place("BUY", "9.90", 1, account="b").is_open

    def test_a_position_has_what_is_held_and_what_is_being_bought(self, market: Market) -> None:
        set_filters(market, MAX_POSITION={"maxPosition": str(FUNDS + 10)})
        market.place("SELL", "11.00", 100)  # what is locked is held
        first = market.place("BUY", "9.90", 6)
        failure = "-2010 Filter failure: MAX_POSITION"
        assert refusal(market, "BUY", "9.90", "4.1") == failure
        assert market.place("BUY", "9.90", 4).is_open
        market.sell("9.00", 7)  # bought: it is held instead, less the commission
        assert market.executed(first) == [6]
        assert refusal(market, "BUY", "9.90", "0.1") == failure
        assert market.place("SELL", "11.00", 1).is_open
        assert market.place("BUY", "9.90", 1, account="b").is_open

    def test_amendments_are_limited_by_the_symbols_filter_if_any(self, market: Market) -> None:
        set_filters(market, MAX_NUM_ORDER_AMENDS={"maxNumOrderAmends": 1})
        order = market.place("BUY", "9.00", 9)

        def amend(quantity: int) -> None:
            now = market.order(order)
            step = interventions.amend(market.engine, NOW, now, D(quantity), f"n-{quantity}")[1]
            market.keep(step)

        amend(8)
        with pytest.raises(ExchangeError, match="-2038: Filter failure: MAX_NUM_ORDER_AMENDS"):
            amend(7)
        set_filters(market, MAX_NUM_ORDER_AMENDS=None, MARKET_LOT_SIZE=None)
        amend(7)

    def test_a_symbol_without_limits_of_numbers_has_none(self, market: Market) -> None:
        set_filters(market, MAX_NUM_ORDERS=None)
        for _ in range(201):
            market.place("BUY", "9.00", "0.1")
