"""`make bench ONLY=halts` at its smallest: it comes to its figures, and what must be 0 is."""

import pytest

from bench.halts import PROCESSES, Size, measure

SMALL = Size(
    pairs=3,
    symbols=2,
    per_second=20.0,
    seconds=1.0,
    clients=2 * PROCESSES,
    leaders=1,
    connections=PROCESSES,
    halts=1,
    failovers=2,
    buying_s=1.0,
)


@pytest.mark.timeout(600)
async def test_halts_and_limits_are_measured() -> None:
    rows = await measure(SMALL)
    assert {value for _, value, goal in rows if goal == "goal: 0"} == {"0"}
    assert sum(goal.startswith("goal") for _, _, goal in rows) == 8
