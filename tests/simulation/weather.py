"""How bad it is: the probabilities of one seed's faults.

Each seed draws its own, and most of them are zero or large: a fault that is rare everywhere never
meets another.
"""

from dataclasses import dataclass, fields
from random import Random

LEVELS = (0.0, 0.0, 0.02, 0.1, 0.3)
CRASHES = (0.0, 0.01, 0.03, 0.1)


@dataclass(frozen=True, slots=True)
class Weather:
    """Probabilities, each per occasion; the defaults are a calm day."""

    crash: float = 0.0
    """The process dies: before or after the record, before or after an intent, after a send."""
    freeze: float = 0.0
    """A process that dies after an intent had its request written nevertheless, later."""
    lose_request: float = 0.0
    lose_reply: float = 0.0
    dead_socket: float = 0.0
    """The reply is given up at once; the request may arrive all the same."""
    late_request: float = 0.0
    """It is under way for seconds, and may come after its window."""
    slow_engine: float = 0.0
    """The exchange took it and works on it for seconds."""
    lag: float = 0.0
    """A query is answered as things stood before."""
    lose_report: float = 0.0
    repeat_report: float = 0.0
    slow_report: float = 0.0
    """It comes seconds later, after others that were sent after it."""
    unreachable: float = 0.0
    """A request that only reads gets no answer: the process begins anew."""
    expire: float = 0.0
    """Per tick: the exchange ends an order of ours."""
    foreign_cancel: float = 0.0
    """Per tick: a person cancels an order of ours, and says to go on a while later."""


def drawn(random: Random) -> Weather:
    """Draw a seed's weather."""
    chances = {field.name: random.choice(LEVELS) for field in fields(Weather)}
    chances["crash"] = random.choice(CRASHES)
    chances["freeze"] = random.choice((0.0, 0.5))
    chances["unreachable"] /= 10
    chances["expire"] /= 20
    chances["foreign_cancel"] /= 40
    return Weather(**chances)


CALM = Weather()
