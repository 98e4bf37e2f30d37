"""The conditions of a TradingSymbol: their types, owners and reasons, and how they are written."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import WithJsonSchema

from tradingsymbol_api.model import ApiModel, WholeNumber
from tradingsymbol_api.names import LEADER_FIELD_MANAGER, OPERATOR_FIELD_MANAGER
from tradingsymbol_api.reading import objects, text

MESSAGE_LENGTH_MAX: Final = 32768
"""Longest message of a condition, as in Kubernetes' metav1.Condition."""


class ConditionType(StrEnum):
    """All conditions of a TradingSymbol."""

    READY = "Ready"
    """What was asked for is the case: on with a ready leader, or off with no pod."""
    RECONCILING = "Reconciling"
    """The operator is on its way to what was asked for."""
    STALLED = "Stalled"
    """The way is blocked until somebody changes something."""
    TRADING = "Trading"
    """The leader places orders."""
    SHUTTING_DOWN = "ShuttingDown"
    """The leader finishes what is open and starts nothing new."""
    DEGRADED = "Degraded"
    """The leader trades less well than it should, or not at all."""


CONDITION_OWNER: Final[Mapping[ConditionType, str]] = {
    ConditionType.READY: OPERATOR_FIELD_MANAGER,
    ConditionType.RECONCILING: OPERATOR_FIELD_MANAGER,
    ConditionType.STALLED: OPERATOR_FIELD_MANAGER,
    ConditionType.TRADING: LEADER_FIELD_MANAGER,
    ConditionType.SHUTTING_DOWN: LEADER_FIELD_MANAGER,
    ConditionType.DEGRADED: LEADER_FIELD_MANAGER,
}


class OperatorReason(StrEnum):
    """Reasons of the operator's conditions, Ready, Reconciling and Stalled."""

    LEADER_READY = "LeaderReady"
    """On: the leader pod says that it can trade."""
    STOPPED = "Stopped"
    """Off: no leader pod exists."""
    DRAINING = "Draining"
    """Shutdown: the leader finishes what is open."""
    STARTING = "Starting"
    """The leader pod was created or is being scheduled and started."""
    LEADER_NOT_READY = "LeaderNotReady"
    """The leader runs, and says that it cannot trade yet; its own conditions say why."""
    STOPPING = "Stopping"
    """The leader pod is terminating."""
    REPLACING = "Replacing"
    """The leader pod ended or was lost, and a new one takes its place."""
    BACKING_OFF = "BackingOff"
    """The leader pod keeps failing; the next one waits a while."""
    CRASH_LOOPING = "CrashLooping"
    """The leader's container keeps failing and the kubelet restarts it ever more slowly."""
    SECRET_MISSING = "SecretMissing"  # noqa: S105 - a reason, not a secret
    """A Secret that the leader needs does not exist or lacks a key."""
    CANNOT_START = "CannotStart"
    """The kubelet cannot start the leader's container."""
    IMAGE_UNAVAILABLE = "ImageUnavailable"
    """The leader's image cannot be pulled."""
    UNSCHEDULABLE = "Unschedulable"
    """No node can run the leader pod."""
    NODE_LOST = "NodeLost"
    """The leader's node does not answer."""
    FENCING = "Fencing"
    """Off or deleted, and a leader on a lost node may trade on until its epoch is taken."""
    UNKNOWN_EXCHANGE = "UnknownExchange"
    """`spec.exchange` names no entry of the operator's list."""
    EXCHANGE_REFUSED = "ExchangeRefused"
    """The entry does not allow real money, or its settings contradict each other."""
    INVALID_SPEC = "InvalidSpec"
    """The resource has a value that this version of the operator cannot carry out."""
    FOREIGN_POD = "ForeignPod"
    """A pod that the operator did not create for this resource has the leader's name."""
    CREATE_REFUSED = "CreateRefused"
    """The API server refused the leader pod."""
    INTERNAL_ERROR = "InternalError"
    """The operator fails at this resource or its pod; its log says where."""
    NAMESPACE_LEAVING = "NamespaceLeaving"
    """The namespace is being taken off the operator's list: no leader runs in it any more."""
    DELETING = "Deleting"
    """The resource is being deleted."""
    AS_ASKED = "AsAsked"
    """Reconciling or Stalled is False: nothing is on its way, nothing is blocked."""


class LeaderReason(StrEnum):
    """Reasons of the leader's conditions, Trading, ShuttingDown and Degraded."""

    TRADING = "Trading"
    """Traders run."""
    NOT_TRADING = "NotTrading"
    """No traders run; a waiting leader's Degraded says what for."""
    SHUTDOWN_REQUESTED = "ShutdownRequested"
    """The leader finishes what is open; the message names the orders it waits for."""
    NO_SHUTDOWN = "NoShutdown"
    """No shutdown was requested."""
    AS_EXPECTED = "AsExpected"
    """Degraded is False."""
    BUDGET_TOO_SMALL = "BudgetTooSmall"
    """A chunk is below the exchange's least order; the message names the least budget."""
    UNKNOWN_SYMBOL = "UnknownSymbol"
    """The exchange does not list the symbol."""
    SYMBOL_HALTED = "SymbolHalted"
    """The exchange lists the symbol and does not trade it now."""
    CREDENTIALS_REFUSED = "CredentialsRefused"
    """The API key is missing or unusable, or the exchange refuses it, or it may do too much."""
    KEY_NOT_CHECKED = "KeyNotChecked"
    """What a live key may do could not be looked at for a day; trading goes on."""
    EXCHANGE_UNREACHABLE = "ExchangeUnreachable"
    """No connection to the exchange."""
    DATABASE_UNREACHABLE = "DatabaseUnreachable"
    """No connection to Postgres, or it refuses the leader's credentials."""
    API_SERVER_UNREACHABLE = "ApiServerUnreachable"
    """What is to be written to the resource is written later."""
    SCHEMA_MISMATCH = "SchemaMismatch"
    """Postgres holds another version of the schema than the leader works with."""
    OWNED_BY_ANOTHER = "OwnedByAnother"
    """Another resource owns this account's symbol; the message names it."""
    ACCOUNT_CHANGED = "AccountChanged"
    """The API key belongs to another account than the cycles on record."""
    RECORD_ROLLED_BACK = "RecordRolledBack"
    """Postgres lost what it had acknowledged."""
    RECORD_CONTRADICTS = "RecordContradicts"
    """Postgres and the exchange cannot both be right; the message names the order."""
    ORDER_MISSING = "OrderMissing"
    """An order is open on record and the exchange does not know it; the message names it."""
    FILLS_MISSING = "FillsMissing"
    """The exchange says that an order executed, and does not list the trades."""
    MARKET_DATA_STALE = "MarketDataStale"
    """No fresh prices arrive."""
    ORDER_BLOCKED = "OrderBlocked"
    """The exchange refuses an order that is kept and tried again."""
    BUYS_HALTED = "BuysHalted"
    """A halt of the account: nothing buys until a person resumes. The message says why."""
    LIMIT_REACHED = "LimitReached"
    """A TradingLimit does not allow the next buy; the message names it. It is tried again."""
    LIMITS_UNREAD = "LimitsUnread"
    """Nothing is bought before the TradingLimits of the namespace have been read once."""
    INSUFFICIENT_BALANCE = "InsufficientBalance"
    """The account lacks the quote or the base asset for an order."""
    ORDER_UNKNOWN = "OrderUnknown"
    """Whether an order exists is being found out."""
    SELLS_AT_LOSS = "SellsAtLoss"
    """`profitInterval` is negative."""
    FEES_EXCEED_PROFIT = "FeesExceedProfit"
    """Fees and rounding exceed the profit asked for."""


class Condition(ApiModel):
    """One aspect of the state, as in Kubernetes' metav1.Condition."""

    type: Annotated[str, WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 63})]
    """Its kind: Ready, Reconciling, Stalled, Trading, ShuttingDown, Degraded."""

    status: Literal["True", "False", "Unknown"]
    """Whether it is the case."""

    observed_generation: WholeNumber
    """Generation of the resource that it describes."""

    last_transition_time: Annotated[
        str, WithJsonSchema({"type": "string", "format": "date-time", "maxLength": 63})
    ]
    """When `status` last changed."""

    reason: Annotated[str, WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 63})]
    """Why, in one word for programs."""

    message: Annotated[str, WithJsonSchema({"type": "string", "maxLength": MESSAGE_LENGTH_MAX})]
    """Why, for people, and what to do about it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one condition should say; when it last changed is the writer's to find out."""

    type: ConditionType
    status: bool | None
    """None: unknown."""
    reason: OperatorReason | LeaderReason
    message: str = ""


def conditions_of(
    manager: str, findings: Iterable[Finding], *, generation: int, now: datetime, status: object
) -> tuple[Condition, ...]:
    """Turn `findings` of `manager` into conditions that keep the time of their last change.

    `status` is the resource's present status, `now` an aware time. No side effects.

    Raises:
        ValueError: another manager owns the condition of a finding.

    """
    previous = conditions_by_type(status)
    return tuple(
        _condition(manager, finding, generation, now, previous.get(finding.type, {}))
        for finding in findings
    )


def conditions_by_type(status: object) -> dict[str, Mapping[str, Any]]:
    """Find the conditions in `status`, each by its type. No side effects."""
    return {text(item, "type"): item for item in objects(status, "conditions")}


def _condition(
    manager: str, finding: Finding, generation: int, now: datetime, previous: Mapping[str, Any]
) -> Condition:
    if CONDITION_OWNER[finding.type] != manager:
        raise ValueError(f"condition {finding.type} is not {manager}'s")
    status = "Unknown" if finding.status is None else str(bool(finding.status))
    changed = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    if text(previous, "status") == status:
        changed = text(previous, "lastTransitionTime") or changed
    return Condition.model_validate(
        {
            "type": finding.type.value,
            "status": status,
            "observedGeneration": generation,
            "lastTransitionTime": changed,
            "reason": finding.reason.value,
            "message": finding.message[:MESSAGE_LENGTH_MAX],
        }
    )
