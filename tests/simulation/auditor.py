"""The invariants, checked from outside: what the record and the exchange say, not the leader.

Checked at every step: an intent, a change, an order that enters the book, a trade, a decision:

1. Never two orders of a trader that are, or may be, on the exchange; on the exchange itself never
   two open orders of a trader.
2. Every order on the exchange with our mark has an intent that was committed before it arrived.
3. Nothing executes more than was intended; a trader's buys never cost more than its chunk; its
   sells never sell more than it set out to, nor more than the book holds.
4. The quote that unfinished cycles have spent or may still spend, and what is carried at its cost,
   never exceed the budget.
5. No trader is started beyond `chunks`, and none in a shutdown; no buy is placed in a shutdown, nor
   at a price that was old when the leader decided.
6. The ledger balances: bought less base commission less sold is in progress, carried or stranded.
   What a trader is told to have earned and to leave is what its fills say (the record checks it).
7. A leader made from the record at this moment knows what the running one knows.
8. A finished trader has no order on the exchange.
9. An order is not canceled again while its last cancel may still take effect.
10. No order enters the book that the record holds for absent or refused. So after a new epoch's
   commit none of an older one does, except one that the new leader still waits for.
11. Nobody switches the resource off while a trader runs.

15. No more orders are intended in a second, and in ten, than `limits.py` allows.
16. No buy is intended while the account is halted, nor past one of its limits (`limit_auditor.py`).

Checked when a shutdown has drained (which it must, once the faults stop):

12. The record's orders and fills are the exchange's, to the last digit, and a row without an order
   there is final and says why.
13. The account's base has changed by what is carried and stranded, its quote by all cycles' flows,
    a third asset by the commission in it; the profit told is the flow of quote less the value of
    that commission plus what the inventory had cost. Commission without a value is named.
14. An order that a person placed was not touched.
"""

from collections import Counter, deque
from collections.abc import Sequence
from decimal import Decimal

from simulation.database import Database
from simulation.exchange import BASE, COMMISSION, QUOTE, SYMBOL, TICK, Exchange
from simulation.limits import OrderRate
from simulation.memory import OrderRow
from simulation.network import NOT_SENT, SKEW_MS
from simulation.timeline import Timeline
from symbol_trader.core.leader import Leader
from symbol_trader.core.money import ZERO, floor_to
from symbol_trader.core.orders import (
    CancelIntent,
    ClientOrderId,
    Fill,
    Intent,
    OrderState,
    Side,
    TraderId,
)
from symbol_trader.core.records import NewTrader, RecordChange, RefusedBuy, TraderResult
from symbol_trader.core.timing import Timing
from symbol_trader.core.trader import Rebuy

OPEN = {"NEW", "PARTIALLY_FILLED"}
STATUS = {
    OrderState.FILLED: {"FILLED"},
    OrderState.CANCELED: {"CANCELED"},
    OrderState.EXPIRED: {"EXPIRED", "EXPIRED_IN_MATCH"},
}
NEVER_THERE = {OrderState.REFUSED, OrderState.ABSENT}
GIVEN_UP = NEVER_THERE | {OrderState.CANCELED}
TIMING = Timing()
RECENT_TRADES = 4_000
"""More than happen while a price is fresh, however far a leader's clock is off."""
COMPARE_EVERY = 29
"""A leader is made from the record for comparison after every so many decisions."""


class Auditor:
    """Looks at the books. Every complaint is an `AssertionError`."""

    def __init__(self, database: Database, exchange: Exchange, timeline: Timeline) -> None:
        self._database = database
        self._record = database.rows
        self._exchange = exchange
        self._timeline = timeline
        self.refusals: Counter[str] = Counter()
        """How often limits have refused a buy, by reason."""
        self._decisions = 0
        self._order_rate = OrderRate(lambda: timeline.now_ms)
        self._trades: deque[tuple[int, Decimal]] = deque(maxlen=RECENT_TRADES)

    def traded(self, price: Decimal) -> None:
        """Take in a public trade."""
        self._trades.append((self._timeline.now_ms, price))

    # While it runs.

    def committed(self, leader: Leader | None, intent: Intent) -> None:
        """Check an intent as it is committed: (4), (5), (15). (1) is the record's."""
        self._order_rate.intended()
        assert leader is not None, "an order outside of a term"
        if intent.side is Side.BUY:
            assert not leader.draining, "a buy in a shutdown"
            in_dust = max(self._record.carried_cost, ZERO)
            assert self.committed_quote + in_dust <= leader.settings.budget, "over budget"
            assert self._is_fresh(intent, leader.settings.buy_down), "a buy at an old price"
        else:
            held = self._record.sellable(intent.trader_id)
            assert intent.quantity <= held, "it sells what the book does not hold"

    def refused(self, buy: RefusedBuy) -> None:
        """Take in that a limit has refused a buy."""
        self.refusals[buy.reason] += 1

    def _is_fresh(self, buy: Intent, buy_down: Decimal) -> bool:
        since_ms = buy.timestamp_ms - TIMING.price_age_max_ms
        fresh = (price for time_ms, price in self._trades if time_ms >= since_ms)
        return any(floor_to(price * (1 - buy_down), TICK) == buy.price for price in fresh)

    def canceling(self, intent: CancelIntent) -> None:
        """Check a cancel right before it is committed: (9). One never sent does not count."""
        now_ms = self._timeline.now_ms + SKEW_MS[1]
        for earlier in self._record.orders[intent.client_order_id].cancels:
            outcome = self._record.outcomes.get(earlier.cancel_id)
            if outcome and NOT_SENT in outcome.reason:
                continue
            assert now_ms > earlier.timestamp_ms + TIMING.bound_ms, "cancels pile up"

    def noted(self, leader: Leader | None, changes: Sequence[RecordChange]) -> None:
        """Check changes as they are recorded: (5) and (6)."""
        if leader and any(isinstance(change, NewTrader) for change in changes):
            assert not leader.draining, "a trader started in a shutdown"
            assert len(self._record.running) <= leader.settings.chunks, "more traders than chunks"
        assert self._record.inventory.unexplained == ZERO
        if any(isinstance(change, TraderResult) for change in changes):
            self.look()

    def carried_out(self, leader: Leader) -> None:
        """Check a leader whose decision was carried out: (6) and (7)."""
        assert leader.halted is None, leader.halted
        self._decisions += 1
        if self._decisions % COMPARE_EVERY == 0:
            restored = self._restored(leader)
            assert _sums(restored) == _sums(leader)
            assert _facts(restored) == _facts(leader)

    def _restored(self, leader: Leader) -> Leader:
        return Leader(
            self._record.load(self._timeline.now_ms),
            settings=leader.settings,
            symbol=SYMBOL,
            commission=COMMISSION,
            timing=TIMING,
            new_bits=lambda: 0,
        )

    def entered(self, name: str) -> None:
        """Check an order that enters the book: (2) and (10)."""
        row = self._record.orders.get(ClientOrderId(name))
        assert row is not None, f"{name} has no intent"
        assert not row.over, f"{name} enters the book, it is {row.state} on record"

    def writes_off(self) -> None:
        """Check that the resource may be switched off: (11)."""
        assert not self._record.running, "switched off with unfinished traders"

    def look(self) -> None:
        """Compare the exchange with the record, when either has changed: (1), (3) and (8)."""
        exchange = self._exchange
        open_of: dict[TraderId, str] = {}
        for order in exchange.open_orders():
            row = self._record.orders.get(ClientOrderId(order.client_order_id))
            if row is None:
                continue
            trader = row.intent.trader_id
            assert trader not in open_of, f"{order.client_order_id} beside {open_of[trader]}"
            open_of[trader] = order.client_order_id
            assert self._record.traders[trader].result is None, "open, its trader is finished"
            assert row.executed <= order.executed <= row.intent.quantity
        for trader_id in self._record.running:
            self._check_trader(trader_id)

    def _check_trader(self, trader_id: TraderId) -> None:
        chunk = self._record.traders[trader_id].beginning.terms.chunk_budget
        bought, sold = ZERO, ZERO
        for row in self._record.of(trader_id):
            if order := self._exchange.order(row.intent.client_order_id):
                bought += order.executed_quote if order.side is Side.BUY else ZERO
                sold += order.executed if order.side is Side.SELL else ZERO
        assert bought <= chunk, "a trader's buys exceed its chunk"
        targets = [r.intent.quantity for r in self._record.leg(trader_id, Side.SELL) if r.existed]
        assert sold <= (targets[0] if targets else ZERO), "it sold more than it set out to"

    @property
    def committed_quote(self) -> Decimal:
        """Return what unfinished cycles have spent or may still spend, from the record's rows."""
        rows = [row for name in self._record.running for row in self._record.leg(name, Side.BUY)]
        return sum((_may_cost(row) for row in rows), ZERO)

    # When it is over.

    def close(self, funds: Decimal) -> None:
        """Check the books of a drained symbol: (12) and (13).

        A symbol that is not listed any more leaves what is on record: nobody can ask for more.
        """
        self._close_record()
        if not self._exchange.delisted:
            self._close_orders()
            self._close_balances(funds)

    def _close_orders(self) -> None:
        there = {order.client_order_id: order for order in self._exchange.all_orders()}
        for name, row in self._record.orders.items():
            order = there.pop(name, None)
            if order is None:
                forgotten = row.order_id in self._exchange.forgotten
                assert row.state in (GIVEN_UP if forgotten else NEVER_THERE), row
                assert row.reason
                assert not row.executed
                continue
            assert order.status in STATUS[row.state], (row, order)
            assert (row.executed, row.executed_quote) == (order.executed, order.executed_quote)
            assert row.order_id == order.order_id
            fills = _trade_ids(self._exchange, order.order_id)
            assert set(row.fills) <= set(fills)
            assert row.fills_given_up or tuple(sorted(row.fills)) == fills
        assert not there, "orders of ours that the record does not hold"

    def _close_record(self) -> None:
        """Check that what is on record explains itself."""
        inventory = self._record.inventory
        assert inventory.in_progress == ZERO
        assert inventory.position == inventory.carried + inventory.stranded
        told = sum((result.profit for result in self._record.results), ZERO)
        kept = sum((self._cost_kept(result) for result in self._record.results), ZERO)
        assert told == self._flow_of_quote() - self._fee_values() + kept + self._record.carried_cost

    def _close_balances(self, funds: Decimal) -> None:
        """Compare the record with the account; of fills that were given up, it lacks the fees."""
        exchange, lacks = self._exchange, self._fills_given_up()
        there = exchange.total(BASE) + exchange.taken + _fees(lacks, BASE)
        assert there == self._record.inventory.position
        assert exchange.total(QUOTE) - funds + _fees(lacks, QUOTE) == self._flow_of_quote()
        fills = [f for row in self._record.orders.values() for f in row.fills.values()]
        third = [f for f in fills if f.commission_asset not in {BASE, QUOTE}]
        for asset in {fill.commission_asset for fill in third}:
            assert exchange.total(asset) == -_fees([*third, *lacks], asset)
        unvalued = {
            (name, fill.trade_id)
            for name, row in self._record.orders.items()
            for fill in row.fills.values()
            if fill in third and fill.fee_value is None
        }
        assert unvalued == set(self._record.unvalued)

    def _fills_given_up(self) -> list[Fill]:
        """Return the fills that the record does not hold, as a deadline did not wait for them."""
        given_up = (row for row in self._record.orders.values() if row.fills_given_up)
        return [
            fill
            for row in given_up
            if row.order_id is not None
            for fill in self._exchange.trades(0, row.order_id)
            if fill.trade_id not in row.fills
        ]

    def _flow_of_quote(self) -> Decimal:
        """Return what all sells earned less what all buys spent, and commission in quote."""
        flow = ZERO
        for row in self._record.orders.values():
            moved = row.executed_quote
            flow += moved if row.intent.side is Side.SELL else -moved
            flow -= _fees(list(row.fills.values()), QUOTE)
        return flow

    def _cost_kept(self, result: TraderResult) -> Decimal:
        return self._record.flow(result.trader_id).cost_of(result.quantity)

    def _fee_values(self) -> Decimal:
        fills = (f for row in self._record.orders.values() for f in row.fills.values())
        return sum((fill.fee_value.value for fill in fills if fill.fee_value), ZERO)


def _may_cost(row: OrderRow) -> Decimal:
    rest = ZERO if row.over else (row.quantity or row.intent.quantity) - row.executed
    return row.executed_quote + rest * row.intent.price


def _fees(fills: Sequence[Fill], asset: str) -> Decimal:
    return sum((fill.commission for fill in fills if fill.commission_asset == asset), ZERO)


def _trade_ids(exchange: Exchange, order_id: int) -> tuple[int, ...]:
    return tuple(fill.trade_id for fill in exchange.trades(0, order_id))


def _sums(leader: Leader) -> tuple[object, ...]:
    return (
        leader.carried,
        leader.carried_cost,
        leader.profit,
        leader.unvalued_fees,
        leader.committed_quote,
        leader.finished,
    )


def _facts(leader: Leader) -> set[tuple[object, ...]]:
    """Return what must survive: an intent without an answer is in doubt for the next leader."""
    return {
        (
            trader.trader_id,
            trader.rebuy is Rebuy.SPENT,
            order.intent,
            order.state if order.state is not OrderState.INTENT else OrderState.UNDECIDED,
            order.order_id,
            order.executed,
            order.executed_quote,
            tuple(sorted(order.fills)),
            tuple(order.cancels),
        )
        for trader in leader.traders
        for order in trader.orders
        if order.existed
    } | {
        (t.trader_id, t.terms, t.started_ms, tuple(t.attempts[side] for side in Side))
        for t in leader.traders
    }
