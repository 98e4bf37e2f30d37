"""What a user declares: the TradingSymbol, its fields, their bounds and their defaults.

The models serve twice: `parse_resource` reads objects of the API server and YAML files with
them, and `crd.py` generates the schema from them that the API server enforces. A bound is
therefore one constant that both use.

Money and intervals are `Decimal` and come as text. A YAML float is refused, since it is no
longer the number that was written.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel
from pydantic.config import JsonDict
from pydantic_core import ErrorDetails

from tradingsymbol_api.names import (
    ANNOTATION_ABANDON,
    FINALIZER,
    FOREGROUND_FINALIZER,
    RESOURCE_NAME_LENGTH_MAX,
)
from tradingsymbol_api.reading import Document, mapping, shown, text, texts
from tradingsymbol_api.symbols import (
    SYMBOL_CEL,
    SYMBOL_LENGTH_MAX,
    SYMBOL_NEEDED_RULE,
    SYMBOL_RULE,
    is_symbol,
    parse_symbol,
)

CHUNKS_MAX: Final = 100
"""Most traders of one symbol; an exchange account may hold some 200 orders per symbol."""
BUDGET_MAX: Final = 10**15
"""Budgets stay below this, so that a budget with its decimals fits all exact arithmetic."""

NAME_PATTERN: Final = "[a-z0-9]([a-z0-9-]*[a-z0-9])?"
EXCHANGE_PATTERN: Final = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
BUDGET_PATTERN: Final = r"[0-9]{1,15}(\.[0-9]{1,18})?"
FRACTION_PATTERN: Final = r"(0(\.[0-9]{1,12})?|[0-9]{1,2}(\.[0-9]{1,10})?%)"
DURATION_PATTERN: Final = "([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?"
TEXT_LENGTH_MAX: Final = 40
"""Longest text of a number or duration; the API server wants a bound to price its checks."""

NAME_RULE: Final = f"must be at most {RESOURCE_NAME_LENGTH_MAX} characters of a-z, 0-9 and -"
EXCHANGE_RULE: Final = "must be the name of an exchange entry of the operator: a-z, 0-9 and -"
BUDGET_RULE: Final = (
    'must be an amount of quote currency above 0 and below 10^15: 100, or "100.50" in quotes'
)
FRACTION_RULE: Final = (
    'must be from 0 to less than 100 %, as a percentage (0.1%) or a decimal in quotes ("0.001")'
)
SIGNED_FRACTION_RULE: Final = (
    "must be between -100 % and 100 %, both excluded, "
    'as a percentage (0.1%) or a decimal in quotes ("0.001")'
)
DURATION_RULE: Final = "must be a duration above 0 in hours, minutes and seconds: 12h, 90m, 1h30m"
CHUNKS_RULE: Final = f"must be a whole number from 1 to {CHUNKS_MAX}"


class TradingStatus(StrEnum):
    """What a user asks of a symbol."""

    ON = "on"
    OFF = "off"
    SHUTDOWN = "shutdown"


class UnfilledBuys(StrEnum):
    """What a shutdown does with buys that have not filled."""

    WAIT = "Wait"
    CANCEL = "Cancel"


class AtDeadline(StrEnum):
    """What becomes of unfinished cycles when a shutdown reaches its deadline."""

    HOLD = "Hold"
    SELL = "Sell"


class DeletionPolicy(StrEnum):
    """What becomes of open orders when the resource is deleted."""

    STOP = "Stop"
    CANCEL_ORDERS = "CancelOrders"
    DRAIN = "Drain"


class UpdateStrategy(StrEnum):
    """When a running leader makes way for one as the operator is configured now."""

    WHEN_IDLE = "WhenIdle"
    MANUAL = "Manual"


def finishes_first(metadata: Mapping[str, Any], policy: object) -> bool:
    """Tell whether a resource, once it is deleted, stays until its leader has finished.

    `metadata` is the object's, `policy` its `spec.deletionPolicy`. Under foreground deletion the
    garbage collector takes the leader pod away first: there is nothing to stay for then.
    """
    finalizers = texts(metadata, "finalizers")
    abandoned = text(metadata, "annotations", ANNOTATION_ABANDON) == "true"
    kept = FINALIZER in finalizers and FOREGROUND_FINALIZER not in finalizers
    return kept and not abandoned and policy != DeletionPolicy.STOP


Choice = TypeVar("Choice", bound=StrEnum)


def parse_status(value: object) -> TradingStatus:
    """Read `spec.status`: a bare `on` or `off` is a boolean to YAML 1.1 readers.

    Raises:
        ValueError: `value` is none of on, off, shutdown, true and false.

    """
    if isinstance(value, bool):
        return TradingStatus.ON if value else TradingStatus.OFF
    return _choice(TradingStatus)(value)


def requested_status(resource: Document) -> TradingStatus:
    """Return what a resource asks for; what cannot be read lets nothing trade."""
    try:
        return parse_status(mapping(resource, "spec").get("status", TradingStatus.OFF))
    except ValueError:
        return TradingStatus.OFF


def parse_budget(value: object) -> Decimal:
    """Read an amount of quote currency, an integer or text.

    Raises:
        ValueError: `value` is a float, not an amount, not above 0 or too large.

    """
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole and not isinstance(value, str):
        raise ValueError(BUDGET_RULE)
    text = str(value)
    if not re.fullmatch(BUDGET_PATTERN, text) or Decimal(text) == 0:
        raise ValueError(BUDGET_RULE)
    return Decimal(text)


def parse_fraction(value: object) -> Decimal:
    """Read an interval of 0 or more as a fraction of 1: `0.1%` and `"0.001"` are the same.

    Raises:
        ValueError: `value` is no such text, negative, or 100 % and more.

    """
    if not isinstance(value, str) or not re.fullmatch(FRACTION_PATTERN, value):
        raise ValueError(FRACTION_RULE)
    return _fraction(value)


def parse_signed_fraction(value: object) -> Decimal:
    """Read an interval between -100 % and 100 % as a fraction of 1.

    Raises:
        ValueError: `value` is no such text, or 100 % and more in either direction.

    """
    if not isinstance(value, str) or not re.fullmatch(f"-?{FRACTION_PATTERN}", value):
        raise ValueError(SIGNED_FRACTION_RULE)
    return _fraction(value)


def parse_duration(value: object) -> timedelta:
    """Read a duration such as `12h`, `90m` or `1h30m`.

    Raises:
        ValueError: `value` is no such text, or nothing but zeros.

    """
    match = re.fullmatch(DURATION_PATTERN, value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(DURATION_RULE)
    hours, minutes, seconds = (int(part[:-1]) if part else 0 for part in match.groups())
    duration = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    if not duration:
        raise ValueError(DURATION_RULE)
    return duration


def parse_chunks(value: object) -> int:
    """Read the number of chunks.

    Raises:
        ValueError: `value` is no whole number from 1 to `CHUNKS_MAX`.

    """
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= CHUNKS_MAX:
        raise ValueError(CHUNKS_RULE)
    return value


def _fraction(text: str) -> Decimal:
    return Decimal(text[:-1]).scaleb(-2) if text.endswith("%") else Decimal(text)


def _choice(choices: type[Choice]) -> Callable[[object], Choice]:
    """Make a reader for one of `choices` whose refusal lists them."""

    def parse(value: object) -> Choice:
        if value not in list(choices):
            raise ValueError(f"must be one of {', '.join(choices)}, not {shown(value)}")
        return choices(str(value))

    return parse


def _matching(pattern: str, rule: str) -> Callable[[object], str]:
    """Make a reader for text that matches all of `pattern`."""

    def parse(value: object) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ValueError(rule)
        return value

    return parse


def _checked(rule: str, message: str) -> list[dict[str, str]]:
    """One check for the API server: the CEL expression `rule` and what it says if violated."""
    return [{"rule": rule, "message": message}]


def _text(rule: str, message: str, length_max: int = TEXT_LENGTH_MAX) -> WithJsonSchema:
    """Describe text for which the CEL expression `rule` holds."""
    return WithJsonSchema(
        {
            "type": "string",
            "maxLength": length_max,
            "x-kubernetes-validations": _checked(rule, message),
        }
    )


def _matches(pattern: str) -> str:
    """CEL expression: all of the value matches `pattern`."""
    return f"self.matches(r'^{pattern}$')"


def _enumeration(choices: type[StrEnum]) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "enum": [choice.value for choice in choices]})


# An untyped field is the only one that takes both a string and a boolean.
StatusField = Annotated[
    TradingStatus,
    BeforeValidator(parse_status),
    WithJsonSchema(
        {
            "x-kubernetes-preserve-unknown-fields": True,
            "enum": [*(status.value for status in TradingStatus), True, False],
        }
    ),
]
BudgetField = Annotated[
    Decimal,
    BeforeValidator(parse_budget),
    WithJsonSchema(
        {
            "x-kubernetes-int-or-string": True,
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "maxLength": TEXT_LENGTH_MAX,
            "x-kubernetes-validations": _checked(
                f"type(self) == int ? self > 0 && self < {BUDGET_MAX} : "
                f"{_matches(BUDGET_PATTERN)} && self.matches('[1-9]')",
                BUDGET_RULE,
            ),
        }
    ),
]
FractionField = Annotated[
    Decimal,
    BeforeValidator(parse_fraction),
    _text(_matches(FRACTION_PATTERN), FRACTION_RULE),
]
SignedFractionField = Annotated[
    Decimal,
    BeforeValidator(parse_signed_fraction),
    _text(_matches(f"-?{FRACTION_PATTERN}"), SIGNED_FRACTION_RULE),
]
DurationField = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    _text(f"{_matches(DURATION_PATTERN)} && self.matches('[1-9]')", DURATION_RULE),
]
ChunksField = Annotated[
    int,
    BeforeValidator(parse_chunks),
    WithJsonSchema({"type": "integer", "format": "int32", "minimum": 1, "maximum": CHUNKS_MAX}),
]
SymbolField = Annotated[
    str,
    BeforeValidator(parse_symbol),
    _text(SYMBOL_CEL, SYMBOL_RULE, length_max=SYMBOL_LENGTH_MAX),
]
ExchangeField = Annotated[
    str,
    BeforeValidator(_matching(EXCHANGE_PATTERN, EXCHANGE_RULE)),
    _text(_matches(EXCHANGE_PATTERN), EXCHANGE_RULE, length_max=63),
]
NameField = Annotated[
    str,
    BeforeValidator(_matching(f"(?=.{{1,{RESOURCE_NAME_LENGTH_MAX}}}$){NAME_PATTERN}", NAME_RULE)),
]
UnfilledBuysField = Annotated[
    UnfilledBuys, BeforeValidator(_choice(UnfilledBuys)), _enumeration(UnfilledBuys)
]
AtDeadlineField = Annotated[
    AtDeadline, BeforeValidator(_choice(AtDeadline)), _enumeration(AtDeadline)
]
UpdateStrategyField = Annotated[
    UpdateStrategy, BeforeValidator(_choice(UpdateStrategy)), _enumeration(UpdateStrategy)
]
DeletionPolicyField = Annotated[
    DeletionPolicy, BeforeValidator(_choice(DeletionPolicy)), _enumeration(DeletionPolicy)
]


class ApiModel(BaseModel):
    """An immutable piece of the resource, in Kubernetes' spelling outside and Python's inside."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        frozen=True,
        populate_by_name=True,
        use_attribute_docstrings=True,
    )


class ShutdownPolicy(ApiModel):
    """How a shutdown treats what is unfinished."""

    unfilled_buys: UnfilledBuysField = UnfilledBuys.WAIT
    """Wait for buys that have not filled, or Cancel them and sell what they have filled."""

    deadline: DurationField | None = None
    """End the shutdown after this time at the latest: 24h. Default: when the market fills the
    last order."""

    at_deadline: AtDeadlineField = AtDeadline.HOLD
    """At the deadline, Hold what was bought, or Sell it at the price of the market."""


def _immutable(field: str) -> JsonDict:
    """Make a rule on the spec: `field` is never changed, added or removed after creation.

    A rule on the field itself would not see it come or go.
    """
    return {
        "rule": (
            f"has(self.{field}) == has(oldSelf.{field}) && "
            f"(!has(self.{field}) || self.{field} == oldSelf.{field})"
        ),
        "message": f"{field} cannot be changed; delete the resource and create it anew",
        "fieldPath": f".{field}",
    }


class TradingSymbolSpec(ApiModel):
    """What is traded, with how much money, and whether at all."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [_immutable("symbol"), _immutable("exchange")],
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
    """Quote currency for all cycles of the symbol together. Without leading zeros: YAML takes
    0100 for 64."""

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
    afresh: 12h. Default: never."""

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
class Problem:
    """One thing that is wrong with a resource."""

    field: str
    """Path of the field in Kubernetes' spelling: `spec.buyDownInterval`."""
    message: str
    """What the field must be; reads on from its name."""

    def __str__(self) -> str:
        return f"{self.field} {self.message}"


class InvalidResourceError(ValueError):
    """A document is no valid TradingSymbol; `problems` names every field at fault."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


def parse_resource(document: object, *, refuse_unknown: bool = False) -> TradingSymbol:
    """Read a TradingSymbol from an object of the API server or a parsed YAML document.

    With `refuse_unknown` a field that the resource does not have is a problem: a person
    misspelt it. An API server has pruned such fields, or is a version ahead of this reader.

    Raises:
        InvalidResourceError: with every field that is missing, misspelt or out of bounds.

    """
    extra: Literal["forbid", "ignore"] = "forbid" if refuse_unknown else "ignore"
    try:
        resource = TradingSymbol.model_validate(_declared(document), extra=extra)
    except ValidationError as exc:
        raise InvalidResourceError(tuple(map(_problem, exc.errors()))) from exc
    if not is_symbol(resource.symbol):
        raise InvalidResourceError((Problem("spec.symbol", SYMBOL_NEEDED_RULE),))
    return resource


def _declared(document: object) -> object:
    """Leave out what is nobody's mistake: its status and Kubernetes' own metadata."""
    if not isinstance(document, Mapping):
        return document
    declared = {key: value for key, value in document.items() if key != "status"}
    if isinstance(metadata := declared.get("metadata"), Mapping):
        known = {field.alias for field in Metadata.model_fields.values()}
        declared["metadata"] = {key: value for key, value in metadata.items() if key in known}
    return declared


def _problem(error: ErrorDetails) -> Problem:
    """Translate one finding of pydantic."""
    field = ".".join(map(str, error["loc"])) or "the document"
    match error["type"]:
        case "value_error":
            message = str(error["ctx"]["error"])
        case "missing":
            message = "is required"
        case "extra_forbidden":
            message = "is not a field of a TradingSymbol"
        case "literal_error":
            message = f"must be {error['ctx']['expected']}"
        case _:
            message = f"must be a mapping of fields, not {shown(error['input'])}"
    return Problem(field, message)
