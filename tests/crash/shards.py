"""Which cases a shard of the matrix has, and what its earlier runs found. Pure.

Cases are dealt along the diagonals of the matrix, so that each shard has an equal part of every
step and of every fault: cases differ in length by both. Those at requests and around limits are
few: one by one.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Self

from crash.cases import FAULTS, Case, of_limits, of_ports, of_requests

MOST = len(FAULTS)
"""So many shards at most: the diagonals of the matrix deal equal parts to no more."""


@dataclass(frozen=True, slots=True)
class Shard:
    """One of `count` parts of the matrix; `index` counts from 1."""

    index: int
    count: int

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    @property
    def file_name(self) -> str:
        """Return the name of the file that keeps its results."""
        return f"{self.index}-of-{self.count}.jsonl"

    @classmethod
    def read(cls, text: str) -> Self:
        """Read `i/n`. Raises `ValueError` unless 1 <= i <= n <= MOST."""
        index, slash, count = text.partition("/")
        shard = cls(int(index), int(count)) if slash else None
        if shard is None or not 1 <= shard.index <= shard.count <= MOST:
            raise ValueError(f"a shard is i/n with 1 <= i <= n <= {MOST}, not {text!r}")
        return shard

    def cases(self) -> list[Case]:
        """Return its cases, in an order that is always the same."""
        dealt = [
            (row + column, case)
            for row, cases in enumerate(of_ports())
            for column, case in enumerate(cases)
        ]
        few = (*of_requests(), *of_limits())
        dealt += enumerate(case for cases in few for case in cases)
        return [case for number, case in dealt if number % self.count == self.index - 1]


@dataclass(frozen=True, slots=True)
class Result:
    """What was seen of a case, as it is kept."""

    case: str
    reached: bool
    orders: int
    fills: int
    problems: tuple[str, ...] = ()
    retried: str = ""
    """Why its first run came to no verdict, if the harness failed then."""
    unjudged: bool = False
    """The harness failed again: the case has not ended, and is not kept."""

    @property
    def verdict(self) -> str:
        """Return it in a word or two."""
        if self.unjudged:
            return "no verdict"
        return "differs" if self.problems else "ok" if self.reached else "not reached"

    def line(self) -> str:
        """Return it as a line of a file."""
        return json.dumps(asdict(self)) + "\n"

    @classmethod
    def read(cls, line: str) -> Self:
        """Read what `line` wrote."""
        fields = json.loads(line)
        return cls(**{**fields, "problems": tuple(fields["problems"])})


def whole_lines(text: str) -> str:
    """Return a file's text without a last line that was cut short."""
    return text[: text.rfind("\n") + 1]


def results(text: str) -> dict[str, Result]:
    """Read a file of results, by their cases; a last line that was cut short does not count."""
    found = map(Result.read, whole_lines(text).splitlines())
    return {result.case: result for result in found}


def remaining(cases: Iterable[Case], done: Iterable[str]) -> list[Case]:
    """Return the cases that have no result yet, in their order."""
    known = frozenset(done)
    return [case for case in cases if str(case) not in known]


def ended_well(cases: Iterable[Case], done: dict[str, Result]) -> bool:
    """Return whether every case has ended, and none with a difference."""
    return all(str(case) in done and not done[str(case)].problems for case in cases)


def summary(found: Iterable[Result]) -> str:
    """Return what results add up to: a case counts once, with a difference if it ever had one."""
    by_case = {result.case: result for result in sorted(found, key=lambda r: bool(r.problems))}
    kept = by_case.values()
    differing = sum(bool(result.problems) for result in kept)
    missed = sum(not result.reached and not result.problems for result in kept)
    orders, fills = sum(result.orders for result in kept), sum(result.fills for result in kept)
    return (
        f"{len(kept)} cases, {missed} whose step was not reached, {differing} with differences; "
        f"{orders} orders and {fills} fills compared"
    )
