"""Which steps are crossed with which faults. Pure.

A step is a call of a port, and where in the call the leader ends. The calls are those of a traced
run; `test_crash.py` checks that no call of the ports is missing among them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import Any, Self

PHASES = ("before", "during", "after")


class Way(StrEnum):
    """How the leader ends at its step."""

    KILLED = "killed"
    FROZEN = "frozen"
    """It thaws when another process has taken over, and must find itself fenced."""
    WITHOUT_DATABASE = "database cut"
    """It goes on: its connection to the record is cut at the step."""
    WITHOUT_API_SERVER = "API server away"
    """It goes on: the API server goes away at the step, for a while."""


@dataclass(frozen=True, slots=True)
class Step:
    """The end of a leader: at the so-manieth time that a phase of a call is reached."""

    call: str
    phase: str
    occurrence: int = 1
    way: Way = Way.KILLED

    def __str__(self) -> str:
        return f"{self.call}/{self.phase}/{self.occurrence}/{self.way}"

    @classmethod
    def read(cls, text: str) -> Self:
        """Read what `str` wrote."""
        call, phase, occurrence, way = text.split("/")
        return cls(call, phase, int(occurrence), Way(way))


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong at the exchange: commands from the start, and once it trades."""

    name: str
    from_start: tuple[tuple[str, dict[str, Any]], ...] = ()
    once_trading: tuple[tuple[str, dict[str, Any]], ...] = ()


def _request(fault: str, target: str = "order.place", **more: Any) -> Fault:
    """Disturb a few requests: a rule without an end would hide what a step's occasion adds."""
    rule = {"fault": fault, "target": target, "skip": 1, "times": 2, "delayMs": 600, **more}
    return Fault(f"{fault} {target}", from_start=(("fault", rule),))


def _event(fault: str) -> Fault:
    rule = {"fault": fault, "target": "TRADE", "times": 4, "delayMs": 300}
    return Fault(f"{fault} TRADE", from_start=(("fault", rule),))


def _command(name: str, command: str, **params: Any) -> Fault:
    return Fault(name, once_trading=((command, params),))


NO_FAULT = Fault("no fault")
FAULTS = (
    NO_FAULT,
    _request("request-lost"),
    _request("request-delayed"),
    _request("reply-lost"),
    _request("reply-delayed"),
    _request("event-first", times=8),
    _request("timeout"),
    _request("timeout-executed"),
    _request("refused", code=-1003, retryAfterMs=500, times=1),
    _request("refused", "order.status", code=-2013, skip=0, times=3),
    _request("disconnect", times=1),
    _request("disconnect-executed", times=1),
    _request("stall", times=1),
    _request("request-lost", "order.cancel", skip=0),
    _request("reply-lost", "order.cancel", skip=0),
    _request("timeout-executed", "order.cancel", skip=0),
    _request("reply-lost", "myTrades", skip=0),
    _event("event-lost"),
    _event("event-twice"),
    _event("event-delayed"),
    _event("event-swapped"),
    _command("user data ends", "end-user-data"),
    _command("shutdown announced", "announce-shutdown"),
    _command("connections cut", "cut", channel="all"),
    _command("market silent", "stall", channel="streams"),
    Fault("small pages", from_start=(("page-limit", {"rows": 2}),)),
    _command("clock off", "clock-skew", ms=1_500),
)

ORDER_NOTED, CANCEL_NOTED = "record.note of an order", "record.note of a cancel"
"""Notes that hold an intent: after each of these a request may be sent."""

CALLS = (
    *("ownership.open", "ownership.claim", "record.load", "record.mirror_settings"),
    *("record.advance_watermark", "record.note", ORDER_NOTED, CANCEL_NOTED),
    *("ownership.confirm", "ownership.release", "record.settled_meanwhile"),
    *("record.unrecorded_fills", "record.unrecorded_client_order_ids"),
    *("exchange.open", "exchange.account", "exchange.symbol", "exchange.commission"),
    *("exchange.trades", "exchange.open_orders", "exchange.order", "exchange.place"),
    *("exchange.cancel", "exchange.best_bid", "exchange.order_by_id", "exchange.price_of"),
    *("exchange.asset_limits", "exchange.has_room"),
    *("record.know_quote_asset", "limits.read", "limits.hear"),
)
"""The calls of the ports: `test_crash.py` checks that these are all, and that a run makes them."""

ONLY_IN_TROUBLE = {"exchange.last_trade", "exchange.lowest_price", "exchange.reference_price"}
"""Calls that read, and that no run makes without a stalled market, missed trades, or a filter of
percents that an order comes near to."""

ONLY_WITH_LIMITS = {
    *("limits.mirror", "limits.forget", "limits.report", "limits.take_on_bids"),
    *("record.record_bid", "exchange.best_bids", "limits.record_bids"),
}
"""Calls that no run without a TradingLimit makes: see `of_limits`."""
LIMIT_EXISTS, REPORT_LIMIT = "resource.limit_exists", "resource.report_limit"
"""Requests to the API server about a TradingLimit."""

SUBSCRIBE_SIGNED = "userDataStream.subscribe.signature"
"""What a key of the kind HMAC asks: it cannot log on."""
LOOK = "apiRestrictions"
"""The look at a live key, over REST."""
REQUESTS = (
    *("session.logon", "userDataStream.subscribe", SUBSCRIBE_SIGNED, LOOK),
    *("exchangeInfo", "account.commission", "myFilters", "time"),
)
"""Requests that a session begins with, or that are repeated from time to time."""
SLOT = "slots.reserve"
"""The statement that hands out the slot of a connection."""
WHILE_IT_OPENS = {"session.logon", "userDataStream.subscribe", SUBSCRIBE_SIGNED, LOOK, "time", SLOT}
"""What comes first while a session is opened: before the leader holds an epoch."""
RENEWAL = "renewal"
"""A new connection is made ready while the old one is in use."""

LATER = {
    ORDER_NOTED: 4,
    "record.note": 7,
    "exchange.place": 4,
}
"""Calls at which the leader also ends a later time: in the middle of a life, not at its begin."""
RESTING = (CANCEL_NOTED, "exchange.cancel", "exchange.best_bid")
"""Calls that need a sell that rests, at a reconciliation or at a shutdown's deadline: the leader
asks for too much."""
UNCLAIMED = ("ownership.open", "exchange.open", "exchange.account", "ownership.claim")
"""Calls before it holds an epoch: frozen there, it would have nothing that can be taken over."""


class Entry(StrEnum):
    """How the leader reaches the exchange."""

    PAPER = "paper"
    """By an HMAC key."""
    LIVE = "live"
    """By an Ed25519 key, which is looked at before it trades."""


class Rule(StrEnum):
    """What comes to hold for the account around the step."""

    HALT = "halt"
    """`halt: true` of a TradingLimit."""
    DELETED = "halt that is deleted"
    """The TradingLimit of a halt is deleted: the halt stays."""
    COMMAND = "halt by command"
    LIMIT = "exposure"
    """A TradingLimit that has no room for another buy."""
    LOSS = "daily loss"
    """A TradingLimit whose loss is reached as the price falls."""
    UNLED = "daily loss of a symbol without a leader"
    """The same, where the loss is that of another symbol of the account, which nobody leads."""


@dataclass(frozen=True, slots=True)
class Case:
    """One life of a leader that ends at a step while a fault is about, or a rule comes to hold."""

    step: Step
    fault: Fault
    entry: Entry = Entry.PAPER
    rule: Rule | None = None

    def __str__(self) -> str:
        if self.rule is not None:
            return f"{self.step} around {self.rule}"
        where = "" if self.entry is Entry.PAPER else f" on {self.entry}"
        return f"{self.step} with {self.fault.name}{where}"


def steps(calls: Iterable[str] = CALLS) -> Iterator[Step]:
    """Yield every step at which a leader is ended."""
    for call, phase in product(calls, PHASES):
        yield Step(call, phase)
        if call in LATER:
            yield Step(call, phase, LATER[call])
        if call not in UNCLAIMED:
            yield Step(call, phase, LATER.get(call, 1), Way.FROZEN)


def request_steps() -> Iterator[Step]:
    """Yield the steps at a request, at a slot, and at a renewal, with either way to end.

    Frozen is a leader whose renewal asks: that of the first connection holds no epoch yet.
    """
    for call, phase in product((*REQUESTS, SLOT, RENEWAL), PHASES):
        yield Step(call, phase)
        if call not in WHILE_IT_OPENS:
            yield Step(call, phase, way=Way.FROZEN)


def _faults_of(call: str) -> tuple[Fault, ...]:
    """Return what can go wrong at a request itself, and at the connection that it goes over."""
    if call == RENEWAL:
        # A connection that is cut is not renewed: a new session begins.
        lost = {"fault": "reply-lost", "target": "session.logon", "times": 1}
        return NO_FAULT, _command("its logon unanswered", "fault", **lost)
    about = (NO_FAULT, _command("connections cut", "cut", channel="all"))
    if call not in REQUESTS or call == LOOK:
        return about
    kinds = ("request-lost", "reply-lost", "disconnect", "timeout")
    return *about, *(_request(kind, call, skip=0, times=1) for kind in kinds)


def _entry_of(call: str) -> Entry:
    return Entry.PAPER if call == SUBSCRIBE_SIGNED else Entry.LIVE


def of_ports() -> list[list[Case]]:
    """Return each step at a port's call with every fault."""
    return [[Case(step, fault) for fault in FAULTS] for step in steps()]


def of_requests() -> list[list[Case]]:
    """Return each step at a request with what can befall that."""
    return [
        [Case(step, fault, _entry_of(step.call)) for fault in _faults_of(step.call)]
        for step in request_steps()
    ]


AROUND = {
    Rule.HALT: ("limits.read", "limits.mirror", "limits.hear", "limits.report", REPORT_LIMIT),
    Rule.DELETED: (LIMIT_EXISTS, "limits.forget"),
    Rule.COMMAND: ("limits.read", "limits.hear", ORDER_NOTED, "exchange.place"),
    Rule.LIMIT: ("limits.mirror", "limits.hear", "limits.report", ORDER_NOTED),
    Rule.LOSS: ("record.record_bid", "limits.take_on_bids"),
    Rule.UNLED: ("exchange.best_bids", "limits.record_bids"),
}
"""The calls between which a rule comes to hold."""


def of_limits() -> list[list[Case]]:
    """Return each call around a rule with what can be lost there: leader, database, API server."""
    return [
        [Case(Step(call, p, way=way), NO_FAULT, rule=rule) for p, way in product(PHASES, Way)]
        for rule, calls in AROUND.items()
        for call in calls
    ]


def matrix() -> list[Case]:
    """Return every step with every fault, and all that can be lost around limits."""
    return [case for row in (*of_ports(), *of_requests(), *of_limits()) for case in row]


def share() -> list[Case]:
    """Return each step with one fault; the faults go round, shifted a little each time.

    Of the steps at requests, those in the middle of one; of the calls around limits, one step each.
    """
    most = len(FAULTS)
    requests = [row for row in of_requests() if row[0].step.phase == "during"]
    return [
        *(row[(place + place // most) % most] for place, row in enumerate(of_ports())),
        *(row[place % len(row)] for place, row in enumerate(requests)),
        # Five and twelve have no common divisor: each phase and each way comes soon.
        *(row[5 * place % len(row)] for place, row in enumerate(of_limits())),
    ]
