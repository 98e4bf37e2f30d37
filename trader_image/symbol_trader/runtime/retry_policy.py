"""How long a process waits, for the world and for its own end."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Pauses in seconds between attempts to begin a term, and between reports."""

    first_s: float = 0.5
    most_s: float = 5.0
    exchange_most_s: float = 60.0
    """The same where an attempt went as far as the exchange: Binance bans an address that tries to
    connect more than 300 times in 5 minutes, and twenty leaders may share one."""
    report_s: float = 1.0
    last_report_s: float = 2.0
    """How long the last report may take: the process is asked to end."""
    end_s: float = 12.0
    """How long after a signal a term may take to end. With the last report, and with what the
    adapters take to close, it stays below the grace period of a leader's pod (20 s)."""

    def pause_s(self, failures: int, *, dialed: bool) -> float:
        """Return the pause after so many failures in a row: it doubles up to its limit."""
        most_s = self.exchange_most_s if dialed else self.most_s
        # Far beyond any limit, and no number that grows for ever.
        return min(self.first_s * 2.0 ** min(failures - 1, 30), most_s)
