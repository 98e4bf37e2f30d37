"""Journal entries: every change of the exchange's state, as it is written and replayed.

An entry is a fact, not a command: replaying needs no matching, no market data and no settings.
Amounts are written as decimal strings, times as wall-clock milliseconds.
"""

from dataclasses import dataclass, fields
from decimal import Decimal
from enum import StrEnum
from types import UnionType
from typing import Any, ClassVar, get_args, get_type_hints

from paper_exchange.core.orders import (
    ExpiryReason,
    OrderStatus,
    OrderType,
    SelfTrade,
    Side,
    TimeInForce,
)


class EntryError(ValueError):
    """A journal entry that cannot be understood."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The exchange was started on a market source; another source starts from its beginning."""

    kind: ClassVar[str] = "opened"
    source: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A symbol is traded from now on."""

    kind: ClassVar[str] = "listed"
    symbol: str
    base: str
    quote: str


@dataclass(frozen=True, slots=True)
class Granted:
    """An account got its initial balance of an asset, once."""

    kind: ClassVar[str] = "granted"
    account: str
    asset: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Adjusted:
    """A deposit (or withdrawal, if negative) changed an account's free balance."""

    kind: ClassVar[str] = "adjusted"
    account: str
    asset: str
    delta: Decimal
    time: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """An order entered the book; its funds are locked."""

    kind: ClassVar[str] = "accepted"
    symbol: str
    order_id: int
    account: str
    client_order_id: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    quantity: Decimal
    price: Decimal
    quote_quantity: Decimal
    self_trade: SelfTrade
    ahead: Decimal | None
    time: int


@dataclass(frozen=True, slots=True)
class Filled:
    """An order traded.  Two of our orders that trade with each other share the trade id."""

    kind: ClassVar[str] = "filled"
    symbol: str
    trade_id: int
    order_id: int
    price: Decimal
    quantity: Decimal
    commission: Decimal
    commission_asset: str
    is_maker: bool
    time: int


@dataclass(frozen=True, slots=True)
class Ended:
    """An order left the book unfilled or partly filled; what it locked is free again.

    `client_order_id` is the order's id from now on: a cancel renames it (protocol, section 8).
    """

    kind: ClassVar[str] = "ended"
    symbol: str
    order_id: int
    status: OrderStatus
    client_order_id: str
    expiry_reason: ExpiryReason
    time: int


@dataclass(frozen=True, slots=True)
class Amended:
    """An order's quantity was reduced; it kept its place and is known by `client_order_id` now."""

    kind: ClassVar[str] = "amended"
    symbol: str
    order_id: int
    quantity: Decimal
    client_order_id: str
    time: int


@dataclass(frozen=True, slots=True)
class Prevented:
    """Self-trade prevention took `quantity` away from an order, which has `status` after it."""

    kind: ClassVar[str] = "prevented"
    symbol: str
    order_id: int
    quantity: Decimal
    counter_order_id: int
    status: OrderStatus
    time: int


@dataclass(frozen=True, slots=True)
class SelfMatched:
    """Self-trade prevention kept two orders from trading `quantity` and took something from each.

    An order of which nothing is left has ended.  With `transferred` the assets changed hands.
    """

    kind: ClassVar[str] = "self_matched"
    symbol: str
    taker_order_id: int
    maker_order_id: int
    price: Decimal
    quantity: Decimal
    mode: SelfTrade
    taker_loss: Decimal
    maker_loss: Decimal
    transferred: bool
    time: int


@dataclass(frozen=True, slots=True)
class Archived:
    """An order that ended without execution is archived: only that it existed is still shown."""

    kind: ClassVar[str] = "archived"
    symbol: str
    order_id: int


@dataclass(frozen=True, slots=True)
class Forgotten:
    """All orders and trades of an account are gone, as after a reset; its balances are free."""

    kind: ClassVar[str] = "forgotten"
    account: str


@dataclass(frozen=True, slots=True)
class Reset:
    """The exchange was reset: no orders, trades and balances; ids count from 1 again.

    What is granted afterwards is granted anew.  The market goes on where it was.
    """

    kind: ClassVar[str] = "reset"
    time: int


@dataclass(frozen=True, slots=True)
class Queued:
    """An order moved up its queue without trading."""

    kind: ClassVar[str] = "queued"
    symbol: str
    order_id: int
    ahead: Decimal | None


@dataclass(frozen=True, slots=True)
class Priced:
    """The outside market traded: its price, and the last public trade id given out."""

    kind: ClassVar[str] = "priced"
    symbol: str
    price: Decimal
    last_trade_id: int


@dataclass(frozen=True, slots=True)
class Played:
    """The market source was played up to and including this event (counted from 1)."""

    kind: ClassVar[str] = "played"
    position: int


Intervention = Amended | Prevented | SelfMatched | Archived
OrderChange = Accepted | Filled | Ended | Intervention
MarketChange = Opened | Listed | Queued | Priced | Played
Entry = OrderChange | MarketChange | Granted | Adjusted | Forgotten | Reset

_KINDS: dict[str, type[Entry]] = {entry.kind: entry for entry in get_args(Entry)}

_HINTS: dict[str, dict[str, Any]] = {
    kind: {field.name: get_type_hints(cls)[field.name] for field in fields(cls)}
    for kind, cls in _KINDS.items()
}
"""The type of each field, in the order of writing."""


def encode(entry: Entry) -> dict[str, Any]:
    """Turn an entry into JSON values: its kind under "k", amounts as strings."""
    values = {name: _plain(getattr(entry, name)) for name in _HINTS[entry.kind]}
    return {"k": entry.kind, **values}


def decode(values: object) -> Entry:
    """Turn JSON values back into an entry; raise `EntryError` for anything unexpected."""
    if not isinstance(values, dict) or values.get("k") not in _KINDS:
        raise EntryError(f"unknown entry {values!r:.80}")
    hints = _HINTS[values["k"]]
    if values.keys() != {"k", *hints}:
        raise EntryError(f"{values['k']}: wrong fields {sorted(values)}")
    try:
        typed: dict[str, Any] = {name: _typed(hint, values[name]) for name, hint in hints.items()}
        return _KINDS[values["k"]](**typed)
    except (ArithmeticError, TypeError, ValueError) as exc:
        raise EntryError(f"{values['k']}: {exc}") from exc


def _plain(value: object) -> object:
    return format(value, "f") if isinstance(value, Decimal) else value


def _typed(hint: Any, value: object) -> object:
    if isinstance(hint, UnionType):  # the only unions here are "T | None"
        return None if value is None else _typed(get_args(hint)[0], value)
    if hint is Decimal:
        return Decimal(_checked(str, value))
    if issubclass(hint, StrEnum):
        return hint(value)
    return _checked(hint, value)


def _checked(hint: Any, value: Any) -> Any:
    if type(value) is not hint:
        raise EntryError(f"{value!r:.40} is not of type {hint.__name__}")
    return value
