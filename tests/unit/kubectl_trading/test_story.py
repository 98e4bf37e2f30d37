"""Lines of a leader's log as a person reads them."""

import json

import pytest

from kubectl_trading.story import readable

WARNED = {
    "event": "waiting",
    "why": "no word",
    "level": "warning",
    "count": 3,
    "in": ["a"],
    "timestamp": "2026-01-01T12:00:00.123456Z",
}


@pytest.mark.parametrize(
    ("line", "read"),
    [
        (
            json.dumps(WARNED),
            '2026-01-01 12:00:00Z  WARNING  waiting  why=no word  count=3  in=["a"]',
        ),
        ('{"event": "bought"}', "bought"),
        ('{"level": "info"}', '{"level": "info"}'),
        ("[1, 2]", "[1, 2]"),
        ("Traceback (most recent call last):", "Traceback (most recent call last):"),
        ("", ""),
    ],
)
def test_json_is_read_and_all_else_is_left(line: str, read: str) -> None:
    assert readable(line) == read
