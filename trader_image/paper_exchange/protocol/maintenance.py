"""Maintenance: for a time the exchange is not there for anyone."""

from paper_exchange.core.errors import ExchangeError
from paper_exchange.protocol.text import Millis

UNAVAILABLE = 503
"""HTTP status of everything meanwhile."""


class Maintenance:
    """Until when the exchange is down, by the server's clock; the beginning of time: it is up."""

    def __init__(self) -> None:
        self.until = 0

    def check(self, now: int) -> None:
        """Raise -1016 with status 503 while the exchange is down."""
        if now < self.until:
            raise ExchangeError(
                -1016,
                "This service is no longer available.",
                status=UNAVAILABLE,
                data={"serverTime": Millis(now)},
            )
