"""Events are best effort: none keeps anything else from being done, and none is waited for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import pytest

from symbol_operator.decide.events import EventNote, EventReason
from symbol_operator.runtime import event_queue
from symbol_operator.runtime.errors import RefusedError, UnavailableError
from symbol_operator.runtime.event_queue import PAUSES_S, EventQueue
from tradingsymbol_api.reading import Document
from unit.operator.objects import NOW, resource

WITHIN_S = 5.0


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for nothing between two attempts."""
    monkeypatch.setattr(event_queue, "PAUSES_S", (0.0,) * len(PAUSES_S))


class Poster:
    """Takes Events; each attempt may raise the next of some errors."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.attempts: list[str] = []
        self.dropped = 0

    async def __call__(self, about: Document, event: EventNote, happened: datetime) -> None:
        assert (about, happened) == (resource(), NOW)
        self.attempts.append(event.note)
        if self.errors:
            raise self.errors.pop(0)

    def drop(self) -> None:
        self.dropped += 1


@asynccontextmanager
async def working(poster: Poster) -> AsyncIterator[EventQueue]:
    queue = EventQueue(poster, poster.drop)
    task = asyncio.create_task(queue.work())
    yield queue
    task.cancel()


def add(queue: EventQueue, *notes: str) -> None:
    for note in notes:
        queue.add(resource(), EventNote(EventReason.NODE_LOST, note), NOW)


async def test_events_are_posted_in_order() -> None:
    poster = Poster()
    async with working(poster) as queue:
        add(queue, "a", "b")
        await queue.flush(WITHIN_S)

    assert (poster.attempts, poster.dropped) == (["a", "b"], 0)


async def test_an_api_server_that_is_busy_is_asked_again() -> None:
    poster = Poster(*[UnavailableError("503")] * len(PAUSES_S))
    async with working(poster) as queue:
        add(queue, "a")
        await queue.flush(WITHIN_S)

    assert (len(poster.attempts), poster.dropped) == (len(PAUSES_S) + 1, 0)


@pytest.mark.parametrize(
    "errors",
    [
        [UnavailableError("503")] * (len(PAUSES_S) + 1),
        [RefusedError("the namespace is being terminated")],
        [RecursionError("too deep")],
    ],
    ids=["busy for too long", "refused", "an error of ours"],
)
async def test_what_cannot_be_posted_is_counted_and_logged_and_the_next_is_posted(
    errors: list[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    poster = Poster(*errors)
    async with working(poster) as queue:
        add(queue, "a", "b")
        await queue.flush(WITHIN_S)

    assert (poster.attempts[-1], poster.dropped) == ("b", 1)
    assert "NodeLost: a (not posted" in caplog.text


async def test_the_queue_is_bounded_and_adding_waits_for_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_queue, "WAITING_MAX", 2)
    poster = Poster()
    queue = EventQueue(poster, poster.drop)

    add(queue, "a", "b", "c")

    assert poster.dropped == 1


async def test_a_stop_does_not_wait_for_ever() -> None:
    queue = EventQueue(Poster(), lambda: None)
    add(queue, "a")

    await queue.flush(0.0)
