"""People who limit and halt the account while a leader trades, and let it go on again."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, TypeVar

from simulation.exchange import QUOTE
from symbol_trader.core.limits import AccountLimit, OnLimit

if TYPE_CHECKING:
    from simulation.world import World

T = TypeVar("T")

HALT, DECLARE, DELETE = 0.02, 0.04, 0.01
"""Chances per trade."""
RESUME = 0.08
"""Per trade, that people let the account go on: little happens while it is halted."""
WAITED_FOR = 0.005
"""The same where the turn of the day will end a halt by itself."""
CHANGED = 0.5
"""How often a limit is changed where there is one that could be."""
HALTING = 0.15
"""How many limits are written as a kill switch."""
GIVEN = 0.35
"""How many of its fields a limit gives."""
NOBODY_BIDS = 0.01
"""Per trade, that there are no bids for a while."""
NO_BIDS_MS = (20_000, 150_000)
EXPOSURES = ("0.2", "0.5", "0.9", "2")
"""What a limit lets the account commit, in parts of the symbol's budget."""
LOSSES = ("0.0002", "0.001", "0.004", "0.02")
"""What it lets the account lose, in the same."""
LITTLE = Decimal("0.00000001")
CYCLES = 1, 2, 4
ORDERS = 2, 6, 20
COOLDOWNS_MS = 1_000, 10_000, 60_000
ASSETS = None, None, QUOTE, "EUR"
MOST_LIMITS = 2


class Limiting:
    """What happens to limits and halts; it draws for itself alone."""

    def __init__(self, world: "World", random: Random) -> None:
        self._world = world
        self._random = random
        self._made = 0

    def tick(self) -> None:
        """Let happen what does at one trade."""
        random, world = self._random, self._world
        if world.database.reachable:
            self._command()
        declared = [*world.cluster.limits.values()]
        if declared and random.random() < DELETE:
            world.cluster.delete_limit(random.choice(declared).uid)
        elif random.random() < (RESUME if any(one.halt for one in declared) else DECLARE):
            self._declare(declared)
        if random.random() < NOBODY_BIDS:
            away_ms = random.randint(*NO_BIDS_MS)
            world.network.no_bids_until_ms = world.timeline.now_ms + away_ms

    def _command(self) -> None:
        """Let a person halt the account by a command, or resume it."""
        random, world = self._random, self._world
        if standing := world.database.account.standing.values():
            waits = any(row.until_day for row in standing)
            if random.random() < (WAITED_FOR if waits else RESUME):
                world.database.resume()
        elif random.random() < HALT:
            on_limit = self._on_limit()
            world.database.halt("a person says so", on_limit)
            world.tally.count(f"halts by a person: {on_limit}")

    def halt_all(self) -> OnLimit:
        """Halt everything by a command, a kill switch or a loss; return what is to become of it."""
        on_limit, way = self._on_limit(), self._random.choice(("command", "switch", "loss"))
        self._world.tally.count(f"halted in a calm by a {way}: {on_limit}")
        if way == "command":
            self._world.database.halt("a person says so", on_limit)
            return on_limit
        limit = AccountLimit("calm", 1, "", "trading", "calm", on_limit=on_limit)
        if way == "switch":
            self._world.cluster.declare(replace(limit, halt=True))
        else:
            self._world.cluster.declare(replace(limit, max_drawdown=LITTLE))
        return on_limit

    def end(self) -> None:
        """Take back what is declared; a person resumes."""
        self._world.network.no_bids_until_ms = 0
        for uid in self._world.cluster.limits:
            self._world.cluster.delete_limit(uid)

    def _declare(self, declared: Sequence[AccountLimit]) -> None:
        """Write another limit, or change one."""
        random = self._random
        halting = [one for one in declared if one.halt]
        if declared and (len(declared) == MOST_LIMITS or random.random() < CHANGED):
            before = random.choice(halting or declared)
            self._write(replace(before, generation=before.generation + 1))
        else:
            self._made += 1
            name = f"limit-{self._made}"
            asset = random.choice(ASSETS)
            self._write(AccountLimit(name, 1, "", "trading", name, quote_asset=asset))

    def _write(self, limit: AccountLimit) -> None:
        """Write a spec: all of it is drawn, but what cannot be changed."""
        random, budget = self._random, self._world.plan.settings.budget
        self._world.cluster.declare(
            replace(
                limit,
                halt=random.random() < HALTING,
                max_exposure=self._perhaps([budget * Decimal(part) for part in EXPOSURES]),
                max_daily_loss=self._perhaps([budget * Decimal(part) for part in LOSSES]),
                max_drawdown=self._perhaps([budget * Decimal(part) for part in LOSSES]),
                max_open_cycles=self._perhaps(CYCLES),
                max_orders_per_minute=self._perhaps(ORDERS),
                cooldown_ms=self._perhaps(COOLDOWNS_MS),
                on_limit=self._on_limit(),
                resume=random.choice(("Manual", "NextDay")),
                resumed_at=self._now() if random.random() < GIVEN else limit.resumed_at,
            )
        )
        self._world.tally.count("limits written")

    def _perhaps(self, values: Sequence[T]) -> T | None:
        return self._random.choice(values) if self._random.random() < GIVEN else None

    def _now(self) -> str:
        now = datetime.fromtimestamp(self._world.timeline.now_ms // 1000, UTC)
        return now.strftime("%Y-%m-%dT%H:%M:%SZ")

    def _on_limit(self) -> OnLimit:
        return self._random.choice(tuple(OnLimit))
