"""How long a leader pauses between two attempts."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Pauses in seconds between attempts to begin a term, or to reach the record."""

    first_s: float = 0.5
    most_s: float = 5.0
    exchange_most_s: float = 60.0
    """The same where an attempt went as far as the exchange: Binance bans an address that tries to
    connect more than 300 times in 5 minutes, and twenty leaders may share one."""

    def pause_s(self, failures: int, *, dialed: bool) -> float:
        """Return the pause after so many failures in a row: it doubles up to its limit."""
        most_s = self.exchange_most_s if dialed else self.most_s
        # The exponent is bounded: a process that has failed for weeks must not overflow.
        return min(self.first_s * 2.0 ** min(failures - 1, 30), most_s)
