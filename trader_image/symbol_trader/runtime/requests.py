"""Requests on their way: each is carried out beside the loop, and comes back as an event."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import assert_never

from symbol_trader.core.decisions import (
    Cancel,
    CheckOnRecord,
    FetchBid,
    FetchReferencePrice,
    FetchTrades,
    Place,
    PriceFee,
    Query,
    Reconcile,
    RefreshSymbol,
    Request,
)
from symbol_trader.core.events import (
    BidFetched,
    CancelReplied,
    FeePriced,
    FillsFetched,
    PlaceReplied,
    QueryReplied,
    ReferencePriceFetched,
    SymbolRead,
    UnrecordedOrdersFound,
)
from symbol_trader.core.orders import CancelIntent, ExchangeOrder, Intent
from symbol_trader.errors import Unavailable
from symbol_trader.ports import Exchange, Record
from symbol_trader.runtime import tasks
from symbol_trader.runtime.events import RequestOver
from symbol_trader.runtime.mailbox import Mailbox
from symbol_trader.runtime.metrics import Metrics
from symbol_trader.runtime.reading import find_order, read_fills
from symbol_trader.runtime.tasks import Work
from symbol_trader.runtime.views import Views

log = logging.getLogger(__name__)


class Requests:
    """What one term asks of the exchange, and of the record, without waiting for it."""

    def __init__(
        self,
        exchange: Exchange,
        record: Record,
        *,
        mailbox: Mailbox,
        metrics: Metrics,
        views: Views,
        on_progress: Callable[[], None],
    ) -> None:
        """Ask over open connections; `on_progress` is called while reading advances."""
        self._exchange = exchange
        self._record = record
        self._mailbox = mailbox
        self._metrics = metrics
        self._views = views
        self._on_progress = on_progress
        self.acts: set[asyncio.Task[None]] = set()
        """Orders and cancels under way: an end waits for their replies."""
        self.reads: dict[Request, asyncio.Task[None]] = {}
        """What is being read. Each may wait for minutes where leaders share a limit: what is asked
        for meanwhile is not read twice."""

    def send(self, request: Request, received_s: float | None) -> None:  # noqa: C901 - a table
        """Carry a request out; `received_s` is when the price came that led to it, if one did."""
        match request:
            case Place(intent):
                self._act(partial(self._place, intent, received_s))
            case Cancel(intent):
                self._act(partial(self._cancel, intent))
            case Query():
                self._read(request, partial(self._query, request))
            case FetchTrades():
                self._read(request, partial(self._fetch, request))
            case RefreshSymbol():
                self._read(request, self._refresh)
            case FetchBid():
                self._read(request, self._fetch_bid)
            case FetchReferencePrice(minutes):
                self._read(request, partial(self._fetch_reference_price, minutes))
            case PriceFee():
                self._read(request, partial(self._price_fee, request))
            case CheckOnRecord(order):
                self._read(request, partial(self._check_on_record, order))
            case Reconcile():
                if not self._views.being_read:
                    self._read(request, self._views.look)
            case _:
                assert_never(request)

    def _act(self, work: Work) -> None:
        task = asyncio.create_task(tasks.guarded(work, self._mailbox))
        self.acts.add(task)
        # Outstanding until the loop has handled what it brought: an end must not overtake a reply.
        task.add_done_callback(lambda done: self._mailbox.put_nowait(RequestOver(done)))

    def _read(self, request: Request, work: Work) -> None:
        if request not in self.reads:
            self.reads[request] = asyncio.create_task(self._once(request, work))

    async def _once(self, request: Request, work: Work) -> None:
        """Read it; it can be asked for anew from the moment on at which its answer is heard."""
        try:
            await tasks.guarded(work, self._mailbox)
        finally:
            del self.reads[request]

    async def _place(self, intent: Intent, received_s: float | None) -> None:
        self._metrics.placed(received_s)
        outcome = await self._exchange.place(intent)
        self._mailbox.put_nowait(PlaceReplied(intent.client_order_id, outcome))

    async def _cancel(self, intent: CancelIntent) -> None:
        outcome = await self._exchange.cancel(intent)
        self._mailbox.put_nowait(CancelReplied(intent, outcome))

    async def _query(self, query: Query) -> None:
        answer = await find_order(self._exchange, query)
        self._mailbox.put_nowait(QueryReplied(query.client_order_id, answer))

    async def _fetch(self, fetch: FetchTrades) -> None:
        fills = await read_fills(self._exchange, 0, fetch.order_id, self._on_progress)
        self._mailbox.put_nowait(FillsFetched(fetch.client_order_id, tuple(fills)))

    async def _refresh(self) -> None:
        """Read the symbol; where that fails, what is known of it holds until it is read again."""
        try:
            symbol = await self._exchange.symbol()
            commission = await self._exchange.commission()
            limits = await self._exchange.asset_limits()
        except Unavailable as exc:
            log.warning("the symbol was not read again: %s", exc)
            return
        self._mailbox.put_nowait(SymbolRead(symbol.limited_to(limits), commission))

    async def _check_on_record(self, order: ExchangeOrder) -> None:
        if await self._record.unrecorded_client_order_ids({order.client_order_id}):
            self._mailbox.put_nowait(UnrecordedOrdersFound((order,)))

    async def _fetch_bid(self) -> None:
        self._mailbox.put_nowait(BidFetched(await self._exchange.best_bid()))

    async def _fetch_reference_price(self, minutes: int) -> None:
        """Ask for a price; without an answer the exchange judges the order that waits for it."""
        try:
            price = await self._exchange.reference_price(minutes)
        except Unavailable:
            price = None
        self._mailbox.put_nowait(ReferencePriceFetched(minutes, price))

    async def _price_fee(self, fee: PriceFee) -> None:
        """Ask for a price; a profit that lacks a fee for a while is no reason to end the term."""
        try:
            price = await self._exchange.price_of(fee.asset, fee.time_ms)
        except Unavailable:
            price = None
        self._mailbox.put_nowait(FeePriced(fee.client_order_id, fee.trade_id, price))
