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
    RENEWAL,
    REQUESTS,
    SLOT,
    SUBSCRIBE_SIGNED,
    Case,
    Entry,
    matrix,
    of_requests,
    request_steps,
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
    assert [case.step for case in matrix()[:: len(FAULTS)]][: len(list(steps()))] == list(steps())


def test_no_request_is_without_a_case() -> None:
    """Each with what can befall it, and a renewal; none of them on the wrong entry."""
    cases = [case for row in of_requests() for case in row]
    assert {case.step.call for case in cases} == {*REQUESTS, SLOT, RENEWAL}
    hmac = {case.step.call for case in cases if case.entry is Entry.PAPER}
    assert hmac == {SUBSCRIBE_SIGNED}
    assert len({str(case) for case in matrix()}) == len(matrix())


def test_the_share_has_every_fault_and_every_step() -> None:
    chosen = share()
    assert {case.fault.name for case in chosen} >= {fault.name for fault in FAULTS}
    ports, requests = chosen[: len(list(steps()))], chosen[len(list(steps())) :]
    assert [case.step for case in ports] == list(steps())
    assert [c.step for c in requests] == [s for s in request_steps() if s.phase == "during"]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("case", share(), ids=str)
async def test_a_leader_that_ends_at_a_step_leaves_nothing_lost_and_nothing_twice(
    case: Case, tmp_path: Path, database: str
) -> None:
    outcome = await live(case, tmp_path, database)
    assert outcome.problems == ()
    assert outcome.reached, "the leader never came to its step"
    assert outcome.orders >= 1
