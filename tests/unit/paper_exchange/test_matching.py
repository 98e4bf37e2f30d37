"""How outside trades and quotes fill resting orders, and how arriving orders trade (rules 1-8)."""

from decimal import Decimal
from typing import Any

import pytest

from paper_exchange.core.engine import Rules
from paper_exchange.core.errors import ExchangeError
from paper_exchange.core.events import BookChange, ExecutionReport, Position, Step
from paper_exchange.core.orders import OrderStatus, OrderType, SelfTrade, Side, TimeInForce
from unit.paper_exchange.builders import XRP, D, Market


@pytest.fixture
def market() -> Market:
    """Make a market that shows 9.99 x 10 bid and 10.01 x 10 asked."""
    made = Market()
    made.quote("9.99", 10, "10.01", 10)
    return made


def best(market: Market) -> tuple[Decimal, Decimal]:
    top = market.engine.top("XRPUSDT")
    assert top.bid
    assert top.ask
    return top.bid.price, top.ask.price


def prints(step: Step) -> list[tuple[Any, ...]]:
    return [(t.trade_id, t.price, t.quantity, t.buyer_is_maker) for t in step.trades]


class TestOutsideTrades:
    def test_a_sale_through_our_bid_fills_it_at_our_limit(self, market: Market) -> None:
        order = market.place("BUY", "9.95", 5)
        market.sell("9.90", 20)
        assert market.order(order).status is OrderStatus.FILLED
        assert market.state.books["XRPUSDT"].fills[0].price == D("9.95")

    def test_a_purchase_never_fills_a_bid(self, market: Market) -> None:
        order = market.place("BUY", "9.95", 5)
        market.buy("9.90", 20)
        assert market.executed(order) == [0]

    def test_a_sale_never_fills_an_offer(self, market: Market) -> None:
        order = market.place("SELL", "10.05", 5)
        market.sell("10.10", 20)
        assert market.executed(order) == [0]

    def test_a_purchase_through_our_offer_fills_it(self, market: Market) -> None:
        order = market.place("SELL", "10.05", 5)
        market.buy("10.06", 4)
        assert market.executed(order) == [4]
        assert market.order(order).status is OrderStatus.PARTIALLY_FILLED

    def test_a_trade_above_our_bid_does_nothing(self, market: Market) -> None:
        order = market.place("BUY", "9.95", 5)
        market.sell("9.96", 20)
        assert market.executed(order) == [0]

    def test_fills_are_capped_by_the_volume_and_add_up(self, market: Market) -> None:
        order = market.place("BUY", "9.95", 5)
        for traded, so_far in ((2, 2), ("0.5", "2.5"), (10, 5)):
            market.sell("9.94", traded)
            assert market.executed(order) == [D(so_far)]

    def test_better_prices_are_served_first_then_earlier_orders(self, market: Market) -> None:
        late = market.place("BUY", "9.95", 5)
        later = market.place("BUY", "9.95", 5, account="b")
        best = market.place("BUY", "9.96", 5)
        market.sell("9.94", 7)
        assert market.executed(best, late, later) == [5, 2, 0]

    def test_the_queue_at_our_price_is_served_first(self, market: Market) -> None:
        order = market.place("BUY", "9.99", 5)  # joins 10 shown there
        market.sell("9.99", 8)
        assert market.executed(order) == [0]
        market.sell("9.99", 4)
        assert market.executed(order) == [2]

    def test_a_trade_through_the_price_clears_the_queue(self, market: Market) -> None:
        order = market.place("BUY", "9.99", 5)
        market.sell("9.98", 3)
        assert market.executed(order) == [3]
        market.sell("9.99", 1)
        assert market.executed(order) == [4]

    def test_two_orders_behind_one_queue_share_what_is_left_of_it(self, market: Market) -> None:
        first = market.place("BUY", "9.99", 5)
        second = market.place("BUY", "9.99", 5, account="b")
        market.sell("9.99", 17)  # 10 ahead, 5 for the first, 2 for the second
        assert market.executed(first, second) == [5, 2]

    def test_an_order_behind_the_best_price_waits_for_an_unknown_queue(
        self, market: Market
    ) -> None:
        order = market.place("BUY", "9.95", 5)
        market.sell("9.95", 1000)
        assert market.executed(order) == [0]
        assert market.order(order).ahead is None

    def test_its_queue_becomes_known_when_its_price_becomes_the_best(self, market: Market) -> None:
        order = market.place("BUY", "9.95", 5)
        market.quote("9.95", 3, "10.01", 10)
        assert market.order(order).ahead == 3
        market.sell("9.95", 4)
        assert market.executed(order) == [1]

    def test_cancels_of_others_shorten_the_queue_and_arrivals_do_not_lengthen_it(
        self, market: Market
    ) -> None:
        order = market.place("BUY", "9.99", 5)
        market.quote("9.99", 4, "10.01", 10)
        assert market.order(order).ahead == 4
        market.quote("9.99", 50, "10.01", 10)
        assert market.order(order).ahead == 4

    def test_a_price_inside_the_spread_has_no_queue(self, market: Market) -> None:
        order = market.place("BUY", "10.00", 5)
        market.sell("10.00", 2)
        assert market.executed(order) == [2]

    def test_we_head_the_queue_once_the_best_falls_behind_us(self, market: Market) -> None:
        order = market.place("BUY", "9.99", 5)
        market.quote("9.98", 4, "10.01", 10)
        assert market.order(order).ahead == 0

    def test_participation_caps_our_share_of_the_volume(self) -> None:
        market = Market(Rules(trades_only=False, participation=D("0.25")))
        order = market.place("BUY", "9.95", 5)
        market.sell("9.94", 10)
        assert market.executed(order) == [D("2.5")]

    def test_public_trades_add_up_to_the_outside_volume_with_consecutive_ids(
        self, market: Market
    ) -> None:
        market.place("BUY", "9.96", 3)
        market.place("BUY", "9.95", 2)
        market.sell("9.94", 7)
        assert prints(market.last) == [
            (1, D("9.96"), 3, True),
            (2, D("9.95"), 2, True),
            (3, D("9.94"), 2, True),
        ]
        fills = market.state.books["XRPUSDT"].fills
        assert [fill.trade_id for fill in fills] == [1, 2]
        market.buy("10.01", 1)
        assert prints(market.last) == [(4, D("10.01"), 1, False)]

    def test_a_trade_that_we_got_all_of_leaves_no_gap_in_the_ids(self, market: Market) -> None:
        market.place("BUY", "9.95", 5)
        market.sell("9.94", 5)
        assert prints(market.last) == [(1, D("9.95"), 5, True)]
        market.buy("10.01", 1)
        assert prints(market.last) == [(2, D("10.01"), 1, False)]
        assert market.state.books["XRPUSDT"].price == D("10.01")

    def test_volume_finer_than_a_step_fills_whole_steps_only(self, market: Market) -> None:
        order = market.place("BUY", "9.95", 5)
        market.sell("9.94", "1.29")
        assert market.executed(order) == [D("1.2")]
        assert prints(market.last)[-1] == (2, D("9.94"), D("0.09"), True)


class TestQuotes:
    def test_an_ask_shown_at_our_bid_fills_it_at_our_limit_up_to_what_is_shown(
        self, market: Market
    ) -> None:
        order = market.place("BUY", "9.98", 5)
        market.quote("9.90", 10, "9.97", 2)
        assert market.executed(order) == [2]
        assert market.state.books["XRPUSDT"].fills[0].price == D("9.98")

    def test_the_same_display_does_not_fill_twice(self, market: Market) -> None:
        order = market.place("BUY", "9.98", 5)
        market.quote("9.90", 10, "9.97", 2)
        market.quote("9.91", 10, "9.97", 2)
        assert market.executed(order) == [2]
        market.quote("9.91", 10, "9.97", 3)
        assert market.executed(order) == [5]

    def test_what_filled_a_resting_order_cannot_fill_a_taker_too(self, market: Market) -> None:
        market.place("BUY", "9.98", 2)
        market.quote("9.90", 10, "9.97", 5)
        taker = market.place("BUY", "9.97", 5)
        assert taker.executed == 3

    def test_a_bid_shown_at_our_offer_fills_it(self, market: Market) -> None:
        order = market.place("SELL", "10.05", 5)
        market.quote("10.06", 20, "10.08", 2)
        assert market.order(order).status is OrderStatus.FILLED

    def test_an_empty_side_is_no_price(self, market: Market) -> None:
        order = market.place("BUY", "9.98", 5)
        market.quote("9.97", 1, 0, 0)
        assert market.executed(order) == [0]
        assert market.engine.top("XRPUSDT").ask is None


class TestArrivals:
    def test_a_crossing_limit_takes_what_is_shown_at_the_shown_price_and_rests(
        self, market: Market
    ) -> None:
        order = market.place("BUY", "10.05", 15)
        fill = market.state.books["XRPUSDT"].fills[0]
        assert (fill.price, fill.quantity, fill.is_maker) == (D("10.01"), D(10), False)
        assert order.status is OrderStatus.PARTIALLY_FILLED
        assert order.remaining == 5

    def test_what_was_taken_is_gone_until_the_display_changes(self, market: Market) -> None:
        market.place("BUY", "10.01", 10)
        second = market.place("BUY", "10.01", 4)
        assert second.executed == 0
        market.quote("9.99", 10, "10.01", 3)
        assert market.executed(second) == [3]

    def test_ioc_expires_its_remainder(self, market: Market) -> None:
        order = market.place("BUY", "10.05", 15, tif=TimeInForce.IOC)
        assert (order.status, order.executed) == (OrderStatus.EXPIRED, D(10))
        assert order.expiry_reason == "UNFILLED_IOC_QUANTITY_EXPIRED"
        assert market.balance("a", "USDT")[1] == 0

    def test_fok_fills_all_or_nothing(self, market: Market) -> None:
        killed = market.place("BUY", "10.05", 15, tif=TimeInForce.FOK)
        filled = market.place("BUY", "10.05", 10, tif=TimeInForce.FOK)
        assert (killed.status, killed.executed) == (OrderStatus.EXPIRED, D(0))
        assert filled.status is OrderStatus.FILLED

    def test_limit_maker_refuses_to_take(self, market: Market) -> None:
        with pytest.raises(ExchangeError) as refused:
            market.place("BUY", "10.01", 5, type=OrderType.LIMIT_MAKER)
        assert refused.value.code == -2010
        assert refused.value.message == "Order would immediately match and take."
        rests = market.place("BUY", "10.00", 5, type=OrderType.LIMIT_MAKER)
        assert rests.status is OrderStatus.NEW

    def test_market_order_takes_the_best_and_expires_the_rest(self, market: Market) -> None:
        order = market.place("SELL", 0, 12, type=OrderType.MARKET)
        assert (order.status, order.executed) == (OrderStatus.EXPIRED, D(10))
        assert order.expiry_reason == "INSUFFICIENT_LIQUIDITY"

    def test_market_order_by_value_buys_whole_steps(self, market: Market) -> None:
        order = market.place("BUY", 0, 0, type=OrderType.MARKET, quote=50)
        assert (order.status, order.executed) == (OrderStatus.FILLED, D("4.9"))
        assert order.quote_executed == D("49.049")

    def test_market_order_without_a_market_expires(self) -> None:
        market = Market()
        order = market.place("BUY", 0, 5, type=OrderType.MARKET)
        assert (order.status, order.executed) == (OrderStatus.EXPIRED, D(0))

    def test_our_accounts_trade_with_each_other_at_the_resting_price(self, market: Market) -> None:
        resting = market.place("SELL", "10.00", 5, account="b")
        taker = market.place("BUY", "10.05", 7)
        fills = market.state.books["XRPUSDT"].fills
        assert [(f.account, f.price, f.quantity, f.is_maker, f.trade_id) for f in fills] == [
            ("a", D("10.00"), D(5), False, 1),
            ("b", D("10.00"), D(5), True, 1),
            ("a", D("10.01"), D(2), False, 2),
        ]
        assert market.order(resting).status is OrderStatus.FILLED
        assert taker.status is OrderStatus.FILLED
        assert prints(market.last) == [(1, D("10.00"), 5, False), (2, D("10.01"), 2, False)]

    def test_the_outside_is_served_before_us_at_the_same_price(self, market: Market) -> None:
        resting = market.place("SELL", "10.01", 5, account="b")
        market.place("BUY", "10.01", 11)
        assert market.executed(resting) == [1]

    @pytest.mark.parametrize(
        ("mode", "resting", "taker"),
        [
            (SelfTrade.EXPIRE_MAKER, OrderStatus.EXPIRED_IN_MATCH, OrderStatus.NEW),
            (SelfTrade.EXPIRE_TAKER, OrderStatus.NEW, OrderStatus.EXPIRED_IN_MATCH),
            (SelfTrade.EXPIRE_BOTH, OrderStatus.EXPIRED_IN_MATCH, OrderStatus.EXPIRED_IN_MATCH),
            (SelfTrade.NONE, OrderStatus.FILLED, OrderStatus.FILLED),
        ],
    )
    def test_self_trade_prevention_ends_what_the_taker_says(
        self, market: Market, mode: SelfTrade, resting: OrderStatus, taker: OrderStatus
    ) -> None:
        mine = market.place("SELL", "10.00", 5)
        crossing = market.place("BUY", "10.00", 5, self_trade=mode)
        assert market.order(mine).status is resting
        assert crossing.status is taker

    def test_one_position_per_account_comes_after_the_reports_of_a_step(
        self, market: Market
    ) -> None:
        market.place("SELL", "10.00", 5, account="b")
        market.place("BUY", "10.05", 7)
        kinds = [
            event.execution if isinstance(event, ExecutionReport) else event.account
            for event in market.last.events
            if isinstance(event, ExecutionReport | Position)
        ]
        assert kinds == ["NEW", "TRADE", "TRADE", "TRADE", "a", "b"]


class TestTradesOnly:
    """Where no quote is known, the top and the queue are stated assumptions."""

    def market(self, multiple: str = "1") -> Market:
        rules = Rules(
            trades_only=True, queue_multiple=D(multiple), typical_trade={"XRPUSDT": D(8)}, seed=7
        )
        return Market(rules)

    def test_the_queue_is_a_seeded_multiple_of_the_median_trade(self) -> None:
        market, again = self.market(), self.market()
        orders = [market.place("BUY", "9.95", 5) for _ in range(20)]
        same = [again.place("BUY", "9.95", 5) for _ in range(20)]
        queues = [order.ahead or D(0) for order in orders]
        assert queues == [order.ahead for order in same]
        assert min(queues) >= 4
        assert max(queues) < 12
        assert len(set(queues)) > 10

    def test_without_a_multiple_nobody_is_ahead(self) -> None:
        market = self.market(multiple="0")
        order = market.place("BUY", "9.95", 5)
        market.sell("9.95", 2)
        assert market.executed(order) == [2]

    def test_trades_show_where_the_best_bid_and_ask_are(self) -> None:
        market = self.market()
        market.sell("9.99", 1)
        market.buy("10.01", 1)
        assert best(market) == (D("9.99"), D("10.01"))
        market.sell("10.02", 1)
        assert best(market) == (D("10.02"), D("10.03"))
        assert isinstance(market.last.books[0], BookChange)

    def test_an_offer_below_the_inferred_bid_takes_a_stated_size_at_the_bid(self) -> None:
        market = self.market()
        market.sell("9.99", 1)
        order = market.place("SELL", "9.90", 50)
        assert D(4) <= order.executed < D(12)
        assert {fill.price for fill in market.state.books["XRPUSDT"].fills} == {D("9.99")}


def test_orders_of_one_symbol_know_nothing_of_another(market: Market) -> None:
    order = market.place("BUY", "9.95", 5)
    eth = market.engine.symbol("ETHUSDT")
    market.trade("5.00", 100, seller_aggressed=True, symbol=eth)
    assert market.executed(order) == [0]
    assert market.state.books["ETHUSDT"].last_trade_id == 1
    assert market.state.books["XRPUSDT"].last_trade_id == 0
    assert market.place("BUY", "5.00", 1, symbol=eth).order_id == 1
    assert Side(order.side) is Side.BUY
    assert XRP.name == order.symbol
