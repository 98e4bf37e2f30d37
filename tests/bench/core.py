"""What a price costs the core: most prices concern nobody, and must cost next to nothing."""

import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from symbol_trader.core.events import PriceSeen
from unit.core.builders import SETTINGS
from unit.core.desk import Desk

TRADERS = 100
PRICES = 200_000
ROUNDS = 5
GOAL_US = 3
STEP = Decimal("0.001")


def measure() -> list[tuple[str, str, str]]:
    """Return rows of name, figure and goal."""
    desk = leading(TRADERS)
    leader, now_ms = desk.leader, desk.now_ms
    quiet = leader.quiet_range.low
    price = PriceSeen(quiet + STEP, quiet + STEP, now_ms)
    best = min(_round_us(lambda: leader.handle(price, now_ms)) for _ in range(ROUNDS))
    name = f"a price that concerns none of {TRADERS} traders"
    return [(name, f"{best:.2f} µs", f"goal: {GOAL_US} µs")]


def leading(traders: int) -> Desk:
    """Return a leader of so many traders, whose buys rest one below the other."""
    budget = SETTINGS.chunk_budget * traders
    desk = Desk(replace(SETTINGS, chunks=traders, budget=budget, rebuy=Decimal("0.0001")))
    price = Decimal(3)
    while len(desk.book) < traders:
        desk.price(f"{price}")
        for order in list(desk.placed):
            desk.accept(order)
        price -= STEP
    return desk


def _round_us(handle: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    for _ in range(PRICES):
        handle()
    return (time.perf_counter() - began_s) / PRICES * 1e6
