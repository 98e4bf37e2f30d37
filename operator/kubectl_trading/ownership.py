"""A symbol that another resource owns: whether that one is there, and what follows. Pure.

The record keeps a symbol for the resource that traded it last until nothing of it is unfinished.
A resource that is deleted with orders at rest leaves its symbol behind, so that a second resource
of the symbol cannot trade.
"""

from dataclasses import dataclass
from enum import Enum, auto

from kubectl_trading.remedies import at
from kubectl_trading.symbols import Symbol
from tradingsymbol_api.conditions import ConditionType, LeaderReason
from tradingsymbol_api.ownership import FILE_CLUSTER, ForeignOwner, parse_foreign_owner


class Presence(Enum):
    """Whether the resource that owns a symbol is there."""

    THERE = auto()
    GONE = auto()
    UNKNOWN = auto()
    """It cannot be looked at from here."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found out about the owner, and what to do."""

    presence: Presence
    text: str
    remedy: str


def foreign_owner(symbol: Symbol) -> ForeignOwner | None:
    """Return who owns the symbol, if its leader says that another resource does."""
    found = symbol.conditions.get(ConditionType.DEGRADED)
    if found is None or found.reason != LeaderReason.OWNED_BY_ANOTHER or found.status != "True":
        return None
    return parse_foreign_owner(found.message)


def elsewhere(owner: ForeignOwner, cluster: str) -> str:
    """Return why the owner cannot be looked at here; empty if it is of this `cluster`."""
    if owner.cluster == FILE_CLUSTER:
        return "it is a file of `symbol-trader run`"
    if not cluster:
        return "the leader does not tell which cluster this one is"
    return "" if owner.cluster == cluster else f"it is in another cluster, {owner.cluster}"


def judge(symbol: Symbol, owner: ForeignOwner, found: Symbol | None) -> Finding:
    """Judge by the resource that has the owner's name now, None if there is none.

    One that trades another symbol is a later resource: a symbol cannot be changed.
    """
    name = f"{owner.namespace}/{owner.name}"
    if found is None:
        return Finding(Presence.GONE, f"its owner {name} is gone", takeover(symbol))
    if found.symbol != owner.symbol:
        text = f"its owner {name} is gone: what has that name now trades {found.symbol}"
        return Finding(Presence.GONE, text, takeover(symbol))
    asked = "deleted" if found.deleting else found.desired
    return Finding(
        Presence.THERE,
        f"its owner {name} is there, and is to be {asked}",
        f"Keep one of the two. To give the symbol up there: kubectl trading shutdown {at(found)}",
    )


def unknown(symbol: Symbol, owner: ForeignOwner, why: str) -> Finding:
    """Return what to do about an owner that cannot be looked at."""
    name = f"{owner.namespace}/{owner.name}"
    return Finding(
        Presence.UNKNOWN,
        f"its owner {name} cannot be looked at: {why}",
        f"Shut {name} down where it is. If it is gone for good, and only then: "
        f"{takeover(symbol)} --force",
    )


def takeover(symbol: Symbol) -> str:
    """Return the command that gives the symbol to this resource."""
    return f"kubectl trading takeover {at(symbol)}"


def takeover_program(owner: ForeignOwner) -> list[str]:
    """Return what is run in the leader's pod, whose environment names record and new owner."""
    ledger = {
        "exchange-environment": owner.environment,
        "account": owner.account,
        "symbol": owner.symbol,
    }
    return ["symbol-trader", "takeover", *(f"--{name}={value}" for name, value in ledger.items())]
