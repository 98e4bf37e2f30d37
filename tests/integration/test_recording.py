"""A recording is played and traded: a real one where there is one, a made one elsewhere."""

from pathlib import Path

import pytest

from support.books import compare
from support.processes import Bot, until, venue
from support.recordings import SYMBOL, recording

SPEED = "3000"


@pytest.mark.timeout(480)
async def test_a_recording_completes_cycles_and_the_books_agree(
    tmp_path: Path, database: str
) -> None:
    """Traders grow from one to several as the price falls; cycles finish; nothing differs."""
    played = ("--recording", str(recording(tmp_path)), "--symbol", SYMBOL, "--speed", SPEED)
    async with venue(tmp_path / "journal.jsonl", *played, "--paused") as exchange:
        bot = Bot(tmp_path / "xrpeth.yaml", exchange, database, ("--reconcile-s", "2"))
        bot.ask(status="on", symbol=SYMBOL, budget=1)
        try:
            running = await bot.start()
            await running.said("starting trading")
            await exchange.admin("resume")
            await running.said("why=rebuy", times=2, within_s=200)
            await running.said(r"trader finished.*why=sold", times=3, within_s=200)
            await exchange.admin("pause")

            async def agree() -> bool:
                comparison = await compare(exchange.journal, database, SYMBOL)
                return comparison.cycles >= 3 and not comparison.differences

            await until(agree)
        finally:
            await bot.kill()
