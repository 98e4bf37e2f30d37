"""Pauses between attempts: how long they are, and that it is said what is waited for."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from symbol_trader.errors import Unavailable
from symbol_trader.runtime.health import Health
from symbol_trader.runtime.reporting import problem_of
from symbol_trader.runtime.reports import Reports
from symbol_trader.runtime.retry_policy import RetryPolicy
from symbol_trader.runtime.story import Story


class Pauses:
    """Waits out what keeps a leader from trading; failures in a row make it wait longer."""

    def __init__(
        self,
        retry_policy: RetryPolicy,
        *,
        jitter: Callable[[], float],
        changed: asyncio.Event,
        reports: Reports,
        story: Story,
        health: Health,
    ) -> None:
        """Wait until a pause is over, or `changed` is set; `jitter` is from 0 to 1."""
        self.dialed = False
        """The last attempt went as far as the exchange."""
        self._retry_policy = retry_policy
        self._jitter = jitter
        self._changed = changed
        self._reports = reports
        self._story = story
        self._health = health
        self._failures = 0

    async def wait_out(self, cause: Exception) -> None:
        """Say what is waited for, and pause before the next attempt."""
        pause_s = self.pause_s(cause)
        problem = problem_of(cause)
        if problem != self._reports.problem:
            self._story.warn("waiting", reason=problem.reason, why=problem.message)
        self._reports.problem = problem
        self._health.heartbeat()
        self._reports.due.set()
        # What was asked for during the attempt is not slept over.
        with suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), pause_s)

    def pause_s(self, cause: Exception) -> float:
        """Return how long to wait before the next attempt.

        Where the other side has said how long, that is waited, and it is no failure whose pauses
        grow: work goes on when a ban is over. One that lasts longer than a probe allows the loop
        to stand still is waited out in pieces; an attempt during it sends nothing.
        """
        if isinstance(cause, Unavailable) and cause.retry_in_s is not None:
            return min(cause.retry_in_s, self._retry_policy.exchange_most_s)
        self._failures += 1
        pause_s = self._retry_policy.pause_s(self._failures, dialed=self.dialed)
        return pause_s * (0.5 + self._jitter() / 2)

    def term_ended(self, *, lasted_s: float) -> None:
        """End the growth of pauses if a term has lasted.

        Some outages let a term begin and end it at its first write: a full disk, say.
        """
        if lasted_s > self._retry_policy.most_s:
            self._failures = 0
