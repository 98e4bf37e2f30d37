"""Faults on purpose: which request or event is disturbed next, and how. No I/O.

A network or an exchange fails at a moment that nobody chooses; here it is chosen, so that a client
can be tested at each of them. A rule waits for requests of a method, or for events of a kind, lets
`skip` of them pass, and disturbs the next `times` (0: until the rules are cleared), but none after
its time is over.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, StrEnum, auto

from paper_exchange.core.errors import ExchangeError

ANY = "*"
READS = "reads"
"""Every method that changes neither orders nor subscriptions."""

WRITES = frozenset(
    {
        "order.place",
        "order.cancel",
        "order.amend.keepPriority",
        "openOrders.cancelAll",
        "userDataStream.subscribe",
        "userDataStream.subscribe.signature",
        "userDataStream.unsubscribe",
    }
)


class RequestFault(StrEnum):
    """What can happen to a request; every other request goes on meanwhile."""

    REQUEST_LOST = "request-lost"
    """It never arrives: not executed, no reply."""
    REQUEST_DELAYED = "request-delayed"
    """It arrives later, and is judged by the time at which it does."""
    REPLY_LOST = "reply-lost"
    """It is executed; there is no reply."""
    REPLY_DELAYED = "reply-delayed"
    """It is executed; the reply comes later, after the events."""
    EVENT_FIRST = "event-first"
    """It is executed; its events come just before the reply."""
    TIMEOUT = "timeout"
    """It is not executed, and answered by -1007: execution status unknown."""
    TIMEOUT_EXECUTED = "timeout-executed"
    """It is executed, and answered by -1007 all the same."""
    REFUSED = "refused"
    """It is not executed, and answered by a given error."""
    DISCONNECT = "disconnect"
    """It is not executed; the connection is cut without a closing handshake."""
    DISCONNECT_EXECUTED = "disconnect-executed"
    """It is executed; the connection is cut before the reply."""
    STALL = "stall"
    """It is executed; from then on the connection is silent, and stays open."""
    ROWS_MISSING = "rows-missing"
    """It is executed; its reply, a list, lacks all rows or those of one order."""


class EventFault(StrEnum):
    """What can happen to an account event."""

    LOST = "event-lost"
    TWICE = "event-twice"
    DELAYED = "event-delayed"
    SWAPPED = "event-swapped"
    """The event after it comes first."""


Fault = RequestFault | EventFault


class Answer(Enum):
    """What a disturbed request is answered by."""

    NOTHING = auto()
    REPLY = auto()
    """Its reply, after the events."""
    LATE_REPLY = auto()
    UNKNOWN = auto()
    """-1007: execution status unknown."""
    ERROR = auto()
    """The rule's error."""
    LESS = auto()
    """Its reply without the rows that are to be missing."""


class End(Enum):
    """What becomes of the connection."""

    STAYS = auto()
    CUT = auto()
    SILENT = auto()


@dataclass(frozen=True, slots=True)
class Course:
    """What happens to a disturbed request: its connection's end first, then the rest."""

    executed: bool
    answer: Answer = Answer.NOTHING
    end: End = End.STAYS


COURSES = {
    RequestFault.REQUEST_LOST: Course(executed=False),
    RequestFault.REPLY_LOST: Course(executed=True),
    RequestFault.REPLY_DELAYED: Course(executed=True, answer=Answer.LATE_REPLY),
    RequestFault.EVENT_FIRST: Course(executed=True, answer=Answer.REPLY),
    RequestFault.TIMEOUT: Course(executed=False, answer=Answer.UNKNOWN),
    RequestFault.TIMEOUT_EXECUTED: Course(executed=True, answer=Answer.UNKNOWN),
    RequestFault.REFUSED: Course(executed=False, answer=Answer.ERROR),
    RequestFault.DISCONNECT: Course(executed=False, end=End.CUT),
    RequestFault.DISCONNECT_EXECUTED: Course(executed=True, end=End.CUT),
    RequestFault.STALL: Course(executed=True, end=End.SILENT),
    RequestFault.ROWS_MISSING: Course(executed=True, answer=Answer.LESS),
}
"""A delayed request has none: it takes the usual course, later."""


@dataclass(slots=True)
class Rule:
    """One disturbance that waits for its turn.

    `target` is a method (`order.place`) or `reads` for request faults; for event faults an
    execution type (`NEW`, `TRADE`, …) or another event's name (`outboundAccountPosition`); `*` is
    any.  `order_id` is the order whose rows are missing, None all.  `until_ms` is the server's
    time from which it disturbs nothing, None never.
    """

    fault: Fault
    target: str = ANY
    skip: int = 0
    times: int = 1
    delay_ms: int = 0
    error: ExchangeError | None = None
    order_id: int | None = None
    until_ms: int | None = None
    hits: int = 0

    def spent(self, now_ms: int) -> bool:
        """Return whether it has disturbed as often, or for as long, as it should."""
        often = self.times > 0 and self.hits >= self.times
        return often or (self.until_ms is not None and now_ms >= self.until_ms)

    def fits(self, target: str) -> bool:
        """Return whether it waits for this method or kind of event."""
        if self.target == READS:
            return isinstance(self.fault, RequestFault) and target not in WRITES
        return self.target in {ANY, target}


class Faults:
    """All rules, in the order in which they were added; the first that fits acts."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Return all rules since the last `clear`, spent ones too."""
        return tuple(self._rules)

    def add(self, rule: Rule) -> None:
        """Have a rule wait for its turn."""
        self._rules.append(rule)

    def clear(self) -> None:
        """Disturb nothing any more."""
        self._rules.clear()

    def of_request(self, method: str, now_ms: int, order_id: int | None = None) -> Rule | None:
        """Return what disturbs this request, if anything does; it counts as a hit.

        `order_id` is the order that the request asks for, None if it does not say.
        """
        rules = (r for r in self._rules if isinstance(r.fault, RequestFault))
        about = (r for r in rules if None in {r.order_id, order_id} or r.order_id == order_id)
        return _hit(about, method, now_ms)

    def of_event(self, kind: str, now_ms: int) -> Rule | None:
        """Return what disturbs this event, if anything does; it counts as a hit."""
        return _hit((r for r in self._rules if isinstance(r.fault, EventFault)), kind, now_ms)


def fault_named(name: str) -> Fault:
    """Return the fault of this name; raises `ValueError` naming all."""
    faults: dict[str, Fault] = {f.value: f for kind in (RequestFault, EventFault) for f in kind}
    if name not in faults:
        raise ValueError(f"unknown fault {name!r}; known: {', '.join(faults)}")
    return faults[name]


def without_rows(result: object, order_id: int | None) -> object:
    """Return a reply's result without the rows of an order (None: of any), if it is a list."""
    if not isinstance(result, list):
        return result
    return [row for row in result if order_id is not None and row.get("orderId") != order_id]


def _hit(rules: Iterable[Rule], target: str, now_ms: int) -> Rule | None:
    for rule in rules:
        if rule.spent(now_ms) or not rule.fits(target):
            continue
        if rule.skip:
            rule.skip -= 1
            continue
        rule.hits += 1
        return rule
    return None
