"""`--log-format json`: whatever fails, each line of the process can be parsed."""

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.by_hand import MARKET, bot_on, with_a_sell
from support.processes import Bot, Running, Venue, key_folder, venue

JSON = ("--log-format", "json")
NO_DATABASE = "postgresql://127.0.0.1:1/none"


def parsed(running: Running) -> list[dict[str, Any]]:
    """Read each line as JSON, but for the one by which Python forks the tests' processes."""
    lines = (line for line in running.lines if not line.startswith("<frozen runpy>"))
    return [json.loads(line) for line in lines]


async def test_a_file_that_is_refused(tmp_path: Path) -> None:
    bot = Bot(tmp_path / "x.yaml", Venue(tmp_path / "none", ()), NO_DATABASE, JSON)
    bot.ask(chunks=0)
    running = await bot.start()
    assert await running.ended() == 1
    (line,) = parsed(running)
    assert (line["level"], line["event"]) == ("error", "failed")
    assert "spec.chunks must be" in line["why"]


async def test_a_database_that_is_away(tmp_path: Path) -> None:
    async with venue(tmp_path / "journal.jsonl", *MARKET) as market:
        bot = bot_on(tmp_path, market, NO_DATABASE, *JSON)
        running = await bot.start()
        await running.said("DatabaseUnreachable")
        await bot.kill()
        assert parsed(running)


async def test_a_failure_that_nobody_foresaw(tmp_path: Path, database: str) -> None:
    """A port that is taken; by the interpreter itself, since forked programs are looked after."""
    async with venue(tmp_path / "journal.jsonl", *MARKET) as market:
        bot = bot_on(tmp_path, market, database)
        flags = (
            *JSON,
            f"--http-port={market.port}",
            f"--database-url={database}",
            f"--exchange-api-url={market.address}/ws-api/v3",
            f"--exchange-stream-url={market.address}",
            f"--exchange-key={key_folder(tmp_path / 'key')}",
        )
        program = (sys.executable, "-m", "symbol_trader", "run", str(bot.file))
        process = await asyncio.create_subprocess_exec(
            *program, *flags, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        printed, logged = await process.communicate()
    assert (process.returncode, printed) == (1, b"")
    *_, last = (json.loads(line) for line in logged.splitlines())
    assert (last["level"], last["event"]) == ("critical", "not caught")
    assert "OSError" in last["exception"]


@pytest.mark.timeout(120)
async def test_an_exchange_that_goes_away(tmp_path: Path, database: str) -> None:
    async with venue(tmp_path / "journal.jsonl", *MARKET) as market:
        bot = bot_on(tmp_path, market, database, *JSON)
        running = await with_a_sell(bot)
        await market.kill()
        await running.said("no market data")
        await running.said("ExchangeUnreachable")
        running.signal(signal.SIGTERM)
        await running.ended()
        assert "symbol_trader.binance.market" in {line.get("logger") for line in parsed(running)}
