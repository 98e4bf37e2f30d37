"""Resources in the formats of kubectl's `--output`. Pure."""

import json
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any

import yaml

from kubectl_trading.kinds import Kind
from tradingsymbol_api.names import API_VERSION, GROUP
from tradingsymbol_api.reading import Document


class Output(StrEnum):
    """The formats."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"


def written(
    kind: Kind[Any],
    documents: Sequence[Document],
    output: Output,
    *,
    single: bool,
    table: Callable[[bool], Sequence[str]],
) -> Sequence[str]:
    """Return the lines of resources in a format; `table` lays out a table, a wide one if told so.

    JSON and YAML have one object if it is a `single` one that was asked for, else a List.
    """
    shown = [_object(kind, document) for document in documents]
    match output:
        case Output.TABLE | Output.WIDE:
            return table(output is Output.WIDE)
        case Output.NAME:
            return [f"{kind.singular}.{GROUP}/{each['metadata']['name']}" for each in shown]
        case Output.JSON:
            return json.dumps(_whole(shown, single=single), indent=4).splitlines()
        case Output.YAML:
            return yaml.safe_dump(_whole(shown, single=single), sort_keys=True).splitlines()


def _whole(shown: Sequence[dict[str, Any]], *, single: bool) -> dict[str, Any]:
    if single and len(shown) == 1:
        return shown[0]
    return {
        "apiVersion": "v1",
        "items": [*shown],
        "kind": "List",
        "metadata": {"resourceVersion": ""},
    }


def _object(kind: Kind[Any], document: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out who wrote which field, as kubectl does."""
    metadata = {k: v for k, v in document["metadata"].items() if k != "managedFields"}
    return {"apiVersion": API_VERSION, "kind": kind.name, **document, "metadata": metadata}
