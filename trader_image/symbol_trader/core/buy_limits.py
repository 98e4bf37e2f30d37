"""What the account's limits and halts hold back of one symbol: its buys, for a while or longer."""

from dataclasses import dataclass
from typing import Final

from symbol_trader.core.limits import Halt, starts_nothing
from symbol_trader.core.reasons import Blocker, Reason
from symbol_trader.core.timing import Timing

UNREAD: Final = (
    "nothing is bought: the TradingLimits of the namespace have not been read yet; if this stays, "
    "the leader's log says why: a right that it lacks, or a limit that it cannot read"
)


@dataclass(slots=True)
class BuyLimits:
    """What is known of the account's halts, and what became of the last buys."""

    halts: tuple[Halt, ...] | None
    """What halts the account's buys; None: its limits have not been read."""
    timing: Timing
    refused: Blocker | None = None
    """Why the record refused the last buy, and when to try again."""
    refusals: int = 0
    """How many buys in a row it has refused."""

    @property
    def halted(self) -> Blocker | None:
        """Return why nothing buys until that is over: the account is halted, or may be."""
        if self.halts is None:
            return Blocker(Reason.LIMITS_UNREAD, UNREAD, None)
        if not self.halts:
            return None
        return Blocker(Reason.BUYS_HALTED, "; ".join(map(str, self.halts)), None)

    @property
    def starts_nothing(self) -> bool:
        """Return whether a halt keeps traders from being started."""
        return starts_nothing(self.halts or ())

    def blocker(self, now_ms: int) -> Blocker | None:
        """Return why nothing buys now."""
        refused = self.refused if self.refused and self.refused.holds(now_ms) else None
        return self.halted or refused

    def refuse(self, reason: Reason, message: str, now_ms: int) -> Blocker:
        """Take in that the record has refused a buy: the pause before another one doubles."""
        self.refusals += 1
        pause_ms = self.timing.retry_pause_ms(self.refusals)
        self.refused = Blocker(reason, message, now_ms + pause_ms)
        return self.refused

    def forget_refusals(self) -> None:
        """Take in that a buy was committed, or that limits have changed: buying need not wait."""
        self.refused, self.refusals = None, 0
