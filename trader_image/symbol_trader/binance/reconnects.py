"""Why connections to the exchange are replaced: counted, for the metrics."""

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum


class Service(StrEnum):
    """What a connection is for, as the metric names it."""

    API = "api"
    MARKET = "market"


class Cause(StrEnum):
    """Why a connection is replaced, as the metric names it."""

    AGE = "age"
    """The exchange would close it soon: it lives for 24 h."""
    ANNOUNCED = "announced"
    """The exchange announced that it closes it (`serverShutdown`)."""
    LOST = "lost"
    STALLED = "stalled"
    """It stood, and did not answer a ping, or was silent where it had to speak."""
    UNREADABLE = "unreadable"
    """It brought what cannot be read."""
    REVOKED = "revoked"
    """The key is another one, or the exchange takes it no longer."""
    REFUSED = "refused"
    """It could not be opened."""


class Reconnects:
    """The counts of one process."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[Service, Cause]] = Counter()

    @property
    def counts(self) -> Mapping[tuple[str, str], int]:
        """Return how often each service was connected again, by cause; also what never was."""
        return {(s.value, c.value): self._counts[s, c] for s in Service for c in Cause}

    def note(self, service: Service, cause: Cause) -> None:
        """Count a connection that has to be replaced."""
        self._counts[service, cause] += 1
