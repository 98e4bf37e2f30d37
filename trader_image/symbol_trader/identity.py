"""Who holds what: the resource that owns a book, and the epoch under which a leader writes it."""

from dataclasses import dataclass


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
