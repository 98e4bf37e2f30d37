"""A resource whose file is mounted by itself, as a container engine does with `-v file:file`."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from support.by_hand import ONE_TRADER, orders_there, trade
from support.mounts import can_mount, mounted
from support.processes import Bot, Venue, until, venue

MANUAL = ("--manual", "XRPUSDT", "--balances", "USDT=1000")


@pytest.mark.skipif(not can_mount(), reason="mounts need root")
async def test_a_shutdown_ends_with_off_written_through_the_mount(
    tmp_path: Path, database: str
) -> None:
    place = tmp_path / "mounted" / "xrpusdt.yaml"
    place.parent.mkdir()
    place.touch()
    async with venue(tmp_path / "journal.jsonl", *MANUAL) as exchange:
        bot = Bot(tmp_path / "xrpusdt.yaml", exchange, database)
        bot.ask(status="on", **ONE_TRADER, shutdown="{unfilledBuys: Cancel}")
        command = (sys.executable, "-m", "symbol_trader", "run", str(place))
        leader = await asyncio.create_subprocess_exec(
            *mounted(bot.file, place, command),
            stdout=asyncio.subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": ":".join(sys.path), **bot.environment},
        )
        try:
            await until(lambda: _has_bought(exchange))
            text = bot.file.read_text().replace("status: on", "status: shutdown")
            bot.file.write_text(text)  # in place: the mount shows this one file
            assert await asyncio.wait_for(leader.wait(), 60) == 0
        finally:
            if leader.returncode is None:
                leader.kill()
                await leader.wait()
    assert bot.file.read_text() == text.replace("shutdown\n", '"off"   \n', 1)
    assert list(place.parent.iterdir()) == [place]


async def _has_bought(exchange: Venue) -> bool:
    """Let prices come until the leader has heard one and placed its buy below it."""
    await trade(exchange, "1", "SELL", "1")
    return await orders_there(exchange) > 0
