"""The exchange's clock: an offset, measured, on top of a clock that never jumps."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

_NS_PER_MS = 1_000_000
_NS_PER_S = 1_000_000_000
_APART_MAX_NS = 100 * _NS_PER_MS
"""Two clocks that went on by so much more than each other: one of them stood, or was set."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One question for the time: when it was sent and answered here, and what the server said."""

    sent_ns: int
    received_ns: int
    server_ms: int

    @property
    def round_trip_ns(self) -> int:
        """Return how long the answer took: twice the most that the sample can be wrong by."""
        return self.received_ns - self.sent_ns

    @property
    def offset_ns(self) -> int:
        """Return server time minus local time, taking the server's answer as given half-way."""
        return self.server_ms * _NS_PER_MS - (self.sent_ns + self.received_ns) // 2


class Clock:
    """Exchange time. Before the first `adjust` there is none.

    `monotonic_ns` never jumps, but it may stand while the machine sleeps; `wall_ns`, the time of
    day, does the opposite. Where both went on by the same, neither happened.
    """

    def __init__(
        self, monotonic_ns: Callable[[], int], wall_ns: Callable[[], int] | None = None
    ) -> None:
        self._monotonic_ns = monotonic_ns
        self._wall_ns = wall_ns or monotonic_ns
        self._offset_ns: int | None = None
        self._adjusted_ns = (0, 0)
        """When it was adjusted last, by both."""

    @property
    def measured(self) -> bool:
        """Return whether there is exchange time."""
        return self._offset_ns is not None

    @property
    def age_s(self) -> float:
        """Return how long ago it was adjusted."""
        return (self._monotonic_ns() - self._adjusted_ns[0]) / _NS_PER_S

    def stands(self, age_max_s: float) -> bool:
        """Return whether the last adjustment still holds, so that nothing need be asked."""
        passed_ns, by_wall_ns = (
            now() - then
            for now, then in zip(
                (self._monotonic_ns, self._wall_ns), self._adjusted_ns, strict=True
            )
        )
        together = abs(by_wall_ns - passed_ns) <= _APART_MAX_NS
        return self.measured and together and passed_ns <= age_max_s * _NS_PER_S

    def adjust(self, samples: Iterable[Sample]) -> int:
        """Take over the offset of the sample with the least round trip; return that, in ns."""
        best = min(samples, key=lambda sample: sample.round_trip_ns)
        self._offset_ns = best.offset_ns
        self._adjusted_ns = (self._monotonic_ns(), self._wall_ns())
        return best.round_trip_ns

    def now_ms(self) -> int:
        """Return exchange time in milliseconds."""
        return self._exchange_ns(self._monotonic_ns()) // _NS_PER_MS

    def reached_ms(self, monotonic_ns: int) -> int:
        """Return the first millisecond of exchange time that is not before a local time."""
        return -(-self._exchange_ns(monotonic_ns) // _NS_PER_MS)

    def _exchange_ns(self, monotonic_ns: int) -> int:
        if self._offset_ns is None:
            raise ValueError("the exchange's clock was not measured yet")
        return monotonic_ns + self._offset_ns
