"""A Lease as one who wants to hold it sees it. No I/O; the clocks are given.

The rules are those of Kubernetes' own leader election (client-go). A Lease is taken from another
holder only after it has been seen unchanged for its whole duration, by the clock of the one who
looks: clocks of two machines differ, and `renewTime` is for people. Its holder relies on it for
less than that, so between two holders there is a time in which nobody acts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from tradingsymbol_api.reading import Document, mapping, number, text

DURATION_MAX: Final = 600
"""Longest time, in seconds, that a Lease is left to a holder that does not renew it."""


@dataclass(frozen=True, slots=True)
class LeaseTiming:
    """Times of a Lease, in seconds."""

    duration: int
    """How long it stays another's after its last renewal."""
    deadline: float
    """How long its holder relies on a renewal."""
    renewal: float
    """Time between two renewals."""
    retry: float
    """Time between two attempts to get it."""


class Candidacy:
    """One holder's claim to one Lease."""

    def __init__(
        self,
        holder: str,
        timing: LeaseTiming,
        *,
        monotonic: Callable[[], float],
        clock: Callable[[], datetime],
    ) -> None:
        """Begin without it. `monotonic` tells seconds, `clock` what people read."""
        self.holder = holder
        self.timing = timing
        self._monotonic = monotonic
        self._clock = clock
        self._seen: Document = {}
        self._seen_at = 0.0
        self._held_until: float | None = None
        self.tenure = 0
        """Grows whenever it is got, also by who had it: meanwhile it was not to be relied on."""

    @property
    def holder_seen(self) -> str:
        """Who held it when it was seen last; empty if nobody did."""
        return text(self._seen, "holderIdentity")

    @property
    def held(self) -> bool:
        """Whether it may be relied on now."""
        return self._held_until is not None and self._monotonic() < self._held_until

    def wanted(self, lease: Document | None) -> Document | None:
        """Return the spec to write, None while the Lease is another's.

        One that was deleted stays its holder's for as long as if it were there: it is relied on.
        """
        spec = mapping(lease, "spec")
        if lease is not None and _mark(spec) != _mark(self._seen):
            self._seen, self._seen_at = spec, self._monotonic()
        if self.holder_seen not in {"", self.holder} and not self._lapsed():
            return None
        holder = text(spec, "holderIdentity")
        now = self._clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        mine = holder == self.holder
        return {
            "holderIdentity": self.holder,
            "leaseDurationSeconds": self.timing.duration,
            "acquireTime": (mine and text(spec, "acquireTime")) or now,
            "renewTime": now,
            "leaseTransitions": number(spec, "leaseTransitions") + (0 if mine or not lease else 1),
        }

    def _lapsed(self) -> bool:
        duration = number(self._seen, "leaseDurationSeconds") or self.timing.duration
        return self._monotonic() - self._seen_at >= min(duration, DURATION_MAX)

    def written(self, since: float) -> None:
        """Note that it was taken or renewed by a request that was sent at or after `since`."""
        if not self.held:
            self.tenure += 1
        self._held_until = since + self.timing.deadline

    def lost(self) -> None:
        """Note that it is another's, or is given up."""
        self._held_until = None


def _mark(spec: Document) -> tuple[str, ...]:
    """Return what a renewal changes, or a change of its holder."""
    return tuple(text(spec, name) for name in ("holderIdentity", "acquireTime", "renewTime"))
