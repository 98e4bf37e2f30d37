"""Shards of the crash matrix: every case once, equal parts, and results that outlive a kill."""

import subprocess
from collections import Counter
from pathlib import Path

import pytest

from crash.cases import CALLS, FAULTS, matrix, steps
from crash.harness import harness_reason
from crash.ledger import Unusable, opened, tree_state
from crash.shards import MOST, Result, Shard, ended_well, remaining, results, summary
from paper_exchange.shell.admin_client import AdminRefusedError
from symbol_trader.errors import DatabaseUnavailable

COUNTS = [1, 2, 4, 9, 16, MOST]
CASE = Shard(1, 27).cases()[0]


@pytest.mark.parametrize("count", COUNTS)
def test_every_case_is_in_exactly_one_shard(count: int) -> None:
    dealt = [str(case) for index in range(1, count + 1) for case in Shard(index, count).cases()]
    assert Counter(dealt) == Counter(map(str, matrix()))


@pytest.mark.parametrize("count", COUNTS)
def test_a_shard_has_an_equal_part_of_every_step_and_of_every_fault(count: int) -> None:
    shards = [Shard(index, count).cases() for index in range(1, count + 1)]
    for step in steps():
        parts = [sum(not c.rule and c.step == step for c in cases) for cases in shards]
        assert max(parts) - min(parts) <= 1
    for fault in FAULTS:
        of_ports = [[c for c in cases if c.step.call in CALLS and not c.rule] for cases in shards]
        parts = [sum(case.fault is fault for case in cases) for cases in of_ports]
        assert max(parts) - min(parts) <= 1
    sizes = list(map(len, shards))
    assert max(sizes) - min(sizes) <= len(FAULTS) // 4


def test_a_shard_is_the_same_each_time() -> None:
    assert Shard(3, 16).cases() == Shard.read("3/16").cases()
    assert str(Shard.read("3/16")) == "3/16"


@pytest.mark.parametrize("text", ["", "3", "0/4", "5/4", "-1/4", "1/0", "a/b", "1/2/3", "1/28"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Shard.read(text)


def test_what_was_kept_is_not_run_again_and_a_line_cut_short_is() -> None:
    first, second, *rest = cases = Shard(1, 27).cases()
    kept = [Result(str(first), True, 3, 2), Result(str(second), False, 1, 0, ("a", "b"), "port")]
    text = "".join(result.line() for result in kept)
    assert list(results(text).values()) == kept
    assert remaining(cases, results(text)) == rest
    assert remaining(cases, results(text[:-9])) == [second, *rest]


def test_a_shard_ends_well_only_when_every_case_ended_without_a_difference() -> None:
    cases = Shard(1, 27).cases()
    done = {str(case): Result(str(case), True, 1, 1) for case in cases}
    name = str(cases[-1])
    assert ended_well(cases, done)
    assert not ended_well(cases, {**done, name: Result(name, True, 1, 1, ("differs",))})
    assert not ended_well(cases, {n: result for n, result in done.items() if n != name})


def test_a_case_that_two_files_hold_counts_once() -> None:
    kept = Result("a", True, 3, 2)
    told = summary([kept, kept, Result("b", False, 1, 0), Result("c", True, 0, 0, ("x",))])
    assert told.startswith("3 cases, 1 whose step was not reached, 1 with differences; 4 orders")


def test_a_difference_in_one_file_is_not_hidden_by_another() -> None:
    differs, ended = Result("a", True, 3, 2, ("x",)), Result("a", True, 3, 2)
    assert "1 with differences" in summary([differs, ended])
    assert "1 with differences" in summary([ended, differs])


def test_only_a_failure_of_the_harness_is_told_apart() -> None:
    away = AdminRefusedError("no answer")
    away.__cause__ = TimeoutError("timed out during opening handshake")
    assert harness_reason(away) == "no answer"
    assert harness_reason(AssertionError("' serving ': [Errno 98] address already in use"))
    assert harness_reason(DatabaseUnavailable("closed")) == "closed"
    assert harness_reason(AssertionError("'starting trading' was said 0 times of 1:\n"))
    assert harness_reason(AssertionError("'sell open' was said 0 times of 1:\nbuy open")) is None
    assert harness_reason(AdminRefusedError("unknown fault")) is None
    assert harness_reason(AssertionError("it did not end within 120 s")) is None
    assert harness_reason(TimeoutError()) is None


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / ".gitignore").write_text("/.crash-matrix/\n")
    (tmp_path / "code.py").write_text("a\n")
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
        name = ["-c", "user.name=x", "-c", "user.email=x@localhost"]
        subprocess.run(["git", *name, *command], cwd=tmp_path, check=True)
    return tmp_path


def test_a_tree_with_local_changes_is_another_state_for_each_change(checkout: Path) -> None:
    committed = tree_state(checkout)
    (checkout / "code.py").write_text("b\n")
    changed = tree_state(checkout)
    (checkout / "new.py").write_text("c\n")
    grown = tree_state(checkout)
    assert "dirty" not in committed
    assert changed.startswith(f"{committed}-dirty-")
    assert grown.startswith(f"{committed}-dirty-")
    assert changed != grown
    (checkout / "new.py").unlink()
    (checkout / "code.py").write_text("a\n")
    assert tree_state(checkout) == committed


def test_no_checkout_is_said(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="kept by commit"):
        tree_state(tmp_path)


def test_results_are_there_again_for_their_state_and_no_other(checkout: Path) -> None:
    state, shard, kept = tree_state(checkout), Shard(1, 27), Result(str(CASE), True, 3, 2)
    with opened(checkout, state, shard) as ledger:
        ledger.add(kept)
        path = checkout / ".crash-matrix" / state / "1-of-27.jsonl"
        assert path.read_text() == kept.line()
    path.write_text(kept.line() + kept.line()[:20])
    with opened(checkout, state, shard) as ledger:
        assert ledger.done == {str(CASE): kept}
        ledger.add(other := Result("another", True, 1, 1))
    with opened(checkout, state, Shard(2, 27)) as ledger:
        assert ledger.done == {}
        assert ledger.of_all_shards() == [kept, other]
    with opened(checkout, f"{state}-dirty-1", shard) as ledger:
        assert ledger.done == {}
    assert tree_state(checkout) == state


def test_a_shard_runs_once_at_a_time(checkout: Path) -> None:
    with (
        opened(checkout, "state", Shard(1, 2)),
        pytest.raises(Unusable, match="shard 1/2 is running"),
        opened(checkout, "state", Shard(1, 2)),
    ):
        pass
