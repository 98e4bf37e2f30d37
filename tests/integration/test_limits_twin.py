"""The SQL of limits does what its twin in the simulation does, act by act, in virtual time.

Seeds are played with the twin, and what was done to the record is done again to a real PostgreSQL
whose clock is the simulated one: every answer and every total must be the same. So what the
simulation finds of the twin in thousands of seeds, it finds of what people run.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from simulation.account import DAILY_LOSS, DAY_MS, DRAWDOWN, Account
from simulation.exchange import QUOTE
from simulation.report import REFUSALS
from simulation.tally import Tally
from simulation.world import World
from support.postgres import empty
from support.recorded import LEDGER, OWNER, POD, OwnRecord, opened
from support.virtual_clock import prepare, stand_at
from symbol_trader.postgres.account_limits import PostgresAccountLimits, halt, resume

ACCOUNT = (LEDGER.environment, LEDGER.account)
LOSSES = DAILY_LOSS, DRAWDOWN
SEEDS_LEAST, SEEDS_MOST = 5, 60
"""So many, and then on until everything was seen."""
ACTS = {"note", "bid", "mirror", "forget", "halt", "resume", "quote asset"}
_OWNER = """
SELECT exposure, open_cycles, last_loss_ms, bid,
    ended_profit + CASE WHEN bid IS NULL THEN 0 ELSE net_quote - ended_carried_cost
        + (net_base + ended_carried) * bid END AS worth
FROM owners
"""
_RESULT = "SELECT result, day, day_start, highest FROM account_results"
_HALTS = """
SELECT source, on_limit, until_day FROM halts
WHERE (until_day IS NULL OR until_day > utc_day(clock_timestamp()))
    AND coalesce(quote_asset = $1, true)
"""


@dataclass(frozen=True, slots=True)
class Rows:
    """What the record holds about limits."""

    totals: tuple[Any, ...]
    result: tuple[Any, ...] | None
    halts: frozenset[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Act:
    """What was done to the record, when, and what it held then."""

    at_ms: int
    what: str
    facts: Any
    after: Rows


def played(seed: int) -> list[Act]:
    """Return what a seed did to the record."""
    world, acts = World(seed, Tally()), list[Act]()
    account = world.database.account

    def see(what: str, facts: Any) -> None:
        if what in ACTS:
            acts.append(Act(world.timeline.now_ms, what, facts, twins(account)))

    world.database.witnesses.append(see)
    world.run()
    return acts


def twins(account: Account) -> Rows:
    """Return what the twin holds."""
    total = account.result
    return Rows(
        (
            account.exposure,
            account.open_cycles,
            account.last_loss_ms,
            account.bid,
            account.worth,
        ),
        (total.result, day(total.day), total.day_start, total.highest) if total else None,
        frozenset(
            (
                f"{source} {QUOTE}" if source in LOSSES else source,
                row.halt.on_limit.value,
                row.until_day and day(row.until_day),
            )
            for source, row in account.standing.items()
        ),
    )


def day(number: int) -> Any:
    return datetime.fromtimestamp(number * DAY_MS / 1000, UTC).date()


async def held(connection: asyncpg.Connection) -> Rows:
    """Return what the database holds."""
    totals = await connection.fetchrow(_OWNER)
    result = await connection.fetchrow(_RESULT)
    halts = await connection.fetch(_HALTS, QUOTE)
    return Rows(tuple(totals), result and tuple(result), frozenset(map(tuple, halts)))


async def do(record: OwnRecord, url: str, act: Act) -> set[str]:
    """Do to the database what was done to the twin; return why it refused buys."""
    limits = PostgresAccountLimits(record.link)
    match act.what:
        case "note":
            changes, refused = act.facts
            found = await record.note(changes)
            assert [(one.client_order_id, one.reason) for one in found] == [
                (one.client_order_id, one.reason) for one in refused
            ]
            return {one.reason for one in found}
        case "bid":
            await record.record_bid(act.facts)
        case "mirror":
            await limits.mirror(act.facts)
        case "forget":
            await limits.forget(act.facts)
        case "halt":
            reason, on_limit = act.facts
            await halt(url, *ACCOUNT, reason=reason, on_limit=on_limit)
        case "resume":
            await resume(url, *ACCOUNT)
        case "quote asset":
            await record.know_quote_asset(act.facts)
    return set()


async def replay(url: str, seed: int) -> set[str]:
    """Do all acts of a seed to the database; return what became of buys, and what halted."""
    seen: set[str] = set()
    # A simulated loop runs in it, which cannot share the thread with a real one.
    acts = await asyncio.to_thread(played, seed)
    connection = await asyncpg.connect(url)
    async with opened(url) as record:
        await record.ownership.claim(LEDGER, OWNER, pod=POD)
        for number, act in enumerate(acts):
            await stand_at(connection, act.at_ms)
            seen |= await do(record, url, act)
            found = await held(connection)
            assert found == act.after, f"act {number} of seed {seed}: {act.what} {act.facts}"
            seen |= {source for source, _, _ in found.halts}
    await connection.close()
    return seen


@pytest.mark.timeout(900)
async def test_the_database_does_what_its_twin_does(empty_database: str) -> None:
    await prepare(empty_database)
    due = {*REFUSALS, *(f"{source} {QUOTE}" for source in LOSSES)}
    for seed in range(SEEDS_MOST):
        due -= await replay(empty_database, seed)
        await empty(empty_database)
        if not due and seed >= SEEDS_LEAST:
            return
    raise AssertionError(f"{SEEDS_MOST} seeds did not show {due}")
