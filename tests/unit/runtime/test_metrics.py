"""What Prometheus is told of a leader."""

from decimal import Decimal

import pytest

from symbol_trader.binance.reconnects import Cause, Reconnects, Service
from symbol_trader.core.orders import ClientOrderId, OrderState
from symbol_trader.core.records import OrderChange
from symbol_trader.core.replies import TradeGap
from symbol_trader.report import Report, Trouble
from symbol_trader.runtime.health import Health
from symbol_trader.runtime.metrics import Metrics

QUIET = Report(generation=1, epoch=1, trading=True, draining=False)


def test_each_reason_is_shown_as_long_as_it_holds() -> None:
    metrics = Metrics("XRPUSDT", lambda: 0.0)
    troubles = (Trouble("OrderUnknown", "one"), Trouble("OrderBlocked", "another"))
    metrics.reported(Report(generation=1, epoch=1, trading=True, draining=True, troubles=troubles))
    text = metrics.text().decode()
    assert 'symbol_trader_degraded{reason="OrderUnknown",symbol="XRPUSDT"} 1.0' in text
    assert 'symbol_trader_degraded{reason="OrderBlocked",symbol="XRPUSDT"} 1.0' in text
    assert 'symbol_trader_draining{symbol="XRPUSDT"} 1.0' in text

    metrics.reported(QUIET)
    text = metrics.text().decode()
    assert "symbol_trader_degraded{" not in text
    assert 'symbol_trader_draining{symbol="XRPUSDT"} 0.0' in text


def test_the_profit_is_the_reports() -> None:
    metrics = Metrics("XRPUSDT", lambda: 0.0)
    metrics.reported(
        Report(generation=1, epoch=1, trading=True, draining=False, profit=Decimal("1.5"))
    )
    assert 'symbol_trader_profit_quote{symbol="XRPUSDT"} 1.5' in metrics.text().decode()


@pytest.mark.parametrize(
    ("state", "refused", "in_doubt"),
    [
        (OrderState.REFUSED, 1, 0),
        (OrderState.ABSENT, 1, 0),
        (OrderState.UNDECIDED, 0, 1),
        (OrderState.EXPIRED, 0, 0),
    ],
)
def test_doubts_and_refusals_are_counted_apart(
    state: OrderState, refused: int, in_doubt: int
) -> None:
    metrics = Metrics("XRPUSDT", lambda: 0.0)
    change = OrderChange(ClientOrderId("a"), state, None, Decimal(0), Decimal(0), "because")
    metrics.noted([change])
    text = metrics.text().decode()
    assert f'symbol_trader_orders_refused_total{{symbol="XRPUSDT"}} {refused}.0' in text
    assert f'symbol_trader_orders_in_doubt_total{{symbol="XRPUSDT"}} {in_doubt}.0' in text


def test_a_symbol_may_be_of_any_letters() -> None:
    text = Metrics("币安人生USDT", lambda: 0.0).text().decode()
    assert 'symbol_trader_traders{symbol="币安人生USDT"} 0.0' in text


def test_the_age_of_the_market_is_that_of_the_moment_it_is_asked_for() -> None:
    now_s = 100.0
    health = Health(lambda: now_s)
    metrics = Metrics("XRPUSDT", lambda: now_s)
    metrics.watch_market(lambda: health.market_age_s)
    now_s = 107.5
    assert 'symbol_trader_market_age_seconds{symbol="XRPUSDT"} 7.5' in metrics.text().decode()
    health.price_came(1_700_000_000_000)
    assert 'symbol_trader_market_age_seconds{symbol="XRPUSDT"} 0.0' in metrics.text().decode()


def test_gaps_and_the_trades_in_them_are_counted() -> None:
    metrics = Metrics("XRPUSDT", lambda: 0.0)
    for last in (2, 5):
        metrics.missed(TradeGap(2, last, 1, 2))
    text = metrics.text().decode()
    assert 'symbol_trader_trade_gaps_total{symbol="XRPUSDT"} 2.0' in text
    assert 'symbol_trader_trades_missed_total{symbol="XRPUSDT"} 5.0' in text


def test_reconnects_are_counted_by_service_and_cause_also_those_that_never_were() -> None:
    metrics, reconnects = Metrics("XRPUSDT", lambda: 0.0), Reconnects()
    metrics.watch_reconnects(lambda: reconnects.counts)
    for _ in range(2):
        reconnects.note(Service.MARKET, Cause.STALLED)
    text = metrics.text().decode()
    name = "symbol_trader_reconnects_total"
    assert f'{name}{{cause="stalled",service="market",symbol="XRPUSDT"}} 2.0' in text
    assert f'{name}{{cause="age",service="api",symbol="XRPUSDT"}} 0.0' in text
    assert text.count(name + "{") == len(Service) * len(Cause)
