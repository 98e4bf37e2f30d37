"""The life of one order, as facts: intent, what became of it, and its fills.

The transition table is in `order_states.py`; here are the values that it and the record share.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, NewType

from symbol_trader.core.money import ZERO

TraderId = NewType("TraderId", str)
ClientOrderId = NewType("ClientOrderId", str)


class Side(StrEnum):
    """The side of an order; a trader has one leg of each."""

    BUY = "BUY"
    SELL = "SELL"


class TimeInForce(StrEnum):
    """How long an order waits for its market."""

    GTC = "GTC"
    IOC = "IOC"


class OrderState(StrEnum):
    """What the record says of an order. The last five are final."""

    INTENT = "intent"
    """Committed here; it may or may not have reached the exchange."""
    UNDECIDED = "undecided"
    """Sent, and no answer says what became of it."""
    OPEN = "open"
    """On the exchange: NEW or PARTIALLY_FILLED."""
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    """Ended by the exchange: EXPIRED or EXPIRED_IN_MATCH."""
    REFUSED = "refused"
    """The exchange answered that it did not take the order."""
    ABSENT = "absent"
    """Proved never to have reached the order book (design: "unknown is not failed")."""

    @property
    def final(self) -> bool:
        """Return whether nothing more can happen to the order."""
        return self in FINAL_STATES


FINAL_STATES = frozenset(
    {
        OrderState.FILLED,
        OrderState.CANCELED,
        OrderState.EXPIRED,
        OrderState.REFUSED,
        OrderState.ABSENT,
    }
)


@dataclass(frozen=True, slots=True)
class Intent:
    """An order as it is committed before it is sent; the request carries exactly these values.

    `timestamp_ms` is exchange time, `recv_window_ms` the span after which the exchange refuses.
    """

    client_order_id: ClientOrderId
    trader_id: TraderId
    side: Side
    attempt: int
    price: Decimal
    quantity: Decimal
    timestamp_ms: int
    recv_window_ms: int
    time_in_force: TimeInForce = TimeInForce.GTC


@dataclass(frozen=True, slots=True)
class CancelIntent:
    """A cancel as it is committed before it is sent."""

    cancel_id: ClientOrderId
    client_order_id: ClientOrderId
    trader_id: TraderId
    attempt: int
    timestamp_ms: int
    recv_window_ms: int
    reason: str
    order_id: int | None = None
    """The order's id on the exchange where it is known: others may have renamed the order."""


NO_ASSET = "-"
"""Stands for an asset where no commission was charged, and the exchange names none."""


class FeeAsset(StrEnum):
    """What a commission was charged in, seen from the symbol."""

    BASE = "base"
    QUOTE = "quote"
    OTHER = "other"
    """A third asset (BNB, say): it has to be valued in quote."""
    NONE = "none"
    """Nothing was charged."""


@dataclass(frozen=True, slots=True)
class FeeValue:
    """What a commission in a third asset was worth in quote at the time of its fill.

    `price` is quote per one of that asset; `source` and `time_ms` (exchange time) say where and
    of when it is.
    """

    value: Decimal
    price: Decimal
    source: str
    time_ms: int


class FillKey(NamedTuple):
    """What tells an execution from all others of an account and symbol, also after a reset."""

    order_id: int
    trade_id: int
    time_ms: int


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution of an order, as `myTrades` and the TRADE report tell it.

    `order_id` and `trade_id` are the exchange's: each is given once, until the exchange is reset.
    What is kept of a fill is kept by its order's client order id and its trade id. `time_ms` is the
    exchange's transaction time.
    """

    order_id: int
    trade_id: int
    price: Decimal
    quantity: Decimal
    quote_quantity: Decimal
    commission: Decimal
    commission_asset: str
    is_maker: bool
    time_ms: int
    fee_value: FeeValue | None = None
    """What a commission in a third asset was worth, once it is known."""

    @property
    def key(self) -> FillKey:
        """Return what tells it from all other fills."""
        return FillKey(self.order_id, self.trade_id, self.time_ms)


@dataclass(frozen=True, slots=True)
class ExchangeOrder:
    """An order as the exchange describes it, in a reply, a query or a report.

    `status` is Binance's (NEW, PARTIALLY_FILLED, FILLED, CANCELED, EXPIRED, …); `time_ms` is when
    the order was accepted, where the message says it. `quantity` is the current one: an amended
    order has less than it was placed with. `prevented` is what self-trade prevention took away.
    """

    client_order_id: str
    order_id: int
    side: Side
    price: Decimal
    quantity: Decimal
    status: str
    executed: Decimal
    executed_quote: Decimal
    time_ms: int | None = None
    prevented: Decimal = ZERO
    expiry_reason: str = ""
    """Why the exchange ended it, in Binance's words; empty where it does not say."""


@dataclass(frozen=True, slots=True)
class ExecutionReport:
    """One `executionReport` of the user data stream.

    `execution_type` is Binance's x (NEW, TRADE, CANCELED, EXPIRED, …). `fill` is there exactly
    for TRADE. For a cancel, `order.client_order_id` is the cancelled order's and `cancel_id` the
    cancel's own.
    """

    execution_type: str
    order: ExchangeOrder
    fill: Fill | None = None
    cancel_id: str | None = None
