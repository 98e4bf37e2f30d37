"""The law of the ledger: whatever happens, no money comes from nowhere and none is lost."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from symbol_trader.core.orders import Intent
from unit.core.builders import BASE, COMMISSION, QUOTE, SETTINGS, D
from unit.core.desk import Desk
from unit.core.money_of import cash_flow, fee_values, inventory

FEES = ("received", BASE, QUOTE, "BNB")
FILLS = st.tuples(st.integers(0, 9), st.integers(1, 10), st.sampled_from(FEES))
STEPS = st.one_of(
    st.tuples(st.just("price"), st.integers(150, 260)),
    st.tuples(st.just("fill"), FILLS),
    st.tuples(st.just("fill"), FILLS),
    st.tuples(st.just("end"), st.integers(0, 9)),
    st.tuples(st.just("wait"), st.integers(0, 90_000)),
    st.tuples(st.just("restart"), st.none()),
)


class Play:
    """Carries out drawn steps at a desk, whose books are checked after each."""

    def __init__(self, chunks: int, budget: int) -> None:
        settings = replace(SETTINGS, chunks=chunks, budget=D(budget), profit=D("0.002"))
        self.desk = Desk(settings)

    def step(self, kind: str, fact: Any) -> None:
        desk = self.desk
        match kind:
            case "price":
                desk.price(str(D(fact) / 100))
            case "fill":
                self._fill(*fact)
            case "end":
                if order := self._open(fact):
                    desk.end(order, "EXPIRED")
            case "wait":
                desk.wait(fact)
                desk.tell_fee_prices("600")
            case _:
                desk.restart()
        while desk.placed:
            for order in list(desk.placed):
                desk.accept(order)

    def _open(self, index: int) -> Intent | None:
        live = [o.intent for o in self.desk.leader.open_orders]
        return live[index % len(live)] if live else None

    def _fill(self, index: int, tenths: int, fee_in: str) -> None:
        order = self._open(index)
        if order is None:
            return
        left = order.quantity - self.desk.book[order.client_order_id].executed
        quantity = max(left * tenths / 10 // D("0.1") * D("0.1"), D("0.1"))
        part = quantity * COMMISSION.buy
        fee: dict[str, Any] = {
            "received": {},
            BASE: {"fee_in": BASE, "fee": part},
            QUOTE: {"fee_in": QUOTE, "fee": part * order.price},
            "BNB": {"fee_in": "BNB", "fee": part * order.price / 600},
        }
        self.desk.fill(order, quantity, **fee[fee_in])


@hypothesis_settings(max_examples=60, deadline=None)
@given(st.integers(1, 4), st.integers(8, 60), st.lists(STEPS, min_size=20, max_size=80))
def test_profits_are_the_flow_of_quote_less_fees_plus_the_cost_of_what_is_left(
    chunks: int, per_chunk: int, steps: list[tuple[str, Any]]
) -> None:
    play = Play(chunks, chunks * per_chunk)
    for kind, fact in steps:
        play.step(kind, fact)

    desk, leader = play.desk, play.desk.leader
    assert leader.profit == cash_flow(desk) - fee_values(desk) + leader.carried_cost
    left = sum((result.carried for result in desk.record.results), D(0))
    assert left == inventory(desk)
    assert (left > 0, left < 0) == (leader.carried_cost > 0, leader.carried_cost < 0)
