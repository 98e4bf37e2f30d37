"""Who holds a ledger: the resource that owns it, the leader, and the epoch that it writes under."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Owner:
    """Who holds a symbol: the cluster's id, and the resource's namespace and name."""

    cluster: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class LedgerKey:
    """What a symbol's record belongs to: traders, orders and fills are kept per ledger.

    `account` is the uid that `account.status` reports.
    """

    environment: str
    account: str
    symbol: str


@dataclass(frozen=True, slots=True)
class Epoch:
    """One claim of a ledger: a counter and a random nonce. Statements are checked against both."""

    number: int
    nonce: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this leader is: owner of the ledger, and the pod that it runs in."""

    owner: Owner
    environment: str
    pod: str
