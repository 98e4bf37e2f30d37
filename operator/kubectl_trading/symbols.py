"""A TradingSymbol as a person looks at it: what was asked, how it goes, what is in the way."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tradingsymbol_api.spec import TradingStatus, parse_status
from tradingsymbol_api.status import ConditionType, LedgerStatus, lasting_status

NOT_SEEN: Final = "the operator has not seen this yet"


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
    asked: TradingStatus
    resource_version: str
    deleting: bool
    seen: bool
    """The operator has acted on what is asked for now."""
    traders: int | None
    open_orders: int | None
    in_doubt: int | None
    """Orders whose fate is being found out."""
    profit: str
    """With its currency, and with the fees that it lacks."""
    conditions: Mapping[str, Condition]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Symbol":
        """Read an object of the API server. Raises `ValueError` if its status is no status."""
        metadata, spec = document["metadata"], document.get("spec", {})
        status = document.get("status", {})
        return cls(
            namespace=metadata["namespace"],
            name=metadata["name"],
            symbol=spec.get("symbol") or metadata["name"].upper(),
            asked=parse_status(spec.get("status", "off")),
            resource_version=metadata["resourceVersion"],
            deleting="deletionTimestamp" in metadata,
            seen=status.get("observedGeneration") == metadata["generation"],
            traders=status.get("traders"),
            open_orders=status.get("openOrders"),
            in_doubt=status.get("ordersInDoubt"),
            profit=_profit(lasting_status(status)),
            conditions={c["type"]: _condition(c) for c in status.get("conditions", ())},
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
        """What is in the way, or what it waits for; empty if all is as asked."""
        if not self.seen:
            return NOT_SEEN
        for kind in (ConditionType.STALLED, ConditionType.DEGRADED, ConditionType.SHUTTING_DOWN):
            if self._is(kind):
                return str(self.conditions[kind])
        return "" if self.ready else str(self.conditions.get(ConditionType.READY, NOT_SEEN))

    def _is(self, kind: ConditionType) -> bool:
        found = self.conditions.get(kind)
        return found is not None and found.status == "True"


def _condition(condition: Mapping[str, Any]) -> Condition:
    return Condition(condition["status"], condition["reason"], condition.get("message", ""))


def _profit(ledger: LedgerStatus) -> str:
    if not ledger.profit:
        return ""
    amount = f"{ledger.profit} {ledger.quote_asset or ''}".strip()
    return f"{amount}, {ledger.lacks}" if ledger.lacks else amount
