"""The queue: each key once at a time, none forgotten, failures ever more slowly."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from symbol_operator.runtime.workqueue import (
    RETRY_FIRST_SECONDS,
    RETRY_MAX_SECONDS,
    WorkQueue,
    retry_delay,
)

Process = Callable[[str], Awaitable[float | None]]


@asynccontextmanager
async def working(process: Process, workers: int = 2) -> AsyncIterator[WorkQueue[str]]:
    """Run a queue with some workers."""
    queue: WorkQueue[str] = WorkQueue(lambda key, _: process(key), expected=OSError)
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

    queue: WorkQueue[str] = WorkQueue(process, expected=OSError)
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

    queue: WorkQueue[str] = WorkQueue(lambda key, _: process(key), expected=OSError)
    queue.add("a")
    queue.add("b", urgent=False)
    queue.add_after("a", 5)
    queue.add_after("b", 5)

    assert queue._timers == {}


async def test_closing_drops_the_timers() -> None:
    async def process(key: str) -> None:
        raise AssertionError(key)

    queue: WorkQueue[str] = WorkQueue(lambda key, _: process(key), expected=OSError)
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
