"""What either side says, as it says it. Amounts are exact; times are the exchange's, in ms.

These are the auditor's own words, not the core's: what checks the recovery shares nothing with it.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

MARK: Final = "tsym-"
"""How the client order ids of leaders begin."""


@dataclass(frozen=True, slots=True)
class ListedOrder:
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
    """What either side says of a fill.

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
    """What the exchange knows of the orders of some traders."""

    base_asset: str
    quote_asset: str
    orders: tuple[ListedOrder, ...]
    executions: tuple[Execution, ...]


@dataclass(frozen=True, slots=True)
class OrderRow:
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
    current_quantity: Decimal | None = None
    """What an amendment left of `quantity`; None: nobody amended it."""
    fills_given_up: bool = False
    """Its fills cannot be read, so that its executed totals count."""
    settled_because: str | None = None
    """Why a person said how it ended; None: nobody did."""

    @property
    def at_most(self) -> Decimal:
        """Return the most that it can execute."""
        return self.quantity if self.current_quantity is None else self.current_quantity

    @property
    def live(self) -> bool:
        """Return whether the order is, or may be, on the exchange."""
        return self.state in {"intent", "undecided", "open"}

    @property
    def absent(self) -> bool:
        """Return whether the record says that it never was on the exchange."""
        return self.state in {"refused", "absent"}


@dataclass(frozen=True, slots=True)
class TraderRow:
    """A row of `traders`; what describes its end is None while it runs.

    `unsold` and `carried` are base asset, `profit` and `carried_cost` are quote.
    """

    trader_id: str
    state: str
    chunk_budget: Decimal
    unsold: Decimal | None
    carried: Decimal | None
    profit: Decimal | None = None
    carried_cost: Decimal | None = None

    @property
    def running(self) -> bool:
        """Return whether the trader is unfinished."""
        return self.state == "running"


@dataclass(frozen=True, slots=True)
class FillRow:
    """A row of `fills`: whose it is, its facts, and how its commission counts.

    `fee_in` is base, quote, other or none; `value` and `price` are what a commission in another
    asset was worth in quote, None until it is valued.
    """

    client_order_id: str
    execution: Execution
    fee_in: str
    value: Decimal | None = None
    price: Decimal | None = None

    @property
    def key(self) -> str:
        """Return how messages name it."""
        return f"trade {self.execution.trade_id} of order {self.execution.order_id}"

    def kind(self, base_asset: str, quote_asset: str) -> str:
        """Return what its commission is in, by the exchange's own words."""
        if not self.execution.commission:
            return "none"
        assets = {base_asset: "base", quote_asset: "quote"}
        return assets.get(self.execution.commission_asset, "other")


@dataclass(frozen=True, slots=True)
class Totals:
    """Totals over the ended traders and what others have open: as kept, or as they add up."""

    ended_count: int
    ended_profit: Decimal
    ended_carried: Decimal
    ended_carried_cost: Decimal
    exposure: Decimal
    """Quote that the buys of running traders spent or may still spend."""
    open_cycles: int
    """Running traders that have an exposure."""
    net_base: Decimal
    """Base asset that running traders hold."""
    net_quote: Decimal
    """Quote that running traders took in, less what they spent, fees included."""


@dataclass(frozen=True, slots=True)
class Commitment:
    """A moment at which traders or quote are tied up (positive), or are free again (negative)."""

    moment: datetime
    traders: int
    quote: Decimal


@dataclass(frozen=True, slots=True)
class Limits:
    """The symbol's settings, in force at least since `since` (the database's clock)."""

    budget: Decimal
    chunks: int
    since: datetime


@dataclass(frozen=True, slots=True)
class RecordSide:
    """What the record holds of some traders."""

    traders: tuple[TraderRow, ...]
    orders: tuple[OrderRow, ...]
    fills: tuple[FillRow, ...] = ()
