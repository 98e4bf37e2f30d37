"""An event loop of one simulated process, whose clock is the world's timeline.

It has no selector, no thread and no wall clock: timers are entries of the timeline, and callbacks
run as soon as the process may run. A frozen process keeps what becomes due and runs it when it is
thawed; a dead one runs nothing more.
"""

import asyncio
import math
from asyncio import events
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context
from functools import partial
from typing import Any

from simulation.timeline import Timeline


class Callback:
    """What asyncio calls a handle, without what is for debugging: most of a run goes through it.

    One without a context runs in none of its own: the world's and asyncio's callbacks read none.
    """

    __slots__ = ("args", "canceled", "context", "function")

    def __init__(
        self, function: Callable[..., object], args: tuple[Any, ...], context: Context | None
    ) -> None:
        self.function = function
        self.args = args
        self.context = context
        self.canceled = False

    def cancel(self) -> None:
        """Let it be passed over."""
        self.canceled = True

    def cancelled(self) -> bool:
        """Return whether it was canceled."""
        return self.canceled


class VirtualLoop(asyncio.AbstractEventLoop):
    """The part of asyncio's loop that needs no operating system.

    Its callbacks are typed less strictly than asyncio's own: nobody but asyncio calls it.
    """

    def __init__(self, timeline: Timeline, failed: Callable[[BaseException], None]) -> None:
        """Run on a timeline; `failed` is told of exceptions that nobody would look at."""
        self.paused = False
        self._timeline = timeline
        self._failed = failed
        self._ready: deque[Callback] = deque()
        self._running = False

    def run_ready(self) -> None:
        """Run all callbacks that are ready, unless the process is paused meanwhile."""
        ready = self._ready
        if self._running or self.paused or not ready:
            return
        self._running = True
        events._set_running_loop(self)
        try:
            while ready and not self.paused:
                callback = ready.popleft()
                if callback.canceled:
                    continue
                try:
                    if callback.context is None:
                        callback.function(*callback.args)
                    else:
                        callback.context.run(callback.function, *callback.args)
                except Exception as exc:  # noqa: BLE001 - as asyncio's loop: the next one runs
                    self._failed(exc)
        finally:
            events._set_running_loop(None)
            self._running = False

    def feed(self, callback: Callable[..., object], *args: Any) -> None:
        """Let the world outside call something in the process."""
        self._ready.append(Callback(callback, args, None))
        self.run_ready()

    async def sleep_ms(self, delay_ms: int) -> None:
        """Sleep as `asyncio.sleep` does, with half of its steps."""
        woken = self.create_future()
        self._timeline.after(delay_ms, partial(self._wake, woken))
        await woken

    def end_tasks(self) -> None:
        """Cancel every task and let each come to its end; none is canceled before it began."""
        self.paused = False
        self.run_ready()
        while tasks := asyncio.all_tasks(self):
            for task in tasks:
                task.cancel()
            self.run_ready()
        self.paused = True
        self._ready.clear()

    # What asyncio asks of a loop.

    def time(self) -> float:
        return self._timeline.now_ms / 1000

    def call_soon(  # type: ignore[override]  # as the base class has it, without its overloads
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Callback:
        handle = Callback(callback, args, context)
        self._ready.append(handle)
        return handle

    def call_later(  # type: ignore[override]  # as the base class has it, without its overloads
        self,
        delay: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> Callback:
        delay_ms = math.ceil(delay * 1000 - 1e-6)
        handle = Callback(callback, args, context)
        self._timeline.after(max(0, delay_ms), partial(self._due, handle))
        return handle

    def call_at(  # type: ignore[override]  # as the base class has it, without its overloads
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> Callback:
        return self.call_later(when - self.time(), callback, *args, context=context)

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(
        self,
        coro: Generator[Any, None, Any] | Coroutine[Any, Any, Any],
        *,
        name: str | None = None,
        **_: Any,
    ) -> asyncio.Task[Any]:
        return asyncio.Task(coro, loop=self, name=name)

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return self._running

    def is_closed(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self._failed(context.get("exception") or AssertionError(context["message"]))

    def _due(self, callback: Callback) -> None:
        if not callback.canceled:
            self._ready.append(callback)
            self.run_ready()

    def _wake(self, sleeper: asyncio.Future[None]) -> None:
        if not sleeper.done():
            sleeper.set_result(None)
            self.run_ready()
