"""The operator's endpoints: alive means that it moves, ready that it gets somewhere."""

import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest

from symbol_operator.census import Census
from symbol_operator.health import MISSED_RESYNCS, NOT_BEGUN, Fallen, Progress, Watches, serve
from symbol_operator.metrics import Metrics

RESYNC = 10.0
LIMIT = MISSED_RESYNCS * RESYNC


class Watch:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def watch() -> Watch:
    """Return a clock."""
    return Watch()


@pytest.fixture
def progress(watch: Watch) -> Progress:
    """Return the progress of an operator that has just started."""
    return Progress(watch, RESYNC)


def test_a_start_has_time_to_prove_itself(watch: Watch, progress: Progress) -> None:
    watch.time += LIMIT

    assert progress.alive
    assert progress.ready
    watch.time += 1
    assert not progress.alive
    assert not progress.ready


def test_failing_is_alive_but_not_ready(watch: Watch, progress: Progress) -> None:
    """A restart does not help against an API server that is away."""
    watch.time += LIMIT + 1
    progress.moved()

    assert progress.alive
    assert not progress.ready
    assert progress.age == LIMIT + 1
    progress.succeeded()
    assert progress.ready


@pytest.fixture
async def address(progress: Progress) -> AsyncIterator[str]:
    """Serve the endpoints, and return where."""
    metrics = Metrics()
    metrics.counted("trading", Census(symbols=3, wanted=2, stalled=1, leaders=2))
    with metrics.reconciling() as result:
        result.conflict()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with serve(port, progress, metrics):
        yield f"http://127.0.0.1:{port}"


async def get(url: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, await answer.text()


async def test_the_probes_say_what_is_wrong(address: str, watch: Watch, progress: Progress) -> None:
    assert await get(f"{address}/healthz") == (200, "ok\n")
    assert await get(f"{address}/readyz") == (200, "ok\n")

    watch.time += LIMIT + 1
    assert (await get(f"{address}/healthz"))[0] == 503
    progress.moved()
    assert await get(f"{address}/healthz") == (200, "ok\n")
    assert await get(f"{address}/readyz") == (503, "no resync succeeded for 31 s\n")


async def test_the_metrics_are_prometheus_text(address: str, watch: Watch) -> None:
    watch.time += 7

    status, text = await get(f"{address}/metrics")

    assert status == 200
    assert 'symbol_operator_reconciles_total{result="conflict"} 1.0' in text
    assert 'symbol_operator_symbols{namespace="trading"} 3.0' in text
    assert 'symbol_operator_leaders{namespace="trading"} 2.0' in text
    assert 'symbol_operator_leaders_wanted{namespace="trading"} 2.0' in text
    assert 'symbol_operator_symbols_stalled{namespace="trading"} 1.0' in text
    assert "symbol_operator_resync_age_seconds 7.0" in text
    assert "symbol_operator_reconcile_seconds_count 1.0" in text


def test_an_error_is_counted_and_not_swallowed() -> None:
    metrics = Metrics()

    with pytest.raises(RuntimeError), metrics.reconciling():
        raise RuntimeError

    assert b'symbol_operator_reconciles_total{result="error"} 1.0' in metrics.render()


def test_no_watch_stands_before_it_is_said_to() -> None:
    watches = Watches(("pods", "tradingsymbols"), ("b", "a"))

    assert [str(watch) for watch in watches.fallen] == [
        f"pods in a: {NOT_BEGUN}",
        f"tradingsymbols in a: {NOT_BEGUN}",
        f"pods in b: {NOT_BEGUN}",
        f"tradingsymbols in b: {NOT_BEGUN}",
    ]


def test_a_watch_falls_and_stands_alone_and_says_what_is_new() -> None:
    watches = Watches(("pods",), ("a", "b"))

    assert watches.stood("pods", "a")
    assert not watches.stood("pods", "a")
    assert watches.fallen == (Fallen("pods", "b", NOT_BEGUN),)
    assert watches.fell("pods", "a", "forbidden")
    assert not watches.fell("pods", "a", "forbidden")
    assert watches.fell("pods", "a", "gone")
    assert watches.stood("pods", "b")
    assert watches.fallen == (Fallen("pods", "a", "gone"),)
