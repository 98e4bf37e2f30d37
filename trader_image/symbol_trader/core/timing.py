"""The times that safety and retries depend on, in milliseconds of exchange time."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """Named limits; the defaults are for Binance, tests use fractions of a second."""

    recv_window_ms: int = 3_000
    """After this the exchange refuses a request that is still under way."""
    exchange_timeout_ms: int = 10_000
    """The longest that the exchange works on a request it took (its documented timeout)."""
    margin_ms: int = 1_000
    """Added to the two above before an order that nobody knows counts as absent."""
    not_found_needed: int = 3
    """How often the exchange must deny an order after that."""
    query_every_ms: int = 500
    """How often an undecided order is asked for."""
    retry_first_ms: int = 1_000
    """The first pause after a refusal; it doubles with each further one."""
    retry_most_ms: int = 60_000
    """The longest pause after a refusal."""

    price_age_max_ms: int = 2_000
    """The oldest price, by the exchange's event time, that a buy may follow from."""

    @property
    def gone_after_ms(self) -> int:
        """Return for how long the exchange must deny a symbol before its orders are given up."""
        return 5 * self.bound_ms

    @property
    def bound_ms(self) -> int:
        """Return how long after its timestamp an order may still appear."""
        return self.recv_window_ms + self.exchange_timeout_ms + self.margin_ms

    def retry_pause_ms(self, refusals: int) -> int:
        """Return the pause after so many refusals in a row (at least one)."""
        return min(self.retry_first_ms << min(refusals - 1, 20), self.retry_most_ms)
