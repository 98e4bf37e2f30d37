"""What must be true of a leader that has heard of a halt, once nothing else goes wrong."""

from typing import TYPE_CHECKING

from simulation.exchange import FOREIGN_ID
from symbol_trader.core.limits import OnLimit
from symbol_trader.core.orders import Side, TraderId
from symbol_trader.core.settings import TradingStatus

if TYPE_CHECKING:
    from simulation.process import Process
    from simulation.world import World

HEARD_MS = 20_000
"""How long a halt may stand before everything that it asks for is done, in a calm."""


class HaltedCalm:
    """Looks at what a halt does with what is open. A complaint is an `AssertionError`."""

    def __init__(self, world: "World", process: "Process") -> None:
        self._world = world
        self._process = process
        self._resting = self._open_buys()

    def check(self, on_limit: OnLimit) -> bool:
        """Check what is open, if a halt has stood for long enough; return whether it has."""
        now_ms = self._world.timeline.now_ms
        halts = self._world.database.account.halts
        if not halts or halts[0].since_ms > now_ms - HEARD_MS:
            return False
        self._stays_ready()
        if on_limit is OnLimit.NO_BUYS:
            self._buys_rest()
        else:
            assert not self._open_buys(), "a halt that cancels buys leaves some"
        if on_limit is OnLimit.SHUTDOWN:
            self._finishes_what_is_open(now_ms - HEARD_MS)
        return True

    def _stays_ready(self) -> None:
        assert self._process.alive, "a halt ended the leader"
        assert self._process.leader, "a halt ended the term"
        assert self._world.cluster.settings.status is TradingStatus.ON, "a halt switched it off"

    def _buys_rest(self) -> None:
        """Check that nobody canceled what rested before: buys may grow too old, or meet a sell."""
        if self._world.plan.settings.max_buy_age_ms is not None:
            return
        for name in self._resting:
            order = self._world.exchange.order(name)
            assert order, f"{name} is gone"
            assert order.status != "CANCELED", f"{name} was canceled by a halt of buys"

    def _finishes_what_is_open(self, heard_ms: int) -> None:
        """Check that whoever runs on holds something that it sells."""
        rows = self._world.database.rows
        for name in rows.running:
            began_ms = rows.traders[name].beginning.started_ms
            assert began_ms < heard_ms + HEARD_MS / 2, f"{name} was started while halted"
            bought = rows.flow(name).bought
            assert bought or self._waits_for_people(name), f"{name} has nothing to finish"

    def _open_buys(self) -> list[str]:
        """Return the buys that rest on the exchange, but those that wait for a person."""
        rows = self._world.database.rows.orders
        return [
            order.client_order_id
            for order in self._world.exchange.open_orders()
            if order.side is Side.BUY and order.client_order_id != FOREIGN_ID
            if not self._waits_for_people(rows[order.client_order_id].intent.trader_id)  # type: ignore[index]  # a name is text
        ]

    def _waits_for_people(self, name: TraderId) -> bool:
        leader = self._process.leader
        return any(
            trader.contradiction
            or trader.interrupted
            or any(order.missing_on_exchange for order in trader.orders)
            for trader in (leader.traders if leader else ())
            if trader.trader_id == name
        )
