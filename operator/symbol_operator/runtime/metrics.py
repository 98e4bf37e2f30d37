"""What the operator counts, for Prometheus."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    generate_latest,
)

from symbol_operator.decide.census import Census
from symbol_operator.runtime.queue_metrics import QueueMetrics
from symbol_operator.runtime.request_metrics import RequestMetrics
from tradingsymbol_api.build import build_info

RESULTS: Final = ("ok", "conflict", "error")
"""How a reconcile may end; each is counted from 0 on, so that `rate()` sees the first."""


class Result:
    """How one reconcile ended."""

    def __init__(self) -> None:
        self.label = "ok"

    def conflict(self) -> None:
        """Somebody else was quicker; the next look sees what they did."""
        self.label = "conflict"


class Metrics:
    """The operator's metrics, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        Info("symbol_operator_build", "What runs.", registry=self._registry).info(build_info())
        self.queue = QueueMetrics(self._registry)
        self.requests = RequestMetrics(self._registry)
        self._reconciles = Counter(
            "symbol_operator_reconciles",
            "Reconciles by result: ok, conflict, error.",
            ["result"],
            registry=self._registry,
        )
        for result in RESULTS:
            self._reconciles.labels(result)
        self._seconds = Histogram(
            "symbol_operator_reconcile_seconds",
            "Time that a reconcile took.",
            registry=self._registry,
        )
        self._symbols = self._counted("symbols", "TradingSymbols")
        self._wanted = self._counted("leaders_wanted", "TradingSymbols that are on or in shutdown")
        self._stalled = self._counted("symbols_stalled", "TradingSymbols that are Stalled")
        self._leaders = self._counted("leaders", "Leader pods")
        self._served = Gauge(
            "symbol_operator_namespace_served",
            "1 where the replica that acts serves a namespace, 0 where it cannot or may not.",
            ["namespace"],
            registry=self._registry,
        )
        self.acting = Gauge(
            "symbol_operator_acting",
            "1 while this replica is the one that acts, else 0.",
            registry=self._registry,
        )
        self.events_dropped = Counter(
            "symbol_operator_events_dropped",
            "Events that were not posted.",
            registry=self._registry,
        )
        self.resync_age = Gauge(
            "symbol_operator_resync_age_seconds",
            "Time since the last resync that succeeded.",
            registry=self._registry,
        )

    @contextmanager
    def reconciling(self) -> Iterator[Result]:
        """Measure one reconcile."""
        result = Result()
        with self._seconds.time():
            try:
                yield result
            except Exception:
                result.label = "error"
                raise
            finally:
                self._reconciles.labels(result.label).inc()

    def counted(self, namespace: str, census: Census) -> None:
        """Note what a resync found in a namespace."""
        self._symbols.labels(namespace).set(census.symbols)
        self._wanted.labels(namespace).set(census.wanted)
        self._stalled.labels(namespace).set(census.stalled)
        self._leaders.labels(namespace).set(census.leaders)

    def served(self, namespace: str) -> None:
        """Note that a namespace is served."""
        self._served.labels(namespace).set(1)

    def not_served(self, namespace: str) -> None:
        """Note that a namespace is not served: what was counted there may be so no longer."""
        self._uncount(namespace)
        self._served.labels(namespace).set(0)

    def left(self, namespace: str) -> None:
        """Note that a namespace is another replica's to tell about."""
        self._uncount(namespace)
        self._served.remove(namespace)

    def _uncount(self, namespace: str) -> None:
        for gauge in (self._symbols, self._wanted, self._stalled, self._leaders):
            gauge.remove(namespace)

    def _counted(self, name: str, text: str) -> Gauge:
        return Gauge(
            f"symbol_operator_{name}",
            f"{text} by namespace, at the last resync.",
            ["namespace"],
            registry=self._registry,
        )

    def render(self) -> bytes:
        """Write all metrics in Prometheus' text format."""
        return generate_latest(self._registry)
