"""`make try` as a person uses it: real processes in a folder of their own."""

import asyncio
import fcntl
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.processes import Running, start
from trial.place import Place
from trial.resource import fresh, status_of

TRADES = "requested on; ready; traders [1-5]; open orders [1-5]"
FAST = {"PAPER_EXCHANGE_SPEED": "20"}
NO_CYCLE_ENDS = {"profitInterval": "15%", "maxBuyAge": "12h"}
"""However long the test takes, before a shutdown: the market does not rise so far."""
SELL_SOON = {"shutdown": {"deadline": "1s", "atDeadline": "Sell"}}

Try = Callable[..., Awaitable[Running]]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / ".try")


@pytest.fixture
async def run(place: Place) -> AsyncIterator[Try]:
    """Return what calls it; at the end all that it started and wrote is gone."""
    started: list[Running] = []

    async def run(*arguments: str) -> Running:
        folder = ("--folder", str(place.folder))
        started.append(await start("trial", *folder, *arguments, environment=FAST))
        return started[-1]

    yield run
    for each in started:
        if not each.over:
            each.signal(signal.SIGTERM)
        await each.ended()
    await free(place)
    cleaned = await run("--clean")
    assert await cleaned.ended() == 0
    assert not place.folder.exists()


async def free(place: Place) -> None:
    """Wait until nothing runs in the folder any more."""
    with (place.folder / "lock").open() as lock:
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)


def prepare(place: Place, **spec: Any) -> None:
    """Write the resource of a first run, with these settings."""
    place.make()
    resource = yaml.safe_load(fresh())
    resource["spec"] |= spec
    place.write_resource(yaml.safe_dump(resource))


def traders(log: Path, why: str = "") -> set[str]:
    """Return the traders that a leader's log says it initialised, for a reason that has `why`."""
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    begun = [line for line in lines if line["event"] == "initialising trader"]
    return {line["trader"] for line in begun if why in line["why"]}


def parts(place: Place) -> dict[str, int]:
    """Return which modules run in the folder, with their process ids."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            words = (process / "cmdline").read_bytes().decode().split("\0")
            if any(str(place.folder) in word for word in words) and "-m" in words:
                found[words[words.index("-m") + 1]] = int(process.name)
    return found


async def test_it_trades_goes_on_from_the_record_and_drains(run: Try, place: Place) -> None:
    """Ctrl-C, a second run with the same traders, and a shutdown from another shell."""
    prepare(place, **NO_CYCLE_ENDS, **SELL_SOON)
    first = await run()
    await first.said(TRADES)
    first.signal(signal.SIGINT)
    assert await first.ended() == 0
    assert first.count("`make try` goes on with it")

    second = await run()
    await second.said(TRADES)
    again = traders(place.log("leader"), "unfinished on record")
    assert again
    assert again <= traders(place.folder / "leader.before.log")

    code, said = await audit(place)
    assert code == 0, said

    third = await run()
    assert await third.ended() == 1
    assert third.count("runs in this clone already")

    told = await run("--status", "shutdown")
    assert await told.ended() == 0
    assert await second.ended() == 0
    assert second.count("XRPUSDT is off and nothing is open")
    assert status_of(place.resource.read_text()) == "off"


async def audit(place: Place) -> tuple[int | None, str]:
    """Audit with the environment that is written for it, as a run advises."""
    auditing = await asyncio.create_subprocess_shell(
        f". {place.environment} && {sys.executable} -m symbol_trader audit XRPUSDT",
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await auditing.communicate()
    return auditing.returncode, said.decode()


@pytest.mark.parametrize(
    ("module", "name"), [("paper_exchange", "the paper exchange"), ("symbol_trader", "the leader")]
)
async def test_the_end_of_a_part_ends_it_with_a_reason(
    run: Try, place: Place, module: str, name: str
) -> None:
    running = await run()
    await running.said(TRADES)
    os.kill(parts(place)[module], signal.SIGKILL)
    assert await running.ended() == 1
    assert running.count(f"^{name} ended by itself, killed by SIGKILL")


async def test_the_end_of_the_database_ends_it_with_a_reason(run: Try, place: Place) -> None:
    running = await run()
    await running.said(TRADES)
    file = place.of_postgres() / "data" / "postmaster.pid"
    os.kill(int(file.read_text().splitlines()[0]), signal.SIGKILL)
    assert await running.ended() == 1
    assert running.count("^PostgreSQL ended by itself")


async def test_where_it_is_killed_its_parts_end_and_a_later_run_goes_on(
    run: Try, place: Place
) -> None:
    """That one is asked for off: it leaves its orders on record."""
    running = await run()
    await running.said(TRADES)
    assert set(parts(place)) == {"paper_exchange", "symbol_trader"}
    running.signal(signal.SIGKILL)
    await running.ended()
    await free(place)
    assert not parts(place)

    again = await run()
    await again.said(TRADES)
    told = await run("--status", "off")
    assert await told.ended() == 0
    assert await again.ended() == 0
    assert again.count("XRPUSDT is off")


async def test_before_the_first_run_there_is_nothing_to_shut_down(run: Try) -> None:
    told = await run("--status", "shutdown")
    assert await told.ended() == 1
    assert told.count("nothing was traded in this clone yet")
