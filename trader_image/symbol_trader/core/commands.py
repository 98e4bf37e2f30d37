"""What people ask of a leader: to start, to change settings, to go on, to switch off.

Commands only change what is known; traders act on it at their next step.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace

from symbol_trader.core.context import EventContext
from symbol_trader.core.events import SettingsChanged
from symbol_trader.core.evidence.learning import Evidence
from symbol_trader.core.money import plain
from symbol_trader.core.order import Order
from symbol_trader.core.orders import ClientOrderId, TraderId
from symbol_trader.core.records import Acknowledged
from symbol_trader.core.settings import Settings, TradingStatus
from symbol_trader.core.state import State
from symbol_trader.core.trader import Rebuy
from symbol_trader.core.traders.acting import Traders


class Commands:
    """Carries out what is asked for, from the start on."""

    def __init__(
        self,
        state: State,
        evidence: Evidence,
        traders: Traders,
        *,
        shutdown_age_ms: int,
        refused: Mapping[TraderId, str],
        acknowledged: Collection[ClientOrderId],
    ) -> None:
        """Command this state; see `Leader` for what was there before the start."""
        self._state = state
        self._evidence = evidence
        self._traders = traders
        self._shutdown_age_ms = shutdown_age_ms
        self._refused = dict(refused)
        self._acknowledged = frozenset(acknowledged)

    def start(self, ctx: EventContext) -> None:
        """Begin to trade: go on with what is on record, or start afresh."""
        state = self._state
        state.started = True
        if state.draining:
            state.draining_since_ms = ctx.now_ms - self._shutdown_age_ms
            ctx.say("shutdown initiated", running=len(state.traders))
        else:
            ctx.say("starting trading", budget=plain(state.settings.budget))
        for trader in state.traders.values():
            ctx.say("initialising trader", trader=trader.trader_id, why="unfinished on record")
            for order in trader.orders:
                if order.intent.client_order_id in self._acknowledged:
                    self._acknowledge_end(order, ctx)
        for trader_id, why in self._refused.items():
            self._evidence.record_refused(trader_id, why, ctx)

    def change_settings(self, event: SettingsChanged, ctx: EventContext) -> None:
        """Apply new settings: to the next trader and the next rebuy decision."""
        state = self._state
        before, state.settings = state.settings, event.settings
        self._tell_status(before, ctx)
        if not state.draining:
            state.draining_since_ms = None
        elif state.draining_since_ms is None or not event.continued:
            state.draining_since_ms = ctx.now_ms
        self._acknowledge(ctx)
        if before != state.settings and not state.idle:
            self._traders.replace_traders_without_orders(ctx)

    def switch_off(self, ctx: EventContext) -> None:
        """Take in that the symbol goes off; where no trader has begun, nothing is left over."""
        state = self._state
        state.settings = replace(state.settings, status=TradingStatus.OFF)
        if not any(trader.last_order for trader in state.traders.values()):
            self._traders.end_traders_without_orders("stopped before it bought", ctx)

    def _tell_status(self, before: Settings, ctx: EventContext) -> None:
        state = self._state
        if state.settings == before:
            ctx.say("shutdown already initiated" if state.draining else "already started")
        elif state.settings.status is before.status:
            ctx.say("settings changed")
        elif state.draining:
            ctx.say("shutdown initiated", running=len(state.traders))
        elif state.settings.status is TradingStatus.ON:
            ctx.say("starting trading", why="switched on", running=len(state.traders))

    def _acknowledge(self, ctx: EventContext) -> None:
        """Take a change of the resource as the acknowledgement that blocked traders wait for."""
        for trader in self._state.traders.values():
            trader.blocker = None
            if trader.rebuy is Rebuy.REFUSED:
                trader.rebuy = Rebuy.ARMED
            for order in trader.orders:
                self._acknowledge_end(order, ctx)

    def _acknowledge_end(self, order: Order, ctx: EventContext) -> None:
        """Acknowledge how an order ended; one that is not over yet is not meant."""
        if order.acknowledged or not (order.canceled_by_others or order.ended_by_exchange):
            return
        order.acknowledged = True
        ctx.change(Acknowledged(order.intent.client_order_id))
