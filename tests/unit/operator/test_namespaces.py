"""Which namespaces are served, what is said about it, and what follows."""

import logging
from typing import Any

import pytest

from symbol_operator.decide.census import Census
from symbol_operator.runtime.errors import RefusedError, UnavailableError
from symbol_operator.runtime.health import Watches
from symbol_operator.runtime.memory import Key
from symbol_operator.runtime.metrics import Metrics
from symbol_operator.runtime.namespaces import (
    COMPARISON,
    NEEDED,
    PODS,
    Namespaces,
    compare_one,
    look,
)
from tradingsymbol_api.names import PLURAL

NAMES = ("island", "other")
KEY = Key("island", "xrpusdt")
FORBIDDEN = "pods is forbidden"


class Fixture:
    """The account of two namespaces, and what it led to."""

    def __init__(self, *, acts: bool = True) -> None:
        self.metrics = Metrics()
        self.changes: list[tuple[str, bool]] = []
        watches = Watches(NEEDED, NAMES)
        self.namespaces = Namespaces(NAMES, watches, self.metrics, self._changed)
        if acts:
            self.namespaces.acting(True, "")

    def _changed(self, namespace: str, served: bool) -> None:
        self.changes.append((namespace, served))

    def serve(self, *names: str) -> None:
        for name in names:
            self.namespaces.claimed(name, True, "")
            for kind in NEEDED:
                self.namespaces.stood(kind, name)

    @property
    def shown(self) -> set[str]:
        """The lines of the metrics that are about a namespace."""
        lines = self.metrics.render().decode().splitlines()
        return {line for line in lines if "{namespace=" in line}


@pytest.fixture
def fixture(caplog: pytest.LogCaptureFixture) -> Fixture:
    caplog.set_level(logging.INFO, "symbol_operator.runtime.namespaces")
    return Fixture()


def served(name: str, value: float) -> str:
    return f'symbol_operator_namespace_served{{namespace="{name}"}} {value}'


CLAIM = "claim"


@pytest.mark.parametrize("missing", [*NEEDED, CLAIM])
def test_a_namespace_is_served_once_all_stands(fixture: Fixture, missing: str) -> None:
    for kind in NEEDED:
        if kind != missing:
            fixture.namespaces.stood(kind, "island")
    if missing != CLAIM:
        fixture.namespaces.claimed("island", True, "")
    assert not fixture.namespaces.served("island")
    assert fixture.changes == []
    assert fixture.shown == {served("island", 0.0), served("other", 0.0)}

    if missing == CLAIM:
        fixture.namespaces.claimed("island", True, "")
    else:
        fixture.namespaces.stood(missing, "island")
    assert fixture.namespaces.served("island")
    assert fixture.changes == [("island", True)]
    assert fixture.shown == {served("island", 1.0), served("other", 0.0)}


def test_one_that_stands_by_serves_nothing_and_tells_nothing_of_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Another one does; what both told would count twice."""
    caplog.set_level(logging.INFO, "symbol_operator.runtime.namespaces")
    fixture = Fixture(acts=False)
    fixture.namespaces.acting(False, "first acts")
    for kind in NEEDED:
        fixture.namespaces.stood(kind, "island")
    fixture.namespaces.fell(PODS, "other", FORBIDDEN)
    assert not fixture.namespaces.served("island")
    assert fixture.shown == set()
    assert "symbol_operator_acting 0.0" in fixture.metrics.render().decode()

    fixture.namespaces.acting(True, "")
    assert fixture.shown == {served("island", 0.0), served("other", 0.0)}
    fixture.namespaces.claimed("island", True, "")
    assert fixture.changes == [("island", False), ("other", False), ("island", True)]
    assert fixture.shown == {served("island", 1.0), served("other", 0.0)}
    assert "symbol_operator_acting 1.0" in fixture.metrics.render().decode()
    assert [record.message for record in caplog.records] == [
        "This operator stands by: first acts",
        "This operator acts from now on",
        f"Namespace other is not served: {FORBIDDEN}",
        "Namespace island is served",
    ]


def test_one_that_acts_no_more_serves_nothing_until_its_claims_are_confirmed(
    fixture: Fixture,
) -> None:
    fixture.serve(*NAMES)
    fixture.metrics.counted("island", Census(symbols=3, wanted=2, stalled=1, leaders=2))
    fixture.namespaces.acting(False, "away")
    assert fixture.shown == set()
    assert fixture.changes[2:] == [("island", False), ("other", False)]

    fixture.namespaces.acting(True, "")
    assert not fixture.namespaces.served("island")
    fixture.namespaces.claimed("island", True, "")
    assert fixture.namespaces.served("island")


def test_who_has_claimed_a_namespace_is_said_once(
    fixture: Fixture, caplog: pytest.LogCaptureFixture
) -> None:
    fixture.serve("island")
    for _ in range(2):
        fixture.namespaces.claimed("island", False, "b/symbol-operator has claimed it")
    assert not fixture.namespaces.served("island")
    assert [record.message for record in caplog.records][-1:] == [
        "Namespace island is not served: b/symbol-operator has claimed it"
    ]
    assert len(caplog.records) == 2


def test_a_claim_that_fails_with_the_watches_is_no_cause_of_its_own(
    fixture: Fixture, caplog: pytest.LogCaptureFixture
) -> None:
    """The namespace is gone; when it is back, the claim is not there yet."""
    fixture.serve("island")
    fixture.namespaces.fell(PODS, "island", FORBIDDEN)
    fixture.namespaces.claimed("island", False, "leases not found")
    fixture.namespaces.stood(PODS, "island")
    assert not fixture.namespaces.served("island")
    fixture.namespaces.claimed("island", True, "")
    assert [record.message for record in caplog.records] == [
        "Namespace island is served",
        f"Namespace island is not served: {FORBIDDEN}",
        "Namespace island is served",
    ]


@pytest.mark.parametrize("kind", NEEDED)
def test_what_is_counted_of_a_namespace_that_is_not_served_goes(
    fixture: Fixture, kind: str
) -> None:
    """It may be so no longer; the other namespace's stays."""
    fixture.serve(*NAMES)
    for name in NAMES:
        fixture.metrics.counted(name, Census(symbols=3, wanted=2, stalled=1, leaders=2))

    fixture.namespaces.fell(kind, "island", FORBIDDEN)

    assert fixture.changes[2:] == [("island", False)]
    about = {line for line in fixture.shown if "island" in line}
    assert about == {served("island", 0.0)}
    assert len(fixture.shown - about) == 5


def test_a_count_of_a_namespace_whose_watches_do_not_stand_goes(fixture: Fixture) -> None:
    fixture.metrics.counted("island", Census(symbols=3, wanted=2, stalled=1, leaders=2))
    fixture.namespaces.stood(COMPARISON, "island")

    assert fixture.shown == {served("island", 0.0), served("other", 0.0)}


def test_each_change_is_one_line(fixture: Fixture, caplog: pytest.LogCaptureFixture) -> None:
    """One cause shows itself at each watch, again and again."""
    fixture.serve(*NAMES)
    for _ in range(3):
        fixture.namespaces.fell(COMPARISON, "island", "symbols are forbidden")
        fixture.namespaces.fell(PODS, "island", FORBIDDEN)
        fixture.namespaces.fell(PLURAL, "island", "watching is forbidden")
    fixture.serve("island")

    assert [record.message for record in caplog.records] == [
        "Namespace island is served",
        "Namespace other is served",
        "Namespace island is not served: symbols are forbidden",
        "Namespace island is served",
    ]


def test_another_reason_is_another_line(fixture: Fixture, caplog: pytest.LogCaptureFixture) -> None:
    fixture.namespaces.fell(PODS, "island", "nobody answers")
    fixture.namespaces.fell(PODS, "island", FORBIDDEN)

    assert [record.message for record in caplog.records] == [
        "Namespace island is not served: nobody answers",
        f"Namespace island is not served: {FORBIDDEN}",
    ]
    assert fixture.changes == []


async def refused(_: Key, urgent: bool) -> float | None:
    del urgent
    raise RefusedError(FORBIDDEN)


async def test_what_fails_where_nobody_is_served_is_left_to_the_comparison(
    fixture: Fixture,
) -> None:
    """Thousands of symbols would be asked for, and be refused, for as long as it lasts."""
    assert await look(refused, fixture.namespaces, KEY, True) is None

    fixture.serve("island")
    with pytest.raises(RefusedError):
        await look(refused, fixture.namespaces, KEY, True)


async def test_where_nobody_is_served_what_can_be_done_is_done(fixture: Fixture) -> None:
    async def done(_: Key, urgent: bool) -> float | None:
        assert urgent
        return 1.5

    assert await look(done, fixture.namespaces, KEY, True) == 1.5


async def compared(fixture: Fixture, result: Any, *, ending: bool | Exception = False) -> set[Key]:
    """Compare a namespace; the survey returns, or raises, `result`."""
    added: set[Key] = set()

    async def survey() -> Any:
        return given(result)

    async def is_ending() -> Any:
        return given(ending)

    await compare_one("island", survey, is_ending, fixture.namespaces, added.add)
    return added


def given(result: Any) -> Any:
    if isinstance(result, Exception):
        raise result
    return result


async def test_what_a_comparison_finds_is_looked_at(fixture: Fixture) -> None:
    fixture.namespaces.claimed("island", True, "")
    assert await compared(fixture, {KEY}) == {KEY}
    for kind in (PODS, PLURAL):
        fixture.namespaces.stood(kind, "island")
    assert fixture.namespaces.served("island")


@pytest.mark.parametrize(
    ("error", "ending", "why"),
    [
        (RefusedError(FORBIDDEN), False, FORBIDDEN),
        (RefusedError(FORBIDDEN), True, "it does not exist, or is being deleted"),
        (RefusedError(FORBIDDEN), RefusedError("namespaces are forbidden"), FORBIDDEN),
        (UnavailableError("away"), True, "away"),
        (KeyError("metadata"), False, "KeyError('metadata')"),
    ],
)
async def test_why_a_comparison_failed_is_said(
    fixture: Fixture,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    ending: bool | Exception,
    why: str,
) -> None:
    """Who may not look into a namespace is refused in the same words whether it is there."""
    fixture.serve("island")

    with pytest.raises(type(error)):
        await compared(fixture, error, ending=ending)

    assert caplog.records[-1].message == f"Namespace island is not served: {why}"
