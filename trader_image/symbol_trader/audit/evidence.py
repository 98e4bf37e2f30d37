"""What either side says, as it says it. Amounts are exact; times are the exchange's, in ms.

These are the auditor's own words, not the core's: what checks the recovery shares nothing with it.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class ExchangeOrder:
    """A row of `allOrders`."""

    order_id: int
    client_order_id: str
    side: str
    price: Decimal
    quantity: Decimal
    executed: Decimal
    executed_quote: Decimal
    status: str
    time_ms: int
    updated_ms: int


@dataclass(frozen=True, slots=True)
class Execution:
    """A fill: a row of `myTrades`, or of the record's `fills`.

    Where no commission was charged, no asset counts as named: the exchange may name any, or none.
    """

    order_id: int
    trade_id: int
    price: Decimal
    quantity: Decimal
    quote_quantity: Decimal
    commission: Decimal
    commission_asset: str


@dataclass(frozen=True, slots=True)
class ExchangeSide:
    """All that the exchange knows of an account's orders in a symbol, ours and others'."""

    base_asset: str
    quote_asset: str
    orders: tuple[ExchangeOrder, ...]
    executions: tuple[Execution, ...]


@dataclass(frozen=True, slots=True)
class RecordedOrder:
    """A row of `orders`. `committed_at` and `changed_at` are the database's clock."""

    client_order_id: str
    trader_id: str
    side: str
    attempt: int
    price: Decimal
    quantity: Decimal
    timestamp_ms: int
    committed_at: datetime
    changed_at: datetime
    state: str
    order_id: int | None
    executed: Decimal
    executed_quote: Decimal
    reason: str

    @property
    def live(self) -> bool:
        """Whether the order is, or may be, on the exchange."""
        return self.state in {"intent", "undecided", "open"}

    @property
    def absent(self) -> bool:
        """Whether the record says that it never was on the exchange."""
        return self.state in {"refused", "absent"}


@dataclass(frozen=True, slots=True)
class RecordedTrader:
    """A row of `traders`; `unsold` and `carried` are base asset, None while it runs."""

    trader_id: str
    state: str
    chunk_budget: Decimal
    unsold: Decimal | None
    carried: Decimal | None

    @property
    def running(self) -> bool:
        """Whether the cycle is unfinished."""
        return self.state == "running"


@dataclass(frozen=True, slots=True)
class Limits:
    """The symbol's settings, in force at least since `since` (the database's clock)."""

    budget: Decimal
    chunks: int
    since: datetime


@dataclass(frozen=True, slots=True)
class RecordSide:
    """All that the record holds of a book."""

    disowned: frozenset[str]
    """Client order ids that a person answers for."""
    limits: Limits | None
    traders: tuple[RecordedTrader, ...]
    orders: tuple[RecordedOrder, ...]
    executions: tuple[Execution, ...]
