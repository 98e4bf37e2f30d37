"""A queue of things to look at: each at most once at a time, failures ever more slowly.

Events only say that something may have changed. So what is queued is a name, never a change:
any number of events before the look need one look, and an event during a look needs another.

What somebody asked for goes first: with a thousand symbols switched on at once, all pods are
created before most statuses are written.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from contextlib import AbstractContextManager
from functools import partial
from typing import Final, Generic, TypeVar

from symbol_operator.runtime.queue_metrics import QueueMetrics
from tradingsymbol_api.reading import shown

logger = logging.getLogger(__name__)

Key = TypeVar("Key", bound=Hashable)

RETRY_FIRST_SECONDS: Final = 0.25
"""Wait after the first failure in a row; each further one doubles it."""
RETRY_MAX_SECONDS: Final = 60.0
"""Longest wait after a failure."""
URGENT_IN_A_ROW: Final = 16
"""So many urgent keys go before one that is not, if any waits: none waits forever."""


def retry_delay(failures: int) -> float:
    """Seconds to wait after `failures` failures in a row."""
    # The exponent is bounded, so that no count of failures overflows a float.
    return min(RETRY_FIRST_SECONDS * 2.0 ** min(failures - 1, 32), RETRY_MAX_SECONDS)


class WorkQueue(Generic[Key]):
    """Keys that wait to be processed, by any number of workers.

    `process` looks at one key, told whether that is urgent, and returns the seconds after which to
    look again even if nothing happens, None if only events count. If it raises, whatever it is,
    that concerns this key alone: it is tried again. Each error of a key is logged once, until it is
    another one; one that is not `expected`, with all that is known of it. `concerning` has what is
    logged meanwhile name the key.
    """

    def __init__(
        self,
        process: Callable[[Key, bool], Awaitable[float | None]],
        *,
        expected: type[Exception],
        concerning: Callable[[Key], AbstractContextManager[None]],
        metrics: QueueMetrics,
    ) -> None:
        self._process = process
        self._expected = expected
        self._concerning = concerning
        self._metrics = metrics
        self._urgent: OrderedDict[Key, None] = OrderedDict()
        self._patient: OrderedDict[Key, None] = OrderedDict()
        self._in_a_row = 0
        self._since: dict[Key, float] = {}
        """When each key that is to be processed was added, in the loop's time."""
        self._processing: dict[Key, float] = {}
        """When the processing of each key began."""
        self._again: dict[Key, bool] = {}
        self._failures: dict[Key, int] = {}
        self._errors: dict[Key, str] = {}
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._available = asyncio.Semaphore(0)
        metrics.watch(self.__len__, self._running_seconds)

    def __len__(self) -> int:
        """Count the keys that wait for a worker."""
        return len(self._urgent) + len(self._patient)

    def add(self, key: Key, *, urgent: bool = True) -> None:
        """Have `key` processed soon, once, however often it was added meanwhile."""
        self._cancel_timer(key)
        if key not in self._since:
            self._since[key] = _now()
            self._metrics.added()
        if key in self._processing:
            self._again[key] = urgent or self._again.get(key, False)
            return
        waiting = self._waits(key)
        if urgent:
            self._patient.pop(key, None)
            self._urgent[key] = None
        elif not waiting:
            self._patient[key] = None
        if not waiting:
            self._available.release()

    def add_after(self, key: Key, delay: float) -> None:
        """Have `key` processed in `delay` seconds at the latest, without urgency."""
        due = _now() + delay
        timer = self._timers.get(key)
        if self._waits(key) or key in self._again or (timer and timer.when() <= due):
            return
        self._cancel_timer(key)
        wake = partial(self.add, key, urgent=False)
        self._timers[key] = asyncio.get_running_loop().call_at(due, wake)

    async def work(self) -> None:
        """Process keys, one after the other, until cancelled."""
        while True:
            await self._available.acquire()
            key, urgent = self._next()
            self._processing[key] = begun = _now()
            self._metrics.waited(begun - self._since.pop(key))
            try:
                with self._concerning(key):
                    await self._attempt(key, urgent=urgent)
            finally:
                del self._processing[key]
                # It was added during its processing.
                if key in self._again:
                    self.add(key, urgent=self._again.pop(key))

    def close(self) -> None:
        """Drop all timers."""
        for key in list(self._timers):
            self._cancel_timer(key)

    def _running_seconds(self) -> list[float]:
        return [_now() - begun for begun in self._processing.values()]

    def _waits(self, key: Key) -> bool:
        return key in self._urgent or key in self._patient

    def _next(self) -> tuple[Key, bool]:
        late = bool(self._patient) and self._in_a_row >= URGENT_IN_A_ROW
        urgent = bool(self._urgent) and not late
        self._in_a_row = self._in_a_row + 1 if urgent else 0
        key, _ = (self._urgent if urgent else self._patient).popitem(last=False)
        return key, urgent

    async def _attempt(self, key: Key, *, urgent: bool) -> None:
        try:
            delay = await self._process(key, urgent)
        except Exception as exc:  # noqa: BLE001 - it concerns this key alone
            failures = self._failures[key] = self._failures.get(key, 0) + 1
            delay = retry_delay(failures)
            self._metrics.retried()
            self._log(key, exc, delay)
        else:
            self._failures.pop(key, None)
            self._errors.pop(key, None)
        if delay is not None:
            self.add_after(key, delay)

    def _log(self, key: Key, exc: Exception, delay: float) -> None:
        expected = isinstance(exc, self._expected)
        error = str(exc) if expected else shown(exc)
        if self._errors.get(key) == error:
            return
        self._errors[key] = error
        details = None if expected else exc
        logger.warning("trying again in %.2f s: %s", delay, error, exc_info=details)

    def _cancel_timer(self, key: Key) -> None:
        if timer := self._timers.pop(key, None):
            timer.cancel()


def _now() -> float:
    return asyncio.get_running_loop().time()
