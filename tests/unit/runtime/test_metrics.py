"""What Prometheus is told of a leader."""

import re
from decimal import Decimal
from pathlib import Path

import pytest

from symbol_trader.binance.reconnects import Cause, Reconnects, Service
from symbol_trader.core.orders import ClientOrderId, OrderState
from symbol_trader.core.records import BUY_REFUSALS, OrderChange, RefusedBuy
from symbol_trader.core.replies import TradeGap
from symbol_trader.postgres import migrations
from symbol_trader.report import Problem, Report
from symbol_trader.runtime.health import Health
from symbol_trader.runtime.metrics import Metrics
from tradingsymbol_api.build import VERSION
from tradingsymbol_api.conditions import LeaderReason

VERSIONS = Path(next(iter(migrations.__path__))) / "versions"

QUIET = Report(generation=1, epoch=1, trading=True, draining=False)


def test_each_reason_is_shown_as_long_as_it_holds() -> None:
    metrics = Metrics("XRPUSDT", "paper", lambda: 0.0)
    problems = (
        Problem(LeaderReason.ORDER_UNKNOWN, "one"),
        Problem(LeaderReason.ORDER_BLOCKED, "another"),
    )
    metrics.reported(Report(generation=1, epoch=1, trading=True, draining=True, problems=problems))
    text = metrics.text().decode()
    assert (
        'symbol_trader_degraded{environment="paper",reason="OrderUnknown",symbol="XRPUSDT"} 1.0'
        in text
    )
    assert (
        'symbol_trader_degraded{environment="paper",reason="OrderBlocked",symbol="XRPUSDT"} 1.0'
        in text
    )
    assert 'symbol_trader_draining{environment="paper",symbol="XRPUSDT"} 1.0' in text

    metrics.reported(QUIET)
    text = metrics.text().decode()
    assert "symbol_trader_degraded{" not in text
    assert 'symbol_trader_draining{environment="paper",symbol="XRPUSDT"} 0.0' in text


def test_the_profit_is_the_reports() -> None:
    metrics = Metrics("XRPUSDT", "paper", lambda: 0.0)
    metrics.reported(
        Report(generation=1, epoch=1, trading=True, draining=False, profit=Decimal("1.5"))
    )
    assert (
        'symbol_trader_profit_quote{environment="paper",symbol="XRPUSDT"} 1.5'
        in metrics.text().decode()
    )


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
    metrics = Metrics("XRPUSDT", "paper", lambda: 0.0)
    change = OrderChange(ClientOrderId("a"), state, None, Decimal(0), Decimal(0), "because")
    metrics.noted([change])
    text = metrics.text().decode()
    assert (
        f'symbol_trader_orders_refused_total{{environment="paper",symbol="XRPUSDT"}} {refused}.0'
        in text
    )
    assert (
        f'symbol_trader_orders_in_doubt_total{{environment="paper",symbol="XRPUSDT"}} {in_doubt}.0'
        in text
    )


def test_a_symbol_may_be_of_any_letters() -> None:
    text = Metrics("币安人生USDT", "paper", lambda: 0.0).text().decode()
    assert 'symbol_trader_traders{environment="paper",symbol="币安人生USDT"} 0.0' in text


def test_the_age_of_the_market_is_that_of_the_moment_it_is_asked_for() -> None:
    now_s = 100.0
    health = Health(lambda: now_s)
    metrics = Metrics("XRPUSDT", "paper", lambda: now_s)
    metrics.watch_market(lambda: health.market_age_s)
    now_s = 107.5
    assert (
        'symbol_trader_market_age_seconds{environment="paper",symbol="XRPUSDT"} 7.5'
        in metrics.text().decode()
    )
    health.price_received(1_700_000_000_000)
    assert (
        'symbol_trader_market_age_seconds{environment="paper",symbol="XRPUSDT"} 0.0'
        in metrics.text().decode()
    )


def test_what_was_not_understood_is_counted_by_kind_whenever_it_is_asked_for() -> None:
    counts = {"unknown_code": 0, "unreadable": 0}
    metrics = Metrics("XRPUSDT", "paper", lambda: 0.0, lambda: counts)
    counts["unknown_code"] = 2
    text = metrics.text().decode()
    name = 'symbol_trader_not_understood_total{environment="paper",kind="%s",symbol="XRPUSDT"} %s'
    assert name % ("unknown_code", "2.0") in text
    assert name % ("unreadable", "0.0") in text


def test_gaps_and_the_trades_in_them_are_counted() -> None:
    metrics = Metrics("XRPUSDT", "paper", lambda: 0.0)
    for last in (2, 5):
        metrics.missed(TradeGap(2, last, 1, 2))
    text = metrics.text().decode()
    labels = '{environment="paper",symbol="XRPUSDT"}'
    assert f"symbol_trader_trade_gaps_total{labels} 2.0" in text
    assert f"symbol_trader_trades_missed_total{labels} 5.0" in text


def test_reconnects_are_counted_by_service_and_cause_also_those_that_never_were() -> None:
    reconnects = Reconnects()
    metrics = Metrics("XRPUSDT", "paper", lambda: 0.0, reconnects=lambda: reconnects.counts)
    for _ in range(2):
        reconnects.note(Service.MARKET, Cause.STALLED)
    text = metrics.text().decode()
    name = "symbol_trader_reconnects_total"
    shown = name + '{cause="%s",environment="paper",service="%s",symbol="XRPUSDT"} %s'
    assert shown % ("stalled", "market", "2.0") in text
    assert shown % ("age", "api", "0.0") in text
    assert text.count(name + "{") == len(Service) * len(Cause)


def test_buys_that_limits_refuse_are_counted_by_reason() -> None:
    metrics = Metrics("XRPUSDT", "paper", lambda: 0.0)
    name = ClientOrderId("a")
    metrics.over_limit([RefusedBuy(name, "Halted", ""), RefusedBuy(name, "MaxExposure", "")])
    metrics.over_limit([RefusedBuy(name, "Halted", "")])
    text = metrics.text().decode()
    assert 'symbol_trader_buys_refused_total{environment="paper",reason="Halted"' in text
    assert 'reason="Halted",symbol="XRPUSDT"} 2.0' in text
    assert 'reason="MaxExposure",symbol="XRPUSDT"} 1.0' in text


def test_each_reason_to_refuse_a_buy_is_counted_from_0_on() -> None:
    text = Metrics("XRPUSDT", "paper", lambda: 0.0).text().decode()
    name = "symbol_trader_buys_refused_total"
    for reason in BUY_REFUSALS:
        assert f'{name}{{environment="paper",reason="{reason}",symbol="XRPUSDT"}} 0.0' in text


def test_the_reasons_to_refuse_a_buy_are_the_records() -> None:
    """The newest definition of the function that refuses counts."""
    newest = [path.read_text() for path in sorted(VERSIONS.glob("v*.sql"))]
    (*_, refusing) = [text for text in newest if "::refusal" in text]
    assert set(re.findall(r"RETURN ROW\(id, '(\w+)'", refusing)) == set(BUY_REFUSALS)


def test_what_runs_is_told() -> None:
    text = Metrics("XRPUSDT", "paper", lambda: 0.0).text().decode()
    assert f'version="{VERSION}"}} 1.0' in text
    assert "process_resident_memory_bytes " in text
