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
        account's any more. What there was no room for may come again over another connection.
        """
        event, mark = news.event, news.mark
        if mark is None:
            return self.events.put(event)
        if mark in self._seen:
            return True
        if isinstance(event, BalanceChanged) and mark.updated_ms is not None:
            newest = self._newest(event, mark.updated_ms)
            if event.free and not newest.free:
                return True
            event = newest
        if not self.events.put(event):
            return False
        self._remember(mark, event)
        return True

    def _newest(self, event: BalanceChanged, updated_ms: int) -> BalanceChanged:
        """Return the balances of which none is known that is newer; an event names a few assets."""
        known = self._updated_ms
        newest = [asset for asset in event.free if known.get(asset, updated_ms) <= updated_ms]
        return replace(
            event,
            free={asset: event.free[asset] for asset in newest},
            locked={asset: event.locked[asset] for asset in newest if asset in event.locked},
        )

    def _remember(self, mark: Mark, event: UserEvent) -> None:
        if isinstance(event, BalanceChanged) and mark.updated_ms is not None:
            self._updated_ms |= dict.fromkeys(event.free, mark.updated_ms)
        self._seen.add(mark)
        self._order.append(mark)
        if len(self._order) > REMEMBERED:
            self._seen.discard(self._order.popleft())
