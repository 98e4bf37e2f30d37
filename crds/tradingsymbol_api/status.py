"""What the programs report about a TradingSymbol, and which of them owns which part.

A manager's document holds everything it has to say; what it leaves out is removed. Two managers
never overwrite each other, as long as no field has two owners; the owner of a field is the model
it stands in, the owner of a condition is in `CONDITION_OWNER`. A leader writes its document by
server-side apply on the status subresource. The operator merges its own into the status as it
last saw it, and is refused if that has changed since: with one write it can so withdraw the report
of a leader that is gone, too, whoever the API server takes for the owner of its fields.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import Field, WithJsonSchema

from tradingsymbol_api.names import API_VERSION, KIND, OPERATOR_MANAGER, TRADER_MANAGER
from tradingsymbol_api.reading import Document, mapping, objects, text
from tradingsymbol_api.spec import ApiModel, TradingStatus
from tradingsymbol_api.symbols import SYMBOL_LENGTH_MAX

MESSAGE_LENGTH_MAX: Final = 32768
"""Longest message of a condition, as in Kubernetes' metav1.Condition."""
CONDITIONS_MAX: Final = 16
"""Most conditions: those that there are, and room for those of later versions."""
NAME_LENGTH_MAX: Final = 253
"""Longest name of a Kubernetes object, such as a pod or a node."""
AMOUNT_LENGTH_MAX: Final = 128
"""Longest amount of money: twice the digits that the leader calculates with."""
UNVALUED_FEES_MAX: Final = 64
"""Most assets in which fees without a value are reported."""


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
    ConditionType.READY: OPERATOR_MANAGER,
    ConditionType.RECONCILING: OPERATOR_MANAGER,
    ConditionType.STALLED: OPERATOR_MANAGER,
    ConditionType.TRADING: TRADER_MANAGER,
    ConditionType.SHUTTING_DOWN: TRADER_MANAGER,
    ConditionType.DEGRADED: TRADER_MANAGER,
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
    """No node takes the leader pod."""
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


class TraderReason(StrEnum):
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
    INSUFFICIENT_BALANCE = "InsufficientBalance"
    """The account lacks the money or the goods for an order."""
    ORDER_UNKNOWN = "OrderUnknown"
    """Whether an order exists is being found out."""
    SELLS_AT_LOSS = "SellsAtLoss"
    """`profitInterval` is negative."""
    FEES_EXCEED_PROFIT = "FeesExceedProfit"
    """Fees and rounding exceed the profit asked for."""


Quantity = Annotated[int, WithJsonSchema({"type": "integer", "format": "int64", "minimum": 0})]
# Without a bound a program with a right to the status could fill etcd by it.
Name = Annotated[str, WithJsonSchema({"type": "string", "maxLength": NAME_LENGTH_MAX})]
Asset = Annotated[str, WithJsonSchema({"type": "string", "maxLength": SYMBOL_LENGTH_MAX})]
Amount = Annotated[str, WithJsonSchema({"type": "string", "maxLength": AMOUNT_LENGTH_MAX})]


class Condition(ApiModel):
    """One aspect of the state, as in Kubernetes' metav1.Condition."""

    type: Annotated[str, WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 63})]
    """What it is about: Ready, Reconciling, Stalled, Trading, ShuttingDown, Degraded."""

    status: Literal["True", "False", "Unknown"]
    """Whether it is the case."""

    observed_generation: Quantity
    """Generation of the resource that it speaks about."""

    last_transition_time: Annotated[
        str, WithJsonSchema({"type": "string", "format": "date-time", "maxLength": 63})
    ]
    """When `status` last changed."""

    reason: Annotated[str, WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 63})]
    """Why, in one word for programs."""

    message: Annotated[str, WithJsonSchema({"type": "string", "maxLength": MESSAGE_LENGTH_MAX})]
    """Why, for people, and what to do about it."""


class LeaderStatus(ApiModel):
    """The leader pod."""

    pod: Name
    """Its name."""

    uid: Name
    """Its uid, which tells it from an earlier pod of that name."""

    node: Name | None = None
    """The node it was scheduled to."""


class OperatorStatus(ApiModel):
    """The part of the status that the operator owns."""

    requested: TradingStatus
    """spec.status in its one spelling: on, off or shutdown."""

    symbol: Name
    """The symbol on the exchange."""

    environment: Name | None = None
    """Whose money is traded: paper, demo, testnet, or live, which is real money."""

    observed_generation: Quantity
    """Generation of the resource that the operator has acted on."""

    leader: LeaderStatus | None = None
    """The leader pod, while one exists."""


class LedgerStatus(ApiModel):
    """What the leader said of the symbol's ledger; it stays when the leader goes."""

    profit: Amount | None = None
    """Realised profit of all finished cycles, in the quote currency; unvaluedFees are not in it."""

    quote_asset: Asset | None = None
    """The quote currency."""

    unvalued_fees: Annotated[
        Mapping[str, Amount] | None,
        Field(
            json_schema_extra={
                "maxProperties": UNVALUED_FEES_MAX,
                "x-kubernetes-validations": [
                    {
                        "rule": f"self.all(asset, asset.size() <= {SYMBOL_LENGTH_MAX})",
                        "message": f"assets have at most {SYMBOL_LENGTH_MAX} characters",
                    }
                ],
            }
        ),
    ] = None
    """Fees in third assets, by asset, that have no value in the quote currency yet."""

    @property
    def lacks(self) -> str:
        """What the profit lacks, reading on from it; empty if nothing."""
        amounts = (f"{amount} {asset}" for asset, amount in (self.unvalued_fees or {}).items())
        return f"lacks fees of {', '.join(amounts)}" if self.unvalued_fees else ""


class TraderStatus(LedgerStatus):
    """The part of the status that the leader owns; what it has not found out yet is missing.

    While no leader pod exists, the operator leaves the ledger's fields alone.
    """

    traders: Quantity | None = None
    """Traders that run now."""

    open_orders: Quantity | None = None
    """Orders that rest on the exchange, or may."""

    orders_in_doubt: Quantity | None = None
    """Orders whose fate on the exchange is being found out."""

    epoch: Quantity | None = None
    """The leader's term of office; a later one supersedes it."""


class TradingSymbolStatus(OperatorStatus, TraderStatus):
    """The whole status, for the schema; each program reports only its own part."""

    conditions: Annotated[
        tuple[Condition, ...],
        Field(
            json_schema_extra={
                "maxItems": CONDITIONS_MAX,
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["type"],
            }
        ),
    ]
    """The state in several aspects, each reported by its owner."""


def _fields(model: type[ApiModel]) -> list[str]:
    return [str(field.alias) for field in model.model_fields.values()]


FIELD_OWNER: Final[Mapping[str, str]] = {
    **dict.fromkeys(_fields(OperatorStatus), OPERATOR_MANAGER),
    **dict.fromkeys(_fields(TraderStatus), TRADER_MANAGER),
}
"""Field manager that alone writes each status field, except `conditions`."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one condition should say; when it last changed is the writer's to find out."""

    type: ConditionType
    status: bool | None
    """None: unknown."""
    reason: OperatorReason | TraderReason
    message: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """The resource that a status document is for."""

    namespace: str
    name: str
    uid: str
    """The API server refuses the document if the name has passed to another resource."""


def conditions_of(
    manager: str, findings: Iterable[Finding], *, generation: int, now: datetime, status: object
) -> tuple[Condition, ...]:
    """Turn `findings` of `manager` into conditions that keep the time of their last change.

    `status` is the resource's present status, `now` an aware time. No side effects.

    Raises:
        ValueError: a finding is about a condition that another manager owns.

    """
    previous = _conditions_by_type(status)
    return tuple(
        _condition(manager, finding, generation, now, previous.get(finding.type, {}))
        for finding in findings
    )


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


def _conditions_by_type(status: object) -> dict[str, Mapping[str, Any]]:
    return {text(item, "type"): item for item in objects(status, "conditions")}


def status_document(
    target: Target,
    part: OperatorStatus | LedgerStatus | None = None,
    conditions: Iterable[Condition] = (),
) -> dict[str, Any]:
    """Everything that one manager has to say, for a server-side apply on the subresource.

    Without a part and conditions it withdraws all that the manager has said. No side effects.
    """
    metadata = {"namespace": target.namespace, "name": target.name, "uid": target.uid}
    document = {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata}
    status = _dump(part) if part else {}
    if listed := [_dump(condition) for condition in conditions]:
        status["conditions"] = listed
    # An empty mapping would be something said, too.
    return {**document, "status": status} if status else document


def status_patch(document: Document, resource: Document, *, withdrawn: bool) -> dict[str, Any]:
    """Make a merge patch of the operator's document, for `resource` as it was seen.

    If `withdrawn`, it also takes away what a leader reported, except for its ledger. Conditions
    that are nobody's go. No side effects.
    """
    present = mapping(resource, "status")
    status = mapping(document, "status")
    removed = (set(_fields(OperatorStatus)) - status.keys()) & present.keys()
    report = leader_report(present)
    others = objects(report, "conditions")
    if withdrawn:
        removed |= report.keys() - {"conditions"}
        others = []
    patch = {
        **dict.fromkeys(sorted(removed)),
        **status,
        # A list is replaced as a whole.
        "conditions": [*others, *objects(status, "conditions")],
    }
    if "leader" in status:
        # An object is merged: what it lacks would stay.
        patch["leader"] = {**dict.fromkeys(_fields(LeaderStatus)), **mapping(status, "leader")}
    version = {"resourceVersion": text(resource, "metadata", "resourceVersion")}
    return {**document, "metadata": {**mapping(document, "metadata"), **version}, "status": patch}


def leader_report(status: object) -> dict[str, Any]:
    """Pick what a leader reported and does not outlast it: all but the ledger. No side effects."""
    owned = owned_status(TRADER_MANAGER, status)
    return {name: value for name, value in owned.items() if name not in _fields(LedgerStatus)}


def lasting_status(status: object) -> LedgerStatus:
    """Read what stays of a leader's report in `status` when the leader goes. No side effects."""
    fees = mapping(status, "unvaluedFees")
    return LedgerStatus(
        profit=text(status, "profit") or None,
        quote_asset=text(status, "quoteAsset") or None,
        unvalued_fees={asset: text(fees, asset) for asset in fees} or None,
    )


def _dump(model: ApiModel) -> dict[str, Any]:
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


def owned_status(manager: str, status: object) -> dict[str, Any]:
    """Pick the part of `status` that `manager` owns, in the shape of its documents.

    Comparing it with a document tells whether writing that would change anything.
    """
    owned = {k: v for k, v in mapping(status).items() if FIELD_OWNER.get(k) == manager}
    types = [kind for kind, owner in CONDITION_OWNER.items() if owner == manager]
    if listed := [item for item in objects(status, "conditions") if text(item, "type") in types]:
        owned["conditions"] = listed
    return owned


def says_the_same(manager: str, document: Mapping[str, Any], status: object) -> bool:
    """Whether `status` already holds all that `document` of `manager` says, and no more."""
    return _by_type(document.get("status", {})) == _by_type(owned_status(manager, status))


def _by_type(status: Mapping[str, Any]) -> dict[str, Any]:
    """Key the conditions of a status by type: their order says nothing."""
    return {**status, "conditions": _conditions_by_type(status)}
