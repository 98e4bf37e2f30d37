"""What the flags that several commands share accept."""

from datetime import UTC, datetime, timedelta

import click
import pytest

from symbol_trader.options import ExchangeOptions, Options, Since


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("24h", timedelta(hours=24)),
        ("7d", timedelta(days=7)),
        ("90m", timedelta(minutes=90)),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T12:00:00+02:00", datetime(2026, 1, 31, 10, tzinfo=UTC)),
    ],
)
def test_a_time_is_a_date_or_a_duration(text: str, meaning: object) -> None:
    assert Since().convert(text, None, None) == meaning


@pytest.mark.parametrize("text", ["", "yesterday", "24", "-1h", "2026-13-01"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(click.BadParameter, match="24h"):
        Since().convert(text, None, None)


def test_no_option_shows_a_secret() -> None:
    entry = ("paper", "wss://a", "wss://b", "hunter2", "hunter2", 1)
    shown = repr(ExchangeOptions(*entry)) + repr(
        Options(*entry, "postgresql://u:hunter2@db/x", 1, 1, 1.0, "", 0, "json")
    )
    assert "hunter2" not in shown
