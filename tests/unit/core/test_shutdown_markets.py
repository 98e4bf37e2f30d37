"""Every shutdown policy in markets that rise forever, fall forever and stand still.

A shutdown ends if the market fills its orders, and always if it has a deadline. Where it has none
and the market never comes, it waits, and its report names the order, its price and how far away
the market is. The expectation of each case is read off a table, not off the code's rules.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest

from symbol_trader.core.decisions import FetchBid
from symbol_trader.core.orders import CancelIntent, Intent, Side, TimeInForce
from symbol_trader.core.records import TraderState
from symbol_trader.core.replies import Accepted
from symbol_trader.core.settings import AtDeadline, TradingStatus, UnfilledBuys
from symbol_trader.desired import Desired
from symbol_trader.runtime.health import Health
from symbol_trader.runtime.reporting import report_trading
from unit.core.builders import D
from unit.core.desk import Desk

MINUTE_MS = 60_000
DEADLINE_MS = 10 * MINUTE_MS
FOR_EVER = 60
"""Minutes that stand forever: six times the deadline."""
START = D(2)

MARKETS: dict[str, Callable[[int], D]] = {
    "rises": lambda minute: (START * D("1.02") ** minute).quantize(D("0.0001")),
    "falls": lambda minute: (START * D("0.97") ** minute).quantize(D("0.0001")),
    "stands still": lambda _: START,
}
FINISHED, HELD = TraderState.FINISHED, TraderState.HELD


@dataclass
class Floor:
    """An exchange's floor: it takes every order and cancel, and fills what the market crosses."""

    desk: Desk
    market: str
    buyers: bool = True
    minute: int = 0

    @property
    def price(self) -> D:
        """Return the market's price of this minute."""
        return MARKETS[self.market](self.minute)

    def pass_minutes(self, minutes: int) -> None:
        """Let the market go on, until the leader is drained."""
        for _ in range(minutes):
            if self.desk.leader.drained:
                return
            self.minute += 1
            self.desk.now_ms += MINUTE_MS
            self._do(lambda: self.desk.price(str(self.price)))
            self._fill_what_is_crossed()
            self._do(self.desk.wait)

    def ask(self, **changes: Any) -> None:
        """Change the resource."""
        self._do(lambda: self.desk.ask(**changes))

    def _do(self, event: Callable[[], object]) -> None:
        """Hand the leader an event, and answer all that follows from it."""
        events = deque([event])
        while events:
            events.popleft()()
            desk = self.desk
            for intent in desk.placed:
                events.append(lambda intent=intent: self._take(intent))  # type: ignore[misc]  # the default binds this round's value
            for cancel in desk.canceled:
                events.append(lambda cancel=cancel: self._cancel(cancel))  # type: ignore[misc]  # the default binds this round's value
            for question in desk.asked:
                assert isinstance(question, FetchBid), question
                events.append(lambda: self.desk.bid(str(self.price if self.buyers else 0)))
            desk.placed, desk.canceled, desk.asked = [], [], []

    def _take(self, intent: Intent) -> None:
        self.desk.accept(intent)
        if intent.time_in_force is TimeInForce.IOC:
            assert intent.price <= self.price
            self.desk.fill(intent)

    def _cancel(self, cancel: CancelIntent) -> None:
        resting = self.desk.book[cancel.client_order_id]
        resting.status = "CANCELED"
        self.desk.cancel_replied(cancel, Accepted(resting.shown()))

    def _fill_what_is_crossed(self) -> None:
        for row in list(self.desk.book.values()):
            buys = row.intent.side is Side.BUY
            crossed = self.price < row.intent.price if buys else self.price > row.intent.price
            if crossed and row.status in {"NEW", "PARTIALLY_FILLED"}:
                self._do(lambda row=row: self.desk.fill(row.intent))  # type: ignore[misc]  # the default binds this round's value


def unfilled(floor: Floor) -> None:
    """Let a buy rest."""
    floor.desk.price(str(START))
    floor.desk.accept(floor.desk.order)


def partly_filled(floor: Floor) -> None:
    """Let a buy rest of which the market took a part."""
    floor.desk.price(str(START))
    floor.desk.fill(floor.desk.accept(floor.desk.order), "4")


def bought(floor: Floor) -> None:
    """Let a sell rest."""
    floor.desk.accept(floor.desk.bought(str(START)))


BEGINNINGS = {"unfilled": unfilled, "partly filled": partly_filled, "bought": bought}
ENDS_BY_ITSELF = {
    ("rises", "unfilled", "Cancel"),
    ("rises", "partly filled", "Cancel"),
    ("rises", "bought", "Cancel"),
    ("rises", "bought", "Wait"),
    ("falls", "unfilled", "Cancel"),
    ("stands still", "unfilled", "Cancel"),
}
"""Market, beginning and policy for buys whose orders the market fills, or that have none left."""
WAITS_FOR = {
    ("rises", "unfilled", "Wait"): "BUY 10 at 1.9998",
    ("rises", "partly filled", "Wait"): "BUY 6 at 1.9998",
    ("falls", "unfilled", "Wait"): "SELL 9.9 at 2.0059",
    ("falls", "partly filled", "Wait"): "SELL 9.9 at 2.0059",
    ("falls", "partly filled", "Cancel"): "SELL 3.9 at 2.0059",
    ("falls", "bought", "Wait"): "SELL 9.9 at 2.0059",
    ("falls", "bought", "Cancel"): "SELL 9.9 at 2.0059",
    ("stands still", "unfilled", "Wait"): "BUY 10 at 1.9998",
    ("stands still", "partly filled", "Wait"): "BUY 6 at 1.9998",
    ("stands still", "partly filled", "Cancel"): "SELL 3.9 at 2.0059",
    ("stands still", "bought", "Wait"): "SELL 9.9 at 2.0059",
    ("stands still", "bought", "Cancel"): "SELL 9.9 at 2.0059",
}
"""What all others wait for."""
AWAY = {"rises": "below the market", "falls": "above the market"}
NOTHING_IN_HAND = {("rises", "unfilled", "Wait"), ("stands still", "unfilled", "Wait")}
"""Cases that end at their deadline without anything to hold or to sell."""
CASES = tuple(product(MARKETS, BEGINNINGS, UnfilledBuys))


def shut_down(
    market: str, beginning: str, buys: UnfilledBuys, *, buyers: bool = True, **deadline: Any
) -> Floor:
    """Begin, shut down, and let the market go on forever."""
    floor = Floor(Desk(), market, buyers)
    BEGINNINGS[beginning](floor)
    floor.ask(status=TradingStatus.SHUTDOWN, unfilled_buys=buys, **deadline)
    floor.pass_minutes(FOR_EVER)
    return floor


def test_every_case_is_in_one_of_the_tables() -> None:
    assert ENDS_BY_ITSELF | WAITS_FOR.keys() == set(CASES)
    assert not ENDS_BY_ITSELF & WAITS_FOR.keys()


@pytest.mark.parametrize(("market", "beginning", "buys"), CASES)
def test_without_a_deadline_it_ends_if_the_market_fills_its_orders_or_says_what_it_waits_for(
    market: str, beginning: str, buys: UnfilledBuys
) -> None:
    case = (market, beginning, buys)
    floor = shut_down(*case)
    assert floor.desk.leader.drained == (case in ENDS_BY_ITSELF)
    desired = Desired("XRPUSDT", floor.desk.settings, 1)
    said = report_trading(floor.desk.leader, desired, Health(lambda: 0.0)).waits_for
    if case in ENDS_BY_ITSELF:
        assert said == ()
        (result,) = floor.desk.record.results
        assert result.state is FINISHED
    else:
        (line,) = map(str, said)
        assert line.startswith(f"{WAITS_FOR[case]}, ")
        assert AWAY.get(market, "less than 1 %") in line
        assert line.endswith(" (order 1)" if "BUY" in line else " (order 2)")


@pytest.mark.parametrize("buyers", [True, False], ids=["buyers", "nobody buys"])
@pytest.mark.parametrize("at_deadline", AtDeadline)
@pytest.mark.parametrize(("market", "beginning", "buys"), CASES)
def test_with_a_deadline_it_always_ends(
    market: str, beginning: str, buys: UnfilledBuys, at_deadline: AtDeadline, *, buyers: bool
) -> None:
    case = (market, beginning, buys)
    floor = shut_down(*case, buyers=buyers, deadline_ms=DEADLINE_MS, at_deadline=at_deadline)
    assert floor.desk.leader.drained
    (result,) = floor.desk.record.results
    at_its_deadline = case not in ENDS_BY_ITSELF
    assert (floor.minute == DEADLINE_MS // MINUTE_MS) == at_its_deadline
    sells = at_deadline is AtDeadline.SELL and buyers
    holds = at_its_deadline and case not in NOTHING_IN_HAND and not sells
    assert result.state is (HELD if holds else FINISHED)
    assert bool(result.quantity) == holds
    assert all(row.status in {"FILLED", "CANCELED"} for row in floor.desk.book.values())
