"""What is learned of fills, and of the fees that were taken with them."""

from collections.abc import Iterable

from symbol_trader.core.context import EventContext
from symbol_trader.core.events import ExchangeView
from symbol_trader.core.evidence.market import unblock
from symbol_trader.core.fees import FeeKey
from symbol_trader.core.money import plain
from symbol_trader.core.order import Order
from symbol_trader.core.orders import ClientOrderId, ExchangeOrder, Fill, OrderState
from symbol_trader.core.reasons import Reason
from symbol_trader.core.records import FeeValued, FillRecorded, FillsGivenUp
from symbol_trader.core.replies import AssetPrice
from symbol_trader.core.state import State
from symbol_trader.core.trader import Trader


class FillEvidence:
    """What is learned of the fills of orders."""

    def __init__(self, state: State) -> None:
        """Write into this state."""
        self._state = state

    def fetched(
        self, client_order_id: ClientOrderId, fills: tuple[Fill, ...], ctx: EventContext
    ) -> None:
        """Take in the fills of one order; missing ones are asked for again after growing pauses."""
        if found := self._state.find(client_order_id):
            trader, order = found
            order.fill_queries += 1
            pause_ms = self._state.timing.retry_pause_ms(order.fill_queries)
            order.next_query_ms = ctx.now_ms + pause_ms
            self.add(trader, order, fills, ctx)
            ctx.touch(trader)

    def give_up(self, trader: Trader, order: Order, ctx: EventContext) -> None:
        """Go by what a finished order executed: its fills could not be read in time."""
        missing = order.executed - order.filled
        order.give_up_fills()
        name = order.intent.client_order_id
        ctx.change(FillsGivenUp(name))
        ctx.say(
            "fills given up",
            warning=True,
            trader=trader.trader_id,
            order=name,
            missing=plain(missing),
        )

    def fee_priced(self, key: FeeKey, price: AssetPrice | None, ctx: EventContext) -> None:
        """Take in what a third asset cost at a fill: a fee of an ended trader is charged late."""
        for valued in self._state.fees.priced(key, price, ctx.now_ms):
            if trader := self._state.traders.get(valued.trader_id):
                trader.value_fee(valued)
            else:
                self._charge_late(valued, ctx)
            ctx.change(valued)

    def add(
        self,
        trader: Trader,
        order: Order,
        fills: Iterable[Fill],
        ctx: EventContext,
        *,
        tell: bool = False,
    ) -> None:
        """Take in fills of one order; `tell` where its state has changed without one as well."""
        executed = order.executed
        new = [fill for fill in fills if order.add_fill(fill)]
        if new or order.executed != executed:
            self._state.traded()
            unblock(self._state, Reason.BUYS_ENDED)
        if tell or order.executed != executed:
            ctx.change(order.change())
            tell_order(trader, order, ctx)
        name = order.intent.client_order_id
        symbol = self._state.symbol
        ctx.change(*(FillRecorded(name, order.side, f, symbol.fee_asset(f)) for f in new))
        for fill in new:
            self._state.note_fee(trader, order, fill)

    def sort(self, view: ExchangeView, ctx: EventContext) -> None:
        """Give each of the account's fills to the order of ours that it belongs to.

        It is known by its number in the same view: what had the number on an exchange that was
        reset is another order. One that the view does not answer for has all its fills, or is so
        new that a later view or a report brings them.
        """
        by_order: dict[int, list[Fill]] = {}
        for fill in view.fills:
            by_order.setdefault(fill.order_id, []).append(fill)
        for name, answer in view.answers.items():
            found = self._state.find(name)
            if found and isinstance(answer, ExchangeOrder) and found[1].matches(answer):
                self.add(*found, by_order.get(answer.order_id, ()), ctx)

    def _charge_late(self, valued: FeeValued, ctx: EventContext) -> None:
        worth = valued.value
        self._state.ledger.charge(worth.value)
        ctx.say(
            "fee of a finished trader valued",
            trader=valued.trader_id,
            profit_falls_by=plain(worth.value),
            price=plain(worth.price),
            source=worth.source,
        )


def tell_order(trader: Trader, order: Order, ctx: EventContext) -> None:
    """Log what an order has become."""
    partly = order.state is OrderState.OPEN and order.executed
    ctx.say(
        f"{order.side.lower()} {'partially filled' if partly else order.state}",
        trader=trader.trader_id,
        executed=f"{plain(order.executed)}/{plain(order.intent.quantity)}",
        price=plain(order.intent.price),
        order_id=order.order_id,
    )
