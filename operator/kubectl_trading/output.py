"""Symbols in the formats of kubectl's `--output`. Pure."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import yaml

from kubectl_trading.symbols import Symbol
from kubectl_trading.table import table
from tradingsymbol_api.names import API_VERSION, GROUP, KIND, SINGULAR


class Output(StrEnum):
    """The formats."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"


def written(
    symbols: Sequence[Symbol], output: Output, *, namespaces: bool, single: bool, now: datetime
) -> list[str]:
    """Return the lines of symbols in a format.

    `namespaces` gives a table their column. JSON and YAML have one object if it is a `single` one
    that was asked for, else a List.
    """
    match output:
        case Output.TABLE | Output.WIDE:
            wide_at = now if output is Output.WIDE else None
            return table(symbols, namespaces=namespaces, wide_at=wide_at)
        case Output.NAME:
            return [f"{SINGULAR}.{GROUP}/{symbol.name}" for symbol in symbols]
        case Output.JSON:
            return json.dumps(_shown(symbols, single=single), indent=4).splitlines()
        case Output.YAML:
            return yaml.safe_dump(_shown(symbols, single=single), sort_keys=True).splitlines()


def _shown(symbols: Sequence[Symbol], *, single: bool) -> dict[str, Any]:
    shown = [_object(symbol.document) for symbol in symbols]
    if single and len(shown) == 1:
        return shown[0]
    return {"apiVersion": "v1", "items": shown, "kind": "List", "metadata": {"resourceVersion": ""}}


def _object(document: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out who wrote which field, as kubectl does."""
    metadata = {k: v for k, v in document["metadata"].items() if k != "managedFields"}
    return {"apiVersion": API_VERSION, "kind": KIND, **document, "metadata": metadata}
