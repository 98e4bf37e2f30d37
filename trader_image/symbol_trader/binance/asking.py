"""Asking the exchange: what only reads is repeated, what acts is not; the clock is kept.

An order or a cancel is written to the socket once. Nothing here signs or sends one again: not a
time-out, not a resynchronised clock. Requests that merely read are repeated with a fresh timestamp,
a bounded number of times, and wait while too much weight is used.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, TypeVar

from symbol_trader.binance import replies, requests
from symbol_trader.binance.allowance import Allowance
from symbol_trader.binance.backoff import delays
from symbol_trader.binance.clock import Clock, Sample
from symbol_trader.binance.envelope import Answer, Reply
from symbol_trader.binance.errors import RateLimited, RequestRefused, UnreadableReply
from symbol_trader.binance.fields import PayloadError
from symbol_trader.binance.link import Link
from symbol_trader.binance.settings import BinanceSettings
from symbol_trader.binance.signing import Params, signed
from symbol_trader.binance.verdicts import (
    TOO_MUCH_WEIGHT,
    Kind,
    Verdict,
    explain,
    hold_s,
    judge,
    outcome,
)
from symbol_trader.core.replies import Accepted, Outcome, Refused
from symbol_trader.ports import BadCredentials, ExchangeUnavailable, Unavailable

log = logging.getLogger(__name__)

T = TypeVar("T")

_REPEATED = (Kind.UNDECIDED, Kind.LATE)
"""Answers after which a request that only reads is sent again."""


class Asker:
    """Requests over one link, signed and stamped with the exchange's time."""

    def __init__(
        self,
        settings: BinanceSettings,
        link: Link,
        allowance: Allowance,
        *,
        monotonic_ns: Callable[[], int],
        random: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._link = link
        self._allowance = allowance
        self._monotonic_ns = monotonic_ns
        self._random = random
        self._clock = Clock(monotonic_ns)
        self._clock_doubted = asyncio.Event()

    def now_ms(self) -> int:
        """Return exchange time in milliseconds."""
        return self._clock.now_ms()

    async def act(
        self, method: str, params: Params, accepted: Callable[[Any], Accepted]
    ) -> Outcome:
        """Send an order or a cancel, once; `accepted` reads the result."""
        held = self._held()
        if held is not None:
            return Refused(TOO_MUCH_WEIGHT, f"{method} was not sent: {held}")
        answer = await self._send(method, signed(params, self._settings.credentials))
        if judge(answer).kind is Kind.LATE:
            self._clock_doubted.set()
        return outcome(answer, accepted)

    async def query(
        self, method: str, params: Params, parse: Callable[[Any], T], *, private: bool = True
    ) -> T:
        """Ask something and read the answer. Raises `Unavailable`, `BadCredentials`."""
        result = await self.read(method, params, private=private)
        try:
            return parse(result)
        except PayloadError as exc:
            raise UnreadableReply(f"{method}: {exc}") from exc

    async def read(self, method: str, params: Params, *, private: bool) -> Any:
        """Ask until there is an answer, at most `read_attempts` times."""
        pauses = self._pauses()
        while True:
            self.respect_limits(method)
            await self._leave_room_for_orders(method)
            answer = await self._send(method, self._private(params) if private else params)
            verdict = judge(answer)
            if verdict.kind is Kind.DONE and isinstance(answer, Reply):
                return answer.result
            pause = next(pauses, None)
            if pause is None or verdict.kind not in _REPEATED or self._link.ended is not None:
                raise _failure(method, answer, verdict)
            log.info("%s is asked again: %s", method, explain(answer, verdict))
            await self._recover(verdict.kind, pause)

    async def measure_clock(self) -> None:
        """Ask for the time a few times and take over the best answer. Raises `Unavailable`."""
        self.respect_limits("time")
        samples = [await self._sample() for _ in range(self._settings.clock_samples)]
        round_trip_ns = self._clock.adjust(samples)
        log.debug("measured the exchange's clock with a round trip of %d ns", round_trip_ns)

    async def keep_clock(self) -> None:
        """Measure again from time to time, and whenever a request was outside its window."""
        while self._link.ended is None:
            try:
                async with asyncio.timeout(self._settings.clock_interval_s):
                    await self._clock_doubted.wait()
            except TimeoutError:
                pass
            self._clock_doubted.clear()
            try:
                await self.measure_clock()
            except Unavailable as exc:
                log.warning("the exchange's clock was not measured again: %s", exc)

    def _pauses(self) -> Iterator[float]:
        """Yield the pauses between attempts; there is none after the last attempt."""
        s = self._settings
        return islice(delays(s.retry_first_s, s.retry_limit_s, self._random), s.read_attempts - 1)

    async def _recover(self, kind: Kind, pause: float) -> None:
        if kind is Kind.LATE:
            await self.measure_clock()
        else:
            await asyncio.sleep(pause)

    def _private(self, params: Params) -> Params:
        stamped = requests.stamped(params, self.now_ms(), self._settings.read_recv_window_ms)
        return signed(stamped, self._settings.credentials)

    def _held(self) -> str | None:
        """Say why nothing may be sent now, if the exchange asked to be left alone."""
        if not (held_s := self._allowance.held_s):
            return None
        return f"the exchange limits requests for another {held_s:.1f} s"

    def respect_limits(self, what: str) -> None:
        """Raise `Unavailable` while the exchange is to be left alone, also by other sessions."""
        held = self._held()
        if held is not None:
            raise RateLimited(f"{what} was not sent: {held}")

    async def _leave_room_for_orders(self, method: str) -> None:
        if pause_s := self._allowance.reading_pause_s:
            log.info("%s waits for %.1f s: much request weight is used", method, pause_s)
            await self._link.wait_for_end(pause_s)

    async def _send(self, method: str, params: Params) -> Answer:
        """Send a request, once, and heed what its reply says of limits."""
        answer = await self._link.send(method, params)
        if isinstance(answer, Reply):
            self._heed(answer)
        return answer

    def _heed(self, answer: Reply) -> None:
        now_ms = self._clock.now_ms() if self._clock.measured else answer.server_time_ms
        if answer.weight is not None and now_ms is not None:
            self._allowance.count(answer.weight, now_ms)
        seconds = hold_s(answer, now_ms)
        if seconds is not None:
            self._allowance.hold(seconds)

    async def _sample(self) -> Sample:
        sent_ns = self._monotonic_ns()
        answer = await self._send("time", {})
        received_ns = self._monotonic_ns()
        if not isinstance(answer, Reply) or judge(answer).kind is not Kind.DONE:
            raise _failure("time", answer, judge(answer))
        try:
            return Sample(sent_ns, received_ns, replies.server_time_ms(answer.result))
        except PayloadError as exc:
            raise UnreadableReply(f"time: {exc}") from exc


def _failure(method: str, answer: Answer, verdict: Verdict) -> Exception:
    """Make the error that ends a request that only reads."""
    text = f"{method}: {explain(answer, verdict)}"
    if verdict.kind is Kind.CREDENTIALS:
        return BadCredentials(text)
    if verdict.kind in {Kind.LIMITED, Kind.BUSY}:
        return RateLimited(text)
    if verdict.kind is Kind.REFUSED and isinstance(answer, Reply):
        return RequestRefused(text, answer.code)
    return ExchangeUnavailable(text)
