"""From a price coming in to the order that follows being written, and what it is made of.

Leaders run one after the other in this process, against the same seeded markets over real sockets;
by turns one keeps its record in PostgreSQL and the next nowhere, and in between one row at a time
is inserted with the same driver into the same server, so that the machine's moods meet all three.
"""

import asyncio
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import asyncpg

from bench.leading import NoRecord, leader
from support.postgres import running_server
from support.processes import venue
from symbol_trader.binance.settings import BinanceSettings
from symbol_trader.core.settings import Settings, TradingStatus
from symbol_trader.ports import Ownership, Record
from symbol_trader.postgres.address import DatabaseAddress
from symbol_trader.postgres.epochs import PostgresOwnership
from symbol_trader.postgres.leader_connection import LeaderConnection
from symbol_trader.postgres.migrate import migrate
from symbol_trader.postgres.record import PostgresRecord
from symbol_trader.runtime.metrics import Metrics

SYMBOL = "XRPUSDT"
SPEED = "20"
"""Fast, but no faster than a leader takes in: what waits in line is not what is measured."""
ROUNDS = 6
SAMPLES = 50
"""Of one round: soon after that most traders wait for their sale, and orders become few."""
ROUND_WITHIN_S = 120.0
INSERT_PAUSE_S = 0.01
SETTINGS = Settings(
    TradingStatus.ON,
    Decimal(1000),
    10,
    buy_down=Decimal("0.0001"),
    profit=Decimal("0.0002"),
    rebuy=Decimal("0.0005"),
    # A buy that the market has left behind would be the last one of its round.
    max_buy_age_ms=1_000,
)


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds over all rounds."""

    median_ms: float
    p99_ms: float
    samples: int

    @staticmethod
    def of(seconds: Sequence[float]) -> "Latency":
        """Return what the samples say."""
        cuts = statistics.quantiles(seconds, n=100)
        return Latency(cuts[49] * 1000, cuts[98] * 1000, len(seconds))


class Stopwatch(Metrics):
    """Metrics that keep each latency, and call `done` when there are enough."""

    def __init__(self) -> None:
        super().__init__(SYMBOL, "paper", time.monotonic)
        self.seconds: list[float] = []
        self.done = asyncio.Event()

    def placed(self, received_s: float | None) -> None:
        """Keep the time since the price, if one led to the order."""
        super().placed(received_s)
        if received_s is not None:
            self.seconds.append(time.monotonic() - received_s)
        if len(self.seconds) >= SAMPLES:
            self.done.set()


async def measure(ownership: Ownership, record: Record, address: str) -> list[float]:
    """Let a leader trade until there are enough samples, and return them in seconds."""
    watch = Stopwatch()
    settings = BinanceSettings(f"{address}/ws-api/v3", address, SYMBOL)
    service = leader(SETTINGS, settings, ownership, record, metrics=watch)
    running = asyncio.create_task(service.run())
    try:
        async with asyncio.timeout(ROUND_WITHIN_S):
            await watch.done.wait()
    finally:
        service.stop()
        await running
    return watch.seconds


@dataclass(frozen=True, slots=True)
class Comparison:
    """The loop with its record, and the parts: the loop alone, and one durable insert."""

    kept: Latency
    alone: Latency
    insert: Latency

    @property
    def median_ratio(self) -> float:
        """Return how many times the sum of its parts the whole takes, at the median."""
        return self.kept.median_ms / (self.alone.median_ms + self.insert.median_ms)

    @property
    def p99_ratio(self) -> float:
        """Return the same at the 99th percentile."""
        return self.kept.p99_ms / (self.alone.p99_ms + self.insert.p99_ms)


async def compare() -> Comparison:
    """Measure all three; a fresh exchange and record for each round."""
    kept: list[float] = []
    alone: list[float] = []
    inserts: list[float] = []
    with tempfile.TemporaryDirectory() as folder, running_server(fsync=True) as server:
        for seed in range(1, ROUNDS + 1):
            url = server.url(await server.create_database())
            await migrate(url, lambda _: None)
            nothing = NoRecord()
            for ports, seconds in ((_postgres(url), kept), ((nothing, nothing), alone)):
                journal = Path(folder) / secrets.token_hex(4)
                async with venue(journal, "--speed", SPEED, "--seed", str(seed)) as exchange:
                    seconds.extend(await measure(*ports, exchange.address))
            inserts.extend(await _insert(url))
            print(f"  round {seed} of {ROUNDS} done", file=sys.stderr, flush=True)
    return Comparison(Latency.of(kept), Latency.of(alone), Latency.of(inserts))


def _postgres(url: str) -> tuple[Ownership, Record]:
    connection = LeaderConnection(DatabaseAddress(url))
    return PostgresOwnership(connection), PostgresRecord(connection)


async def _insert(url: str) -> list[float]:
    """Insert row after row, with pauses, and return the seconds that each took to be durable."""
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE bare (id bigserial PRIMARY KEY, what text NOT NULL)")
    seconds = []
    for _ in range(SAMPLES):
        started = time.monotonic()
        await connection.fetch("INSERT INTO bare (what) VALUES ($1) RETURNING id", "x" * 200)
        seconds.append(time.monotonic() - started)
        await asyncio.sleep(INSERT_PAUSE_S)
    await connection.close()
    return seconds
