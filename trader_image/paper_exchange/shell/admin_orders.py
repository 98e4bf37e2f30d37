"""The administrator's commands for orders: what the exchange or their owner may do to them."""

import secrets

from paper_exchange.core import interventions
from paper_exchange.core.orders import Order, OrderStatus
from paper_exchange.shell.admin import AdminError, Command, Params, positive
from paper_exchange.venue import Venue

PREVENTED_ENDS = (OrderStatus.EXPIRED_IN_MATCH, OrderStatus.FILLED, OrderStatus.EXPIRED)


class Orders:
    """Changes orders from outside the API."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    @property
    def commands(self) -> dict[str, Command]:
        """Return the commands by name."""
        return {
            "expire": self.expire,
            "amend": self.amend,
            "prevent": self.prevent,
            "archive": self.archive,
        }

    def expire(self, params: Params) -> Params:
        """End an open order as the exchange itself would."""
        order = self._order(params)
        self._venue.carry_out(self._venue.engine.expire(self._venue.clock(), order))
        return self._shown(order)

    def amend(self, params: Params) -> Params:
        """Reduce an open order as its owner does in the app: under a name of the app's."""
        order, quantity = self._order(params), positive("quantity", params)
        name = str(params.get("clientOrderId") or f"web_{secrets.token_hex(11)}")
        engine, now = self._venue.engine, self._venue.clock()
        self._venue.carry_out(interventions.amend(engine, now, order, quantity, name)[1])
        return self._shown(order)

    def prevent(self, params: Params) -> Params:
        """Take quantity away from an open order as self-trade prevention does; all if not given.

        `end` is the status of an order of which nothing is left.
        """
        order = self._order(params)
        quantity = positive("quantity", params) if "quantity" in params else order.remaining
        end = OrderStatus(str(params.get("end", OrderStatus.EXPIRED_IN_MATCH)))
        if end not in PREVENTED_ENDS:
            raise AdminError(f"end must be one of {', '.join(PREVENTED_ENDS)}")
        step = interventions.prevent(
            self._venue.engine,
            self._venue.clock(),
            order,
            quantity,
            counter_order_id=int(params.get("counterOrderId", 0)),
            end=end,
        )
        self._venue.carry_out(step)
        return self._shown(order)

    def archive(self, params: Params) -> Params:
        """Answer for an order that ended without execution by -2026 from now on."""
        order = self._order(params)
        step = interventions.archive(self._venue.engine, self._venue.clock(), order)
        self._venue.carry_out(step)
        return self._shown(order)

    def _order(self, params: Params) -> Order:
        order = self._venue.engine.book(params["symbol"]).orders.get(int(params["orderId"]))
        if order is None:
            raise AdminError("no such order")
        return order

    def _shown(self, order: Order) -> Params:
        """Return the order as it is now."""
        now = self._venue.engine.book(order.symbol).orders[order.order_id]
        return {
            "status": str(now.status),
            "clientOrderId": now.client_order_id,
            "quantity": format(now.quantity, "f"),
            "executed": format(now.executed, "f"),
            "prevented": format(now.prevented, "f"),
            "archived": now.archived,
        }
