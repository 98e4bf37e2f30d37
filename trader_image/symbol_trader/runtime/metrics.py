"""What Prometheus is told: few numbers, each with a question behind it."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from symbol_trader.core.orders import OrderState
from symbol_trader.core.records import FillRecorded, OrderChange, RecordChange, TraderResult
from symbol_trader.core.replies import TradeGap
from symbol_trader.report import Report

LATENCY_BUCKETS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


class Metrics:
    """The leader's metrics, in a registry of their own; `clock` is monotonic, in seconds."""

    def __init__(self, symbol: str, clock: Callable[[], float]) -> None:
        """Create the metrics of one symbol's leader."""
        self._clock = clock
        self._registry = CollectorRegistry()
        self._placed = self._counter("orders_placed", "Orders sent to the exchange.", symbol)
        self._refused = self._counter("orders_refused", "Orders refused or absent.", symbol)
        self._doubts = self._counter("orders_in_doubt", "Orders whose fate was unknown.", symbol)
        self._fills = self._counter("fills", "Fills recorded.", symbol)
        self._cycles = self._counter("cycles_finished", "Traders that came to an end.", symbol)
        self._traders = self._gauge("traders", "Traders that run now.", symbol)
        self._open = self._gauge("open_orders", "Orders on the exchange.", symbol)
        self._profit = self._gauge("profit_quote", "Realised profit in quote currency.", symbol)
        self._draining = self._gauge("draining", "1 while the symbol is shut down.", symbol)
        self._market_age = self._gauge(
            "market_age_seconds", "Time since the last price came in.", symbol
        )
        self._gaps = self._counter("trade_gaps", "Gaps in the market stream.", symbol)
        self._missed = self._counter("trades_missed", "Trades that it did not bring.", symbol)
        self._symbol = symbol
        self._degraded = Gauge(
            "symbol_trader_degraded",
            "1 for each reason why it is degraded.",
            ["symbol", "reason"],
            registry=self._registry,
        )
        self._latency = Histogram(
            "symbol_trader_price_to_order_seconds",
            "From a price coming in to the order that follows from it being written.",
            ["symbol"],
            registry=self._registry,
            buckets=LATENCY_BUCKETS_S,
        ).labels(symbol)

    def watch_market(self, age_s: Callable[[], float]) -> None:
        """Show, whenever it is asked for, how old the last price is."""
        self._market_age.set_function(age_s)

    def watch_reconnects(self, counts: Callable[[], Mapping[tuple[str, str], int]]) -> None:
        """Show, whenever it is asked for, how often which connection was replaced, and why.

        Services and causes are those of `binance.reconnects`.
        """
        self._registry.register(_Reconnects(self._symbol, counts))

    def missed(self, gap: TradeGap) -> None:
        """Count public trades that the market stream did not bring."""
        self._gaps.inc()
        self._missed.inc(gap.count)

    def placed(self, came_s: float | None) -> None:
        """Count an order, and the time since the price that led to it, if one did."""
        self._placed.inc()
        if came_s is not None:
            self._latency.observe(self._clock() - came_s)

    def noted(self, changes: Sequence[RecordChange]) -> None:
        """Count what was recorded."""
        for change in changes:
            match change:
                case FillRecorded():
                    self._fills.inc()
                case TraderResult():
                    self._cycles.inc()
                case OrderChange(state=OrderState.REFUSED | OrderState.ABSENT):
                    self._refused.inc()
                case OrderChange(state=OrderState.UNDECIDED):
                    self._doubts.inc()

    def reported(self, report: Report) -> None:
        """Show the same numbers as the resource's status."""
        self._traders.set(report.traders)
        self._open.set(report.open_orders)
        self._profit.set(float(report.profit))
        self._draining.set(report.draining)
        self._degraded.clear()
        for trouble in report.troubles:
            self._degraded.labels(self._symbol, trouble.reason).set(1)

    def text(self) -> bytes:
        """Return the metrics in Prometheus' text format."""
        return generate_latest(self._registry)

    def _counter(self, name: str, text: str, symbol: str) -> Counter:
        counter = Counter(f"symbol_trader_{name}", text, ["symbol"], registry=self._registry)
        return counter.labels(symbol)

    def _gauge(self, name: str, text: str, symbol: str) -> Gauge:
        gauge = Gauge(f"symbol_trader_{name}", text, ["symbol"], registry=self._registry)
        return gauge.labels(symbol)


class _Reconnects(Collector):
    """What is counted elsewhere, read when the metrics are asked for."""

    def __init__(self, symbol: str, counts: Callable[[], Mapping[tuple[str, str], int]]) -> None:
        self._symbol = symbol
        self._counts = counts

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Yield the one family."""
        family = CounterMetricFamily(
            "symbol_trader_reconnects",
            "Connections to the exchange that were replaced, by service and cause.",
            labels=["symbol", "service", "cause"],
        )
        for (service, cause), count in self._counts().items():
            family.add_metric([self._symbol, service, cause], count)
        yield family
