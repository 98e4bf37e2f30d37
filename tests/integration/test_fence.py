"""`symbol-trader fence` ends a leader that nobody can reach: real processes, real sockets."""

import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from support.api_server import ApiServer, start_leader
from support.books import compare
from support.by_hand import MARKET, orders_there, recorded, rows, trade
from support.people import SYMBOL
from support.processes import Running, Venue, start, venue
from symbol_trader.postgres.migrate import migrate

SHORT = ("--recv-window-ms=500", "--exchange-timeout-ms=500", "--exchange-margin-ms=100")
"""What the fence waits for after its claim."""
OPEN = "SELECT FROM orders WHERE state = 'open' AND side = 'BUY'"


@pytest.fixture
async def market(tmp_path: Path) -> AsyncIterator[Venue]:
    """Run a market that moves by the test's hand alone."""
    async with venue(tmp_path / "journal.jsonl", *MARKET) as exchange:
        yield exchange


@asynccontextmanager
async def fence_of(database: str, pod: str, word: Path, *flags: str) -> AsyncIterator[Running]:
    """Start the fence of a pod; at the end it is gone. It needs the record, and nothing else."""
    environment = {"SYMBOL_TRADER_DATABASE_URL": database, "SYMBOL_TRADER_FENCED_POD": pod}
    arguments = ("symbol_trader", "fence", f"--termination-log={word}", *SHORT, *flags)
    running = await start(*arguments, environment=environment)
    try:
        yield running
    finally:
        await running.kill()


@pytest.mark.parametrize("frozen", [True, False], ids=["frozen", "cut off"])
async def test_a_leader_that_is_fenced_does_nothing_more(
    tmp_path: Path, market: Venue, api_server: ApiServer, database: str, *, frozen: bool
) -> None:
    """The API server is away for it, and says off; it trades on until its epoch is taken."""
    word = tmp_path / "termination-log"
    leader = await start_leader(api_server, market, database, word, "--reconcile-s=1")
    try:
        await leader.said("starting trading")
        await trade(market, "1", "SELL", "1")
        await recorded(database, OPEN)
        ((pod,),) = await rows(database, "SELECT pod FROM owners")
        await api_server.stop()
        if frozen:
            leader.signal(signal.SIGSTOP)
        else:
            # Nobody has told it: its buy fills, and it sells.
            await trade(market, "0.9", "SELL")
            await leader.said("sell open")
        async with fence_of(database, pod, tmp_path / "word", "--release") as fence:
            assert await fence.ended() == 0, fence.lines
        before = await orders_there(market)
        if frozen:
            leader.signal(signal.SIGCONT)
        await trade(market, "0.9" if frozen else "1.2", "SELL" if frozen else "BUY")
        assert await leader.ended() == 0, leader.lines[-20:]
    finally:
        await leader.kill()
    assert json.loads(word.read_text())["cause"] == "fenced"
    assert await orders_there(market) == before
    assert json.loads((tmp_path / "word").read_text())["cause"] == "fenced"
    assert await rows(database, "SELECT epoch, released_at IS NULL FROM owners") == [(2, True)]
    # What was on the exchange stays on record, for the next leader to take up.
    assert await rows(database, "SELECT state FROM traders") == [("running",)]


async def test_a_fence_waits_for_the_record(tmp_path: Path, empty_database: str) -> None:
    word = tmp_path / "word"
    async with fence_of(empty_database, "pod-1", word, "--release") as fence:
        await fence.said("waiting.*SchemaMismatch")
        await migrate(empty_database, lambda _: None)
        assert await fence.ended() == 0
    assert "it held no ledger" in json.loads(word.read_text())["message"]
    assert await rows(empty_database, "SELECT pod FROM barred") == [("pod-1",)]


async def test_the_next_leader_goes_on_where_the_fenced_one_was(
    tmp_path: Path, market: Venue, api_server: ApiServer, database: str
) -> None:
    """Its own fence may come late, too: the next one is left alone."""
    word = tmp_path / "termination-log"
    lost = await start_leader(api_server, market, database, word, "--reconcile-s=1")
    following: Running | None = None
    try:
        await lost.said("starting trading")
        await trade(market, "1", "SELL", "1")
        await recorded(database, OPEN)
        ((pod,),) = await rows(database, "SELECT pod FROM owners")
        lost.signal(signal.SIGSTOP)
        following = await start_leader(api_server, market, database, word, "--reconcile-s=1")
        await following.said("starting trading")
        async with fence_of(database, pod, tmp_path / "word") as fence:
            assert await fence.ended() == 0, fence.lines
        assert "it held no ledger" in json.loads((tmp_path / "word").read_text())["message"]
        await trade(market, "0.9", "SELL")
        await following.said("sell open")
        await recorded(database, "SELECT FROM orders WHERE state = 'open' AND side = 'SELL'")
        assert (await compare(market.journal, database, SYMBOL)).differences == ()
    finally:
        await lost.kill()
        if following is not None:
            await following.kill()
