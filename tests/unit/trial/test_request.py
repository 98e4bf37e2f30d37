"""What `make try` does about what is asked for."""

import pytest

from trial.request import NOTHING_YET, Plan, plan

DRAIN = Plan("shutdown", start=True)


@pytest.mark.parametrize(
    ("asked", "known", "expected"),
    [
        (None, False, Plan("on", start=True)),
        (None, True, Plan("on", start=True)),
        ("on", True, Plan("on", start=True)),
        ("shutdown", True, DRAIN),
        ("shutdown", False, Plan(say=NOTHING_YET, refused=True)),
        ("off", False, Plan(say=NOTHING_YET, refused=True)),
    ],
)
def test_where_nothing_runs_it_starts_what_has_something_to_do(
    asked: str | None, expected: Plan, *, known: bool
) -> None:
    assert plan(asked, runs=False, known=known) == expected


def test_where_nothing_runs_off_is_only_written() -> None:
    decided = plan("off", runs=False, known=True)
    assert (decided.status, decided.start, decided.refused) == ("off", False, False)


@pytest.mark.parametrize("asked", ["on", "off", "shutdown"])
def test_a_run_is_told_and_none_is_started(asked: str) -> None:
    decided = plan(asked, runs=True, known=True)
    assert (decided.status, decided.start, decided.refused) == (asked, False, False)
    assert asked in decided.say


def test_a_second_run_is_refused_and_told_where_the_first_one_is() -> None:
    decided = plan(None, runs=True, known=True, process="4711")
    assert (decided.status, decided.start, decided.refused) == (None, False, True)
    assert "runs in this clone already (process 4711)" in decided.say
