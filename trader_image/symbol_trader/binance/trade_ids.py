"""The ids of a symbol's public trades: which trades were missed, and which came before.

Trade ids of a symbol are consecutive in `@trade` (web-socket-streams.md), over all connections. So
a jump is a gap, and an id that is not above the last one is a trade that came before: two
connections overlap while one takes over from the other. Only an exchange that was reset begins
again with low ids, and the time tells that from a repetition.
"""

from collections.abc import Callable

from symbol_trader.core.replies import Price, TradeGap

RESET_AFTER_MS = 60_000
"""A repetition is not later than this, by the exchange's event time."""


class TradeIds:
    """The newest trade that came. `log_reset` is told that the ids have begun again."""

    def __init__(self, log_reset: Callable[[], None]) -> None:
        self._last: Price | None = None
        self._log_reset = log_reset
        self._reset_after_ms = RESET_AFTER_MS

    def connected(self) -> None:
        """Take in that the next trade comes from a connection that does not overlap another.

        Nothing is repeated there, so a lower id with a later time tells of a reset at once.
        """
        self._reset_after_ms = 0

    def is_next(self, trade: Price) -> bool:
        """Return whether no trade is missing before this one."""
        return self._last is None or trade.trade_id <= self._last.trade_id + 1

    def repeats(self, trade: Price) -> bool:
        """Return whether a trade came before."""
        last = self._last
        if last is None or trade.trade_id > last.trade_id:
            return False
        if trade.time_ms <= last.time_ms + self._reset_after_ms:
            return True
        self._log_reset()
        self._last = None
        return False

    def take(self, trade: Price) -> TradeGap | None:
        """Take a trade that repeats none; return what was missed between it and the one before."""
        last, self._last = self._last, trade
        self._reset_after_ms = RESET_AFTER_MS
        if last is None or trade.trade_id == last.trade_id + 1:
            return None
        return TradeGap(last.trade_id + 1, trade.trade_id - 1, last.time_ms, trade.time_ms)
