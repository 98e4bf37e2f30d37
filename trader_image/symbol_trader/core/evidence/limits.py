"""What is learned of the account's limits: a buy that they refused, a halt, and its end."""

from typing import Final

from symbol_trader.core.context import EventContext
from symbol_trader.core.evidence.market import unblock
from symbol_trader.core.limits import Halt
from symbol_trader.core.reasons import Reason
from symbol_trader.core.records import HALTED, RefusedBuy
from symbol_trader.core.state import State
from symbol_trader.core.trader import Rebuy

_BY_LIMITS: Final = (Reason.BUYS_HALTED, Reason.LIMIT_REACHED, Reason.LIMITS_UNREAD)


class LimitEvidence:
    """What holds for the buys of all symbols of the account."""

    def __init__(self, state: State) -> None:
        """Write into this state."""
        self._state = state

    def buy_refused(self, buy: RefusedBuy, ctx: EventContext) -> None:
        """Take back a buy that the record did not commit: there is no row of it, no request."""
        found = self._state.find(buy.client_order_id)
        if found is None:
            return
        trader, order = found
        trader.take_back(order)
        self._state.forget(order)
        reason = Reason.BUYS_HALTED if buy.reason == HALTED else Reason.LIMIT_REACHED
        trader.blocker = self._state.limits.refuse(reason, buy.message, ctx.now_ms)
        ctx.say(
            "buy refused by a limit",
            warning=True,
            trader=trader.trader_id,
            limit=buy.reason,
            why=buy.message,
        )

    def heard(self, halts: tuple[Halt, ...] | None, ctx: EventContext) -> None:
        """Take in what halts the account now, and let be tried again what limits held back."""
        state, limits = self._state, self._state.limits
        before, limits.halts = limits.halted, halts
        limits.forget_refusals()
        for reason in _BY_LIMITS:
            unblock(state, reason)
        if not limits.starts_nothing:
            self._arm_rebuys()
        if (now := limits.halted) != before:
            why = now.message if now else "no halt stands any more"
            ctx.say("buys are halted" if now else "buys go on", warning=bool(now), why=why)

    def _arm_rebuys(self) -> None:
        for trader in self._state.traders.values():
            if trader.rebuy is Rebuy.REFUSED:
                trader.rebuy = Rebuy.ARMED
