"""What the exchange says and this program does not understand: counted, and logged once."""

import logging
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum

log = logging.getLogger(__name__)

DETAILS_MAX = 100
"""So many details of one kind are logged; the others are counted alone."""
_TEXT_MAX = 200
"""Characters of a detail that are logged."""


class Surprise(StrEnum):
    """The kinds, as the metric names them."""

    UNKNOWN_CODE = "unknown_code"
    """An error code that no table has."""
    UNKNOWN_EVENT = "unknown_event"
    """An event, or a message, of a kind that is not documented."""
    UNKNOWN_FILTER = "unknown_filter"
    """A filter of the symbol that is left to the exchange."""
    UNMATCHED_REPLY = "unmatched_reply"
    """A reply that no request waits for."""
    UNREADABLE = "unreadable"
    """What cannot be parsed: cut, binary, or with a field that cannot be."""
    OVERSIZED = "oversized"
    """A message that is longer than any that is taken."""
    WRONG_SYMBOL = "wrong_symbol"
    """A price of another symbol than the one that was subscribed to."""


class Surprises:
    """The surprises of one process, over all of its connections."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._logged: dict[Surprise, set[str]] = {kind: set() for kind in Surprise}

    @property
    def counts(self) -> Mapping[str, int]:
        """Return how often each kind has come, those included that never have."""
        return {kind.value: self._counts[kind] for kind in Surprise}

    def note(self, kind: Surprise, detail: str, shown: str = "") -> None:
        """Count a surprise; log it if its kind has not brought this detail before.

        `shown` is logged with it, and does not tell it from others.
        """
        self._counts[kind] += 1
        logged = self._logged[kind]
        if detail in logged or len(logged) >= DETAILS_MAX:
            return
        logged.add(detail)
        text = f"{detail}: {shown}" if shown else detail
        log.warning("from the exchange, not understood: %s: %s", kind, text[:_TEXT_MAX])
