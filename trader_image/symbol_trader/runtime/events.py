"""What can happen to a leader, as values in its mailbox."""

from asyncio import Task
from dataclasses import dataclass
from decimal import Decimal

from symbol_trader.core.leader import ExchangeView
from symbol_trader.core.orders import CancelIntent, ClientOrderId, ExchangeOrder, Fill
from symbol_trader.core.replies import NotFound, Outcome, Price, UserEvent
from symbol_trader.core.symbols import Commission, SymbolInfo
from symbol_trader.ports import Desired


@dataclass(frozen=True, slots=True)
class PriceSeen:
    """A public trade, and when it came in (seconds of the monotonic clock)."""

    price: Price
    came_s: float


@dataclass(frozen=True, slots=True)
class UserNews:
    """Something from the user data stream."""

    event: UserEvent


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
    answer: ExchangeOrder | NotFound


@dataclass(frozen=True, slots=True)
class FillsFetched:
    """All fills of an order were read."""

    client_order_id: ClientOrderId
    fills: tuple[Fill, ...]


@dataclass(frozen=True, slots=True)
class BidFetched:
    """The best bid was read; zero if there is none."""

    bid: Decimal


@dataclass(frozen=True, slots=True)
class StrangersFound:
    """The record does not hold these orders, which have our mark."""

    orders: tuple[ExchangeOrder, ...]


@dataclass(frozen=True, slots=True)
class SymbolRead:
    """The symbol and the commission were read again."""

    symbol: SymbolInfo
    commission: Commission


@dataclass(frozen=True, slots=True)
class ViewRead:
    """Everything was read from the exchange; `newest` is the last trade id seen."""

    view: ExchangeView
    newest: int


@dataclass(frozen=True, slots=True)
class Asked:
    """The resource was written. `continued`: nothing that it asked for before was missed."""

    desired: Desired
    continued: bool = True


@dataclass(frozen=True, slots=True)
class TimePassed:
    """The timer's beat."""


@dataclass(frozen=True, slots=True)
class RequestOver:
    """A request's task has ended; what it brought came into the mailbox before this."""

    task: Task[None]


@dataclass(frozen=True, slots=True)
class Stop:
    """End without another intent, once all outstanding replies are in."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A link is gone, or a task failed."""

    cause: BaseException


LeaderEvent = (
    PriceSeen
    | UserNews
    | PlaceReplied
    | CancelReplied
    | QueryReplied
    | FillsFetched
    | BidFetched
    | StrangersFound
    | TimePassed
)
"""What the leader decides on."""

Event = LeaderEvent | SymbolRead | ViewRead | Asked | RequestOver | Stop | Lost
