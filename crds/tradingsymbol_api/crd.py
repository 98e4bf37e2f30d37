"""The CustomResourceDefinition, generated from the models.

`python -m tradingsymbol_api.crd` prints it; `crds/tradingsymbol.yaml` is that output.
"""

import sys
from collections.abc import Mapping
from typing import Any, Final

import yaml
from pydantic import BaseModel

from tradingsymbol_api.names import (
    CATEGORY,
    CRD_NAME,
    GROUP,
    KIND,
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

HEADER: Final = "# Generated from the models: python -m tradingsymbol_api.crd\n"

PRINTER_COLUMNS: Final = (
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
)

NAME_RULES: Final = (
    {
        "rule": (
            f"self.metadata.name.size() <= {RESOURCE_NAME_LENGTH_MAX} && "
            f"self.metadata.name.matches('^{NAME_PATTERN}$')"
        ),
        "message": f"metadata.name {NAME_RULE}",
    },
    {
        "rule": f"has(self.spec.symbol) || self.metadata.name.matches('^{NAME_IS_SYMBOL}$')",
        "message": f"spec.symbol {SYMBOL_NEEDED_RULE}",
        "fieldPath": ".spec.symbol",
    },
)


def custom_resource_definition() -> dict[str, Any]:
    """Build the CustomResourceDefinition as the API server takes it. No side effects."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": CRD_NAME},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": KIND,
                "listKind": LIST_KIND,
                "plural": PLURAL,
                "singular": SINGULAR,
                "shortNames": [SHORT_NAME],
                "categories": [CATEGORY],
            },
            "versions": [_version()],
        },
    }


def _version() -> dict[str, Any]:
    return {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [
            {"name": name, "type": kind, "jsonPath": path}
            | ({"priority": priority} if priority else {})
            for name, kind, path, priority in PRINTER_COLUMNS
        ],
        "schema": {"openAPIV3Schema": _schema()},
    }


def _schema() -> dict[str, Any]:
    status = structural_schema(TradingSymbolStatus)
    # Each manager applies its own part; none can be required of the other.
    del status["required"]
    return {
        "type": "object",
        "description": "One symbol of an exchange, and whether to trade it.",
        "required": ["spec"],
        "x-kubernetes-validations": list(NAME_RULES),
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": structural_schema(TradingSymbolSpec),
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


def render() -> str:
    """Write the CustomResourceDefinition as a YAML document."""
    definition = custom_resource_definition()
    return HEADER + yaml.dump(definition, Dumper=_PlainDumper, sort_keys=False, width=100)


if __name__ == "__main__":
    sys.stdout.write(render())
