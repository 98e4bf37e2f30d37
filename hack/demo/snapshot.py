"""What is known of a symbol at one moment, read from what the cluster answered."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

UNHAPPY = {"Ready": "False", "Trading": "False", "Stalled": "True", "Degraded": "True"}
"""Conditions, and the status in which they have something to say to a person."""


@dataclass(frozen=True, slots=True)
class Order:
    """An order that is, or may be, on the exchange."""

    trader: str
    side: str
    price: str
    quantity: str
    executed: str


@dataclass(frozen=True, slots=True)
class Book:
    """What the record says."""

    orders: tuple[Order, ...] = ()
    fills: int = 0
    finished: int = 0
    """Cycles."""
    running: int = 0
    """Traders."""
    profit: str = "0"
    """Of all that are over, in the quote asset."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One symbol at one moment; what could not be asked for has its default."""

    requested: str = "?"
    ready: bool = False
    traders: int = 0
    open_orders: int = 0
    profit: str = "0"
    quote: str = ""
    leader: str = "none yet"
    problems: tuple[str, ...] = ()
    book: Book = Book()
    story: tuple[str, ...] = ()
    ended: bool = False
    """The recording is over."""

    @property
    def trades(self) -> bool:
        """Whether the exchange has accepted an order, and the leader leads."""
        return self.ready and (self.open_orders > 0 or self.book.fills > 0)


def read(resource: str, book: str, story: str, exchange: str) -> Snapshot:
    """Put answers together: the resource and the book as JSON, the logs of leader and exchange.

    An empty text is an answer that did not come.
    """
    status = _object(resource).get("status", {})
    leader = status.get("leader", {})
    return Snapshot(
        requested=status.get("requested", "?"),
        ready=any(map(_is_ready, status.get("conditions", []))),
        traders=status.get("traders", 0),
        open_orders=status.get("openOrders", 0),
        profit=status.get("profit", "0"),
        quote=status.get("quoteAsset", ""),
        leader=f"{leader['pod']} on {leader.get('node', '?')}" if "pod" in leader else "none yet",
        problems=tuple(_problems(status.get("conditions", []))),
        book=read_book(book),
        story=read_story(story),
        ended="the recording has ended" in exchange,
    )


def read_book(text: str) -> Book:
    """Read the answer to `record.BOOK`."""
    found = _object(text)
    if not found:
        return Book()
    orders = tuple(Order(**order) for order in found.pop("orders"))
    return Book(orders, **found)


def read_story(log: str) -> tuple[str, ...]:
    """Read lines of a leader's log, for people."""
    return tuple(map(sentence, log.splitlines()))


def sentence(line: str) -> str:
    """Turn a structured log line into one for people; any other stays as it is."""
    fields = _object(line)
    if "event" not in fields:
        return line
    clock = str(fields.pop("timestamp", ""))[11:19]
    fields = {key: value for key, value in fields.items() if key not in _REPEATED}
    trader, event = fields.pop("trader", ""), fields.pop("event")
    rest = ", ".join(f"{key} {value}" for key, value in fields.items())
    return f"{clock}  {trader:13}  {event}" + (f": {rest}" if rest else "")


_REPEATED = ("symbol", "namespace", "level", "order", "order_id", "logger")


def _is_ready(condition: dict[str, Any]) -> bool:
    return (condition["type"], condition["status"]) == ("Ready", "True")


def _problems(conditions: list[dict[str, Any]]) -> list[str]:
    return [
        f"{each['type']} is {each['status']} ({each['reason']}) {each['message']}".rstrip()
        for each in conditions
        if UNHAPPY.get(each["type"]) == each["status"]
    ]


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
