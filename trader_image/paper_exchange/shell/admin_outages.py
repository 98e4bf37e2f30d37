"""The administrator's commands that take the exchange away: maintenance and the testnet's reset."""

import asyncio

from paper_exchange.core.engine import SymbolStatus
from paper_exchange.protocol.maintenance import Maintenance
from paper_exchange.shell.admin import AdminError, Command, Params
from paper_exchange.shell.connections import Connections
from paper_exchange.shell.player import Player
from paper_exchange.venue import Venue

DOWN, TRADING_ONLY = "down", "trading"
"""What maintenance is of: everything, or trading alone."""


class Outages:
    """Maintenance and resets of a running exchange."""

    def __init__(
        self, venue: Venue, player: Player, connections: Connections, maintenance: Maintenance
    ) -> None:
        self._venue = venue
        self._player = player
        self._connections = connections
        self._maintenance = maintenance
        self._end: asyncio.TimerHandle | None = None
        self._resumes = False
        self._statuses: dict[str, SymbolStatus] = {}

    @property
    def commands(self) -> dict[str, Command]:
        """Return the commands by name."""
        return {"maintenance": self.maintenance, "reset": self.reset}

    def maintenance(self, params: Params) -> Params:
        """Be down, or suspend trading, for some milliseconds; 0 ends it.

        Before the exchange is down it says serverShutdown and closes all connections.  The market
        stands still meanwhile.
        """
        ms, kind = int(params["ms"]), str(params.get("kind", DOWN))
        if ms < 0:
            raise AdminError(f"ms must not be negative: {ms}; 0 ends the maintenance")
        if kind not in {DOWN, TRADING_ONLY}:
            raise AdminError(f"kind must be {DOWN} or {TRADING_ONLY}: {kind!r}")
        self._restore()
        if ms:
            self._begin(ms, kind)
        return {"until": self._venue.clock() + ms if ms else None}

    def reset(self, _: Params) -> Params:
        """Remove all orders, trades and balances, and grant the initial balances again.

        Keys stay, ids count from 1 again, and every connection is closed.
        """
        self._venue.reset()
        return {"connections": self._connections.close_all()}

    def _begin(self, ms: int, kind: str) -> None:
        self._resumes = not self._player.paused
        self._player.pause()
        if kind == DOWN:
            self._maintenance.until = self._venue.clock() + ms
            self._connections.close_all()
        else:
            self._statuses = dict(self._venue.engine.status)
            self._venue.engine.status.update(dict.fromkeys(self._statuses, SymbolStatus.BREAK))
        self._end = asyncio.get_running_loop().call_later(ms / 1000, self._restore)

    def _restore(self) -> None:
        """End a maintenance, if there is one."""
        if self._end is None:
            return
        self._end.cancel()
        self._end = None
        self._maintenance.until = 0
        self._venue.engine.status.update(self._statuses)
        self._statuses = {}
        if self._resumes:
            self._player.resume()
