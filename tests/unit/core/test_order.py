"""One order's facts: whatever arrives, in whatever order, the same is known in the end."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbol_trader.core.order import TIMESTAMP_TOLERANCE_MS, Order
from symbol_trader.core.order_states import OrderEvent
from symbol_trader.core.orders import ExchangeOrder, Fill, Intent, OrderState, Side
from symbol_trader.core.records import OrderChange, RecordedOrder
from symbol_trader.errors import Contradiction
from unit.core.builders import BASE, NOW_MS, QUOTE, D, cancel_of, fill, intent, seen

BUY = intent(Side.BUY)
ENDINGS = ["FILLED", "CANCELED", "EXPIRED"]

Report = tuple[ExchangeOrder, Fill | None]


@st.composite
def lives(draw: st.DrawFn) -> list[Report]:
    """Tell an order's life as its execution reports do: new, fills, and an end."""
    reports: list[Report] = [(seen(BUY, "NEW"), None)]
    executed = D(0)
    for trade_id, wanted in enumerate(draw(st.lists(st.integers(1, 4), max_size=5)), start=1):
        quantity = min(D(wanted), BUY.quantity - executed)
        if not quantity:
            break
        executed += quantity
        status = "FILLED" if executed == BUY.quantity else "PARTIALLY_FILLED"
        order = seen(BUY, status, executed, executed_quote=executed * D("1.99"))
        reports.append((order, fill(trade_id, quantity, "1.99")))
    if executed < BUY.quantity:
        last = reports[-1][0]
        ending = draw(st.sampled_from(ENDINGS[1:]))
        reports.append((replace(last, status=ending), None))
    return reports


@st.composite
def tellings(draw: st.DrawFn) -> tuple[list[Report], list[Report]]:
    """Draw a life and a way in which its reports arrive: shuffled, twice, some only later."""
    life = draw(lives())
    twice = life + draw(st.lists(st.sampled_from(life)))
    return life, draw(st.permutations(twice))


def told(reports: list[Report], order: Order | None = None) -> Order:
    order = order or Order(BUY)
    for state, execution in reports:
        order.learn(state)
        if execution:
            order.add_fill(execution)
    return order


@given(both=tellings())
def test_shuffled_and_repeated_reports_end_in_the_same_facts(
    both: tuple[list[Report], list[Report]],
) -> None:
    life, arrived = both

    assert told(arrived).change() == told(life).change()
    assert told(arrived).fills == told(life).fills
    assert told(arrived).settled


@given(both=tellings(), data=st.data())
def test_dropped_reports_leave_it_unsettled_until_they_are_repeated(
    both: tuple[list[Report], list[Report]], data: st.DataObject
) -> None:
    life, arrived = both
    lost = data.draw(st.sampled_from(life))
    order = told([report for report in arrived if report != lost])

    if lost[1] is not None or lost[0].status in ENDINGS:
        assert not order.settled
    order.learn(lost[0])
    if lost[1]:
        order.add_fill(lost[1])

    assert order.change() == told(life).change()
    assert order.settled


@given(both=tellings(), data=st.data())
def test_a_restart_between_any_two_reports_changes_nothing(
    both: tuple[list[Report], list[Report]], data: st.DataObject
) -> None:
    life, arrived = both
    cut = data.draw(st.integers(0, len(arrived)))

    order = told(arrived[cut:], Order.restore(on_record(told(arrived[:cut]))))

    assert order.change() == told(life).change()
    assert order.fills == told(life).fills


@given(both=tellings())
def test_quantities_never_shrink_and_stay_within_what_was_meant(
    both: tuple[list[Report], list[Report]],
) -> None:
    order = Order(BUY)
    for report in both[1]:
        before = order.executed
        told([report], order)

        assert before <= order.executed <= BUY.quantity
        assert order.filled <= order.executed


@given(both=tellings())
def test_a_buy_never_reserves_less_than_it_can_still_cost(
    both: tuple[list[Report], list[Report]],
) -> None:
    order, spent = Order(BUY), told(both[0]).executed_quote
    assert order.committed_quote == BUY.price * BUY.quantity
    for report in both[1]:
        told([report], order)

        assert spent <= order.committed_quote <= BUY.price * BUY.quantity
    assert order.committed_quote == spent


def on_record(order: Order) -> RecordedOrder:
    return RecordedOrder(
        order.intent,
        order.state,
        order.order_id,
        order.executed,
        order.executed_quote,
        order.reason,
        tuple(order.fills.values()),
        tuple(order.cancels),
    )


# What is new and what is not.


def test_the_same_report_is_news_once() -> None:
    order = Order(BUY)

    assert order.learn(seen(BUY, "NEW")) is True
    assert order.learn(seen(BUY, "NEW")) is False
    assert order.add_fill(fill(1, 4)) is True
    assert order.add_fill(fill(1, 4)) is False


def test_a_fill_alone_raises_what_is_executed() -> None:
    order = Order(BUY, OrderState.OPEN, order_id=7)
    order.add_fill(fill(1, 4, "1.99"))
    order.add_fill(fill(2, 3, "1.98"))

    assert (order.executed, order.executed_quote) == (D(7), D("7.96") + D("5.94"))


def test_a_doubt_is_told_once_and_keeps_its_reason() -> None:
    order = Order(BUY)

    assert order.hear(OrderEvent.DOUBT, "no reply") is True
    assert order.hear(OrderEvent.DOUBT, "still none") is False
    assert order.change() == OrderChange(
        BUY.client_order_id, OrderState.UNDECIDED, None, D(0), D(0), "no reply"
    )


# Only the order that was meant is taken for it.


@pytest.mark.parametrize(
    ("difference", "sentence"),
    [
        ({"side": Side.SELL}, "side is SELL, meant was BUY"),
        ({"price": D("2.1")}, "price is 2.1, meant was 2"),
        ({"quantity": D(11)}, "quantity is 11, meant was 10"),
        ({"quantity": D(0)}, "quantity is 0, meant was 10"),
        ({"time_ms": NOW_MS - TIMESTAMP_TOLERANCE_MS - 1}, f"meant was {NOW_MS}"),
        ({"order_id": 9}, "is order 7 on record, the exchange says 9"),
    ],
)
def test_an_order_that_differs_is_refused_and_nothing_is_learnt(
    difference: dict[str, Any], sentence: str
) -> None:
    order = Order(BUY, OrderState.OPEN, order_id=7)

    with pytest.raises(Contradiction, match=sentence):
        order.learn(seen(BUY, "FILLED", 10, **difference))

    order.last_said = None
    assert order == Order(BUY, OrderState.OPEN, order_id=7)


@pytest.mark.parametrize(
    "same", [{"time_ms": None}, {"time_ms": NOW_MS - TIMESTAMP_TOLERANCE_MS}, {"price": D("2.000")}]
)
def test_an_order_that_agrees_is_adopted(same: dict[str, Any]) -> None:
    order = Order(BUY, OrderState.UNDECIDED)

    assert order.learn(seen(BUY, "NEW", **same))
    assert (order.state, order.order_id) == (OrderState.OPEN, 7)


# What follows from the facts.


def test_a_final_order_is_settled_only_with_all_its_fills() -> None:
    order = Order(BUY)
    order.learn(seen(BUY, "FILLED", 10))
    order.add_fill(fill(1, 4))
    assert (order.settled, order.in_doubt) == (False, True)

    order.add_fill(fill(2, 6, "1.9"))
    assert not order.settled, "quantities agree, quote quantities do not"

    order = Order(BUY)
    order.learn(seen(BUY, "FILLED", 10))
    order.add_fill(fill(1, 4))
    order.add_fill(fill(2, 6))
    assert (order.settled, order.in_doubt) == (True, False)


@pytest.mark.parametrize(
    ("state", "doubt"),
    [
        (OrderState.INTENT, False),
        (OrderState.UNDECIDED, True),
        (OrderState.OPEN, False),
        (OrderState.REFUSED, False),
        (OrderState.ABSENT, False),
        (OrderState.CANCELED, False),
    ],
)
def test_the_exchange_is_asked_for_what_is_in_doubt(state: OrderState, *, doubt: bool) -> None:
    assert Order(BUY, state).in_doubt is doubt
    assert Order(BUY, state, cancel_doubted=True).in_doubt


@pytest.mark.parametrize("state", OrderState)
def test_only_what_was_refused_or_is_absent_did_not_exist(state: OrderState) -> None:
    existed = state not in {OrderState.REFUSED, OrderState.ABSENT}

    assert Order(BUY, state).existed is existed
    if state.final:
        assert Order(BUY, state).committed_quote == 0


def test_a_sell_reserves_no_quote() -> None:
    assert Order(intent(Side.SELL)).committed_quote == 0


def test_a_cancel_of_ours_tells_from_one_of_others() -> None:
    canceled = Order(BUY, OrderState.CANCELED)

    assert canceled.canceled_by_others
    assert not replace(canceled, cancels=[cancel_of(BUY)]).canceled_by_others
    assert not Order(BUY, OrderState.EXPIRED).canceled_by_others
    assert Order(BUY, OrderState.EXPIRED).ended_by_exchange
    assert not canceled.ended_by_exchange


def test_commission_is_summed_by_asset() -> None:
    order = Order(BUY, OrderState.OPEN, order_id=7)
    for trade_id, asset in enumerate([BASE, QUOTE, "BNB", BASE]):
        order.add_fill(fill(trade_id, 1, commission=D("0.1"), commission_asset=asset))

    assert order.commission_in(BASE) == D("0.2")
    assert order.commission_in("BNB") == D("0.1")


# Restart.


@pytest.mark.parametrize("state", OrderState)
@pytest.mark.parametrize("cancels", [(), (cancel_of(BUY),)])
def test_an_order_is_restored_as_it_was_and_what_had_no_answer_is_in_doubt(
    state: OrderState, cancels: tuple[Any, ...]
) -> None:
    row = RecordedOrder(BUY, state, 7, D(4), D(8), "why", (fill(1, 4),), cancels)
    order = Order.restore(row)
    doubt = bool(cancels) and not state.final

    assert order.state is (OrderState.UNDECIDED if state is OrderState.INTENT else state)
    assert (order.cancel_pending, order.cancel_doubted) == (doubt, doubt)
    assert on_record(order) == replace(row, state=order.state)


def test_an_intent_is_not_changed_by_what_becomes_of_it() -> None:
    order = Order(BUY)
    order.learn(seen(BUY, "FILLED", 10))

    assert order.intent == Intent(**{name: getattr(BUY, name) for name in Intent.__slots__})
    assert order.side is Side.BUY


@pytest.mark.parametrize(
    "news",
    [
        seen(BUY, "FILLED", D(10)),
        seen(BUY, "CANCELED", D(9)),
        replace(seen(BUY, "NEW"), price=D(4)),
        replace(seen(BUY, "NEW"), order_id=77),
    ],
)
def test_news_of_an_order_that_a_person_has_settled_are_ignored(news: ExchangeOrder) -> None:
    """Also what contradicts it: else it would block its trader forever."""
    row = RecordedOrder(BUY, OrderState.CANCELED, 1, D(4), D(8), "", (fill(1, 4),))
    order = Order.restore(replace(row, fills_given_up=True, settled_by_person=True))
    assert not order.learn(news)
    assert not order.hear(OrderEvent.GONE, "archived")
    assert not order.add_fill(fill(2, 6))
    assert (order.state, order.executed, order.settled) == (OrderState.CANCELED, D(4), True)
