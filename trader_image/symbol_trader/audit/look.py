"""One look at both sides, trader by trader."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import asyncpg

from symbol_trader.audit import checks, copies, exchange, money, record, whole
from symbol_trader.audit.evidence import MARK, ExchangeSide, RecordSide
from symbol_trader.audit.finding import Finding
from symbol_trader.binance.requesting import RequestClient
from symbol_trader.identity import LedgerKey

TOLD_MOST: Final = 1000
"""Findings, and remarks, that are kept: memory stays flat where a million traders differ."""
PAGES_PER_LINE: Final = 50

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Audit:
    """What was compared, what differs, and what a person should know besides."""

    ledger: LedgerKey
    orders: int
    fills: int
    traders: int
    foreign_orders: int
    findings: tuple[Finding, ...]
    remarks: tuple[Finding, ...] = ()

    @property
    def passed(self) -> bool:
        """Return whether something was compared and nothing differs."""
        return not self.findings and self.orders > 0


class Look:
    """Reads the exchange's side into temporary tables, then the record's traders in batches."""

    def __init__(
        self,
        driver: asyncpg.Connection,
        client: RequestClient,
        ledger: LedgerKey,
        account: exchange.Account,
        *,
        since_ms: int,
        say: Say,
    ) -> None:
        self._driver = driver
        self._client = client
        self._ledger = ledger
        self._account = account
        self._since_ms = since_ms
        self._say = say

    async def take(self) -> Audit:
        """Compare everything once. Raises `Unavailable`."""
        self._orders = self._fills = self._traders = 0
        self._findings: list[Finding] = []
        self._remarks: list[Finding] = []
        await self._copy_exchange()
        await self._look_at_traders()
        await self._look_at_unrecorded()
        await self._look_at_ledger()
        return Audit(
            self._ledger,
            self._orders,
            self._fills,
            self._traders,
            await copies.foreign(self._driver, self._ledger, MARK),
            tuple(self._findings),
            tuple(self._remarks),
        )

    async def _copy_exchange(self) -> None:
        symbol = self._ledger.symbol
        first_order, first_fill = 0, 0
        if self._since_ms:
            first_order, first_fill = await record.first_ids(
                self._driver, self._ledger, self._since_ms
            )
        await copies.create(self._driver)
        read = 0
        async for fills in exchange.executions(self._client, symbol, first_fill):
            await copies.add_fills(self._driver, fills)
            read = self._progress(read, len(fills), "fills of the exchange")
        read = 0
        async for orders in exchange.orders(self._client, symbol, first_order):
            await copies.add_orders(self._driver, orders)
            read = self._progress(read, len(orders), "orders of the exchange")
        await copies.index(self._driver)

    async def _look_at_traders(self) -> None:
        carried, owed, costs = Decimal(0), Decimal(0), money.CostRange()
        async for side in record.batches(self._driver, self._ledger, self._since_ms):
            batch = checks.Batch(await self._there(side), side)
            self._add(checks.findings(batch), list(checks.remarks(batch)))
            carried += checks.carried(batch)
            owed += checks.sells_commission(batch)
            checks.see_costs(batch, costs)
            self._orders += len(side.orders)
            self._fills += len(batch.exchange.executions)
            self._traders = self._progress(self._traders, len(side.traders), "traders on record")
        if self._since_ms:
            # Traders before may have carried something over, at their own cost.
            return
        self._add(list(costs.findings()))
        if carried + owed < 0:
            detail = f"the carried rest is {carried}, of which commission on sells explains {owed}"
            self._add([Finding("more sold than bought", "symbol", detail)])

    async def _there(self, side: RecordSide) -> ExchangeSide:
        numbers = [row.order_id for row in side.orders if row.order_id is not None]
        names = [row.client_order_id for row in side.orders if row.order_id is None]
        found = await copies.orders(self._driver, numbers, names)
        orders = tuple(checks.matched(side.orders, found).values())
        fills = await copies.fills(self._driver, [order.order_id for order in orders])
        return ExchangeSide(self._account.base_asset, self._account.quote_asset, orders, fills)

    async def _look_at_unrecorded(self) -> None:
        for number, name in await copies.unrecorded(self._driver, self._ledger, MARK):
            self._add([Finding("order is not on record", name, f"it is order {number}")])

    async def _look_at_ledger(self) -> None:
        if totals := await record.totals(self._driver, self._ledger):
            self._add(list(whole.totals_agree(*totals)))
        if (limits := await record.limits(self._driver, self._ledger)) is None:
            return
        check = whole.LimitsCheck(limits)
        async for change in record.commitments(self._driver, self._ledger, limits):
            self._add(list(check.see(change)))

    def _add(self, findings: list[Finding], remarks: list[Finding] | None = None) -> None:
        self._findings += findings[: TOLD_MOST - len(self._findings)]
        self._remarks += (remarks or [])[: TOLD_MOST - len(self._remarks)]

    def _progress(self, before: int, more: int, what: str) -> int:
        """Return the new count, and report it once per `PAGES_PER_LINE` pages."""
        step = PAGES_PER_LINE * exchange.PAGE
        if (before + more) // step > before // step:
            self._say(f"read {before + more} {what}")
        return before + more
