"""When everything is compared: at the start, for a list, after a failure, and from time to time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from symbol_operator.runtime import session
from symbol_operator.runtime.errors import UnavailableError
from symbol_operator.runtime.health import Progress
from symbol_operator.runtime.resync import keep_comparing

WITHIN_S = 5.0
NEVER_S = 3600.0


class Comparison:
    """Counts how often everything was compared; the first ones may fail."""

    def __init__(self, failures: int = 0, error: Exception | None = None) -> None:
        self._failures = failures
        self._error = error or UnavailableError("away")
        self._tried: asyncio.Queue[None] = asyncio.Queue()

    async def __call__(self) -> None:
        self._tried.put_nowait(None)
        if self._failures:
            self._failures -= 1
            raise self._error

    async def tried(self) -> None:
        """Wait for the next one."""
        async with asyncio.timeout(WITHIN_S):
            await self._tried.get()

    @property
    def more(self) -> bool:
        """Whether there were more than were waited for."""
        return not self._tried.empty()


@pytest.fixture
def listed() -> asyncio.Event:
    """Return what is set for each object of a list."""
    return asyncio.Event()


@asynccontextmanager
async def comparing(
    comparison: Comparison, listed: asyncio.Event, seconds: float = NEVER_S
) -> AsyncIterator[Progress]:
    """Compare; nothing had succeeded for an hour when it began."""
    moments = iter([0.0])
    progress = Progress(lambda: next(moments, NEVER_S))
    task = asyncio.create_task(keep_comparing(comparison, listed, progress, seconds))
    yield progress
    task.cancel()


async def test_everything_is_compared_at_the_start_and_again_and_again(
    listed: asyncio.Event,
) -> None:
    comparison = Comparison()

    async with comparing(comparison, listed, seconds=0.0):
        for _ in range(3):
            await comparison.tried()


async def test_a_list_is_compared_once(listed: asyncio.Event) -> None:
    """However many objects it has: they come within a moment."""
    comparison = Comparison()

    async with comparing(comparison, listed):
        await comparison.tried()
        for _ in range(100):
            listed.set()
            await asyncio.sleep(0)
        await comparison.tried()

    assert not comparison.more
    assert not listed.is_set()


@pytest.mark.parametrize("error", [UnavailableError("away"), KeyError("metadata")])
async def test_a_comparison_that_failed_is_repeated_soon(
    listed: asyncio.Event, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """However it failed: what is in one namespace keeps no other from being compared."""
    monkeypatch.setattr(session, "BACKOFF_SECONDS", (0.0, 0.0))
    comparison = Comparison(failures=2, error=error)

    async with comparing(comparison, listed) as progress:
        for _ in range(2):
            await comparison.tried()
        assert progress.age == NEVER_S
        await comparison.tried()
        await asyncio.sleep(0)
        assert progress.age == 0

    assert not comparison.more
