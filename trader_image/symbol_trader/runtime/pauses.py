"""Pauses between attempts: how long they are, and the report of what is waited for."""

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
        """Log and report what is waited for, and pause before the next attempt."""
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

        Where the other side says how long (a ban), that is the pause, and it does not count as a
        failure: pauses grow with failures, and work is to go on as soon as the ban is over. A ban
        longer than the liveness probe allows is waited out in pieces; attempts in between send
        nothing.
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
