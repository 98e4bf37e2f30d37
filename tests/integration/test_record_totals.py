"""The database's sums are the leader's, whatever it lived through: both count on their own."""

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from support.recorded import claim, opened
from symbol_trader.core.records import RecordChange, Snapshot
from unit.core.play import FEES, Play

STEPS = 150


def draw(random: Random) -> tuple[str, Any]:
    """Draw a step of a play."""
    kind = random.choice(("price", "price", "fill", "fill", "fill", "end", "wait", "restart"))
    facts: dict[str, Any] = {
        "price": random.randint(150, 260),
        "fill": (random.randint(0, 9), random.randint(1, 10), random.choice(FEES)),
        "end": random.randint(0, 9),
        "wait": random.randint(0, 90_000),
        "restart": None,
    }
    return kind, facts[kind]


def played(seed: int) -> tuple[Play, list[list[RecordChange]]]:
    """Return a play that is over, and what it recorded, one commit after another."""
    random = Random(seed)
    play = Play(chunks=3, budget=60)
    record = play.desk.record
    commits: list[list[RecordChange]] = [[row.beginning for row in record.traders.values()]]
    note = record.note

    def remember(changes: Sequence[RecordChange]) -> None:
        note(changes)
        commits.append(list(changes))

    record.note = remember  # type: ignore[method-assign]  # replaced for the test
    for _ in range(STEPS):
        play.step(*draw(random))
    return play, commits


def sums(snapshot: Snapshot) -> tuple[object, ...]:
    """Return what a leader takes over of the traders before."""
    fees = sorted((f.client_order_id, f.trade_id) for f in snapshot.unvalued_fees)
    return snapshot.profit, snapshot.finished, snapshot.carried, snapshot.carried_cost, fees


@pytest.mark.parametrize("seed", range(3))
async def test_a_leader_that_starts_finds_the_sums_that_the_last_one_had(
    database: str, seed: int
) -> None:
    play, commits = played(seed)
    async with opened(database) as record:
        await claim(record)
        for changes in filter(None, commits):
            await record.note(changes)
        snapshot = await record.load()

    assert sums(snapshot) == sums(play.desk.record.load())
    assert snapshot.finished > 3, "something happened"
    assert snapshot.carried_cost != 0
