"""The CustomResourceDefinition: generated, structural, and at one with the models."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import create_model

from tradingsymbol_api import names
from tradingsymbol_api.conditions import ConditionType
from tradingsymbol_api.crd import (
    DEFINITIONS,
    TRADING_LIMIT,
    TRADING_SYMBOL,
    Definition,
    custom_resource_definition,
    render,
    structural_schema,
)
from tradingsymbol_api.spec import TradingSymbolSpec, parse_resource

PROJECT = Path(__file__).parents[3]
each_kind = pytest.mark.parametrize("of", DEFINITIONS.values(), ids=DEFINITIONS)


def schema(of: Definition = TRADING_SYMBOL) -> dict[str, Any]:
    (version,) = custom_resource_definition(of)["spec"]["versions"]
    result: dict[str, Any] = version["schema"]["openAPIV3Schema"]
    return result


def nodes(part: dict[str, Any], path: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Every schema within a schema, with its path."""
    below = [(f"{path}.{name}", sub) for name, sub in part.get("properties", {}).items()]
    below += [(f"{path}[]", part["items"])] if "items" in part else []
    return [(path, part), *(node for where, sub in below for node in nodes(sub, where))]


@each_kind
def test_the_file_is_what_the_models_generate(of: Definition) -> None:
    """Otherwise: make crd."""
    file = PROJECT / "crds" / f"{of.singular}.yaml"
    assert file.read_text(encoding="utf-8") == render(of)
    assert yaml.safe_load(render(of)) == custom_resource_definition(of)


def test_all_kinds_are_installed_by_kustomize_and_by_helm() -> None:
    files = {f"{singular}.yaml" for singular in DEFINITIONS}
    listed = yaml.safe_load((PROJECT / "crds" / "kustomization.yaml").read_text())["resources"]
    assert set(listed) == files
    chart = PROJECT / "manifests" / "chart" / "crds"
    assert {path.name for path in chart.iterdir()} == files
    assert all((chart / name).samefile(PROJECT / "crds" / name) for name in files)


@pytest.mark.parametrize(
    ("of", "plural", "short_name"),
    [(TRADING_SYMBOL, names.PLURAL, "tsym"), (TRADING_LIMIT, names.LIMIT_PLURAL, "tlim")],
)
def test_names_are_those_that_programs_use(of: Definition, plural: str, short_name: str) -> None:
    definition = custom_resource_definition(of)

    assert definition["metadata"]["name"] == f"{plural}.{names.GROUP}"
    assert definition["spec"]["names"]["shortNames"] == [short_name]
    assert definition["spec"]["scope"] == "Namespaced"


@each_kind
def test_the_schema_is_structural(of: Definition) -> None:
    """Each node has a type or is one of the two exceptions; no reference, null or title."""
    for path, node in nodes(schema(of)):
        untyped = node.get("x-kubernetes-preserve-unknown-fields") or node.get(
            "x-kubernetes-int-or-string"
        )
        assert bool(untyped) != ("type" in node), path
        assert not {"$ref", "$defs", "title", "nullable", "oneOf"} & node.keys(), path


BOUNDS = {"string": "maxLength", "array": "maxItems"}


@each_kind
def test_the_status_has_bounds(of: Definition) -> None:
    """Who may write into it may not fill the API server's memory by it."""
    for path, node in nodes(schema(of)["properties"]["status"]):
        assert "enum" in node or BOUNDS.get(node["type"], "type") in node, path
        if values := node.get("additionalProperties"):
            assert "maxProperties" in node, path
            assert BOUNDS[values["type"]] in values, path
            assert any("self.all(" in rule["rule"] for rule in node["x-kubernetes-validations"])


def test_all_conditions_have_room() -> None:
    conditions = schema()["properties"]["status"]["properties"]["conditions"]

    assert conditions["maxItems"] >= len(ConditionType)


@each_kind
def test_every_field_that_people_meet_is_explained(of: Definition) -> None:
    for part in ("spec", "status"):
        for path, field in nodes(schema(of)["properties"][part]):
            assert path.endswith("[]") or field.get("description"), path


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


@each_kind
def test_conditions_are_a_map_by_type_so_that_two_managers_can_share_them(of: Definition) -> None:
    conditions = schema(of)["properties"]["status"]["properties"]["conditions"]

    assert conditions["x-kubernetes-list-type"] == "map"
    assert conditions["x-kubernetes-list-map-keys"] == ["type"]


@each_kind
def test_no_status_field_is_required_since_each_manager_brings_its_own(of: Definition) -> None:
    assert "required" not in schema(of)["properties"]["status"]


def test_a_lists_keys_are_always_there() -> None:
    """The API server refuses a map by a key that an item may lack and that has no default."""
    usage = schema(TRADING_LIMIT)["properties"]["status"]["properties"]["usage"]
    item = usage["items"]
    for key in usage["x-kubernetes-list-map-keys"]:
        assert key in item["required"] or "default" in item["properties"][key]


def test_a_percentage_needs_something_to_be_taken_of() -> None:
    rules = schema(TRADING_LIMIT)["properties"]["spec"]["x-kubernetes-validations"]
    (rule,) = [rule for rule in rules if rule["fieldPath"] == ".maxDrawdown"]

    assert "has(self.maxExposure)" in rule["rule"]
    assert rule["message"].startswith("maxDrawdown is a percentage of maxExposure: give")


def test_whose_limit_it_is_cannot_change() -> None:
    rules = schema(TRADING_LIMIT)["properties"]["spec"]["x-kubernetes-validations"]
    fixed = {rule["fieldPath"] for rule in rules if "oldSelf" in rule["rule"]}

    assert fixed == {".exchange", ".quoteAsset"}


def test_columns_of_a_limit_tell_whether_it_holds_something_back() -> None:
    (version,) = custom_resource_definition(TRADING_LIMIT)["spec"]["versions"]
    columns = version["additionalPrinterColumns"]

    assert [column["name"] for column in columns if "priority" not in column] == [
        "Exchange",
        "Environment",
        "Halt",
        "Halted",
        "Reached",
        "Leaders",
        "Heard",
        "Age",
    ]
    known = {
        f".status.{name}" for name in schema(TRADING_LIMIT)["properties"]["status"]["properties"]
    }
    known |= {f".spec.{name}" for name in schema(TRADING_LIMIT)["properties"]["spec"]["properties"]}
    paths = {column["jsonPath"].partition("[")[0] for column in columns}
    assert paths - known == {".metadata.creationTimestamp"}


def test_columns_tell_a_person_what_is_going_on() -> None:
    (version,) = custom_resource_definition(TRADING_SYMBOL)["spec"]["versions"]
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
