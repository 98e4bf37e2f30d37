"""The rows of the record: what survives the process, and what changes of it are asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Final

from symbol_trader.core.money import ZERO
from symbol_trader.core.orders import (
    CancelIntent,
    ClientOrderId,
    FeeAsset,
    FeeValue,
    Fill,
    Intent,
    OrderState,
    Side,
    TraderId,
)


class TraderState(StrEnum):
    """What the record says of a trader. What a running one does next follows from its orders."""

    RUNNING = "running"
    FINISHED = "finished"
    """The trader is over: sold, or it never bought anything."""
    HELD = "held"
    """Given up with base asset in hand, which the row names with its cost."""
    STRANDED = "stranded"
    """Of earlier versions: what it holds was too little to sell, and no later sell takes it along.

    Today such a rest is carried: it joins a later sell, and counts against the budget until then.
    """


@dataclass(frozen=True, slots=True)
class TraderTerms:
    """The settings that a trader was started with; they stay the same until it ends."""

    chunk_budget: Decimal
    buy_down: Decimal
    profit: Decimal
    rebuy: Decimal


@dataclass(frozen=True, slots=True)
class NewTrader:
    """A trader to be recorded. `parent` is the trader whose rebuy trigger is spent on it."""

    trader_id: TraderId
    terms: TraderTerms
    started_ms: int
    reason: str
    parent: TraderId | None = None


@dataclass(frozen=True, slots=True)
class TraderResult:
    """How a trader ended. `profit` is in quote; `quantity` is the base asset it leaves unsold."""

    trader_id: TraderId
    state: TraderState
    reason: str
    finished_ms: int
    profit: Decimal = ZERO
    quantity: Decimal = ZERO
    carried: Decimal = ZERO
    """Base asset that it leaves to later sells; negative where it took along what others left."""
    carried_cost: Decimal = ZERO
    """What that had cost, in quote, with the same sign."""


@dataclass(frozen=True, slots=True)
class OrderChange:
    """What became of an order; the record keeps the reason of what did not go as meant.

    `quantity` is the current one where it is no longer what was intended, else None.
    """

    client_order_id: ClientOrderId
    state: OrderState
    order_id: int | None
    executed: Decimal
    executed_quote: Decimal
    reason: str = ""
    quantity: Decimal | None = None


@dataclass(frozen=True, slots=True)
class OrderMissing:
    """The exchange does not know an order that is open on record: another may have its number."""

    client_order_id: ClientOrderId


@dataclass(frozen=True, slots=True)
class CancelChange:
    """What became of a cancel: accepted, refused or undecided, and why."""

    cancel_id: ClientOrderId
    outcome: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class FillRecorded:
    """A fill of an order of ours, to be recorded once."""

    client_order_id: ClientOrderId
    side: Side
    fill: Fill
    fee_in: FeeAsset = FeeAsset.NONE


@dataclass(frozen=True, slots=True)
class FeeValued:
    """A commission in a third asset has been valued; the profit of its trader falls by `value`."""

    trader_id: TraderId
    client_order_id: ClientOrderId
    trade_id: int
    value: FeeValue


@dataclass(frozen=True, slots=True)
class FillsGivenUp:
    """The fills of an order that is over cannot be read: the record goes by its executed totals."""

    client_order_id: ClientOrderId


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A person knows that others canceled or reduced this order, and said to go on."""

    client_order_id: ClientOrderId


RecordChange = (
    NewTrader
    | TraderResult
    | OrderChange
    | OrderMissing
    | CancelChange
    | FillRecorded
    | FeeValued
    | FillsGivenUp
    | Acknowledged
    | Intent
    | CancelIntent
)
"""What the record is asked to note. An intent is noted before its request is written."""


HALTED: Final = "Halted"
"""Why the record refuses a buy while a halt stands."""
BUY_REFUSALS: Final = (
    HALTED,
    "QuoteUnknown",
    "BidStale",
    "MaxExposure",
    "MaxOpenCycles",
    "MaxOrdersPerMinute",
    "Cooldown",
)
"""All reasons of this version's record; those but the first are limits, or lack what these need."""


@dataclass(frozen=True, slots=True)
class RefusedBuy:
    """A buy whose intent was not committed, for a limit or a halt of the account: it is not sent.

    `reason` is one of `BUY_REFUSALS`, or what a newer record says; the message names the limit,
    what of it is used, and what the buy takes.
    """

    client_order_id: ClientOrderId
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class RecordedOrder:
    """An order's row with its fills and its cancels."""

    intent: Intent
    state: OrderState
    order_id: int | None
    executed: Decimal
    executed_quote: Decimal
    reason: str
    fills: tuple[Fill, ...] = ()
    cancels: tuple[CancelIntent, ...] = ()
    quantity: Decimal | None = None
    """The current quantity where it is no longer the intent's."""
    fills_given_up: bool = False
    acknowledged: bool = False
    settled_by_person: bool = False
    """A person said how it ended: later reports of it are ignored."""
    missing: bool = False
    """It is open here, and the exchange did not know it."""


@dataclass(frozen=True, slots=True)
class RecordedTrader:
    """An unfinished trader's row with its orders, oldest first.

    Orders that were refused or never reached the exchange are not among them; `attempts` holds the
    highest attempt number of each side, theirs included (a side that never tried is missing).
    """

    trader_id: TraderId
    terms: TraderTerms
    started_ms: int
    rebuy_spent: bool
    orders: tuple[RecordedOrder, ...] = ()
    attempts: Mapping[Side, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UnvaluedFee:
    """A fill's commission in a third asset without a value in quote yet; its trader may be over."""

    trader_id: TraderId
    client_order_id: ClientOrderId
    trade_id: int
    asset: str
    amount: Decimal
    time_ms: int


@dataclass(frozen=True, slots=True)
class Watermark:
    """The trade up to which reconciliation has seen the account's trades in the symbol.

    Trades are told apart by their time, for the ids of an exchange that was reset begin again.
    """

    trade_id: int
    time_ms: int | None = None
    """The trade's time; None where there was no trade yet, or an older version noted it."""

    def precedes(self, other: "Watermark") -> bool:
        """Return whether another one is further on: later, or of one time and with a higher id.

        Where a time is not known, ids decide.
        """
        if self.time_ms is None:
            return (self.trade_id, False) < (other.trade_id, other.time_ms is not None)
        return (self.time_ms, self.trade_id) < (other.time_ms or 0, other.trade_id)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything of a symbol that a leader needs to go on from.

    `carried` is the base asset that rounding left over: over all traders, running ones included,
    with a sell that was neither refused nor proved absent, the sum of what they received less the
    quantity of their first such sell. `profit` is the realised profit of all finished traders, in
    quote; `watermark` is None before the first look at the account's trades.
    """

    installation: str
    traders: tuple[RecordedTrader, ...] = field(default=())
    carried: Decimal = ZERO
    profit: Decimal = ZERO
    finished: int = 0
    watermark: Watermark | None = None
    shutdown_age_ms: int = 0
    """How long the symbol has been in the shutdown that its settings ask for."""
    carried_cost: Decimal = ZERO
    """What the base asset carried by *ended* traders had cost, in quote."""
    unvalued_fees: tuple[UnvaluedFee, ...] = ()
    """The oldest of each asset."""
    more_unvalued_fees: Mapping[str, Decimal] = field(default_factory=dict)
    """The sums of the others, by asset."""
