"""Self-trade prevention by the scenarios of its FAQ, and the price range rule by its own."""

from dataclasses import replace
from typing import Any

import pytest

from paper_exchange.core.engine import Rules
from paper_exchange.core.errors import ExchangeError
from paper_exchange.core.events import ExecutionReport
from paper_exchange.core.orders import OrderStatus, OrderType, SelfTrade, TimeInForce
from paper_exchange.core.price_range import PriceRange, Reference
from paper_exchange.core.symbols import SelfTrades
from paper_exchange.protocol.render import account_event
from unit.paper_exchange.builders import FUNDS, NOW, XRP, D, Market

EXPIRED = OrderStatus.EXPIRED_IN_MATCH
GROUP = {"a": 1, "b": 1}


@pytest.fixture
def market() -> Market:
    return Market(Rules(trades_only=False, trade_groups=GROUP))


def state(market: Market, order: Any) -> tuple[str, Any, Any]:
    now = market.order(order)
    return now.status, now.executed, now.prevented


def reports(market: Market) -> list[tuple[str, str, int]]:
    """Return what was said of orders in the last step: execution, status, order id."""
    return [
        (e.execution, e.order.status, e.order.order_id)
        for e in market.last.events
        if isinstance(e, ExecutionReport)
    ]


def test_expire_maker_ends_every_order_in_the_way(market: Market) -> None:
    makers = [
        market.place("BUY", price, quantity)
        for price, quantity in (("1.20", "1.2"), ("1.10", "1.3"), ("1.00", "8.1"))
    ]
    taker = market.place("SELL", "1.00", 3, self_trade=SelfTrade.EXPIRE_MAKER)
    assert [state(market, maker) for maker in makers] == [
        (EXPIRED, 0, D("1.2")),
        (EXPIRED, 0, D("1.3")),
        (EXPIRED, 0, D("8.1")),
    ]
    assert state(market, taker) == (OrderStatus.NEW, 0, 0)
    assert [market.order(maker).prevented_match for maker in makers] == [0, 1, 2]
    assert market.order(taker).prevented_match is None
    assert market.balance("a", "USDT") == (FUNDS, 0)


def test_expire_taker_leaves_the_book_as_it_was(market: Market) -> None:
    maker = market.place("BUY", "1.20", "1.2")
    taker = market.place("SELL", "1.00", 3, self_trade=SelfTrade.EXPIRE_TAKER)
    assert state(market, maker) == (OrderStatus.NEW, 0, 0)
    assert state(market, taker) == (EXPIRED, 0, 3)
    assert market.balance("a", "XRP") == (FUNDS, 0)


def test_expire_both_ends_the_taker_and_the_first_maker(market: Market) -> None:
    first, second = market.place("BUY", "1.00", 1), market.place("BUY", "1.00", 3)
    taker = market.place("SELL", "1.00", 3, self_trade=SelfTrade.EXPIRE_BOTH)
    assert state(market, first) == (EXPIRED, 0, 1)
    assert state(market, second) == (OrderStatus.NEW, 0, 0)
    assert state(market, taker) == (EXPIRED, 0, 3)
    assert reports(market) == [
        ("NEW", "NEW", 3),
        ("TRADE_PREVENTION", EXPIRED, 3),
        ("TRADE_PREVENTION", EXPIRED, 1),
    ]
    ids = [e.execution_id for e in market.last.events if isinstance(e, ExecutionReport)]
    assert ids == [3, 4, 5]


def test_decrement_takes_the_same_from_both_and_ends_the_smaller(market: Market) -> None:
    maker = market.place("BUY", "2.00", 6)
    taker = market.place("SELL", "2.00", 2, self_trade=SelfTrade.DECREMENT)
    assert state(market, maker) == (OrderStatus.NEW, 0, 2)
    assert state(market, taker) == (EXPIRED, 0, 2)
    assert market.order(maker).prevented_match == market.order(taker).prevented_match == 0
    assert market.balance("a", "USDT") == (FUNDS - 8, 8)
    again = market.place("SELL", "2.00", 9, self_trade=SelfTrade.DECREMENT)
    assert state(market, maker) == (EXPIRED, 0, 6)
    assert state(market, again) == (OrderStatus.NEW, 0, 4)


def test_what_is_left_of_a_decremented_order_can_fill(market: Market) -> None:
    maker = market.place("BUY", "2.00", 6)
    market.place("SELL", "2.00", 2, self_trade=SelfTrade.DECREMENT)
    market.sell("1.99", 9)
    assert state(market, maker) == (OrderStatus.FILLED, 4, 2)


def test_transfer_between_accounts_of_a_group_moves_the_assets_without_commission(
    market: Market,
) -> None:
    mode = SelfTrade.TRANSFER
    maker = market.place("BUY", "0.20", 6, self_trade=mode)
    taker = market.place("SELL", "0.20", 2, account="b", self_trade=mode)
    assert state(market, maker) == (OrderStatus.NEW, 0, 2)
    assert state(market, taker) == (EXPIRED, 0, 2)
    assert market.balance("a", "XRP") == (FUNDS + 2, 0)
    assert market.balance("a", "USDT") == (FUNDS - D("1.20"), D("0.80"))
    assert market.balance("b", "XRP") == (FUNDS - 2, 0)
    assert market.balance("b", "USDT") == (FUNDS + D("0.40"), 0)


def test_a_buyer_takes_a_transfer_at_the_makers_price(market: Market) -> None:
    mode = SelfTrade.TRANSFER
    market.place("SELL", "0.20", 6, account="b", self_trade=mode)
    market.place("BUY", 0, 2, type=OrderType.MARKET, self_trade=mode)
    assert market.balance("a", "XRP") == (FUNDS + 2, 0)
    assert market.balance("a", "USDT") == (FUNDS - D("0.40"), 0)


@pytest.mark.parametrize(
    ("account", "maker_mode"),
    [("a", SelfTrade.TRANSFER), ("b", SelfTrade.NONE), ("b", SelfTrade.DECREMENT)],
)
def test_transfer_needs_two_accounts_that_both_ask_for_it(
    market: Market, account: str, maker_mode: SelfTrade
) -> None:
    market.place("BUY", "0.20", 6, self_trade=maker_mode)
    market.place("SELL", "0.20", 2, account=account, self_trade=SelfTrade.TRANSFER)
    assert market.balance("a", "XRP") == (FUNDS, 0)
    assert market.state.books["XRPUSDT"].prevented_matches[0].entry.mode == "DECREMENT"


def test_accounts_of_no_common_group_trade_with_each_other() -> None:
    for groups in ({}, {"a": 1, "b": 2}, {"a": 1}):
        market = Market(Rules(trades_only=False, trade_groups=groups))
        maker = market.place("BUY", "2.00", 6)
        market.place("SELL", "2.00", 2, account="b", self_trade=SelfTrade.EXPIRE_BOTH)
        assert state(market, maker) == (OrderStatus.PARTIALLY_FILLED, 2, 0)


def test_without_prevention_an_account_trades_with_itself(market: Market) -> None:
    maker = market.place("BUY", "1.00", 1, self_trade=SelfTrade.EXPIRE_BOTH)
    taker = market.place("SELL", "1.00", 1, self_trade=SelfTrade.NONE)
    assert state(market, maker) == state(market, taker) == (OrderStatus.FILLED, 1, 0)


def test_a_market_order_that_meets_its_own_account_alone_lacks_liquidity(market: Market) -> None:
    market.place("BUY", "1.00", 1)
    taker = market.place("SELL", 0, 1, type=OrderType.MARKET)
    ended = market.order(taker)
    assert (ended.status, ended.expiry_reason) == (OrderStatus.EXPIRED, "INSUFFICIENT_LIQUIDITY")


def test_a_budget_is_used_up_by_what_is_prevented(market: Market) -> None:
    market.place("SELL", "2.00", 6)
    taker = market.place(
        "BUY", 0, 0, type=OrderType.MARKET, quote=7, self_trade=SelfTrade.DECREMENT
    )
    assert taker.quantity == taker.prevented == D("3.5")
    assert taker.status is EXPIRED
    assert market.balance("a", "USDT") == (FUNDS, 0)


def test_an_order_that_is_all_or_nothing_takes_nothing_from_its_maker(market: Market) -> None:
    maker = market.place("SELL", "2.00", 6)
    taker = market.place("BUY", "2.00", 6, tif=TimeInForce.FOK, self_trade=SelfTrade.DECREMENT)
    assert state(market, maker) == (OrderStatus.NEW, 0, 0)
    assert market.order(taker).expiry_reason == "UNFILLED_FOK_ORDER_EXPIRED"


def test_a_post_only_order_is_refused_rather_than_prevented(market: Market) -> None:
    market.place("SELL", "2.00", 6)
    with pytest.raises(ExchangeError, match="immediately match and take"):
        market.place("BUY", "2.00", 6, type=OrderType.LIMIT_MAKER)


def test_a_symbol_says_which_modes_it_allows(market: Market) -> None:
    only = SelfTrades(SelfTrade.NONE, (SelfTrade.NONE, SelfTrade.EXPIRE_TAKER))
    market.engine.symbols["XRPUSDT"] = replace(XRP, self_trades=only)
    with pytest.raises(ExchangeError) as refused:
        market.place("BUY", "2.00", 6, self_trade=SelfTrade.EXPIRE_MAKER)
    assert (refused.value.code, refused.value.message) == (
        -1013,
        "This symbol does not allow the specified self-trade prevention mode.",
    )


def test_a_report_says_what_was_prevented_and_what_would_have_traded(market: Market) -> None:
    market.place("BUY", "1.20", 5)
    market.place("SELL", "1.00", 3, account="b", self_trade=SelfTrade.EXPIRE_MAKER)
    report = account_event(market.last.events[1], NOW)
    keys = ("x", "X", "i", "l", "z", "v", "A", "B", "u", "U", "Cs", "pl", "pL", "pY", "w")
    assert {key: report[key] for key in keys} == {
        "x": "TRADE_PREVENTION",
        "X": "EXPIRED_IN_MATCH",
        "i": 1,
        "l": "0.00000000",
        "z": "0.00000000",
        "v": 0,
        "A": "5.00000000",
        "B": "5.00000000",
        "u": 1,
        "U": 2,
        "Cs": "XRPUSDT",
        "pl": "3.00000000",
        "pL": "1.20000000",
        "pY": "3.60000000",
        "w": False,
    }


class TestPriceRange:
    @pytest.fixture
    def market(self) -> Market:
        """Make a market in which the other account offers at 10.00, 10.10, …, 10.40."""
        made = Market(Rules(trades_only=False))
        for cents in range(0, 50, 10):
            made.place("SELL", f"10.{cents:02}", 5, account="b")
        made.engine.references.ranges["XRPUSDT"] = PriceRange(
            D("1.02"), D("0.98"), D("1.03"), D("0.97")
        )
        made.engine.references.known["XRPUSDT"] = Reference(D(10), NOW)
        return made

    def test_a_taker_ends_at_the_first_price_beyond_the_range(self, market: Market) -> None:
        taker = market.place("BUY", "10.40", 30)
        ended = market.order(taker)
        assert (ended.status, ended.executed) == (OrderStatus.EXPIRED, D(15))
        assert ended.expiry_reason == "EXECUTION_RULE_PRICE_RANGE_EXCEEDED"
        assert account_event(market.last.events[-3], NOW)["eR"] == ended.expiry_reason
        assert market.balance("a", "USDT") == (FUNDS - D("151.5"), 0)

    def test_an_order_that_stays_within_the_range_rests(self, market: Market) -> None:
        assert market.place("BUY", "10.20", 20).status is OrderStatus.PARTIALLY_FILLED
        assert market.place("BUY", "9.00", 1).status is OrderStatus.NEW

    @pytest.mark.parametrize(
        ("side", "own", "ends"),
        [("BUY", "9.79", True), ("BUY", "9.80", False), ("SELL", "10.31", True),
         ("SELL", "10.30", False), ("SELL", "9.69", True), ("SELL", "9.70", False)],
    )  # fmt: skip
    def test_either_side_has_bounds_up_and_down(
        self, side: str, own: str, ends: bool, market: Market
    ) -> None:
        empty = Market(Rules(trades_only=False))
        empty.engine.references = market.engine.references
        empty.place("SELL" if side == "BUY" else "BUY", own, 1, account="b")
        taker = empty.place(side, 0, 1, type=OrderType.MARKET)
        assert taker.status is (OrderStatus.EXPIRED if ends else OrderStatus.FILLED)

    @pytest.mark.parametrize("lacking", ["rule", "reference", "multiplier", "price"])
    def test_nothing_is_enforced_where_a_part_is_lacking(
        self, market: Market, lacking: str
    ) -> None:
        if lacking == "rule":
            market.engine.references.ranges.clear()
        elif lacking == "reference":
            market.engine.references.known.clear()
        elif lacking == "price":
            market.engine.references.known["XRPUSDT"] = Reference(None, NOW)
        else:
            market.engine.references.ranges["XRPUSDT"] = PriceRange(bid_limit_mult_down=D("0.5"))
        assert market.place("BUY", "10.40", 25).status is OrderStatus.FILLED

    def test_a_fill_or_kill_order_beyond_the_range_says_so(self, market: Market) -> None:
        taker = market.place("BUY", "10.40", 25, tif=TimeInForce.FOK)
        assert taker.executed == 0
        assert taker.expiry_reason == "EXECUTION_RULE_PRICE_RANGE_EXCEEDED"
        market.engine.references.known["XRPUSDT"] = Reference(D(5), NOW)
        with pytest.raises(ExchangeError, match="immediately match and take"):
            market.place("BUY", "10.00", 1, type=OrderType.LIMIT_MAKER)
