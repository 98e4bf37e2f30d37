"""The CustomResourceDefinitions, generated from the models.

`python -m tradingsymbol_api.crd tradingsymbol` prints one; `crds/tradingsymbol.yaml` is that
output, and `crds/tradinglimit.yaml` the other one's.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml
from pydantic import BaseModel

from tradingsymbol_api.limit import TradingLimitSpec, TradingLimitStatus
from tradingsymbol_api.names import (
    CATEGORY,
    CRD_NAME,
    GROUP,
    KIND,
    LIMIT_CRD_NAME,
    LIMIT_KIND,
    LIMIT_LIST_KIND,
    LIMIT_PLURAL,
    LIMIT_SHORT_NAME,
    LIMIT_SINGULAR,
    LIST_KIND,
    PLURAL,
    RESOURCE_NAME_LENGTH_MAX,
    SHORT_NAME,
    SINGULAR,
    VERSION,
)
from tradingsymbol_api.spec import TradingSymbolSpec
from tradingsymbol_api.status import TradingSymbolStatus
from tradingsymbol_api.symbols import NAME_IS_SYMBOL, SYMBOL_NEEDED_RULE
from tradingsymbol_api.values import NAME_PATTERN, NAME_RULE

HEADER: Final = "# Generated from the models: python -m tradingsymbol_api.crd {singular}\n"

Column = tuple[str, str, str, int]
"""Name, type, path and priority of a printer column."""


@dataclass(frozen=True, slots=True)
class Definition:
    """What a kind's CustomResourceDefinition is made of."""

    name: str
    kind: str
    list_kind: str
    plural: str
    singular: str
    short_name: str
    description: str
    spec: type[BaseModel]
    status: type[BaseModel]
    columns: tuple[Column, ...]
    rules: tuple[Mapping[str, str], ...]


_NAME: Final = {
    "rule": (
        f"self.metadata.name.size() <= {RESOURCE_NAME_LENGTH_MAX} && "
        f"self.metadata.name.matches('^{NAME_PATTERN}$')"
    ),
    "message": f"metadata.name {NAME_RULE}",
}

TRADING_SYMBOL: Final = Definition(
    name=CRD_NAME,
    kind=KIND,
    list_kind=LIST_KIND,
    plural=PLURAL,
    singular=SINGULAR,
    short_name=SHORT_NAME,
    description="One symbol of an exchange, and whether to trade it.",
    spec=TradingSymbolSpec,
    status=TradingSymbolStatus,
    columns=(
        # `.spec.status` would print `true` for a bare `on`.
        ("Requested", "string", ".status.requested", 0),
        ("Environment", "string", ".status.environment", 0),
        ("Ready", "string", '.status.conditions[?(@.type=="Ready")].status', 0),
        ("Traders", "integer", ".status.traders", 0),
        ("Open orders", "integer", ".status.openOrders", 0),
        ("Profit", "string", ".status.profit", 0),
        ("Leader", "string", ".status.leader.pod", 0),
        ("Age", "date", ".metadata.creationTimestamp", 0),
        ("Symbol", "string", ".status.symbol", 1),
        ("Exchange", "string", ".spec.exchange", 1),
        ("Budget", "string", ".spec.budget", 1),
        ("Quote", "string", ".status.quoteAsset", 1),
        ("In doubt", "integer", ".status.ordersInDoubt", 1),
        ("Unvalued fees", "string", ".status.unvaluedFees", 1),
        ("Node", "string", ".status.leader.node", 1),
        ("Epoch", "integer", ".status.epoch", 1),
        ("Reason", "string", '.status.conditions[?(@.type=="Ready")].reason', 1),
    ),
    rules=(
        _NAME,
        {
            "rule": f"has(self.spec.symbol) || self.metadata.name.matches('^{NAME_IS_SYMBOL}$')",
            "message": f"spec.symbol {SYMBOL_NEEDED_RULE}",
            "fieldPath": ".spec.symbol",
        },
    ),
)

TRADING_LIMIT: Final = Definition(
    name=LIMIT_CRD_NAME,
    kind=LIMIT_KIND,
    list_kind=LIMIT_LIST_KIND,
    plural=LIMIT_PLURAL,
    singular=LIMIT_SINGULAR,
    short_name=LIMIT_SHORT_NAME,
    description="How far an account's symbols may go together, and the switch that halts them.",
    spec=TradingLimitSpec,
    status=TradingLimitStatus,
    columns=(
        ("Exchange", "string", ".spec.exchange", 0),
        ("Environment", "string", ".status.environment", 0),
        ("Halt", "boolean", ".spec.halt", 0),
        ("Halted", "string", '.status.conditions[?(@.type=="Halted")].status', 0),
        ("Reached", "string", '.status.conditions[?(@.type=="Reached")].status', 0),
        ("Leaders", "integer", ".status.leaders", 0),
        ("Heard", "integer", ".status.leadersHeard", 0),
        ("Age", "date", ".metadata.creationTimestamp", 0),
        ("Account", "string", ".status.account", 1),
        ("Quote", "string", ".spec.quoteAsset", 1),
        ("Max exposure", "string", ".spec.maxExposure", 1),
        ("Max daily loss", "string", ".spec.maxDailyLoss", 1),
        ("Max drawdown", "string", ".spec.maxDrawdown", 1),
        ("On limit", "string", ".spec.onLimit", 1),
        ("Reason", "string", '.status.conditions[?(@.type=="Reached")].reason', 1),
    ),
    rules=(_NAME,),
)

DEFINITIONS: Final = {kind.singular: kind for kind in (TRADING_SYMBOL, TRADING_LIMIT)}


def custom_resource_definition(of: Definition) -> dict[str, Any]:
    """Build a CustomResourceDefinition as the API server takes it. No side effects."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": of.name},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": of.kind,
                "listKind": of.list_kind,
                "plural": of.plural,
                "singular": of.singular,
                "shortNames": [of.short_name],
                "categories": [CATEGORY],
            },
            "versions": [_version(of)],
        },
    }


def _version(of: Definition) -> dict[str, Any]:
    return {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [
            {"name": name, "type": kind, "jsonPath": path}
            | ({"priority": priority} if priority else {})
            for name, kind, path, priority in of.columns
        ],
        "schema": {"openAPIV3Schema": _schema(of)},
    }


def _schema(of: Definition) -> dict[str, Any]:
    status = structural_schema(of.status)
    # Each manager applies its own part; none can be required of the other.
    status.pop("required", None)
    return {
        "type": "object",
        "description": of.description,
        "required": ["spec"],
        "x-kubernetes-validations": list(of.rules),
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": structural_schema(of.spec),
            "status": status,
        },
    }


def structural_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Describe `model` in the dialect of CustomResourceDefinitions. No side effects."""
    schema = model.model_json_schema(by_alias=True)
    return _structural(schema, schema.get("$defs", {}))


def _structural(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema without references, nulls and titles, which the dialect does not have."""
    merged = _merged(schema, definitions)
    result = {key: value for key, value in merged.items() if key not in DROPPED}
    if "description" in result:
        result["description"] = " ".join(result["description"].split())
    if result.get("default", 0) is None:
        del result["default"]
    if "properties" in result:
        result["properties"] = {
            name: _structural(field, definitions) for name, field in result["properties"].items()
        }
    if "items" in result:
        result["items"] = _structural(result["items"], definitions)
    return result


DROPPED: Final = frozenset({"$defs", "$ref", "title"})


def _merged(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Unite the schema with what it refers to; what stands beside a reference has precedence."""
    own = dict(schema)
    choices = [choice for choice in own.get("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1:
        own = {**choices[0], **{key: value for key, value in own.items() if key != "anyOf"}}
    if "$ref" in own:
        own = {**definitions[own["$ref"].rpartition("/")[2]], **own}
    return own


class _PlainDumper(yaml.SafeDumper):
    """Writes equal parts in full: anchors are for programs, this file is read by people."""

    def ignore_aliases(self, data: object) -> bool:
        del data
        return True


def render(of: Definition) -> str:
    """Write a CustomResourceDefinition as a YAML document."""
    definition = custom_resource_definition(of)
    body = yaml.dump(definition, Dumper=_PlainDumper, sort_keys=False, width=100)
    return HEADER.format(singular=of.singular) + body


if __name__ == "__main__":
    sys.stdout.write(render(DEFINITIONS[sys.argv[1]]))
