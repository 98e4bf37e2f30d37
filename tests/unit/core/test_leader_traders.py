"""Cycles: buy, sell, finish, start afresh; and the ledger that always balances."""

from dataclasses import replace

import pytest

from symbol_trader.core.decisions import FetchTrades
from symbol_trader.core.events import SwitchedOff, SymbolRead
from symbol_trader.core.leader import new_trader_bits
from symbol_trader.core.orders import Side
from symbol_trader.core.records import NewTrader, TraderState
from symbol_trader.core.replies import Accepted
from symbol_trader.core.settings import TradingStatus
from symbol_trader.core.symbols import Commission
from unit.core.builders import FILTERS, FREE, SETTINGS, SYMBOL, D
from unit.core.desk import Desk


def test_a_first_start_tells_that_it_starts_and_starts_one_trader() -> None:
    desk = Desk()

    assert desk.lines == ["starting trading", "initialising trader"]
    assert desk.said("initialising trader")[0]["why"] == "none runs"
    assert len(desk.leader.traders) == 1
    assert not desk.placed, "no price was seen yet"


def test_before_start_nothing_is_decided() -> None:
    desk = Desk(start=False)

    desk.price("2")
    desk.wait()
    desk.ask(chunks=3)
    desk.reconcile()

    assert not desk.leader.traders
    assert not desk.record.traders


def test_while_the_symbol_is_off_nothing_is_decided() -> None:
    desk = Desk(replace(SETTINGS, status=TradingStatus.OFF))

    desk.price("2")
    desk.ask(budget=D(50))

    assert not desk.leader.traders
    assert not desk.leader.drained


def test_orders_stay_as_they_are_when_the_symbol_is_switched_off() -> None:
    desk = Desk()
    desk.price("2")
    desk.accept(buy := desk.order)
    desk.ask(status=TradingStatus.OFF)
    desk.fill(buy)
    desk.price("1")

    assert not desk.placed
    assert desk.record.inventory.in_progress == D("9.99")


def test_a_cycle_from_buy_to_sell_to_a_fresh_trader() -> None:
    desk = Desk()
    desk.price("2")
    buy = desk.accept(desk.order)
    assert (buy.side, buy.price, buy.quantity) == (Side.BUY, D("1.9998"), D(10))

    desk.fill(buy)
    sell = desk.accept(desk.order)
    assert (sell.side, sell.price, sell.quantity) == (Side.SELL, D("2.0059"), D("9.9"))

    desk.fill(sell)
    cost = (D("9.9") * D("19.998") / D("9.99")).quantize(D("1e-8"))
    profit = D("9.9") * D("2.0059") * D("0.999") - cost
    assert desk.leader.profit == profit, "the 0.09 that it leaves is no loss"
    assert desk.leader.finished == 1
    assert desk.lines == ["sell filled", "trader finished", "initialising trader"]
    assert desk.said("trader finished")[0]["profit"] == f"{profit:f}".rstrip("0")
    assert desk.record.results[0].state is TraderState.FINISHED
    assert [len(desk.leader.traders), desk.placed] == [1, []]

    desk.price("2")
    assert desk.order.trader_id != buy.trader_id


def test_an_order_is_sent_with_times_that_are_fixed_beforehand() -> None:
    desk = Desk()
    desk.price("2")

    assert (desk.order.timestamp_ms, desk.order.recv_window_ms) == (desk.now_ms, 3_000)


def test_a_buy_filled_in_the_reply_is_sold_at_once() -> None:
    desk = Desk()
    desk.price("2")
    buy = desk.order
    desk.take(buy)
    fill = desk.execute(buy)
    desk.reply(buy, Accepted(desk.book[buy.client_order_id].shown(), (fill,)))

    assert desk.order.side is Side.SELL


def test_a_budget_that_is_spent_does_not_hold_back_a_sell() -> None:
    desk = Desk()
    desk.price("2")
    buy = desk.accept(desk.order)
    desk.ask(budget=D(1))

    desk.fill(buy)
    assert desk.order.side is Side.SELL


def test_a_fill_that_overtakes_the_reply_is_told_once() -> None:
    desk = Desk()
    desk.price("2")
    buy = desk.order
    desk.take(buy)
    early = desk.book[buy.client_order_id].shown()
    desk.fill(buy, "4")
    assert desk.lines == ["buy partially filled"]

    desk.reply(buy, Accepted(early))
    assert desk.lines == []
    assert desk.leader.traders[0].orders[0].executed == 4


def test_nothing_is_sold_before_all_fills_are_known() -> None:
    desk = Desk()
    desk.price("2")
    buy = desk.accept(desk.order)
    lost = desk.execute(buy, "4")
    desk.fill(buy)
    assert not desk.placed
    assert desk.asked == [FetchTrades(buy.client_order_id, 1)]

    desk.wait(1_000)
    assert not desk.asked, "the answer is still due"
    desk.wait(9_000)
    assert len(desk.asked) == 1, "it was due too long"

    desk.fetch(buy, lost)
    assert desk.order.quantity == D("9.9")


def test_fills_of_an_order_that_is_not_known_are_left_alone() -> None:
    desk = Desk()
    desk.price("2")
    buy = desk.order
    desk.take(replace(buy, client_order_id="web_1"))  # type: ignore[arg-type]  # a name that is none of ours

    fill = desk.execute(replace(buy, client_order_id="web_1"))  # type: ignore[arg-type]  # a name that is none of ours
    desk.fetch(replace(buy, client_order_id="web_1"), fill)  # type: ignore[arg-type]  # a name that is none of ours
    desk.reconcile()

    assert desk.leader.committed_quote == D("19.998")
    assert not desk.record.orders[buy.client_order_id].fills


@pytest.mark.parametrize("late", ["NEW", "PARTIALLY_FILLED"])
def test_late_news_of_a_finished_order_changes_nothing(late: str) -> None:
    desk = Desk()
    desk.price("2")
    buy = desk.accept(desk.order)
    desk.fill(buy, "4")
    desk.fill(buy)
    sell = desk.order
    desk.report(buy, late, status=late)

    assert desk.lines == []
    assert not desk.placed
    assert desk.leader.traders[0].last_order
    assert desk.leader.traders[0].last_order.intent == sell


# The ledger. The desk checks after each event that it balances to the last digit.


def test_what_rounding_leaves_is_carried_and_joins_a_later_sell() -> None:
    """0.09 are left of each cycle: the second one's sell takes 0.1 of 0.18 along."""
    desk = Desk()
    desk.sold(desk.bought())
    assert desk.leader.carried == D("0.09")

    second = desk.bought()
    assert second.quantity == D(10)
    assert desk.leader.carried == D("0.08")

    desk.sold(second)
    assert desk.record.inventory.position == D("0.08")


def test_what_is_carried_and_not_there_any_more_is_not_sold() -> None:
    """The account lacks what the first cycle left: after a reset, or because others took it."""
    desk = Desk()
    desk.sold(desk.bought())
    second = desk.bought()
    desk.refuse(second, "Account has insufficient balance for requested action.")
    desk.wait(1_000)
    assert (second.quantity, desk.order.quantity) == (D(10), D("9.9"))
    desk.sold(desk.order)
    assert desk.leader.carried == D("0.18")


def test_two_sells_do_not_take_the_same_remainder() -> None:
    desk = Desk()
    desk.sold(desk.bought())
    first = desk.bought()
    second = desk.bought("1.99")

    assert (first.quantity, second.quantity) == (D(10), D(10))
    assert desk.leader.carried == D("0.09") - D("0.01") - D("0.01")


def test_a_refused_sell_gives_back_what_it_would_have_taken_along() -> None:
    desk = Desk()
    desk.sold(desk.bought())
    sell = desk.bought()
    desk.refuse(sell)
    assert desk.leader.carried == D("0.09")

    desk.wait(1_000)
    assert desk.order.quantity == D(10)
    assert desk.leader.carried == D("0.08")


def test_a_negative_profit_sells_at_a_loss_as_asked() -> None:
    desk = Desk(replace(SETTINGS, profit=D("-0.01")), commission=FREE)
    sell = desk.bought()
    assert sell.price == D("1.9799"), "1.9998 * 0.99 = 1.979802, rounded up"

    desk.sold(sell)
    assert desk.leader.profit < 0


def test_a_profit_below_two_commissions_still_brings_what_was_asked() -> None:
    desk = Desk(commission=Commission(buy=D("0.005"), sell=D("0.005")))
    desk.sold(desk.bought())

    [result] = desk.record.results
    assert result.profit > 0


def test_an_old_buy_is_given_up_and_a_fresh_trader_buys_at_todays_price() -> None:
    desk = Desk(replace(SETTINGS, max_buy_age_ms=60_000))
    desk.price("2")
    buy = desk.accept(desk.order)
    desk.wait(60_000)
    assert not desk.canceled

    desk.wait(1)
    assert desk.cancel.reason == "older than maxBuyAge"
    desk.end(buy, "CANCELED")
    assert desk.record.results[0].reason == "its buy was canceled (older than maxBuyAge)"

    desk.price("3")
    assert desk.order.price == D("2.9997")


def test_an_old_buy_that_is_partly_filled_sells_what_it_has() -> None:
    desk = Desk(replace(SETTINGS, max_buy_age_ms=60_000))
    desk.price("2")
    buy = desk.accept(desk.order)
    desk.fill(buy, "5")
    desk.wait(60_001)
    desk.end(buy, "CANCELED")

    assert (desk.order.side, desk.order.quantity) == (Side.SELL, D("4.9"))
    assert desk.leader.paused is None, "it was our own cancel"


def test_an_expired_sell_is_tried_three_times_then_a_person_has_to_look() -> None:
    desk = Desk()
    sell = desk.bought()
    for attempt in (1, 2, 3):
        assert sell.attempt == attempt
        desk.accept(sell)
        desk.end(sell, "EXPIRED")
        sell = desk.placed[0] if desk.placed else sell
    assert desk.said("trader is blocked")[0]["reason"] == "SellEnded"
    desk.wait(10**9)
    assert not desk.placed

    desk.ask()
    assert (desk.order.attempt, desk.lines[0]) == (4, "already started")


def test_what_is_open_and_what_is_committed_can_be_seen() -> None:
    desk = Desk()
    sell = desk.bought()
    desk.price("1")
    buy = desk.order
    assert not desk.leader.open_orders
    assert desk.leader.committed_quote == D("19.998") + buy.price * buy.quantity

    desk.accept(sell)
    assert [order.intent for order in desk.leader.open_orders] == [sell]


def test_a_chunk_too_small_says_the_least_budget_that_works_and_buys_once_it_is_given() -> None:
    desk = Desk(replace(SETTINGS, budget=D(10)))
    desk.price("2")
    [blocked] = desk.said("trader is blocked")
    assert blocked["why"].endswith("the least budget that works with 5 chunks is 26 USDT")
    desk.price("2")
    assert not desk.lines, "it is said once"

    desk.ask(budget=D(26))
    desk.price("2")
    assert desk.order.quantity == D("2.6")


def test_filters_read_again_apply_to_the_next_order() -> None:
    desk = Desk()
    coarse = replace(SYMBOL, filters=replace(FILTERS, step_size=D(1)))
    desk.tell(SymbolRead(coarse, FREE))
    desk.price("2")

    assert desk.order.quantity == D(10)
    assert (desk.leader.symbol, desk.leader.commission) == (coarse, FREE)


def test_traders_are_named_by_random_bits() -> None:
    asked: list[int] = []

    def random_bits(number: int) -> int:
        asked.append(number)
        return 5

    assert new_trader_bits(random_bits)() == 5
    assert asked == [64]


def test_a_trader_keeps_the_settings_it_began_with() -> None:
    desk = Desk()
    desk.price("2")
    desk.accept(buy := desk.order)
    desk.ask(profit=D("0.5"))
    desk.fill(buy)
    assert desk.order.price == D("2.0059")

    desk.sold(desk.order)
    assert desk.bought().price > D(3)


def test_new_settings_replace_a_trader_that_never_bought() -> None:
    desk = Desk()
    desk.ask(buy_down=D("0.01"))

    assert desk.lines == ["settings changed", "trader finished", "initialising trader"]
    desk.price("2")
    assert desk.order.price == D("1.98")


def test_new_settings_replace_a_trader_whose_buys_were_all_refused() -> None:
    desk = Desk()
    desk.price("2")
    desk.refuse(desk.order, "Account has insufficient balance for requested action.")
    desk.ask(budget=D(50))
    desk.price("2")

    assert desk.order.quantity == D(5)


def test_fewer_chunks_do_not_replace_what_they_have_no_room_for() -> None:
    desk = Desk()
    desk.accept(desk.bought())
    desk.price("1.99")
    desk.refuse(desk.order)
    assert len(desk.leader.traders) == 2

    desk.ask(chunks=1)
    assert len(desk.leader.traders) == 1
    assert not [c for c in desk.record.traders.values() if c.beginning.reason == "none runs"][1:]


def test_a_new_trader_is_recorded_with_its_terms_before_anything_else() -> None:
    desk = Desk()
    [row] = desk.record.traders.values()

    assert isinstance(row.beginning, NewTrader)
    assert row.beginning.terms.chunk_budget == D(20)


def test_off_before_anything_began_leaves_nothing_unfinished() -> None:
    desk = Desk()
    desk.tell(SwitchedOff())

    assert [(r.state, r.reason) for r in desk.record.results] == [
        (TraderState.FINISHED, "stopped before it bought")
    ]
    desk.price("2")
    assert not desk.leader.traders, "and nothing is begun any more"


def test_off_leaves_what_has_begun_as_it_is() -> None:
    """Also a trader that was to buy next: the rebuy that called for it is spent."""
    desk = Desk()
    desk.accept(desk.bought())
    desk.price("1.9")
    desk.refuse(desk.order)
    running = desk.leader.traders
    desk.tell(SwitchedOff())

    assert desk.leader.traders == running
    assert not desk.record.results
