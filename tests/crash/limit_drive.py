"""One case around a limit or a halt: what is lost at the step lets no buy past it.

A leader of a pod has bought. A rule comes to hold, and at the step something is lost. While the
rule holds the price falls, so that every trader would buy; then the rule is lifted, and they do.
The record says when each buy was committed, and the exchange's own journal that there is no other.
"""

import signal
import traceback
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import count
from pathlib import Path

import asyncpg

from crash.cases import ORDER_NOTED, Case, Rule, Way
from crash.drive import ENDED_S, Outcome
from crash.harness import HarnessFailed, harness_reason
from crash.victim import ARMED_VARIABLE, STEP_VARIABLE, TRACE_VARIABLE
from support.api_server import ApiServer, start_leader
from support.books import compare
from support.by_hand import AMPLE, trade
from support.people import SYMBOL, account_at
from support.processes import AdminRefusedError, Running, Venue, until, venue
from support.unled import MARKET_OF_BOTH, UNLED, leave_without_leader
from symbol_trader.audit.auditing import audit
from symbol_trader.errors import DatabaseUnavailable
from symbol_trader.postgres import account_limits

TIMES = (
    *("--recv-window-ms", "2000", "--exchange-timeout-ms", "2000", "--exchange-margin-ms", "100"),
    *("--reconcile-s", "1"),
)
"""No request is lost here: what safety waits for may be as long as a busy machine needs."""
SPEC = {"status": "on", "budget": 100, "chunks": 5, "maxBuyAge": "1h", "rebuyInterval": "1%"}
NAME = "all"
ROOM_FOR_ONE, ROOM = "30", "100000"
"""Of five buys of 20 USDT."""
A_LOSS = "1"
HELD, SPENT, BID, LOWER_BID = Decimal(1_000), Decimal(500), Decimal("0.5"), "0.4"
"""What is held of the symbol that nobody leads: it loses 100."""
MORE_THAN_ALL_TRADERS_LOSE = "60"
BOUGHT_AT = "0.9999"
"""What the first trader bids at a price of 1."""
LOWEST, HIGH = Decimal("0.5"), "1.2"
RULED_OUT = {"BuysHalted", "LimitReached"}
SOON_S = 60
"""How long what a leader does every few seconds may take, on a busy machine too."""
MOVE_S = 0.5
"""What a leader needs to answer to a price, on a machine that is not busy."""
SINCE = """
SELECT since FROM halts
UNION ALL
SELECT mirrored_at FROM trading_limits WHERE NOT halt AND deleted_at IS NULL AND max_exposure = $1
LIMIT 1
"""
BID_GETS_OLD = "UPDATE owners SET bid_at = bid_at - interval '40 s' WHERE symbol = $1"
BUYS = "SELECT count(*) FROM orders WHERE side = 'BUY' AND committed_at >= $1 AND committed_at < $2"
CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@dataclass(slots=True)
class LimitLife:
    """The processes around one case."""

    case: Case
    folder: Path
    database: str
    venue: Venue
    api_server: ApiServer
    leaders: list[Running] = field(default_factory=list)
    _steps_down: Iterator[int] = field(default_factory=lambda: count(1))

    async def run(self) -> Outcome:
        """Live through the case."""
        try:
            await self._first_buy()
            reached = await self._come_to_step()
            await self._lose()
            since = await until(self._since, within_s=SOON_S)
            await until(self._says_so, within_s=SOON_S)
            lifted = await self._now()
            past = await self._buys_between(since, lifted)
            await self._lift()
            await until(lambda: self._buys_again(lifted), within_s=SOON_S)
            return await self._judge(reached, past)
        except (AssertionError, TimeoutError, AdminRefusedError, DatabaseUnavailable) as exc:
            if reason := harness_reason(exc):
                raise HarnessFailed(reason) from exc
            where = " > ".join(
                str(frame.line) for frame in traceback.extract_tb(exc.__traceback__, limit=2)
            )
            said = [line for leader in self.leaders for line in leader.lines[-10:]]
            return Outcome(self.case, False, 0, 0, (f"{exc!r} at {where}", *said))

    async def _first_buy(self) -> None:
        victim = await self._start(
            "crash.limit_victim",
            **{
                STEP_VARIABLE: str(self.case.step),
                TRACE_VARIABLE: str(self.folder / "trace"),
                ARMED_VARIABLE: str(self._armed),
            },
        )
        await victim.said("starting trading")
        await self._trade_until("buy open", lambda: trade(self.venue, "1", "SELL", "1"))
        await trade(self.venue, BOUGHT_AT, "SELL")
        await victim.said("sell open")

    @property
    def _armed(self) -> Path:
        return self.folder / "armed"

    async def _start(self, program: str = "support.api_server", **environment: str) -> Running:
        word = self.folder / f"termination-log-{len(self.leaders)}"
        leader = await start_leader(
            self.api_server, self.venue, self.database, word, *TIMES, program=program, **environment
        )
        self.leaders.append(leader)
        return leader

    async def _come_to_step(self) -> bool:
        """Let the rule come to hold, and the leader come to its step."""
        victim, rule = self.leaders[0], self.case.rule
        at_an_order = self.case.step.call in {ORDER_NOTED, "exchange.place"}
        before_step = rule in {Rule.DELETED, Rule.LOSS, Rule.UNLED} or (
            rule is Rule.LIMIT and at_an_order
        )
        if rule is Rule.UNLED:
            await leave_without_leader(self.database, HELD, SPENT, BID)
        if before_step:
            await self._rule()
            await victim.said("a limit is in force")
        self._armed.touch()
        if rule is Rule.DELETED:
            await self.api_server.delete_limit(NAME)
        elif rule is Rule.LOSS:
            await trade(self.venue, "0.9", "SELL")
        elif rule is Rule.UNLED:
            await trade(self.venue, LOWER_BID, "SELL", symbol=UNLED)
            await self._rows(BID_GETS_OLD, UNLED)
        elif at_an_order:
            # No buy rests that would fill first: the next order is one.
            await self._trade_until("reached ", lambda: self._fall("1"))
        else:
            await self._rule()
        await victim.said("reached ", within_s=SOON_S)
        if self.case.step.way is not Way.KILLED:
            # It says so just before: to go on earlier would be lost.
            await until(lambda: _is_stopped(victim.process.pid), within_s=SOON_S)
        if at_an_order and not before_step:
            await self._rule()
        return True

    async def _trade_until(self, said: str, move: Callable[[], Awaitable[None]]) -> None:
        """Move the market until the first leader says something.

        On a busy machine a price may come too late to buy at, and a buy at the exchange.
        """

        async def told() -> bool:
            if not self.leaders[0].count(said):
                await move()
            return self.leaders[0].count(said) > 0

        await until(told, within_s=SOON_S, every_s=MOVE_S)

    async def _rule(self) -> None:
        """Put the rule in force, or ask for that."""
        match self.case.rule:
            case Rule.HALT | Rule.DELETED:
                await self.api_server.limit(NAME, halt=True)
            case Rule.LIMIT:
                await self.api_server.limit(NAME, maxExposure=ROOM_FOR_ONE)
            case Rule.LOSS:
                await self.api_server.limit(NAME, maxDailyLoss=A_LOSS)
            case Rule.UNLED:
                await self.api_server.limit(NAME, maxDailyLoss=MORE_THAN_ALL_TRADERS_LOSE)
            case _:
                where = await self._account()
                await account_limits.halt(
                    self.database, *where, reason="looks odd", on_limit="NoBuys"
                )

    async def _lift(self) -> None:
        """Let the account buy again, as a person does."""
        match self.case.rule:
            case Rule.HALT:
                await self.api_server.limit(NAME, halt=False)
            case Rule.LIMIT:
                await self.api_server.limit(NAME, maxExposure=ROOM)
            case Rule.LOSS | Rule.UNLED:
                await self.api_server.delete_limit(NAME)
                await self._resume()
            case _:
                await self._resume()

    async def _resume(self) -> None:
        """Resume by the command, once no resource asks for a halt any more."""
        await until(self._is_forgotten, within_s=SOON_S)
        await account_limits.resume(self.database, *await self._account())

    async def _lose(self) -> None:
        """Lose what is lost at the step; the price falls meanwhile."""
        victim, way = self.leaders[0], self.case.step.way
        match way:
            case Way.WITHOUT_DATABASE:
                await self._rows(CUT)
                victim.signal(signal.SIGCONT)
            case Way.WITHOUT_API_SERVER:
                await self.api_server.stop()
                victim.signal(signal.SIGCONT)
                await self._fall()
                await self.api_server.start()
            case _:
                successor = await self._start()
                await successor.said("starting trading")
        await self._fall()
        if way is Way.FROZEN:
            victim.signal(signal.SIGCONT)
            await victim.ended(ENDED_S)

    async def _fall(self, quantity: str = AMPLE) -> None:
        """Let the price fall by 2 %, as far as it may: traders that have bought start others."""
        price = max(Decimal("0.9") * Decimal("0.98") ** next(self._steps_down), LOWEST)
        await trade(self.venue, f"{price:.4f}", "SELL", quantity)

    async def _says_so(self) -> bool:
        """Return whether the symbol says that it may not buy; the price falls meanwhile."""
        await self._fall()
        degraded = self.api_server.condition("Degraded")
        return degraded.get("status") == "True" and degraded.get("reason") in RULED_OUT

    async def _buys_again(self, since: datetime) -> bool:
        """Return whether there was another buy; what rests fills meanwhile, and cycles end."""
        await trade(self.venue, str(LOWEST), "SELL")
        await trade(self.venue, HIGH, "BUY")
        await trade(self.venue, str(LOWEST), "SELL", "1")
        return await self._buys_between(since, await self._now()) > 0

    async def _since(self) -> datetime | None:
        """Return when the rule came to hold, by the record."""
        await self._fall()
        found = await self._rows(SINCE, Decimal(ROOM_FOR_ONE))
        return found[0][0] if found else None

    async def _is_forgotten(self) -> bool:
        return not await self._rows("SELECT FROM trading_limits WHERE deleted_at IS NULL")

    async def _account(self) -> tuple[str, str]:
        ((environment, account),) = await self._rows(
            "SELECT DISTINCT environment, account FROM owners"
        )
        return environment, account

    async def _now(self) -> datetime:
        ((now,),) = await self._rows("SELECT clock_timestamp()")
        assert isinstance(now, datetime)
        return now

    async def _buys_between(self, since: datetime, until_: datetime) -> int:
        ((found,),) = await self._rows(BUYS, since, until_)
        return int(found)

    async def _rows(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.database)
        try:
            found: list[asyncpg.Record] = await connection.fetch(query, *arguments)
            return found
        finally:
            await connection.close()

    async def _agrees(self) -> bool:
        """Return whether the last trades are on record."""
        return not (await compare(self.venue.journal, self.database, SYMBOL)).differences

    async def _judge(self, reached: bool, past: int) -> Outcome:
        """Compare the exchange's journal and its API with the record; no leader runs any more."""
        with suppress(TimeoutError):
            await until(self._agrees, within_s=SOON_S)
        for leader in self.leaders:
            leader.signal(signal.SIGTERM)
            await leader.ended(ENDED_S)
        comparison = await compare(self.venue.journal, self.database, SYMBOL)
        audited = await audit(self.database, "paper", *account_at(self.venue), pause_s=0.1)
        problems = [*comparison.differences, *map(str, audited.findings)]
        if past:
            problems.append(f"{past} buys were committed past the rule")
        return Outcome(self.case, reached, comparison.orders, comparison.fills, tuple(problems))


def _is_stopped(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    return stat.rpartition(")")[2].split()[0] == "T"


async def live_by_a_rule(case: Case, folder: Path, database: str) -> Outcome:
    """Carry out a case in an empty folder and on an empty database.

    Raises `HarnessFailed` where that was not possible.
    """
    try:
        return await _live(case, folder, database)
    except AssertionError as exc:
        if reason := harness_reason(exc):
            raise HarnessFailed(reason) from exc
        raise


async def _live(case: Case, folder: Path, database: str) -> Outcome:
    api_server = ApiServer(dict(SPEC))
    await api_server.start()
    try:
        async with venue(folder / "journal.jsonl", *MARKET_OF_BOTH) as exchange:
            life = LimitLife(case, folder, database, exchange, api_server)
            try:
                return await life.run()
            finally:
                for leader in life.leaders:
                    await leader.kill()
    finally:
        await api_server.stop()
