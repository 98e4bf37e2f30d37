"""What is told of a time without the API server."""

from datetime import UTC, datetime, timedelta

from symbol_trader.resource.outage import AGAIN, Outage

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SHORTLY = timedelta(seconds=1)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


def test_it_is_told_at_once_then_seldom_and_when_it_is_over() -> None:
    told: list[str] = []
    clock = Clock()
    outage = Outage("away", lambda event, why: told.append(f"{event}: {why}"), clock)
    outage.ends()
    assert told == []

    for passed in (timedelta(0), SHORTLY, AGAIN - SHORTLY, AGAIN, AGAIN + SHORTLY, 2 * AGAIN):
        clock.now = NOON + passed
        outage.lasts("refused", "trading")
    assert told == ["away: since 2026-01-01T12:00:00Z; trading; refused"] * 3

    outage.ends()
    assert told.pop() == "away: over: it had begun at 2026-01-01T12:00:00Z"
    outage.lasts("refused")
    assert told.pop() == "away: since 2026-01-01T12:10:00Z; refused"
