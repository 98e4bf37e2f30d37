"""A recording is played and traded: a real one where there is one, a made one elsewhere."""

import os
import random
from decimal import Decimal
from pathlib import Path

import pytest

from support.books import compare
from support.processes import Bot, until, venue

REAL = "xrpeth_aggtrades_2019-10-11.csv.gz"
HEADER = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,time_ms,buyer_is_maker"
SPEED = "3000"


def made_recording(path: Path) -> Path:
    """Write aggregate trades that fall and rise by some percent, as a real day does."""
    chance = random.Random(7)
    price, lines = Decimal("0.00141342"), [HEADER]
    for number in range(6_000):
        drift = Decimal(-1 if number // 500 % 2 else 1) * Decimal("0.00003")
        step = Decimal(chance.randint(-40, 40)) / 100_000 + drift
        price = (price * (1 + step)).quantize(Decimal("0.00000001"))
        quantity, maker = chance.randint(5, 900), str(chance.random() < 0.5).lower()
        time_ms = 1_570_752_011_620 + number * 45_000
        lines.append(f"{number},{price},{quantity},{number},{number},{time_ms},{maker}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.timeout(480)
async def test_a_recording_completes_cycles_and_the_books_agree(
    tmp_path: Path, database: str
) -> None:
    """Traders grow from one to several as the price falls; cycles finish; nothing differs."""
    folder = os.environ.get("RECORDINGS")
    recording = Path(folder) / REAL if folder else made_recording(tmp_path / "made.csv")
    market = ("--recording", str(recording), "--symbol", "XRPETH", "--speed", SPEED, "--paused")
    async with venue(tmp_path / "journal.jsonl", *market) as exchange:
        bot = Bot(tmp_path / "xrpeth.yaml", exchange, database, ("--reconcile-s", "2"))
        bot.ask(status="on", symbol="XRPETH", budget=1)
        try:
            running = await bot.start()
            await running.said("starting trading")
            await exchange.admin("resume")
            await running.said("why=rebuy", times=2, within_s=200)
            await running.said(r"trader finished.*why=sold", times=3, within_s=200)
            await exchange.admin("pause")

            async def agree() -> bool:
                comparison = await compare(exchange.journal, database, "XRPETH")
                return comparison.cycles >= 3 and not comparison.differences

            await until(agree)
        finally:
            await bot.kill()
