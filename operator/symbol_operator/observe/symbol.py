"""The TradingSymbol, as the operator sees it. No side effects.

Its spec is parsed elsewhere, once for each generation; what is read here counts even where the
spec is invalid, for a symbol must be stoppable in any case.
"""

from dataclasses import dataclass

from symbol_operator.observe.managed_fields import status_writer
from tradingsymbol_api.conditions import ConditionType, LeaderReason
from tradingsymbol_api.names import FINALIZER
from tradingsymbol_api.reading import Document, holds, mapping, number, objects, text, texts
from tradingsymbol_api.spec import desired_status, finishes_first
from tradingsymbol_api.status import leader_report
from tradingsymbol_api.values import DeletionPolicy, TradingStatus


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """What is asked of a symbol as a whole: to trade, to stop, to go."""

    namespace: str
    desired: TradingStatus
    deleting: bool
    """It is being deleted."""
    policy: DeletionPolicy
    finishes_first: bool
    """Once it is deleted, it stays until its leader has finished."""
    kept: bool
    """Our finalizer is on it."""

    @property
    def held_up(self) -> bool:
        """Whether its deletion waits for us."""
        return self.deleting and self.kept


@dataclass(frozen=True, slots=True)
class ReportedStatus:
    """What its status says, which tells what is new."""

    requested: str
    """`spec.status` when the operator wrote the status last."""
    ready_reason: str
    """Reason of the condition Ready; empty if there is none."""
    names_leader: bool
    leader_pod: str
    leader_uid: str
    led: bool
    """It holds more of a leader's report than the ledger."""
    epoch: int
    """Epoch of the leader that reports; 0 before it leads."""
    open_orders: int
    in_doubt: bool
    """A leader is finding out what became of an order."""


@dataclass(frozen=True, slots=True)
class ObservedSymbol:
    """A TradingSymbol, as far as decisions depend on it."""

    document: Document
    """As it was read: its spec is parsed as a whole, and a write says what it was."""
    life: Lifecycle
    name: str
    uid: str
    generation: int
    symbol: str
    """As the exchange writes it."""
    status_writer: str | None
    """Field manager that wrote `spec.status` last, None where nobody knows."""
    reported: ReportedStatus


def observe_symbol(resource: Document | None) -> ObservedSymbol | None:
    """Read a TradingSymbol, None if there is none."""
    if resource is None:
        return None
    name = text(resource, "metadata", "name")
    return ObservedSymbol(
        document=resource,
        life=observe_lifecycle(resource),
        name=name,
        uid=text(resource, "metadata", "uid"),
        generation=number(resource, "metadata", "generation"),
        symbol=text(resource, "spec", "symbol") or name.upper(),
        status_writer=status_writer(resource),
        reported=observe_status(mapping(resource, "status")),
    )


def observe_lifecycle(resource: Document) -> Lifecycle:
    """Read what is asked of a symbol as a whole, and nothing else of it."""
    metadata = mapping(resource, "metadata")
    policy = _policy(resource)
    return Lifecycle(
        namespace=text(metadata, "namespace"),
        desired=desired_status(resource),
        deleting=bool(metadata.get("deletionTimestamp")),
        policy=policy,
        finishes_first=finishes_first(metadata, policy),
        kept=FINALIZER in texts(metadata, "finalizers"),
    )


def observe_status(status: Document) -> ReportedStatus:
    """Read the status of a symbol."""
    return ReportedStatus(
        requested=text(status, "requested"),
        ready_reason=_ready_reason(status),
        names_leader=holds(status, "leader"),
        leader_pod=text(status, "leader", "pod"),
        leader_uid=text(status, "leader", "uid"),
        led=bool(leader_report(status)),
        epoch=number(status, "epoch"),
        open_orders=number(status, "openOrders"),
        in_doubt=_in_doubt(status),
    )


def finalizers(resource: Document, *, kept: bool) -> list[str]:
    """List the finalizers of a resource, with ours among them if it is `kept`, else without."""
    others = [name for name in texts(resource, "metadata", "finalizers") if name != FINALIZER]
    return [*others, FINALIZER] if kept else others


def _policy(resource: Document) -> DeletionPolicy:
    """Read spec.deletionPolicy alone; one that cannot be read lets the resource go."""
    try:
        return DeletionPolicy(text(resource, "spec", "deletionPolicy"))
    except ValueError:
        return DeletionPolicy.STOP


def _ready_reason(status: Document) -> str:
    ready = (
        text(item, "reason")
        for item in objects(status, "conditions")
        if text(item, "type") == ConditionType.READY
    )
    return next(ready, "")


def _in_doubt(status: Document) -> bool:
    """Return whether a leader is just finding out what became of an order.

    A leader of an earlier version says so by its first reason alone.
    """
    if (count := status.get("ordersInDoubt")) is not None:
        return bool(count)
    unknown = (ConditionType.DEGRADED, "True", LeaderReason.ORDER_UNKNOWN)
    return any(
        (text(c, "type"), text(c, "status"), text(c, "reason")) == unknown
        for c in objects(status, "conditions")
    )
