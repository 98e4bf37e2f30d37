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
from typing import Any

from simulation.timeline import Timeline


class VirtualLoop(asyncio.AbstractEventLoop):
    """The part of asyncio's loop that needs no operating system.

    Its callbacks are typed less strictly than asyncio's own: nobody but asyncio calls it.
    """

    def __init__(self, timeline: Timeline, failed: Callable[[BaseException], None]) -> None:
        """Run on a timeline; `failed` is told of exceptions that nobody would look at."""
        self.paused = False
        self._timeline = timeline
        self._failed = failed
        self._ready: deque[asyncio.Handle] = deque()
        self._running = False

    def run_ready(self) -> None:
        """Run all callbacks that are ready, unless the process is paused meanwhile."""
        if self._running or self.paused:
            return
        self._running = True
        events._set_running_loop(self)
        try:
            ready = self._ready
            while ready and not self.paused:
                handle = ready.popleft()
                if not handle._cancelled:
                    handle._run()
        finally:
            events._set_running_loop(None)
            self._running = False

    def feed(self, callback: Callable[..., object], *args: Any) -> None:
        """Let the world outside call something in the process."""
        self._ready.append(asyncio.Handle(callback, args, self))
        self.run_ready()

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

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_later(  # type: ignore[override]
        self,
        delay: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        delay_ms = math.ceil(delay * 1000 - 1e-6)
        when = self.time() + delay
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._timeline.after(max(delay_ms, 0), lambda: self._due(handle))
        return handle

    def call_at(  # type: ignore[override]
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
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

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Nothing to do: a canceled timer is passed over when it is due."""

    def _due(self, handle: asyncio.TimerHandle) -> None:
        if not handle._cancelled:
            self._ready.append(handle)
            self.run_ready()
