"""YAML as people write it: a number is what it looks like, or it is refused by name."""

import pytest
import yaml

from tradingsymbol_api.documents import MisleadingNumberError, load_document


@pytest.mark.parametrize(
    ("written", "read"),
    [("0100", 64), ("0x64", 100), ("0b11", 3), ("1_000", 1000), ("1:30", 90), ("-010", -8)],
)
def test_a_number_that_is_another_to_yaml_is_refused(written: str, read: int) -> None:
    assert yaml.safe_load(written) == read
    with pytest.raises(MisleadingNumberError) as refusal:
        load_document(f"spec: {{chunks: 5, budget: {written}}}")
    assert str(refusal.value) == (
        f"spec.budget is written {written}, which YAML reads as {read}: "
        f"write it in decimal digits without leading zeros, such as {read}"
    )


@pytest.mark.parametrize("written", ["0", "100", "-5", "+7", '"0100"', "0o100", "1e3", "08", "x"])
def test_what_looks_like_what_it_is_is_read(written: str) -> None:
    assert load_document(f"[{written}]") == [yaml.safe_load(written)]


def test_each_is_named_wherever_it_is() -> None:
    with pytest.raises(MisleadingNumberError, match=r"^a\.1\.b is written 010.*; c is written 0x1"):
        load_document("{a: [1, {b: 010}], c: 0x1}")


def test_an_anchor_that_leads_back_to_itself_is_no_trap() -> None:
    document = load_document("&a {again: *a}")
    assert document["again"] is document


@pytest.mark.parametrize("text", ["", "# nothing"])
def test_an_empty_text_is_nothing(text: str) -> None:
    assert load_document(text) is None
