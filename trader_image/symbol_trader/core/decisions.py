"""What the leader wants done, as values: the runtime carries them out in order."""

from dataclasses import dataclass, field
from typing import Any

from symbol_trader.core.orders import CancelIntent, ClientOrderId, ExchangeOrder, Intent
from symbol_trader.core.records import RecordChange


@dataclass(frozen=True, slots=True)
class Place:
    """Commit this intent, then send it, once."""

    intent: Intent


@dataclass(frozen=True, slots=True)
class Cancel:
    """Commit this cancel, then send it, once."""

    intent: CancelIntent


@dataclass(frozen=True, slots=True)
class Query:
    """Ask the exchange what became of an order."""

    client_order_id: ClientOrderId
    order_id: int | None = field(default=None, compare=False)
    """Its number, where it is known: a canceled order may have lost its name."""
    timestamp_ms: int = field(default=0, compare=False)
    """When it was intended: an order with its number that is much younger is another one."""

    @classmethod
    def of(cls, intent: Intent, order_id: int | None) -> "Query":
        """Ask for an order by all that is known of it."""
        return cls(intent.client_order_id, order_id, intent.timestamp_ms)


@dataclass(frozen=True, slots=True)
class FetchTrades:
    """Ask the exchange for all fills of an order."""

    client_order_id: ClientOrderId
    order_id: int


@dataclass(frozen=True, slots=True)
class RefreshSymbol:
    """Read the symbol's filters and status again: an order was refused, or an hour has passed."""


@dataclass(frozen=True, slots=True)
class FetchBid:
    """Ask the exchange for the best bid: a shutdown's deadline sells to it."""


@dataclass(frozen=True, slots=True)
class FetchReferencePrice:
    """Ask for the market price that a percent filter measures from: it may refuse an order."""

    minutes: int
    """Of the average that counts where the symbol has no reference price; 0: the last price."""


@dataclass(frozen=True, slots=True)
class PriceFee:
    """Ask the exchange what one unit of an asset cost at a time: a fill's fee was taken in it."""

    client_order_id: ClientOrderId
    trade_id: int
    asset: str
    time_ms: int


@dataclass(frozen=True, slots=True)
class CheckOnRecord:
    """Ask the record whether it holds an order that the leader does not know and that is marked."""

    order: ExchangeOrder


@dataclass(frozen=True, slots=True)
class Reconcile:
    """Read everything: a query alone is no proof that an order is absent."""


Request = (
    Place
    | Cancel
    | Query
    | FetchTrades
    | RefreshSymbol
    | FetchBid
    | FetchReferencePrice
    | PriceFee
    | CheckOnRecord
    | Reconcile
)


@dataclass(frozen=True, slots=True)
class Said:
    """One line of the story that the log tells."""

    event: str
    facts: dict[str, Any]
    warning: bool = False


@dataclass(slots=True)
class Decision:
    """What one event led to: say, then record, then ask of the exchange, in this order."""

    said: list[Said] = field(default_factory=list)
    changes: list[RecordChange] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
