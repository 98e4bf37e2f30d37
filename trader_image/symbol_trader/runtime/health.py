"""Whether the leader is alive and whether it can trade: facts that probes and reports read."""

from collections.abc import Callable
from dataclasses import dataclass, field

STALL_AFTER_S = 120.0
"""The loop must have moved within this time; every wait in it is bounded well below. The longest
is for the exchange's next minute, when much request weight is used."""


@dataclass(slots=True)
class Health:
    """Facts kept by the loop; `clock` is monotonic, in seconds."""

    clock: Callable[[], float]
    heartbeat_s: float = field(init=False)
    epoch: int | None = None
    market_fresh: bool = False
    price_received_s: float = field(init=False)
    """When the last price came, by `clock`; before the first one, when the process started."""
    price_time_ms: int | None = None
    """The exchange's time of that price."""
    user_stream_live: bool = False
    database_reachable: bool = False
    key_warning: str | None = None
    """What a person should know of the exchange's key, though it trades."""

    def __post_init__(self) -> None:
        """Count the start as the first move."""
        self.heartbeat()
        self.price_received_s = self.heartbeat_s

    def heartbeat(self) -> None:
        """Note that the loop made progress."""
        self.heartbeat_s = self.clock()

    def price_received(self, time_ms: int) -> None:
        """Note a price, with the exchange's time of it."""
        self.market_fresh = True
        self.price_received_s = self.clock()
        self.price_time_ms = time_ms

    @property
    def market_age_s(self) -> float:
        """Return for how long no price has come."""
        return self.clock() - self.price_received_s

    def warn_of_key(self, warning: str | None) -> None:
        """Note what a person should know of the exchange's key; None ends it."""
        self.key_warning = warning

    def disconnected(self) -> None:
        """Note that the leader is not connected (any more)."""
        self.user_stream_live = self.database_reachable = False

    @property
    def alive(self) -> bool:
        """Return whether the loop moves."""
        return self.clock() - self.heartbeat_s < STALL_AFTER_S

    @property
    def missing(self) -> tuple[str, ...]:
        """Name what is missing for trading; empty when ready."""
        facts = {
            "epoch": self.epoch is not None,
            "market data": self.market_fresh,
            "user data stream": self.user_stream_live,
            "database": self.database_reachable,
        }
        return tuple(name for name, there in facts.items() if not there)
