"""A symbol in other letters than A to Z, from the file to the exchange and the record."""

from pathlib import Path

import pytest

from support.books import compare
from support.by_hand import SOLD, bot_on, rows, trade
from support.people import account_at
from support.processes import venue
from symbol_trader.audit.auditing import audit

SYMBOL = "币安人生USDT"


@pytest.mark.timeout(120)
async def test_a_symbol_of_other_letters_is_traded(tmp_path: Path, database: str) -> None:
    async with venue(tmp_path / "journal.jsonl", "--manual", SYMBOL) as market:
        bot = bot_on(tmp_path, market, database, symbol=SYMBOL)
        running = await bot.start()
        try:
            await running.said("starting trading")
            await trade(market, "1", "SELL", "1", symbol=SYMBOL)
            await running.said("buy open")
            await trade(market, "0.9", "SELL", symbol=SYMBOL)
            await running.said("sell open")
            bot.ask(status="shutdown", budget=20, chunks=1, symbol=SYMBOL)
            await running.said("shutdown waits for the market")
            await trade(market, "1.2", "BUY", symbol=SYMBOL)
            await running.said(SOLD)
            assert await running.ended() == 0
        finally:
            await bot.kill()
        compared = await compare(market.journal, database, SYMBOL)
        assert (compared.cycles, compared.differences) == (1, ())
        audited = await audit(database, "paper", *account_at(market, SYMBOL), pause_s=0.1)
        assert audited.passed, audited.findings
    assert await rows(database, "SELECT DISTINCT symbol FROM story") == [(SYMBOL,)]
    assert SYMBOL in bot.file.read_text(encoding="utf-8")
