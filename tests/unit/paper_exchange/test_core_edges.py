"""Of the exchange's core: books with one side, candles before the first trade, and bad filters."""

import pytest

from paper_exchange.core import candles, interventions
from paper_exchange.core.candles import MINUTE, Candles
from paper_exchange.core.errors import ConfigError, ExchangeError
from paper_exchange.core.events import BalanceChange, Position
from paper_exchange.core.symbols import Filters, Symbol, override, symbol_of
from unit.paper_exchange.builders import NOW, XRP, D, Market


@pytest.fixture
def market() -> Market:
    return Market()


def test_orders_keep_their_queue_where_the_side_that_they_rest_on_is_empty(market: Market) -> None:
    market.quote("10.00", 5, "10.01", 5)
    order = market.place("BUY", "10.00", 3)
    ahead = market.order(order).ahead
    market.quote(0, 0, "10.01", 5)
    assert market.order(order).ahead == ahead
    assert market.order(order).is_open


def test_a_display_of_less_than_a_step_fills_nothing_that_rests(market: Market) -> None:
    market.quote("9.99", 10, "10.01", 10)
    order = market.place("BUY", "10.00", 1)
    market.quote("9.99", 10, "10.00", "0.05")
    assert market.executed(order) == [0]


def test_a_display_of_less_than_a_step_is_not_taken(market: Market) -> None:
    market.quote("9.99", 10, "10.01", "0.05")
    order = market.place("BUY", "10.01", 1)
    assert market.order(order).is_open
    assert market.executed(order) == [0]


def test_nothing_is_taken_from_an_order_that_is_over(market: Market) -> None:
    order = market.cancel(market.place("BUY", "10.00", 5))
    with pytest.raises(ExchangeError, match="Unknown order"):
        interventions.prevent(market.engine, NOW, order, D(1), counter_order_id=7)


def test_a_balance_that_is_changed_from_outside_is_told_once(market: Market) -> None:
    record = market.engine.record(NOW)
    record.adjust("a", "USDT", D(1))
    kinds = [type(event) for event in record.finish().events]
    assert kinds == [BalanceChange, Position]


def test_without_a_trade_there_is_no_candle_of_any_length() -> None:
    assert list(Candles().of(5 * MINUTE)) == []


def test_nothing_is_shown_of_the_time_before_the_first_price() -> None:
    kept = Candles()
    kept.trade(2 * MINUTE, D(5), D(1), buyer_is_maker=False)
    (first,) = kept.of(MINUTE)
    starts = range(0, 4 * MINUTE, MINUTE)
    shown = candles._filled(starts, {first.start: first}, None)
    assert [candle.start for candle in shown] == [2 * MINUTE, 3 * MINUTE]


def test_filters_under_which_a_value_would_be_inexact_are_refused() -> None:
    with pytest.raises(ConfigError, match="tickSize times stepSize"):
        Symbol("XRPUSDT", "XRP", "USDT", Filters.of(D("1e-8"), D("0.1"), D(1)))


def test_a_recording_with_many_decimals_has_a_coarser_step() -> None:
    assert symbol_of("XRPUSDT", 4, 8).filters.step_size == D("0.0001")


def test_an_override_of_tick_and_step_moves_the_least_price_and_quantity() -> None:
    filters = override(XRP, {"tickSize": "0.1", "stepSize": "1"}).filters
    assert (filters.price.min_price, filters.lot.min_qty) == (D("0.1"), D(1))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (
            {"tick": "0.1", "aardvark": "1"},
            "unknown filter fields aardvark, tick; known: PRICE_FILTER",
        ),
        ({"tickSize": "cheap"}, "tickSize is not a number: 'cheap'"),
    ],
)
def test_an_override_that_means_nothing_is_named(changes: dict[str, str], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        override(XRP, changes)
