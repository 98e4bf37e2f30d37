"""A share of the crash matrix, each step once; `make crash-matrix` runs all of it."""

import inspect
from pathlib import Path

import pytest

from crash.cases import (
    CALLS,
    CANCEL_NOTED,
    FAULTS,
    ONLY_IN_TROUBLE,
    ORDER_NOTED,
    PHASES,
    Case,
    matrix,
    share,
    steps,
)
from crash.drive import live
from symbol_trader.ports import Exchange, Ownership, Record


def test_no_call_of_the_ports_is_without_a_case() -> None:
    """Whoever adds a call adds its cases."""
    ports = {"ownership": Ownership, "record": Record, "exchange": Exchange}
    calls = {
        f"{name}.{call}"
        for name, port in ports.items()
        for call, function in inspect.getmembers(port, inspect.iscoroutinefunction)
        if call != "close"
    } - ONLY_IN_TROUBLE
    calls |= {ORDER_NOTED, CANCEL_NOTED}
    assert set(CALLS) == calls
    assert {(step.call, step.phase) for step in steps()} == {(c, p) for c in calls for p in PHASES}
    assert len(matrix()) == len(list(steps())) * len(FAULTS)


def test_the_share_has_every_fault_and_every_step() -> None:
    chosen = share()
    assert {case.fault.name for case in chosen} == {fault.name for fault in FAULTS}
    assert [case.step for case in chosen] == list(steps())


@pytest.mark.timeout(300)
@pytest.mark.parametrize("case", share(), ids=str)
async def test_a_leader_that_ends_at_a_step_leaves_nothing_lost_and_nothing_twice(
    case: Case, tmp_path: Path, database: str
) -> None:
    outcome = await live(case, tmp_path, database)
    assert outcome.problems == ()
    assert outcome.reached, "the leader never came to its step"
    assert outcome.orders >= 1
