"""A shutdown with a deadline always ends: what rests is canceled, what is in hand sold or held."""

from dataclasses import replace
from typing import Any
from unittest.mock import ANY

import pytest

from symbol_trader.core.decisions import FetchBid, Query, Reconcile
from symbol_trader.core.events import Banned, FillsFetched, QueryReplied, SymbolRead
from symbol_trader.core.orders import CancelIntent, Intent, TimeInForce
from symbol_trader.core.reasons import Blocker, Reason
from symbol_trader.core.records import TraderState
from symbol_trader.core.replies import Accepted, Archived, BalanceChanged, Refused
from symbol_trader.core.settings import AtDeadline, TradingStatus
from symbol_trader.core.traders.deadline import DEADLINE_OFFERS_MAX, OFFERS_IN_VAIN_MAX
from symbol_trader.core.traders.unsettled import FILL_QUERIES_MAX
from unit.core.builders import SETTINGS, SYMBOL, D
from unit.core.desk import UNRECORDED, Desk

MINUTE_MS = 60_000
HOLD: dict[str, Any] = {"status": TradingStatus.SHUTDOWN, "deadline_ms": MINUTE_MS}
SELL: dict[str, Any] = HOLD | {"at_deadline": AtDeadline.SELL}


def confirm(desk: Desk, order: Intent, cancel: CancelIntent) -> None:
    """Let the exchange take an order off the book."""
    desk.book[order.client_order_id].status = "CANCELED"
    desk.cancel_replied(cancel, Accepted(desk.book[order.client_order_id].shown()))


def overdue(desk: Desk, order: Intent, **shutdown: Any) -> None:
    """Shut down, let the deadline pass, and take the order off the book."""
    desk.ask(**shutdown)
    desk.wait(MINUTE_MS)
    assert desk.cancel.client_order_id == order.client_order_id
    assert desk.cancel.reason == "shutdown deadline"
    confirm(desk, order, desk.cancel)


def selling(**shutdown: Any) -> tuple[Desk, Intent]:
    """Return a trader whose sell rests while the deadline of its shutdown passes."""
    desk = Desk()
    desk.accept(sell := desk.bought())
    overdue(desk, sell, **shutdown)
    return desk, sell


def only_result(desk: Desk) -> tuple[TraderState, str, D]:
    (result,) = desk.record.results
    return result.state, result.reason, result.quantity


def test_before_the_deadline_it_waits_for_the_market() -> None:
    desk = Desk()
    desk.accept(desk.bought())
    desk.ask(**HOLD)
    desk.wait(MINUTE_MS - 1)
    assert not desk.canceled
    desk.wait(1)
    assert desk.canceled


def test_without_a_deadline_it_waits_for_ever() -> None:
    desk = Desk()
    desk.accept(desk.bought())
    desk.ask(status=TradingStatus.SHUTDOWN)
    desk.wait(1_000 * MINUTE_MS)
    assert not desk.canceled


def test_an_unfilled_buy_is_canceled_and_done_with() -> None:
    desk = Desk()
    desk.price("2")
    desk.accept(buy := desk.order)
    overdue(desk, buy, **HOLD)
    assert only_result(desk) == (
        TraderState.FINISHED,
        "its buy was canceled (shutdown deadline)",
        D(0),
    )
    assert desk.leader.drained


def test_what_a_partly_filled_buy_brought_is_held() -> None:
    desk = Desk()
    desk.price("2")
    desk.accept(buy := desk.order)
    desk.fill(buy, "4")
    overdue(desk, buy, **HOLD)
    state, reason, quantity = only_result(desk)
    assert (state, quantity) == (TraderState.HELD, D("3.996"))
    assert reason == "shutdown deadline: held as asked for"
    assert desk.leader.drained


def test_what_a_sell_had_left_is_held() -> None:
    desk = Desk()
    desk.accept(sell := desk.bought())
    desk.fill(sell, "4")
    overdue(desk, sell, **HOLD)
    state, _, quantity = only_result(desk)
    assert (state, quantity) == (TraderState.HELD, sell.quantity - 4)


def test_the_bid_is_asked_for_and_sold_to_at_once() -> None:
    desk, sell = selling(**SELL)
    assert desk.asked == [FetchBid()]
    desk.bid("1.8")
    offer = desk.order
    assert offer.time_in_force is TimeInForce.IOC
    assert (offer.price, offer.quantity) == (D("1.791"), sell.quantity)
    desk.sold(offer)
    assert only_result(desk) == (TraderState.FINISHED, "sold", D(0))
    assert desk.leader.drained


def test_the_bid_is_not_asked_for_with_every_event() -> None:
    desk, _ = selling(**SELL)
    desk.wait(1)
    assert not desk.asked
    desk.wait(1_000)
    assert desk.asked == [FetchBid()]


def test_the_first_sell_of_a_cycle_takes_the_carried_rest_along() -> None:
    desk = Desk()
    desk.price("2")
    desk.accept(buy := desk.order)
    desk.fill(buy, "9.9")
    overdue(desk, buy, **SELL)
    desk.bid("1.8")
    assert desk.order.quantity == D("9.8")
    desk.sold(desk.order)
    assert only_result(desk)[0] is TraderState.FINISHED
    assert desk.leader.carried == D("0.0901")


def test_it_offers_again_while_somebody_buys_within_the_slippage_of_the_first_bid() -> None:
    desk, sell = selling(**SELL)
    desk.bid("1.8")
    first = thin(desk, "3")
    desk.wait(500)
    desk.bid("1.792")
    second = thin(desk, "2")
    desk.restart()
    desk.wait(500)
    desk.bid("1.7909")
    why = "shutdown deadline: the rest found no buyer: the best bid of 1.7909 is below 1.791"
    assert (first.price, second.price) == (D("1.791"), D("1.791"))
    assert only_result(desk) == (TraderState.HELD, why, sell.quantity - 5)
    assert not desk.placed


@pytest.mark.parametrize(
    ("part", "offers"), [(None, OFFERS_IN_VAIN_MAX), ("0.1", DEADLINE_OFFERS_MAX)]
)
def test_offers_are_bounded_and_end_sooner_where_nobody_buys(part: str | None, offers: int) -> None:
    desk, sell = selling(**SELL)
    for _ in range(offers):
        desk.bid("1.8")
        thin(desk, part)
        desk.wait(500)
    why = f"shutdown deadline: the rest found no buyer in {offers} offers"
    assert only_result(desk) == (TraderState.HELD, why, sell.quantity - offers * D(part or 0))


def test_a_book_that_fills_the_rest_in_small_parts_sells_it_all() -> None:
    desk, sell = selling(**SELL)
    for part in ("3", "3"):
        desk.bid("1.8")
        thin(desk, part)
        desk.wait(500)
    desk.bid("1.8")
    assert desk.order.quantity == sell.quantity - 6
    desk.sold(desk.order)
    assert only_result(desk) == (TraderState.FINISHED, "sold", D(0))


def thin(desk: Desk, bought: str | None) -> Intent:
    """Let an offer find a book that takes a part of it, or nothing; return the offer."""
    offer = desk.accept(desk.order)
    if bought:
        desk.fill(offer, bought)
    desk.end(offer, "EXPIRED")
    return offer


def test_what_the_account_has_less_of_is_sold_as_far_as_it_is_there() -> None:
    desk, sell = selling(**SELL)
    desk.bid("1.8")
    desk.refuse(desk.order, "Account has insufficient balance for requested action.")
    desk.tell(BalanceChanged({"XRP": D("4.25")}))
    desk.wait(1_000)
    desk.bid("1.8")
    assert desk.order.quantity == D("4.2")
    desk.sold(desk.order)
    desk.wait(500)
    desk.tell(BalanceChanged({"XRP": D("0.05")}))
    desk.bid("1.8")
    state, _, quantity = only_result(desk)
    assert (state, quantity) == (TraderState.HELD, sell.quantity - D("4.2"))


def short_of_base(desk: Desk, offer: Intent) -> None:
    desk.refuse(offer, "Account has insufficient balance for requested action.")


def two_overdue() -> tuple[Desk, list[Intent]]:
    """Return two traders whose offers at the deadline were refused: 12 of their 19.9 are there."""
    desk = Desk()
    desk.accept(first := desk.bought())
    desk.accept(second := desk.bought("1.99"))
    desk.ask(**SELL)
    desk.wait(MINUTE_MS)
    for cancel in desk.canceled:
        desk.book[cancel.client_order_id].status = "CANCELED"
    for sell, cancel in zip((first, second), tuple(desk.canceled), strict=True):
        desk.cancel_replied(cancel, Accepted(desk.book[sell.client_order_id].shown()))
    desk.bid("1.8")
    offers = desk.placed
    for offer in offers:
        short_of_base(desk, offer)
    desk.tell(BalanceChanged({"XRP": D(12)}))
    desk.wait(1_000)
    return desk, offers


def test_two_that_lack_base_offer_what_is_there_one_after_the_other() -> None:
    desk, refused = two_overdue()
    desk.bid("1.8")
    assert desk.order.quantity == refused[0].quantity
    offer = desk.accept(desk.order)
    desk.tell(BalanceChanged({"XRP": 12 - offer.quantity}))
    desk.fill(offer)
    desk.wait(500)
    desk.bid("1.8")
    assert not desk.placed
    results = {result.state: result.quantity for result in desk.record.results}
    assert results == {TraderState.FINISHED: 0, TraderState.HELD: refused[1].quantity}


def test_two_that_lack_base_offer_at_once_where_there_is_enough_for_both() -> None:
    desk, refused = two_overdue()
    desk.tell(BalanceChanged({"XRP": D(20)}))
    desk.bid("1.8")
    assert [offer.quantity for offer in desk.placed] == [offer.quantity for offer in refused]


def test_pauses_that_grew_before_the_deadline_do_not_hold_up_an_offer() -> None:
    desk = Desk()
    sell = desk.bought()
    desk.ask(**SELL)
    for pause_ms in (1_000, 2_000, 4_000):
        desk.refuse(sell)
        desk.wait(pause_ms)
        sell = desk.order
    desk.refuse(sell)
    desk.wait(MINUTE_MS)
    desk.bid("1.8")
    desk.refuse(desk.order)
    desk.wait(1_000)
    assert desk.asked == [FetchBid()]


def test_a_step_that_became_coarser_leaves_whole_steps_to_sell() -> None:
    desk = Desk(replace(SETTINGS, budget=D(200)))
    sell = desk.bought()
    desk.accept(sell)
    assert sell.quantity == D("19.9")
    filters = replace(SYMBOL.filters, step_size=D(1), min_quantity=D(1))
    desk.tell(SymbolRead(replace(SYMBOL, filters=filters), desk.commission))
    overdue(desk, sell, **SELL)
    desk.bid("1.8")
    assert desk.order.quantity == D(19)


def test_fills_that_cannot_be_read_are_asked_for_ever_more_rarely_and_said() -> None:
    desk, buy = lacking_fills()
    asked = sum(step(desk, buy) for _ in range(3_600))
    assert asked < 75
    (trader,) = desk.leader.traders
    assert trader.blocker
    assert trader.blocker.reason is Reason.FILLS_MISSING
    assert "0 of 10 executed" in trader.blocker.message
    assert not trader.orders[-1].fills_given_up


def test_a_deadline_goes_by_what_was_executed_where_fills_cannot_be_read() -> None:
    desk, buy = lacking_fills()
    desk.ask(**HOLD)
    for _ in range(600):
        step(desk, buy)
    state, _, quantity = only_result(desk)
    assert (state, quantity) == (TraderState.HELD, D(10))
    assert desk.leader.drained


def test_fills_are_asked_for_often_before_a_deadline_goes_without_them() -> None:
    desk, buy = lacking_fills()
    (order,) = desk.leader.traders[0].orders
    desk.ask(**HOLD | {"deadline_ms": 1})
    for _ in range(600):
        step(desk, buy)
    assert order.fill_queries == FILL_QUERIES_MAX
    assert desk.leader.drained


def test_a_deadline_counts_answers_not_questions_that_wait_for_their_turn() -> None:
    desk, _ = lacking_fills()
    (order,) = desk.leader.traders[0].orders
    desk.ask(**HOLD | {"deadline_ms": 1})
    for _ in range(600):
        desk.wait(1_000)
    assert not order.fills_given_up, "the exchange has said nothing of them"


def lacking_fills() -> tuple[Desk, Intent]:
    """Return a leader that hears that its buy is filled, and cannot read a fill."""
    desk = Desk()
    desk.price("2")
    buy = desk.accept(desk.order)
    desk.execute(buy)
    desk.report(buy, "TRADE")
    return desk, buy


def step(desk: Desk, buy: Intent) -> int:
    """Answer with nothing if fills are asked for, and let a second pass; return how many."""
    asked = len(desk.asked)
    if asked:
        desk.tell(FillsFetched(buy.client_order_id, ()))
    desk.wait(1_000)
    return asked


def test_an_order_that_the_exchange_has_lost_is_given_up_at_the_deadline() -> None:
    desk = Desk()
    desk.accept(sell := desk.bought())
    desk.ask(**HOLD)
    desk.forget(sell)
    desk.wait(MINUTE_MS)
    desk.cancel_replied(desk.cancel, Refused(-2011, "Unknown order sent."))
    assert Query(sell.client_order_id, 2) in desk.asked
    desk.query(sell)
    assert Reconcile() in desk.asked
    desk.reconcile()
    state, _, quantity = only_result(desk)
    assert (state, quantity) == (TraderState.HELD, sell.quantity)
    assert desk.leader.drained


def test_an_order_that_the_exchange_has_lost_is_waited_for_until_the_deadline() -> None:
    desk = Desk()
    desk.accept(sell := desk.bought())
    desk.ask(**HOLD)
    resting = desk.book.pop(sell.client_order_id)
    desk.now_ms += MINUTE_MS // 2
    desk.reconcile()
    assert desk.said("order is missing on the exchange")
    assert not desk.record.results
    desk.book[sell.client_order_id] = resting
    desk.fill(sell)
    assert only_result(desk) == (TraderState.FINISHED, "sold", D(0))


def test_an_order_that_the_exchange_has_lost_waits_for_a_person_without_a_deadline() -> None:
    """Its cancel can only be refused: it is not sent again after each denial."""
    desk = Desk(replace(SETTINGS, max_buy_age_ms=MINUTE_MS))
    desk.price("2")
    desk.accept(buy := desk.order)
    resting = desk.book.pop(buy.client_order_id)
    desk.wait(MINUTE_MS + 1)
    assert desk.cancel.client_order_id == buy.client_order_id
    desk.cancel_replied(desk.cancel, Refused(-2011, "Unknown order sent."))
    for _ in range(5):
        desk.reconcile()
        assert not desk.canceled
        desk.wait(MINUTE_MS)
        assert not desk.canceled
    [resting_here] = desk.leader.open_orders
    assert resting_here.missing_on_exchange
    desk.book[buy.client_order_id] = resting
    desk.reconcile()
    assert desk.cancel.client_order_id == buy.client_order_id


def test_an_archived_order_is_over_without_a_deadline() -> None:
    desk = Desk()
    desk.price("2")
    desk.accept(buy := desk.order)
    desk.ask(status=TradingStatus.SHUTDOWN)
    desk.tell(QueryReplied(buy.client_order_id, Archived()))
    assert only_result(desk)[0] is TraderState.FINISHED
    assert desk.leader.drained


def test_an_order_that_is_archived_before_its_answer_is_asked_for_again() -> None:
    desk = Desk()
    desk.price("2")
    desk.ask(status=TradingStatus.SHUTDOWN)
    buy = desk.leader.traders[0].orders[0].intent
    desk.tell(QueryReplied(buy.client_order_id, Archived()))
    assert desk.leader.traders[0].contradiction is None
    desk.lose(buy)
    assert Query(buy.client_order_id, None) in desk.asked
    desk.tell(QueryReplied(buy.client_order_id, Archived()))
    assert desk.leader.drained


@pytest.mark.parametrize(
    ("bid", "why"), [("0", "nobody buys"), ("0.1", "too little to sell at a bid of 0.1")]
)
def test_what_cannot_be_offered_is_held(bid: str, why: str) -> None:
    desk, sell = selling(**SELL)
    desk.bid(bid)
    assert only_result(desk) == (TraderState.HELD, f"shutdown deadline: {why}", sell.quantity)


def test_an_offer_that_is_refused_is_made_three_times() -> None:
    desk, sell = selling(**SELL)
    for pause_ms in (0, 1_000, 2_000):
        desk.wait(pause_ms)
        desk.bid("1.8")
        desk.refuse(desk.order)
    state, reason, quantity = only_result(desk)
    assert (state, quantity) == (TraderState.HELD, sell.quantity)
    assert reason == "shutdown deadline: its sell was refused 3 times"


def test_after_a_refused_offer_there_is_a_pause() -> None:
    desk, _ = selling(**SELL)
    desk.bid("1.8")
    desk.refuse(desk.order)
    desk.wait(999)
    desk.bid("1.8")
    assert not desk.placed


def test_offers_of_a_shutdown_that_was_taken_back_do_not_count_for_the_next_one() -> None:
    """Nor do the pauses between the sells since: they have grown to a minute."""
    desk, sell = selling(**SELL)
    desk.bid("1.8")
    desk.refuse(desk.order)
    desk.ask(status=TradingStatus.ON)
    for _ in range(9):
        desk.refuse(desk.order)
        desk.wait(MINUTE_MS)
    desk.refuse(desk.order)
    desk.ask(**SELL | {"deadline_ms": 1_000})
    desk.refuse(desk.order)
    for pause_ms in (1_000, 1_000, 2_000):
        desk.wait(pause_ms)
        desk.bid("1.8")
        desk.refuse(desk.order)
    assert only_result(desk)[2] == sell.quantity


def test_an_offer_that_came_too_soon_or_too_late_is_made_again() -> None:
    desk, _ = selling(**SELL)
    for code in (-1015, -1003, -1021, -1015, -1003):
        desk.wait(MINUTE_MS)
        desk.bid("1.8")
        desk.refuse(desk.order, code=code)
    assert not desk.record.results
    desk.wait(MINUTE_MS)
    desk.bid("1.8")
    desk.sold(desk.order)
    assert desk.leader.drained


def test_a_sell_that_waits_for_a_person_is_given_up_all_the_same() -> None:
    """What kept the sell from being placed before the deadline would never end."""
    desk = Desk()
    sell = desk.bought()
    desk.ask(**SELL)
    for _ in range(3):
        desk.accept(sell)
        desk.end(sell, "EXPIRED")
        sell = desk.placed[0] if desk.placed else sell
    assert desk.leader.traders[0].blocker == Blocker(Reason.SELL_ENDED, ANY, None)
    desk.wait(MINUTE_MS)
    desk.bid("1.8")
    desk.sold(desk.order)
    assert desk.leader.drained


def test_an_offer_in_doubt_is_waited_for() -> None:
    desk, _ = selling(**SELL)
    desk.bid("1.8")
    desk.lose(offer := desk.order)
    desk.wait(1_000)
    assert not desk.record.results
    desk.take(offer)
    desk.execute(offer)
    desk.query(offer)
    desk.fetch(offer)
    assert only_result(desk)[0] is TraderState.FINISHED


def test_a_symbol_that_does_not_trade_leaves_everything_held() -> None:
    desk = Desk()
    desk.accept(sell := desk.bought())
    desk.tell(SymbolRead(replace(SYMBOL, status="HALT"), desk.commission))
    overdue(desk, sell, **SELL)
    assert only_result(desk)[1] == "shutdown deadline: the symbol is HALT"


def test_what_a_person_took_off_the_book_is_not_sold() -> None:
    desk = Desk()
    desk.accept(sell := desk.bought())
    desk.ask(**SELL)
    desk.end(sell, "CANCELED")
    desk.wait(MINUTE_MS)
    assert only_result(desk)[1] == "shutdown deadline: its order was canceled by others"


def test_the_deadline_counts_on_while_nobody_leads() -> None:
    desk = Desk()
    desk.accept(sell := desk.bought())
    desk.ask(**HOLD)
    desk.now_ms += MINUTE_MS - 1
    desk.restart()
    assert not desk.canceled
    desk.wait(1)
    assert desk.cancel.client_order_id == sell.client_order_id


def test_on_ends_the_countdown_and_the_next_shutdown_begins_its_own() -> None:
    desk = Desk()
    desk.accept(desk.bought())
    desk.ask(**HOLD)
    desk.wait(MINUTE_MS - 1)
    desk.ask(status=TradingStatus.ON)
    desk.ask(status=TradingStatus.SHUTDOWN)
    desk.wait(MINUTE_MS - 1)
    assert not desk.canceled


@pytest.mark.parametrize("restart", [False, True])
def test_a_shutdown_that_may_be_another_one_begins_its_own(restart: bool) -> None:
    """On, or off, may have been asked for in between: at worst it takes longer then."""
    desk = Desk()
    desk.accept(desk.bought())
    desk.ask(**HOLD)
    desk.wait(MINUTE_MS - 1)
    desk.ask(continued=False)
    if restart:
        desk.restart()
    desk.wait(MINUTE_MS - 1)
    assert not desk.canceled
    desk.wait(1)
    assert desk.canceled


def test_a_shutdown_that_is_edited_counts_on() -> None:
    desk = Desk()
    desk.accept(desk.bought())
    desk.ask(**HOLD)
    desk.wait(MINUTE_MS - 1)
    desk.ask(chunks=3)
    desk.wait(1)
    assert desk.canceled


def test_a_deadline_that_is_put_off_lets_the_trader_sell_on() -> None:
    desk = Desk()
    desk.accept(sell := desk.bought())
    desk.ask(**HOLD)
    desk.wait(MINUTE_MS)
    cancel = desk.cancel
    desk.ask(deadline_ms=None)
    confirm(desk, sell, cancel)
    assert (desk.order.price, desk.order.quantity) == (sell.price, sell.quantity)
    assert desk.order.time_in_force is TimeInForce.GTC


def test_nothing_is_given_up_while_a_person_has_to_look_first() -> None:
    desk = Desk()
    desk.accept(sell := desk.bought())
    unrecorded = replace(desk.book[sell.client_order_id].shown(), client_order_id=UNRECORDED)
    desk.reconcile(unrecorded_orders=(unrecorded,))
    desk.ask(**HOLD)
    desk.wait(MINUTE_MS)
    assert not desk.canceled


def test_the_bid_is_not_asked_for_during_a_ban() -> None:
    desk = Desk()
    desk.accept(sell := desk.bought())
    desk.ask(**SELL)
    desk.wait(MINUTE_MS)
    cancel = desk.cancel
    desk.tell(Banned(desk.now_ms + 5_000))
    confirm(desk, sell, cancel)
    assert FetchBid() not in desk.asked
    desk.wait(4_999)
    assert FetchBid() not in desk.asked
    desk.wait(1)
    assert desk.asked == [FetchBid()]
