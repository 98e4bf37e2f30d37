"""When there has been enough to see, and when it has taken too long."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from demo.snapshot import Snapshot

LIMIT_SECONDS = 120.0
"""From the application of the resource to its first order on the exchange."""
WATCH_SECONDS = 300.0
"""How long a recording is watched for cycles where nobody ends the view."""


class Verdict(enum.Enum):
    """What to do after a look."""

    GO_ON = "look again"
    ENOUGH = "say what to try next"
    FAILED = "say why it does not trade"


@dataclass(frozen=True, slots=True)
class Judge:
    """Decides after each look."""

    watched: bool
    """A person looks at a terminal, and ends the view."""
    recorded: bool
    """With a recording, more than a first order is to be seen: cycles, by several traders."""

    def decide(self, seen: Snapshot, most_traders: int, seconds: float) -> Verdict:
        """Judge what is `seen` after so many `seconds`, with at `most_traders` at once so far."""
        if seen.ended:
            return Verdict.ENOUGH if seen.book.fills else Verdict.FAILED
        if not seen.trades:
            # Later on, a restart of the leader or of the exchange is something to look at.
            failed = seconds > LIMIT_SECONDS and not most_traders
            return Verdict.FAILED if failed else Verdict.GO_ON
        if self.watched:
            return Verdict.GO_ON
        cycles = seen.book.finished > 0 and most_traders > 1
        enough = cycles or not self.recorded or seconds > WATCH_SECONDS
        return Verdict.ENOUGH if enough else Verdict.GO_ON
