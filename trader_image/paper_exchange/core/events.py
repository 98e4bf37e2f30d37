"""What one engine step has to say: journal entries, reports to accounts, public data."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from paper_exchange.core.entries import Entry, Played, Priced, Queued
from paper_exchange.core.market import Top
from paper_exchange.core.money import ZERO
from paper_exchange.core.orders import Fill, Order
from paper_exchange.core.state import Balance
from paper_exchange.core.trade_groups import NO_TRADE_GROUP


class Execution(StrEnum):
    """What happened to an order (`x` of an executionReport)."""

    NEW = "NEW"
    TRADE = "TRADE"
    CANCELED = "CANCELED"
    REPLACED = "REPLACED"
    EXPIRED = "EXPIRED"
    TRADE_PREVENTION = "TRADE_PREVENTION"


@dataclass(frozen=True, slots=True)
class Prevention:
    """What self-trade prevention took at once, and the trade that it prevented, if known."""

    quantity: Decimal
    counter_order_id: int | None = None
    price: Decimal = ZERO
    execution_quantity: Decimal = ZERO
    """What would have traded."""
    trade_group: int = NO_TRADE_GROUP


@dataclass(frozen=True, slots=True)
class ExecutionReport:
    """One event in the life of an order, with the order as it is after it."""

    order: Order
    execution: Execution
    execution_id: int
    time: int
    fill: Fill | None = None
    renamed_from: str = ""
    prevention: Prevention | None = None

    @property
    def account(self) -> str:
        """Whose event it is."""
        return self.order.account


@dataclass(frozen=True, slots=True)
class Position:
    """Absolute balances of the assets that a step may have touched."""

    account: str
    time: int
    balances: tuple[tuple[str, Balance], ...]


@dataclass(frozen=True, slots=True)
class BalanceChange:
    """A deposit or withdrawal."""

    account: str
    asset: str
    delta: Decimal
    time: int


AccountEvent = ExecutionReport | Position | BalanceChange


@dataclass(frozen=True, slots=True)
class PublicTrade:
    """A trade as everyone sees it; ids of a symbol are consecutive."""

    symbol: str
    trade_id: int
    price: Decimal
    quantity: Decimal
    buyer_is_maker: bool
    time: int


@dataclass(frozen=True, slots=True)
class BookChange:
    """The best bid and ask of a symbol after a change."""

    symbol: str
    top: Top
    update_id: int


@dataclass(slots=True)
class Step:
    """The outcome of one command or market event at a wall-clock time in milliseconds.

    `extend` joins steps into a batch.
    """

    at: int
    entries: list[Entry] = field(default_factory=list)
    events: list[AccountEvent] = field(default_factory=list)
    trades: list[PublicTrade] = field(default_factory=list)
    books: list[BookChange] = field(default_factory=list)

    def extend(self, other: "Step") -> None:
        """Append a later step."""
        self.entries += other.entries
        self.events += other.events
        self.trades += other.trades
        self.books += other.books

    def essential_entries(self) -> list[Entry]:
        """Return the entries without those that a later one of the same batch replaces."""
        kept: list[Entry] = []
        seen: set[object] = set()
        for entry in reversed(self.entries):
            key = replaced_by_later(entry)
            if key is None:
                kept.append(entry)
            elif key not in seen:
                seen.add(key)
                kept.append(entry)
        kept.reverse()
        return kept


def replaced_by_later(entry: Entry) -> object:
    """Return the key of the fact that an entry states; a later entry replaces one of the same key.

    Of entries with the same key only the last one matters, whatever stands between them.
    """
    match entry:
        case Played():
            return Played
        case Priced(symbol):
            return Priced, symbol
        case Queued(symbol, order_id):
            return Queued, symbol, order_id
    return None
