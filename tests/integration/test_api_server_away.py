"""The API server goes away while a leader trades: it trades on, and writes off later."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.api_server import ApiServer, start_leader
from support.books import compare
from support.by_hand import MARKET, SOLD, trade
from support.people import SYMBOL
from support.processes import Venue, until, venue


@pytest.fixture
async def market(tmp_path: Path) -> AsyncIterator[Venue]:
    """Run a market that moves by the test's hand alone."""
    async with venue(tmp_path / "journal.jsonl", *MARKET) as exchange:
        yield exchange


@pytest.mark.timeout(240)
async def test_without_an_api_server_it_trades_on_and_the_off_patch_is_retried(
    tmp_path: Path, market: Venue, api_server: ApiServer, database: str
) -> None:
    """Away while it buys and sells, and again when the shutdown is done; then off is written."""
    word = tmp_path / "termination-log"
    leader = await start_leader(api_server, market, database, word)
    try:
        await leader.said("starting trading")
        await trade(market, "1", "SELL", "1")
        await leader.said("buy open")
        await until(lambda: api_server.status.get("openOrders") == 1)

        await api_server.stop()
        await trade(market, "0.9", "SELL")
        await leader.said("sell open")
        await trade(market, "1.2", "BUY")
        await leader.said(SOLD)
        await trade(market, "1", "SELL", "1")
        await leader.said("placing buy", times=2)
        await api_server.start()
        await until(lambda: api_server.status.get("profit", "0") != "0")

        await api_server.ask(status="shutdown", shutdown={"unfilledBuys": "Wait"})
        await leader.said("shutdown initiated")
        await api_server.stop()
        await trade(market, "0.9", "SELL")
        await leader.said("sell open", times=2)
        # The second buy may have been placed at the last trade's 1.2: its sell rests above that.
        await trade(market, "1.5", "BUY")
        await leader.said("shutdown done")
        await leader.said("waiting.*ApiServerUnreachable")
        assert not leader.over
        await api_server.start()
        assert await leader.ended() == 0, leader.lines[-20:]
    finally:
        await leader.kill()
    assert api_server.spec["status"] == "off"
    assert json.loads(word.read_text())["cause"] == "drained"
    assert (await compare(market.journal, database, SYMBOL)).differences == ()
