"""What the leader needs from outside. Adapters fill these ports; `__main__` puts them together.

Every await on the exchange and the record goes through here and nowhere else.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, auto
from typing import Protocol

from symbol_trader.core.events import Answer
from symbol_trader.core.money import ZERO, plain
from symbol_trader.core.orders import CancelIntent, ExchangeOrder, Fill, Intent, Side
from symbol_trader.core.records import RecordChange, Snapshot
from symbol_trader.core.replies import Account, AssetPrice, Outcome, Price, UserEvent
from symbol_trader.core.settings import Settings
from symbol_trader.core.symbols import Commission, SymbolInfo


class Unavailable(Exception):  # noqa: N818 - a state of the world, not a mistake
    """The other side cannot be reached now; try again. The text says what and why, no secrets.

    `retry_in_s` is how long the other side has said that it wants to be left alone, in seconds.
    """

    retry_in_s: float | None = None


class DatabaseUnavailable(Unavailable):
    """PostgreSQL cannot be reached, or does not let us in."""


class ExchangeUnavailable(Unavailable):
    """The exchange cannot be reached, or its user data stream is gone."""


class ApiServerUnavailable(Unavailable):
    """The API server cannot be reached: the resource can be neither read nor written."""


class Fenced(Exception):  # noqa: N818
    """Another epoch holds the symbol: this process must not trade again."""


class OwnedByAnother(Exception):  # noqa: N818
    """The symbol belongs to another resource; the text names it and the remedy."""


class AccountChanged(Exception):  # noqa: N818
    """Open cycles are on record for another account than the one the key belongs to."""


class RolledBack(Exception):  # noqa: N818
    """The record has lost what this process committed; the text says what."""


class SettledMeanwhile(Exception):  # noqa: N818
    """A person has settled an order since the record was loaded: it has to be loaded again."""


class SchemaMismatch(Exception):  # noqa: N818
    """The record's schema is not the one this program knows; the text says both versions."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Who holds a symbol: the cluster's id, and the resource's namespace and name."""

    cluster: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Book:
    """What a symbol's record belongs to: traders, orders and fills are kept per book.

    `account` is the uid that `account.status` reports.
    """

    environment: str
    account: str
    symbol: str


@dataclass(frozen=True, slots=True)
class Epoch:
    """One claim of a book: a counter and a random nonce. Statements are checked against both."""

    number: int
    nonce: str


class Record(Protocol):
    """The record of one book (PostgreSQL). Every method may raise `Unavailable`."""

    async def open(self) -> None:
        """Connect and check the schema version. Raises `SchemaMismatch`."""

    async def claim(self, book: Book, owner: Owner, *, pod: str, desired: "Desired") -> Epoch:
        """Take a new epoch of the book. Raises `OwnedByAnother`, `AccountChanged`."""

    async def confirm(self) -> None:
        """Check after a reconnect that the epoch taken last still stands.

        Raises `Fenced`, `RolledBack`.
        """

    async def load(self) -> Snapshot:
        """Read all that a leader needs to go on: unfinished traders, their orders and fills."""

    async def note(self, changes: Sequence[RecordChange]) -> None:
        """Record what happened and what is intended, in order: all or nothing, in one commit.

        An order or a cancel exists here before it can exist there. Repeating what happened changes
        nothing; an intent is noted once. Raises `Fenced`, and `SettledMeanwhile` whatever the
        changes are about: what follows from them was decided without the person's word.
        """

    async def settled_meanwhile(self) -> bool:
        """Return whether a person has settled an order since the record was loaded."""

    async def orders_not_on_record(self, order_ids: Collection[int]) -> frozenset[int]:
        """Return those of the exchange's order ids that no order on record has."""

    async def names_not_on_record(self, names: Collection[str]) -> frozenset[str]:
        """Return those client order ids that no order or cancel on record has.

        What a person has disowned counts as on record; what never existed, by the record, does not.
        """

    async def advance_watermark(self, trade_id: int) -> None:
        """Note that reconciliation has seen every trade up to this id. Raises `Fenced`."""

    async def mirror_settings(self, desired: "Desired") -> None:
        """Mirror the resource's settings, and which revision they are of. Raises `Fenced`."""

    async def release(self) -> None:
        """Give up ownership: the symbol is drained and off."""

    async def close(self) -> None:
        """Close the connection; never raises."""


class Exchange(Protocol):
    """One session with the exchange for one symbol: requests, and the user data stream.

    A session is opened once and ends with its connection; then a new one is opened. Methods that
    only read raise `Unavailable` where there is no answer; they may be repeated by the adapter.
    `place` and `cancel` write the request to one socket, once, and never raise for the network;
    where a ban is known they write nothing and return `NotSent`.
    """

    async def open(self) -> None:
        """Connect, measure the clock, subscribe to user data.

        Raises `Unavailable`, `BadCredentials`.
        """

    def now_ms(self) -> int:
        """Return exchange time: the measured offset plus a monotonic clock."""

    def held_until_ms(self) -> int | None:
        """Return the exchange time until which a known ban lasts, None without one."""

    async def account(self) -> Account:
        """Read the account's uid and balances."""

    async def symbol(self) -> SymbolInfo:
        """Read the symbol. Raises `UnknownSymbol` if nor open orders of it can be asked for."""

    async def commission(self) -> Commission:
        """Read the account's commission on the symbol."""

    async def best_bid(self) -> Decimal:
        """Read the best price that buyers offer in the symbol, zero where none is known."""

    async def place(self, intent: Intent) -> Outcome:
        """Send an order, once, with exactly the intent's values."""

    async def cancel(self, intent: CancelIntent) -> Outcome:
        """Send a cancel, once, with exactly the intent's values."""

    async def last_trade(self) -> Price | None:
        """Read the symbol's newest public trade, with its own time; None if there never was one."""

    async def price_of(self, asset: str, time_ms: int) -> AssetPrice | None:
        """Read what one unit of an asset cost in the symbol's quote at an exchange time.

        None where no market of the two assets is known.
        """

    async def order(self, client_order_id: str) -> Answer:
        """Query an order by its client id; the server's time is asked first."""

    async def order_by_id(self, order_id: int) -> Answer:
        """Query any order of the account by the exchange's id; a canceled one may be renamed."""

    async def open_orders(self) -> tuple[ExchangeOrder, ...]:
        """Read all open orders of the account in the symbol, ours and others'."""

    async def trades(self, from_id: int | None, order_id: int | None = None) -> tuple[Fill, ...]:
        """Read a page of the account's fills in the symbol, ascending, from a trade id on.

        None reads the newest page. The exchange may cut pages at any length: only an empty page
        says that there is nothing more. Fills of others' orders are among them unless `order_id`
        is given.
        """

    def user_events(self) -> AsyncIterator[UserEvent]:
        """Yield user data from `open` on, buffered; raises `Unavailable` when it is gone."""

    async def close(self) -> None:
        """Close the sockets; never raises."""


@dataclass(frozen=True, slots=True)
class Desired:
    """What the resource asks for, at one generation of it.

    `cancels_first` says that it is being deleted, and that its orders are to go first.
    `revision` names what was read, to later processes too, and `follows` the revision directly
    before it: whoever knows one of the two has missed nothing that was asked for.
    """

    symbol: str
    settings: Settings
    generation: int
    cancels_first: bool = False
    revision: str = ""
    follows: str = ""

    def continues(self, earlier: "Desired") -> bool:
        """Tell whether nothing can have been asked for between an earlier wish and this one."""
        return earlier.revision in {self.revision, self.follows}


class OffOutcome(Enum):
    """What became of the attempt to switch the resource off."""

    WRITTEN = auto()
    SUPERSEDED = auto()
    """A user changed the status meanwhile; the user wins."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that keeps the leader from trading as it should; a reason of `Degraded`."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class AwaitedOrder:
    """An order that a shutdown waits for: what of it is not executed yet, at its limit price.

    `percent` is the limit's distance from the market in whole percents, positive above it, None
    while no price is known.
    """

    side: Side
    quantity: Decimal
    price: Decimal
    order_id: int | None
    percent: int | None = None

    def __str__(self) -> str:
        """Describe it for people."""
        return (
            f"{self.side} {plain(self.quantity)} at {plain(self.price)}{self._distance()} "
            f"(order {self.order_id})"
        )

    def _distance(self) -> str:
        if self.percent is None:
            return ""
        if self.percent == 0:
            return ", less than 1 % from the market"
        where = "above" if self.percent > 0 else "below"
        return f", about {abs(self.percent)} % {where} the market"


@dataclass(frozen=True, slots=True)
class Report:
    """What the leader has to say of itself at one moment; `profit` is in `quote_asset`.

    `loaded` says that the figures are the record's; without it they are not known (yet). The
    profit lacks `unvalued_fees`: amounts of third assets that have no value in quote so far.
    """

    generation: int
    epoch: int | None
    trading: bool
    draining: bool
    traders: int = 0
    open_orders: int = 0
    profit: Decimal = ZERO
    quote_asset: str = ""
    waits_for: tuple[AwaitedOrder, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    orders_in_doubt: int = 0
    unvalued_fees: tuple[tuple[str, Decimal], ...] = ()
    loaded: bool = True


class Resource(Protocol):
    """The TradingSymbol that this leader serves: an object of the API server, or a file."""

    def changes(self) -> AsyncIterator[Desired]:
        """Yield what is asked for, now and at each change, for ever; reconnects by itself."""

    async def report(self, report: Report) -> None:
        """Write the leader's part of the status. Raises `Unavailable`."""

    async def write_off(self) -> OffOutcome:
        """Change `spec.status` from shutdown to off, unless it was written since it was last heard.

        Raises `Unavailable`.
        """

    async def close(self) -> None:
        """Release what was opened; never raises."""


class BadCredentials(Exception):  # noqa: N818
    """The exchange refuses the key or the signature (-2014, -2015, -1022)."""


class UnknownSymbol(Exception):  # noqa: N818
    """The exchange knows no such symbol (-1121)."""


class Market(Protocol):
    """The public trades of the symbol."""

    def prices(self) -> AsyncIterator[Price | None]:
        """Yield each trade for ever, reconnecting by itself; None when the connection is lost."""

    def reconnect(self) -> None:
        """Give up a connection that is open and silent; `prices` opens another one.

        Where none is open there is nothing to do.
        """

    async def close(self) -> None:
        """Close the socket; never raises."""
