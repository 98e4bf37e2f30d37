"""Readers of what others wrote return what they promise, whatever stands there."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.anything import ANYTHING, HUGE, nested
from tradingsymbol_api.reading import (
    NUMBER_MAX,
    holds,
    mapping,
    number,
    objects,
    parse_time,
    shown,
    text,
    texts,
)

DOCUMENT = {"a": {"b": 1, "t": "x", "n": None, "l": [{}, 1, "y", None]}}


def test_what_is_there_is_returned() -> None:
    assert mapping(DOCUMENT, "a")["b"] == 1
    assert number(DOCUMENT, "a", "b") == 1
    assert text(DOCUMENT, "a", "t") == "x"
    assert objects(DOCUMENT, "a", "l") == [{}]
    assert texts(DOCUMENT, "a", "l") == ["y"]
    assert holds(DOCUMENT, "a", "n")
    assert not holds(DOCUMENT, "a", "m")


@pytest.mark.parametrize(
    "value",
    [True, 1.0, float("nan"), NUMBER_MAX + 1, -HUGE, "1"],
    ids=["a boolean", "a float", "no number", "one more", "huge", "a text"],
)
def test_a_number_is_a_whole_one_of_64_bits(value: object) -> None:
    assert number(value) == 0
    assert number(NUMBER_MAX) == NUMBER_MAX


def test_times_are_aware() -> None:
    assert parse_time("2026-01-01T12:00:00Z") == datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert parse_time("") is None


@given(st.text())
def test_a_time_is_one_or_none(moment: str) -> None:
    found = parse_time(moment)
    assert found is None or found.tzinfo is UTC


def test_lone_surrogates_are_replaced() -> None:
    """UTF-8 has none, so neither a request nor a log line could hold them."""
    assert text("a\ud800ö") == "a?ö"
    assert texts(["\udfff"]) == ["?"]


@given(ANYTHING, st.lists(st.text(), max_size=3))
def test_each_reader_takes_anything(document: Any, path: list[str]) -> None:
    assert isinstance(mapping(document, *path), dict)
    assert all(isinstance(item, dict) for item in objects(document, *path))
    assert all(item.encode() is not None for item in texts(document, *path))
    assert text(document, *path).encode() is not None
    assert abs(number(document, *path)) <= NUMBER_MAX
    assert shown(document).encode() is not None
    assert holds(document, "a") in {True, False}


def test_what_is_shown_is_short() -> None:
    assert len(shown("x" * 10**6)) < 300
    assert len(shown(nested(4000))) < 300
    assert len(shown(-HUGE)) < 300
