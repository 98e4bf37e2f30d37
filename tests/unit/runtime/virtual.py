"""Coroutines on an event loop whose clock jumps: waits of minutes cost nothing."""

from collections.abc import Coroutine
from typing import Any, TypeVar

from simulation.loop import VirtualLoop
from simulation.timeline import Timeline

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T], *, within_s: float = 3_600) -> T:
    """Run it to its end, and return what it returns."""
    failures: list[BaseException] = []
    timeline = Timeline(0)
    loop = VirtualLoop(timeline, failures.append)  # type: ignore[abstract]  # what no test calls is not there
    task = loop.create_task(work)
    loop.run_ready()
    timeline.run_until(round(within_s * 1_000))
    done = task.done()
    loop.end_tasks()
    assert done, f"it does not end within {within_s} s"
    assert not failures
    result: T = task.result()
    return result
