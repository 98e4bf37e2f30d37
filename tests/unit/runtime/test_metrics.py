"""What Prometheus is told of a leader."""

from decimal import Decimal

from symbol_trader.ports import Report, Trouble
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
