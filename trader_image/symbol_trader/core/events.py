"""What can happen to a leader, as values: the one thing that `Leader.handle` takes.

Besides these, an `ExecutionReport` and a `BalanceChanged` are events as the user stream tells them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from symbol_trader.core.limits import Halt
from symbol_trader.core.orders import (
    CancelIntent,
    ClientOrderId,
    ExchangeOrder,
    ExecutionReport,
    Fill,
    TraderId,
)
from symbol_trader.core.records import RefusedBuy, Watermark
from symbol_trader.core.replies import (
    Archived,
    AssetPrice,
    BalanceChanged,
    NotFound,
    Outcome,
    ReferencePrice,
)
from symbol_trader.core.settings import Settings
from symbol_trader.core.symbols import Commission, SymbolInfo

Answer = ExchangeOrder | NotFound | Archived
"""What the exchange says of an order when it is asked for it."""


@dataclass(frozen=True, slots=True)
class ExchangeView:
    """What the exchange says when it is asked for everything.

    `answers` holds a reply for each order that is not over on record, `fills` the account's trades
    since the watermark with any that an unsettled order still lacks.

    `unrecorded_orders` have our mark, are open or were traded, and the record does not hold them.
    `known_before` are those that the leader knew when the reading began (None: those that it knows
    now). One that was found while the view was read is in neither, so the view does not end it.
    """

    answers: Mapping[ClientOrderId, Answer] = field(default_factory=dict)
    unrecorded_orders: tuple[ExchangeOrder, ...] = ()
    fills: tuple[Fill, ...] = ()
    known_before: tuple[ExchangeOrder, ...] | None = None
    open_orders: tuple[ExchangeOrder, ...] = ()
    """All of the account's open orders in the symbol, whoever placed them."""


@dataclass(frozen=True, slots=True)
class Started:
    """Trading begins, after the record was reconciled with the exchange."""


@dataclass(frozen=True, slots=True)
class PriceSeen:
    """A public trade, the newest that is known: the moment for buys.

    `lowest` is the lowest price since the event before, which is what rebuy triggers judge;
    `time_ms` is the exchange's event time: no buy follows from an old price. `received_s` (seconds
    of the process's monotonic clock) serves the latency metric alone.
    """

    price: Decimal
    lowest: Decimal
    time_ms: int
    received_s: float = 0.0


@dataclass(frozen=True, slots=True)
class PlaceReplied:
    """An order's request is over."""

    client_order_id: ClientOrderId
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class CancelReplied:
    """A cancel's request is over."""

    intent: CancelIntent
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class QueryReplied:
    """A query for an order is over."""

    client_order_id: ClientOrderId
    answer: Answer


@dataclass(frozen=True, slots=True)
class FillsFetched:
    """All fills of an order were read."""

    client_order_id: ClientOrderId
    fills: tuple[Fill, ...]


@dataclass(frozen=True, slots=True)
class BidFetched:
    """The best bid was read, zero if there is none: the moment for sells at a deadline."""

    bid: Decimal


@dataclass(frozen=True, slots=True)
class ReferencePriceFetched:
    """The price that percent filters of so many minutes measure from; None: it is not told."""

    minutes: int
    price: ReferencePrice | None


@dataclass(frozen=True, slots=True)
class FeePriced:
    """The answer to the question what the asset of a fill's fee cost; None: there is no price.

    The asset may have no market, or there was no answer: either way it is asked for again.
    """

    client_order_id: ClientOrderId
    trade_id: int
    price: AssetPrice | None


@dataclass(frozen=True, slots=True)
class UnrecordedOrdersFound:
    """The record does not hold these orders, which have our mark."""

    orders: tuple[ExchangeOrder, ...]


@dataclass(frozen=True, slots=True)
class RecordRefused:
    """The record cannot have what a trader's orders led to: it contradicts what is there."""

    trader_id: TraderId
    why: str
    unsent: ClientOrderId | None = None
    """The trader's order that was not sent for that."""


@dataclass(frozen=True, slots=True)
class BuyRefused:
    """A buy's intent was not committed, for a limit or a halt of the account: it was not sent."""

    buy: RefusedBuy


@dataclass(frozen=True, slots=True)
class LimitsHeard:
    """The account's limits or halts have changed; None: it is not known any more what they are."""

    halts: tuple[Halt, ...] | None


@dataclass(frozen=True, slots=True)
class SymbolRead:
    """The symbol's filters and status, and the commission, were read again."""

    symbol: SymbolInfo
    commission: Commission


@dataclass(frozen=True, slots=True)
class ViewRead:
    """Everything was read from the exchange; `newest` is the last trade seen."""

    view: ExchangeView
    newest: Watermark


@dataclass(frozen=True, slots=True)
class SettingsChanged:
    """The resource was written: what it asks for now, which may be what it asked for before.

    It is also the acknowledgement that traders wait for whose order others canceled. If not
    `continued`, earlier revisions (perhaps an `off`) may have been missed, so the clock of a
    shutdown starts again.
    """

    settings: Settings
    continued: bool = True


@dataclass(frozen=True, slots=True)
class Banned:
    """The exchange has banned the address until this exchange time; None: it is asked again."""

    until_ms: int | None


@dataclass(frozen=True, slots=True)
class SwitchedOff:
    """The resource says off."""


@dataclass(frozen=True, slots=True)
class Ending:
    """Nothing is sent any more: from here on, replies are learned from and nothing is decided."""


@dataclass(frozen=True, slots=True)
class TimePassed:
    """The timer has fired: what is due is done."""


StateEvent = (
    Started
    | ExecutionReport
    | BalanceChanged
    | PlaceReplied
    | CancelReplied
    | QueryReplied
    | FillsFetched
    | BidFetched
    | ReferencePriceFetched
    | FeePriced
    | UnrecordedOrdersFound
    | RecordRefused
    | BuyRefused
    | LimitsHeard
    | SymbolRead
    | ViewRead
    | SettingsChanged
    | Banned
    | SwitchedOff
    | Ending
    | TimePassed
)
"""What may change what the leader knows."""

LeaderEvent = PriceSeen | StateEvent
"""What the leader decides on."""
