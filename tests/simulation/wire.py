"""What lies between a leader and its exchange: time, and everything that can go wrong in it."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from random import Random

from simulation.exchange import LATE, Exchange
from simulation.tally import Tally
from simulation.timeline import Timeline
from simulation.weather import CALM, Weather
from symbol_trader.core.leader import ExchangeView
from symbol_trader.core.orders import (
    CancelIntent,
    ClientOrderId,
    ExchangeOrder,
    ExecutionReport,
    Fill,
    Intent,
)
from symbol_trader.core.replies import NotFound, Outcome, Unknown, UserEvent

QUICK_MS = (1, 40)
SOCKET_DIES_MS = (1, 300)
LATE_MS = (500, 6_000)
"""Later than the window of 3 s in about every second case."""
SLOW_ENGINE_MS = (100, 9_500)
"""At most the timeout that the leader's patience is made for."""
SLOW_REPORT_MS = (100, 5_000)
LAG_MS = 500
"""How long a new order may be denied by queries."""
REPLY_TIMEOUT_MS = 10_000

Heard = Callable[[Outcome], None]


class Wire:
    """Carries requests there and news back, under the weather of the moment."""

    def __init__(
        self, timeline: Timeline, random: Random, exchange: Exchange, tally: Tally
    ) -> None:
        self.weather: Weather = CALM
        self._timeline = timeline
        self._random = random
        self._exchange = exchange
        self._tally = tally
        self._stream_free_ms = 0

    # Requests that act: once there, and one outcome back, whatever happens.

    def place(self, intent: Intent, heard: Heard, *, extra_ms: int = 0) -> None:
        """Send an order."""
        window = intent.timestamp_ms + intent.recv_window_ms
        self._send(lambda now: self._exchange.place(now, intent), window, heard, extra_ms)

    def cancel(self, intent: CancelIntent, heard: Heard) -> None:
        """Send a cancel."""
        window = intent.timestamp_ms + intent.recv_window_ms
        self._send(lambda now: self._exchange.cancel(now, intent), window, heard, 0)

    def _send(
        self, act: Callable[[int], Outcome], window_ms: int, heard: Heard, extra_ms: int
    ) -> None:
        answer = _once(heard)
        if self._happens("dead_socket"):
            delay = self._random.randint(*SOCKET_DIES_MS)
            self._timeline.after(delay, lambda: answer(Unknown("the socket died")))
        else:
            self._timeline.after(REPLY_TIMEOUT_MS, lambda: answer(Unknown("no reply in time")))
        if self._happens("lose_request"):
            return
        travel = self._random.randint(*(LATE_MS if self._happens("late_request") else QUICK_MS))
        self._timeline.after(travel + extra_ms, lambda: self._arrive(act, window_ms, answer))

    def _arrive(self, act: Callable[[int], Outcome], window_ms: int, answer: Heard) -> None:
        if self._timeline.now_ms > window_ms:
            self._tally.count("late requests refused")
            self._reply(LATE, answer)
            return
        slow = self._random.randint(*SLOW_ENGINE_MS) if self._happens("slow_engine") else 0
        self._timeline.after(slow, lambda: self._reply(act(self._timeline.now_ms), answer))

    def _reply(self, outcome: Outcome, answer: Heard) -> None:
        if self._happens("lose_reply"):
            return
        self._timeline.after(self._random.randint(*QUICK_MS), lambda: answer(outcome))

    # Requests that only read: an answer as of now, heard a little later, or None.

    def order(self, name: ClientOrderId) -> ExchangeOrder | NotFound:
        """Ask for an order; a new one may not be known yet."""
        now_ms = self._timeline.now_ms
        order = self._exchange.order(name)
        if order is None or order.time_ms is None:
            return NotFound(now_ms)
        young = order.time_ms > now_ms - LAG_MS
        return NotFound(now_ms) if young and self._happens("lag") else order

    def fills(self, order_id: int | None = None) -> tuple[Fill, ...]:
        """Ask for an order's fills, or for all."""
        return self._exchange.trades(order_id)

    def best_bid(self) -> Decimal:
        """Ask what buyers pay."""
        return self._exchange.best_bid()

    def view(
        self,
        names: list[ClientOrderId],
        strangers: Callable[[Iterable[ExchangeOrder]], tuple[ExchangeOrder, ...]],
        heard: Callable[[ExchangeView | None], None],
    ) -> None:
        """Ask for everything in three questions, between which the world goes on."""
        answers = {name: self.order(name) for name in names}

        def then_open_orders() -> None:
            found = self._exchange.open_orders()
            self.later(lambda: then_fills(found))

        def then_fills(found: tuple[ExchangeOrder, ...]) -> None:
            lost = self._happens("unreachable")
            fills = self._exchange.trades()
            traded = self._exchange.by_number({fill.order_id for fill in fills})
            view = ExchangeView(answers, strangers((*found, *traded)), fills)
            self.later(lambda: heard(None if lost else view))

        self.later(then_open_orders)

    def later(self, action: Callable[[], None]) -> None:
        """Do something after one way over a quick wire."""
        self._timeline.after(self._random.randint(*QUICK_MS), action)

    def lost(self) -> bool:
        """Tell whether a question gets no answer."""
        return self._happens("unreachable")

    # The stream.

    def deliver(self, event: UserEvent, heard: Callable[[UserEvent], None]) -> None:
        """Bring an event of the stream: in order, unless it is slow; perhaps twice, or never."""
        if isinstance(event, ExecutionReport) and self._happens("lose_report"):
            self._tally.count("reports lost")
            return
        if self._happens("slow_report"):
            delay = self._random.randint(*SLOW_REPORT_MS)
            self._tally.count("reports out of order")
        else:
            delay = self._in_order()
        self._timeline.after(delay, lambda: heard(event))
        if self._happens("repeat_report"):
            self._tally.count("reports repeated")
            delay += self._random.randint(*SLOW_REPORT_MS)
            self._timeline.after(delay, lambda: heard(event))

    def _in_order(self) -> int:
        now_ms = self._timeline.now_ms
        self._stream_free_ms = max(self._stream_free_ms, now_ms + self._random.randint(*QUICK_MS))
        return self._stream_free_ms - now_ms

    def _happens(self, fault: str) -> bool:
        chance: float = getattr(self.weather, fault)
        return chance > 0 and self._random.random() < chance


def _once(heard: Heard) -> Heard:
    """Let only the first outcome through: the session gives up a request once."""
    outcomes: list[Outcome] = []

    def hear(outcome: Outcome) -> None:
        outcomes.append(outcome)
        if len(outcomes) == 1:
            heard(outcome)

    return hear
