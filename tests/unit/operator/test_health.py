"""The operator's endpoints: alive means that it answers, ready that it watches."""

import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest

from symbol_operator.decide.census import Census
from symbol_operator.runtime.health import NOT_BEGUN, Fallen, Progress, Watches, serve
from symbol_operator.runtime.metrics import Metrics


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    """Return a clock."""
    return Clock()


@pytest.fixture
def watches() -> Watches:
    """Return the watches of an operator that has just started."""
    return Watches(("pods", "tradingsymbols"), ("a", "b"))


@pytest.fixture
async def address(clock: Clock, watches: Watches) -> AsyncIterator[str]:
    """Serve the endpoints, and return where."""
    metrics = Metrics()
    metrics.counted("trading", Census(symbols=3, wanted=2, stalled=1, leaders=2))
    with metrics.reconciling() as result:
        result.conflict()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with serve(port, watches, Progress(clock), metrics):
        yield f"http://127.0.0.1:{port}"


async def get(url: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, await answer.text()


async def test_alive_is_what_answers_and_ready_what_watches(address: str, watches: Watches) -> None:
    status, text = await get(f"{address}/readyz")
    assert status == 503
    assert f"not watched: tradingsymbols in b: {NOT_BEGUN}\n" in text
    assert await get(f"{address}/healthz") == (200, "ok\n")

    for kind in ("pods", "tradingsymbols"):
        watches.stood(kind, "a")
        watches.stood(kind, "b")
    assert await get(f"{address}/readyz") == (200, "ok\n")


async def test_an_operator_that_watches_nothing_is_alive_and_not_ready(
    address: str, watches: Watches
) -> None:
    """A restart does not help against an API server that is away."""
    watches.stood("pods", "a")
    watches.fell("tradingsymbols", "a", "connection refused")
    for kind in ("pods", "tradingsymbols"):
        watches.fell(kind, "b", "connection refused")

    assert await get(f"{address}/healthz") == (200, "ok\n")
    status, text = await get(f"{address}/readyz")
    assert status == 503
    assert text.splitlines() == [
        "not watched: tradingsymbols in a: connection refused",
        "not watched: pods in b: connection refused",
        "not watched: tradingsymbols in b: connection refused",
    ]


async def test_a_namespace_that_cannot_be_watched_is_named_and_holds_up_nothing(
    address: str, watches: Watches
) -> None:
    """Else an update of the operator would wait forever for one namespace that is gone."""
    for kind in ("pods", "tradingsymbols"):
        watches.stood(kind, "a")
    watches.fell("pods", "b", "forbidden")
    assert (await get(f"{address}/readyz"))[0] == 503, "the other one may still come"

    watches.stood("tradingsymbols", "b")
    assert await get(f"{address}/readyz") == (200, "ok\nnot watched: pods in b: forbidden\n")


async def test_the_metrics_are_prometheus_text(address: str, clock: Clock) -> None:
    clock.time += 7

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
