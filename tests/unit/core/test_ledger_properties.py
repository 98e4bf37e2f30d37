"""The law of the ledger: whatever happens, no money comes from nowhere and none is lost."""

from typing import Any

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from unit.core.builders import D
from unit.core.money_of import cash_flow, fee_values, inventory
from unit.core.play import FEES, Play

FILLS = st.tuples(st.integers(0, 9), st.integers(1, 10), st.sampled_from(FEES))
STEPS = st.one_of(
    st.tuples(st.just("price"), st.integers(150, 260)),
    st.tuples(st.just("fill"), FILLS),
    st.tuples(st.just("fill"), FILLS),
    st.tuples(st.just("end"), st.integers(0, 9)),
    st.tuples(st.just("wait"), st.integers(0, 90_000)),
    st.tuples(st.just("restart"), st.none()),
)


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
