"""An account's limits and halts, as its record keeps them. What is None is not limited."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from symbol_trader.core.times import utc


class OnLimit(StrEnum):
    """What a halt does with what is open. Sells are always placed, none of them at the market."""

    NO_BUYS = "NoBuys"
    CANCEL_BUYS = "CancelBuys"
    SHUTDOWN = "Shutdown"


@dataclass(frozen=True, slots=True)
class Halt:
    """Why nothing buys on the account, since when (the database's clock, ms), and what follows."""

    reason: str
    since_ms: int
    on_limit: OnLimit

    def __str__(self) -> str:
        """Describe it for people."""
        return f"buys are halted since {utc(self.since_ms)}: {self.reason}"


def cancels_buys(halts: Iterable[Halt]) -> bool:
    """Return whether buys that rest on the exchange are canceled."""
    return any(halt.on_limit is not OnLimit.NO_BUYS for halt in halts)


def starts_nothing(halts: Iterable[Halt]) -> bool:
    """Return whether what is open is finished, and no trader is started."""
    return any(halt.on_limit is OnLimit.SHUTDOWN for halt in halts)


@dataclass(frozen=True, slots=True)
class LimitInForce:
    """A limit that the record holds, of the newest generation that any leader has seen."""

    uid: str
    generation: int
    cluster: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class AccountState:
    """What the record says of an account's limits, as far as they concern one symbol."""

    halts: tuple[Halt, ...] = ()
    limits: tuple[LimitInForce, ...] = ()
    needs_bids: bool = False
    """A loss limit stands, so that what the symbol holds needs a bid that is not old."""


@dataclass(frozen=True, slots=True)
class BidsWanted:
    """Symbols of the account that hold something, and whose own leaders record no bids.

    They are for this leader to ask for.
    """

    symbols: tuple[str, ...]
    asked_at: datetime
    """When it set out to ask, by the database's clock."""


@dataclass(frozen=True, slots=True)
class LimitUsed:
    """How much of one limit is used, in a quote asset where it is an amount."""

    limit: str
    """The field of the resource: maxExposure."""
    quote_asset: str
    used: Decimal
    most: Decimal
    reached_since: str | None = None
    """When a loss limit halted the account, as RFC 3339 writes it."""

    @property
    def left(self) -> Decimal:
        """Return what is left of it."""
        return max(self.most - self.used, Decimal(0))


@dataclass(frozen=True, slots=True)
class LimitReport:
    """What is to be said of one TradingLimit."""

    in_force: LimitInForce
    environment: str
    account: str
    leaders: int
    leaders_heard: int
    usage: tuple[LimitUsed, ...]
    halts: tuple[Halt, ...]
    others: tuple[str, ...] = ()
    """Other limits that hold for the same account, as namespace/name."""


@dataclass(frozen=True, slots=True)
class AccountLimit:
    """What one TradingLimit allows all symbols of an account together.

    Amounts are in quote. `on_limit` and `resume` are spelt as in the resource.
    """

    uid: str
    generation: int
    cluster: str
    namespace: str
    name: str
    quote_asset: str | None = None
    """It holds for the symbols that are quoted in this; None: for all of them."""
    halt: bool = False
    max_exposure: Decimal | None = None
    max_daily_loss: Decimal | None = None
    max_drawdown: Decimal | None = None
    max_open_cycles: int | None = None
    max_orders_per_minute: int | None = None
    cooldown_ms: int | None = None
    on_limit: str = "NoBuys"
    resume: str = "Manual"
    resumed_at: str | None = None
    """When a person last let the account go on, as RFC 3339 writes it."""
