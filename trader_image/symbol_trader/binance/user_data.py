"""User data of all connections of a session, each event once and in its order of arrival."""

from collections import deque

from symbol_trader.binance.events import Mark
from symbol_trader.binance.mailbox import Mailbox
from symbol_trader.binance.session import UserData
from symbol_trader.core.replies import UserEvent

REMEMBERED = 4096
"""So many events are known again: more than come while two connections overlap."""


class UserDataBuffer:
    """What the leader reads. Connections that overlap bring the same events, each in its order."""

    def __init__(self, limit: int) -> None:
        self.events = Mailbox[UserEvent](limit)
        self._seen: set[Mark] = set()
        self._order: deque[Mark] = deque()
        self._updated_ms = 0
        """The time of the newest balances."""

    def put(self, news: UserData) -> bool:
        """Add news unless they came before; False says that there is no room for them.

        Balances that are older than those known are dropped: they are not the account's any more.
        """
        if news.mark is not None and not self._is_new(news.mark):
            return True
        return self.events.put(news.event)

    def _is_new(self, mark: Mark) -> bool:
        if mark in self._seen or (mark.updated_ms or self._updated_ms) < self._updated_ms:
            return False
        self._updated_ms = mark.updated_ms or self._updated_ms
        self._seen.add(mark)
        self._order.append(mark)
        if len(self._order) > REMEMBERED:
            self._seen.discard(self._order.popleft())
        return True
