"""What is decided and neither on record nor sent: it goes together with what waited beside it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from symbol_trader.core.decisions import Cancel, Decision, Place, Request
from symbol_trader.core.orders import CancelIntent, Intent
from symbol_trader.core.records import RecordChange

DECISIONS_PER_COMMIT: Final = 32
"""So many are recorded together at most: an order waits for no more of them to be made."""


@dataclass(slots=True)
class Held:
    """Decisions in their order: the changes to record, intents included, and the requests."""

    changes: list[RecordChange] = field(default_factory=list)
    requests: list[tuple[Request, float | None]] = field(default_factory=list)
    """Each with the time at which the price that led to it came in, if one did."""
    _decisions: int = 0

    def __bool__(self) -> bool:
        """Return whether there is anything to record or to send."""
        return self._decisions > 0

    @property
    def is_full(self) -> bool:
        """Return whether no further decision is to be waited for."""
        return self._decisions >= DECISIONS_PER_COMMIT

    def add(
        self, decision: Decision, requests: Sequence[Request], received_s: float | None
    ) -> None:
        """Hold a decision, with those of its requests that are to be sent."""
        if decision.changes or requests:
            self._decisions += 1
            self.changes += [*decision.changes, *_intents(requests)]
            self.requests += [(request, received_s) for request in requests]


def _intents(requests: Sequence[Request]) -> Iterator[Intent | CancelIntent]:
    for request in requests:
        if isinstance(request, Place | Cancel):
            yield request.intent
