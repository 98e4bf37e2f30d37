"""What a user declares: the TradingSymbol, its fields and their defaults.

The models serve twice: `parse_resource` reads objects of the API server and YAML files with
them, and `crd.py` generates the schema from them that the API server enforces.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from pydantic import ConfigDict, Field, ValidationError
from pydantic.config import JsonDict
from pydantic_core import ErrorDetails

from tradingsymbol_api.fields import (
    AtDeadlineField,
    BudgetField,
    ChunksField,
    DeletionPolicyField,
    DurationField,
    ExchangeField,
    FractionField,
    NameField,
    SignedFractionField,
    StatusField,
    SymbolField,
    UnfilledBuysField,
    UpdateStrategyField,
)
from tradingsymbol_api.model import ApiModel
from tradingsymbol_api.names import ANNOTATION_ABANDON, FINALIZER, FOREGROUND_FINALIZER
from tradingsymbol_api.reading import Document, mapping, shown, text, texts
from tradingsymbol_api.symbols import SYMBOL_NEEDED_RULE, is_symbol
from tradingsymbol_api.values import (
    AtDeadline,
    DeletionPolicy,
    TradingStatus,
    UnfilledBuys,
    UpdateStrategy,
    parse_status,
)

Model = TypeVar("Model", bound=ApiModel)


class ShutdownPolicy(ApiModel):
    """How a shutdown treats what is unfinished."""

    unfilled_buys: UnfilledBuysField = UnfilledBuys.WAIT
    """Wait for buys that have not filled, or Cancel them and sell what they have filled."""

    deadline: DurationField | None = None
    """End the shutdown after this time at the latest: 24h. Default: when the market fills the
    last order."""

    at_deadline: AtDeadlineField = AtDeadline.HOLD
    """At the deadline, Hold what was bought, or Sell it at the price of the market."""


def immutable(field: str) -> JsonDict:
    """Make a rule on the spec: `field` is never changed, added or removed after creation.

    A rule on the field itself would not see it come or go.
    """
    return {
        "rule": (
            f"has(self.{field}) == has(oldSelf.{field}) && "
            f"(!has(self.{field}) || self.{field} == oldSelf.{field})"
        ),
        "message": f"{field} cannot be changed; delete the resource and create it again",
        "fieldPath": f".{field}",
    }


class TradingSymbolSpec(ApiModel):
    """What is traded, with how much money, and whether at all."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [immutable("symbol"), immutable("exchange")],
        }
    )

    status: StatusField = TradingStatus.OFF
    """on: a leader trades. off: it stops at once and orders rest on the exchange. shutdown: it
    finishes what is open, starts nothing new and then sets off itself."""

    symbol: SymbolField | None = None
    """The symbol on the exchange, such as XRPUSDT. Default: metadata.name in upper case. Cannot
    be changed."""

    exchange: ExchangeField = "paper"
    """Entry of the operator's exchange list. Real money is opt-in. Cannot be changed."""

    budget: BudgetField
    """Quote currency for all cycles of the symbol together. Without leading zeros: YAML reads
    0100 as 64."""

    chunks: ChunksField = 5
    """Most traders at once; each gets budget / chunks."""

    buy_down_interval: FractionField = Field(default="0.01%", validate_default=True)
    """Buy this far below the price seen."""

    profit_interval: SignedFractionField = Field(default="0.1%", validate_default=True)
    """Net profit asked of a cycle; fees come on top. A negative one sells at a loss."""

    rebuy_interval: FractionField = Field(default="0.1%", validate_default=True)
    """Start another trader when the price falls this far below a trader's buy."""

    max_buy_age: DurationField | None = None
    """Give up a buy that has not filled for this long, sell what it has filled, and start
    a new cycle: 12h. Default: never."""

    shutdown: ShutdownPolicy = Field(default_factory=ShutdownPolicy)
    """How a shutdown treats what is unfinished."""

    deletion_policy: DeletionPolicyField = DeletionPolicy.STOP
    """When the resource is deleted: Stop and let orders rest, CancelOrders, or Drain first."""

    update_strategy: UpdateStrategyField = UpdateStrategy.WHEN_IDLE
    """When the operator's configuration or the leader's image has changed: WhenIdle replaces the
    leader pod once no order is in flight; Manual waits until somebody deletes it."""


class Metadata(ApiModel):
    """The part of Kubernetes' object metadata that the programs read."""

    name: NameField
    namespace: str = "default"
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    annotations: Mapping[str, str] = Field(default_factory=dict)


class TradingSymbol(ApiModel):
    """A TradingSymbol as far as its reader decides by it: without status."""

    api_version: Literal["tradingsymbol.dev/v1alpha1"]
    kind: Literal["TradingSymbol"]
    metadata: Metadata
    spec: TradingSymbolSpec

    @property
    def symbol(self) -> str:
        """The symbol as the exchange writes it."""
        return self.spec.symbol or self.metadata.name.upper()


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing that is wrong with a resource."""

    field: str
    """Path of the field in Kubernetes' spelling: `spec.buyDownInterval`."""
    message: str
    """What the field must be; reads on from its name."""

    def __str__(self) -> str:
        return f"{self.field} {self.message}"


class InvalidResourceError(ValueError):
    """A document is no valid resource; `problems` names every field at fault."""

    def __init__(self, problems: tuple[FieldError, ...]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


def parse_resource(document: object, *, refuse_unknown: bool = False) -> TradingSymbol:
    """Read a TradingSymbol from an object of the API server or a parsed YAML document.

    With `refuse_unknown` a field that the resource does not have is a problem: a person
    misspelt it. An API server has pruned such fields, or is a version ahead of this reader.

    Raises:
        InvalidResourceError: with every field that is missing, misspelt or out of bounds.

    """
    resource = parse_as(TradingSymbol, document, refuse_unknown=refuse_unknown)
    if not is_symbol(resource.symbol):
        raise InvalidResourceError((FieldError("spec.symbol", SYMBOL_NEEDED_RULE),))
    return resource


def parse_as(model: type[Model], document: object, *, refuse_unknown: bool) -> Model:
    """Read a resource of a kind, as `parse_resource` does.

    Raises:
        InvalidResourceError: with every field that is missing, misspelt or out of bounds.

    """
    extra: Literal["forbid", "ignore"] = "forbid" if refuse_unknown else "ignore"
    try:
        return model.model_validate(_declared(document), extra=extra)
    except ValidationError as exc:
        kind = model.__name__
        raise InvalidResourceError(tuple(_problem(kind, e) for e in exc.errors())) from exc


def _declared(document: object) -> object:
    """Leave out what is nobody's mistake: its status and Kubernetes' own metadata."""
    if not isinstance(document, Mapping):
        return document
    declared = {key: value for key, value in document.items() if key != "status"}
    if isinstance(metadata := declared.get("metadata"), Mapping):
        known = {field.alias for field in Metadata.model_fields.values()}
        declared["metadata"] = {key: value for key, value in metadata.items() if key in known}
    return declared


def _problem(kind: str, error: ErrorDetails) -> FieldError:
    """Translate one finding of pydantic."""
    field = ".".join(map(str, error["loc"])) or "the document"
    match error["type"]:
        case "value_error":
            message = str(error["ctx"]["error"])
        case "missing":
            message = "is required"
        case "extra_forbidden":
            message = f"is not a field of a {kind}"
        case "literal_error":
            message = f"must be {error['ctx']['expected']}"
        case _:
            message = f"must be a mapping of fields, not {shown(error['input'])}"
    return FieldError(field, message)


def desired_status(resource: Document) -> TradingStatus:
    """Return what a resource asks for; what cannot be read lets nothing trade."""
    try:
        return parse_status(mapping(resource, "spec").get("status", TradingStatus.OFF))
    except ValueError:
        return TradingStatus.OFF


def finishes_first(metadata: Mapping[str, Any], policy: object) -> bool:
    """Return whether a resource, once it is deleted, stays until its leader has finished.

    `metadata` is the object's, `policy` its `spec.deletionPolicy`. Under foreground deletion the
    garbage collector takes the leader pod away first: there is nothing to stay for then.
    """
    finalizers = texts(metadata, "finalizers")
    abandoned = text(metadata, "annotations", ANNOTATION_ABANDON) == "true"
    kept = FINALIZER in finalizers and FOREGROUND_FINALIZER not in finalizers
    return kept and not abandoned and policy != DeletionPolicy.STOP
