"""The resource that `make try` writes and a person edits."""

import pytest
import yaml

from tradingsymbol_api.documents import load_document
from tradingsymbol_api.spec import parse_resource
from trial.failure import TryError
from trial.request import STATUSES
from trial.resource import NAME, NAMESPACE, SYMBOL, fresh, status_of, with_status


def test_the_first_one_is_a_valid_resource_that_is_on() -> None:
    read = parse_resource(load_document(fresh()), refuse_unknown=True)
    assert (read.metadata.namespace, read.metadata.name) == (NAMESPACE, NAME)
    assert (read.symbol, read.spec.status.value) == (SYMBOL, "on")


@pytest.mark.parametrize("status", STATUSES)
def test_a_status_is_written_and_read_back(status: str) -> None:
    assert status_of(with_status(fresh(), status)) == status


def test_everything_else_stays_as_a_person_wrote_it() -> None:
    text = "spec:\n  # mine\n  status: on   # for now\n  budget: 250\n"
    expected = 'spec:\n  # mine\n  status: "off"   # for now\n  budget: 250\n'
    assert with_status(text, "off") == expected


@pytest.mark.parametrize("text", ["", "spec: {status: on}", "spec:\n  status: on\n  status: off\n"])
def test_a_status_without_a_line_of_its_own_is_refused(text: str) -> None:
    with pytest.raises(TryError, match="no line `status:` to write off into"):
        with_status(text, "off")


@pytest.mark.parametrize(
    ("spec", "status"), [("on", "on"), ("off", "off"), ('"on"', "on"), ("shutdown", "shutdown")]
)
def test_both_spellings_are_read(spec: str, status: str) -> None:
    assert status_of(f"spec:\n  status: {spec}\n") == status


@pytest.mark.parametrize("text", ["", "spec:", "[", "spec: {}", "- 1", "spec: {status: [on]}"])
def test_what_cannot_be_read_is_unknown(text: str) -> None:
    assert status_of(text) == "?"


def test_it_is_yaml_for_a_person() -> None:
    assert fresh().startswith("# ")
    assert yaml.safe_load(fresh())["spec"]["chunks"] == 5
