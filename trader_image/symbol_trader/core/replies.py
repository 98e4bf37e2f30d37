"""What the exchange says, in the core's words: replies, and events of its streams."""

from dataclasses import dataclass, field
from decimal import Decimal

from symbol_trader.core.money import plain
from symbol_trader.core.orders import ExchangeOrder, ExecutionReport, Fill
from symbol_trader.core.times import utc


@dataclass(frozen=True, slots=True)
class Accepted:
    """The exchange took the request; `order` is the order's state in the reply."""

    order: ExchangeOrder
    fills: tuple[Fill, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """The exchange answered that the request was not carried out (a definite no)."""

    code: int
    message: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """No answer says whether it was carried out: it may have been. `why` is for people."""

    why: str


@dataclass(frozen=True, slots=True)
class NotFound:
    """-2013. `as_of_ms` is a server time that the exchange reported before the query was sent."""

    as_of_ms: int


@dataclass(frozen=True, slots=True)
class Archived:
    """-2026: an order that ended long ago and never executed anything. A definite answer."""


@dataclass(frozen=True, slots=True)
class NotSent:
    """The request was not written: the exchange has banned the address until `until_ms`."""

    until_ms: int
    why: str


@dataclass(frozen=True, slots=True)
class AssetPrice:
    """What one unit of an asset cost in quote at `time_ms` (exchange time), by `source`."""

    price: Decimal
    source: str
    time_ms: int


@dataclass(frozen=True, slots=True)
class ReferencePrice:
    """The market price that percent filters measure from, by `source`, at `time_ms`.

    `time_ms` is exchange time, None where the exchange does not say of when the price is.
    """

    price: Decimal
    source: str
    time_ms: int | None

    def __str__(self) -> str:
        of = "" if self.time_ms is None else f" of {utc(self.time_ms)}"
        return f"{self.source}{of}: {plain(self.price)}"


Outcome = Accepted | Refused | Unknown | NotSent
"""What is known of a request to place or to cancel after it was sent, or not."""


@dataclass(frozen=True, slots=True)
class Account:
    """The account behind the key: its uid, and the free balance of each asset it holds."""

    uid: str
    free: dict[str, Decimal]
    locked: dict[str, Decimal] = field(default_factory=dict)
    """What open orders hold of each asset."""


@dataclass(frozen=True, slots=True)
class BalanceChanged:
    """The user stream reported new balances; `free` holds the assets that it named."""

    free: dict[str, Decimal]
    locked: dict[str, Decimal] = field(default_factory=dict)
    """What open orders hold of them."""


@dataclass(frozen=True, slots=True)
class Price:
    """One public trade: `time_ms` is the exchange's event time."""

    trade_id: int
    price: Decimal
    time_ms: int


@dataclass(frozen=True, slots=True)
class TradeGap:
    """Public trades that the market stream did not bring: ids from `first_id` to `last_id`.

    `after_ms` and `before_ms` are the event times of the trades on either side of the gap.
    """

    first_id: int
    last_id: int
    after_ms: int
    before_ms: int

    @property
    def count(self) -> int:
        """Return how many trades are missing."""
        return self.last_id - self.first_id + 1


UserEvent = ExecutionReport | BalanceChanged
"""An event of the user data stream."""
