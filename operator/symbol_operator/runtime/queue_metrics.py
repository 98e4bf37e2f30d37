"""What the work queue counts, under the names that client-go gives after its prefix."""

from collections.abc import Callable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

PREFIX: Final = "symbol_operator_workqueue"
WAIT_BUCKETS_SECONDS: Final = (0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class QueueMetrics:
    """The work queue in numbers. No clock: it is told how long something took."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register them; gauges show 0 before there is a queue."""
        self._registry = registry
        self._adds = Counter(
            f"{PREFIX}_adds", "TradingSymbols that were put into the queue.", registry=registry
        )
        self._retries = Counter(
            f"{PREFIX}_retries", "Looks that failed and are repeated.", registry=registry
        )
        self._waits = Histogram(
            f"{PREFIX}_queue_duration_seconds",
            "Time that a TradingSymbol waited in the queue for a look.",
            buckets=WAIT_BUCKETS_SECONDS,
            registry=registry,
        )
        self._depth = self._gauge(f"{PREFIX}_depth", "TradingSymbols that wait for a look.")
        self._old_depth = self._gauge(
            "symbol_operator_queue_depth", f"Deprecated: the same as {PREFIX}_depth."
        )
        self._unfinished = self._gauge(
            f"{PREFIX}_unfinished_work_seconds", "Time that all looks under way have taken so far."
        )
        self._longest = self._gauge(
            f"{PREFIX}_longest_running_processor_seconds",
            "Time that the longest look under way has taken so far.",
        )

    def added(self) -> None:
        """Count a key that waits from now on."""
        self._adds.inc()

    def waited(self, seconds: float) -> None:
        """Note how long a key has waited that a worker takes now."""
        self._waits.observe(seconds)

    def retried(self) -> None:
        """Count a failure after which a key is tried again."""
        self._retries.inc()

    def watch(self, depth: Callable[[], int], running: Callable[[], list[float]]) -> None:
        """Show, whenever it is asked for, how many wait, and the seconds each look has taken."""
        for gauge in (self._depth, self._old_depth):
            gauge.set_function(depth)
        self._unfinished.set_function(lambda: sum(running()))
        self._longest.set_function(lambda: max(running(), default=0.0))

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(name, text, registry=self._registry)
