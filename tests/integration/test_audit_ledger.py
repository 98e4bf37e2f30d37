"""The audit on a real record, against an exchange that tells what the record was made from.

What is wrong is put into the record by hand, one thing at a time: each must be found.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from support.recorded import LEDGER, START_MS, buy, claim, opened, order_name, result, sell, trader
from symbol_trader.audit import exchange
from symbol_trader.audit.look import Audit, Look
from symbol_trader.core.orders import FeeValue, TraderId
from symbol_trader.core.records import FeeValued

ORDERS = """
SELECT order_id AS "orderId", client_order_id AS "clientOrderId", side::text, price::text,
    quantity::text AS "origQty", executed::text AS "executedQty",
    executed_quote::text AS "cummulativeQuoteQty", 'FILLED' AS status,
    timestamp_ms AS time, timestamp_ms AS "updateTime"
FROM orders WHERE order_id IS NOT NULL ORDER BY order_id
"""
FILLS = """
SELECT order_id AS "orderId", order_id * 10 AS id, price::text, quantity::text AS qty,
    quote_quantity::text AS "quoteQty", commission::text, commission_asset AS "commissionAsset"
FROM fills ORDER BY trade_id
"""

OVERLAPPING = (
    "UPDATE orders SET committed_at = '2024-01-01' WHERE side = 'BUY';"
    "UPDATE settings SET chunks = 1, mirrored_at = '2020-01-01'"
)


@dataclass
class Exchange:
    """Answers pages of what it holds, by the audit's own questions."""

    orders: list[dict[str, Any]]
    fills: list[dict[str, Any]]
    page: int = 2

    async def query(
        self, method: str, params: dict[str, Any], parse: Callable[[Any], Any], **_: Any
    ) -> Any:
        """Answer like the exchange."""
        if method == "allOrders":
            rows, key, start = self.orders, "orderId", params["orderId"]
        else:
            rows, key, start = self.fills, "id", params["fromId"]
        rows = sorted((row for row in rows if row[key] >= start), key=lambda row: row[key])
        return parse(rows[: self.page])


@dataclass
class Books:
    """A connection to the record, and the exchange that it was made from."""

    driver: asyncpg.Connection
    exchange: Exchange

    async def audit(self, since_ms: int = 0) -> Audit:
        """Take one look."""
        account = exchange.Account(LEDGER.account, "XRP", "USDT")
        client: Any = self.exchange
        return await Look(self.driver, client, LEDGER, account, since_ms=since_ms, say=print).take()

    async def finds(self, what: str, statement: str) -> Audit:
        """Audit after a change of the record; the finding must be there."""
        await self.driver.execute(statement)
        found = await self.audit()
        assert what in {finding.what for finding in found.findings}, found.findings
        return found


@pytest.fixture
async def books(own_database: str) -> AsyncIterator[Books]:
    """Record cycles with fees of each kind, one that runs, and totals that fit."""
    async with opened(own_database) as record:
        await claim(record)
        await record.note([trader(name) for name in ("base", "quote", "third", "open")])
        await buy(record, "base", 1, quantity="10", price="2", commission="0.01", asset="XRP")
        await sell(record, "base", 2, quantity="9", price="2.1", commission="0.01", asset="XRP")
        await buy(record, "quote", 3, quantity="10", price="2", commission="0.02", asset="USDT")
        await sell(record, "quote", 4, quantity="10", price="2.1", commission="0.02", asset="USDT")
        await buy(record, "third", 5, quantity="10", price="2", commission="0.001")
        await sell(record, "third", 6, quantity="10", price="2.1", commission="0.001")
        await buy(record, "open", 7, quantity="10", price="2", commission="0.01", asset="XRP")
        value = FeeValue(Decimal("0.6"), Decimal(600), "BNBUSDT 1m", START_MS)
        await record.note([FeeValued(TraderId("third"), order_name("third"), 1, value)])
        await record.note(
            [
                result("base", profit="0.86196196", carried="0.98", carried_cost="1.96196196"),
                result("quote", profit="0.96"),
                result("third", profit="0.4", finished_ms=START_MS + 20_000),
            ]
        )
    async with read_back(own_database) as found:
        yield found


@asynccontextmanager
async def read_back(url: str) -> AsyncIterator[Books]:
    """Make an exchange that tells what is on record."""
    driver = await asyncpg.connect(url)
    await driver.execute("UPDATE fills SET trade_id = order_id * 10")
    orders = [dict(row) for row in await driver.fetch(ORDERS)]
    fills = [dict(row) for row in await driver.fetch(FILLS)]
    try:
        yield Books(driver, Exchange(orders, fills))
    finally:
        await driver.close()


async def test_a_faithful_record_passes_and_its_unvalued_fee_is_named(books: Books) -> None:
    found = await books.audit()
    assert found.findings == ()
    assert (found.orders, found.fills, found.traders, found.foreign_orders) == (7, 7, 4, 0)
    (remark,) = found.remarks
    assert (remark.what, remark.subject) == ("fee is not valued", "trade 60 of order 6")


@pytest.mark.parametrize(
    ("what", "statement"),
    [
        # A base fee of a sell, as leaders once left it out.
        (
            "inventory is not explained",
            "UPDATE traders SET carried = carried + 0.01 WHERE trader_id = 'base'",
        ),
        # A quote fee, and the value of one in a third asset.
        (
            "profit does not follow from its fills",
            "UPDATE traders SET profit = profit + 0.02 WHERE trader_id = 'quote'",
        ),
        (
            "profit does not follow from its fills",
            "UPDATE traders SET profit = profit + 0.6 WHERE trader_id = 'third'",
        ),
        ("fee is counted in another asset", "UPDATE fills SET fee_in = 'quote' WHERE order_id = 6"),
        (
            "fee value does not follow from its price",
            "UPDATE fills SET fee_value = 0.61 WHERE order_id = 5",
        ),
        ("total is wrong", "UPDATE owners SET ended_profit = ended_profit + 0.00000001"),
        ("total is wrong", "UPDATE owners SET ended_carried = ended_carried - 0.00000001"),
        ("total is wrong", "UPDATE owners SET ended_carried_cost = ended_carried_cost + 1e-8"),
        ("total is wrong", "UPDATE owners SET ended_count = ended_count + 1"),
        ("total is wrong", "UPDATE owners SET exposure = exposure + 0.00000001"),
        ("total is wrong", "UPDATE owners SET open_cycles = open_cycles + 1"),
        ("total is wrong", "UPDATE owners SET net_base = net_base + 1e-8"),
        ("total is wrong", "UPDATE owners SET net_quote = net_quote - 1e-8"),
        # A remainder counted twice: in the book's total, and in its cycle's row.
        ("total is wrong", "UPDATE owners SET ended_carried = ended_carried + 0.98"),
        (
            "inventory is not explained",
            "UPDATE traders SET carried = 2 * carried WHERE trader_id = 'base'",
        ),
        (
            "cost of what it left is wrong",
            "UPDATE traders SET carried_cost = 2 * carried_cost WHERE trader_id = 'base'",
        ),
        ("fill is not on record", "DELETE FROM fills WHERE order_id = 3"),
        ("fill differs", "UPDATE fills SET commission = 0.011 WHERE order_id = 1"),
        ("over budget", "UPDATE settings SET budget = 1, mirrored_at = '2020-01-01'"),
        (
            "more traders than chunks",
            OVERLAPPING,
        ),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_found(books: Books, what: str, statement: str) -> None:
    await books.finds(what, statement)


async def test_an_order_with_our_mark_whose_row_is_gone_is_found(books: Books) -> None:
    books.exchange.orders[-1]["clientOrderId"] = "tsym-abc123-open-b1"
    gone = "DELETE FROM fills WHERE order_id = 7; DELETE FROM orders WHERE order_id = 7"
    await books.finds("order is not on record", gone)


async def test_an_order_under_the_number_of_one_of_before_a_reset_is_found(books: Books) -> None:
    """It has the number of an order on record, and is another one."""
    books.exchange.orders[-1] |= {"clientOrderId": "tsym-abc123-x-b1"}
    found = await books.audit()
    assert [(finding.what, finding.subject) for finding in found.findings][-1] == (
        "order is not on record",
        "tsym-abc123-x-b1",
    )
    books.exchange.orders[-1] |= {"clientOrderId": "open-buy-1c1"}
    assert (await books.audit()).findings == ()
    books.exchange.orders[-1] |= {"clientOrderId": "web", "time": START_MS + 300_000}
    found = await books.audit()
    assert {finding.what for finding in found.findings} == {
        "order is not on the exchange",
        "fill is not on the exchange",
    }
    assert found.foreign_orders == 1


async def test_commission_on_sells_may_take_more_than_was_left_and_nothing_else_may(
    own_database: str,
) -> None:
    """Of BNB sold for USDT, say, where commission is paid in BNB: the next sell is smaller."""
    async with opened(own_database) as record:
        await claim(record)
        await record.note([trader("base")])
        await buy(record, "base", 1, quantity="10", price="2", commission="0.01", asset="XRP")
        await sell(record, "base", 2, quantity="9.99", price="2.1", commission="0.01", asset="XRP")
        left = result("base", profit="0.95897998", carried="-0.01", carried_cost="-0.02002002")
        await record.note([left])
    async with read_back(own_database) as books:
        assert (await books.audit()).findings == ()
        in_quote = "UPDATE fills SET fee_in = 'quote', commission_asset = 'USDT' WHERE order_id = 2"
        await books.finds("more sold than bought", in_quote)


async def test_since_leaves_out_cycles_that_were_over_and_what_is_before(books: Books) -> None:
    """Of one that was over, nothing is compared; the totals always are."""
    found = await books.audit(START_MS + 10_000)
    assert found.findings == ()
    assert (found.traders, found.orders, found.fills) == (2, 3, 3)
    await books.driver.execute("UPDATE traders SET profit = profit + 1 WHERE trader_id = 'quote'")
    found = await books.audit(START_MS + 10_000)
    assert [finding.what for finding in found.findings] == ["total is wrong"]


async def test_orders_of_others_are_counted_and_left_alone(books: Books) -> None:
    stranger = {**books.exchange.orders[0], "orderId": 99, "clientOrderId": "by-hand"}
    books.exchange.orders.append(stranger)
    books.exchange.fills.append({**books.exchange.fills[0], "orderId": 99, "id": 990})
    found = await books.audit()
    assert (found.findings, found.foreign_orders) == ((), 1)


async def test_an_order_that_is_not_on_record_is_named_unless_a_person_answers(
    books: Books,
) -> None:
    name = "tsym-abc123-x-b1"
    stray = {**books.exchange.orders[0], "orderId": 99, "clientOrderId": name}
    books.exchange.orders.append(stray)
    found = await books.audit()
    (finding,) = found.findings
    assert str(finding) == (
        f"{name}: order is not on record: it is order 99 (restore the record, or answer for it "
        "with `symbol-trader disown`)"
    )
    await books.driver.execute(
        "INSERT INTO disowned (environment, account, symbol, client_order_id, reason) "
        "VALUES ($1, $2, $3, $4, 'sold')",
        LEDGER.environment, LEDGER.account, LEDGER.symbol, name,
    )  # fmt: skip
    assert (await books.audit()).findings == ()
