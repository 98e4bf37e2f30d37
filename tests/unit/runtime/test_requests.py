"""Requests on their way: what is read is not read twice at the same time."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast

from symbol_trader.core.decisions import FetchBid, FetchTrades, Query, Request
from symbol_trader.core.orders import ClientOrderId, Fill
from symbol_trader.core.replies import NotFound
from symbol_trader.runtime.mailbox import Mailbox
from symbol_trader.runtime.requests import Requests
from unit.runtime import virtual

ONE, OTHER = ClientOrderId("tsym-one"), ClientOrderId("tsym-other")
EACH: Sequence[Request] = (Query(ONE), Query(OTHER), FetchTrades(ONE, 1), FetchBid())


@dataclass
class Exchange:
    """An exchange whose answers wait."""

    answers: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[object] = field(default_factory=list)

    async def order(self, client_order_id: str) -> NotFound:
        self.asked.append(client_order_id)
        await self.answers.wait()
        return NotFound(0)

    async def open_orders(self) -> tuple[()]:
        return ()

    async def trades(self, _: int | None, order_id: int) -> tuple[Fill, ...]:
        self.asked.append(order_id)
        await self.answers.wait()
        return ()

    async def best_bid(self) -> Decimal:
        self.asked.append("bid")
        await self.answers.wait()
        return Decimal(1)


def test_what_is_being_read_is_not_read_a_second_time() -> None:
    async def story() -> None:
        exchange, mailbox = Exchange(), Mailbox()
        requests = Requests(
            cast("Any", exchange),
            cast("Any", None),
            mailbox=mailbox,
            metrics=cast("Any", None),
            views=cast("Any", None),
            on_progress=lambda: None,
        )

        async def ask_all() -> None:
            for request in EACH:
                requests.send(request, None)
            await asyncio.sleep(1)

        await ask_all()
        await ask_all()
        assert exchange.asked == [ONE, OTHER, 1, "bid"], "the first wait for their turn"
        exchange.answers.set()
        for _ in EACH:
            await mailbox.get()
        assert not requests.reads, "whoever hears an answer may ask anew at once"
        await ask_all()
        assert exchange.asked == [ONE, OTHER, 1, "bid"] * 2

    virtual.run(story())
