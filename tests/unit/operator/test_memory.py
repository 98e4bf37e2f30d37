"""The memory: whatever comes in whatever order, the newest of each object is what is known."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbol_operator.observe.labels import is_leader_pod, resource_of
from symbol_operator.runtime.handlers import relevant
from symbol_operator.runtime.memory import Key, Memory, Objects, version_of
from unit.operator.objects import fence, pod, resource

NAMES = ("ada", "bnb")
NOWHERE = "elsewhere"


def seen(version: int, name: str = "ada", uid: str = "u1") -> dict[str, Any]:
    """Make an object in a version."""
    metadata = {
        "namespace": "trading",
        "name": name,
        "uid": uid,
        "resourceVersion": str(version),
    }
    return {"metadata": metadata, "spec": {"seen": version}}


@pytest.fixture
def objects() -> Objects:
    """Return a memory in which nothing is."""
    return Objects(version_of)


def test_the_newest_version_counts_whenever_it_comes(objects: Objects) -> None:
    assert objects.put(seen(7))
    assert not objects.put(seen(7))
    assert not objects.put(seen(3))

    assert objects.find("trading", "ada") == seen(7)
    assert objects.find("trading", "bnb") is None
    assert objects.find(NOWHERE, "ada") is None


def test_an_older_version_does_not_bring_back_what_is_gone(objects: Objects) -> None:
    objects.put(seen(7))
    objects.end(seen(9))
    assert objects.find("trading", "ada") is None

    objects.put(seen(8))
    assert objects.find("trading", "ada") is None
    objects.put(seen(10, uid="u2"))
    assert objects.find("trading", "ada") == seen(10, uid="u2")


def test_the_end_of_an_earlier_object_leaves_the_later_of_its_name(objects: Objects) -> None:
    objects.put(seen(10, uid="u2"))
    objects.end(seen(9))

    assert objects.find("trading", "ada") == seen(10, uid="u2")


def test_what_a_list_lacks_is_gone_unless_it_is_newer_than_the_list(objects: Objects) -> None:
    objects.put(seen(5))
    objects.put(seen(8, "bnb"))

    assert objects.compare("trading", set(), 7) == [seen(5)]
    assert list(objects.names("trading")) == ["bnb"]


def test_a_version_that_is_older_than_a_list_without_it_is_ignored(objects: Objects) -> None:
    objects.compare("trading", set(), 7)

    objects.put(seen(6))
    assert objects.find("trading", "ada") is None
    objects.put(seen(8))
    assert objects.find("trading", "ada") == seen(8)


def test_a_list_that_is_old_takes_nothing_away(objects: Objects) -> None:
    objects.put(seen(7))
    objects.put(seen(4))

    assert objects.compare("trading", {"ada"}, 4) == []
    assert objects.find("trading", "ada") == seen(7)


def test_a_list_of_one_namespace_says_nothing_of_another(objects: Objects) -> None:
    objects.put(seen(5))

    assert objects.compare(NOWHERE, set(), 9) == []
    assert objects.listed(NOWHERE)
    assert not objects.listed("trading")
    assert objects.find("trading", "ada") == seen(5)


def test_ends_that_a_list_has_overtaken_are_forgotten(objects: Objects) -> None:
    objects.put(seen(5))
    objects.end(seen(6))
    objects.compare("trading", set(), 7)

    assert objects._ends == {}
    assert objects.version("trading", "ada") == 7


def test_what_is_remembered_cannot_be_changed_from_outside(objects: Objects) -> None:
    document = seen(5)
    objects.put(document)
    document["spec"]["seen"] = 6

    found: Any = objects.find("trading", "ada")
    found["spec"]["seen"] = 7
    assert objects.find("trading", "ada") == seen(5)


def test_only_what_the_mark_says_is_news() -> None:
    memory = Memory(relevant)
    first, reported, asked = resource(), resource(), resource(generation=2)
    for version, document in enumerate((first, reported, asked)):
        document["metadata"] |= {"resourceVersion": str(version + 1), "managedFields": []}
    reported["status"] = {"traders": 3}

    assert [memory.resources.put(each) for each in (first, reported, asked)] == [True, False, True]


def test_a_namespace_is_complete_once_both_kinds_were_listed() -> None:
    memory = Memory()
    assert not memory.complete("trading")
    memory.pods.compare("trading", set(), 1)
    assert not memory.complete("trading")
    memory.resources.compare("trading", set(), 1)
    assert memory.complete("trading")


def test_a_symbol_is_one_that_exists_or_has_a_leader_pod() -> None:
    memory = Memory()
    made = pod()
    made["metadata"]["resourceVersion"] = "5"
    made["metadata"]["managedFields"] = [{"manager": "kubelet"}]
    memory.pods.put(made)
    memory.resources.put(seen(6))

    assert memory.symbols("trading") == {"xrpusdt", "ada"}
    assert memory.symbols(NOWHERE) == set()
    kept: Any = memory.pods.find("trading", "xrpusdt-leader")
    assert "managedFields" not in kept["metadata"], "a third of a pod that nobody reads"


def test_a_leader_pod_is_known_by_its_name_whatever_its_label_says() -> None:
    copied, relabelled = pod(), pod()
    copied["metadata"]["name"] = "copy"
    relabelled["metadata"]["labels"]["tradingsymbol.dev/name"] = "ada"

    assert is_leader_pod(pod())
    assert is_leader_pod(relabelled)
    assert resource_of(relabelled) == "xrpusdt"
    assert not is_leader_pod(copied)
    assert not is_leader_pod({"metadata": {"name": "-leader", "labels": {}}})


def test_fences_are_those_of_their_symbol() -> None:
    memory = Memory()
    made = fence()
    made["metadata"]["resourceVersion"] = "5"
    objects = memory.kind_of(made)
    assert objects is memory.fences
    objects.put(made)

    (known,) = memory.fences_of(Key("trading", "xrpusdt"))
    assert known["metadata"]["name"] == made["metadata"]["name"]
    assert memory.fences_of(Key("trading", "ada")) == ()
    assert memory.symbols("trading") == {"xrpusdt"}
    assert not is_leader_pod(made)


@pytest.mark.parametrize("version", [None, "", "x", 7])
def test_what_has_no_version_is_older_than_anything(objects: Objects, version: object) -> None:
    odd = seen(1)
    odd["metadata"]["resourceVersion"] = version

    assert not objects.put(odd)
    assert objects.find("trading", "ada") is None


STEPS = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(["change", "remove", "list"])), max_size=25
)


@settings(max_examples=200, deadline=None)
@given(STEPS, st.randoms(use_true_random=False))
def test_whatever_order_all_is_told_in_the_last_state_is_known(
    steps: list[tuple[str, str]], chance: random.Random
) -> None:
    """Events, answers and lists, late, doubled and mixed: once all is told, nothing is wrong."""
    present: dict[str, dict[str, Any]] = {}
    told: list[tuple[str, Any]] = []
    for version, (name, step) in enumerate(steps, start=1):
        if step == "change":
            present[name] = seen(version, name)
            told.append(("put", present[name]))
        elif step == "remove" and name in present:
            told.append(("end", {**present.pop(name), **seen(version, name)}))
        elif step == "list":
            told.append(("list", (version, [*present.values()])))
    late = [*told, *chance.sample(told, len(told) // 2)]
    chance.shuffle(late)
    objects = Objects(version_of)
    for kind, what in late:
        if kind == "put":
            objects.put(what)
        elif kind == "end":
            objects.end(what)
        else:
            version, items = what
            for item in items:
                objects.put(item)
            objects.compare("trading", {item["metadata"]["name"] for item in items}, version)

    assert {name: objects.find("trading", name) for name in NAMES} == {
        name: present.get(name) for name in NAMES
    }
