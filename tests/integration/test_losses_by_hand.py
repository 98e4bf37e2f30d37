"""A drawdown and a day's loss agree with what is worked out by hand, to the last digit.

A recorded day is traded by real leaders, which are killed and started again; a day turns; and the
database is rolled back to what it was some cycles ago. The amounts by hand come from the exchange's
own fills (`support/limits_by_hand.py`).
"""

import re
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import asyncpg
import pytest

from support.api_server import ApiServer, start_leader
from support.books import compare
from support.limits_by_hand import ByHand, Losses, keep_tape, worked_out
from support.postgres import Server
from support.processes import Running, Venue, start, until, venue
from support.recordings import SYMBOL, recording
from support.virtual_clock import go_on_from, prepare, use

QUOTE = "ETH"
SPEED = "3000"
FUNDS = "ETH=1000,XRP=1000000"
"""So much that what a rolled-back record has forgotten keeps no trader from selling."""
PLENTY = "500"
"""Losses that are never reached."""
NOON, NEXT_DAY = datetime(2019, 10, 11, 12, tzinfo=UTC), datetime(2019, 10, 12, tzinfo=UTC)
NEWS = "order on the exchange is not on record"
SOLD = r"trader finished.*why=sold"
FIGURES = 3
"""A result that is worked out seldom says little."""


@dataclass(slots=True)
class Day:
    """A recorded day that is traded, and the record of it."""

    exchange: Venue
    api_server: ApiServer
    database: str
    folder: Path
    leader: Running | None = None

    async def start(self) -> Running:
        """Start a leader (again)."""
        flags = ("--reconcile-s", "2")
        word = self.folder / "termination-log"
        self.leader = await start_leader(
            self.api_server, self.exchange, self.database, word, *flags
        )
        return self.leader

    async def trade(self, cycles: int) -> None:
        """Let the day go on until so many more cycles are over, and stand still again."""
        leader = self.leader or await self.start()
        await leader.said("starting trading")
        sold = leader.count(SOLD)
        await self.exchange.admin("resume")
        await leader.said(SOLD, times=sold + cycles, within_s=200)
        await self.exchange.admin("pause")

    async def die(self) -> None:
        """Let the leader die here and now."""
        assert self.leader
        self.leader.signal(signal.SIGKILL)
        await self.leader.ended()
        self.leader = None

    async def turn_to(self, moment: datetime) -> None:
        """Let it be another time of day in the database."""
        connection = await asyncpg.connect(self.database)
        await go_on_from(connection, moment)
        await connection.close()

    async def agrees(self) -> ByHand:
        """Wait until all is on record and told; compare it with what is worked out by hand."""

        async def settled() -> bool:
            compared = await compare(self.exchange.journal, self.database, SYMBOL)
            return not any(known(one) for one in compared.differences)

        await until(settled)
        told, hand = await self.worked_out()
        assert told == hand.losses
        await until(self.is_told)
        print(told, "moments", hand.moments, "drawdown", told.drawdown, "day", told.of_the_day)
        return hand

    async def worked_out(self) -> tuple[Losses, ByHand]:
        """Return what is on record, and the same by hand."""
        return await worked_out(self.database, self.exchange.journal, SYMBOL, QUOTE)

    async def is_told(self) -> bool:
        """Return whether the status of the limit says what is found by hand."""
        _, hand = await self.worked_out()
        assert hand.losses
        usage = self.api_server.limits["all"]["status"].get("usage", [])
        used = {one["limit"]: Decimal(one["used"]) for one in usage}
        return used == {
            "maxDailyLoss": hand.losses.of_the_day,
            "maxDrawdown": hand.losses.drawdown,
        }


def known(difference: str) -> bool:
    """Return whether something differs that a rolled-back record does not explain."""
    return "is not on record" not in difference or not difference.startswith(("order", "fill"))


@pytest.fixture
async def day(tmp_path: Path, empty_database: str) -> AsyncIterator[Day]:
    """Prepare a recorded day that stands at its beginning, with limits that nothing reaches."""
    await prepare(empty_database)
    await keep_tape(empty_database)
    played = ("--recording", str(recording(tmp_path)), "--symbol", SYMBOL, "--speed", SPEED)
    api_server = ApiServer({"status": "on", "symbol": SYMBOL, "budget": "1", "maxBuyAge": "3s"})
    await api_server.start()
    await api_server.limit("all", maxDailyLoss=PLENTY, maxDrawdown=PLENTY)
    journal = tmp_path / "journal.jsonl"
    async with venue(journal, *played, "--paused", "--balances", FUNDS) as exchange:
        made = Day(exchange, api_server, empty_database, tmp_path)
        await made.turn_to(NOON)
        try:
            yield made
        finally:
            if made.leader:
                await made.leader.kill()
            await api_server.stop()


async def rolled_back(day: Day, server: Server, older: str) -> None:
    """Go on from an older record, once a person has answered for what it does not know."""
    day.database = older
    await use(older)
    leader = await day.start()
    await leader.said(NEWS)
    await leader.said("starting trading")
    orders = set(re.findall(rf"{NEWS}.*order=(\S+)", "\n".join(leader.lines)))
    connection = await asyncpg.connect(older)
    account = await connection.fetchval("SELECT account FROM owners")
    await connection.close()
    book = (f"--account={account}", f"--symbol={SYMBOL}", f"--database-url={older}")
    command = await start("symbol_trader", "disown", *orders, *book, "--reason=looked at")
    assert await command.ended() == 0, command.lines


@pytest.mark.timeout(900)
async def test_losses_of_a_recorded_day_agree_with_those_worked_out_by_hand(
    day: Day, postgres_server: Server
) -> None:
    await day.trade(cycles=2)
    first = await day.agrees()
    assert first.moments > FIGURES
    await day.die()
    older = postgres_server.url(
        await postgres_server.create_database(day.database.rsplit("/", 1)[1])
    )

    await day.trade(cycles=1)
    await day.die()
    await day.turn_to(NEXT_DAY)
    await day.trade(cycles=1)
    second = await day.agrees()
    assert second.losses
    assert second.losses.day == NEXT_DAY.date()
    assert second.moments > first.moments
    await day.die()

    await rolled_back(day, postgres_server, older)
    await day.trade(cycles=1)
    third = await day.agrees()
    assert third.losses
    assert third.losses.day == NOON.date(), "its day has not turned"
    assert third.moments > first.moments
