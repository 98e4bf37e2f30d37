"""What a cycle leaves to later sells, and at which cost: examples to the last digit."""

import pytest

from symbol_trader.core.ledger import Carried, Ledger, Settlement, TraderMoney
from symbol_trader.core.money import ZERO
from unit.core.builders import D

AT_3 = TraderMoney(received=D(10), cost=D(30), gone=ZERO, earned=ZERO, expenses=ZERO)
"""A cycle that bought at 3."""
NOTHING = TraderMoney(ZERO, ZERO, ZERO, ZERO, ZERO)

COSTS = {
    "the first that is carried has the cycle's cost": (Carried(), 2, 6),
    "what is added has the cycle's cost": (Carried(D(1), D(2)), 2, 6),
    "what is taken along has the average cost": (Carried(D(4), D(8)), -1, -2),
    "all that is taken along leaves no cost": (Carried(D(3), D("1.00000001")), -3, "-1.00000001"),
    "what is taken beyond that has the cycle's cost": (Carried(D(1), D(2)), -3, -8),
    "what is taken where nothing is has the cycle's cost": (Carried(), -1, -3),
    "what is owed grows at the cycle's cost": (Carried(D(-1), D(-2)), -1, -3),
    "what is owed is made up for at the cost it had": (Carried(D(-2), D(-4)), 1, 2),
    "what is added beyond that has the cycle's cost": (Carried(D(-2), D(-4)), 3, 7),
    "no change costs nothing": (Carried(D(-2), D(-4)), 0, 0),
}


@pytest.mark.parametrize(
    ("carried", "change", "cost"), [pytest.param(*row, id=name) for name, row in COSTS.items()]
)
def test_what_a_change_of_what_is_carried_costs(
    carried: Carried, change: int, cost: int | str
) -> None:
    assert carried.cost_of(D(change), AT_3) == D(cost)


def test_costs_are_rounded_to_eight_digits() -> None:
    third = TraderMoney(D(3), D(1), ZERO, ZERO, ZERO)
    assert third.cost_of(D(1)) == D("0.33333333")
    assert Carried(D(3), D(1)).cost_of(D(-1), AT_3) == D("-0.33333333")


def test_a_cycle_that_bought_nothing_has_no_cost() -> None:
    assert NOTHING.cost_of(D(1)) == 0


def test_what_a_cycle_holds_is_valued_at_its_cost_and_not_carried() -> None:
    ledger = Ledger()
    settled = ledger.settle(AT_3, unsold=D(10))
    assert settled == Settlement(ZERO, ZERO, ZERO)
    assert ledger.carried == Carried(ZERO, ZERO)


def test_the_book_adds_up_its_cycles() -> None:
    ledger = Ledger(profit=D(5), finished=2, carried=Carried(D(1), D(2)))
    sold = TraderMoney(received=D(10), cost=D(30), gone=D(11), earned=D(40), expenses=D("0.5"))
    settled = ledger.settle(sold, unsold=ZERO)
    assert settled == Settlement(D("7.5"), D(-1), D(-2))
    assert (ledger.profit, ledger.finished, ledger.carried) == (D("12.5"), 3, Carried(ZERO, ZERO))
    ledger.charge(D("0.25"))
    assert ledger.profit == D("12.25")
