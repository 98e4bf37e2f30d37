"""A book with a long history: what a term, a person's queries and the views cost on it.

The cycles are made by the database itself, each with a buy and a sell that filled at once; a few
traders run. Nothing here needs a cluster.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import asyncpg

from support.postgres import running_server
from support.recorded import OwnRecord
from symbol_trader.core.settings import Settings, TradingStatus
from symbol_trader.desired import Desired
from symbol_trader.identity import LedgerKey, Owner
from symbol_trader.postgres.connection import Timeouts
from symbol_trader.postgres.migrate import migrate

CYCLES: Final = 1_000_000
RUNNING: Final = 10
REPEATS: Final = 5
LEDGER: Final = LedgerKey("paper", "354937868", "XRPUSDT")
SETTINGS: Final = Settings(
    TradingStatus.ON, Decimal(1000), 10, Decimal("0.0001"), Decimal("0.001"), Decimal("0.001")
)
PATIENT: Final = Timeouts(answer_ms=1_800_000, statement_ms=1_800_000)
SERVER: Final[dict[str, Any]] = {
    "shared_buffers": "512MB",
    "max_wal_size": "8GB",
    "maintenance_work_mem": "256MB",
    "checkpoint_timeout": "30min",
}
TERM_GOAL: Final = "goal: 50 ms"
AUDIT_GOAL: Final = "goal: 64 MiB"
QUERY_GOAL: Final = "goal: 100 ms"

Row = tuple[str, str, str]

# Constraints are checked row by row otherwise, which takes longer than all the rest. One cycle
# ends each minute, the last one now.
_FILL: Final = """
SET session_replication_role = replica;
CREATE TEMPORARY TABLE made AS
SELECT n, format('tsym-bench0-%s', n) AS trader_id,
    ((extract(epoch FROM now()) - 60.0 * ({cycles} - n)) * 1000)::bigint AS at_ms
FROM generate_series(1, {cycles}) AS n;
INSERT INTO traders (environment, account, symbol, trader_id, epoch, chunk_budget, buy_down,
    profit_interval, rebuy, started_ms, reason, state, finished_ms, profit, unsold, carried,
    carried_cost, result)
SELECT '{environment}', '{account}', '{symbol}', trader_id, 1, 100, 0.0001, 0.001, 0.001,
    at_ms - 60000, 'no trader runs', 'finished', at_ms, 0.000005, 0, 0.01, 0.005005, 'sold'
FROM made;
INSERT INTO orders (environment, account, symbol, client_order_id, trader_id, side, attempt, price,
    quantity, time_in_force, timestamp_ms, recv_window_ms, epoch, committed_at, state, order_id,
    executed, executed_quote, changed_at)
SELECT '{environment}', '{account}', '{symbol}', trader_id || leg.mark, trader_id, leg.side, 1,
    leg.price, leg.quantity, 'GTC', at_ms - leg.before_ms, 3000, 1,
    at_time(at_ms - leg.before_ms), 'filled', 2 * n + leg.number, leg.quantity,
    leg.price * leg.quantity, at_time(at_ms - leg.before_ms + 500)
FROM made CROSS JOIN (VALUES
    ('-b1', 'BUY'::order_side, 0, 0.5, 40.05, 59000),
    ('-s1', 'SELL', 1, 0.501, 40, 30000)
) AS leg (mark, side, number, price, quantity, before_ms);
INSERT INTO fills (environment, account, symbol, client_order_id, order_id, trade_id, trader_id,
    side, price, quantity, quote_quantity, commission, commission_asset, is_maker, time_ms, fee_in)
SELECT environment, account, symbol, client_order_id, order_id, order_id, trader_id, side, price,
    executed, executed_quote, CASE side WHEN 'BUY' THEN 0.04 ELSE 0.02 END,
    CASE side WHEN 'BUY' THEN 'XRP' ELSE 'USDT' END,
    true, timestamp_ms + 500, CASE side WHEN 'BUY' THEN 'base' ELSE 'quote' END::fee_asset
FROM orders;
INSERT INTO profit_by_day
SELECT environment, account, symbol, day_of(finished_ms), count(*), sum(profit)
FROM traders GROUP BY environment, account, symbol, day_of(finished_ms);
UPDATE owners SET ended_count = {cycles}, ended_profit = 0.000005 * {cycles},
    ended_carried = 0.01 * {cycles}, ended_carried_cost = 0.005005 * {cycles},
    ended_bought = 40.05 * {cycles}, ended_sold = 40.0 * {cycles},
    ended_base_commission = 0.04 * {cycles};
INSERT INTO traders (environment, account, symbol, trader_id, epoch, chunk_budget, buy_down,
    profit_interval, rebuy, started_ms, reason)
SELECT '{environment}', '{account}', '{symbol}', 'running-' || n, 1, 100, 0.0001, 0.001, 0.001,
    (extract(epoch FROM now()) * 1000)::bigint, 'no trader runs'
FROM generate_series(1, {running}) AS n;
INSERT INTO orders (environment, account, symbol, client_order_id, trader_id, side, attempt, price,
    quantity, time_in_force, timestamp_ms, recv_window_ms, epoch, state, order_id)
SELECT environment, account, symbol, trader_id || '-b1', trader_id, 'BUY', 1, 0.5, 40, 'GTC',
    started_ms, 3000, 1, 'open', 10 * {cycles} + row_number() OVER ()
FROM traders WHERE state = 'running';
DROP TABLE made;
SET session_replication_role = origin;
ANALYZE;
"""


async def measure(cycles: int) -> list[Row]:
    """Make a book with that many ended cycles, and return what reading it costs."""
    with running_server(**SERVER) as server:
        url = server.url(await server.create_database())
        await migrate(url, lambda _: None)
        record = OwnRecord(url, PATIENT)
        await record.ownership.open()
        await record.ownership.claim(LEDGER, Owner("bench", "bench", "bench"), pod="bench")
        await record.mirror_settings(Desired(LEDGER.symbol, SETTINGS, 1))
        await _make(url, cycles)
        rows = [await _timed(f"load() with {cycles} ended cycles", record.load, TERM_GOAL)]
        await record.ownership.close()
        rows.extend(await _queries(url))
        rows.append(await _audit(url))
        return rows


async def _audit(url: str) -> Row:
    """Return what an audit takes, in a process of its own: its memory is what is asked for."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.audit", url, stdout=asyncio.subprocess.PIPE
    )
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return "audit", said.decode().strip(), AUDIT_GOAL


async def _make(url: str, cycles: int) -> None:
    print(f"making {cycles} cycles ...", file=sys.stderr, flush=True)
    connection = await asyncpg.connect(url)
    started = time.monotonic()
    values = {"cycles": cycles, "running": RUNNING}
    book = {"environment": LEDGER.environment, "account": LEDGER.account, "symbol": LEDGER.symbol}
    await connection.execute(_FILL.format(**values, **book))
    await connection.close()
    print(f"  made in {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)


async def _queries(url: str) -> list[Row]:
    connection = await asyncpg.connect(url, server_settings={"jit": "off"})
    try:
        return [
            await _timed(name, lambda query=query: connection.fetch(query), QUERY_GOAL)  # type: ignore[misc]  # the default binds this round's value
            for name, query in {**_views(), **documented()}.items()
        ]
    finally:
        await connection.close()


def _views() -> dict[str, str]:
    of_symbol = f"WHERE symbol = '{LEDGER.symbol}'"
    newest = f"SELECT * FROM story {of_symbol} ORDER BY at DESC"
    return {
        "story, the newest 100": f"{newest} LIMIT 100",
        "story, the newest 100 with their order": f"{newest}, step DESC LIMIT 100",
        "story of a trader": "SELECT * FROM story WHERE trader_id = 'running-1'",
        "positions": "SELECT * FROM positions",
        "leaders": "SELECT * FROM leaders",
        "open_orders": "SELECT * FROM open_orders",
        "unvalued_fees": "SELECT * FROM unvalued_fees",
        "cycles, those that run": f"SELECT * FROM cycles {of_symbol} AND state = 'running'",
    }


def documented() -> dict[str, str]:
    """Return the queries of docs/reference/record.md by the question that stands above each."""
    page = Path(__file__).parents[2] / "docs" / "reference" / "record.md"
    parts = page.read_text(encoding="utf-8").split("```sql\n")
    questions = [part.rstrip().rpartition("\n")[2] for part in parts]
    queries = [part.partition("```")[0] for part in parts]
    return dict(zip(questions[:-1], queries[1:], strict=True))


async def _timed(name: str, ask: Callable[[], Awaitable[object]], goal: str) -> Row:
    """Ask a few times and return the median."""
    seconds = []
    for _ in range(REPEATS):
        started = time.monotonic()
        await ask()
        seconds.append(time.monotonic() - started)
    return name, f"{sorted(seconds)[REPEATS // 2] * 1000:.1f} ms", goal
