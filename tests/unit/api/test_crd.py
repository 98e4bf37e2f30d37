"""The CustomResourceDefinition: generated, structural, and at one with the models."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import create_model

from tradingsymbol_api import names
from tradingsymbol_api.conditions import ConditionType
from tradingsymbol_api.crd import custom_resource_definition, render, structural_schema
from tradingsymbol_api.spec import TradingSymbolSpec, parse_resource

FILE = Path(__file__).parents[3] / "crds" / "tradingsymbol.yaml"


def schema() -> dict[str, Any]:
    (version,) = custom_resource_definition()["spec"]["versions"]
    result: dict[str, Any] = version["schema"]["openAPIV3Schema"]
    return result


def nodes(part: dict[str, Any], path: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Every schema within a schema, with its path."""
    below = [(f"{path}.{name}", sub) for name, sub in part.get("properties", {}).items()]
    below += [(f"{path}[]", part["items"])] if "items" in part else []
    return [(path, part), *(node for where, sub in below for node in nodes(sub, where))]


def test_the_file_is_what_the_models_generate() -> None:
    """Otherwise: python -m tradingsymbol_api.crd > crds/tradingsymbol.yaml."""
    assert FILE.read_text(encoding="utf-8") == render()
    assert yaml.safe_load(render()) == custom_resource_definition()


def test_names_are_those_that_programs_use() -> None:
    definition = custom_resource_definition()

    assert definition["metadata"]["name"] == f"{names.PLURAL}.{names.GROUP}"
    assert definition["spec"]["names"]["shortNames"] == ["tsym"]
    assert definition["spec"]["scope"] == "Namespaced"


def test_the_schema_is_structural() -> None:
    """Each node has a type or is one of the two exceptions; no reference, null or title."""
    for path, node in nodes(schema()):
        untyped = node.get("x-kubernetes-preserve-unknown-fields") or node.get(
            "x-kubernetes-int-or-string"
        )
        assert bool(untyped) != ("type" in node), path
        assert not {"$ref", "$defs", "title", "nullable", "oneOf"} & node.keys(), path


BOUNDS = {"string": "maxLength", "array": "maxItems"}


def test_the_status_has_bounds() -> None:
    """Who may write into it may not fill the API server's memory by it."""
    for path, node in nodes(schema()["properties"]["status"]):
        assert "enum" in node or BOUNDS.get(node["type"], "type") in node, path
        if values := node.get("additionalProperties"):
            assert "maxProperties" in node, path
            assert BOUNDS[values["type"]] in values, path
            assert any("self.all(" in rule["rule"] for rule in node["x-kubernetes-validations"])


def test_all_conditions_have_room() -> None:
    conditions = schema()["properties"]["status"]["properties"]["conditions"]

    assert conditions["maxItems"] >= len(ConditionType)


def test_every_field_that_people_meet_is_explained() -> None:
    spec = schema()["properties"]["spec"]["properties"]
    status = schema()["properties"]["status"]["properties"]

    for name, field in {**spec, **status, **spec["shutdown"]["properties"]}.items():
        assert field.get("description"), name


def test_status_takes_both_spellings_of_on_and_off() -> None:
    status = schema()["properties"]["spec"]["properties"]["status"]

    assert status["enum"] == ["on", "off", "shutdown", True, False]
    assert status["default"] == "off"
    assert "type" not in status


def test_defaults_are_those_of_the_models() -> None:
    fields = schema()["properties"]["spec"]["properties"]
    defaults = {name: field["default"] for name, field in fields.items() if "default" in field}
    bare = {"metadata": {"name": "x"}, "spec": {"budget": 1}}
    head = {"apiVersion": names.API_VERSION, "kind": names.KIND}
    filled = {**bare, "spec": {"budget": 1, **defaults}}

    assert parse_resource({**head, **bare}).spec == parse_resource({**head, **filled}).spec
    assert sorted(defaults) == [
        "buyDownInterval",
        "chunks",
        "deletionPolicy",
        "exchange",
        "profitInterval",
        "rebuyInterval",
        "status",
        "updateStrategy",
    ]


@pytest.mark.parametrize("field", ["symbol", "exchange"])
def test_what_identifies_the_cycles_on_record_cannot_change(field: str) -> None:
    rules = schema()["properties"]["spec"]["x-kubernetes-validations"]
    (rule,) = [rule for rule in rules if rule["fieldPath"] == f".{field}"]

    assert rule["rule"].startswith(f"has(self.{field}) == has(oldSelf.{field}) && ")


def test_every_spec_field_is_in_the_schema() -> None:
    fields = {str(field.alias) for field in TradingSymbolSpec.model_fields.values()}

    assert set(schema()["properties"]["spec"]["properties"]) == fields
    assert schema()["properties"]["spec"]["required"] == ["budget"]


def test_conditions_are_a_map_by_type_so_that_two_managers_can_share_them() -> None:
    conditions = schema()["properties"]["status"]["properties"]["conditions"]

    assert conditions["x-kubernetes-list-type"] == "map"
    assert conditions["x-kubernetes-list-map-keys"] == ["type"]


def test_no_status_field_is_required_since_each_manager_brings_its_own() -> None:
    assert "required" not in schema()["properties"]["status"]


def test_columns_tell_a_person_what_is_going_on() -> None:
    (version,) = custom_resource_definition()["spec"]["versions"]
    columns = version["additionalPrinterColumns"]
    known = {condition.value for condition in ConditionType}

    assert [column["name"] for column in columns if "priority" not in column] == [
        "Requested",
        "Environment",
        "Ready",
        "Traders",
        "Open orders",
        "Profit",
        "Leader",
        "Age",
    ]
    for column in columns:
        asked = re.search(r'@\.type=="(\w+)"', column["jsonPath"])
        assert asked is None or asked[1] in known


def test_a_model_without_a_word_about_it_has_no_description() -> None:
    """Of an undocumented model pydantic says nothing, and the dialect takes that."""
    model = create_model("Model", count=(int, 3))
    assert structural_schema(model) == {
        "type": "object",
        "properties": {"count": {"type": "integer", "default": 3}},
    }
