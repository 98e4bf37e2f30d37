"""Each promise of the auditor: a clean pair of books passes, and one that breaks it is found."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from symbol_trader.audit import money
from symbol_trader.audit.checks import (
    PLACED_WITHIN_MS,
    Batch,
    carried,
    findings,
    matched,
    remarks,
    sells_commission,
)
from symbol_trader.audit.evidence import (
    ExchangeSide,
    Execution,
    FillRow,
    ListedOrder,
    OrderRow,
    RecordSide,
    TraderRow,
)

D = Decimal
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
START_MS = 1_767_225_600_000
COMMISSION = D("0.01")
"""Of each buy, in the base asset."""


class Market:
    """Builds both sides step by step, as a faithful leader would have left them."""

    def __init__(self) -> None:
        self.orders: list[ListedOrder] = []
        self.fills: list[Execution] = []
        self.traders: list[TraderRow] = []
        self.rows: list[OrderRow] = []
        self.fees: list[FillRow] = []
        """Whose each fill is, and how its commission counts."""
        self.second = 0

    @property
    def batch(self) -> Batch:
        return Batch(
            ExchangeSide("XRP", "USDT", tuple(self.orders), tuple(self.fills)),
            RecordSide(
                tuple(self.traders),
                tuple(self.rows),
                tuple(
                    replace(fee, execution=fill)
                    for fill, fee in zip(self.fills, self.fees, strict=True)
                ),
            ),
        )

    def trader(self, name: str, **facts: object) -> None:
        made = TraderRow(name, "running", D(20), None, None)
        self.traders.append(replace(made, **facts))  # type: ignore[arg-type]  # fields by their names

    def finish(
        self,
        name: str,
        state: str = "finished",
        unsold: str = "0",
        carried: str = "0",
        *,
        profit: str = "0",
        carried_cost: str = "0",
    ) -> None:
        place = next(i for i, trader in enumerate(self.traders) if trader.trader_id == name)
        self.traders[place] = replace(
            self.traders[place],
            state=state,
            unsold=D(unsold),
            carried=D(carried),
            profit=D(profit),
            carried_cost=D(carried_cost),
        )

    def order(
        self, trader: str, side: str, quantity: str, price: str, *, executed: str | None = None
    ) -> None:
        """Add an order; `executed` less than the quantity: it rests."""
        number = len(self.orders) + 1
        attempt = 1 + sum(1 for r in self.rows if (r.trader_id, r.side) == (trader, side))
        name = f"tsym-abc123-{trader}-{side[0].lower()}{attempt}"
        done = D(quantity if executed is None else executed)
        full = done == D(quantity)
        begin, end = self.second, self.second + 1
        self.second += 2
        self.orders.append(
            ListedOrder(
                number, name, side, D(price), D(quantity), done, done * D(price),
                "FILLED" if full else "PARTIALLY_FILLED" if done else "NEW",
                START_MS + begin * 1000 + 50, START_MS + end * 1000,
            )
        )  # fmt: skip
        self.rows.append(
            OrderRow(
                name, trader, side, attempt, D(price), D(quantity), START_MS + begin * 1000,
                BEGIN + timedelta(seconds=begin), BEGIN + timedelta(seconds=end),
                "filled" if full else "open", number, done, done * D(price), "",
            )
        )  # fmt: skip
        if done:
            fee, asset = (COMMISSION, "XRP") if side == "BUY" else (COMMISSION, "USDT")
            self.fills.append(
                Execution(number, 100 + number, D(price), done, done * D(price), fee, asset)
            )
            fee_in = "base" if side == "BUY" else "quote"
            self.fees.append(FillRow(name, self.fills[-1], fee_in))


def traded() -> Market:
    """One finished cycle that left a crumb, one that sells it along, one that waits to buy."""
    market = Market()
    market.trader("t1")
    market.order("t1", "BUY", "10", "2")
    market.order("t1", "SELL", "9.9", "2.1")
    market.finish("t1", carried="0.09", profit="0.96018018", carried_cost="0.18018018")
    market.trader("t2")
    market.order("t2", "BUY", "10", "2")
    market.order("t2", "SELL", "10.0", "2.1", executed="4")
    market.trader("t3")
    market.order("t3", "BUY", "10", "1.9", executed="0")
    return market


def found(batch: Batch) -> set[str]:
    return {finding.what for finding in findings(batch)}


def test_faithful_books_pass() -> None:
    assert findings(traded().batch) == []


def test_books_without_anything_pass_every_check() -> None:
    assert findings(Market().batch) == []


def _exchange(**facts: object) -> Callable[[Batch], Batch]:
    return lambda batch: replace(batch, exchange=replace(batch.exchange, **facts))  # type: ignore[arg-type]  # fields by their names


def _record(**facts: object) -> Callable[[Batch], Batch]:
    return lambda batch: replace(batch, record=replace(batch.record, **facts))  # type: ignore[arg-type]  # fields by their names


def _order(place: int, **facts: object) -> Callable[[Batch], Batch]:
    def change(batch: Batch) -> Batch:
        orders = list(batch.exchange.orders)
        orders[place] = replace(orders[place], **facts)  # type: ignore[arg-type]  # fields by their names
        return _exchange(orders=tuple(orders))(batch)

    return change


def _row(place: int, **facts: object) -> Callable[[Batch], Batch]:
    def change(batch: Batch) -> Batch:
        rows = list(batch.record.orders)
        rows[place] = replace(rows[place], **facts)  # type: ignore[arg-type]  # fields by their names
        return _record(orders=tuple(rows))(batch)

    return change


def _trader(place: int, **facts: object) -> Callable[[Batch], Batch]:
    def change(batch: Batch) -> Batch:
        traders = list(batch.record.traders)
        traders[place] = replace(traders[place], **facts)  # type: ignore[arg-type]  # fields by their names
        return _record(traders=tuple(traders))(batch)

    return change


def _fill(place: int, **facts: object) -> Callable[[Batch], Batch]:
    def change(batch: Batch) -> Batch:
        fills = list(batch.record.fills)
        execution = replace(fills[place].execution, **facts)  # type: ignore[arg-type]  # fields by their names
        fills[place] = replace(fills[place], execution=execution)
        return _record(fills=tuple(fills))(batch)

    return change


def _fee(place: int, **facts: object) -> Callable[[Batch], Batch]:
    def change(batch: Batch) -> Batch:
        fills = list(batch.record.fills)
        fills[place] = replace(fills[place], **facts)  # type: ignore[arg-type]  # fields by their names
        return _record(fills=tuple(fills))(batch)

    return change


def _without_fill(batch: Batch) -> Batch:
    return _record(fills=batch.record.fills[1:])(batch)


def _without_exchange_fill(batch: Batch) -> Batch:
    return _exchange(executions=batch.exchange.executions[1:])(batch)


def _without_order(batch: Batch) -> Batch:
    return _exchange(orders=batch.exchange.orders[:-1])(batch)


def _ended_too_early(batch: Batch) -> Batch:
    return _trader(1, state="finished", unsold=D(6), carried=D("-0.01"))(batch)


@pytest.mark.parametrize(
    ("break_it", "what"),
    [
        (_without_order, "order is not on the exchange"),
        (_order(0, side="SELL"), "side differs"),
        (_order(0, price=D("2.01")), "price differs"),
        (_order(4, quantity=D(11)), "quantity differs"),
        (_order(3, executed=D(5)), "executed quantity differs"),
        (_order(3, executed_quote=D(5)), "executed quote quantity differs"),
        (_order(4, status="CANCELED"), "state differs"),
        (_row(4, state="absent", order_id=None), "state differs"),
        (_row(4, client_order_id="lost", state="absent", order_id=None), "no reason on record"),
        (_row(4, timestamp_ms=START_MS + 9_051), "order is older than its intent"),
        (_without_fill, "fill is not on record"),
        (_without_exchange_fill, "fill is not on the exchange"),
        (_without_exchange_fill, "fills do not add up"),
        (_fill(0, commission=D("0.02")), "fill differs"),
        (_fill(0, commission_asset="BNB"), "fill differs"),
        (_fill(0, price=D("2.01")), "fill differs"),
        (_order(2, updated_ms=START_MS + 6_051), "two orders at once"),
        (_order(0, status="NEW"), "two orders at once"),
        (_row(2, state="undecided"), "two live orders on record"),
        (_trader(1, chunk_budget=D("19.99")), "trader over its chunk"),
        (_trader(2, chunk_budget=D("18.99")), "trader over its chunk"),
        (_trader(0, profit=D("0.97")), "profit does not follow from its fills"),
        (_fee(0, fee_in="quote"), "fee is counted in another asset"),
        (_fee(0, value=D("0.03"), price=D(2)), "fee value does not follow from its price"),
        (_trader(0, carried=D("0.1")), "inventory is not explained"),
        (_trader(0, unsold=D("0.1")), "inventory is not explained"),
        (_ended_too_early, "order outlives its trader"),
    ],
)  # fmt: skip
def test_what_breaks_a_promise_is_found(break_it: Callable[[Batch], Batch], what: str) -> None:
    assert what in found(break_it(traded().batch))


def test_a_buy_doubled_and_recorded_twice_is_found() -> None:
    market = Market()
    market.trader("t1", chunk_budget=D(1000))
    market.order("t1", "BUY", "10", "2")
    market.order("t1", "BUY", "10", "2")
    assert found(market.batch) == {"buy is doubled"}


def test_a_sell_doubled_and_recorded_twice_is_found() -> None:
    market = traded()
    market.order("t1", "SELL", "9.9", "2.1")
    assert "sell is doubled" in found(market.batch)


def test_a_sell_of_more_than_was_ever_bought_is_a_negative_rest() -> None:
    market = Market()
    market.trader("t1")
    market.order("t1", "BUY", "10", "2")
    market.order("t1", "SELL", "10", "2.1", executed="0")
    assert carried(market.batch) == D("-0.01")
    assert carried(traded().batch) == D("0.08")


def test_the_commission_of_sells_in_base_is_added_up() -> None:
    """It is taken besides what was sold: of BNB, say, where commission is paid in BNB."""
    market = Market()
    market.trader("t1")
    market.order("t1", "BUY", "10", "2")
    market.order("t1", "SELL", "9.9", "2.1")
    market.fills[-1] = replace(market.fills[-1], commission_asset="XRP")
    assert (sells_commission(market.batch), carried(market.batch)) == (D("0.01"), D("0.08"))
    assert sells_commission(traded().batch) == 0


def test_a_second_attempt_for_the_rest_is_no_doubled_sell() -> None:
    market = Market()
    market.trader("t1")
    market.order("t1", "BUY", "10", "2")
    market.order("t1", "SELL", "9.9", "2.1", executed="4")
    market.orders[-1] = replace(market.orders[-1], status="EXPIRED")
    market.rows[-1] = replace(market.rows[-1], state="expired")
    market.order("t1", "SELL", "5.9", "2.1")
    market.finish("t1", carried="0.09", profit="0.95018018", carried_cost="0.18018018")
    assert findings(market.batch) == []


def test_an_order_in_doubt_is_found_by_its_name() -> None:
    """No reply has told its number yet; the exchange may say whatever it likes of it."""
    market = Market()
    market.trader("t1")
    market.order("t1", "BUY", "10", "2", executed="0")
    market.rows[-1] = replace(market.rows[-1], state="undecided", order_id=None)
    assert findings(market.batch) == []


def test_what_is_stranded_is_explained() -> None:
    market = Market()
    market.trader("t1")
    market.order("t1", "BUY", "10", "2")
    market.finish("t1", state="stranded", unsold="9.99")
    assert findings(market.batch) == []


def _in_bnb(value: str | None) -> Market:
    """Return a cycle whose sell paid its fee in a third asset."""
    market = Market()
    market.trader("t1")
    market.order("t1", "BUY", "10", "2")
    market.order("t1", "SELL", "9.99", "2.1")
    market.fills[-1] = replace(market.fills[-1], commission=D("0.001"), commission_asset="BNB")
    price = D(600) if value else None
    market.fees[-1] = replace(
        market.fees[-1], fee_in="other", value=D(value) if value else None, price=price
    )
    return market


def test_a_fee_in_a_third_asset_is_part_of_the_profit_once_it_is_valued() -> None:
    market = _in_bnb("0.6")
    market.finish("t1", profit="0.379")
    assert findings(market.batch) == []
    market.finish("t1", profit="0.979")
    assert found(market.batch) == {"profit does not follow from its fills"}


def test_a_fee_without_a_value_is_named_and_not_counted() -> None:
    market = _in_bnb(None)
    market.finish("t1", profit="0.979")
    assert findings(market.batch) == []
    (remark,) = remarks(market.batch)
    assert str(remark).startswith("trade 102 of order 2: fee is not valued: 0.001 BNB (")


def test_a_base_fee_of_a_sell_that_is_left_out_is_found() -> None:
    market = Market()
    market.trader("t1")
    market.order("t1", "BUY", "10", "2")
    market.order("t1", "SELL", "9", "2.1")
    market.fills[-1] = replace(market.fills[-1], commission_asset="XRP")
    market.fees[-1] = replace(market.fees[-1], fee_in="base")
    market.finish("t1", carried="0.98", profit="0.86196196", carried_cost="1.96196196")
    assert findings(market.batch) == []
    market.finish("t1", carried="0.99", profit="0.88198198", carried_cost="1.98198198")
    assert "inventory is not explained" in found(market.batch)


def test_an_amended_order_is_compared_by_what_is_left_of_it_and_named() -> None:
    market = Market()
    market.trader("t1")
    market.order("t1", "BUY", "10", "2", executed="0")
    market.orders[-1] = replace(market.orders[-1], quantity=D(8))
    assert found(market.batch) == {"quantity differs"}
    market.rows[-1] = replace(market.rows[-1], current_quantity=D(8))
    assert findings(market.batch) == []
    assert [remark.what for remark in remarks(market.batch)] == ["it was amended"]


def test_fills_given_up_count_by_the_executed_totals_and_are_named() -> None:
    market = Market()
    market.trader("t1")
    market.order("t1", "BUY", "10", "2")
    market.order("t1", "SELL", "9", "2.1")
    market.rows[0] = replace(market.rows[0], fills_given_up=True)
    market.finish("t1", carried="1", profit="0.89", carried_cost="2")
    record = market.batch.record
    batch = _record(fills=record.fills[1:])(market.batch)
    assert findings(batch) == []
    assert [remark.subject for remark in remarks(batch)] == ["tsym-abc123-t1-b1"]


def test_what_a_person_said_of_an_order_stands_and_is_named() -> None:
    market = Market()
    market.trader("t1")
    market.order("t1", "BUY", "10", "2", executed="0")
    market.orders[-1] = replace(market.orders[-1], status="CANCELED", price=D(3))
    market.rows[-1] = replace(
        market.rows[-1], state="canceled", fills_given_up=True, settled_because="by support"
    )
    assert findings(market.batch) == []
    assert [remark.detail for remark in remarks(market.batch)] == ["by support"]


def test_each_finding_names_its_remedy() -> None:
    batch = _trader(0, carried=D("0.1"))(traded().batch)
    assert all(finding.remedy in str(finding) for finding in findings(batch))


def _bought_for(unit_cost: str) -> money.Flow:
    return money.Flow(D(10), 10 * D(unit_cost), D(0), D(0), D(0))


@pytest.mark.parametrize(
    ("carried", "cost", "wrong"),
    [
        ("0.1", "0.2", False),
        ("0.1", "0.21", False),  # it repaid a debt of a dearer cycle
        ("0.1", "0.23", True),
        ("0.1", "0.19", True),
        ("-0.1", "-0.21", False),
        ("-0.1", "-0.19", True),
        ("-0.1", "0.2", True),
        ("0", "0.00001", True),
    ],
)
def test_a_remainder_costs_what_some_cycle_paid(carried: str, cost: str, *, wrong: bool) -> None:
    trader = replace(traded().batch.record.traders[0], carried=D(carried), carried_cost=D(cost))
    costs = money.CostRange()
    costs.see(replace(trader, carried=D(0), carried_cost=D(0)), _bought_for("2.2"))
    costs.see(trader, _bought_for("2"))
    assert bool(list(costs.findings())) is wrong


@pytest.mark.parametrize(
    ("name", "late_ms", "matches"),
    [
        ("tsym-abc123-t1-b1", 0, True),
        ("tsym-abc123-t1-b1c2", 0, True),
        ("web_1", 0, True),
        ("web_1", PLACED_WITHIN_MS, False),
        ("tsym-abc123-t1-b12", 0, False),
        ("tsym-abc123-t2-b1", 0, False),
    ],
)
def test_an_order_with_the_same_number_may_be_another_one(
    name: str, late_ms: int, *, matches: bool
) -> None:
    """Others rename orders; a number that is another order's by now tells of a reset."""
    market = Market()
    market.trader("t1")
    market.order("t1", "BUY", "10", "2")
    (order,) = market.orders
    order = replace(order, client_order_id=name, time_ms=order.time_ms + late_ms)
    assert bool(matched(market.rows, [order])) is matches


def test_after_a_reset_a_number_belongs_to_another_order_and_so_do_its_fills() -> None:
    """Two cycles, the second on an exchange that has begun to count again."""
    before, after = Market(), Market()
    before.trader("t1")
    before.order("t1", "BUY", "10", "2")
    before.finish("t1", "held", unsold="9.99", profit="0")
    after.second = 1000
    after.trader("t2")
    after.order("t2", "BUY", "5", "3")
    old, new = before.batch.record, after.batch.record
    record = RecordSide(old.traders + new.traders, old.orders + new.orders, old.fills + new.fills)
    different = findings(replace(after.batch, record=record))
    assert [(finding.what, finding.subject) for finding in different] == [
        ("order is not on the exchange", "tsym-abc123-t1-b1"),
        ("fill is not on the exchange", "trade 101 of order 1"),
    ]
