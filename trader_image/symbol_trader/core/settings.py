"""What the user asked for, in the units the core counts in."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class TradingStatus(StrEnum):
    """The requested status of a symbol."""

    ON = "on"
    OFF = "off"
    SHUTDOWN = "shutdown"


class UnfilledBuys(StrEnum):
    """What a shutdown does with buys that wait for the market."""

    WAIT = "Wait"
    CANCEL = "Cancel"


class AtDeadline(StrEnum):
    """What a shutdown does with open traders when its deadline has passed."""

    HOLD = "Hold"
    SELL = "Sell"


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a symbol; intervals are fractions (0.001 = 0.1 %), times are milliseconds."""

    status: TradingStatus
    budget: Decimal
    chunks: int
    buy_down: Decimal
    profit: Decimal
    rebuy: Decimal
    max_buy_age_ms: int | None = None
    unfilled_buys: UnfilledBuys = UnfilledBuys.WAIT
    deadline_ms: int | None = None
    at_deadline: AtDeadline = AtDeadline.HOLD

    @property
    def chunk_budget(self) -> Decimal:
        """Return the quote currency that one trader may spend."""
        return self.budget / self.chunks
