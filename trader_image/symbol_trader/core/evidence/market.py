"""What is learned that concerns all orders: the symbol, balances, a ban of the address."""

from collections.abc import Mapping
from decimal import Decimal

from symbol_trader.core.context import EventContext
from symbol_trader.core.decisions import RefreshSymbol
from symbol_trader.core.money import ZERO, plain
from symbol_trader.core.reasons import Need, Reason
from symbol_trader.core.state import State
from symbol_trader.core.symbols import TRADING, Commission, SymbolInfo
from symbol_trader.core.trader import Trader

SYMBOL_AGE_MAX_MS = 3_600_000
"""After so long the symbol's filters, its status and the commission are read again."""

REFUSING_AGE_MAX_MS = 600_000
"""The same where the filters, as they are known, keep an order from being sent."""


class MarketEvidence:
    """What holds for all orders of the symbol."""

    def __init__(self, state: State) -> None:
        """Write into this state."""
        self._state = state

    def symbol_read(self, symbol: SymbolInfo, commission: Commission, ctx: EventContext) -> None:
        """Take in the symbol's filters, status and commission, read again."""
        state = self._state
        resumed = state.symbol.status != TRADING and symbol.status == TRADING
        if changed := state.symbol.filters.differences(symbol.filters):
            ctx.say("the symbol's filters have changed", warning=True, **changed)
            unblock(state, Reason.FILTER_FAILURE)
        if commission != state.commission:
            ctx.say(
                "the commission has changed",
                buy=f"{plain(state.commission.buy)} -> {plain(commission.buy)}",
                sell=f"{plain(state.commission.sell)} -> {plain(commission.sell)}",
            )
        state.symbol, state.commission, state.symbol_read_ms = symbol, commission, ctx.now_ms
        if resumed:
            unblock(state, Reason.SYMBOL_NOT_TRADING)

    def read_symbol_if_due(self, ctx: EventContext, age_max_ms: int = SYMBOL_AGE_MAX_MS) -> None:
        """Have the symbol read once an hour: its filters change without a word."""
        state = self._state
        read_ms = ctx.now_ms if state.symbol_read_ms is None else state.symbol_read_ms
        due = ctx.now_ms - read_ms >= age_max_ms and not state.banned(ctx.now_ms)
        state.symbol_read_ms = ctx.now_ms if due else read_ms
        if due:
            ctx.request_once(RefreshSymbol())

    def balance_changed(
        self, free: Mapping[str, Decimal], locked: Mapping[str, Decimal], ctx: EventContext
    ) -> None:
        """Take in what is free now of some assets, and let be tried again what lacked balance.

        Only an asset whose balance has grown unblocks traders, and only as many as it is enough
        for: those that have waited longest come first.
        """
        known = self._state.free
        grown = {asset: amount for asset, amount in free.items() if amount > known.get(asset, ZERO)}
        known |= free
        self._state.locked |= locked
        for trader in tuple(self._state.traders.values()):
            if need := _lacking(trader):
                left = grown.get(need.asset, ZERO)
                if need.amount <= left:
                    grown[need.asset] = left - need.amount
                    trader.blocker = None
                    ctx.touch(trader)

    def banned(self, until_ms: int | None) -> None:
        """Take in until when the exchange has banned the address, if it has."""
        self._state.banned_until_ms = until_ms or 0


def unblock(state: State, reason: Reason) -> None:
    """Let what was blocked for a reason be tried again."""
    for trader in state.traders.values():
        if trader.blocker and trader.blocker.reason is reason:
            trader.blocker = None


def _lacking(trader: Trader) -> Need | None:
    """Return what balance a trader waits for, if that is what it waits for."""
    blocker = trader.blocker
    return blocker.need if blocker and blocker.reason is Reason.INSUFFICIENT_BALANCE else None
