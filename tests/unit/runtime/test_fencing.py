"""Fencing a leader that nobody can reach: take, wait, release, whatever the record does."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest
import structlog

from symbol_trader.errors import DatabaseUnavailable, SchemaMismatch
from symbol_trader.identity import Epoch, LedgerKey
from symbol_trader.runtime.endings import Ending
from symbol_trader.runtime.fencing import fence
from symbol_trader.runtime.retry_policy import RetryPolicy
from symbol_trader.runtime.story import Story
from tradingsymbol_api.conditions import LeaderReason
from tradingsymbol_api.pod import Cause
from unit.runtime.virtual import run

LEDGER = LedgerKey("paper", "354937868", "XRPUSDT")
TAKEN = {LEDGER: Epoch(7, "nonce")}
WAIT_S = 14.0


class Record:
    """Answers as it is told, one thing after the other, and remembers when it was asked."""

    def __init__(self, *answers: Mapping[LedgerKey, Epoch] | Exception) -> None:
        self._answers = list(answers)
        self.takes: list[float] = []
        self.released: list[tuple[float, Mapping[LedgerKey, Epoch]]] = []

    async def take(self) -> Mapping[LedgerKey, Epoch]:
        self.takes.append(asyncio.get_running_loop().time())
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def release(self, taken: Mapping[LedgerKey, Epoch]) -> Sequence[LedgerKey]:
        self.released.append((asyncio.get_running_loop().time(), taken))
        return list(taken)


def fenced(
    record: Record, *, release: bool = True
) -> tuple[Ending, Sequence[Mapping[str, object]]]:
    """Run it to its end; return how it ended and what it said."""
    with structlog.testing.capture_logs() as said:
        ending = run(
            fence(
                record.take,
                record.release if release else None,
                wait_s=WAIT_S,
                retry_policy=RetryPolicy(),
                story=Story(structlog.get_logger()),
            )
        )
    return ending, said


def test_what_was_taken_is_released_when_nothing_can_be_under_way_any_more() -> None:
    record = Record(TAKEN)
    ending, _ = fenced(record)
    assert ending == Ending(
        Cause.FENCED,
        "the lost leader is over: epoch 7 of XRPUSDT (account 354937868, paper), released",
    )
    (taken_s,), ((released_s, released),) = record.takes, record.released
    assert released_s - taken_s >= WAIT_S
    assert released == TAKEN


def test_what_another_leader_goes_on_with_is_not_released() -> None:
    record = Record(TAKEN)
    ending, _ = fenced(record, release=False)
    assert record.released == []
    assert ending.message.endswith("epoch 7 of XRPUSDT (account 354937868, paper)")


def test_a_leader_that_held_nothing_is_waited_for_too() -> None:
    """Another one took its epoch, perhaps a moment ago: requests may be under way."""
    record = Record({})
    ending, _ = fenced(record)
    ((released_s, _),) = record.released
    assert released_s >= WAIT_S
    assert ending.message.endswith("it held no ledger, and can take none any more")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (DatabaseUnavailable("away"), LeaderReason.DATABASE_UNREACHABLE),
        (SchemaMismatch("too old"), LeaderReason.SCHEMA_MISMATCH),
    ],
)
def test_a_record_that_cannot_be_reached_is_tried_until_it_can(
    error: Exception, reason: LeaderReason
) -> None:
    record = Record(*[error] * 20, TAKEN)
    ending, said = fenced(record)
    assert ending.cause is Cause.FENCED
    assert len(record.takes) == 21
    pauses = [
        later - earlier for earlier, later in zip(record.takes, record.takes[1:], strict=False)
    ]
    assert max(pauses) <= RetryPolicy().most_s + 0.01
    waiting = [line for line in said if line["event"] == "waiting"]
    assert [(line["reason"], line["why"]) for line in waiting] == [(reason, str(error))]
