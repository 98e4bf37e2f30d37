"""Refusals: kept, told, and tried again with back-off; never given up silently."""

from dataclasses import replace

import pytest

from symbol_trader.core.decisions import RefreshSymbol
from symbol_trader.core.events import SymbolRead
from symbol_trader.core.orders import OrderState, Side
from symbol_trader.core.replies import BalanceChanged, Refused
from symbol_trader.core.settings import TradingStatus, UnfilledBuys
from unit.core.builders import COMMISSION, SYMBOL, D
from unit.core.desk import Desk

POOR = "Account has insufficient balance for requested action."
HALTED = replace(SYMBOL, status="HALT")


def test_a_refused_order_is_warned_about_recorded_and_frees_its_budget() -> None:
    desk = Desk()
    desk.price("2")
    order = desk.order
    desk.refuse(order, "Order would immediately match and take.")

    [refused] = desk.said("order refused")
    assert refused["why"] == "-2010 Order would immediately match and take."
    assert refused["retry_in_ms"] == 1_000
    assert desk.record.orders[order.client_order_id].state is OrderState.REFUSED
    assert desk.leader.committed_quote == 0


def test_a_refused_buy_waits_for_its_pause_and_then_for_a_price() -> None:
    desk = Desk()
    desk.price("2")
    desk.refuse(desk.order)
    desk.now_ms += 999
    desk.price("2")
    assert not desk.placed

    desk.wait(1)
    assert not desk.placed
    desk.price("2.5")
    assert (desk.order.attempt, desk.order.price) == (2, D("2.4997"))


def test_a_refused_sell_waits_for_its_pause_only() -> None:
    desk = Desk()
    desk.refuse(desk.bought())
    desk.wait(999)
    assert not desk.placed

    desk.wait(1)
    assert (desk.order.side, desk.order.attempt) == (Side.SELL, 2)


def test_pauses_double_with_each_refusal_and_begin_anew_after_an_order_that_was_taken() -> None:
    desk = Desk()
    sell = desk.bought()
    pauses = []
    for _ in range(8):
        desk.refuse(sell)
        pauses.append(desk.said("order refused")[0]["retry_in_ms"])
        desk.wait(pauses[-1])
        sell = desk.order
    assert pauses == [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]

    desk.accept(sell)
    desk.end(sell, "EXPIRED")
    desk.refuse(desk.order)
    assert desk.said("order refused")[0]["retry_in_ms"] == 1_000


def test_late_news_of_the_buy_does_not_end_the_pause_of_the_sell() -> None:
    desk = Desk()
    desk.price("2")
    buy = desk.accept(desk.order)
    desk.fill(buy)
    desk.refuse(desk.order)
    desk.report(buy, "TRADE", desk.book[buy.client_order_id].fills[0])

    assert not desk.placed


def test_lacking_balance_is_tried_again_when_there_is_enough() -> None:
    desk = Desk()
    desk.refuse(desk.bought(), POOR)
    desk.tell(BalanceChanged({"XRP": D("9.9")}))

    assert (desk.order.side, desk.order.attempt) == (Side.SELL, 2)


def test_a_buy_that_lacked_balance_waits_for_the_next_price_after_that() -> None:
    desk = Desk()
    desk.price("2")
    desk.refuse(desk.order, POOR)
    desk.tell(BalanceChanged({"USDT": D("19.998")}))
    assert not desk.placed

    desk.price("2")
    assert desk.order.attempt == 2


@pytest.mark.parametrize(
    ("free", "have"), [({}, "0 USDT"), ({"USDT": D("3.50"), "XRP": D(99)}, "3.5 USDT")]
)
def test_lacking_balance_is_told_with_what_a_buy_needs_and_what_is_free(
    free: dict[str, D], have: str
) -> None:
    desk = Desk()
    desk.tell(BalanceChanged({"USDT": D(0)}))
    desk.tell(BalanceChanged(free))
    desk.price("2")
    desk.refuse(desk.order, POOR)

    (trader,) = desk.leader.traders
    assert trader.blocker
    assert trader.blocker.message == (
        f"-2010 {POOR} It needs 19.998 USDT; free in the account: {have}"
    )


def test_lacking_balance_is_told_with_what_a_sell_needs() -> None:
    desk = Desk()
    sell = desk.bought()
    desk.refuse(sell, POOR)

    (trader,) = desk.leader.traders
    assert trader.blocker
    assert trader.blocker.message.endswith("needs 9.9 XRP; free in the account: 0 XRP")


def test_sells_go_on_while_buys_lack_balance() -> None:
    desk = Desk()
    desk.price("2")
    bought = desk.accept(desk.order)
    desk.price("1.99")
    desk.refuse(desk.order, POOR)
    desk.fill(bought)

    assert desk.order.side is Side.SELL
    desk.sold(desk.order)
    assert desk.record.results[-1].reason == "sold"


def test_a_changed_balance_is_no_reason_to_try_what_was_refused_for_another_reason() -> None:
    desk = Desk()
    desk.refuse(desk.bought(), "Filter failure: MAX_NUM_ORDERS")
    desk.tell(BalanceChanged({"XRP": D(99)}))

    assert not desk.placed


@pytest.mark.parametrize(
    ("code", "message"),
    [(-1013, "Filter failure: PERCENT_PRICE_BY_SIDE"), (-2010, "Market is closed.")],
)
def test_a_refusal_by_the_symbols_rules_has_them_read_again(code: int, message: str) -> None:
    desk = Desk()
    desk.price("2")
    desk.refuse(desk.order, message, code)

    assert desk.asked == [RefreshSymbol()]


def test_a_report_of_rejected_is_a_refusal_with_a_pause_and_the_reply_adds_nothing() -> None:
    desk = Desk()
    sell = desk.bought()
    desk.take(sell)
    desk.report(sell, "REJECTED", status="REJECTED")
    assert desk.said("order refused")[0]["retry_in_ms"] == 1_000
    assert desk.record.orders[sell.client_order_id].order_id is None
    assert not desk.placed

    desk.refuse(sell)
    assert desk.lines == []
    desk.wait(1_000)
    assert desk.order.attempt == 2


def test_a_symbol_that_does_not_trade_gets_no_orders_and_is_read_again() -> None:
    desk = Desk(symbol=HALTED)
    desk.price("2")
    assert not desk.placed
    assert desk.said("trader is blocked")[0]["why"] == "the symbol is HALT"
    assert desk.asked == [RefreshSymbol()]

    desk.now_ms += 59_999
    desk.price("2")
    assert (desk.asked, desk.lines) == ([], [])
    desk.now_ms += 1
    desk.price("2")
    assert (desk.asked, desk.lines) == ([RefreshSymbol()], [])


def test_several_traders_have_a_halted_symbol_read_once() -> None:
    desk = Desk()
    for price in ("2", "1.99"):
        desk.price(price)
        desk.accept(desk.order)
    desk.tell(SymbolRead(HALTED, COMMISSION))
    for row in list(desk.book.values()):
        desk.fill(row.intent)
    desk.wait(60_000)

    assert desk.asked == [RefreshSymbol()]


def test_a_symbol_that_trades_again_is_traded_at_once() -> None:
    desk = Desk(symbol=HALTED)
    desk.price("2")
    desk.tell(SymbolRead(SYMBOL, COMMISSION))
    desk.price("2")

    assert desk.order.side is Side.BUY


def test_a_symbol_said_to_trade_whose_market_is_closed_is_tried_with_pauses() -> None:
    desk = Desk()
    desk.price("2")
    desk.refuse(desk.order, "Market is closed.")
    desk.tell(SymbolRead(SYMBOL, COMMISSION))
    desk.price("2")

    assert not desk.placed


def test_resting_orders_of_a_halted_symbol_are_followed() -> None:
    desk = Desk()
    desk.price("2")
    buy = desk.accept(desk.order)
    desk.tell(SymbolRead(HALTED, COMMISSION))
    desk.fill(buy)
    assert not desk.placed

    desk.tell(SymbolRead(SYMBOL, COMMISSION))
    desk.wait()
    assert desk.order.side is Side.SELL


def test_a_shutdown_ends_a_trader_whose_buys_are_refused() -> None:
    desk = Desk()
    desk.price("2")
    desk.refuse(desk.order, POOR)
    desk.ask(status=TradingStatus.SHUTDOWN)

    assert desk.leader.drained


@pytest.mark.parametrize(
    ("code", "message"),
    [(-2015, "Invalid API-key"), (-2010, "This account may not place or cancel orders.")],
)
def test_a_refused_account_stops_all_trading_for_a_minute(code: int, message: str) -> None:
    desk = Desk()
    sell = desk.accept(desk.bought())
    desk.price("1.99")  # a rebuy
    desk.refuse(desk.order, message, code)
    assert desk.said("order refused")[0]["retry_in_ms"] == 60_000

    desk.end(sell, "EXPIRED")
    desk.wait(59_999)
    assert not desk.placed
    assert desk.leader.traders[0].blocker is not None
    assert desk.leader.traders[0].blocker.message == f"{code} {message}"

    desk.wait(1)
    assert desk.order.side is Side.SELL


def test_a_refused_cancel_of_a_refused_account_stops_trading_as_well() -> None:
    desk = Desk()
    desk.price("2")
    buy = desk.accept(desk.order)
    desk.ask(status=TradingStatus.SHUTDOWN, unfilled_buys=UnfilledBuys.CANCEL)
    desk.cancel_replied(desk.cancel, Refused(-2015, "Invalid API-key"))
    desk.now_ms += 30_000
    desk.query(buy)
    assert not desk.canceled

    desk.now_ms += 30_000
    desk.query(buy)
    assert desk.canceled


def test_a_code_that_is_not_known_leaves_an_order_in_doubt() -> None:
    desk = Desk()
    desk.price("2")
    order = desk.order
    desk.refuse(order, "something new", -9999)

    assert [one.intent for one in desk.leader.orders_in_doubt] == [order]
