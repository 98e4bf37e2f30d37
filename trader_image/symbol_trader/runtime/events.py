"""What comes into a leader's mailbox besides the events that its core decides on."""

from asyncio import Task
from dataclasses import dataclass

from symbol_trader.core.events import LeaderEvent
from symbol_trader.desired import Desired


@dataclass(frozen=True, slots=True)
class DesiredChanged:
    """The resource was written. `continued`: nothing that it asked for before was missed."""

    desired: Desired
    continued: bool = True


@dataclass(frozen=True, slots=True)
class RequestOver:
    """A request's task has ended; what it brought came into the mailbox before this."""

    task: Task[None]


@dataclass(frozen=True, slots=True)
class Stop:
    """End without another intent, once all outstanding replies are in."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A connection is gone, or a task failed."""

    cause: BaseException


Event = LeaderEvent | DesiredChanged | RequestOver | Stop | Lost
