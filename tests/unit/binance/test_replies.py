"""Replies become the core's values exactly, or an error that names the field."""

from dataclasses import replace
from decimal import Decimal

import pytest

from symbol_trader.binance import replies
from symbol_trader.binance.fields import PayloadError
from symbol_trader.core.orders import NO_ASSET, ExchangeOrder, Fill, Side
from symbol_trader.core.replies import Account
from symbol_trader.core.symbols import Commission
from unit.binance import payloads
from unit.binance.payloads import CANCEL, ORDER_ID, SYMBOL

RESTING = ExchangeOrder(
    client_order_id=ORDER_ID,
    order_id=101,
    side=Side.BUY,
    price=Decimal("0.5"),
    quantity=Decimal(40),
    status="NEW",
    executed=Decimal(0),
    executed_quote=Decimal(0),
    time_ms=1_700_000_000_123,
)


def test_an_order_that_rests() -> None:
    accepted = replies.placed(payloads.placed(), SYMBOL, ORDER_ID)

    assert accepted.order == RESTING
    assert accepted.fills == ()


def test_an_order_that_is_filled_at_once() -> None:
    accepted = replies.placed(payloads.filled(), SYMBOL, ORDER_ID)

    assert accepted.order.status == "FILLED"
    assert accepted.order.executed_quote == Decimal("19.9")
    assert accepted.fills[0] == Fill(
        order_id=101,
        trade_id=7,
        price=Decimal("0.49"),
        quantity=Decimal(10),
        quote_quantity=Decimal("4.9"),
        commission=Decimal("0.01"),
        commission_asset="XRP",
        is_maker=False,
        time_ms=1_700_000_000_123,
    )
    assert [fill.trade_id for fill in accepted.fills] == [7, 8]


@pytest.mark.parametrize("sums", [{"cummulativeQuoteQty": "19.89"}, {"executedQty": "39"}])
def test_fills_that_do_not_add_up_are_left_to_the_stream(sums: dict[str, str]) -> None:
    """ETHBTC, for one, has more decimals in price x quantity than the exchange keeps."""
    accepted = replies.placed({**payloads.filled(), **sums}, SYMBOL, ORDER_ID)

    assert accepted.order.status == "FILLED"
    assert accepted.fills == ()


def test_a_reply_without_fills_is_none_the_worse() -> None:
    reply = payloads.placed()
    del reply["fills"]

    assert replies.placed(reply, SYMBOL, ORDER_ID).fills == ()


def test_a_cancelled_order_keeps_its_own_id_and_no_time_of_acceptance() -> None:
    accepted = replies.canceled(payloads.canceled(executedQty="10"), SYMBOL, CANCEL)

    assert accepted.order.client_order_id == ORDER_ID
    assert accepted.order.status == "CANCELED"
    assert accepted.order.executed == Decimal(10)
    assert accepted.order.time_ms is None


@pytest.mark.parametrize("changes", [{"symbol": "BTCUSDT"}, {"clientOrderId": "other"}])
def test_a_reply_about_another_order_is_not_taken_for_ours(changes: dict[str, str]) -> None:
    with pytest.raises(PayloadError, match="was expected, not"):
        replies.placed(payloads.placed(**changes), SYMBOL, ORDER_ID)


def test_a_cancel_of_another_order_is_not_taken_for_ours() -> None:
    with pytest.raises(PayloadError, match="origClientOrderId"):
        replies.canceled(payloads.canceled(origClientOrderId="other"), SYMBOL, CANCEL)


def test_a_cancel_by_the_exchanges_id_finds_a_renamed_order() -> None:
    renamed = payloads.canceled(origClientOrderId="web_1")
    cancel = replace(CANCEL, order_id=renamed["orderId"])
    assert replies.canceled(renamed, SYMBOL, cancel).order.client_order_id == ORDER_ID
    with pytest.raises(PayloadError, match="orderId"):
        replies.canceled(renamed, SYMBOL, replace(CANCEL, order_id=1))


def test_a_queried_order_keeps_the_id_it_was_asked_for_by() -> None:
    """After a cancel the exchange may show the cancel's id in its place."""
    renamed = payloads.order(clientOrderId="renamed", time=1_700_000_000_123)

    assert replies.order_status(renamed, SYMBOL, ORDER_ID) == RESTING


def test_an_order_that_was_amended_or_prevented_says_what_is_left_of_it() -> None:
    changes = {"origQty": "15.00000000", "preventedQuantity": "5.00000000"}
    queried = replies.order_status(payloads.order(time=1, **changes), SYMBOL, ORDER_ID)
    placed = replies.placed(payloads.placed(preventedMatchId=0, **changes), SYMBOL, ORDER_ID).order

    for order in (queried, placed):
        assert (order.quantity, order.prevented) == (Decimal(15), Decimal(5))


def test_open_orders_are_everybodys() -> None:
    ours = payloads.order(time=1_700_000_000_123)
    foreign = payloads.order(clientOrderId="web_1", orderId=102, side="SELL", time=1)

    orders = replies.open_orders([ours, foreign], SYMBOL)

    assert orders[0] == RESTING
    assert (orders[1].client_order_id, orders[1].side) == ("web_1", Side.SELL)


def test_trades_come_in_ascending_order() -> None:
    result = [payloads.trade(9), payloads.trade(8, isMaker=False, commissionAsset="BNB")]

    first, second = replies.trades(result, SYMBOL)

    assert first == Fill(
        order_id=101,
        trade_id=8,
        price=Decimal("0.5"),
        quantity=Decimal(10),
        quote_quantity=Decimal(5),
        commission=Decimal("0.01"),
        commission_asset="BNB",
        is_maker=False,
        time_ms=1_700_000_002_000,
    )
    assert second.trade_id == 9


FREE = {"commission": "0.00000000", "commissionAsset": None}


def test_fills_free_of_charge_need_no_asset() -> None:
    (fill,) = replies.trades([payloads.trade(9, **FREE)], SYMBOL)
    assert (fill.commission, fill.commission_asset) == (Decimal(0), NO_ASSET)

    reply = payloads.filled()
    reply["fills"] = [row | FREE for row in reply["fills"]]
    fills = replies.placed(reply, SYMBOL, ORDER_ID).fills
    assert {(fill.commission, fill.commission_asset) for fill in fills} == {(Decimal(0), NO_ASSET)}


def test_a_charge_needs_an_asset() -> None:
    with pytest.raises(PayloadError, match=r"commissionAsset: a commission without its asset"):
        replies.trades([payloads.trade(9, commissionAsset=None)], SYMBOL)


@pytest.mark.parametrize(("shown", "bid"), [("0.48", "0.48"), ("0.00000000", 0), (None, 0)])
def test_a_book_without_bids(shown: str | None, bid: str | int) -> None:
    book = {"symbol": SYMBOL, "bidPrice": shown}
    assert replies.best_bid(book, SYMBOL) == Decimal(bid)


def test_bids_of_several_books_without_those_that_have_none_or_were_not_asked_for() -> None:
    shown = {SYMBOL: "0.48", "ADAUSDT": "0.00000000", "BTCUSDT": "50000", "ETHUSDT": None}
    books = [{"symbol": symbol, "bidPrice": bid} for symbol, bid in shown.items()]
    asked = (SYMBOL, "ADAUSDT", "ETHUSDT")
    assert replies.best_bids(books, asked) == {SYMBOL: Decimal("0.48")}


def test_an_account() -> None:
    assert replies.account(payloads.account()) == Account(
        uid="354937868",
        free={"XRP": Decimal("10.5"), "USDT": Decimal(950)},
        locked={"XRP": Decimal(0), "USDT": Decimal(20)},
    )


def test_the_server_time() -> None:
    assert replies.server_time_ms({"serverTime": 5}) == 5


def test_a_commission_is_the_sum_of_all_parts_with_the_dearer_of_maker_and_taker() -> None:
    """Maker 0.1 % + 0.05 %, taker 0.12 %; buyer and seller pay their tax on top."""
    assert replies.commission(payloads.commission()) == Commission(
        buy=Decimal("0.00151"), sell=Decimal("0.00152")
    )


def test_a_commission_without_special_or_tax_parts() -> None:
    standard = {"standardCommission": payloads.rates("0.001", "0.002", "0", "0")}

    assert replies.commission(standard) == Commission(buy=Decimal("0.002"), sell=Decimal("0.002"))


def test_a_commission_without_any_part_is_refused() -> None:
    with pytest.raises(PayloadError, match="no rates"):
        replies.commission({"symbol": SYMBOL})


def test_the_accounts_general_commission() -> None:
    assert replies.account_commission(payloads.account()) == Commission(
        buy=Decimal("0.0015"), sell=Decimal("0.0016")
    )


@pytest.mark.parametrize("field", ["orderId", "side", "price", "origQty", "status", "executedQty"])
def test_a_reply_that_lacks_a_field_names_it(field: str) -> None:
    reply = payloads.placed()
    del reply[field]

    with pytest.raises(PayloadError, match=f"order.place.{field}: missing"):
        replies.placed(reply, SYMBOL, ORDER_ID)


@pytest.mark.parametrize("field", ["price", "origQty", "executedQty"])
def test_no_amount_of_an_order_is_negative(field: str) -> None:
    with pytest.raises(PayloadError, match=rf"{field}: a number that is not negative"):
        replies.placed(payloads.placed(**{field: "-1"}), SYMBOL, ORDER_ID)


def test_a_side_that_does_not_exist() -> None:
    with pytest.raises(PayloadError, match=r"order.place.side: BUY or SELL was expected, not 'X'"):
        replies.placed(payloads.placed(side="X"), SYMBOL, ORDER_ID)
