"""User data of all connections of a session, each event once and in its order of arrival."""

from collections import deque
from dataclasses import replace

from symbol_trader.binance.events import Mark
from symbol_trader.binance.mailbox import Mailbox
from symbol_trader.binance.session import UserData
from symbol_trader.core.replies import BalanceChanged, UserEvent

REMEMBERED = 4096
"""So many events are known again: more than come while two connections overlap."""


class UserDataBuffer:
    """What the leader reads. Connections that overlap bring the same events, each in its order."""

    def __init__(self, limit: int) -> None:
        self.events = Mailbox[UserEvent](limit)
        self._seen: set[Mark] = set()
        self._order: deque[Mark] = deque()
        self._updated_ms: dict[str, int] = {}
        """The time of each asset's newest balance."""

    def put(self, news: UserData) -> bool:
        """Add news unless they came before; False says that there is no room for them.

        Balances that are older than those known are dropped, asset by asset: they are not the
        account's any more.
        """
        event, mark = news.event, news.mark
        if mark is not None and not self._is_new(mark):
            return True
        if isinstance(event, BalanceChanged) and mark is not None and mark.updated_ms is not None:
            newest = self._newest(event, mark.updated_ms)
            return (bool(event.free) and not newest.free) or self.events.put(newest)
        return self.events.put(event)

    def _newest(self, event: BalanceChanged, updated_ms: int) -> BalanceChanged:
        """Return the balances of which none is known that is newer; an event names a few assets."""
        known = self._updated_ms
        newest = [asset for asset in event.free if known.get(asset, updated_ms) <= updated_ms]
        known |= dict.fromkeys(newest, updated_ms)
        return replace(
            event,
            free={asset: event.free[asset] for asset in newest},
            locked={asset: event.locked[asset] for asset in newest if asset in event.locked},
        )

    def _is_new(self, mark: Mark) -> bool:
        if mark in self._seen:
            return False
        self._seen.add(mark)
        self._order.append(mark)
        if len(self._order) > REMEMBERED:
            self._seen.discard(self._order.popleft())
        return True
