"""People who limit and halt the account while a leader trades, and let it go on again."""

from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

from symbol_trader.core.limits import AccountLimit, Halt, OnLimit

if TYPE_CHECKING:
    from simulation.world import World

HALT, DECLARE, DELETE = 0.02, 0.03, 0.01
"""Chances per trade."""
RESUME = 0.1
"""Per trade, that a halt is taken back: little happens while one stands."""
HALTING = 0.2
"""How many limits are written as a kill switch."""
SHARES = ("0.2", "0.5", "0.9", "2")
"""What a limit lets the account commit, in parts of the symbol's budget."""


class Limiting:
    """What happens to limits and halts; it draws for itself alone."""

    def __init__(self, world: "World", random: Random) -> None:
        self._world = world
        self._random = random
        self._made = 0

    def tick(self) -> None:
        """Let happen what does at one trade."""
        random, account = self._random, self._world.database.account
        if account.person is None and random.random() < HALT:
            account.person = Halt("a person says so", self._world.timeline.now_ms, self._on_limit())
            self._world.tally.count(f"halts by a person: {account.person.on_limit}")
        elif account.person is not None and random.random() < RESUME:
            account.person = None
        declared = [*self._world.cluster.limits.values()]
        if declared and random.random() < (RESUME if declared[0].halt else DELETE):
            self._world.cluster.delete_limit(declared[0].uid)
        elif random.random() < DECLARE:
            self._declare(declared[0] if declared else None)

    def end(self) -> None:
        """Take everything back."""
        self._world.database.account.person = None
        for uid in self._world.cluster.limits:
            self._world.cluster.delete_limit(uid)

    def _declare(self, before: AccountLimit | None) -> None:
        """Write the limit, or another one in place of one that was deleted."""
        self._made += before is None
        budget = self._world.plan.settings.budget
        self._world.cluster.declare(
            AccountLimit(
                f"limit {self._made}",
                before.generation + 1 if before else 1,
                "",
                "trading",
                "all",
                halt=self._random.random() < HALTING,
                max_exposure=budget * Decimal(self._random.choice(SHARES)),
                max_open_cycles=self._random.choice((None, 1, 2)),
                on_limit=self._on_limit(),
            )
        )
        self._world.tally.count("limits written")

    def _on_limit(self) -> OnLimit:
        return self._random.choice(tuple(OnLimit))
