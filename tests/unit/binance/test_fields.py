"""Foreign JSON is read exactly, or refused with the name of the field that offends."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbol_trader.binance.fields import Fields, PayloadError, excerpt, objects, parse


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        '"text"',
        '{"x": NaN}',
        '{"x": Infinity}',
        b"\xff",
        "[" * 100_000,
        '{"x": 1e99999999999999999999}',
        "{} {}",
    ],
    ids=[
        *("empty", "cut", "null", "array", "string", "nan", "infinity"),
        *("not-utf8", "deep", "huge", "more"),
    ],
)
def test_a_message_is_a_json_object(text: str | bytes) -> None:
    with pytest.raises(PayloadError, match="message"):
        parse(text)


@pytest.mark.parametrize("text", ['{"x": "é"}', ' \r\n\t{"x": "é"} \n', '{"x": "é"}'.encode()])
def test_a_message_may_have_space_around_it_and_be_binary(text: str | bytes) -> None:
    assert parse(text).text("x") == "é"


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("text", "NEW", 1),
        ("text", "NEW", "N\0W"),
        ("text", "币安", "币\0"),
        ("text", "币安", "\ud800"),
        ("integer", 7, True),
        ("integer", 7, "7"),
        ("integer", 7, Decimal("7.5")),
        ("flag", False, 0),
        ("decimal", "0.10", "ten"),
        ("decimal", "0.10", "NaN"),
        ("decimal", "0.10", "1_0"),
        ("decimal", "0.10", True),
        ("decimal", "0.10", None),
        ("child", {}, []),
    ],
)
def test_a_value_of_another_kind_is_refused_by_name(kind: str, good: Any, bad: Any) -> None:
    getattr(Fields({"x": good}, "order"), kind)("x")

    with pytest.raises(PayloadError, match=r"order\.x: .* was expected, not"):
        getattr(Fields({"x": bad}, "order"), kind)("x")


@pytest.mark.parametrize("kind", ["raw", "text", "integer", "flag", "decimal", "child", "children"])
def test_a_missing_field_is_named(kind: str) -> None:
    with pytest.raises(PayloadError) as caught:
        getattr(Fields({}, "order"), kind)("x")

    assert caught.value.field == "order.x"
    assert str(caught.value) == "unreadable payload: order.x: missing"


def test_the_path_leads_to_the_offending_element() -> None:
    outer = Fields({"fills": [{"qty": "1"}, {"qty": "?"}]}, "order")

    with pytest.raises(PayloadError, match=r"order\.fills\[1\]\.qty"):
        [fill.decimal("qty") for fill in outer.children("fills")]


def test_what_is_no_array_of_objects_is_refused() -> None:
    with pytest.raises(PayloadError, match="trades: an array was expected"):
        objects({}, "trades")
    with pytest.raises(PayloadError, match=r"trades\[0\]: an object was expected"):
        list(objects([1], "trades"))


def test_an_error_does_not_repeat_a_long_value() -> None:
    with pytest.raises(PayloadError) as caught:
        Fields({"x": "y" * 10_000}, "order").integer("x")

    assert len(str(caught.value)) < 150


def test_null_counts_as_absent() -> None:
    assert "N" not in Fields({"N": None}, "event")
    assert "N" in Fields({"N": "XRP"}, "event")


@given(st.decimals(-(10**20), 10**20, places=8))
def test_decimals_are_exact_as_text_and_as_numbers(value: Decimal) -> None:
    fields = parse(f'{{"text": "{value:f}", "number": {value:f}}}')

    assert fields.decimal("text") == value
    assert fields.decimal("number") == value
    assert isinstance(fields.raw("number"), Decimal)


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ('{"id":1,"result":{"apiKey":"vmPUZE6m', '\'{"id":1,"result":{"apiKey":…'),
        (b'{"result": {"apiKey" : "vm"}}\xff', 'b\'{"result": {"apiKey" : …}}\\xff\''),
        ("x" * 10_000, f"'{'x' * 59}…"),
    ],
    ids=["cut", "binary", "long"],
)
def test_what_is_shown_of_a_message_holds_no_key(message: str | bytes, shown: str) -> None:
    assert excerpt(message) == shown
