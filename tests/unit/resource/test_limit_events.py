"""What is told of limits and halts, once each."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from kubernetes.aio.client.api.custom_objects_api import CustomObjectsApi
from kubernetes.aio.client.exceptions import ApiException

from symbol_trader.core.limits import Halt, LimitUsed, OnLimit
from symbol_trader.report import Problem, Report
from symbol_trader.resource import limit_events
from symbol_trader.resource.limit_events import EventPoster, LimitEvent, LimitEventReason
from symbol_trader.resource.limit_status import limit_document
from tradingsymbol_api.conditions import LeaderReason
from unit.core.builders import D
from unit.resource.test_limit_status import HALT, NOW, REPORT

SYMBOL = {"metadata": {"name": "xrpusdt", "namespace": "trading", "uid": "uid-1"}}
LATER = Halt("a loss", HALT.since_ms + 60_000, OnLimit.NO_BUYS)
TRADING = Report(generation=1, epoch=1, trading=True, draining=False, halts=())
SINCE = "buys are halted since 2026-01-01T00:0"


def told(before: Report | None, now: Report) -> list[tuple[str, str]]:
    return [(event.reason, event.note) for event in limit_events.of_report(before, now)]


def reached(message: str) -> Report:
    return replace(TRADING, problems=(Problem(LeaderReason.LIMIT_REACHED, message),))


def test_each_halt_of_a_symbol_is_told_and_the_end_of_the_last_one() -> None:
    halted, twice = replace(TRADING, halts=(HALT,)), replace(TRADING, halts=(HALT, LATER))
    first, second = f"{SINCE}0:00Z: a person says so", f"{SINCE}1:00Z: a loss"
    assert told(TRADING, halted) == [("BuysHalted", first)]
    assert told(halted, twice) == [("BuysHalted", second)]
    assert told(twice, halted) == []
    assert told(halted, TRADING) == [("BuysResumed", "no halt stands any more")]


@pytest.mark.parametrize("before", [None, replace(TRADING, halts=None)], ids=["start", "unread"])
def test_a_leader_that_has_just_learned_of_a_halt_tells_it(before: Report | None) -> None:
    assert len(told(before, replace(TRADING, halts=(HALT,)))) == 1
    assert told(before, TRADING) == []


def test_that_limits_are_not_known_for_a_while_is_no_end_of_a_halt() -> None:
    assert told(replace(TRADING, halts=(HALT,)), replace(TRADING, halts=None)) == []


def test_a_limit_that_refuses_buys_is_told_when_it_begins_to() -> None:
    one, other = "maxExposure of trading/all: 1 is used", "maxExposure of trading/all: 2 are used"
    assert told(TRADING, reached(one)) == [("LimitReached", one)]
    assert told(reached(one), reached(other)) == []
    assert told(reached(one), TRADING) == []
    (first,) = limit_events.of_report(None, reached(one))
    (second,) = limit_events.of_report(None, reached(other))
    assert first.about == second.about, "it is told once, whatever is used"


def status(*used: LimitUsed, halts: tuple[Halt, ...] = ()) -> dict[str, Any]:
    document = limit_document(replace(REPORT, usage=used, halts=halts), NOW, {})
    found: dict[str, Any] = document["status"]
    return found


FULL = LimitUsed("maxExposure", "USDT", D(50), D(50))
CYCLES = LimitUsed("maxOpenCycles", "", D(3), D(3))


def test_halts_and_limits_that_have_come_to_hold_are_told_of_the_limit() -> None:
    def of(before: dict[str, Any], now: dict[str, Any]) -> list[tuple[str, str, bool]]:
        events = limit_events.of_limit(before, now)
        return [(event.reason, event.note, event.warning) for event in events]

    first, second = f"{SINCE}0:00Z: a person says so", f"{SINCE}1:00Z: a loss"
    assert of({}, status()) == []
    assert of({}, status(halts=(HALT,))) == [("Halted", first, True)]
    both = status(halts=(HALT, LATER))
    assert of(status(halts=(HALT,)), both) == [("Halted", second, True)]
    assert of(both, status()) == [("NotHalted", "no halt stands any more", False)]
    assert of(status(FULL), status(FULL, CYCLES)) == [("Reached", "maxOpenCycles", True)]
    assert of(status(FULL), status()) == []


class Server:
    """Takes Events."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *failures: Exception) -> None:
        self.posted: list[dict[str, Any]] = []
        self._failures = list(failures)
        monkeypatch.setattr(CustomObjectsApi, "create_namespaced_custom_object", self.create)

    async def create(self, *, body: dict[str, Any], **call: Any) -> None:
        place = [call[name] for name in ("group", "version", "namespace", "plural")]
        assert place == ["events.k8s.io", "v1", "trading", "events"]
        if self._failures:
            raise self._failures.pop(0)
        self.posted.append(body)


async def posted(*events: LimitEvent) -> list[str]:
    """Post Events about a symbol; return the warnings."""
    warned: list[str] = []
    client: Any = None
    poster = EventPoster(
        CustomObjectsApi(client),
        "xrpusdt-leader",
        lambda event, why: warned.append(f"{event}: {why}"),
        lambda: datetime(2026, 1, 2, tzinfo=UTC),
    )
    await poster.post(SYMBOL, events)
    return warned


EVENT = LimitEvent(LimitEventReason.BUYS_RESUMED, "no halt stands any more", "1", warning=False)


async def test_an_event_says_what_it_is_about_and_has_a_name_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = Server(monkeypatch)
    assert await posted(EVENT, replace(EVENT, note="other words"), replace(EVENT, about="2")) == []
    first, same, other = server.posted
    assert first["regarding"]["name"] == "xrpusdt"
    assert first["reportingController"] == "tradingsymbol.dev/symbol-trader"
    assert (first["type"], first["reason"]) == ("Normal", "BuysResumed")
    names = [event["metadata"]["name"] for event in (first, same, other)]
    assert names[0] == names[1] != names[2]


async def test_an_event_that_is_not_taken_is_logged_and_one_that_is_there_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = Server(
        monkeypatch, ApiException(409, "exists"), ApiException(403, "no"), OSError("cut")
    )
    warned = await posted(EVENT, EVENT, EVENT, EVENT)
    assert len(server.posted) == 1
    assert len(warned) == 2
    assert all(line.startswith("an Event was not posted: BuysResumed") for line in warned)
