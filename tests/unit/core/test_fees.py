"""The fees without a value: all are counted, and a bounded number is asked for."""

from symbol_trader.core.fees import WAITING_MAX, UnvaluedFees
from symbol_trader.core.orders import ClientOrderId, TraderId
from symbol_trader.core.records import UnvaluedFee
from symbol_trader.core.replies import AssetPrice
from unit.core.builders import D


def fee(number: int) -> UnvaluedFee:
    return UnvaluedFee(TraderId("a"), ClientOrderId("a-b1"), number, "BNB", D("0.1"), number)


def test_what_was_not_loaded_is_counted_and_stays_so_when_all_others_have_a_value() -> None:
    fees = UnvaluedFees([fee(1)], {"BNB": D("0.5"), "TCOIN": D(2)})
    assert fees.amounts == (("BNB", D("0.6")), ("TCOIN", D(2)))
    [asked] = fees.due(0)
    valued = fees.priced(
        (asked.client_order_id, asked.trade_id), AssetPrice(D(600), "a test", 1), 0
    )
    assert [value.trade_id for value in valued] == [1]
    assert fees.amounts == (("BNB", D("0.5")), ("TCOIN", D(2)))
    assert list(fees.due(0)) == []


def test_fees_without_a_market_are_counted_and_do_not_pile_up() -> None:
    fees = UnvaluedFees([fee(0)])
    [asked] = fees.due(0)
    fees.priced((asked.client_order_id, asked.trade_id), None, 0)
    count = WAITING_MAX + 5
    for number in range(1, count):
        fees.add(fee(number))
    assert fees.amounts == (("BNB", count * D("0.1")),)
    assert not fees.answer_expected
    assert fees.priced((ClientOrderId("a-b1"), count - 1), AssetPrice(D(600), "a test", 1), 0) == []
