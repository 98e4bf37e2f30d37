"""Requests to the exchange: those that read are repeated, those that act are not.

An order or a cancel is written to the socket once. Nothing here signs or sends one again: not a
time-out, not a resynchronised clock. Requests that merely read are repeated with a fresh timestamp
for a bounded time, and wait while too much weight is used, or a ban lasts that ends within it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

from symbol_trader.binance import replies, requests
from symbol_trader.binance.backoff import delays
from symbol_trader.binance.budgets import Budget
from symbol_trader.binance.clock import Clock, Sample
from symbol_trader.binance.envelope import Answer, Reply
from symbol_trader.binance.errors import RateLimited, RequestRefused, UnreadableReply
from symbol_trader.binance.fields import PayloadError
from symbol_trader.binance.keys import Key
from symbol_trader.binance.link import Link
from symbol_trader.binance.rate_limit import Purpose, RateLimit
from symbol_trader.binance.settings import BinanceSettings
from symbol_trader.binance.signing import Params, signed
from symbol_trader.binance.surprises import Surprise, Surprises
from symbol_trader.binance.verdicts import (
    Verdict,
    explain,
    hold_orders_s,
    hold_s,
    judge,
    outcome,
)
from symbol_trader.binance.weights import CONNECTION, weight_of
from symbol_trader.core.error_codes import TOO_MANY_ORDERS, ErrorClass
from symbol_trader.core.orders import Side
from symbol_trader.core.replies import Accepted, NotSent, Outcome, Refused
from symbol_trader.core.times import utc
from symbol_trader.errors import BadCredentials, ExchangeUnavailable, Unavailable

log = logging.getLogger(__name__)

T = TypeVar("T")

_TIME = "time"
_PLACE, _CANCEL = "order.place", "order.cancel"
_LOGON = "session.logon"
_HELD = "the exchange limits requests for now"
_PURPOSES = {Side.BUY: Purpose.BUY, Side.SELL: Purpose.SELL}
_WAIT_MAX_S = 60.0
"""Who would wait longer for its part of the budget comes back for it: it holds connections."""

_MS_PER_S = 1000


class RequestClient:
    """Requests over one link, signed and stamped with the exchange's time."""

    def __init__(
        self,
        settings: BinanceSettings,
        link: Link,
        rate_limit: RateLimit,
        key: Key,
        *,
        monotonic_ns: Callable[[], int],
        random: Callable[[], float],
        surprises: Surprises | None = None,
        budget: Budget | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Ask over this link. Clients that follow each other share a `clock`, and a `budget`."""
        self._settings = settings
        self._link = link
        self._budget = budget
        self._rate_limit = rate_limit
        self._surprises = surprises or Surprises()
        self._key = key
        self._logged_on = False
        self._monotonic_ns = monotonic_ns
        self._random = random
        self._clock = clock or Clock(monotonic_ns)
        self._clock_doubted = asyncio.Event()

    def now_ms(self) -> int:
        """Return exchange time in milliseconds."""
        return self._clock.now_ms()

    async def place(
        self, params: Params, side: Side, accepted: Callable[[Any], Accepted]
    ) -> Outcome:
        """Send an order, once, unless a limit keeps it back; `accepted` reads the result.

        Whom the exchange would refuse for a limit is refused here in its words, and not counted.
        """
        if (until_ms := self.held_until_ms()) is not None:
            return NotSent(until_ms, f"{_PLACE} was not sent: {_HELD}")
        if why := await self._kept_back(side):
            return Refused(TOO_MANY_ORDERS, f"not sent: {why}")
        return await self._act(_PLACE, params, accepted)

    async def cancel(self, params: Params, accepted: Callable[[Any], Accepted]) -> Outcome:
        """Send a cancel, once, unless too much is asked already; `accepted` reads the result."""
        until_ms = self.held_until_ms()
        if until_ms is None and (until_ns := self._rate_limit.pause_until_ns(Purpose.CANCEL)):
            until_ms = self._clock.reached_ms(until_ns)
        if until_ms is not None:
            return NotSent(until_ms, f"{_CANCEL} was not sent: {_HELD}")
        return await self._act(_CANCEL, params, accepted)

    async def _kept_back(self, side: Side) -> str:
        """Return why an order is not sent now, if that is so: what replies say, then the budget."""
        if pause_s := self._rate_limit.pause_s(_PURPOSES[side]):
            return f"the limits of address and account are used up for {pause_s:.3f} s"
        if self._budget is not None and not await self._budget.may_place(side):
            return "all leaders on the account place as many orders as it allows"
        return ""

    async def _act(
        self, method: str, params: Params, accepted: Callable[[Any], Accepted]
    ) -> Outcome:
        answer = await self._send(method, self._authorized(params))
        if judge(answer).late:
            self._clock_doubted.set()
        return outcome(answer, accepted)

    async def query(
        self, method: str, params: Params, parse: Callable[[Any], T], *, private: bool = True
    ) -> T:
        """Ask something and read the answer. Raises `Unavailable`, `BadCredentials`."""
        return readable(method, await self.read(method, params, private=private), parse)

    async def read(self, method: str, params: Params, *, private: bool) -> Any:
        """Ask until there is an answer, for at most `read_retries_s` seconds."""

        async def ask() -> Answer:
            return await self._send(method, self._private(params) if private else params)

        return await self._repeat(method, ask, self._retries(), weight_of(method, params))

    async def _repeat(
        self, method: str, ask: Callable[[], Awaitable[Answer]], retries: "_Retries", weight: int
    ) -> Any:
        """Ask until there is an answer; a pause that would take too long is not begun."""
        while True:
            await self._wait_for_turn(method, weight)
            await self._wait_out_limits(method, retries)
            answer = await ask()
            verdict = judge(answer)
            if verdict.reads is None and isinstance(answer, Reply):
                return answer.result
            pause_s = self._pause_s(answer, verdict, retries)
            if pause_s is None or self._link.ended is not None:
                raise self._failure(method, answer, verdict)
            log.info("%s is asked again: %s", method, explain(answer, verdict))
            await self._link.wait_for_end(pause_s)
            # `time` has no timestamp that could be late, and must not lead to itself.
            if verdict.late and method != _TIME:
                await self._measure_clock(retries)

    async def log_on(self) -> None:
        """Log the session on, if the key can. Raises `Unavailable`, `BadCredentials`."""
        if self._key.logs_on:
            await self.read(_LOGON, {}, private=True)
            self._logged_on = True

    async def measure_clock(self) -> None:
        """Ask for the time a few times and take over the best answer. Raises `Unavailable`."""
        await self._measure_clock(self._retries())

    async def know_time(self) -> None:
        """Measure the clock, unless it was measured not long ago. Raises `Unavailable`."""
        if not self._clock.stands(self._settings.clock_interval_s):
            await self.measure_clock()

    async def _measure_clock(self, retries: "_Retries") -> None:
        samples = [await self._sample(retries) for _ in range(self._settings.clock_samples)]
        round_trip_ns = self._clock.adjust(samples)
        log.debug("measured the exchange's clock with a round trip of %d ns", round_trip_ns)

    async def keep_clock(self) -> None:
        """Measure again from time to time, and whenever a request was outside its window."""
        interval_s = self._settings.clock_interval_s
        while self._link.ended is None:
            try:
                async with asyncio.timeout(max(interval_s - self._clock.age_s, interval_s / 10)):
                    await self._clock_doubted.wait()
            except TimeoutError:
                pass
            self._clock_doubted.clear()
            try:
                await self.measure_clock()
            except Unavailable as exc:
                log.warning("the exchange's clock was not measured again: %s", exc)

    def _retries(self) -> "_Retries":
        s = self._settings
        return _Retries(
            asyncio.get_running_loop().time,
            s.read_retries_s,
            delays(s.retry_first_s, s.retry_limit_s, self._random),
        )

    def _pause_s(self, answer: Answer, verdict: Verdict, retries: "_Retries") -> float | None:
        """Return how long to wait before asking again; None where that is not to be done.

        A ban is over when the exchange says: pauses that grow would only add to it.
        """
        held_s = self._rate_limit.held_s
        if verdict.limited:
            return held_s if held_s and retries.allows(held_s) else None
        repeated = verdict.reads in {ErrorClass.RETRY, ErrorClass.WAIT}
        return retries.next_pause_s(self._retry_after_s(answer)) if repeated else None

    def _retry_after_s(self, answer: Answer) -> float:
        """Return how long the exchange wants not to be asked again, as far as an answer says so."""
        now_ms = self._exchange_ms(answer)
        if not isinstance(answer, Reply) or answer.retry_after_ms is None or now_ms is None:
            return 0.0
        return max((answer.retry_after_ms - now_ms) / _MS_PER_S, 0.0)

    def _exchange_ms(self, answer: Answer) -> int | None:
        """Return exchange time; before the clock was measured, what the answer says of it."""
        if self._clock.measured:
            return self._clock.now_ms()
        return answer.server_time_ms if isinstance(answer, Reply) else None

    def _private(self, params: Params) -> Params:
        stamped = requests.stamped(params, self.now_ms(), self._settings.read_recv_window_ms)
        return self._authorized(stamped)

    def _authorized(self, params: Params) -> Params:
        """Sign a request, unless the session speaks for the key: it dies with its socket."""
        return params if self._logged_on else signed(params, self._key)

    def held_until_ms(self) -> int | None:
        """Return the exchange time until which a known ban lasts, None without one.

        Before the clock was measured nothing is sent but questions for the time.
        """
        until_ns = self._rate_limit.held_until_ns
        if until_ns is None or not self._clock.measured:
            return None
        return self._clock.reached_ms(until_ns)

    def respect_limits(self, what: str) -> None:
        """Raise `RateLimited` while the exchange is to be left alone, also by other sessions.

        `what` says for people what was not done.
        """
        if held_s := self._rate_limit.held_s:
            until_ms = self.held_until_ms()
            until = f"until {utc(until_ms)}" if until_ms is not None else "for now"
            raise RateLimited(f"{what}: the exchange limits requests {until}", held_s)

    async def wait_for_connection(self) -> None:
        """Wait until a connection may be opened, by what it weighs. Raises `RateLimited`."""
        await self._wait_for_turn("a connection", CONNECTION)

    async def has_room(self) -> bool:
        """Return whether what can wait may be asked now: nothing else waits to be read."""
        if self._rate_limit.pause_s(Purpose.READ) or self._rate_limit.held_s:
            return False
        return self._budget is None or await self._budget.has_room()

    async def _wait_for_turn(self, what: str, weight: int) -> None:
        """Wait for the part of the budget that a read needs.

        Raises `RateLimited` if it is far, and `Unavailable` where nobody says what others use.
        """
        if self._budget is None or not (wait_s := await self._budget.wait_s(weight)):
            return
        if wait_s > _WAIT_MAX_S:
            text = f"{what} was not sent: the leaders behind this address ask as much as they may"
            raise RateLimited(text, wait_s)
        log.info("%s waits for %.1f s: other leaders ask much", what, wait_s)
        await self._link.wait_for_end(wait_s)

    async def _wait_out_limits(self, method: str, retries: "_Retries") -> None:
        """Wait for the end of a ban that is near, and leave room for orders.

        Raises `Unavailable` where the ban outlasts the retries.
        """
        while held_s := self._rate_limit.held_s:
            if not retries.allows(held_s):
                self.respect_limits(f"{method} was not sent")
            log.info("%s waits for %.1f s: %s", method, held_s, _HELD)
            await self._link.wait_for_end(held_s)
            if self._link.ended is not None:
                return
        if pause_s := self._rate_limit.pause_s(Purpose.READ):
            log.info("%s waits for %.1f s: much request weight is used", method, pause_s)
            await self._link.wait_for_end(pause_s)

    async def _send(self, method: str, params: Params) -> Answer:
        """Send a request, once, and heed what its reply says of limits."""
        answer = await self._link.send(method, params)
        if isinstance(answer, Reply):
            self._heed(answer)
            if not judge(answer).known:
                shown = f"{answer.message} (status {answer.status}, {method})"
                self._surprises.note(Surprise.UNKNOWN_CODE, str(answer.code), shown)
        return answer

    def _heed(self, answer: Reply) -> None:
        now_ms = self._exchange_ms(answer)
        seconds = hold_s(answer, now_ms)
        if seconds is not None:
            self._rate_limit.hold(seconds)
        elif now_ms is not None:
            for use in answer.uses:
                self._rate_limit.count(use, now_ms)
        if (seconds := hold_orders_s(answer, now_ms)) is not None:
            self._rate_limit.hold_orders(seconds)

    async def _sample(self, retries: "_Retries") -> Sample:
        sent_ns = received_ns = 0

        async def ask() -> Answer:
            nonlocal sent_ns, received_ns
            sent_ns = self._monotonic_ns()
            answer = await self._send(_TIME, {})
            received_ns = self._monotonic_ns()
            return answer

        result = await self._repeat(_TIME, ask, retries, weight_of(_TIME, {}))
        try:
            return Sample(sent_ns, received_ns, replies.server_time_ms(result))
        except PayloadError as exc:
            raise UnreadableReply(f"time: {exc}") from exc

    def _failure(self, method: str, answer: Answer, verdict: Verdict) -> Exception:
        """Make the error that ends a request that only reads."""
        text = f"{method}: {explain(answer, verdict)}"
        if verdict.reads is ErrorClass.STOP:
            return BadCredentials(text)
        if verdict.reads is ErrorClass.WAIT:
            return RateLimited(
                text, max(self._rate_limit.held_s, self._retry_after_s(answer)) or None
            )
        if verdict.reads is ErrorClass.FINAL and isinstance(answer, Reply):
            return RequestRefused(text, answer.code)
        return ExchangeUnavailable(text)


def readable(method: str, result: Any, parse: Callable[[Any], T]) -> T:
    """Read the result of a method. Raises `Unavailable` where that is not possible."""
    try:
        return parse(result)
    except PayloadError as exc:
        raise UnreadableReply(f"{method}: {exc}") from exc


class _Retries:
    """How long one request is repeated: `clock` is in seconds, `pauses` go between attempts."""

    def __init__(self, clock: Callable[[], float], seconds: float, pauses: Iterator[float]) -> None:
        self._clock = clock
        self._ends_s = clock() + seconds
        self._pauses = pauses

    def allows(self, pause_s: float) -> bool:
        """Return whether another attempt may follow after a pause."""
        return self._clock() + pause_s <= self._ends_s

    def next_pause_s(self, at_least_s: float) -> float | None:
        """Return the pause before the next attempt; None where it would take too long."""
        pause_s = max(next(self._pauses), at_least_s)
        return pause_s if self.allows(pause_s) else None
