"""What many leaders ask and order together: never more than is allowed, and a reserve for sells."""

import asyncio
from bisect import bisect_left
from collections import defaultdict
from contextlib import suppress
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbol_trader.binance.budgets import Allowed, Budget, StatedLimits
from symbol_trader.core.orders import Side
from symbol_trader.errors import DatabaseUnavailable

STATED = StatedLimits()


class Slots:
    """The slots of a limit, as the record keeps them."""

    def __init__(self, shared: "Shared") -> None:
        self._shared = shared
        self._until_s = 0.0

    async def reserve(self, length_s: float, within_s: float) -> float | None:
        now_s = self._shared.now_s
        if self._shared.is_away:
            raise DatabaseUnavailable("away")
        if self._until_s > now_s + within_s:
            return None
        self._until_s = max(self._until_s, now_s) + length_s
        return self._until_s - now_s


class Shared:
    """The record of all leaders, and its clock."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.is_away = False
        self._weight = Slots(self)
        self._orders: defaultdict[str, Slots] = defaultdict(lambda: Slots(self))

    def budget(self, account: str = "1", random: float = 0.5) -> Budget:
        return Budget(
            self._weight,
            lambda uid: self._orders[uid],
            clock=lambda: self.now_s,
            random=lambda: random,
            account=account,
        )


def most_in_window(uses: list[tuple[float, float]], window_s: float) -> float:
    """Return the most of (time, amount) in any window, wherever it begins."""
    uses = sorted(uses)
    times_s = [time_s for time_s, _ in uses]
    ends = [bisect_left(times_s, begin_s + window_s) for begin_s in times_s]
    return max(sum(amount for _, amount in uses[n:end]) for n, end in enumerate(ends))


@given(
    st.integers(200, 10_000),
    st.lists(st.tuples(st.floats(0, 300), st.sampled_from([1, 4, 6, 20, 40])), min_size=1),
)
@settings(deadline=None)
def test_reads_use_three_quarters_of_the_weight_of_any_minute(
    limit: int, asked: list[tuple[float, int]]
) -> None:
    shared, used = Shared(), list[tuple[float, float]]()
    for begin_s, weight in sorted(asked):
        shared.now_s, budget = begin_s, shared.budget()
        budget.stated = StatedLimits(weight=Allowed(limit, 60.0))
        wait_s = asyncio.run(budget.wait_s(weight))
        if wait_s < 60:
            used.append((begin_s + wait_s, weight))

    assert most_in_window(used, 59.9) <= limit * 0.75 + 40


def test_a_few_starts_do_not_wait() -> None:
    shared = Shared()
    assert [asyncio.run(shared.budget().wait_s(57)) for _ in range(10)] == [0.0] * 10
    assert asyncio.run(shared.budget().wait_s(57)) > 0


def test_who_would_wait_for_more_than_a_minute_comes_again() -> None:
    shared = Shared()
    while (wait_s := asyncio.run(shared.budget().wait_s(40))) < 60:
        pass
    assert wait_s == 90.0


def test_what_can_wait_is_left_where_others_wait() -> None:
    shared = Shared()
    budget = shared.budget()
    assert asyncio.run(budget.has_room())
    asyncio.run(budget.wait_s(290))
    assert asyncio.run(budget.has_room())
    asyncio.run(budget.wait_s(20))
    assert not asyncio.run(budget.has_room())
    shared.now_s = 1.0
    assert asyncio.run(budget.has_room())
    shared.is_away = True
    assert not asyncio.run(budget.has_room())


def test_a_request_counts_as_no_less_than_its_part_of_all_raw_requests() -> None:
    assert STATED.units(4) == 4
    few = StatedLimits(raw_requests=Allowed(1_000, 300.0))
    assert few.units(4) == 30
    assert few.units(40) == 40


@given(st.integers(10, 300), st.lists(st.floats(0, 60), min_size=1, max_size=400), st.randoms())
@settings(deadline=None)
def test_no_window_holds_more_orders_than_the_account_may_place(
    limit: int, begins_s: list[float], random: Random
) -> None:
    shared, placed = Shared(), []
    for begin_s in sorted(begins_s):
        shared.now_s, budget = begin_s, shared.budget()
        budget.stated = StatedLimits(orders=Allowed(limit, 10.0))
        if asyncio.run(budget.may_place(random.choice((Side.BUY, Side.SELL)))):
            placed.append((begin_s, 1.0))

    assert most_in_window(placed, 9.99) <= limit


@pytest.mark.parametrize("limit", [8, 50, 100, 1_000])
def test_sells_have_slots_that_buys_cannot_use(limit: int) -> None:
    shared = Shared()
    budget = shared.budget()
    budget.stated = StatedLimits(orders=Allowed(limit, 10.0))
    bought = sold = 0
    while asyncio.run(budget.may_place(Side.BUY)):
        bought += 1
    while asyncio.run(budget.may_place(Side.SELL)):
        sold += 1
    assert bought >= 1
    assert sold >= limit // 10


def test_accounts_are_counted_apart() -> None:
    shared = Shared()
    while asyncio.run(shared.budget("1").may_place(Side.SELL)):
        pass
    assert asyncio.run(shared.budget("2").may_place(Side.BUY))


def test_without_the_record_nothing_is_bought_and_what_is_held_is_sold() -> None:
    shared = Shared()
    shared.is_away = True
    assert not asyncio.run(shared.budget().may_place(Side.BUY))
    assert asyncio.run(shared.budget().may_place(Side.SELL))


@pytest.mark.parametrize("seed", range(3))
async def test_500_leaders_without_a_record_keep_to_what_they_may_ask_together(seed: int) -> None:
    shared, random, used = Shared(), Random(seed), []
    shared.is_away = True
    for _ in range(500):
        budget, shared.now_s = shared.budget(random=random.random()), 0.0
        while shared.now_s < 600:
            with suppress(DatabaseUnavailable):
                await budget.wait_s(20)
                used.append((shared.now_s, 20.0))
            shared.now_s += 10.0

    assert 0 < most_in_window(used, 60.0) <= 4_500


def test_the_record_counts_again_as_soon_as_it_is_back() -> None:
    shared = Shared()
    shared.is_away = True
    budget = shared.budget()
    with pytest.raises(DatabaseUnavailable):
        asyncio.run(budget.wait_s(20))
    shared.is_away = False
    assert asyncio.run(budget.wait_s(20)) == 0
