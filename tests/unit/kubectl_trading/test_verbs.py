"""What a verb writes and says, for each status that it may find."""

import pytest

from kubectl_trading.symbols import Symbol
from kubectl_trading.verbs import Answer, Progress, Verb, answer, progress
from tradingsymbol_api.values import TradingStatus
from unit.kubectl_trading.documents import document

RESTS = "stopping trading: 1 order rests on the exchange and on record"
ON, OFF, SHUTDOWN = TradingStatus.ON, TradingStatus.OFF, TradingStatus.SHUTDOWN
RESUMED = "shutdown initiated: what is unfinished on record is finished first"


@pytest.mark.parametrize(
    ("verb", "found", "said"),
    [
        (Verb.START, "off", Answer("starting trading", ON)),
        (Verb.START, "on", Answer("already started")),
        (Verb.START, "shutdown", Answer("starting trading: the shutdown is canceled", ON)),
        (Verb.STOP, "off", Answer("already stopped")),
        (
            Verb.STOP,
            "on",
            Answer(RESTS, OFF),
        ),
        (Verb.SHUTDOWN, "off", Answer(RESUMED, SHUTDOWN)),
        (Verb.SHUTDOWN, "on", Answer("shutdown initiated", SHUTDOWN)),
        (Verb.SHUTDOWN, "shutdown", Answer("shutdown already initiated")),
    ],
)
def test_the_table(verb: Verb, found: str, said: Answer) -> None:
    assert answer(verb, Symbol.of(document(status=found))) == said


@pytest.mark.parametrize(
    ("orders", "text"),
    [
        (0, "stopping trading"),
        (None, "stopping trading"),
        (2, "stopping trading: 2 orders rest on the exchange and on record"),
    ],
)
def test_a_stop_says_what_it_leaves(orders: int | None, text: str) -> None:
    found = document()
    found["status"]["openOrders"] = orders
    assert answer(Verb.STOP, Symbol.of(found)).text == text


@pytest.mark.parametrize("verb", Verb)
def test_nothing_is_asked_of_what_is_being_deleted(verb: Verb) -> None:
    found = document()
    found["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    said = answer(verb, Symbol.of(found))
    assert (said.write, said.failed) == (None, True)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("off", Progress("shutdown is done: off", over=True)),
        ("on", Progress("was switched on: the shutdown is canceled", over=True, failed=True)),
        ("shutdown", Progress("ShutdownRequested: waits for SELL 7")),
    ],
)
def test_how_a_shutdown_goes(status: str, expected: Progress) -> None:
    waits = "True ShutdownRequested: waits for SELL 7"
    assert progress(Symbol.of(document(status=status, ShuttingDown=waits))) == expected


def test_a_shutdown_of_what_is_deleted_is_over() -> None:
    assert progress(None).failed


def test_a_shutdown_that_has_nothing_to_say_goes_on() -> None:
    assert progress(Symbol.of(document(status="shutdown", Ready="True X"))) == Progress("finishing")
