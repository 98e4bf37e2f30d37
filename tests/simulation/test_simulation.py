"""The whole core under faults, in virtual time, against the paper exchange's engine.

What is checked after every step is listed at the top of `auditor.py`; what goes wrong, in
`weather.py`. `PYTHONPATH=tests python -m simulation --seed N` replays a seed and tells its story.
"""

import pytest

from simulation.tally import Tally
from simulation.world import World

SEEDS = 200
MUST_BE_SEEN = (
    "crashes after an intent",
    "crashes after a request",
    "crashes after the record",
    "crashes before an intent",
    "crashes before the record",
    "cycles",
    "late requests refused",
    "orders absent",
    "orders canceled",
    "orders canceled by hand",
    "orders expired",
    "orders refused",
    "partial fills",
    "reports lost",
    "reports out of order",
    "reports repeated",
    "requests of a frozen process",
    "said: canceling order",
    "said: order in doubt",
    "said: order proved absent",
    "said: rebuy triggered",
    "said: trader is blocked",
    "switched to on",
    "switched to shutdown",
    "traders held",
    "traders stranded",
)
"""A run in which one of these never happened would not have tested it."""


@pytest.mark.timeout(180)
def test_every_seed_keeps_the_promises(capsys: pytest.CaptureFixture[str]) -> None:
    tally = Tally()
    for seed in range(SEEDS):
        run(seed, tally)

    with capsys.disabled():
        print(f"\n{tally.table()}")
    assert [what for what in MUST_BE_SEEN if not tally[what]] == []


def run(seed: int, tally: Tally) -> None:
    """Run a seed; a failure names it."""
    try:
        World(seed, tally).run()
    except Exception as exc:
        exc.add_note(f"replay it: PYTHONPATH=tests python -m simulation --seed {seed}")
        raise


def test_a_seed_is_a_whole_story() -> None:
    """The same seed tells the same story, so a failure can be looked at again."""

    def story(seed: int) -> list[str]:
        lines: list[str] = []
        World(seed, Tally(), lambda now, what, facts: lines.append(f"{now} {what} {facts}")).run()
        return lines

    assert story(3) == story(3) != story(4)
