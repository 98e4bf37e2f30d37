"""What is shown of a leader without a cluster, and how a part's end is told."""

import json
import signal

import pytest

from demo.snapshot import Book, Order, Snapshot
from trial import observer
from trial.part import ending_of
from trial.stop import Stopped

ORDER = {"trader": "t1", "side": "BUY", "price": "0.56", "quantity": "35", "executed": "21"}
BOOK = {"orders": [ORDER], "fills": 3, "finished": 4, "running": 2, "profit": "0.12"}
SAID = '{"event": "buy open", "timestamp": "2026-11-22T21:17:41Z", "trader": "t1"}'


def test_a_snapshot_is_put_together() -> None:
    seen = observer.read(
        status="on", answer=(200, "ready"), book=json.dumps(BOOK), story=SAID, leader="process 7"
    )
    assert seen == Snapshot(
        requested="on",
        ready=True,
        traders=2,
        open_orders=1,
        profit="0.12",
        quote="USDT",
        leader="process 7",
        book=Book((Order(**ORDER),), 3, 4, 2, "0.12"),
        story=("21:17:41  t1             buy open",),
    )
    assert seen.trades


def test_what_a_leader_misses_is_shown() -> None:
    seen = observer.read(
        status="on", answer=(503, "missing: database"), book="", story="", leader="process 7"
    )
    assert (seen.ready, seen.problems) == (False, ("missing: database",))


def test_a_leader_that_does_not_answer_yet_has_no_problem() -> None:
    seen = observer.read(status="?", answer=(0, ""), book="", story="", leader="process 7")
    assert seen == Snapshot(quote="USDT", leader="process 7")


@pytest.mark.parametrize(
    ("code", "text"), [(-9, "killed by SIGKILL"), (1, "with exit code 1"), (0, "with exit code 0")]
)
def test_the_end_of_a_part_is_told(code: int, text: str) -> None:
    assert ending_of(code) == text


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_ctrl_c_is_the_way_to_end_it(number: signal.Signals, code: int) -> None:
    assert Stopped(number).exit_code == code
