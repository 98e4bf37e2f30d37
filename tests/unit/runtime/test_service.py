"""How a leader leaves once a shutdown is done, whoever switched the symbol off."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from symbol_trader.__main__ import _intervals
from symbol_trader.core.orders import Side
from symbol_trader.core.settings import TradingStatus
from symbol_trader.core.timing import Timing
from symbol_trader.desired import Desired, SwitchOffOutcome
from symbol_trader.errors import Contradiction, Unavailable
from symbol_trader.identity import Identity, Owner
from symbol_trader.options import Options
from symbol_trader.postgres.address import DatabaseAddress
from symbol_trader.postgres.leader_connection import CLOSE_TIMEOUT_S
from symbol_trader.report import AwaitedOrder, Report
from symbol_trader.runtime.endings import Ending
from symbol_trader.runtime.health import Health
from symbol_trader.runtime.logs import configure
from symbol_trader.runtime.parts import Adapters, Telemetry
from symbol_trader.runtime.retry_policy import RetryPolicy
from symbol_trader.runtime.service import Service
from symbol_trader.runtime.story import Story
from symbol_trader.runtime.term import End, Intervals
from tradingsymbol_api.pod import (
    EXCHANGE_TIMEOUT_MAX_MS,
    EXCHANGE_TIMEOUT_MS,
    RECV_WINDOW_MAX_MS,
    RECV_WINDOW_MS,
    Cause,
    grace_seconds,
)
from unit.core.builders import SETTINGS
from unit.runtime import virtual

IMPATIENT = RetryPolicy(first_s=0)
SHUTDOWN = replace(SETTINGS, status=TradingStatus.SHUTDOWN)


@dataclass
class Record:
    """A record that remembers what it was told."""

    mirrored: list[Desired] = field(default_factory=list)
    opened: bool = False
    released: bool = False
    unfinished: bool = False
    away: bool = False

    async def open(self) -> None:
        if self.away:
            raise Unavailable("no database")
        self.opened = True

    async def mirror_settings(self, desired: Desired) -> None:
        assert self.opened
        assert not self.released
        self.mirrored.append(desired)

    async def release(self) -> None:
        if self.unfinished:
            raise Contradiction("traders are unfinished on record")
        self.released = True


@dataclass
class Resource:
    """A resource that is switched by what comes of the attempt to write off."""

    outcome: SwitchOffOutcome | Unavailable
    then: TradingStatus
    made: Any = None

    async def switch_off(self) -> SwitchOffOutcome:
        self.made.desired.last = Desired("XRPUSDT", replace(SETTINGS, status=self.then), 2)
        if isinstance(self.outcome, Unavailable):
            raise self.outcome
        return self.outcome


@pytest.mark.parametrize(
    ("failures", "dialed", "pause_s"),
    [
        (1, False, 0.5),
        (4, False, 4),
        (5, False, 5),
        (5, True, 8),
        (8, True, 60),
        (10_000, True, 60),
    ],
)
def test_pauses_double_and_are_longest_where_too_many_attempts_are_punished(
    failures: int, dialed: bool, pause_s: float
) -> None:
    assert RetryPolicy().pause_s(failures, dialed=dialed) == pause_s


async def test_a_ban_is_waited_out_as_long_as_it_lasts_and_is_no_failure() -> None:
    """Else the pauses of attempts would go on growing long after a ban of two seconds."""
    made = serving(Revisions(()), RetryPolicy())
    banned, down = Unavailable("banned"), Unavailable("down")
    banned.retry_in_s = 2.5

    pauses = [made.pauses.pause_s(cause) for cause in (banned, down, banned, banned, down)]

    assert pauses == [2.5, 0.25, 2.5, 2.5, 0.5]


async def test_a_long_ban_is_waited_out_in_pieces() -> None:
    """A probe allows the loop to stand still for two minutes."""
    banned = Unavailable("banned")
    banned.retry_in_s = 3 * 86_400
    assert serving(Revisions(()), RetryPolicy()).pauses.pause_s(banned) == 60


@dataclass
class Made:
    """The parts of a leader that was asked to shut down, and has not begun anything."""

    service: Service
    record: Record
    desired: Any
    reports: Any
    leading: Any
    beginning: Any
    leaving: Any
    pauses: Any


def serving(
    resource: Any, retry_policy: RetryPolicy = IMPATIENT, health: Health | None = None
) -> Made:
    record = Record()
    adapters: Any = Adapters(resource, record, record, None, None, None)  # type: ignore[arg-type]  # what nothing here asks
    health = health or Health(lambda: 0.0)
    telemetry: Any = Telemetry(Story(configure("json")), health, lambda symbol: None)  # type: ignore[arg-type,return-value]  # what nothing here asks
    service = Service(
        Identity(Owner("cluster", "trading", "xrpusdt"), "paper", "pod"),
        adapters,
        telemetry,
        timing=Timing(),
        intervals=Intervals(),
        retry_policy=retry_policy,
        new_bits=lambda: 1,
        jitter=lambda: 0.0,
    )
    service._desired.last = Desired("XRPUSDT", SHUTDOWN, 1)
    feed: Any = None
    shown = telemetry.of_symbol("XRPUSDT")
    reports = service._make_reports(shown)
    leading: Any = service._make_leading(shown, reports, feed)
    return Made(
        service,
        record,
        service._desired,
        reports,
        leading,
        leading._beginning,
        leading._leaving,
        leading._pauses,
    )


async def drained(resource: Resource) -> tuple[Ending | None, Record]:
    resource.made = made = serving(resource)
    return await made.leaving.conclude(End.DRAINED, made.desired.last), made.record


@pytest.mark.parametrize(
    "outcome",
    [SwitchOffOutcome.WRITTEN, SwitchOffOutcome.SUPERSEDED, Unavailable("the answer was lost")],
    ids=str,
)
async def test_a_drained_symbol_that_is_off_is_given_up(
    outcome: SwitchOffOutcome | Unavailable,
) -> None:
    ending, record = await drained(Resource(outcome, TradingStatus.OFF))

    assert ending
    assert ending.cause is Cause.DRAINED
    assert record.released
    assert [desired.settings.status for desired in record.mirrored] == [TradingStatus.OFF]


async def test_a_symbol_that_was_switched_on_meanwhile_is_kept() -> None:
    ending, record = await drained(Resource(SwitchOffOutcome.SUPERSEDED, TradingStatus.ON))

    assert ending is None
    assert not record.released
    assert record.mirrored == []


async def test_a_shutdown_that_came_after_the_one_that_is_done_is_not_ended_with_it() -> None:
    """A process that was frozen for long is told of both at once; another may lead by now."""
    resource = Resource(SwitchOffOutcome.WRITTEN, TradingStatus.OFF)
    resource.made = made = serving(resource)
    done, made.desired.last = made.desired.last, Desired("XRPUSDT", SHUTDOWN, 3)

    assert await made.leaving.conclude(End.DRAINED, done) is None
    assert made.desired.current.generation == 3, "nothing was written"


@pytest.mark.parametrize("cancels_first", [False, True])
async def test_a_leader_that_is_to_cancel_first_does_not_end_at_a_signal(
    cancels_first: bool,
) -> None:
    """The pod's grace bounds how long it may take."""
    resource = Resource(SwitchOffOutcome.WRITTEN, TradingStatus.OFF)
    await drained(resource)
    made = resource.made
    made.desired.last = Desired("XRPUSDT", SHUTDOWN, 1, cancels_first=cancels_first)

    made.service.stop()

    assert made.service._stopped.is_set() is not cancels_first


async def test_a_signal_during_an_attempt_that_fails_is_not_slept_over() -> None:
    """The pod's grace is shorter than the longest pause."""
    made = serving(Revisions(()), RetryPolicy(first_s=600, most_s=600))
    made.desired.last = Desired("XRPUSDT", SETTINGS, 3)

    async def fail() -> None:
        made.service.stop()
        raise Unavailable("no exchange")

    made.leading._one_term = fail
    ending = await asyncio.wait_for(made.leading.lead(), 5)

    assert ending.cause is Cause.TERMINATED


class Hanging:
    """An exchange that does not answer."""

    closed = False

    async def open(self) -> None:
        await asyncio.Event().wait()

    async def close(self) -> None:
        self.closed = True


def test_a_signal_while_a_term_begins_is_not_kept_waiting() -> None:
    """To read what happened may take minutes, and there is nothing in it to be finished."""

    async def story() -> None:
        made = serving(Revisions(()))
        made.desired.last = Desired("XRPUSDT", SETTINGS, 3)
        hanging = Hanging()
        made.leading._adapters.exchange = lambda _: hanging
        leading = asyncio.ensure_future(made.leading.lead())
        await asyncio.sleep(30)
        assert not leading.done()

        made.service.stop()
        ending = await leading
        assert ending.cause is Cause.TERMINATED
        assert hanging.closed
        assert asyncio.get_running_loop().time() == 30

    virtual.run(story())


def test_who_was_asked_to_end_does_so_in_time_whatever_hangs() -> None:
    async def story() -> None:
        service: Any = serving(Revisions(()), RetryPolicy()).service
        leading = asyncio.ensure_future(service._while_healthy(asyncio.Event().wait(), []))
        await asyncio.sleep(100)
        assert not leading.done()

        service.stop()
        ending = await leading
        assert ending.cause is Cause.TERMINATED
        assert asyncio.get_running_loop().time() == 100 + Intervals().end_s

    virtual.run(story())


@pytest.mark.parametrize("window_ms", [100, RECV_WINDOW_MS, RECV_WINDOW_MAX_MS])
@pytest.mark.parametrize("timeout_ms", [1_000, EXCHANGE_TIMEOUT_MS, EXCHANGE_TIMEOUT_MAX_MS])
def test_all_that_an_end_may_take_is_less_than_the_grace_of_a_pod(
    window_ms: int, timeout_ms: int
) -> None:
    options = Options(
        "paper", "wss://a", "wss://b", "", Path("key"), timeout_ms, False, False,
        DatabaseAddress("postgresql://db/x"), window_ms, 1_000, 60.0, "", 0, "json",
    )  # fmt: skip
    settings = options.settings("XRPUSDT")
    closing_s = 2 * settings.close_timeout_s + CLOSE_TIMEOUT_S
    intervals = _intervals(options)
    assert settings.request_timeout_s < intervals.replies_s < intervals.end_s
    ending_s = intervals.end_s + intervals.last_report_s + closing_s
    assert ending_s < grace_seconds(window_ms, timeout_ms)


def test_an_end_takes_no_longer_than_ever_where_nothing_is_configured() -> None:
    options = Options(
        "paper", "a", "b", "", Path("key"), EXCHANGE_TIMEOUT_MS, False, False,
        DatabaseAddress(), 1, 1, 60.0, "", 0, "json",
    )  # fmt: skip
    assert _intervals(options) == Intervals()


@dataclass
class Revisions:
    """A resource that asks for these things, one after the other, and then for nothing more."""

    revisions: tuple[Desired, ...]

    async def changes(self) -> AsyncIterator[Desired]:
        for revision in self.revisions:
            yield revision
        await asyncio.Event().wait()


async def test_of_a_resource_for_another_symbol_only_the_status_counts() -> None:
    """Its budget is in another asset; its orders would be in another book."""
    other = Desired("ETHUSDT", replace(SHUTDOWN, budget=SETTINGS.budget * 9), 2)
    made = serving(Revisions((Desired("XRPUSDT", SETTINGS, 1), other)))
    made.desired.last = None
    pump = asyncio.create_task(made.desired.pump())
    asked: Any = await asyncio.wait_for(made.service.session.mailbox.get(), 5)
    pump.cancel()

    assert asked.desired == made.desired.last == Desired("XRPUSDT", SHUTDOWN, 2)


async def test_a_leader_that_does_not_know_yet_what_is_asked_for_is_alive() -> None:
    """The API server may be away for longer than a probe allows the loop to stand still."""
    reads = count()
    enough = asyncio.Event()

    def clock() -> float:
        if (now_s := next(reads)) == 3:
            enough.set()
        return now_s

    made = serving(Revisions(()), RetryPolicy(most_s=0), health := Health(clock))
    pump = asyncio.create_task(enough.wait())
    await asyncio.wait_for(made.desired.first(pump), 5)
    assert health.heartbeat_s >= 3


@pytest.mark.parametrize("unfinished", [False, True])
async def test_off_gives_the_book_up_unless_something_is_unfinished(unfinished: bool) -> None:
    made = serving(Revisions(()))
    made.record.unfinished = unfinished

    ending = await made.leaving.conclude(End.OFF, made.desired.last)

    assert ending.cause is Cause.STOPPED
    assert made.record.released is not unfinished


@pytest.mark.parametrize("database", [False, True])
async def test_only_an_attempt_that_reached_the_exchange_counts_as_dialed(database: bool) -> None:
    made = serving(Revisions(()))
    made.record.away = not database

    with pytest.raises(Unavailable):
        await made.beginning.begin(Away())

    assert made.pauses.dialed is database


class Away:
    """An exchange that cannot be reached."""

    async def open(self) -> None:
        raise Unavailable("no exchange")


SELL = AwaitedOrder(Side.SELL, Decimal(7), Decimal(2), 12, percent=3)


@dataclass
class Told:
    """A story, and a resource that takes reports or is away."""

    lines: list[str] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    away: bool = False

    def tell(self, event: str, **facts: Any) -> None:
        self.lines.append(f"{event}: {facts}")

    async def report(self, report: Report) -> None:
        if self.away:
            raise Unavailable("no API server")
        self.reports.append(report)


def draining(*orders: AwaitedOrder) -> Report:
    return Report(generation=1, epoch=1, trading=True, draining=True, waits_for=orders)


def test_the_log_says_what_is_waited_for_when_that_changes_and_not_when_the_market_moves() -> None:
    reports = serving(Revisions(())).reports
    reports._story = told = Told()
    for order in (SELL, replace(SELL, percent=4), replace(SELL, percent=None)):
        reports._tell_what_is_waited_for(draining(order))
    assert len(told.lines) == 1

    reports._tell_what_is_waited_for(draining(replace(SELL, quantity=Decimal(6))))
    reports._tell_what_is_waited_for(draining())
    reports._tell_what_is_waited_for(draining(SELL))
    assert len(told.lines) == 3


@pytest.mark.parametrize(
    ("cause", "away", "reports"),
    [
        (Cause.DRAINED, False, 1),
        (Cause.STOPPED, False, 1),
        (Cause.TERMINATED, False, 1),
        (Cause.FENCED, False, 0),
        (Cause.DRAINED, True, 0),
    ],
)
async def test_what_the_last_term_left_is_reported_at_the_end(
    cause: Cause, away: bool, reports: int
) -> None:
    """A cycle that ends a shutdown has earned what the status would lack forever otherwise."""
    made = serving(told := Told(away=away))
    made.reports._reported = replace(draining(), profit=Decimal("1.5"))
    await made.reports.report_last(Ending(cause, ""))
    assert [report.profit for report in told.reports] == [Decimal("1.5")] * reports
