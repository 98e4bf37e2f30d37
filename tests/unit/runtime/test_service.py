"""How a leader leaves once a shutdown is done, whoever switched the symbol off."""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from symbol_trader.core.settings import TradingStatus
from symbol_trader.core.timing import Timing
from symbol_trader.ports import Desired, ExchangeUnavailable, OffOutcome, Owner, Unavailable
from symbol_trader.runtime.health import Health
from symbol_trader.runtime.service import (
    Cause,
    Ending,
    Identity,
    Links,
    Patience,
    Service,
    Surface,
)
from symbol_trader.runtime.story import Story, configure
from symbol_trader.runtime.term import Beat
from unit.core.builders import SETTINGS

SHUTDOWN = replace(SETTINGS, status=TradingStatus.SHUTDOWN)


@dataclass
class Record:
    """A record that remembers what it was told."""

    mirrored: list[Desired] = field(default_factory=list)
    opened: bool = False
    released: bool = False

    async def open(self) -> None:
        self.opened = True

    async def mirror_settings(self, desired: Desired) -> None:
        assert self.opened
        assert not self.released
        self.mirrored.append(desired)

    async def release(self) -> None:
        self.released = True


@dataclass
class Resource:
    """A resource that is switched by what comes of the attempt to write off."""

    outcome: OffOutcome | Unavailable
    then: TradingStatus
    service: Any = None

    async def write_off(self) -> OffOutcome:
        self.service._desired = Desired("XRPUSDT", replace(SETTINGS, status=self.then), 2)
        if isinstance(self.outcome, Unavailable):
            raise self.outcome
        return self.outcome


@pytest.mark.parametrize(
    ("failures", "cause", "pause_s"),
    [
        (1, Unavailable("no database"), 0.5),
        (4, Unavailable("no database"), 4),
        (5, Unavailable("no database"), 5),
        (5, ExchangeUnavailable("no exchange"), 8),
        (8, ExchangeUnavailable("no exchange"), 60),
        (10_000, ExchangeUnavailable("no exchange"), 60),
    ],
)
def test_pauses_double_and_are_longest_where_too_many_attempts_are_punished(
    failures: int, cause: Exception, pause_s: float
) -> None:
    assert Patience().pause_s(failures, cause) == pause_s


async def drained(resource: Resource) -> tuple[Ending | None, Record]:
    record = Record()
    links: Any = Links(resource, record, None, None)  # type: ignore[arg-type]
    surface: Any = Surface(Story(configure("json")), Health(lambda: 0.0), lambda symbol: None)  # type: ignore[arg-type,return-value]
    resource.service = Service(
        Identity(Owner("cluster", "trading", "xrpusdt"), "paper", "pod"),
        links,
        surface,
        timing=Timing(),
        beat=Beat(),
        patience=Patience(first_s=0),
        new_bits=lambda: 1,
        jitter=lambda: 0.0,
    )
    resource.service._desired = Desired("XRPUSDT", SHUTDOWN, 1)
    return await resource.service._write_off(), record


@pytest.mark.parametrize(
    "outcome",
    [OffOutcome.WRITTEN, OffOutcome.SUPERSEDED, Unavailable("the answer was lost")],
    ids=str,
)
async def test_a_drained_symbol_that_is_off_is_given_up(outcome: OffOutcome | Unavailable) -> None:
    ending, record = await drained(Resource(outcome, TradingStatus.OFF))

    assert ending
    assert ending.cause is Cause.DRAINED
    assert record.released
    assert [desired.settings.status for desired in record.mirrored] == [TradingStatus.OFF]


async def test_a_symbol_that_was_switched_on_meanwhile_is_kept() -> None:
    ending, record = await drained(Resource(OffOutcome.SUPERSEDED, TradingStatus.ON))

    assert ending is None
    assert not record.released
    assert record.mirrored == []


@pytest.mark.parametrize("cancels_first", [False, True])
async def test_a_leader_that_is_to_cancel_first_does_not_end_at_a_signal(
    cancels_first: bool,
) -> None:
    """The pod's grace bounds how long it may take."""
    resource = Resource(OffOutcome.WRITTEN, TradingStatus.OFF)
    await drained(resource)
    service = resource.service
    service._desired = Desired("XRPUSDT", SHUTDOWN, 1, cancels_first=cancels_first)

    service.stop()

    assert service._stop is not cancels_first


async def test_a_signal_during_an_attempt_that_fails_is_not_slept_over() -> None:
    """The pod's grace is shorter than the longest pause."""
    resource = Resource(OffOutcome.WRITTEN, TradingStatus.ON)
    await drained(resource)
    service = resource.service
    service._desired = Desired("XRPUSDT", SETTINGS, 3)
    service._patience = Patience(first_s=600, most_s=600)

    async def fail() -> None:
        service.stop()
        raise Unavailable("no exchange")

    service._one_term = fail
    ending = await asyncio.wait_for(service._lead(), 5)

    assert ending.cause is Cause.TERMINATED
