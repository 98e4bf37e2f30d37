"""The fields of a spec: each with its reader, and with the schema that the API server enforces."""

from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from tradingsymbol_api.names import RESOURCE_NAME_LENGTH_MAX
from tradingsymbol_api.symbols import (
    SYMBOL_CEL,
    SYMBOL_LENGTH_MAX,
    SYMBOL_RULE,
    is_symbol,
    parse_symbol,
)
from tradingsymbol_api.values import (
    ASSET_RULE,
    BUDGET_MAX,
    BUDGET_PATTERN,
    BUDGET_RULE,
    CHUNKS_MAX,
    CHUNKS_RULE,
    COUNT_MAX,
    COUNT_RULE,
    DRAWDOWN_RULE,
    DURATION_PATTERN,
    DURATION_RULE,
    EXCHANGE_PATTERN,
    EXCHANGE_RULE,
    FRACTION_PATTERN,
    FRACTION_RULE,
    NAME_PATTERN,
    NAME_RULE,
    PERCENT_PATTERN,
    SIGNED_FRACTION_RULE,
    TEXT_LENGTH_MAX,
    AtDeadline,
    DeletionPolicy,
    Drawdown,
    OnLimit,
    Resume,
    TradingStatus,
    UnfilledBuys,
    UpdateStrategy,
    matching,
    one_of,
    parse_budget,
    parse_drawdown,
    parse_duration,
    parse_fraction,
    parse_moment,
    parse_signed_fraction,
    parse_status,
    parse_switch,
    whole_number,
)


def _parse_asset(value: object) -> str:
    """Read the name of an asset, which is written as symbols are."""
    if not isinstance(value, str) or not is_symbol(value):
        raise ValueError(ASSET_RULE)
    return value


def _checked(rule: str, message: str) -> list[dict[str, str]]:
    """Return one check for the API server: the CEL expression `rule`, and `message` if it fails."""
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
    """Return a CEL expression: all of the value matches `pattern`."""
    return f"self.matches(r'^{pattern}$')"


def _enumeration(choices: type[StrEnum]) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "enum": [choice.value for choice in choices]})


def _amount(pattern: str, message: str) -> WithJsonSchema:
    """Describe a whole number below `BUDGET_MAX`, or text that matches; neither is 0."""
    return WithJsonSchema(
        {
            "x-kubernetes-int-or-string": True,
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "maxLength": TEXT_LENGTH_MAX,
            "x-kubernetes-validations": _checked(
                f"type(self) == int ? self > 0 && self < {BUDGET_MAX} : "
                f"{_matches(pattern)} && self.matches('[1-9]')",
                message,
            ),
        }
    )


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
    _amount(BUDGET_PATTERN, BUDGET_RULE),
]
DrawdownField = Annotated[
    Drawdown,
    BeforeValidator(parse_drawdown),
    _amount(f"({BUDGET_PATTERN}|{PERCENT_PATTERN})", DRAWDOWN_RULE),
]
CountField = Annotated[
    int,
    BeforeValidator(whole_number(COUNT_MAX, COUNT_RULE)),
    WithJsonSchema({"type": "integer", "format": "int32", "minimum": 1, "maximum": COUNT_MAX}),
]
SwitchField = Annotated[bool, BeforeValidator(parse_switch), WithJsonSchema({"type": "boolean"})]
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
    BeforeValidator(whole_number(CHUNKS_MAX, CHUNKS_RULE)),
    WithJsonSchema({"type": "integer", "format": "int32", "minimum": 1, "maximum": CHUNKS_MAX}),
]
SymbolField = Annotated[
    str,
    BeforeValidator(parse_symbol),
    _text(SYMBOL_CEL, SYMBOL_RULE, length_max=SYMBOL_LENGTH_MAX),
]
AssetField = Annotated[
    str,
    BeforeValidator(_parse_asset),
    _text(SYMBOL_CEL, ASSET_RULE, length_max=SYMBOL_LENGTH_MAX),
]
ExchangeField = Annotated[
    str,
    BeforeValidator(matching(EXCHANGE_PATTERN, EXCHANGE_RULE)),
    _text(_matches(EXCHANGE_PATTERN), EXCHANGE_RULE, length_max=63),
]
NameField = Annotated[
    str,
    BeforeValidator(matching(f"(?=.{{1,{RESOURCE_NAME_LENGTH_MAX}}}$){NAME_PATTERN}", NAME_RULE)),
]
UnfilledBuysField = Annotated[
    UnfilledBuys, BeforeValidator(one_of(UnfilledBuys)), _enumeration(UnfilledBuys)
]
AtDeadlineField = Annotated[
    AtDeadline, BeforeValidator(one_of(AtDeadline)), _enumeration(AtDeadline)
]
UpdateStrategyField = Annotated[
    UpdateStrategy, BeforeValidator(one_of(UpdateStrategy)), _enumeration(UpdateStrategy)
]
DeletionPolicyField = Annotated[
    DeletionPolicy, BeforeValidator(one_of(DeletionPolicy)), _enumeration(DeletionPolicy)
]
OnLimitField = Annotated[OnLimit, BeforeValidator(one_of(OnLimit)), _enumeration(OnLimit)]
ResumeField = Annotated[Resume, BeforeValidator(one_of(Resume)), _enumeration(Resume)]
MomentField = Annotated[
    datetime,
    BeforeValidator(parse_moment),
    WithJsonSchema({"type": "string", "format": "date-time", "maxLength": 63}),
]
