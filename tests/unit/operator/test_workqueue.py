"""The queue: each key once at a time, none forgotten, failures ever more slowly."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from symbol_operator.runtime.queue_metrics import PREFIX, QueueMetrics
from symbol_operator.runtime.workqueue import (
    RETRY_FIRST_SECONDS,
    RETRY_MAX_SECONDS,
    WorkQueue,
    retry_delay,
)
from unit.runtime.virtual import run

Process = Callable[[str], Awaitable[float | None]]


@contextmanager
def about_it(_: str) -> Iterator[None]:
    yield


def queue_of(
    process: Callable[[str, bool], Awaitable[float | None]], **given: Any
) -> WorkQueue[str]:
    """Make a queue whose metrics and log nobody looks at, unless they are given."""
    rest = {"concerning": about_it, "metrics": QueueMetrics(CollectorRegistry()), **given}
    return WorkQueue(process, expected=OSError, **rest)


@asynccontextmanager
async def working(
    process: Process, workers: int = 2, **given: Any
) -> AsyncIterator[WorkQueue[str]]:
    """Run a queue with some workers."""
    queue = queue_of(lambda key, _: process(key), **given)
    tasks = [asyncio.create_task(queue.work()) for _ in range(workers)]
    try:
        yield queue
    finally:
        queue.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_key_added_often_before_its_turn_is_processed_once() -> None:
    seen: list[str] = []
    done = asyncio.Event()

    async def process(key: str) -> None:
        seen.append(key)
        if key == "last":
            done.set()

    async with working(process, workers=1) as queue:
        for key in ("a", "a", "b", "a", "last"):
            queue.add(key)
        assert len(queue) == 3
        await done.wait()

    assert seen == ["a", "b", "last"]


async def test_a_key_added_during_its_turn_gets_another_and_never_two_at_once() -> None:
    running = turns = most = 0
    entered, proceed, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def process(key: str) -> None:
        del key
        nonlocal running, turns, most
        running += 1
        turns += 1
        most = max(most, running)
        entered.set()
        await proceed.wait()
        running -= 1
        if turns == 2:
            done.set()

    async with working(process) as queue:
        queue.add("a")
        await entered.wait()
        queue.add("a")
        queue.add("a")
        # The other worker is idle, and must not take it.
        await asyncio.sleep(0)
        proceed.set()
        await done.wait()
        await asyncio.sleep(0)

    assert (turns, most) == (2, 1)


async def test_what_was_asked_for_goes_first_and_nothing_waits_forever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("symbol_operator.runtime.workqueue.URGENT_IN_A_ROW", 2)
    seen: list[str] = []
    done = asyncio.Event()

    async def process(key: str) -> None:
        seen.append(key)
        if len(seen) == 6:
            done.set()

    async with working(process, workers=1) as queue:
        for key in ("p", "q", "d"):
            queue.add(key, urgent=False)
        for key in ("a", "b", "c", "d"):
            queue.add(key)
        queue.add("a", urgent=False)
        assert len(queue) == 6
        await done.wait()

    assert seen == ["a", "b", "p", "c", "d", "q"]


async def test_a_look_is_told_whether_it_is_urgent() -> None:
    told: list[tuple[str, bool]] = []
    done = asyncio.Event()

    async def process(key: str, urgent: bool) -> None:
        told.append((key, urgent))
        if len(told) == 2:
            done.set()

    queue = queue_of(process)
    queue.add("later", urgent=False)
    queue.add("now")
    working = asyncio.create_task(queue.work())
    await done.wait()
    working.cancel()

    assert told == [("now", True), ("later", False)]


async def test_different_keys_are_processed_at_the_same_time() -> None:
    both = asyncio.Barrier(2)

    async def process(key: str) -> None:
        del key
        await both.wait()
        both_met.set()

    both_met = asyncio.Event()
    async with working(process) as queue:
        queue.add("a")
        queue.add("b")
        await both_met.wait()


async def test_a_failed_key_is_tried_again_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("symbol_operator.runtime.workqueue.RETRY_FIRST_SECONDS", 0.0)
    attempts: list[str] = []
    done = asyncio.Event()

    async def process(key: str) -> None:
        attempts.append(key)
        if attempts.count("bad") == 1 and key == "bad":
            raise RuntimeError("a bug")
        if attempts.count("bad") == 2 and key == "bad":
            raise OSError("away")
        if attempts.count("bad") == 3:
            done.set()

    async with working(process, workers=1) as queue:
        queue.add("bad")
        queue.add("good")
        await done.wait()

        # A success ends the series: the next failure waits the shortest time again.
        await asyncio.sleep(0)
        assert queue._failures == {}

    assert attempts == ["bad", "good", "bad", "bad"]
    first, second = caplog.records
    assert "a bug" in first.getMessage()
    assert first.exc_info is not None
    assert second.exc_info is None


async def test_a_process_may_ask_to_be_called_again() -> None:
    turns = 0
    done = asyncio.Event()

    async def process(key: str) -> float | None:
        del key
        nonlocal turns
        turns += 1
        if turns == 2:
            done.set()
            return None
        return 0.001

    async with working(process) as queue:
        queue.add("a")
        await done.wait()


async def test_the_earliest_of_several_timers_counts() -> None:
    loop = asyncio.get_running_loop()
    done = asyncio.Event()

    async def process(key: str) -> None:
        del key
        done.set()

    async with working(process) as queue:
        start = loop.time()
        queue.add_after("a", 60)
        queue.add_after("a", 0.01)
        queue.add_after("a", 30)
        await done.wait()
        assert loop.time() - start < 5
        # The timers of the key are used up with it.
        assert queue._timers == {}


async def test_a_timer_adds_nothing_to_a_key_that_waits_already() -> None:
    async def process(key: str) -> None:
        raise AssertionError(key)

    queue = queue_of(lambda key, _: process(key))
    queue.add("a")
    queue.add("b", urgent=False)
    queue.add_after("a", 5)
    queue.add_after("b", 5)

    assert queue._timers == {}


async def test_closing_drops_the_timers() -> None:
    async def process(key: str) -> None:
        raise AssertionError(key)

    queue = queue_of(lambda key, _: process(key))
    queue.add_after("a", 5)
    queue.close()

    assert queue._timers == {}


def test_the_wait_after_failures_doubles_to_a_limit() -> None:
    assert retry_delay(1) == RETRY_FIRST_SECONDS
    assert retry_delay(2) == 2 * RETRY_FIRST_SECONDS
    assert retry_delay(10**6) == RETRY_MAX_SECONDS


async def test_each_error_of_a_key_is_logged_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is tried again every minute, and says the same for as long as nobody mends it."""
    monkeypatch.setattr("symbol_operator.runtime.workqueue.RETRY_FIRST_SECONDS", 0.0)
    errors: list[Exception] = [*[RecursionError("deep")] * 3, OSError("away"), OSError("away")]
    done = asyncio.Event()

    async def process(key: str) -> None:
        if errors:
            raise errors.pop(0)
        done.set()

    async with working(process) as queue:
        queue.add("a")
        await done.wait()

    warned = [record for record in caplog.records if record.levelname == "WARNING"]
    assert ["deep" in warned[0].getMessage(), "away" in warned[1].getMessage()] == [True, True]
    assert [record.exc_info is None for record in warned] == [False, True]


async def test_an_error_that_came_back_is_logged_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("symbol_operator.runtime.workqueue.RETRY_FIRST_SECONDS", 0.0)
    outcomes: list[Exception | None] = [OSError("away"), None, OSError("away"), None]
    done = asyncio.Event()

    async def process(key: str) -> float | None:
        if error := outcomes.pop(0):
            raise error
        if not outcomes:
            done.set()
        return 0.0 if outcomes else None

    async with working(process) as queue:
        queue.add("a")
        await done.wait()

    assert len([record for record in caplog.records if record.levelname == "WARNING"]) == 2


async def test_what_is_logged_of_a_key_names_it(caplog: pytest.LogCaptureFixture) -> None:
    about: list[str] = []
    said: list[tuple[str, list[str]]] = []

    @contextmanager
    def concerning(key: str) -> Iterator[None]:
        about.append(key)
        yield
        # The failure was logged by then.
        said.append((key, [record.getMessage() for record in caplog.records]))
        about.remove(key)

    seen = asyncio.Event()

    async def process(key: str) -> None:
        assert about == [key]
        seen.set()
        raise OSError("away")

    async with working(process, concerning=concerning) as queue:
        queue.add("a")
        await seen.wait()
        await asyncio.sleep(0)

    assert said == [("a", ["trying again in 0.25 s: away"])]


class Seen:
    """The metrics of a queue."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.metrics = QueueMetrics(self.registry)

    def __call__(self, name: str) -> float | None:
        return self.registry.get_sample_value(f"{PREFIX}_{name}")


def test_it_is_measured_how_long_a_key_waits_and_how_long_a_look_takes() -> None:
    """In a time that passes as it is told to."""
    seen = Seen()
    measured: list[tuple[float | None, ...]] = []

    def note() -> None:
        names = ("depth", "unfinished_work_seconds", "longest_running_processor_seconds")
        measured.append(tuple(map(seen, names)))

    async def process(key: str) -> None:
        await asyncio.sleep({"a": 4, "b": 3, "c": 1}[key])

    async def played() -> None:
        async with working(process, metrics=seen.metrics) as queue:
            queue.add("b", urgent=False)
            for key in ("a", "b", "c"):
                queue.add(key)
            note()
            await asyncio.sleep(2)
            note()
            queue.add("c")
            await asyncio.sleep(10)
            note()

    run(played())

    # Two workers: a and b at once, c after the 3 s of b.
    assert measured == [(3, 0, 0), (1, 4, 2), (0, 0, 0)]
    assert seen("adds_total") == 3, "one that waits already is not added again"
    assert seen("queue_duration_seconds_count") == 3
    assert seen("queue_duration_seconds_sum") == pytest.approx(3)
    assert seen("retries_total") == 0


def test_a_key_that_comes_during_its_look_waits_from_then_on() -> None:
    seen = Seen()

    async def process(_: str) -> None:
        await asyncio.sleep(5)

    async def played() -> None:
        async with working(process, metrics=seen.metrics) as queue:
            queue.add("a")
            await asyncio.sleep(2)
            queue.add("a")
            queue.add("a")
            assert seen("depth") == 0, "it waits for itself, and not for a worker"
            await asyncio.sleep(10)

    run(played())

    assert seen("adds_total") == 2
    assert seen("queue_duration_seconds_sum") == pytest.approx(3)


def test_each_failure_counts_as_a_retry_and_what_is_due_later_does_not() -> None:
    seen = Seen()
    outcomes: list[Exception | None] = [OSError("away"), RecursionError("deep"), None]

    async def process(_: str) -> float | None:
        if outcomes and (error := outcomes.pop(0)):
            raise error
        return 30

    async def played() -> None:
        async with working(process, metrics=seen.metrics) as queue:
            queue.add("a")
            await asyncio.sleep(100)

    run(played())

    assert seen("retries_total") == 2
    assert seen("adds_total") == 6, "one event, two retries, and each 30 s"
