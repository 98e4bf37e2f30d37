"""A TradingSymbol as a person looks at it: what was asked, how it goes, what is in the way."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from tradingsymbol_api.conditions import ConditionType
from tradingsymbol_api.reading import Document, holds, mapping, number, objects, parse_time, text
from tradingsymbol_api.spec import desired_status
from tradingsymbol_api.status import LedgerStatus, lasting_status
from tradingsymbol_api.values import TradingStatus

NOT_SEEN: Final = "the operator has not seen this yet"
OBSTACLES: Final = (
    ConditionType.STALLED,
    ConditionType.DEGRADED,
    ConditionType.SHUTTING_DOWN,
)
"""Conditions that say, where they are true, what is in the way or is waited for."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that a person may have to do something about."""

    status: str
    reason: str
    message: str

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}" if self.message else self.reason


@dataclass(frozen=True, slots=True)
class Symbol:
    """What the resource says; `traders`, `open_orders` and `in_doubt` while a leader reports."""

    namespace: str
    name: str
    symbol: str
    desired: TradingStatus
    resource_version: str
    deleting: bool
    seen: bool
    """The operator has acted on what is asked for now."""
    changed_at: datetime | None
    """When the resource was created, its spec written last, or its deletion asked for."""
    traders: int | None
    open_orders: int | None
    in_doubt: int | None
    """Orders whose fate is being found out."""
    profit: str
    """With its currency, and with the fees that it lacks."""
    conditions: Mapping[str, Condition]
    document: Document = field(repr=False)
    """The object as the API server gave it."""

    @classmethod
    def of(cls, document: Document) -> "Symbol":
        """Read an object of the API server."""
        metadata, status = mapping(document, "metadata"), mapping(document, "status")
        name = text(metadata, "name")
        return cls(
            namespace=text(metadata, "namespace"),
            name=name,
            symbol=text(document, "spec", "symbol") or name.upper(),
            desired=desired_status(document),
            resource_version=text(metadata, "resourceVersion"),
            deleting=holds(metadata, "deletionTimestamp"),
            seen=status.get("observedGeneration") == metadata.get("generation"),
            changed_at=_changed_at(metadata),
            traders=_reported(status, "traders"),
            open_orders=_reported(status, "openOrders"),
            in_doubt=_reported(status, "ordersInDoubt"),
            profit=_profit(lasting_status(status)),
            conditions={text(c, "type"): _condition(c) for c in objects(status, "conditions")},
            document=document,
        )

    @property
    def ready(self) -> bool:
        """Whether what was asked for is the case."""
        return self.seen and self._is(ConditionType.READY)

    @property
    def well(self) -> bool:
        """Whether nothing is in the way: it is as asked, or on its way through a shutdown."""
        if not self.seen or self._is(ConditionType.STALLED) or self._is(ConditionType.DEGRADED):
            return False
        return self.ready or self._is(ConditionType.SHUTTING_DOWN)

    @property
    def why(self) -> str:
        """What is in the way most, or what it waits for; empty if all is as asked."""
        if not self.seen:
            return NOT_SEEN
        if found := self.obstacles:
            return str(found[0])
        return "" if self.ready else NOT_SEEN

    @property
    def obstacles(self) -> list[Condition]:
        """What is in the way or is waited for, the worst first, by the last report."""
        found = [self.conditions[kind] for kind in OBSTACLES if self._is(kind)]
        not_ready = self.conditions.get(ConditionType.READY)
        if not_ready and not self._is(ConditionType.READY):
            found.append(not_ready)
        return found

    def _is(self, kind: ConditionType) -> bool:
        found = self.conditions.get(kind)
        return found is not None and found.status == "True"


def _reported(status: Document, name: str) -> int | None:
    return None if status.get(name) is None else number(status, name)


def _changed_at(metadata: Document) -> datetime | None:
    entries = objects(metadata, "managedFields")
    written = (text(entry, "time") for entry in entries if holds(entry, "fieldsV1", "f:spec"))
    times = (text(metadata, "creationTimestamp"), text(metadata, "deletionTimestamp"), *written)
    return max(filter(None, map(parse_time, times)), default=None)


def _condition(found: Document) -> Condition:
    return Condition(text(found, "status"), text(found, "reason"), text(found, "message"))


def _profit(ledger: LedgerStatus) -> str:
    if not ledger.profit:
        return ""
    amount = f"{ledger.profit} {ledger.quote_asset or ''}".strip()
    return f"{amount}, {ledger.lacks}" if ledger.lacks else amount
