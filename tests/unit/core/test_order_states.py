"""The table of an order's life, pair by pair."""

import pytest

from symbol_trader.core.order import Order
from symbol_trader.core.order_states import STATUS_EVENTS, TRANSITIONS, OrderEvent, transition
from symbol_trader.core.orders import FINAL_STATES, OrderState
from symbol_trader.errors import Contradiction
from unit.core.builders import D, intent, seen

PAIRS = [(state, news) for state in OrderState for news in OrderEvent]
LIVE = set(OrderState) - FINAL_STATES


def order_in(state: OrderState) -> Order:
    return Order(intent(), state, order_id=7)


@pytest.mark.parametrize(("state", "news"), PAIRS)
def test_news_either_has_a_row_or_raises_and_changes_nothing(
    state: OrderState, news: OrderEvent
) -> None:
    order = order_in(state)
    before = order_in(state)
    if (state, news) in TRANSITIONS:
        order.hear(news, "why")

        assert order.state is TRANSITIONS[state, news]
    else:
        with pytest.raises(Contradiction, match=f"{state} cannot become {news.name}"):
            order.hear(news, "why")

        assert order == before


@pytest.mark.parametrize(("state", "news"), sorted(TRANSITIONS, key=str))
def test_a_final_state_is_never_left(state: OrderState, news: OrderEvent) -> None:
    assert state in LIVE or transition(state, news) is state


@pytest.mark.parametrize("state", sorted(LIVE))
@pytest.mark.parametrize(
    "news", [OrderEvent.OPEN, OrderEvent.FILLED, OrderEvent.CANCELED, OrderEvent.EXPIRED]
)
def test_what_the_exchange_shows_of_a_live_order_is_always_understood(
    state: OrderState, news: OrderEvent
) -> None:
    assert transition(state, news).value == news.name.lower()


@pytest.mark.parametrize("state", sorted(OrderState))
def test_a_lost_reply_contradicts_nothing(state: OrderState) -> None:
    """A refused order may have been rejected by a report."""
    assert transition(state, OrderEvent.DOUBT) is (
        OrderState.UNDECIDED if state is OrderState.INTENT else state
    )


@pytest.mark.parametrize("state", sorted(set(OrderState) - {OrderState.UNDECIDED}))
def test_only_an_order_in_doubt_can_be_proved_absent(state: OrderState) -> None:
    with pytest.raises(Contradiction):
        transition(state, OrderEvent.ABSENT)


@pytest.mark.parametrize("never_there", [OrderState.REFUSED, OrderState.ABSENT])
@pytest.mark.parametrize(
    "news", [OrderEvent.OPEN, OrderEvent.FILLED, OrderEvent.CANCELED, OrderEvent.EXPIRED]
)
def test_an_order_that_was_never_there_cannot_turn_up(
    never_there: OrderState, news: OrderEvent
) -> None:
    with pytest.raises(Contradiction):
        transition(never_there, news)


@pytest.mark.parametrize("status", sorted(STATUS_EVENTS))
def test_every_status_of_the_exchange_is_learnt(status: str) -> None:
    order = Order(intent())

    order.learn(seen(order.intent, status, 10 if status == "FILLED" else 0))

    assert order.state is TRANSITIONS[OrderState.INTENT, STATUS_EVENTS[status]]


@pytest.mark.parametrize("state", sorted(OrderState))
def test_a_status_that_is_not_known_raises_and_changes_nothing(state: OrderState) -> None:
    order = order_in(state)

    with pytest.raises(Contradiction, match="its status HAUNTED is not known"):
        order.learn(seen(order.intent, "HAUNTED", 5))

    assert order == order_in(state)


def test_a_contradiction_names_the_order() -> None:
    order = order_in(OrderState.REFUSED)

    with pytest.raises(Contradiction, match=r"^tsym-0a1b2c-0000000000001-b1: an order that is"):
        order.learn(seen(order.intent, "FILLED", 10, executed_quote=D(20)))
