"""Who owns the status: those who report it, whoever wrote into it before."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbol_operator.observe.managed_fields import disowned, put_right
from unit.operator.objects import resource

READY = 'k:{"type":"Ready"}'
TRADING = 'k:{"type":"Trading"}'
STATUS: dict[str, Any] = {
    "requested": "on",
    "leader": {"pod": "xrpusdt-leader", "uid": "p1"},
    "traders": 3,
    "unvaluedFees": {"BNB": "0.1"},
    "conditions": [
        {"type": "Ready", "status": "True"},
        {"type": "Trading", "status": "True"},
    ],
}
OPERATORS = {
    "f:requested": {},
    "f:leader": {"f:pod": {}, "f:uid": {}},
    "f:conditions": {READY: {".": {}, "f:type": {}, "f:status": {}}},
}
TRADERS = {
    "f:traders": {},
    "f:unvaluedFees": {"f:BNB": {}},
    "f:conditions": {TRADING: {".": {}, "f:type": {}, "f:status": {}}},
}


def entry(manager: str, fields: dict[str, Any], **more: object) -> dict[str, Any]:
    """Write an entry as the API server keeps it: of an apply to the status, unless told."""
    return {
        "manager": manager,
        "operation": "Apply",
        "subresource": "status",
        "apiVersion": "tradingsymbol.dev/v1alpha1",
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
        **more,
    }


ASKED = entry("alice", {"f:spec": {"f:status": {}}}, operation="Update", subresource="")
RIGHT = (
    ASKED,
    entry("symbol-operator", {"f:status": OPERATORS}, operation="Update"),
    entry("symbol-trader", {"f:status": TRADERS}),
)


def owned(*entries: dict[str, Any], **status: object) -> dict[str, Any]:
    document = resource() | {"status": {**STATUS, **status}}
    document["metadata"]["managedFields"] = list(entries)
    return document


def test_a_status_of_its_reporters_is_right() -> None:
    assert not disowned(owned(*RIGHT))
    assert put_right(owned(*RIGHT)) == list(RIGHT)


def test_what_an_earlier_version_of_the_operator_applied_is_its_own() -> None:
    applied = entry("symbol-operator", {"f:status": OPERATORS})
    document = owned(ASKED, applied, RIGHT[2])

    assert not disowned(document)
    assert put_right(document) == list(RIGHT)


def test_where_no_writer_is_known_the_next_one_makes_it_known() -> None:
    assert not disowned(owned())
    assert put_right(owned()) == list(RIGHT[1:])


def test_a_resource_without_a_status_is_right() -> None:
    assert not disowned(resource())


@pytest.mark.parametrize("subresource", ["", "status"])
@pytest.mark.parametrize("manager", ["alice", "before-first-apply", "symbol-trader"])
def test_who_wrote_into_the_status_besides_owns_nothing_of_it(
    manager: str, subresource: str
) -> None:
    both = {"f:status": OPERATORS, "f:spec": {"f:budget": {}}}
    other = entry(manager, both, operation="Update", subresource=subresource, time="then")
    document = owned(*RIGHT, other)

    assert disowned(document)
    kept = {**other, "fieldsV1": {"f:spec": {"f:budget": {}}}}
    assert put_right(document) == [ASKED, kept, *RIGHT[1:]]


def test_an_entry_of_which_nothing_is_left_goes() -> None:
    other = entry("alice", {"f:status": {"f:traders": {}}}, operation="Update")

    assert put_right(owned(*RIGHT, other)) == list(RIGHT)


@pytest.mark.parametrize("missing", [1, 2])
def test_what_belongs_to_nobody_is_given_back(missing: int) -> None:
    rest = [known for known in RIGHT if known is not RIGHT[missing]]

    assert disowned(owned(*rest))
    assert put_right(owned(*rest)) == list(RIGHT)


def test_a_condition_that_belongs_to_nobody_is_given_back() -> None:
    nothing = {**OPERATORS, "f:conditions": {}}
    ours = entry("symbol-operator", {"f:status": nothing}, operation="Update")
    document = owned(ASKED, ours, RIGHT[2])

    assert disowned(document)
    assert put_right(document) == list(RIGHT)


def test_what_is_nobodys_at_all_is_the_operators_to_remove() -> None:
    junk = [*STATUS["conditions"], {"type": "Rich"}]
    document = owned(*RIGHT, conditions=junk, made="up")

    assert disowned(document)
    _, operator, trader = put_right(document)
    assert operator["fieldsV1"]["f:status"]["f:made"] == {}
    assert 'k:{"type":"Rich"}' in operator["fieldsV1"]["f:status"]["f:conditions"]
    assert trader == RIGHT[2]


def test_what_a_later_leader_reports_stays_its_own() -> None:
    """An earlier operator does not know the field, and must not take it away."""
    more = entry("symbol-trader", {"f:status": {**TRADERS, "f:later": {}}})
    document = owned(*RIGHT[:2], more, later="x")

    assert not disowned(document)
    assert put_right(document)[2] == more


WORDS = ("manager", "operation", "subresource", "fieldsV1", "f:status", "f:conditions", "type")
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(WORDS), inner),
    max_leaves=10,
)


@given(
    fields=json_values | st.lists(st.sampled_from(RIGHT) | json_values),
    status=json_values | st.fixed_dictionaries({"conditions": json_values}),
)
def test_any_json_is_read(fields: object, status: object) -> None:
    document = owned() | {"status": status}
    document["metadata"]["managedFields"] = fields

    disowned(document)
    document["metadata"]["managedFields"] = put_right(document)
    assert not disowned(document)
