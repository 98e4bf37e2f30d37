"""What must be true of a ledger as a whole: its totals, and its limits at every moment. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from decimal import Decimal

from symbol_trader.audit.evidence import Commitment, Limits, Totals
from symbol_trader.audit.finding import Finding


def totals_agree(kept: Totals, added_up: Totals) -> Iterator[Finding]:
    """Check that the totals on the ledger's row are the exact sums of its ended traders."""
    sums = asdict(added_up)
    for name, value in asdict(kept).items():
        if value != sums[name]:
            detail = f"{value} on the ledger's row, its traders add up to {sums[name]}"
            yield Finding("total is wrong", name, detail)


class LimitsCheck:
    """Checks chunks and budget at every moment since the settings are in force."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._traders = 0
        self._quote = Decimal(0)

    def see(self, change: Commitment) -> Iterator[Finding]:
        """Take in the next change, oldest first; of one moment, what ends goes first."""
        self._traders += change.traders
        self._quote += change.quote
        if change.moment < self._limits.since:
            return
        when = f"at {change.moment.isoformat()}"
        if change.traders > 0 and self._traders > self._limits.chunks:
            detail = f"{self._traders} of {self._limits.chunks}"
            yield Finding("more traders than chunks", when, detail)
        if change.quote > 0 and self._quote > self._limits.budget:
            detail = f"{self._quote} of {self._limits.budget}"
            yield Finding("over budget", when, detail)

    def run(self, changes: Iterable[Commitment]) -> list[Finding]:
        """Return all findings of some changes."""
        return [finding for change in changes for finding in self.see(change)]
