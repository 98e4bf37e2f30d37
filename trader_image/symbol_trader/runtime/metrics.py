"""What Prometheus is told: few numbers, each with a question behind it."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from symbol_trader.core.orders import OrderState
from symbol_trader.core.records import (
    BUY_REFUSALS,
    FillRecorded,
    OrderChange,
    RecordChange,
    RefusedBuy,
    TraderResult,
)
from symbol_trader.core.replies import TradeGap
from symbol_trader.report import Report
from tradingsymbol_api.build import build_info

LATENCY_BUCKETS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


class Metrics:
    """The leader's metrics, in a registry of their own; `clock` is monotonic, in seconds.

    `not_understood` returns how much from the exchange was not understood, by kind; `reconnects`
    how often a connection was replaced, by service and cause.
    """

    def __init__(
        self,
        symbol: str,
        environment: str,
        clock: Callable[[], float],
        not_understood: Callable[[], Mapping[str, int]] = dict,
        reconnects: Callable[[], Mapping[tuple[str, str], int]] = dict,
    ) -> None:
        """Create the metrics of one symbol's leader; whose money it is is a label of each.

        Each counter stands at 0 from the start: of one that begins at 1, `rate()` misses the first.
        """
        self._clock = clock
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        Info("symbol_trader_build", "What runs.", registry=self._registry).info(build_info())
        self._labels = {"symbol": symbol, "environment": environment}
        self._registry.register(
            _Counts(
                "not_understood",
                "Messages from the exchange that were not understood, by kind.",
                ["kind"],
                self._labels,
                lambda: {(kind,): count for kind, count in not_understood().items()},
            )
        )
        self._registry.register(
            _Counts(
                "reconnects",
                "Connections to the exchange that were replaced, by service and cause.",
                ["service", "cause"],
                self._labels,
                lambda: dict(reconnects().items()),
            )
        )
        self._placed = self._counter("orders_placed", "Orders sent to the exchange.")
        self._refused = self._counter("orders_refused", "Orders refused or absent.")
        self._over_limit = Counter(
            "symbol_trader_buys_refused",
            "Buys that a limit or a halt of the account did not allow, by reason.",
            [*self._labels, "reason"],
            registry=self._registry,
        )
        for reason in BUY_REFUSALS:
            self._over_limit.labels(**self._labels, reason=reason)
        self._doubts = self._counter("orders_in_doubt", "Orders whose fate was unknown.")
        self._fills = self._counter("fills", "Fills recorded.")
        self._finished = self._counter("cycles_finished", "Traders that came to an end.")
        self._traders = self._gauge("traders", "Traders that run now.")
        self._open = self._gauge("open_orders", "Orders on the exchange.")
        self._profit = self._gauge("profit_quote", "Realised profit in quote currency.")
        self._draining = self._gauge("draining", "1 while the symbol is shut down.")
        self._market_age = self._gauge("market_age_seconds", "Time since the last price came in.")
        self._gaps = self._counter("trade_gaps", "Gaps in the market stream.")
        self._missed = self._counter("trades_missed", "Trades that it did not bring.")
        self._degraded = Gauge(
            "symbol_trader_degraded",
            "1 for each reason why it is degraded.",
            [*self._labels, "reason"],
            registry=self._registry,
        )
        self._latency = Histogram(
            "symbol_trader_price_to_order_seconds",
            "From a price coming in to the order that follows from it being written.",
            list(self._labels),
            registry=self._registry,
            buckets=LATENCY_BUCKETS_S,
        ).labels(**self._labels)

    def watch_market(self, age_s: Callable[[], float]) -> None:
        """Show, whenever it is asked for, how old the last price is."""
        self._market_age.set_function(age_s)

    def missed(self, gap: TradeGap) -> None:
        """Count public trades that the market stream did not bring."""
        self._gaps.inc()
        self._missed.inc(gap.count)

    def placed(self, received_s: float | None) -> None:
        """Count an order, and the time since the price that led to it, if one did."""
        self._placed.inc()
        if received_s is not None:
            self._latency.observe(self._clock() - received_s)

    def noted(self, changes: Sequence[RecordChange]) -> None:
        """Count what was recorded."""
        for change in changes:
            match change:
                case FillRecorded():
                    self._fills.inc()
                case TraderResult():
                    self._finished.inc()
                case OrderChange(state=OrderState.REFUSED | OrderState.ABSENT):
                    self._refused.inc()
                case OrderChange(state=OrderState.UNDECIDED):
                    self._doubts.inc()

    def over_limit(self, buys: Sequence[RefusedBuy]) -> None:
        """Count buys that the record did not take."""
        for buy in buys:
            self._over_limit.labels(**self._labels, reason=buy.reason).inc()

    def reported(self, report: Report) -> None:
        """Show the same numbers as the resource's status."""
        self._traders.set(report.traders)
        self._open.set(report.open_orders)
        self._profit.set(float(report.profit))
        self._draining.set(report.draining)
        self._degraded.clear()
        for problem in report.problems:
            self._degraded.labels(**self._labels, reason=problem.reason).set(1)

    def text(self) -> bytes:
        """Return the metrics in Prometheus' text format."""
        return generate_latest(self._registry)

    def _counter(self, name: str, text: str) -> Counter:
        name = f"symbol_trader_{name}"
        counter = Counter(name, text, list(self._labels), registry=self._registry)
        return counter.labels(**self._labels)

    def _gauge(self, name: str, text: str) -> Gauge:
        gauge = Gauge(f"symbol_trader_{name}", text, list(self._labels), registry=self._registry)
        return gauge.labels(**self._labels)


class _Counts(Collector):
    """What is counted elsewhere, read when the metrics are asked for."""

    def __init__(
        self,
        name: str,
        text: str,
        kinds: Sequence[str],
        labels: Mapping[str, str],
        counts: Callable[[], Mapping[tuple[str, ...], int]],
    ) -> None:
        self._name, self._text = name, text
        self._kinds = kinds
        self._labels = labels
        self._counts = counts

    def collect(self) -> Iterator[CounterMetricFamily]:
        family = CounterMetricFamily(
            f"symbol_trader_{self._name}", self._text, labels=[*self._labels, *self._kinds]
        )
        for kinds, count in self._counts().items():
            family.add_metric([*self._labels.values(), *kinds], count)
        yield family
