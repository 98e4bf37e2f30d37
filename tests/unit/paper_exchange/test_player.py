"""Market time against the clock: due events, pause, step, speed, the end."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from paper_exchange.core.engine import SymbolStatus
from paper_exchange.core.events import Step
from paper_exchange.core.market import MarketQuote, MarketTrade
from paper_exchange.market.source import Manual, MarketEvent, Prices
from paper_exchange.market.synthetic import Synthetic
from paper_exchange.shell.assembly import open_venue
from paper_exchange.shell.player import MOST_AT_ONCE, Player
from unit.paper_exchange.clients import CONFIG, START, XRPUSDT, D


class Script(Manual):
    """A market of trades at the given market times; every third event is a quote."""

    def __init__(self, *times: int) -> None:
        super().__init__((XRPUSDT,), name="script", has_market=True)
        object.__setattr__(self, "times", times)

    def play(self, position: int, prices: Prices) -> Iterator[MarketEvent]:
        for number, time in enumerate(self.times[position:], start=position + 1):  # type: ignore[attr-defined]  # set past the frozen fields
            event = MarketTrade("XRPUSDT", D("0.5"), D(10), buyer_is_maker=True)
            quote = MarketQuote("XRPUSDT", D("0.5"), D(1), D("0.6"), D(1))
            yield MarketEvent(number, time, quote if number % 3 == 0 else event)


class Clock:
    """A monotonic clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Stage:
    """A player under test, played one look at the clock at a time."""

    def __init__(self, source: Any, speed: str = "1", **changes: Any) -> None:
        config = replace(CONFIG, source=source, **changes)
        self.venue = open_venue(config, lambda: START)
        self.clock = Clock()
        self.player = Player(self.venue, source, Decimal(speed), self.clock)

    @property
    def position(self) -> int:
        return self.venue.engine.state.position

    async def at(self, seconds: float) -> int:
        """Let the player run at a moment and return how far it has played."""
        self.clock.now = 100.0 + seconds
        task = asyncio.create_task(self.player.run())
        for _ in range(5):
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        return self.position


async def test_events_happen_when_they_are_due() -> None:
    stage = Stage(Script(5000, 6000, 6000, 9000))
    stage.player.resume()
    assert [await stage.at(second) for second in (0, 0.9, 1, 3.9, 4)] == [1, 1, 3, 3, 4]


async def test_speed_divides_the_waiting() -> None:
    stage = Stage(Script(5000, 6000, 7000), speed="10")
    stage.player.resume()
    assert [await stage.at(second) for second in (0, 0.09, 0.1, 0.2)] == [1, 1, 2, 3]


async def test_lost_time_is_caught_up_in_bounded_batches() -> None:
    stage = Stage(Script(*range(0, 10_000, 2)), speed="1")
    stage.player.resume()
    batches: list[int] = []
    stage.venue.listen(lambda step: batches.append(len(step.trades) + len(step.books)))
    await stage.at(1000)
    while stage.position < 5000:
        await stage.at(1000)
    assert stage.position == 5000
    assert len(batches) == 5000 / MOST_AT_ONCE


async def test_a_pause_stops_market_time_and_costs_nothing() -> None:
    stage = Stage(Script(5000, 6000, 7000))
    stage.player.resume()
    assert await stage.at(0) == 1
    stage.player.pause()
    assert await stage.at(50) == 1
    stage.player.resume()
    assert [await stage.at(second) for second in (50, 50.9, 51)] == [2, 2, 3]


async def test_nothing_happens_before_the_market_is_started() -> None:
    stage = Stage(Script(5000, 6000))
    assert await stage.at(1000) == 0
    assert stage.player.paused
    assert stage.player.market_time == 5000


async def test_a_step_publishes_so_many_trades_and_the_quotes_between() -> None:
    stage = Stage(Script(1, 2, 3, 4, 5, 6, 7))
    assert stage.player.step(2) == 2
    assert stage.position == 2
    assert stage.player.step(2) == 2
    assert stage.position == 5
    assert stage.player.step(99) == 1
    assert stage.position == 7


async def test_a_new_speed_counts_from_now() -> None:
    stage = Stage(Script(0, 1000, 2000, 3000))
    stage.player.resume()
    await stage.at(0)
    stage.player.set_speed(Decimal(2))
    assert not stage.player.paused
    assert [await stage.at(second) for second in (0, 0.4, 0.5, 1)] == [2, 2, 3, 4]


async def test_a_paused_market_stays_paused_at_a_new_speed() -> None:
    stage = Stage(Script(0, 1000))
    stage.player.set_speed(Decimal(2))
    assert stage.player.paused


async def test_at_the_end_the_market_closes_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stage = Stage(Script(0))
    stage.player.resume()
    await stage.at(0)
    assert stage.venue.ended
    assert stage.venue.engine.status["XRPUSDT"] is SymbolStatus.BREAK
    await stage.at(1)
    assert [record.message for record in caplog.records] == [
        "the recording has ended: trading stops, requests are still answered"
    ]


async def test_a_recording_that_had_ended_is_still_at_its_end_after_a_restart(
    tmp_path: Path,
) -> None:
    journal = tmp_path / "journal.jsonl"
    first = Stage(Script(0, 1), journal=journal)
    first.player.step(5)
    first.venue.journal.close()
    second = Stage(Script(0, 1), journal=journal)
    second.player.resume()
    await second.at(0)
    assert second.venue.ended
    assert second.position == 2
    second.venue.journal.close()


async def test_a_manual_market_never_ends() -> None:
    stage = Stage(CONFIG.source)
    stage.player.resume()
    await stage.at(10)
    assert not stage.venue.ended
    assert stage.player.paused


async def test_resuming_wakes_a_waiting_player() -> None:
    stage = Stage(Script(0))
    played = asyncio.Event()
    stage.venue.listen(lambda _: played.set())
    task = asyncio.create_task(stage.player.run())
    await asyncio.sleep(0)
    assert not played.is_set()
    stage.player.resume()
    await asyncio.wait_for(played.wait(), 30)
    task.cancel()


async def test_a_player_that_waits_for_the_clock_plays_by_it() -> None:
    """With a real clock: three events 20 milliseconds apart."""
    stage = Stage(Script(0, 20, 40))
    time = asyncio.get_running_loop().time
    stage.player = Player(stage.venue, Script(0, 20, 40), Decimal(1), time)
    done = asyncio.Event()

    def heard(_: Step) -> None:
        if stage.position == 3:
            done.set()

    stage.venue.listen(heard)
    started = time()
    stage.player.resume()
    task = asyncio.create_task(stage.player.run())
    await asyncio.wait_for(done.wait(), 30)
    task.cancel()
    assert time() - started >= 0.04


def test_a_synthetic_market_interrupted_anywhere_is_the_uninterrupted_one(tmp_path: Path) -> None:
    """Public trades (ids, prices, quantities) are the same as without a restart."""
    names = ("XRPUSDT", "BTCUSDT")

    def run(journal: Path | None, batches: list[int]) -> list[Any]:
        seen: list[Any] = []
        source = Synthetic(names, 3)
        config = replace(CONFIG, source=source, journal=journal)
        venue = open_venue(config, lambda: START)
        venue.listen(lambda step: seen.extend(step.trades))
        player = Player(venue, source, Decimal(1), lambda: 0.0)
        for count in batches:
            player.step(count)
        venue.journal.close()
        return seen

    whole = run(None, [60])
    path = tmp_path / "journal.jsonl"
    parts = [trade for count in (1, 7, 2, 30, 20) for trade in run(path, [count])]
    assert parts == whole
