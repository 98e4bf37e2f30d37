"""A share of the crash matrix, each step once; `make crash-matrix` runs all of it."""

import inspect
from pathlib import Path

import pytest

from crash.cases import (
    AROUND,
    CALLS,
    CANCEL_NOTED,
    FAULTS,
    LIMIT_EXISTS,
    ONLY_IN_TROUBLE,
    ONLY_WITH_LIMITS,
    ORDER_NOTED,
    PHASES,
    RENEWAL,
    REPORT_LIMIT,
    REQUESTS,
    SLOT,
    SUBSCRIBE_SIGNED,
    Case,
    Entry,
    Rule,
    Way,
    matrix,
    of_limits,
    of_requests,
    request_steps,
    share,
    steps,
)
from crash.lives import live
from symbol_trader.ports import AccountLimits, Exchange, Ownership, Record


def test_no_call_of_the_ports_is_without_a_case() -> None:
    """Whoever adds a call adds its cases."""
    ports = {
        "ownership": Ownership,
        "record": Record,
        "exchange": Exchange,
        "limits": AccountLimits,
    }
    calls = {
        f"{name}.{call}"
        for name, port in ports.items()
        for call, function in inspect.getmembers(port, inspect.iscoroutinefunction)
        if call != "close"
    }
    around = {call for calls in AROUND.values() for call in calls}
    assert around - {LIMIT_EXISTS, REPORT_LIMIT, ORDER_NOTED} <= calls
    assert around >= ONLY_WITH_LIMITS
    calls -= ONLY_IN_TROUBLE | ONLY_WITH_LIMITS
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


def test_all_that_can_be_lost_is_lost_around_every_rule() -> None:
    cases = [case for row in of_limits() for case in row]
    assert {case.rule for case in cases} == set(Rule)
    for rule in Rule:
        steps_ = [case.step for case in cases if case.rule is rule]
        assert {(step.phase, step.way) for step in steps_} == {(p, w) for p in PHASES for w in Way}
    assert {case.step.way for case in share() if case.rule} == set(Way)


def test_the_share_has_every_fault_and_every_step() -> None:
    chosen = [case for case in share() if not case.rule]
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
