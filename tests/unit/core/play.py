"""Any course of events at a desk: prices, fills with fees of all kinds, endings, restarts."""

from dataclasses import replace
from typing import Any

from symbol_trader.core.orders import Intent
from unit.core.builders import BASE, COMMISSION, QUOTE, SETTINGS, D
from unit.core.desk import Desk

FEES = ("received", BASE, QUOTE, "BNB")


class Play:
    """Carries out drawn steps at a desk, whose books are checked after each."""

    def __init__(self, chunks: int, budget: int) -> None:
        settings = replace(SETTINGS, chunks=chunks, budget=D(budget), profit=D("0.002"))
        self.desk = Desk(settings)

    def step(self, kind: str, fact: Any) -> None:
        desk = self.desk
        match kind:
            case "price":
                desk.price(str(D(fact) / 100))
            case "fill":
                self._fill(*fact)
            case "end":
                if order := self._open(fact):
                    desk.end(order, "EXPIRED")
            case "wait":
                desk.wait(fact)
                desk.tell_fee_prices("600")
            case _:
                desk.restart()
        while desk.placed:
            for order in list(desk.placed):
                desk.accept(order)

    def _open(self, index: int) -> Intent | None:
        live = [o.intent for o in self.desk.leader.open_orders]
        return live[index % len(live)] if live else None

    def _fill(self, index: int, tenths: int, fee_in: str) -> None:
        order = self._open(index)
        if order is None:
            return
        left = order.quantity - self.desk.book[order.client_order_id].executed
        quantity = max(left * tenths / 10 // D("0.1") * D("0.1"), D("0.1"))
        part = quantity * COMMISSION.buy
        fee: dict[str, Any] = {
            "received": {},
            BASE: {"fee_in": BASE, "fee": part},
            QUOTE: {"fee_in": QUOTE, "fee": part * order.price},
            "BNB": {"fee_in": "BNB", "fee": part * order.price / 600},
        }
        self.desk.fill(order, quantity, **fee[fee_in])
