"""Hours of a recorded market, traded while what trading rests on is killed again and again.

The leader is killed, its connection to the exchange is cut, PostgreSQL crashes: at random moments,
and at the worst ones, while the exchange has an order or a cancel in hand that it has not answered.
Afterwards a shutdown has to end, and both sides have to agree.
"""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import asyncpg

from paper_exchange import journal
from support.books import Comparison, compare
from support.people import account_at
from support.postgres import Server
from support.processes import Bot, Running, Venue, until, venue
from support.recordings import SYMBOL, recording
from symbol_trader.audit.auditing import audit
from symbol_trader.audit.look import Audit

BASE = "XRP"
TRADING = {
    "status": "on",
    "symbol": SYMBOL,
    "budget": 1,
    "chunks": 5,
    "buyDownInterval": "0.05%",
    "profitInterval": "0.1%",
    "rebuyInterval": "0.3%",
    "maxBuyAge": "1s",
}
SHUTDOWN = {**TRADING, "status": "shutdown", "shutdown": "{deadline: 5s, atDeadline: Sell}"}
TIMEOUT_MS = 400
QUICK = (
    *("--recv-window-ms", "300", "--exchange-timeout-ms", str(TIMEOUT_MS)),
    *("--exchange-margin-ms", "100", "--reconcile-s", "2"),
)
"""The times that safety waits for, as fractions of the real ones."""
HOUR_MS = 3_600_000
ALERTS = "fenced|RecordRolledBack|RecordContradicts|Traceback|OwnedByAnother|AccountChanged"
"""What no leader may say: it would not trade on, or should not have come to it."""

SOLD = "trader finished.*why=sold"
REQUESTS = ("order.place", "order.place", "order.place", "order.cancel")
DELAYS_MS = {"request-delayed": 250, "reply-delayed": 350, "request-lost": 0, "reply-lost": 0}
"""What becomes of the request in flight: it arrives when its sender is gone, or its reply does,
or never."""
AT_WORST = 0.8
"""The share of kills for which a request in flight is waited for."""
CATCH_S = 5.0
"""How long a request is waited for; while every trader waits for the market there is none."""
LOOK_S = 0.005
PAUSE_S = 3.0
"""The longest of the random pauses before a kill at no chosen moment."""
AWAY_S = 1.5
"""The longest that PostgreSQL is away."""
ENDED_S = 90


class Victim(StrEnum):
    """What is killed."""

    LEADER = "leader"
    CONNECTION = "connection to the exchange"
    POSTGRES = "PostgreSQL"


@dataclass(frozen=True, slots=True)
class Plan:
    """How long, and how much of it all there has to be at least."""

    hours: float
    speed: int
    kills: int
    in_flight: int
    cycles: int


FULL = Plan(hours=24, speed=200, kills=100, in_flight=50, cycles=20)
SHARE = Plan(hours=3, speed=240, kills=12, in_flight=6, cycles=2)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to."""

    plan: Plan
    hours: float
    kills: Counter[Victim]
    in_flight: Counter[Victim]
    books: Comparison
    audit: Audit
    alerts: tuple[str, ...]
    unexplained: Any
    """By the record itself."""
    balance: Any
    """What the exchange's journal has of the base asset."""
    explained: Any
    """What the record says is carried, held or stranded of it."""

    @property
    def problems(self) -> list[str]:
        """Name everything that is not as it should be."""
        plan = self.plan
        counts = {
            "recorded hours": (self.hours, plan.hours),
            "kills": (self.kills.total(), plan.kills),
            "kills with a request in flight": (self.in_flight.total(), plan.in_flight),
            "cycles": (self.books.cycles, plan.cycles),
        }
        found = [
            f"{is_:g} {what} of {least:g}" for what, (is_, least) in counts.items() if is_ < least
        ]
        found += [*self.books.differences, *map(str, self.audit.findings), *self.alerts]
        if not self.audit.orders:
            found.append("nothing was audited")
        if self.unexplained or self.balance != self.explained:
            found.append(
                f"the exchange has {self.balance} {BASE}, the record explains {self.explained} and "
                f"leaves {self.unexplained} unexplained"
            )
        return found

    def __str__(self) -> str:
        victims = ", ".join(
            f"{self.kills[victim]} of {victim} ({self.in_flight[victim]} in flight)"
            for victim in Victim
        )
        return (
            f"{self.hours:.1f} recorded hours; {self.kills.total()} kills, "
            f"{self.in_flight.total()} with a request in flight: {victims}; {self.books.cycles} "
            f"cycles; audit of {self.audit.orders} orders and {self.audit.fills} fills: "
            f"{len(self.audit.findings)} differences; {self.balance} {BASE} left, "
            f"{self.explained} explained"
        )


@dataclass(slots=True)
class Day:
    """The processes of one run, and what was done to them."""

    plan: Plan
    bot: Bot
    venue: Venue
    server: Server
    chance: random.Random
    kills: Counter[Victim] = field(default_factory=Counter)
    in_flight: Counter[Victim] = field(default_factory=Counter)
    lives: list[Running] = field(default_factory=list)
    _began_ms: int = 0

    async def run(self) -> Outcome:
        """Trade and kill until there was enough of everything, then shut down and compare."""
        await self._begin()
        while not await self._enough():
            await self._kill()
        hours = await self._hours()
        await self.venue.admin("clear-faults")
        await self._shut_down()
        return await self._judge(hours)

    async def _begin(self) -> None:
        self.bot.ask(**TRADING)
        await self._start_leader()
        await self.bot_said("starting trading")
        self._began_ms = (await self.venue.admin("status"))["marketTime"] or 0
        await self.venue.admin("resume")

    async def bot_said(self, pattern: str) -> None:
        """Wait until the leader of now says something."""
        await self.lives[-1].said(pattern)

    async def _start_leader(self) -> None:
        self.lives.append(await self.bot.start())

    async def _enough(self) -> bool:
        return (
            self.kills.total() >= self.plan.kills
            and self.in_flight.total() >= self.plan.in_flight
            and all(self.in_flight[victim] for victim in Victim)
            and sum(life.count(SOLD) for life in self.lives) >= self.plan.cycles
            and await self._hours() >= self.plan.hours
        )

    async def _hours(self) -> float:
        status = await self.venue.admin("status")
        assert not status["ended"], f"the recording is over: {self.kills} {self.in_flight}"
        self._began_ms = self._began_ms or status["marketTime"]
        return float(status["marketTime"] - self._began_ms) / HOUR_MS

    # Kills.

    async def _kill(self) -> None:
        """Kill something: with a request in flight, if one comes in time, or at any moment."""
        assert not self.lives[-1].over, "\n".join(self.lives[-1].lines[-40:])
        victim = self.chance.choice(list(Victim))
        if self.chance.random() < AT_WORST:
            caught = await self._catch()
        else:
            caught = None
            await asyncio.sleep(self.chance.uniform(0, PAUSE_S))
        await self._strike(victim)
        in_flight = caught is not None and time.monotonic() < caught
        self.kills[victim] += 1
        self.in_flight[victim] += in_flight
        await self.venue.admin("clear-faults")
        print(
            f"{await self._hours():5.2f} h: kill {self.kills.total()} of {victim}"
            f"{', a request in flight' if in_flight else ''}",
            flush=True,
        )
        await self._mend(victim)

    async def _catch(self) -> float | None:
        """Wait until the exchange has a request that it does not answer, or not yet.

        Returns the moment until which it is certain that the leader waits for the reply: what the
        exchange did not have at the last look cannot have been given up before its time.
        """
        fault = self.chance.choice(list(DELAYS_MS))
        delay_ms = DELAYS_MS[fault]
        rule = {"fault": fault, "target": self.chance.choice(REQUESTS), "delayMs": delay_ms}
        await self.venue.admin("fault", **rule)
        give_up = time.monotonic() + CATCH_S
        while (looked := time.monotonic()) < give_up:
            (shown,) = (await self.venue.admin("faults"))["faults"]
            if shown["hits"]:
                return looked - LOOK_S + (delay_ms or TIMEOUT_MS) / 1000
            await asyncio.sleep(LOOK_S)
        return None

    async def _strike(self, victim: Victim) -> None:
        match victim:
            case Victim.LEADER:
                self.lives[-1].signal(signal.SIGKILL)
            case Victim.CONNECTION:
                await self.venue.admin("cut", channel=self.chance.choice(("api", "all")))
            case Victim.POSTGRES:
                os.kill(self.server.pid, signal.SIGQUIT)

    async def _mend(self, victim: Victim) -> None:
        """Bring back what does not come back by itself."""
        if victim is Victim.LEADER:
            await self.lives[-1].ended()
            await self._start_leader()
        elif victim is Victim.POSTGRES:
            await until(lambda: not self.server.running)
            await asyncio.sleep(self.chance.uniform(0, AWAY_S))
            await asyncio.to_thread(self.server.start)

    # The end.

    async def _shut_down(self) -> None:
        self.bot.ask(**SHUTDOWN)
        last = self.lives[-1]
        assert await last.ended(ENDED_S) == 0, "\n".join(last.lines[-40:])
        assert last.count("stopping trading.*shutdown is done"), "\n".join(last.lines[-40:])

    async def _judge(self, hours: float) -> Outcome:
        comparison = await compare(self.venue.journal, self.bot.database, SYMBOL)
        account = account_at(self.venue, SYMBOL)
        audited = await audit(self.bot.database, "paper", *account, pause_s=0.5)
        connection = await asyncpg.connect(self.bot.database)
        position = await connection.fetchrow("SELECT * FROM positions")
        await connection.close()
        balances = journal.read(self.venue.journal).balances
        balance = sum(b.free + b.locked for (_, asset), b in balances.items() if asset == BASE)
        lines = [line for life in self.lives for line in life.lines]
        alerts = tuple(line for line in lines if _is_alert(line))
        explained = position["carried"] + position["held"] + position["stranded"]
        return Outcome(
            self.plan,
            hours,
            self.kills,
            self.in_flight,
            comparison,
            audited,
            alerts,
            position["unexplained"],
            balance,
            explained,
        )


def _is_alert(line: str) -> bool:
    return any(word in line for word in ALERTS.split("|"))


async def trade(plan: Plan, seed: int, folder: Path, server: Server, database: str) -> Outcome:
    """Carry out a plan in an empty folder and on an empty database of a server to be killed."""
    played = ("--recording", str(recording(folder)), "--symbol", SYMBOL)
    market = (*played, "--speed", str(plan.speed), "--paused")
    async with venue(folder / "journal.jsonl", *market) as exchange:
        bot = Bot(folder / "xrpeth.yaml", exchange, database, QUICK)
        try:
            return await Day(plan, bot, exchange, server, random.Random(seed)).run()
        finally:
            await bot.kill()
