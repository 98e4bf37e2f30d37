"""What the exchange, or a person, does to orders, trades, balance and prices."""

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from simulation.exchange import FOREIGN_ID, STEP
from symbol_trader.core.money import floor_to
from symbol_trader.core.orders import ExchangeOrder, Side
from symbol_trader.core.replies import Archived

if TYPE_CHECKING:
    from simulation.process import Process
    from simulation.world import World

BUYS_ENDED_MS = (1_000, 10_000)
HIDDEN_MS = (5_000, 60_000)
STALLED_MS = (1_000, 8_000)
OPEN = {"NEW", "PARTIALLY_FILLED"}
NEW = 2
"""How much likelier an order is forgotten as it comes than any is per tick."""
SHARES = Decimal("0.1"), Decimal("0.5"), Decimal(1)
"""How much of the free base asset is gone."""


class Faults:
    """Carries out what the weather brings, at each tick and at each order and fill."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._chance = world.chance
        self.interrupted = False
        """An order counts as canceled by others: it was amended, or is archived."""
        self._buys_end_until_ms = 0

    @property
    def _now_ms(self) -> int:
        return self._world.timeline.now_ms

    def tick(self, process: "Process | None") -> None:
        """Let happen what is per tick."""
        chance, exchange = self._chance, self._world.exchange
        if chance.happens("end_buy_at_once"):
            self._buys_end_until_ms = self._now_ms + chance.between(BUYS_ENDED_MS)
        if chance.happens("hide_trades"):
            exchange.trades_hidden_until_ms = self._now_ms + chance.between(HIDDEN_MS)
        self._meddle("amend", lambda order: self._reduce(order, prevented=False))
        self._meddle("prevent", lambda order: self._reduce(order, prevented=True))
        self._meddle("forget", self._forget)
        if chance.happens("reset"):
            self._reset()
        if process is not None and process.alive:
            self._stall(process)

    def entered(self, order: ExchangeOrder) -> None:
        """Take in that an order came onto the book."""
        if order.side is Side.BUY and self._now_ms < self._buys_end_until_ms:
            self._world.timeline.after(0, lambda: self._end(order.client_order_id))
        elif self._chance.draws("forget", NEW):
            self._world.timeline.after(0, lambda: self._forget_new(order.client_order_id))

    def bought(self) -> None:
        """Take in a fill of a buy: the base asset is free for a moment."""
        if self._chance.happens("base_gone"):
            share = self._chance.random.choice(SHARES)
            self._world.timeline.after(
                0, lambda: self._world.exchange.take_base(self._now_ms, share)
            )

    def end(self) -> None:
        """Stop what would go on by itself."""
        self._buys_end_until_ms = self._world.exchange.trades_hidden_until_ms = 0

    def _reset(self) -> None:
        """Reset the exchange, as far as its history stays readable for the auditor."""
        for order in self._ours():
            if not self._forget(order):
                self._world.exchange.expire(self._now_ms, order.client_order_id)
        self._world.exchange.take_base(self._now_ms, Decimal(1))
        self._world.network.go_away(self._now_ms)

    def _ours(self) -> list[ExchangeOrder]:
        orders = self._world.exchange.open_orders()
        return [order for order in orders if order.client_order_id != FOREIGN_ID]

    def _stall(self, process: "Process") -> None:
        if self._chance.happens("market_stalled"):
            process.market.stall()
            self._world.timeline.after(self._chance.between(STALLED_MS), process.market.flow)

    def _meddle(self, fault: str, act: Callable[[ExchangeOrder], bool]) -> None:
        """Do something to one of our open orders, where it can be done to it."""
        if not self._chance.draws(fault):
            return
        ours = self._ours()
        if ours and act(order := self._chance.random.choice(ours)):
            self._chance.count(fault, order.side.lower())

    def _reduce(self, order: ExchangeOrder, *, prevented: bool) -> bool:
        held = order.quantity - order.prevented
        quantity = order.executed + floor_to((held - order.executed) / 2, STEP)
        if not order.executed < quantity < held:
            return False
        self.interrupted = self.interrupted or not prevented
        name = order.client_order_id
        self._world.exchange.reduce(self._now_ms, name, quantity, prevented=prevented)
        return True

    def _forget(self, order: ExchangeOrder) -> bool:
        if order.executed:
            return False
        self.interrupted = True
        answer = Archived() if self._chance.random.random() < 0.5 else None
        self._world.exchange.forget(self._now_ms, order.client_order_id, answer)
        return True

    def _forget_new(self, name: str) -> None:
        order = self._open(name)
        if order is not None and self._forget(order):
            self._chance.count("forget", order.side.lower())

    def _end(self, name: str) -> None:
        if self._open(name):
            self._world.exchange.expire(self._now_ms, name)

    def _open(self, name: str) -> ExchangeOrder | None:
        order = self._world.exchange.order(name)
        return order if order is not None and order.status in OPEN else None
