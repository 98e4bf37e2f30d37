"""What the programs report about a TradingSymbol, and which of them owns which part.

A manager's document holds everything it has to say; what it leaves out is removed. Two managers
never overwrite each other, as long as no field has two owners; the owner of a field is the model
it stands in, the owner of a condition is in `CONDITION_OWNER`. A leader writes its document by
server-side apply on the status subresource. The operator merges its own into the status as it
last saw it, and is refused if that has changed since: so one write can also withdraw the report of
a leader that is gone, whoever owns its fields by the API server's account.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import Field, WithJsonSchema

from tradingsymbol_api.conditions import CONDITION_OWNER, Condition, conditions_by_type
from tradingsymbol_api.model import ApiModel, WholeNumber
from tradingsymbol_api.names import API_VERSION, KIND, LEADER_FIELD_MANAGER, OPERATOR_FIELD_MANAGER
from tradingsymbol_api.reading import Document, mapping, objects, text
from tradingsymbol_api.symbols import SYMBOL_LENGTH_MAX
from tradingsymbol_api.values import TradingStatus

CONDITIONS_MAX: Final = 16
"""Most conditions: those that there are, and room for those of later versions."""
NAME_LENGTH_MAX: Final = 253
"""Longest name of a Kubernetes object, such as a pod or a node."""
AMOUNT_LENGTH_MAX: Final = 128
"""Longest amount of money: twice the digits that the leader calculates with."""
UNVALUED_FEES_MAX: Final = 64
"""Most assets in which fees without a value are reported."""

# Without a bound a program with a right to the status could fill etcd by it.
Name = Annotated[str, WithJsonSchema({"type": "string", "maxLength": NAME_LENGTH_MAX})]
Asset = Annotated[str, WithJsonSchema({"type": "string", "maxLength": SYMBOL_LENGTH_MAX})]
Amount = Annotated[str, WithJsonSchema({"type": "string", "maxLength": AMOUNT_LENGTH_MAX})]


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

    observed_generation: WholeNumber
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


class LeaderReport(LedgerStatus):
    """The part of the status that the leader owns; what it has not found out yet is missing.

    While no leader pod exists, the operator leaves the ledger's fields alone.
    """

    traders: WholeNumber | None = None
    """Traders that run now."""

    open_orders: WholeNumber | None = None
    """Orders that are open on the exchange, or may be."""

    orders_in_doubt: WholeNumber | None = None
    """Orders whose outcome on the exchange is not known yet."""

    epoch: WholeNumber | None = None
    """Counts the leaders of the symbol; one with a higher epoch supersedes this one."""


class TradingSymbolStatus(OperatorStatus, LeaderReport):
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
    **dict.fromkeys(_fields(OperatorStatus), OPERATOR_FIELD_MANAGER),
    **dict.fromkeys(_fields(LeaderReport), LEADER_FIELD_MANAGER),
}
"""Field manager that alone writes each status field, except `conditions`."""


@dataclass(frozen=True, slots=True)
class Target:
    """The resource that a status document is for."""

    namespace: str
    name: str
    uid: str
    """The API server refuses the document if the name has passed to another resource."""


def status_document(
    target: Target,
    part: OperatorStatus | LedgerStatus | None = None,
    conditions: Iterable[Condition] = (),
) -> dict[str, Any]:
    """Return all that one manager has to say, for a server-side apply on the subresource.

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
    owned = owned_status(LEADER_FIELD_MANAGER, status)
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
    """Return whether `status` already holds all that `document` of `manager` says, and no more."""
    return _by_type(document.get("status", {})) == _by_type(owned_status(manager, status))


def _by_type(status: Mapping[str, Any]) -> dict[str, Any]:
    """Key the conditions of a status by type: their order says nothing."""
    return {**status, "conditions": conditions_by_type(status)}
