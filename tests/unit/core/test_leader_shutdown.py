"""Shutdown: no trader starts, rebuys are ignored, those that run finish; and back to on."""

from dataclasses import replace
from typing import Any

import pytest

from symbol_trader.core.decisions import FetchTrades, Query
from symbol_trader.core.orders import CancelIntent, Intent
from symbol_trader.core.replies import Accepted, Refused, Unknown
from symbol_trader.core.settings import Settings, TradingStatus, UnfilledBuys
from unit.core.builders import SETTINGS, D
from unit.core.desk import Desk

SHUTDOWN: dict[str, Any] = {"status": TradingStatus.SHUTDOWN}
CANCELING: dict[str, Any] = SHUTDOWN | {"unfilled_buys": UnfilledBuys.CANCEL}
STAYS = "will not start a new trader in shutdown"


def shutting_down(**changes: Any) -> Settings:
    return replace(SETTINGS, **SHUTDOWN | changes)


def test_a_trader_without_an_order_finishes_at_once() -> None:
    desk = Desk()
    desk.ask(**SHUTDOWN)

    assert desk.lines == ["shutdown initiated", "trader finished", STAYS]
    assert desk.leader.drained
    assert desk.record.results[0].reason == "shutdown before it bought"


def test_nobody_follows_the_last_trader() -> None:
    desk = Desk()
    desk.price("2")
    desk.accept(buy := desk.order)
    desk.ask(**SHUTDOWN)
    assert (desk.leader.draining, desk.leader.drained) == (True, False)

    desk.fill(buy)
    desk.sold(desk.order)

    assert desk.lines[-2:] == ["trader finished", STAYS]
    assert desk.leader.drained
    desk.price("1")
    assert not desk.lines


def test_rebuys_are_ignored() -> None:
    desk = Desk()
    desk.accept(desk.bought())
    desk.ask(**SHUTDOWN)
    desk.price("1")

    assert desk.lines == ["rebuy triggered", STAYS]
    assert not desk.placed


def test_all_traders_finish_in_whatever_order() -> None:
    desk = Desk()
    first = desk.accept(desk.bought("2"))
    second = desk.accept(desk.bought("1.99"))
    desk.ask(**SHUTDOWN)
    desk.fill(second)
    assert desk.said(STAYS)[0]["running"] == 1

    desk.fill(first)
    assert desk.leader.drained


def test_a_start_in_shutdown_with_nothing_on_record_is_done_at_once() -> None:
    desk = Desk(shutting_down())

    assert desk.lines == ["shutdown initiated"]
    assert desk.leader.drained


def test_a_start_in_shutdown_finishes_what_is_on_record_and_places_no_buy() -> None:
    desk = Desk()
    desk.accept(desk.bought("2"))
    desk.price("1.9")
    desk.refuse(desk.order)
    desk.settings = shutting_down()
    desk.restart()

    assert len(desk.leader.traders) == 1, "the one without a buy finished"
    assert not desk.placed


def test_told_again_it_says_that_it_is_under_way() -> None:
    desk = Desk()
    desk.accept(desk.bought())
    desk.ask(**SHUTDOWN)
    desk.ask()

    assert desk.lines == ["shutdown already initiated"]


def test_unfilled_buys_wait_unless_they_are_to_be_canceled() -> None:
    desk = Desk()
    desk.price("2")
    desk.accept(desk.order)
    desk.ask(**SHUTDOWN)
    desk.wait(10**9)

    assert not desk.canceled


def test_unfilled_buys_are_canceled_if_asked_and_the_trader_ends() -> None:
    desk = Desk()
    desk.price("2")
    buy = desk.accept(desk.order)
    desk.ask(**CANCELING)
    cancel = desk.cancel
    assert cancel.client_order_id == buy.client_order_id
    desk.wait(1_000)
    assert not desk.canceled, "one cancel at a time"

    desk.end(buy, "CANCELED")
    assert desk.record.results[0].reason == "its buy was canceled (shutdown cancels unfilled buys)"
    assert desk.leader.drained


def test_a_partly_filled_buy_that_is_canceled_sells_what_was_filled() -> None:
    desk = Desk()
    desk.price("2")
    buy = desk.accept(desk.order)
    desk.fill(buy, "5")
    desk.ask(**CANCELING)
    desk.end(buy, "CANCELED")
    assert desk.order.quantity == D("4.9")

    desk.sold(desk.order)
    assert desk.leader.drained


def test_a_buy_in_doubt_is_waited_for_then_canceled() -> None:
    desk = Desk()
    desk.price("2")
    buy = desk.order
    desk.lose(buy)
    desk.ask(**CANCELING)
    assert not desk.canceled

    desk.take(buy)
    desk.query(buy)
    assert desk.cancel.client_order_id == buy.client_order_id


def test_a_buy_proved_absent_ends_its_trader() -> None:
    desk = Desk()
    desk.price("2")
    buy = desk.order
    desk.lose(buy)
    desk.ask(**SHUTDOWN)
    desk.now_ms += 14_001
    desk.prove_absent(buy)

    assert desk.leader.drained


def test_switched_on_again_it_goes_on_with_what_runs() -> None:
    desk = Desk()
    sell = desk.accept(desk.bought())
    desk.ask(**SHUTDOWN)
    desk.ask(status=TradingStatus.ON)
    assert desk.said("starting trading") == [{"why": "switched on", "running": 1}]
    assert not desk.placed

    desk.fill(sell)
    assert desk.lines[-1] == "initialising trader"


def test_switched_on_again_after_the_last_trader_it_starts_one() -> None:
    desk = Desk()
    desk.ask(**SHUTDOWN)
    desk.ask(status=TradingStatus.ON)

    assert len(desk.leader.traders) == 1
    assert not desk.leader.drained


def test_a_buy_canceled_for_a_shutdown_that_was_called_off_is_replaced() -> None:
    desk = Desk()
    desk.price("2")
    buy = desk.accept(desk.order)
    desk.ask(**CANCELING)
    desk.ask(status=TradingStatus.ON)
    desk.end(buy, "CANCELED")

    assert desk.lines == ["buy canceled", "trader finished", "initialising trader"]


@pytest.mark.parametrize("status", ["CANCELED", "EXPIRED"])
def test_in_shutdown_a_buy_that_others_ended_ends_its_trader(status: str) -> None:
    desk = Desk()
    desk.price("2")
    buy = desk.accept(desk.order)
    desk.ask(**SHUTDOWN)
    desk.end(buy, status)

    assert desk.leader.drained


def test_an_expired_sell_is_sold_again_in_shutdown() -> None:
    desk = Desk()
    sell = desk.accept(desk.bought())
    desk.ask(**SHUTDOWN)
    desk.end(sell, "EXPIRED")
    desk.sold(desk.order)

    assert desk.leader.drained


# Cancels that go wrong.


def canceling(desk: Desk) -> tuple[Intent, CancelIntent]:
    """Let a shutdown cancel a resting buy."""
    desk.price("2")
    buy = desk.accept(desk.order)
    desk.ask(**CANCELING)
    return buy, desk.cancel


def test_a_cancels_reply_may_come_before_its_report() -> None:
    desk = Desk()
    buy, cancel = canceling(desk)
    canceled = desk.book[buy.client_order_id].shown("CANCELED")
    desk.cancel_replied(cancel, Accepted(canceled))
    assert desk.record.outcomes[cancel.cancel_id].outcome == "accepted"
    assert desk.leader.drained

    desk.end(buy, "CANCELED")
    assert not desk.lines, "late news of a finished trader is no surprise"


def test_a_cancel_that_comes_too_late_finds_the_buy_filled() -> None:
    desk = Desk()
    buy, cancel = canceling(desk)
    desk.execute(buy)
    desk.cancel_replied(cancel, Refused(-2011, "Unknown order sent."))
    assert desk.record.outcomes[cancel.cancel_id].reason == "-2011 Unknown order sent."
    assert desk.asked == [Query(buy.client_order_id)]

    desk.query(buy)
    desk.wait(500)
    assert desk.asked == [FetchTrades(buy.client_order_id, 1)]
    desk.fetch(buy)
    assert desk.order.quantity == D("9.9")


def test_a_cancel_without_an_answer_is_asked_for_until_it_can_no_longer_work_then_sent_anew() -> (
    None
):
    desk = Desk()
    buy, cancel = canceling(desk)
    desk.cancel_replied(cancel, Unknown("no reply"))
    assert desk.record.outcomes[cancel.cancel_id].outcome == "undecided"

    for _ in range(28):
        desk.query(buy)
        desk.wait(500)
        assert not desk.canceled
        assert desk.asked == [Query(buy.client_order_id)]
    desk.now_ms += 1
    desk.query(buy)

    assert (desk.cancel.attempt, desk.cancel.cancel_id) == (2, f"{buy.client_order_id}c2")
    assert desk.cancel.timestamp_ms == desk.now_ms


def test_a_cancel_of_an_order_that_nobody_finds_is_asked_for_again() -> None:
    """-2013 for an order that was open once may be a lagging answer: nothing follows from it."""
    desk = Desk()
    buy, cancel = canceling(desk)
    desk.cancel_replied(cancel, Unknown("no reply"))
    del desk.book[buy.client_order_id]
    desk.query(buy)
    assert not desk.asked

    desk.wait(500)
    assert desk.asked == [Query(buy.client_order_id)]
    assert desk.leader.open_orders


def test_after_a_restart_a_cancel_on_record_is_in_doubt_first() -> None:
    desk = Desk()
    buy, _ = canceling(desk)
    desk.restart()
    assert not desk.canceled
    desk.wait(500)
    assert desk.asked == [Query(buy.client_order_id)]

    desk.end(buy, "CANCELED")
    assert desk.leader.paused is None, "it was ours"
    assert desk.leader.drained


def test_the_reply_to_a_cancel_of_a_finished_trader_is_recorded() -> None:
    desk = Desk()
    buy, cancel = canceling(desk)
    desk.end(buy, "CANCELED")
    desk.cancel_replied(cancel, Refused(-2011, "Unknown order sent."))

    assert desk.record.outcomes[cancel.cancel_id].outcome == "refused"
    assert not desk.asked
