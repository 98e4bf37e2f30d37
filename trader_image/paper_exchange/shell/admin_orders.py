"""The administrator's commands for orders: what the exchange or their owner may do to them."""

from paper_exchange.core.orders import Order
from paper_exchange.shell.admin import AdminError, Command, Params
from paper_exchange.venue import Venue


class Orders:
    """Changes orders from outside the API."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    @property
    def commands(self) -> dict[str, Command]:
        """Return the commands by name."""
        return {"expire": self.expire}

    def expire(self, params: Params) -> Params:
        """End an open order as the exchange itself would."""
        order = self._order(params)
        self._venue.carry_out(self._venue.engine.expire(self._venue.clock(), order))
        return self._shown(order)

    def _order(self, params: Params) -> Order:
        order = self._venue.engine.book(params["symbol"]).orders.get(int(params["orderId"]))
        if order is None:
            raise AdminError("no such order")
        return order

    def _shown(self, order: Order) -> Params:
        """Return the order as it is now."""
        now = self._venue.engine.book(order.symbol).orders[order.order_id]
        return {"status": str(now.status)}
