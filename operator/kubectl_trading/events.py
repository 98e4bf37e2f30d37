"""What Events tell of a symbol and of its leader pod. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

HEADER: Final = ("LAST SEEN", "TYPE", "REASON", "OBJECT", "NOTE")
NEVER: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Event:
    """One Event; `at` is when it was seen last."""

    at: datetime
    type: str
    reason: str
    about: str
    """Kind and name of what it is about."""
    note: str

    @classmethod
    def of(cls, found: Any) -> "Event":
        """Read an Event as the Kubernetes client gives it."""
        series = found.series and found.series.last_observed_time
        times = (series, found.last_timestamp, found.event_time, found.metadata.creation_timestamp)
        return cls(
            at=next(filter(None, times), NEVER),
            type=found.type or "",
            reason=found.reason or "",
            about=f"{found.involved_object.kind.lower()}/{found.involved_object.name}",
            note=_line(found.message or ""),
        )


def event_rows(events: Iterable[Event]) -> list[tuple[str, ...]]:
    """Return the rows of a table, the header first."""
    return [HEADER, *((clock(e.at), e.type, e.reason, e.about, e.note) for e in events)]


def clock(moment: datetime) -> str:
    """Write a time as a person reads it, in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def _line(text: str) -> str:
    return " ".join(text.split())
