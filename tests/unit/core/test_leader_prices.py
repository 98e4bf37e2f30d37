"""Which prices matter: none that is old starts a buy, and none of the quiet range anything."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbol_trader.core.context import EventContext
from symbol_trader.core.decisions import Decision
from symbol_trader.core.events import Banned, LimitsHeard, PriceSeen
from symbol_trader.core.leader import Leader
from symbol_trader.core.limits import Halt, OnLimit
from symbol_trader.core.orders import Side
from symbol_trader.core.replies import BalanceChanged
from symbol_trader.core.settings import TradingStatus, UnfilledBuys
from unit.core.builders import NOW_MS, D
from unit.core.desk import TIMING, Desk

# Age.


def see(desk: Desk, price: str, *, lowest: str | None = None, age_ms: int = 0) -> None:
    desk.tell(PriceSeen(D(price), D(lowest or price), desk.now_ms - age_ms))


def test_a_price_that_is_too_old_starts_no_buy_and_is_the_last_one_known() -> None:
    desk = Desk()
    see(desk, "1.9998", age_ms=TIMING.price_age_max_ms + 1)
    assert not desk.placed
    assert desk.leader.last_price == D("1.9998")

    see(desk, "0.5505", age_ms=TIMING.price_age_max_ms)
    assert desk.order.price == D("0.5504")


def test_a_rebuy_triggers_at_the_lowest_of_the_waiting_prices_and_buys_at_the_newest() -> None:
    desk = Desk()
    desk.price("2")
    desk.accept(desk.order)
    see(desk, "1.9995", lowest="1.99")

    assert desk.said("rebuy triggered")[0]["now"] == "1.99"
    assert desk.order.price == D("1.9993")


def test_an_old_price_that_triggers_a_rebuy_leaves_the_buy_to_a_fresh_one() -> None:
    desk = Desk()
    desk.price("2")
    desk.accept(desk.order)
    see(desk, "1.99", age_ms=3_000)
    assert desk.lines == ["rebuy triggered", "initialising trader"]

    see(desk, "1.98")
    assert desk.order.side is Side.BUY


# The quiet range.


class Thorough(Leader):
    """A leader that asks everybody about each price."""

    def _see_price(self, event: PriceSeen, now_ms: int) -> Decision:
        state, ctx = self._state, EventContext(now_ms)
        state.last_price = event.price
        if not state.idle:
            self._traders._judge_rebuys(event.lowest, ctx)
        if now_ms - event.time_ms <= state.timing.price_age_max_ms:
            ctx.seen = event.price
        self._traders.advance_all(ctx)
        return ctx.decision


class ThoroughDesk(Desk):
    """A desk whose leader is thorough."""

    def _lead(self) -> Leader:
        leader = super()._lead()
        leader.__class__ = Thorough
        return leader


def facts(desk: Desk) -> dict[str, Any]:
    """Return all that a leader knows, as values that can be compared."""
    known = {
        name: value
        for name, value in vars(desk.leader._state).items()
        if name not in {"new_bits", "last_price", "fees"}
    }
    return known | {"fees": desk.leader.unvalued_fees}


def outcome(desk: Desk) -> tuple[Any, ...]:
    return desk.told, desk.placed, desk.canceled, desk.asked


Deed = Callable[[Desk], object]


def on_an_order(do: Callable[[Desk, Any], object]) -> Callable[[int], Deed]:
    """Make a deed of what is done to one of the orders on the exchange."""

    def choose(index: int) -> Deed:
        def deed(desk: Desk) -> None:
            resting = [r for r in desk.book.values() if r.status in {"NEW", "PARTIALLY_FILLED"}]
            if resting:
                do(desk, resting[index % len(resting)].intent)

        return deed

    return choose


def answer(how: str) -> Deed:
    """Answer the orders that were just placed."""

    def deed(desk: Desk) -> None:
        for order in list(desk.placed):
            getattr(desk, how)(order)

    return deed


def lack(desk: Desk) -> None:
    for order in list(desk.placed):
        desk.refuse(order, "Account has insufficient balance for requested action.")


CHANGES: list[dict[str, Any]] = [
    {"chunks": 1},
    {"chunks": 3, "budget": D(60)},
    {"budget": D(10)},
    {"rebuy": D("0.01")},
    {"max_buy_age_ms": 5_000},
    {"status": TradingStatus.SHUTDOWN},
    {"status": TradingStatus.SHUTDOWN, "unfilled_buys": UnfilledBuys.CANCEL},
    {"status": TradingStatus.ON},
]

PRICES = st.decimals("1.95", "2.02", places=3).map(str)
NUMBERS = st.integers(0, 9)


def price(value: str) -> Deed:
    return lambda desk: desk.price(value)


def limited(limit: str) -> Deed:
    """Let the record refuse buys from now on, or take them again."""

    def deed(desk: Desk) -> None:
        desk.limit = limit

    return deed


HALTS: list[tuple[Halt, ...] | None] = [
    None,
    (),
    *((Halt("a test says so", NOW_MS, on_limit),) for on_limit in OnLimit),
]

DEEDS: st.SearchStrategy[Deed] = st.one_of(
    PRICES.map(price),
    PRICES.map(price),
    st.just(answer("accept")),
    st.sampled_from(("refuse", "lose", "accept")).map(answer),
    st.just(lack),
    NUMBERS.map(on_an_order(lambda desk, order: desk.fill(order))),
    NUMBERS.map(on_an_order(lambda desk, order: desk.end(order, "EXPIRED"))),
    NUMBERS.map(on_an_order(lambda desk, order: desk.end(order, "CANCELED"))),
    st.sampled_from((1, 999, 1_000, 20_000)).map(lambda ms: lambda desk: desk.wait(ms)),
    st.sampled_from(CHANGES).map(lambda changes: lambda desk: desk.ask(**changes)),
    st.sampled_from((None, 1_500)).map(
        lambda ms: lambda desk: desk.tell(Banned(desk.now_ms + ms if ms else None))
    ),
    st.decimals(0, 50, places=1).map(
        lambda free: lambda desk: desk.tell(BalanceChanged({"USDT": free, "XRP": free}))
    ),
    st.just(lambda desk: desk.reconcile()),
    st.sampled_from(HALTS).map(lambda halts: lambda desk: desk.tell(LimitsHeard(halts))),
    st.sampled_from(("", "MaxExposure")).map(limited),
)


@settings(max_examples=150)
@given(st.lists(st.tuples(DEEDS, st.lists(PRICES, max_size=3)), max_size=30))
def test_nothing_follows_from_a_price_in_the_quiet_range(
    course: list[tuple[Deed, list[str]]],
) -> None:
    """Compared with a leader that has no such range: neither decides, neither changes."""
    quick, thorough = Desk(), ThoroughDesk()
    for deed, prices in course:
        for desk in (quick, thorough):
            deed(desk)
            pending = outcome(desk)
            desk.wait()
            desk.placed = [*pending[1], *desk.placed]
        assert outcome(quick) == outcome(thorough)
        assert facts(quick) == facts(thorough)
        for one in prices:
            _check_quiet(quick, D(one))
    assert facts(quick) == facts(thorough)


def _check_quiet(desk: Desk, value: D) -> None:
    quiet = desk.leader.quiet_range
    if not quiet.holds(value, desk.now_ms):
        return
    before = deepcopy(facts(desk))
    decision = Thorough._see_price(desk.leader, PriceSeen(value, value, desk.now_ms), desk.now_ms)  # type: ignore[arg-type]  # it compares what it is given
    assert decision == Decision()
    assert facts(desk) == before
    assert desk.leader.take_quietly(value) is (quiet.until_ms is None)
    assert facts(desk) == before


def test_only_a_price_that_is_quiet_at_any_time_is_taken_without_the_time() -> None:
    desk = Desk()
    assert not desk.leader.take_quietly(D(99)), "a trader waits to buy"
    desk.price("2")
    assert desk.leader.take_quietly(D("1.9978002"))
    assert desk.leader.last_price == D("1.9978002")
    assert not desk.leader.take_quietly(D("1.9978001")), "a rebuy trigger waits for it"
    desk.refuse(desk.order)
    assert desk.leader.quiet_range.holds(D("1.9978002"), desk.now_ms)
    assert not desk.leader.take_quietly(D("1.9978002")), "a refused buy is tried again soon"


def test_the_quiet_range_begins_at_the_highest_rebuy_trigger() -> None:
    desk = Desk()
    assert not desk.leader.quiet_range.holds(D(99), desk.now_ms), "a trader waits to buy"
    desk.price("2")
    assert desk.leader.quiet_range.low == D("1.9978002")
    assert desk.leader.quiet_range.holds(D("1.9978002"), desk.now_ms)

    desk.accept(desk.order)
    desk.price("1.9978001")
    desk.accept(desk.order)
    assert desk.leader.quiet_range.low < D("1.996"), "the first trigger is spent"

    desk.fill(next(iter(desk.book.values())).intent)
    desk.sold(desk.order)
    desk.price("2.2")
    assert desk.leader.quiet_range.low == D("2.1997") * D("0.999"), "the higher of two"


@pytest.mark.parametrize(("wait_ms", "quiet"), [(999, True), (1_000, False)])
def test_the_quiet_range_ends_with_the_pause_of_a_trader_that_is_to_buy(
    wait_ms: int, quiet: bool
) -> None:
    desk = Desk()
    desk.price("2")
    desk.refuse(desk.order)
    assert desk.leader.quiet_range.until_ms == desk.now_ms + 1_000
    assert desk.leader.quiet_range.holds(D("0.01"), desk.now_ms + wait_ms) is quiet


def test_no_price_is_looked_at_by_those_whom_it_does_not_concern(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk()
    desk.price("2")
    desk.accept(desk.order)
    desk.price("2")

    def fail(*_: object) -> None:
        raise AssertionError("asked about a price that is quiet")

    monkeypatch.setattr(desk.leader._traders, "see_price", fail)
    monkeypatch.setattr("symbol_trader.core.leader.Listeners", fail)
    for value in ("2", "1.9979", "99"):
        desk.leader.handle(PriceSeen(D(value), D(value), desk.now_ms), desk.now_ms)
    assert desk.leader.last_price == D(99)
