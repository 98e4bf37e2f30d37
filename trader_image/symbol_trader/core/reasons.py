"""Why a trader, or the whole symbol, cannot go on now."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Reason(StrEnum):
    """The kinds of blockers, in CamelCase as conditions have them."""

    ACCOUNT_RESTRICTED = "AccountRestricted"
    BAD_CREDENTIALS = "BadCredentials"
    BUDGET_SPENT = "BudgetSpent"
    BUDGET_TOO_SMALL = "BudgetTooSmall"
    BUYS_ENDED = "BuysEnded"
    BUYS_HALTED = "BuysHalted"
    CANCELED_BY_OTHERS = "CanceledByOthers"
    CONTRADICTED = "RecordContradicts"
    FILLS_MISSING = "FillsMissing"
    FILTER_FAILURE = "FilterFailure"
    INSUFFICIENT_BALANCE = "InsufficientBalance"
    LATE = "Late"
    LIMIT_REACHED = "LimitReached"
    LIMITS_UNREAD = "LimitsUnread"
    ORDER_REFUSED = "OrderRefused"
    RATE_LIMITED = "RateLimited"
    RECORD_ROLLED_BACK = "RecordRolledBack"
    SELL_ENDED = "SellEnded"
    SYMBOL_NOT_TRADING = "SymbolNotTrading"
    UNKNOWN_SYMBOL = "UnknownSymbol"


@dataclass(frozen=True, slots=True)
class Need:
    """How much of an asset an order that was refused for lack of it takes."""

    asset: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Blocker:
    """Why a trader cannot go on now. `until_ms` is when to try again, None: when told to.

    `need` is set where a balance is missing: as soon as that much is free, the blocker is lifted.
    `figure` is the amount that the message names, where it follows the price: it is repeated
    while it is roughly right, so that the message does not change with each trade.
    """

    reason: Reason
    message: str
    until_ms: int | None
    need: Need | None = None
    figure: Decimal | None = None

    def holds(self, now_ms: int) -> bool:
        """Return whether it is still too early to try again."""
        return self.until_ms is None or now_ms < self.until_ms
