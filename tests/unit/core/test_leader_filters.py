"""Filters before an order is sent: what is not sent, what is asked for, when they are read anew."""

from dataclasses import replace

from symbol_trader.core.decisions import FetchBid, FetchReferencePrice, RefreshSymbol
from symbol_trader.core.events import (
    ExchangeView,
    ReferencePriceFetched,
    SymbolRead,
    ViewRead,
)
from symbol_trader.core.orders import ExchangeOrder, ExecutionReport, Side
from symbol_trader.core.reasons import Reason
from symbol_trader.core.records import Watermark
from symbol_trader.core.replies import BalanceChanged, ReferencePrice
from symbol_trader.core.settings import AtDeadline, TradingStatus
from symbol_trader.core.symbols import PercentPrice, SymbolInfo
from unit.core.builders import COMMISSION, FILTERS, NOW_MS, SETTINGS, SYMBOL, D
from unit.core.desk import Desk

HOUR_MS = 3_600_000
NARROW = PercentPrice("PERCENT_PRICE", D("0.999"), D("1.001"), D("0.999"), D("1.001"), 5)
"""So narrow that the sell of a cycle is outside of it."""


def limited(**changes: object) -> SymbolInfo:
    return replace(SYMBOL, filters=replace(FILTERS, **changes))  # type: ignore[arg-type]  # fields


def block(desk: Desk) -> tuple[str, str]:
    (trader,) = desk.leader.traders
    assert trader.blocker
    assert trader.blocker.reason is Reason.FILTER_FAILURE
    return trader.blocker.reason, trader.blocker.message


def theirs(order_id: int, side: Side = Side.BUY, status: str = "NEW") -> ExchangeOrder:
    return ExchangeOrder("web_1", order_id, side, D(1), D(30), status, D(0), D(0), NOW_MS)


def test_a_buy_that_a_filter_refuses_is_not_sent_and_tried_again_after_its_pause() -> None:
    desk = Desk(symbol=limited(max_price=D(1)))
    desk.price("2")
    assert not desk.placed
    assert desk.said("trader is blocked")[0]["reason"] == "FilterFailure"
    assert block(desk)[1] == "PRICE_FILTER refuses a price of 1.9998: 1 would pass"

    desk.now_ms += 999
    desk.price("0.5")
    assert not desk.placed
    desk.now_ms += 1
    desk.price("0.5")
    assert desk.order.price == D("0.4999")


def test_pauses_grow_while_a_filter_refuses_and_it_is_said_once() -> None:
    desk = Desk(symbol=limited(max_price=D(1)))
    pauses = []
    for _ in range(8):
        desk.price("2")
        (trader,) = desk.leader.traders
        assert trader.blocker is not None
        assert trader.blocker.until_ms is not None
        pauses.append(trader.blocker.until_ms - desk.now_ms)
        desk.now_ms += pauses[-1]
        assert not desk.placed
    assert pauses == [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]
    desk.price("2")
    assert not desk.said("trader is blocked")


def test_the_accounts_orders_count_whoever_placed_them() -> None:
    desk = Desk(symbol=limited(max_orders=2))
    desk.reconcile(open_orders=(theirs(98), theirs(99, Side.SELL)))
    desk.price("2")
    assert "MAX_NUM_ORDERS" in block(desk)[1]

    desk.tell(ExecutionReport("CANCELED", theirs(99, Side.SELL, "CANCELED")))
    desk.now_ms += 1_000
    desk.price("2")
    assert desk.order

    desk.tell(ExecutionReport("NEW", theirs(100)))
    desk.refuse(desk.leader.traders[0].orders[-1].intent)
    desk.now_ms += 60_000
    desk.price("2")
    assert "MAX_NUM_ORDERS" in block(desk)[1]


def test_a_reconciliation_says_anew_which_orders_others_have() -> None:
    desk = Desk(symbol=limited(max_orders=1))
    desk.reconcile(open_orders=(theirs(99),))
    desk.tell(ViewRead(ExchangeView(), Watermark(0)))
    desk.price("2")
    assert desk.order


def test_an_order_of_ours_counts_once_however_it_is_named() -> None:
    desk = Desk(symbol=limited(max_orders=2))
    desk.price("2")
    buy = desk.accept(desk.order)
    renamed = replace(desk.book[buy.client_order_id].shown(), client_order_id="web_2")
    desk.reconcile(open_orders=(renamed,))
    desk.price("1.99")  # a rebuy
    assert desk.order


def test_a_position_is_what_the_account_has_and_what_is_on_order() -> None:
    """2 free, 3 locked, 30 on order by others and 10 by us: 45 of 50, and a buy is of 10."""
    desk = Desk(symbol=limited(max_position=D(50)))
    desk.tell(BalanceChanged({"XRP": D(2)}, {"XRP": D(3)}))
    desk.reconcile(open_orders=(theirs(98), theirs(99, Side.SELL)))
    desk.price("2")
    desk.accept(desk.order)
    desk.price("1.99")  # a rebuy
    assert not desk.placed

    block_of_second = desk.leader.traders[1].blocker
    assert block_of_second
    assert block_of_second.message == (
        "MAX_POSITION refuses a quantity of 10: 5 would pass (the position is 45)"
    )


def asked(desk: Desk) -> list[FetchReferencePrice]:
    return [request for request in desk.asked if isinstance(request, FetchReferencePrice)]


def test_a_sell_near_the_edge_of_a_percent_filter_waits_for_the_market_price() -> None:
    desk = Desk(symbol=limited(percents=(NARROW,)))
    sell_price = D("2.0059")
    desk.price("2")
    desk.fill(desk.accept(desk.order))
    assert not desk.placed
    assert asked(desk) == [FetchReferencePrice(5)]
    desk.wait(1_000)
    assert not desk.placed
    assert not asked(desk)

    average = ReferencePrice(D(2), "the average price of 5 minutes", NOW_MS)
    desk.tell(ReferencePriceFetched(5, average))
    assert not desk.placed
    assert block(desk)[1].startswith(f"PERCENT_PRICE refuses a price of {sell_price}: 2.002 would")
    assert "the average price of 5 minutes of 2023-11-14T22:13:20Z: 2" in block(desk)[1]

    desk.wait(60_000)
    assert asked(desk) == [FetchReferencePrice(5)]
    desk.tell(ReferencePriceFetched(5, replace(average, price=sell_price)))
    assert desk.order.price == sell_price


def test_where_no_market_price_is_told_the_exchange_judges() -> None:
    desk = Desk(symbol=limited(percents=(NARROW,)))
    desk.price("2")
    desk.fill(desk.accept(desk.order))
    desk.tell(ReferencePriceFetched(5, None))
    assert desk.order.side is Side.SELL


def test_an_offer_at_a_deadline_that_a_filter_refuses_ends_as_held() -> None:
    """A shutdown ends: what the filters do not let be sold is held after three attempts."""
    settings = replace(SETTINGS, at_deadline=AtDeadline.SELL, deadline_ms=0)
    desk = Desk(settings)
    sell = desk.accept(desk.bought())
    desk.symbol = limited(min_price=D(3))
    desk.tell(SymbolRead(desk.symbol, COMMISSION))
    desk.ask(status=TradingStatus.SHUTDOWN)
    desk.end(sell, "CANCELED")
    for pause in (1_000, 2_000):
        desk.bid("2")
        assert not desk.placed
        desk.wait(pause - 1)
        assert FetchBid() not in desk.asked
        assert not desk.record.results
        desk.wait(1)
        assert FetchBid() in desk.asked
    desk.bid("2")
    desk.wait()
    assert desk.record.results[-1].reason == "shutdown deadline: its sell was refused 3 times"
    assert desk.leader.drained


def test_each_offer_at_a_deadline_is_judged_by_a_market_price_of_its_own() -> None:
    """A price of a minute ago must not end all three attempts: the exchange was never asked."""
    settings = replace(SETTINGS, at_deadline=AtDeadline.SELL, deadline_ms=0)
    desk = Desk(settings)
    sell = desk.accept(desk.bought())
    desk.symbol = limited(percents=(NARROW,))
    desk.tell(SymbolRead(desk.symbol, COMMISSION))
    desk.ask(status=TradingStatus.SHUTDOWN)
    desk.end(sell, "CANCELED")
    desk.bid("2")
    desk.tell(ReferencePriceFetched(5, ReferencePrice(D(1), "the average price", NOW_MS)))
    desk.wait(500)
    desk.bid("2")
    assert block(desk)[1].startswith("PERCENT_PRICE refuses")

    desk.wait(1_000)
    desk.bid("2")
    assert asked(desk) == [FetchReferencePrice(5)]
    offer = D("1.99")  # the bid less the slippage
    desk.tell(ReferencePriceFetched(5, ReferencePrice(offer, "the average price", NOW_MS)))
    desk.wait(500)
    desk.bid("2")
    assert desk.order.price == offer


def test_filters_that_refuse_are_read_again_unless_they_were_read_just_now() -> None:
    """They may let pass more than they did an hour ago, and nobody would ever ask the exchange."""
    desk = Desk(symbol=limited(max_price=D(1)))
    desk.wait()
    desk.price("2")
    assert RefreshSymbol() not in desk.asked
    desk.now_ms += 600_000
    desk.price("2")
    assert RefreshSymbol() in desk.asked
    desk.tell(SymbolRead(desk.symbol, COMMISSION))
    desk.now_ms += 60_000
    desk.price("2")
    assert RefreshSymbol() not in desk.asked


def test_the_symbol_is_read_once_an_hour() -> None:
    desk = Desk()
    desk.wait()
    desk.wait(HOUR_MS - 1)
    assert RefreshSymbol() not in desk.asked
    desk.wait(1)
    assert RefreshSymbol() in desk.asked
    desk.wait(1)
    assert RefreshSymbol() not in desk.asked


def test_what_another_leader_read_is_read_again_when_it_is_an_hour_old() -> None:
    read_ms = Desk().now_ms - 10 * 60_000
    desk = Desk(symbol=replace(SYMBOL, read_ms=read_ms))
    desk.wait(HOUR_MS - 10 * 60_000 - 1)
    assert RefreshSymbol() not in desk.asked
    desk.wait(1)
    assert RefreshSymbol() in desk.asked


def test_filters_that_have_changed_are_named_and_what_they_refused_is_tried_again() -> None:
    desk = Desk(symbol=limited(max_price=D(1)))
    desk.price("2")
    assert block(desk)
    desk.symbol = SYMBOL
    desk.tell(SymbolRead(SYMBOL, COMMISSION))
    assert desk.said("the symbol's filters have changed") == [{"max_price": "1 -> 0"}]

    desk.price("2")
    assert desk.order


def test_a_commission_that_has_changed_is_named() -> None:
    desk = Desk()
    desk.tell(SymbolRead(SYMBOL, COMMISSION))
    assert not desk.lines
    desk.tell(SymbolRead(SYMBOL, replace(COMMISSION, sell=D(0))))
    assert desk.said("the commission has changed") == [
        {"buy": "0.001 -> 0.001", "sell": "0.001 -> 0"}
    ]


def test_why_the_exchange_ended_an_order_is_on_record_and_told() -> None:
    desk = Desk()
    desk.price("2")
    buy = desk.accept(desk.order)
    reason = "EXECUTION_RULE_PRICE_RANGE_EXCEEDED"
    seen = replace(desk.book[buy.client_order_id].shown("EXPIRED"), expiry_reason=reason)
    desk.tell(ExecutionReport("EXPIRED", seen))

    assert desk.record.orders[buy.client_order_id].reason == reason
    assert desk.record.results[-1].reason == f"its buy was expired ({reason})"
