"""What comes late, twice, or about nothing that the leader has."""

from dataclasses import replace

from symbol_trader.core import fees
from symbol_trader.core.context import EventContext
from symbol_trader.core.decisions import Decision
from symbol_trader.core.events import QueryReplied, RecordRefused, Started, SymbolRead
from symbol_trader.core.leader import Leader
from symbol_trader.core.orders import ClientOrderId, OrderState, TraderId
from symbol_trader.core.reasons import Reason
from symbol_trader.core.records import TraderState
from symbol_trader.core.replies import Archived, NotFound, NotSent
from symbol_trader.core.settings import TradingStatus
from symbol_trader.core.symbols import GONE
from symbol_trader.core.trader import Trader
from unit.core.builders import COMMISSION, NOW_MS, SETTINGS, SYMBOL, D
from unit.core.desk import TIMING, Desk, resting_buy


def drain_what_is_gone(desk: Desk) -> None:
    """Shut down, and hear that the exchange does not list the symbol any more."""
    desk.tell(SymbolRead(replace(SYMBOL, status=GONE), COMMISSION))
    desk.ask(status=TradingStatus.SHUTDOWN)


def results(desk: Desk) -> list[tuple[TraderState, D]]:
    return [(result.state, result.quantity) for result in desk.record.results]


def test_an_order_of_a_symbol_that_is_gone_is_given_up_in_a_shutdown() -> None:
    desk = Desk()
    sell = desk.accept(desk.bought())
    drain_what_is_gone(desk)
    assert desk.record.orders[sell.client_order_id].state is OrderState.CANCELED
    assert results(desk) == [(TraderState.HELD, sell.quantity)]


def test_a_reply_under_way_is_waited_for_though_the_symbol_is_gone() -> None:
    desk = Desk()
    desk.price("2")
    buy = desk.order
    drain_what_is_gone(desk)
    assert results(desk) == []
    desk.accept(buy)
    assert results(desk) == [(TraderState.FINISHED, D(0))]


def test_fills_of_a_symbol_that_is_gone_are_not_waited_for() -> None:
    desk, buy = resting_buy()
    desk.execute(buy)
    desk.report(buy, "TRADE")
    assert desk.record.orders[buy.client_order_id].state is OrderState.FILLED
    drain_what_is_gone(desk)
    assert results(desk) == [(TraderState.HELD, buy.quantity)]


def test_an_order_that_is_over_and_said_to_be_archived_stays_as_it_ended() -> None:
    desk, buy = resting_buy()
    desk.end(buy, "CANCELED")
    desk.tell(QueryReplied(buy.client_order_id, Archived()))
    assert desk.record.orders[buy.client_order_id].state is OrderState.CANCELED
    assert "order canceled" not in desk.lines


def test_a_refusal_of_the_record_about_a_trader_that_is_over_changes_nothing() -> None:
    desk, _ = resting_buy()
    desk.tell(RecordRefused(TraderId("nobody"), "no"))
    assert not desk.lines
    assert all(trader.contradiction is None for trader in desk.leader.traders)


def test_an_order_that_was_not_sent_is_taken_back_once() -> None:
    desk = Desk()
    desk.price("2")
    buy = desk.order
    not_sent = NotSent(desk.now_ms + 2_000, "a ban")
    desk.reply(buy, not_sent)
    assert desk.said("order not sent")
    desk.reply(buy, not_sent)
    assert not desk.said("order not sent")


def test_a_cancel_that_was_not_sent_and_whose_order_is_over_leaves_only_its_record() -> None:
    desk, buy = resting_buy()
    desk.ask(max_buy_age_ms=1_000)
    desk.wait(2_000)
    cancel = desk.cancel
    desk.fill(buy)
    desk.sold(desk.order)
    assert desk.record.results
    desk.cancel_replied(cancel, NotSent(desk.now_ms + 2_000, "a ban"))
    assert not desk.canceled


def test_a_denial_of_an_order_that_nobody_has_changes_nothing() -> None:
    desk, _ = resting_buy()
    desk.tell(QueryReplied(ClientOrderId("tsym-other-order-b1"), NotFound(desk.now_ms)))
    assert not desk.lines
    assert not desk.placed


def test_only_those_that_never_bought_are_ended_before_they_buy() -> None:
    desk, buy = resting_buy()
    ctx = EventContext(desk.now_ms)
    desk.leader._traders.end_traders_without_orders("stopped before it bought", ctx)
    assert ctx.decision == Decision()
    assert [trader.trader_id for trader in desk.leader.traders] == [buy.trader_id]


def test_who_was_touched_and_has_ended_takes_no_step() -> None:
    desk, _ = resting_buy()
    ctx = EventContext(desk.now_ms)
    ctx.touch(Trader(TraderId("over"), desk.leader.traders[0].terms, desk.now_ms))
    desk.leader._traders.advance_touched(ctx)
    assert ctx.decision == Decision()


def test_no_price_for_a_fee_that_has_its_value_puts_no_other_one_behind() -> None:
    asset = fees._Asset("BNB")
    asset.not_told((ClientOrderId("a-b1"), 1), NOW_MS)
    assert not asset.waiting
    assert asset.next_ms > NOW_MS


def test_what_the_record_could_not_have_blocks_its_trader_from_the_start_on() -> None:
    desk = Desk()
    sell = desk.accept(desk.bought())
    desk.leader = Leader(
        desk.record.load(NOW_MS),
        settings=SETTINGS,
        symbol=SYMBOL,
        commission=COMMISSION,
        timing=TIMING,
        new_bits=lambda: 99,
        refused={sell.trader_id: "the record has it otherwise"},
    )
    desk.reconcile()
    desk.tell(Started())
    (blocked,) = [t for t in desk.leader.traders if t.trader_id == sell.trader_id]
    assert blocked.blocker
    assert blocked.blocker.reason is Reason.CONTRADICTED
    assert "the record has it otherwise" in blocked.blocker.message
